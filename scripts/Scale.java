///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Change the number of workers on a node, at its current release

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.cli.Cli;
import ktrdr.deploy.Rollout;
import ktrdr.deploy.RolloutRun;
import ktrdr.deploy.ScalePlan;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "scale", header = "Change the number of workers on a node, at its current release.",
        description = {"",
            "Starts only missing workers and stops only surplus ones; nothing else on the node or on core is "
                    + "recreated. It is complete when the new workers are healthy and registered, and Prometheus "
                    + "scrapes them and no longer the stopped ones.",
            ""},
        footer = {"", "Examples:",
            "  jbang scale@ktrdr B 3                  three backtest and three training workers on node B",
            "  jbang scale@ktrdr B 1 --wait-idle 10m  down to one of each; busy workers may finish their operation "
                    + "first",
            "  jbang scale@ktrdr B 3 --dry-run        show what would be done, with a diff of each file",
            "",
            "Exit codes: 0 scaled, or already up to date; 1 failed; 2 wrong usage or inventory, or busy workers and "
                    + "no confirmation;",
            "3 a node could not be reached; 4 a node is locked by another run; 5 failed, and the changes were "
                    + "rolled back; 130 interrupted."})
public class Scale implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Parameters(index = "0", paramLabel = "WORKERS-NODE", description = "The workers node.") String name;
    @Parameters(index = "1", paramLabel = "1|2|3", description = "Workers of each type.") int scale;
    @Option(names = "--timeout", paramLabel = "D", defaultValue = "120s",
            description = "How long to wait for health, and for Prometheus (default: ${DEFAULT-VALUE}).")
    Duration timeout;
    @Option(names = "--wait-idle", paramLabel = "D", defaultValue = "0s",
            description = "How long busy workers may finish their operation first; then, as without it, ask before "
                    + "stopping them.")
    Duration waitIdle;
    @Option(names = "--no-rollback",
            description = "If it fails, leave the node as it is, instead of rolling back.") boolean noRollback;

    public static void main(String... args) {
        Cli.main(new Scale(), args);
    }

    @Override
    public Exit call() {
        var whole = common.running(false);
        var before = whole.inventory();
        var node = before.workersNode(name);
        var inventory = ScalePlan.scaled(before, node, scale);
        var keeping = Rollout.Options.keeping(timeout, Duration.ZERO);
        var options = noRollback ? keeping : keeping.reverting();
        try (var fleet = whole.of(inventory, List.of(inventory.core(), inventory.node(name)));
                var locks = change.locks(fleet, common, "scale " + name + " " + scale)) {
            var begun = new AtomicReference<Rollout>();
            var exit = new RolloutRun(common, fleet, locks, options, "scaled")
                    .before(rollout -> {
                        begun.set(rollout);
                        letFinish(rollout, inventory.node(name));
                    })
                    .run(change.dryRun, (stack, ssh) -> ScalePlan.plan(inventory, stack, ssh, node));
            if (exit == Exit.OK) ScalePlan.toChange(before, node, scale).forEach(common.console()::note);
            else if (begun.get() != null && half(begun.get(), fleet))
                common.console().note("some nodes are done; run the same command again for the rest");
            return exit;
        }
    }

    /** Waits for the operations of surplus workers, then asks about those that still run. */
    private void letFinish(Rollout rollout, Node node) {
        var busy = rollout.drain(node, waitIdle);
        if (busy.isEmpty()) return;
        var words = busy.entrySet().stream().map(entry -> entry.getKey() + " is running operation " + entry.getValue())
                .collect(Collectors.joining(", "));
        change.confirm(common.console(), node.name() + ": " + words
                + ", which would be stopped; a training saves a checkpoint (--wait-idle 10m lets it finish). "
                + "Continue?");
    }

    private static boolean half(Rollout rollout, Fleet fleet) {
        var outcomes = fleet.nodes().stream().filter(rollout.plans()::containsKey).map(rollout::outcome).distinct()
                .toList();
        return outcomes.contains(Rollout.Outcome.deployed) && outcomes.size() > 1;
    }
}
