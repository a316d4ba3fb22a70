package ktrdr.inventory;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.DidYouMean;
import ktrdr.Problem;
import ktrdr.inventory.Inventory.Node;

/** Finds nodes by the words of a command line: id, name, host or full host name, in any case; and by their machine. */
public record NodeLookup(Inventory inventory) {
    /** The word for every node, or for all of a role. */
    public static final String ALL = "all";

    /** The node of a word; empty if there is none. */
    public Optional<Node> find(String asked) {
        return inventory.nodes().stream().filter(node -> names(node).stream().anyMatch(asked::equalsIgnoreCase))
                .findFirst();
    }

    /** By a machine that has several stacks none of them is meant alone. */
    Node node(String asked) {
        var found = find(asked).orElseThrow(() -> unknown(asked));
        var all = machine(found);
        if (all.size() < 2 || Stream.of(found.id(), found.name()).anyMatch(asked::equalsIgnoreCase)) return found;
        throw Problem.usage(asked + " has several stacks")
                .expected("one of " + String.join(", ", all.stream().map(Node::name).toList()));
    }

    Node workersNode(String asked) {
        var node = node(asked);
        if (node.role() == Role.WORKERS) return node;
        throw Problem.usage(node.name() + " runs no workers")
                .expected("one of " + String.join(", ", workersNodes(List.of()).stream().map(Node::name).toList()));
    }

    List<Node> workersNodes(List<String> names) {
        boolean every = names.isEmpty() || names.equals(List.of(ALL));
        var nodes = every ? inventory.workers() : names.stream().map(this::workersNode).distinct().toList();
        if (nodes.isEmpty()) throw Problem.usage("there are no workers nodes in " + inventory.source())
                .expected("a node with `role: workers`").found(inventory.roles().equals(List.of("core")) ? "core alone"
                        : "the roles " + String.join(", ", inventory.roles()));
        return nodes;
    }

    /** The role of a word; another word is a {@link Problem}. */
    public Role role(String word) {
        var roles = inventory.nodes().stream().map(Node::role).distinct().toList();
        // a fleet without workers nodes says so itself
        if (word.equals(Role.WORKERS.name()) && roles.contains(Role.CORE)) return Role.WORKERS;
        return roles.stream().filter(role -> role.name().equals(word)).findFirst()
                .orElseThrow(() -> Problem.usage("there is no role " + word + " in " + inventory.source())
                        .expected(String.join(", ", inventory.roles()) + " or all")
                        .found(word + DidYouMean.ask(word, inventory.roles())));
    }

    /** The named nodes of a role, or every one without a name; another node is a {@link Problem}. */
    public List<Node> nodes(Role role, List<String> names) {
        if (role == Role.WORKERS) return workersNodes(names);
        var all = inventory.of(role);
        if (names.isEmpty() || names.equals(List.of(ALL))) return all;
        var nodes = names.stream().map(this::node).distinct().toList();
        nodes.stream().filter(node -> !all.contains(node)).findFirst().ifPresent(node -> {
            throw Problem.usage(node.name() + " has another role than " + role.name())
                    .expected("one of " + String.join(", ", all.stream().map(Node::name).toList()));
        });
        return nodes;
    }

    /** Whether a word after a role is a node of it: of one's own role there may be several. */
    public boolean among(Role role, String word) {
        var all = inventory.of(role);
        return all.size() > 1 && find(word).filter(all::contains).isPresent();
    }

    /** A node as commands name it: "core", "workers B"; by its role alone where no other node may have it. */
    public String words(Node node) {
        boolean alone = node.role() == Role.CORE || node.role().own() && inventory.of(node.role()).size() == 1;
        return node.role().name() + (alone ? "" : " " + node.id());
    }

    /** The nodes that are the same machine, by their host, in the order of the file: each is a stack of it. */
    public List<Node> machine(Node node) {
        return inventory.nodes().stream().filter(other -> other.host().equalsIgnoreCase(node.host())).toList();
    }

    /** Whether it is the first of its machine, which has what is there once a machine. */
    public boolean firstOfMachine(Node node) {
        return machine(node).get(0).name().equals(node.name());
    }

    private Problem unknown(String asked) {
        var nodes = inventory.nodes();
        var all = nodes.stream().flatMap(node -> names(node).stream()).toList();
        return Problem.usage("there is no node " + asked + " in " + inventory.source())
                .expected(String.join(", ", nodes.stream().map(node -> node.id() + " (" + node.name() + ")").toList()))
                .found(asked + DidYouMean.ask(asked, all));
    }

    private List<String> names(Node node) {
        return List.of(node.id(), node.name(), node.host(), inventory.fqdn(node));
    }
}
