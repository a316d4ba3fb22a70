///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Restart services or workers as they are, and wait for health

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.cli.Cli;
import ktrdr.deploy.NodePlanner;
import ktrdr.deploy.RolloutCommand;
import ktrdr.deploy.RolloutRun;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.NodeLookup;
import ktrdr.inventory.Role;
import ktrdr.release.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "restart", header = "Restart services or workers as they are, and wait for health.",
        description = {"",
            "The containers stay the same: release, files and passwords do not change, and no secret is needed. Use "
                    + "it for a service that hangs, and for workers that run but are not registered with the backend.",
            ""},
        footer = {"", "Examples:",
            "  jbang restart@ktrdr core backend       the backend; its workers register again",
            "  jbang restart@ktrdr core               the whole core stack, the database first",
            "  jbang restart@ktrdr workers B          all workers of a node",
            "  jbang restart@ktrdr workers B backtest-worker-1 --wait-idle 10m  one worker, after its operation",
            "  jbang restart@ktrdr workers --dry-run  show what would be restarted",
            "",
            "Exit codes: 0 restarted; 1 failed; 2 wrong usage or inventory; 3 a node could not be reached; 4 a node "
                    + "is locked by another run;",
            "130 interrupted."})
public class Restart implements Callable<Exit> {

    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin RolloutCommand.Patience patience;
    @Parameters(index = "0", paramLabel = "core|workers|ROLE", description = "Which nodes.") String target;
    @Parameters(index = "1..*", paramLabel = "all|SERVICE|NODE",
            description = "Services of core, or workers nodes and their workers (default: all).")
    List<String> names = List.of();
    @Option(names = "--parallel",
            description = "Restart all workers nodes at once, instead of one after another.") boolean parallel;

    public static void main(String... args) {
        Cli.main(new Restart(), args);
    }

    @Override
    public Exit call() {
        var whole = common.running(false);
        var inventory = whole.inventory();
        var words = names.equals(List.of(NodeLookup.ALL)) ? List.<String>of() : names;
        var nodes = nodes(inventory, words);
        var services = services(inventory, words);
        try (var fleet = whole.of(inventory, nodes);
                var locks = change.locks(fleet, common, ("restart " + target + " " + String.join(" ", names)).strip(),
                        node -> look(inventory, node))) {
            return new RolloutRun(common, fleet, locks, patience.staying(parallel), "restarted").run(
                    change.dryRun, (stack, ssh) ->
                            NodePlanner.restart(inventory, stack, locks.looked(stack.node()), services));
        }
    }

    private static String look(Inventory inventory, Node node) {
        return NodePlanner.look(inventory, Stack.of(inventory, node), List.of(), Optional.empty());
    }

    private List<Node> nodes(Inventory inventory, List<String> words) {
        var role = inventory.lookup().role(target);
        if (role != Role.WORKERS) return inventory.lookup().nodes(role,
                words.stream().filter(word -> inventory.lookup().among(role, word)).toList());
        var named = words.stream().filter(word -> !worker(inventory, word)).map(inventory::workersNode).distinct()
                .toList();
        return named.isEmpty() ? inventory.workersNodes(List.of()) : named;
    }

    /** What is not a node; each of the nodes has to have it. */
    private List<String> services(Inventory inventory, List<String> words) {
        var role = inventory.lookup().role(target);
        if (role == Role.WORKERS) return words.stream().filter(word -> worker(inventory, word)).distinct().toList();
        var services = words.stream().filter(word -> !inventory.lookup().among(role, word)).toList();
        return services.isEmpty() ? List.of() : Stack.of(inventory, inventory.of(role).get(0)).services(services);
    }

    private static boolean worker(Inventory inventory, String word) {
        return inventory.workers().stream().flatMap(node -> inventory.workersOf(node.full()).stream())
                .anyMatch(worker -> worker.name().equals(word));
    }
}
