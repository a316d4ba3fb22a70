package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.api.OperationsApi;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.report.Document;

/**
 * What a rollout reports in the end: lines for the user, one document for machines, and the exit code.
 *
 * @param good the word for a node that is as it should be, such as "deployed"
 */
record RolloutReport(Cli.Common common, Fleet fleet, Rollout rollout, String good) {
    /** What a dry run found out. */
    Exit planned() {
        if (!common.json())
            rollout.previews().forEach((node, preview) -> {
                preview.describe().forEach(common.console()::print);
                preview.plan().staging().shown(common.console().verbose()).forEach(common.console()::print);
            });
        return end(document());
    }

    /** What was done, in this time. */
    Exit done(Duration took) {
        var document = document().with("seconds", took.toMillis() / 1000.0);
        rollout.gap().ifPresent(gap -> document.with("backend_away_seconds", gap.toMillis() / 1000.0));
        var exit = end(document);
        var away = rollout.gap().map(gap -> "the backend was away for " + Units.duration(gap));
        if (exit == Exit.OK && rollout.plans().isEmpty()) common.console()
                .note("0 changed: " + String.join(", ", fleet.nodes().stream().map(Node::name).toList())
                        + " already up to date");
        else if (exit == Exit.OK)
            common.console().note(good + " in " + Units.duration(took) + away.map("; "::concat).orElse(""));
        else away.ifPresent(common.console()::note);
        return exit;
    }

    private Exit end(Document document) {
        if (common.json()) common.report(document);
        common.problems(rollout.problems());
        var exit = document.exit();
        if (exit != Exit.OK)
            fleet.nodes().forEach(node -> common.console().note(node.name() + ": " + outcome(node)));
        return exit;
    }

    private Document document() {
        var nodes = new ArrayList<Map<String, Object>>();
        for (var node : fleet.nodes()) {
            var map = new LinkedHashMap<String, Object>();
            map.put("node", node.name());
            map.put("ok", !rollout.problems().containsKey(node));
            map.put("outcome", outcome(node));
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

    private String outcome(Node node) {
        var outcome = rollout.outcome(node);
        boolean planned = good.equals("planned") && outcome == Rollout.Outcome.untouched;
        return planned || outcome == Rollout.Outcome.deployed ? good : outcome.name();
    }
}
