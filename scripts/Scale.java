///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Run more or fewer workers on a node, at the release that runs there, and have Prometheus follow

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

@Command(name = "scale",
        header = "Run more or fewer workers on a node, at the release that runs there, and have Prometheus follow.",
        description = {"",
                "Only the workers that are missing are started, only those beyond are stopped; nothing else on the "
                        + "node or on core is recreated. It is done when the new "
                + "workers are healthy and registered, and Prometheus has them up and those that went no more.", ""},
        footer = {"", "Examples:",
            "  jbang scale@ktrdr B 3                   three backtest and three training workers on node B",
            "  jbang scale@ktrdr B 1 --wait-idle 10m   down to one of each; those at work may finish first",
            "  jbang scale@ktrdr B 3 --dry-run         what it would do, with the diff of each file",
            "", "Exit codes: 0 scaled, or so already; 1 failed; 2 wrong usage or inventory, or nobody to ask whether "
                    + "workers at work are to be stopped;",
            "3 a node could not be reached; 4 somebody else is at work there; 5 it failed, and what ran before runs "
                    + "again; 130 interrupted."})
public class Scale implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Parameters(index = "0", paramLabel = "WORKERS-NODE", description = "The workers node.") String name;
    @Parameters(index = "1", paramLabel = "1|2|3", description = "Workers of each type.") int scale;
    @Option(names = "--timeout", paramLabel = "D", defaultValue = "120s",
            description = "How long to wait for health, and for Prometheus (default: ${DEFAULT-VALUE}).")
    Duration timeout;
    @Option(names = "--wait-idle", paramLabel = "D", defaultValue = "0s",
            description = "How long workers that are to go may finish what they are at; then, as without it, it asks "
                    + "before they are stopped.")
    Duration waitIdle;
    @Option(names = "--no-rollback",
            description = "Leave it as it is when it fails, instead of putting back what ran "
                    + "before.") boolean noRollback;

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
                common.console().note("a part of it is done; the same command again does the rest");
            return exit;
        }
    }

    /** Waits for the operations of surplus workers, then asks about those that still run. */
    private void letFinish(Rollout rollout, Node node) {
        var busy = rollout.drain(node, waitIdle);
        if (busy.isEmpty()) return;
        var words = busy.entrySet().stream().map(entry -> entry.getKey() + " is at operation " + entry.getValue())
                .collect(Collectors.joining(", "));
        change.confirm(common.console(), node.name() + ": " + words
                + ", which would be stopped; a training saves a checkpoint (--wait-idle 10m lets it finish). Go on?");
    }

    private static boolean half(Rollout rollout, Fleet fleet) {
        var outcomes = fleet.nodes().stream().filter(rollout.plans()::containsKey).map(rollout::outcome).distinct()
                .toList();
        return outcomes.contains(Rollout.Outcome.deployed) && outcomes.size() > 1;
    }
}
