package ktrdr.release;

import java.util.Map;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Role;

/**
 * The scale of workers nodes that have none in the inventory: that of their last deployment, so that {@code scale}
 * survives the next one.
 *
 * @param inventory with the scale that runs; 1 if nothing was deployed yet or the node could not be asked
 * @param unknown nodes that could not be asked, and why
 */
public record DeployedScale(Inventory inventory, Map<Node, Problem> unknown) {

    /** Asks all nodes without a scale in parallel; none if the inventory gives the scale of each. */
    public static DeployedScale of(Fleet fleet) {
        var inventory = fleet.inventory();
        var asked = fleet.each(node -> node.role() == Role.WORKERS && node.given().isEmpty(),
                (node, ssh) -> of(node, History.of(ssh, inventory, node)));
        var adopted = inventory;
        for (var entry : asked.values().entrySet())
            if (entry.getValue().isPresent()) adopted = adopted.with(entry.getKey().withScale(entry.getValue().get()));
        return new DeployedScale(adopted, asked.problems());
    }

    /** The highest number that a worker of the last good release has; empty if nothing was deployed. */
    public static Optional<Integer> of(Node node, History history) {
        var workers = node.own().scaled();
        return history.current()
                .map(entry -> entry.images().keySet().stream().mapToInt(workers::number).max().orElse(0))
                .filter(scale -> scale > 0);
    }

    /**
     * The inventory for writing Prometheus' targets. A node with an unknown scale would lose some of its targets, so it
     * is a {@link Problem}.
     */
    public Inventory known() {
        unknown.entrySet().stream().findFirst().ifPresent(entry -> {
            throw Problem.unreachable(entry.getKey().name()
                    + ": how many workers it runs is not in the inventory, and it could not be asked; Prometheus "
                    + "would lose their targets")
                    .found(entry.getValue().sentence())
                    .fix("give it `scale: 1`, 2 or 3 in " + inventory.source()
                            + ", or run this again when it can be reached");
        });
        return inventory;
    }
}
