package ktrdr.cli;

import java.util.List;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import picocli.CommandLine.Parameters;

/** Which nodes, for scripts that take core, workers with or without names, or all. */
public final class NodeChoice {
    enum Target { core, workers, all }

    @Parameters(index = "0", paramLabel = "core|workers|all", description = "Which nodes.")
    Target target;

    @Parameters(index = "1..*", paramLabel = "all|NODE", description = "Workers nodes; else all of them.")
    List<String> names = List.of();

    /** The nodes; names where none belong are a {@link Problem} that names the command. */
    public List<Node> nodes(Inventory inventory, String command) {
        if (target != Target.workers && !names.isEmpty())
            throw Problem.usage("`" + command + " " + target + "` takes no names").found(String.join(" ", names))
                    .expected(command + " all, core, or workers NODE…");
        return switch (target) {
            case core -> List.of(inventory.core());
            case all -> inventory.nodes();
            case workers -> inventory.workersNodes(names);
        };
    }

    /** Whether core is among them. */
    public boolean core() {
        return target != Target.workers;
    }

    /** As it was typed. */
    public String words() {
        return (target + " " + String.join(" ", names)).strip();
    }
}
