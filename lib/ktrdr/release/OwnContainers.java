package ktrdr.release;

import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker.Container;
import ktrdr.node.Occupant;

/** Which containers of a stack's project are the toolkit's, and which are not. Pure. */
public record OwnContainers(Stack stack, History history) {
    /** By what the containers of a fleet's stacks are known on a host. */
    public static Occupant.Marks marks(Inventory inventory) {
        var core = Stack.of(inventory, inventory.core());
        var others = new TreeMap<String, String>();
        for (var node : inventory.workers()) {
            var stack = Stack.of(inventory, node);
            others.put(stack.project(), stack.envFile());
        }
        return new Occupant.Marks(core.project(),
                core.file().services().keySet().stream().map(core::container).toList(), others);
    }

    /**
     * Whether a service is the toolkit's: the Compose file has it, or a deployment brought it here and it was not
     * removed since.
     */
    boolean deploys(String service) {
        if (stack.has(service)) return true;
        return Stream.of(history.current(), history.last()).flatMap(Optional::stream)
                .anyMatch(entry -> entry.images().containsKey(service) || entry.services().contains(service))
                // an older toolkit noted the images of all
                && history.all().stream().anyMatch(entry -> entry.services().contains(service));
    }

    /** Those of these containers that are the toolkit's. */
    public List<Container> of(List<Container> all) {
        return all.stream().filter(container -> deploys(container.service())).toList();
    }

    /** Those that are not, and that the inventory does not name under {@code foreign}. */
    public List<Container> strays(List<Container> all) {
        return others(all).filter(container -> !foreign(container)).toList();
    }

    /** Those that are not, and that the inventory names there. */
    public List<Container> foreign(List<Container> all) {
        return others(all).filter(this::foreign).toList();
    }

    private Stream<Container> others(List<Container> all) {
        return all.stream().filter(container -> !deploys(container.service()));
    }

    private boolean foreign(Container container) {
        var named = stack.inventory().foreign();
        return named.contains(container.service()) || named.contains(container.name());
    }
}
