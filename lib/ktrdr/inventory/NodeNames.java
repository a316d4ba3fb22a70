package ktrdr.inventory;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory.Node;

/**
 * What nodes are called by, seen together: a word on a command line means one node and nothing else, a job of
 * Prometheus is of one node, and DNS has room for every name. Pure.
 */
final class NodeNames {
    /** RFC 1035, section 2.3.4, as text. */
    private static final int LONGEST = 253;
    /** Jobs that prometheus.yml has next to those of the workers nodes. */
    private static final Set<String> JOBS = Set.of("prometheus", "backend", "node");
    private final String domain;
    private final List<Node> nodes;

    NodeNames(String domain, List<Node> nodes) {
        this.domain = domain;
        this.nodes = nodes;
    }

    /** Node to what is wrong with its names; one mistake each. */
    Map<String, String> mistakes() {
        var mistakes = new LinkedHashMap<String, String>();
        for (int i = 0; i < nodes.size(); i++) {
            var node = nodes.get(i);
            for (var other : nodes.subList(0, i)) both(other, node)
                    .ifPresent(word -> mistakes.putIfAbsent(node.name(), word + " means " + other.name() + " too"));
            for (var word : List.of(node.id(), node.name(), node.host())) if (reserved(word, node))
                mistakes.putIfAbsent(node.name(), word + " is reserved for commands");
            // YAML's word for nothing, in prometheus.yml
            if (node.name().equalsIgnoreCase("null"))
                mistakes.putIfAbsent(node.name(), node.name() + " is not a valid name in YAML");
            if (node.role() == Role.WORKERS && JOBS.contains(node.name())) mistakes.putIfAbsent(node.name(),
                    "prometheus.yml has a job " + node.name() + " that is not of this node");
            names(node).filter(name -> name.length() + 1 + domain.length() > LONGEST)
                    .forEach(name -> mistakes.putIfAbsent(node.name(),
                            name + " with the domain is longer than " + LONGEST + " characters"));
        }
        return mistakes;
    }

    /** Takes a mistake at a key of a node. */
    interface Mistakes {
        void note(String node, String key, String text);
    }

    /** A machine may have several stacks, each a node of its own, with the same host and address and another folder. */
    void machines(Mistakes mistakes) {
        for (int i = 0; i < nodes.size(); i++) {
            var node = nodes.get(i);
            for (var other : nodes.subList(0, i)) machine(other, node, mistakes);
        }
    }

    private static void machine(Node other, Node node, Mistakes mistakes) {
        boolean host = other.host().equalsIgnoreCase(node.host());
        boolean address = node.address().isPresent() && node.address().equals(other.address());
        boolean apart = !other.role().equals(node.role()) && (other.role().own() || node.role().own());
        if (host && !(apart && node.address().equals(other.address())))
            mistakes.note(node.name(), "host", node.host() + " is taken by " + other.name());
        else if (address && !(apart && host))
            mistakes.note(node.name(), "address", node.address().get() + " is taken by " + other.name());
        else if (host && other.directory().equals(node.directory()))
            mistakes.note(node.name(), "directory", node.directory() + " is taken by " + other.name());
    }

    /** Commands name roles, of which core and those of one's own may be the name of their only node. */
    private boolean reserved(String word, Node node) {
        if (word.matches("(?i)all|workers")) return true;
        var roles = Stream.concat(Stream.of(Role.CORE), nodes.stream().map(Node::role));
        return roles.anyMatch(role -> role.name().equalsIgnoreCase(word) && !(role.equals(node.role())
                && (role == Role.CORE || nodes.stream().filter(one -> one.role().equals(role)).count() == 1)));
    }

    private static Stream<String> names(Node node) {
        return Stream.concat(Stream.of(node.host()), node.aliases().stream());
    }

    /** A word that means both, except two ids or two hosts, which are reported at their keys. */
    private static Optional<String> both(Node node, Node other) {
        var words = List.of(node.id(), node.name(), node.host());
        var others = List.of(other.id(), other.name(), other.host());
        for (int i = 0; i < words.size(); i++)
            for (int j = 0; j < others.size(); j++)
                if ((i != j || i == 1) && words.get(i).equalsIgnoreCase(others.get(j))
                        && !node.id().equalsIgnoreCase(other.id())
                        && !node.host().equalsIgnoreCase(other.host())) return Optional.of(others.get(j));
        return Optional.empty();
    }
}
