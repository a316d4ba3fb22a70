package ktrdr.cli;

import java.util.List;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.NodeLookup;
import ktrdr.inventory.Role;
import picocli.CommandLine.Parameters;

/** Which nodes, for scripts that take all, or a role: core, workers or one's own, with or without nodes of it. */
public final class NodeChoice {
    @Parameters(index = "0", paramLabel = "core|workers|all|ROLE", description = "Which nodes.")
    String target;

    @Parameters(index = "1..*", paramLabel = "all|NODE", description = "Nodes of the role; else all of them.")
    List<String> names = List.of();

    /** The nodes; a word that is no role, or a name that is no node of it, is a {@link Problem}. */
    public List<Node> nodes(Inventory inventory, String command) {
        var role = target.equals(NodeLookup.ALL) ? Role.CORE : inventory.lookup().role(target);
        if (role != Role.WORKERS && !names.isEmpty() && inventory.of(role).size() < 2)
            throw Problem.usage("`" + command + " " + target + "` takes no names").found(String.join(" ", names))
                    .expected(command + " all, core, or workers NODE…");
        return target.equals(NodeLookup.ALL) ? inventory.nodes() : inventory.lookup().nodes(role, names);
    }

    /** Whether nodes other than those of workers are among them. */
    public boolean core() {
        return !target.equals(Role.WORKERS.name());
    }

    /** As it was typed. */
    public String words() {
        return (target + " " + String.join(" ", names)).strip();
    }
}
