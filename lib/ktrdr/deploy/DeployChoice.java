package ktrdr.deploy;

import java.util.List;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;
import ktrdr.release.Stack;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which nodes and services {@code deploy} deploys to, and with how many workers. */
public final class DeployChoice {
    enum Target { core, workers, all }

    @Parameters(index = "0", paramLabel = "core|workers|all", description = "What to deploy to.") Target target;
    @Parameters(index = "1..*", paramLabel = "all|SERVICE|NODE",
            description = "Services of core, or workers nodes.") List<String> names = List.of();
    @Option(names = "--scale", paramLabel = "1|2|3",
            description = "Workers of each type on these nodes, instead of the inventory's.") Integer scale;

    /** Whether core is among the nodes. */
    public boolean core() {
        return target != Target.workers;
    }

    /** Whether workers nodes are among the nodes. */
    public boolean workers() {
        return target != Target.core;
    }

    /** The choice as typed. */
    public String words() {
        return target + " " + String.join(" ", names);
    }

    /** The option {@code --scale} as typed; empty without it. */
    public String scaleWords() {
        return scale == null ? "" : ScalePlan.OPTION + scale;
    }

    /** The named services of core; empty for all services. An unknown one is a {@link Problem}. */
    public List<String> services(Inventory inventory) {
        var services = target == Target.core ? named("core all, or core SERVICE…") : List.<String>of();
        Stack.of(inventory, inventory.core()).services(services);
        return services;
    }

    /** The nodes, in the order of the inventory. */
    public List<Node> nodes(Inventory inventory) {
        return switch (target) {
            case core -> List.of(inventory.core());
            case workers -> inventory.workersNodes(named("workers all, or workers NODE…"));
            case all -> {
                if (!names.isEmpty()) throw Problem.usage("`deploy all` takes no names").found(String.join(" ", names))
                        .expected("deploy all, core … or workers …");
                yield inventory.nodes();
            }
        };
    }

    /** The inventory with the number of workers that {@code --scale} sets. */
    public Inventory scaled(Inventory inventory) {
        if (scale == null) return inventory;
        if (target == Target.core) throw Problem.usage("core runs no workers: --scale does not apply")
                .fix("jbang deploy@ktrdr workers NODE --scale " + scale);
        if (scale < 1 || scale > 3)
            throw Problem.usage("--scale is 1, 2 or 3: KTRDR has ports for no more").found(String.valueOf(scale));
        // a node with a GPU is refused only if it is named: among all it keeps what it has
        if (target == Target.workers && !names.contains("all")) nodes(inventory).stream()
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
                + (target == Target.core ? "services" : "nodes") + ", or `all`").expected(expected);
        return names.equals(List.of("all")) ? List.of() : names;
    }
}
