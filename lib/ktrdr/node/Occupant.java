package ktrdr.node;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Role;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * Which node a host is, by what runs there: if the addresses of two nodes are swapped, ssh may know the keys of both.
 *
 * @param host the host's own name, without a domain; empty if it did not report it
 * @param core the project of core's stack, if containers of it are there
 * @param workers the nodes for which containers of workers were started, as the env file next to their Compose file
 *     names them, each with the project
 */
public record Occupant(String host, Optional<String> core, Map<String, String> workers) {
    public static final Occupant UNKNOWN = new Occupant("", Optional.empty(), Map.of());

    /**
     * By what the containers of a fleet are known.
     *
     * @param core the project of core, and {@code containers} those that it has there: another's may be in it too
     * @param others the projects of the other nodes to the names of their env files
     */
    public record Marks(String core, List<String> containers, Map<String, String> others) {
        /**
         * The shell function {@code occupied NAME PROJECT FOLDER}, of a container, and the host's name; they need
         * {@code say}.
         */
        public String tools() {
            return """
                    say hostname "$(uname -n)"
                    stack_of() { sed -n 's/^NODE=//p' "$1" 2>/dev/null | head -n 1; }
                    occupied() {
                      case $2:$1 in
                    CASES  esac
                    }
                    """.replace("CASES", cases());
        }

        private String cases() {
            return "    " + containers.stream().map(name -> Sh.quote(core + ":" + name))
                    .collect(Collectors.joining(" | ")) + ") say occupied " + Sh.quote("core " + core) + " ;;\n"
                    + others.entrySet().stream().map(other -> "    " + Sh.quote(other.getKey()) + ":*) say occupied "
                            + Sh.quote("workers " + other.getKey() + " ") + "\"$(stack_of \"$3/\""
                            + Sh.quote(other.getValue()) + ")\" ;;\n").collect(Collectors.joining());
        }

        /** Shell lines that say all of it, for a script that does not look at every container by itself. */
        public String script() {
            return tools() + LIST;
        }
    }

    /** Shell lines that say it of every container, with {@link Marks#tools}, and to which project each belongs. */
    public static final String LIST = """
            timeout 10 docker ps -a --filter label=PROJECT --format '{{.Names}}|{{.Label "PROJECT"}}|{{.State}}|'\
            '{{.Label "FOLDER"}}' 2>/dev/null |
              while IFS='|' read -r name project state folder; do
                occupied "$name" "$project" "$folder"
                say project "$project|$state|$name"
              done
            """.replace("PROJECT", Docker.PROJECT).replace("FOLDER", Docker.FOLDER);

    /** What {@link Marks#script} said. */
    public static Occupant parse(Facts facts) {
        var core = Optional.<String>empty();
        var workers = new LinkedHashMap<String, String>();
        for (var said : facts.all("occupied")) {
            var words = said.split(" ");
            if (words[0].equals("core") && words.length > 1) core = Optional.of(words[1]);
            else if (words.length > 2) workers.put(words[2], words[1]);
        }
        return new Occupant(facts.get("hostname").replaceFirst("\\..*", ""), core, workers);
    }

    /** A container of another Compose project: its name, and Docker's word for its state, such as running. */
    public record Other(String name, String state) {}

    /** The containers of Compose projects on the node that are not the toolkit's own, by the name of the project. */
    public static Map<String, List<Other>> projects(Facts facts, String own) {
        var projects = new TreeMap<String, List<Other>>();
        for (var line : facts.all("project")) {
            var parts = line.split("\\|", 3);
            if (parts.length < 3 || parts[0].equals(own) || parts[0].equals(Docker.METRICS_PROJECT)) continue;
            projects.computeIfAbsent(parts[0], none -> new ArrayList<>()).add(new Other(parts[2], parts[1]));
        }
        return projects;
    }

    /** The other node of the inventory whose host this is, where one is sure of it, and why. */
    private record OtherNode(Node node, String why, String project) {}

    /**
     * A host that has this node's own stack is this node's, whatever else is there; so is one of which nothing is
     * known.
     */
    private Optional<OtherNode> other(Inventory inventory, Node node) {
        boolean own = node.role() == Role.CORE ? core.isPresent() : workers.containsKey(node.name());
        if (own) return Optional.empty();
        // without addresses a host may be core and a workers node by two names
        var others = inventory.nodes().stream().filter(eachNode -> !eachNode.host().equalsIgnoreCase(node.host())
                && (eachNode.role() == node.role() || eachNode.address().isPresent() && node.address().isPresent()))
                .toList();
        // a machine may have one's own stacks next to KTRDR's
        if (!node.role().own()) for (var eachNode : others) {
            boolean started = eachNode.role() == Role.WORKERS && workers.containsKey(eachNode.name());
            var project = started ? workers.get(eachNode.name()) : "";
            if (started) return Optional.of(new OtherNode(eachNode, "containers of " + project
                    + " that were started for " + eachNode.name(), project));
        }
        if (!node.role().own() && core.isPresent() && workers.isEmpty()) for (var eachNode : others)
            if (eachNode.role() == Role.CORE)
                return Optional.of(new OtherNode(eachNode, "containers of " + core.get(), core.get()));
        if (core.isPresent() || !workers.isEmpty() || calls(node).test(host)) return Optional.empty();
        return others.stream().filter(eachNode -> calls(eachNode).test(host)).findFirst()
                .map(eachNode -> new OtherNode(eachNode, "a host that calls itself " + host, ""));
    }

    private static Predicate<String> calls(Node node) {
        return name -> name.equalsIgnoreCase(node.host()) || name.equalsIgnoreCase(node.name());
    }

    /** Where a node is connected to. */
    private static String at(Inventory inventory, Node node) {
        return inventory.resolve() == Inventory.Resolve.INVENTORY ? node.address().orElse(inventory.fqdn(node))
                : inventory.fqdn(node);
    }

    /** Why the host must not be changed as this node; empty if it may be. */
    public Optional<Problem> problem(Inventory inventory, Node node) {
        return other(inventory, node).map(other -> Problem
                .failed(node.name() + ": the host that answers at " + at(inventory, node) + " is " + other.node().name()
                        + ", not " + node.name())
                .expected("the host of " + node.name() + ", or a host that nothing was deployed to").found(other.why())
                .fix(fix(inventory, node, other)));
    }

    private static String fix(Inventory inventory, Node node, OtherNode other) {
        boolean addresses = inventory.resolve() == Inventory.Resolve.INVENTORY;
        return "correct the " + (addresses ? "`address` of " : "addresses in DNS of ") + node.name() + " and "
                + other.node().name() + (addresses ? " in " + inventory.source() : "")
                + ", which may be swapped; if this host is to be " + node.name() + " from now on, run on it: "
                + (other.project().isEmpty() ? "hostnamectl set-hostname " + node.host()
                        : "docker compose -p " + other.project() + " down")
                + ". Nothing was changed";
    }

    /** A {@link Problem} where the host is another node's. */
    public void prove(Inventory inventory, Node node) {
        problem(inventory, node).ifPresent(problem -> {
            throw problem;
        });
    }

    /** The check of procedures that only look; empty if the host seems to be the node's own. */
    public Optional<Check> check(Inventory inventory, Node node) {
        return problem(inventory, node)
                .map(problem -> new Check(CheckId.ofNode(node, "host"), node.name(), false, problem.expected(),
                problem.sentence().substring(node.name().length() + 2) + ": " + problem.found(),
                problem.fix().replaceFirst("\\. Nothing was changed$", ""), 0));
    }
}
