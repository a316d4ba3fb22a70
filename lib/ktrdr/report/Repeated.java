package ktrdr.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Problem;
import ktrdr.inventory.Inventory.Node;

/**
 * Problems that many nodes share, reported once: the same thirty lines for thirty nodes would hide the others. Pure.
 */
public final class Repeated {
    /** Up to this many are reported one by one. */
    private static final int FEW = 3;

    private record Own(String node, String kind, Problem problem) {}

    private Repeated() {}

    /**
     * The same problems in their order; of those that differ by nothing but their node only the first, which names the
     * other nodes.
     */
    public static List<Problem> once(Map<Node, Problem> problems) {
        return once(problems.keySet(), List.copyOf(problems.values()));
    }

    /** The same of problems that name their node, one of these, in their sentence. */
    public static List<Problem> once(Collection<Node> nodes, List<Problem> problems) {
        return once(List.of(), nodes, problems);
    }

    /** The same with nodes of which no more than the name is known. */
    static List<Problem> once(Collection<String> named, Collection<Node> nodes, List<Problem> problems) {
        var names = new LinkedHashMap<String, List<String>>();
        named.forEach(node -> names.put(node, List.of()));
        nodes.forEach(node -> names.put(node.name(),
                Stream.concat(Stream.of(node.host(), node.id()), node.address().stream()).toList()));
        return once(names, problems);
    }

    private static List<Problem> once(Map<String, List<String>> nodes, List<Problem> problems) {
        var kinds = new LinkedHashMap<Object, List<Own>>();
        var all = new ArrayList<>();
        for (var problem : problems) {
            var own = own(nodes, problem);
            if (own.isEmpty()) all.add(problem);
            else kinds.computeIfAbsent(own.get().kind(), kind -> {
                all.add(kind);
                return new ArrayList<>();
            }).add(own.get());
        }
        return all.stream().flatMap(value -> value instanceof Problem problem ? List.of(problem).stream()
                : told(kinds.get(value)).stream()).toList();
    }

    private static List<Problem> told(List<Own> alike) {
        var first = alike.get(0);
        if (alike.size() <= FEW) return alike.stream().map(Own::problem).toList();
        var others = alike.stream().skip(1).map(Own::node).collect(Collectors.joining(", "));
        return List.of(first.problem().alsoOf(alike.size() - 1 + " other nodes").with("the same", others));
    }

    /** The node that comes first in the sentence, and all of the problem with another word in its place. */
    private static Optional<Own> own(Map<String, List<String>> nodes, Problem problem) {
        var sentence = problem.sentence();
        return nodes.keySet().stream().filter(node -> at(node, sentence) >= 0)
                .min(Comparator.comparingInt(node -> at(node, sentence)))
                .map(node -> new Own(node,
                        kind(problem, Stream.concat(Stream.of(node), nodes.get(node).stream()).toList()), problem));
    }

    private static String kind(Problem problem, List<String> names) {
        var text = problem.exit() + "\n" + String.join("\n", problem.lines());
        for (var name : names) text = word(name).matcher(text).replaceAll("\0");
        return text;
    }

    private static int at(String node, String text) {
        var found = word(node).matcher(text);
        return found.find() ? found.start() : -1;
    }

    /** A name on its own: workers-1 is not in workers-10, nor core in core-2. */
    private static Pattern word(String name) {
        return Pattern.compile("(?<![\\w-])" + Pattern.quote(name) + "(?![\\w-])");
    }
}
