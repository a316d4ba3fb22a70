package ktrdr.release;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.inventory.Inventory.Node;
import ktrdr.report.Document;
import ktrdr.report.Reports;

/**
 * The result of {@code stage}.
 *
 * @param nodes all that were asked for
 * @param plans of the nodes that could be read
 * @param problems of the nodes that failed
 * @param changed the nodes whose files were written
 */
public record StageReport(Purpose purpose, List<Node> nodes, Map<Node, FileChanges> plans, Map<Node, Problem> problems,
        Set<Node> changed) {
    /** Whether files are written, only shown, or a difference is a failure. */
    public enum Purpose { write, show, check }

    /** Reports it as text or as a document, and answers the exit code. */
    public Exit report(Reports reports) {
        reports.report(document());
        if (!reports.json()) plans.forEach((node, plan) -> print(node, plan, reports.console()));
        reports.problems(problems);
        reports.console().note(summary());
        return exit();
    }

    private boolean written() {
        return purpose == Purpose.write;
    }

    private Exit exit() {
        var worst = problems.values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
        return purpose == Purpose.check && different() > 0 ? worst.and(Exit.FAILED) : worst;
    }

    private long different() {
        return written() ? changed.size() : plans.values().stream().filter(FileChanges::differs).count();
    }

    private String summary() {
        return nodes.size() + " nodes: " + different() + (written() ? " changed" : " differ")
                + (problems.isEmpty() ? "" : ", failed: "
                        + problems.keySet().stream().map(Node::name).collect(Collectors.joining(", ")));
    }

    private void print(Node node, FileChanges plan, Console console) {
        if (!written()) {
            console.print(node.name() + "  " + plan.tag() + "  " + plan.outcome());
            plan.shown(console.verbose()).forEach(console::print);
        }
        plan.remarks().forEach(remark -> console.print(node.name() + "  " + remark));
        if (!plan.unread().isEmpty())
            console.print(node.name() + "  " + String.join(", ", plan.unread()) + (written() ? " has" : " would have")
                    + " a new configuration: the next deploy has it read");
    }

    private Document document() {
        return Document.of("stage", exit()).with("nodes", nodes.stream().map(this::document).toList())
                .errors(problems);
    }

    private Map<String, Object> document(Node node) {
        var plan = Optional.ofNullable(plans.get(node));
        boolean wrong = purpose == Purpose.check && plan.filter(FileChanges::differs).isPresent();
        var document = new LinkedHashMap<String, Object>();
        document.put("node", node.name());
        document.put("ok", !problems.containsKey(node) && !wrong);
        document.put("outcome", outcome(node, plan));
        plan.ifPresent(changes -> {
            document.putAll(changes.document());
            document.put("diff", changes.diff());
        });
        return document;
    }

    private String outcome(Node node, Optional<FileChanges> plan) {
        var problem = problems.get(node);
        if (problem != null) return problem.exit() == Exit.UNREACHABLE ? "unreachable" : "failed";
        if (written()) return changed.contains(node) ? "changed" : "same";
        return plan.filter(FileChanges::differs).isPresent() ? "differs" : "same";
    }
}
