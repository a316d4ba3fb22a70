package ktrdr.inventory;

import java.util.List;
import java.util.Optional;
import ktrdr.DidYouMean;
import ktrdr.Problem;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;

/** Finds nodes by the words of a command line: id, name, host or full host name, in any case. */
record NodeLookup(Inventory inventory) {
    Optional<Node> find(String asked) {
        return inventory.nodes().stream().filter(node -> names(node).stream().anyMatch(asked::equalsIgnoreCase))
                .findFirst();
    }

    Node node(String asked) {
        return find(asked).orElseThrow(() -> unknown(asked));
    }

    Node workersNode(String asked) {
        var node = node(asked);
        if (node.role() == Role.WORKERS) return node;
        throw Problem.usage(node.name() + " runs no workers")
                .expected("one of " + String.join(", ", workersNodes(List.of()).stream().map(Node::name).toList()));
    }

    List<Node> workersNodes(List<String> names) {
        boolean every = names.isEmpty() || names.equals(List.of("all"));
        var nodes = every ? inventory.workers() : names.stream().map(this::workersNode).distinct().toList();
        if (nodes.isEmpty()) throw Problem.usage("there are no workers nodes in " + inventory.source())
                .expected("a node with `role: workers`").found("core alone");
        return nodes;
    }

    private Problem unknown(String asked) {
        var nodes = inventory.nodes();
        var all = nodes.stream().flatMap(node -> names(node).stream()).toList();
        return Problem.usage("there is no node " + asked + " in " + inventory.source())
                .expected(String.join(", ", nodes.stream().map(node -> node.id() + " (" + node.name() + ")").toList()))
                .found(asked + DidYouMean.of(asked, all).map(near -> "; did you mean " + near + "?").orElse(""));
    }

    private List<String> names(Node node) {
        return List.of(node.id(), node.name(), node.host(), inventory.fqdn(node));
    }
}
