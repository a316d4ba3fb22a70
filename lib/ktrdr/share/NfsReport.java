package ktrdr.share;

import java.util.LinkedHashMap;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.inventory.Inventory.Node;
import ktrdr.report.Check;
import ktrdr.report.Document;
import ktrdr.report.Reports;

/** The share's setup as tables and documents: its checks, its plan, or what was done and proven. */
public final class NfsReport {
    private final NfsSetup setup;
    private final Reports reports;

    public NfsReport(NfsSetup setup, Reports reports) {
        this.setup = setup;
        this.reports = reports;
    }

    /** Each step as a check; a difference is a failure. */
    public Exit checks() {
        var checks = setup.plans().values().stream().flatMap(plan -> plan.checks().stream()).toList();
        var exit = worst(setup.problems()).and(Check.allOk(checks) ? Exit.OK : Exit.FAILED);
        reports.report(Document.of("checks", exit).with("checks", checks).errors(setup.problems()),
                Check.table(checks));
        if (!reports.json()) Check.failures(checks).forEach(reports.console()::problem);
        reports.problems(setup.problems());
        return exit;
    }

    /** The steps that would be done, with the diff of each file. */
    public Exit plan() {
        var steps = Table.of("node", "step", "expected", "found");
        setup.plans().forEach((node, plan) -> plan.steps().stream().filter(NfsPlan.Step::needed)
                .forEach(step -> steps.row(node.name(), step.name(), step.expected(), step.found())));
        var nodes = setup.plans().entrySet().stream().map(entry -> document(entry.getKey(), setup.problems(),
                "would_change", entry.getValue().steps().stream().filter(NfsPlan.Step::needed).map(NfsPlan.Step::name)
                        .toList(), "diff", entry.getValue().diff())).toList();
        reports.report(Document.of("nfs-plan", worst(setup.problems())).with("nodes", nodes).errors(setup.problems()),
                steps);
        if (!reports.json()) setup.plans().values().forEach(plan -> plan.diff().forEach(reports.console()::print));
        if (!reports.json() && steps.isEmpty() && setup.problems().isEmpty())
            reports.console().note("nothing would change");
        reports.problems(setup.problems());
        return worst(setup.problems());
    }

    /** What was done on each node, and what the proof showed. */
    public Exit done(NfsProof.Proven proof) {
        var problems = new LinkedHashMap<>(setup.problems());
        proof.problems().forEach(problems::putIfAbsent);
        var nodes = setup.plans().keySet().stream()
                .map(node -> document(node, problems, "changed", setup.changed(node))).toList();
        reports.report(Document.of("nfs", worst(problems)).with("nodes", nodes)
                .with("proof", proof.seen().stream().map(NfsReport::document).toList()).errors(problems), steps(),
                table(proof));
        reports.problems(problems);
        long changed = setup.plans().keySet().stream().mapToLong(node -> setup.changed(node).size()).sum();
        reports.console().note(changed + " changed"
                + (problems.isEmpty() ? "" : ", " + problems.size() + " nodes failed"));
        return worst(problems);
    }

    private Table steps() {
        var steps = Table.of("node", "step", "", "what");
        setup.plans().forEach((node, plan) -> plan.steps().forEach(step -> steps.row(node.name(), step.name(),
                setup.changed(node).contains(step.name()) ? "changed" : step.needed() ? "not done" : "same",
                step.expected())));
        return steps;
    }

    private static Table table(NfsProof.Proven proof) {
        var table = Table.of("wrote", "took", "in a container", "read by");
        proof.seen().forEach(seen -> table.row(seen.writer().name(), seen.written() + " ms", seen.container(),
                String.join(", ", seen.read().entrySet().stream()
                        .map(entry -> entry.getKey() + " in " + entry.getValue() + " ms").toList())));
        return table;
    }

    private static Map<String, Object> document(NfsProof.Seen seen) {
        var seconds = new LinkedHashMap<String, Double>();
        seen.read().forEach((node, milliseconds) -> seconds.put(node, milliseconds / 1000.0));
        return Document.fields("node", seen.writer().name(), "written_seconds", seen.written() / 1000.0, "container",
                seen.container(), "read_seconds", seconds);
    }

    private static Map<String, Object> document(Node node, Map<Node, Problem> problems, Object... more) {
        var document = Document.fields("node", node.name(), "ok", !problems.containsKey(node));
        document.putAll(Document.fields(more));
        return document;
    }

    private static Exit worst(Map<Node, Problem> problems) {
        return problems.values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
    }
}
