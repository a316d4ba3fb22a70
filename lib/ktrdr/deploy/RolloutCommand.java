package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.api.OperationsApi;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;
import ktrdr.release.History;
import ktrdr.release.NodeLocks;
import ktrdr.release.Schema;
import ktrdr.release.Stack;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of scripts that replace what runs on nodes, how they go about it, and their report. */
public final class RolloutCommand {
    /** How long what replaces containers waits. */
    public static final class Patience {
        @Option(names = "--timeout", paramLabel = "D", defaultValue = "120s",
                description = "How long to wait for health (default: ${DEFAULT-VALUE}).")
        Duration timeout;

        @Option(names = "--wait-idle", paramLabel = "D", defaultValue = "0s",
                description = "How long workers, and the backend itself, may finish what they are at (default: "
                        + "${DEFAULT-VALUE}); then workers get 25 s to save a checkpoint.")
        Duration waitIdle;

        /** Of a rollout that changes no release, so that there is nothing to go back to. */
        public Rollout.Options staying(boolean parallel) {
            return new Rollout.Options(timeout, false, parallel, Rollout.OnFailure.stop, waitIdle, false,
                    Optional.empty());
        }

        /** Of a rollout that ends on all nodes alike, one workers node after another. */
        public Rollout.Options together() {
            return new Rollout.Options(timeout, true, false, Rollout.OnFailure.revert, waitIdle, false,
                    Optional.empty());
        }
    }

    @Mixin Patience patience;

    @Option(names = "--no-rollback",
            description = "Leave a node as it is when it does not get healthy, instead of putting back what ran "
                    + "before.")
    boolean noRollback;

    @Option(names = "--on-failure", paramLabel = "POLICY", defaultValue = "stop",
            description = "When one node fails: stop with the rest as it is, revert those done too, or continue with "
                    + "the rest (default: ${DEFAULT-VALUE}).")
    Rollout.OnFailure onFailure;

    @Option(names = "--parallel", description = "Workers nodes side by side, instead of one after another.")
    boolean parallel;

    @Option(names = "--schema", paramLabel = "POLICY", defaultValue = "refuse",
            description = "When a newer release made the database's schema: refuse, keep it as it is, or downgrade it "
                    + "by the newer release after a backup; keep "
                    + "also leaves an older schema (default: ${DEFAULT-VALUE}).")
    Schema.Policy schema;

    @Option(names = "--skip-checks", description = "Go on where disk, Compose or the share are not as they should be.")
    boolean skipChecks;

    /**
     * What the command line says.
     *
     * @param backup whether a migration begins with one
     */
    public Rollout.Options options(Optional<Map<Node, History.Entry>> rollback, boolean backup) {
        return new Rollout.Options(patience.timeout, !noRollback, parallel, onFailure, patience.waitIdle, skipChecks,
                rollback, Optional.of(new Migration.Choice(schema, backup)));
    }

    /**
     * The whole of it: plan, look, pull, apply, report.
     *
     * @param good the word for a node where it went well, such as "deployed"
     * @param before what is to be done, or asked, when all is known and nothing was changed yet
     */
    public static Exit run(Cli.Common common, boolean dryRun, String good, Fleet fleet, NodeLocks locks,
            Rollout.Options options, BiFunction<Stack, Ssh, NodePlan> planner, Consumer<Rollout> before) {
                return run(common, dryRun, good, fleet, locks, options, planner, before, new RolloutExchange() {});
            }

    /** The same, with what is exchanged beside the containers. */
    public static Exit run(Cli.Common common, boolean dryRun, String good, Fleet fleet, NodeLocks locks,
            Rollout.Options options, BiFunction<Stack, Ssh, NodePlan> planner, Consumer<Rollout> before,
            RolloutExchange exchange) {
                long started = System.nanoTime();
                try (var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5))) {
                    var rollout = new Rollout(fleet, locks, http, common.console(), options, exchange);
                    rollout.plan(planner);
                    if (rollout.goesOn() || dryRun && !rollout.plans().isEmpty()) {
                        var secrets = exchange.given(Secrets.fetch(fleet.inventory(), rollout.secretsNeeded(),
                                rollout.secretsBefore(), common.invocation().environment(), common.console()));
                        rollout.look(secrets);
                        if (dryRun) return planned(common, fleet, rollout);
                        if (rollout.goesOn()) before.accept(rollout);
                        if (rollout.goesOn()) rollout.pull(secrets);
                        if (rollout.goesOn()) rollout.apply(secrets);
                    }
                    return report(common, fleet, rollout, good, Duration.ofNanos(System.nanoTime() - started));
                }
            }

    private static Exit planned(Cli.Common common, Fleet fleet, Rollout rollout) {
        if (!common.json())
            rollout.previews().forEach((node, preview) -> {
                preview.describe().forEach(common.console()::print);
                preview.plan().staging().shown(common.console().verbose()).forEach(common.console()::print);
            });
        return end(common, fleet, rollout, "planned", document(fleet, rollout, "planned"));
    }

    private static Exit report(Cli.Common common, Fleet fleet, Rollout rollout, String good, Duration took) {
        var document = document(fleet, rollout, good).with("seconds", took.toMillis() / 1000.0);
        rollout.gap().ifPresent(gap -> document.with("backend_away_seconds", gap.toMillis() / 1000.0));
        var exit = end(common, fleet, rollout, good, document);
        var away = rollout.gap().map(gap -> "the backend was away for " + Units.duration(gap));
        if (exit == Exit.OK && rollout.plans().isEmpty()) common.console()
                .note("0 changed: " + String.join(", ", fleet.nodes().stream().map(Node::name).toList())
                        + " are so already");
        else if (exit == Exit.OK)
            common.console().note(good + " in " + Units.duration(took) + away.map("; "::concat).orElse(""));
        else away.ifPresent(common.console()::note);
        return exit;
    }

    private static Exit end(Cli.Common common, Fleet fleet, Rollout rollout, String good, Document document) {
        if (common.json()) common.report(document);
        common.problems(rollout.problems());
        var exit = document.exit();
        if (exit != Exit.OK)
            fleet.nodes().forEach(node -> common.console().note(node.name() + ": " + outcome(rollout, node, good)));
        return exit;
    }

    private static Document document(Fleet fleet, Rollout rollout, String good) {
        var nodes = new ArrayList<Map<String, Object>>();
        for (var node : fleet.nodes()) {
            var map = new LinkedHashMap<String, Object>();
            map.put("node", node.name());
            map.put("ok", !rollout.problems().containsKey(node));
            map.put("outcome", outcome(rollout, node, good));
            var preview = rollout.previews().get(node);
            if (preview != null) map.putAll(preview.document());
            var cut = rollout.atWork(node);
            if (!cut.isEmpty()) map.put("backend_at_work", cut.stream().map(OperationsApi.Operation::id).toList());
            map.putAll(rollout.exchanged(node));
            map.put("services_recreated", rollout.recreated(node));
            if (!rollout.stoppedAtWork(node).isEmpty()) map.put("stopped_at_work", rollout.stoppedAtWork(node));
            nodes.add(map);
        }
        var exit = rollout.problems().values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
        return Document.of("rollout", exit).with("nodes", nodes).errors(rollout.problems());
    }

    private static String outcome(Rollout rollout, Node node, String good) {
        var outcome = rollout.outcome(node);
        boolean planned = good.equals("planned") && outcome == Rollout.Outcome.untouched;
        return planned || outcome == Rollout.Outcome.deployed ? good : outcome.name();
    }
}
