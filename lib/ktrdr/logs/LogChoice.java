package ktrdr.logs;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import ktrdr.DidYouMean;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.NodeLookup;
import ktrdr.inventory.Role;
import ktrdr.release.Stack;

/**
 * The nodes and services that the words of a command line mean. Pure.
 *
 * @param nodes in the order of the inventory
 * @param services of those nodes; empty for all
 */
public record LogChoice(List<Node> nodes, List<String> services) {
    /**
     * The first word is a node, {@code workers} or {@code all}. A later word is a service if a node before it has it,
     * else a node: a host may have the name of its most important service. Anything else is a {@link Problem} with the
     * nearest known word.
     */
    public static LogChoice of(Inventory inventory, List<String> words) {
        var nodes = new LinkedHashSet<Node>();
        var services = new LinkedHashSet<String>();
        for (var word : words) {
            var service = services(inventory, nodes, word);
            if (service.isEmpty()) nodes.addAll(nodes(inventory, nodes, word));
            services.addAll(service);
        }
        return new LogChoice(inventory.nodes().stream().filter(nodes::contains).toList(), List.copyOf(services));
    }

    /** "node service" of all that should be there, for stable columns and colours. */
    public List<String> places(Inventory inventory) {
        return nodes.stream()
                .flatMap(node -> Stack.of(inventory, node).services().stream()
                        .filter(service -> services.isEmpty() || services.contains(service))
                .map(service -> node.name() + " " + service)).toList();
    }

    /** The service that a word names; the name of a container means its service. */
    private static List<String> services(Inventory inventory, Set<Node> nodes, String word) {
        return nodes.stream().flatMap(node -> {
            // every worker that the node can have at full scale
            var stack = Stack.of(inventory, node.full());
            return stack.services().stream()
                    .filter(service -> word.equals(service) || word.equals(stack.container(service)));
        }).distinct().limit(1).toList();
    }

    private static List<Node> nodes(Inventory inventory, Set<Node> before, String word) {
        if (word.equals(NodeLookup.ALL)) return inventory.nodes();
        if (word.equals(Role.WORKERS.name())) return inventory.workersNodes(List.of());
        if (inventory.roles().contains(word)) return inventory.lookup().nodes(inventory.lookup().role(word), List.of());
        try {
            return List.of(inventory.node(word));
        } catch (Problem unknown) {
            if (before.isEmpty()) throw unknown;
            throw neither(inventory, before, word);
        }
    }

    private static Problem neither(Inventory inventory, Set<Node> nodes, String word) {
        var services = nodes.stream().flatMap(node -> Stack.of(inventory, node.full()).services().stream()).distinct()
                .toList();
        var known = new ArrayList<>(services);
        inventory.nodes().stream().flatMap(node -> Stream.of(node.name(), node.id(), node.host())).forEach(known::add);
        return Problem.usage("`" + word + "` is neither a node nor a service of "
                + String.join(", ", nodes.stream().map(Node::name).toList()))
                .expected("services: " + String.join(", ", services) + "; nodes: "
                        + String.join(", ", inventory.nodes().stream().map(Node::name).toList()))
                .found(word + DidYouMean.ask(word, known));
    }
}
