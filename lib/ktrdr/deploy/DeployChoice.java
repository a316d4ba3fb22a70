package ktrdr.deploy;

import java.util.List;
import java.util.Set;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.NodeLookup;
import ktrdr.inventory.Role;
import ktrdr.release.Stack;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which nodes and services {@code deploy} deploys to, and with how many workers. */
public final class DeployChoice {
    @Parameters(index = "0", paramLabel = "core|workers|all|ROLE", description = "What to deploy to.") String target;
    @Parameters(index = "1..*", paramLabel = "all|SERVICE|NODE",
            description = "Services of core or of a role of your own, or nodes.") List<String> names = List.of();
    @Option(names = "--scale", paramLabel = "1|2|3",
            description = "Workers of each type on these nodes, instead of the inventory's.") Integer scale;

    /** Whether nodes other than those of workers are among them. */
    public boolean core() {
        return !target.equals(Role.WORKERS.name());
    }

    /** Whether workers nodes are among the nodes. */
    public boolean workers() {
        return Set.of(Role.WORKERS.name(), NodeLookup.ALL).contains(target);
    }

    /** The choice as typed. */
    public String words() {
        return target + " " + String.join(" ", names);
    }

    /** The option {@code --scale} as typed; empty without it. */
    public String scaleWords() {
        return scale == null ? "" : ScalePlan.OPTION + scale;
    }

    /** The named services of a role; empty for all services. An unknown one is a {@link Problem}. */
    public List<String> services(Inventory inventory) {
        if (target.equals(NodeLookup.ALL) || target.equals(Role.WORKERS.name())) return List.of();
        var services = named(target + " all, or " + target + " SERVICE…").stream()
                .filter(word -> !node(inventory, word)).toList();
        nodes(inventory).forEach(node -> Stack.of(inventory, node).services(services));
        return services;
    }

    /** The nodes, in the order of the inventory. */
    public List<Node> nodes(Inventory inventory) {
        if (target.equals(NodeLookup.ALL)) {
            if (!names.isEmpty()) throw Problem.usage("`deploy all` takes no names").found(String.join(" ", names))
                    .expected("deploy all, core … or workers …");
            return inventory.nodes();
        }
        var role = inventory.lookup().role(target);
        if (role == Role.WORKERS) return inventory.workersNodes(named("workers all, or workers NODE…"));
        return inventory.lookup().nodes(role, names.stream().filter(word -> node(inventory, word)).toList());
    }

    private boolean node(Inventory inventory, String word) {
        return inventory.lookup().among(inventory.lookup().role(target), word);
    }

    /** The inventory with the number of workers that {@code --scale} sets. */
    public Inventory scaled(Inventory inventory) {
        if (scale == null) return inventory;
        if (!workers()) throw Problem.usage(target + " runs no workers: --scale does not apply")
                .fix("jbang deploy@ktrdr workers NODE --scale " + scale);
        if (scale < 1 || scale > 3)
            throw Problem.usage("--scale is 1, 2 or 3: KTRDR has ports for no more").found(String.valueOf(scale));
        // a node with a GPU is refused only if it is named: among all it keeps what it has
        if (target.equals(Role.WORKERS.name()) && !names.contains(NodeLookup.ALL)) nodes(inventory).stream()
                .filter(node -> node.running().gpu()).findFirst().ifPresent(node -> {
                    throw ScalePlan.noScale(inventory, node);
                });
        var result = inventory;
        for (var node : nodes(inventory)) if (node.role() == Role.WORKERS) result = result.with(node.withScale(scale));
        return result;
    }

    /** The names after core or workers; empty for "all". No name is a mistake, and does not mean everything. */
    private List<String> named(String expected) {
        if (names.isEmpty()) throw Problem.usage("deploy " + target + ": name "
                + (target.equals(Role.WORKERS.name()) ? "nodes" : "services") + ", or `all`").expected(expected);
        return names.equals(List.of(NodeLookup.ALL)) ? List.of() : names;
    }
}
