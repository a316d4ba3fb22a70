package ktrdr.inventory;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;

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
            for (var word : List.of(node.id(), node.name(), node.host()))
                if (word.matches("(?i)all|workers") || node.role() == Role.WORKERS && word.equalsIgnoreCase("core"))
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
