package ktrdr.report;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;

/** How every run reports: tables and sentences for the user, documents for machines. */
public abstract class Reports {
    private boolean lines;

    /** The console of this run. */
    public abstract Console console();

    /** Whether the result is a document. */
    public abstract boolean json();

    /**
     * Reports checks: a table, a problem for each that does not hold and how many hold, or the document "checks". Nodes
     * that were not reached make the exit code theirs.
     */
    public Exit checks(List<Check> checks, Map<Node, Problem> unreached) {
        return checks("checks", checks, unreached, Map.of());
    }

    /** The same as a document of another name, with what else it has. */
    public Exit checks(String name, List<Check> checks, Map<Node, Problem> unreached, Map<String, ?> more) {
        var failures = Repeated.once(checks.stream().map(Check::node).toList(), unreached.keySet(),
                Check.failures(checks));
        return checks(name, checks, unreached, more, failures, Check.table(checks));
    }

    /** The same with tables of another kind, and other sentences about what does not hold. */
    public Exit checks(String name, List<Check> checks, Map<Node, Problem> unreached, Map<String, ?> more,
            List<Problem> failures, Table... tables) {
        report(Check.document(name, checks, unreached, more), tables);
        if (!json()) failures.forEach(console()::problem);
        console().note(Check.summary(checks));
        return Check.exit(checks, unreached);
    }

    /**
     * Reports what nodes answered: a table with a row for each line of an answer, or the document "nodes":
     * {@code "nodes": [{"node", "ok", heading}]}.
     *
     * @param heading of the column, and the name of the answer in the document
     */
    public Exit outcomes(Fleet.Outcomes<?> outcomes, String heading) {
        return report(Document.of("nodes", outcomes.exit()).with("nodes", outcomes.document(heading))
                .errors(outcomes.problems()), outcomes.table(heading));
    }

    /**
     * Reports a table that was made of what nodes answered, or the document "rows", and a sentence for each node where
     * it did not go well; the exit code is that of the outcomes.
     */
    public Exit rows(Fleet.Outcomes<?> outcomes, Table table) {
        return rows(outcomes, table, Exit.OK);
    }

    /** The same, of rows that make this exit code where every node answered. */
    public Exit rows(Fleet.Outcomes<?> outcomes, Table table, Exit found) {
        var exit = report(Document.of("rows", outcomes.exit().and(found)).with("rows", table.document())
                .errors(outcomes.problems()), table);
        problems(outcomes.problems());
        return exit;
    }

    /** The problem of each node, on standard error; a problem that many nodes share is reported once. */
    public void problems(Map<Node, Problem> problems) {
        Repeated.once(problems).forEach(console()::problem);
    }

    /** Reports a table, or the document "rows". */
    public Exit rows(Table table) {
        return rows(table, Exit.OK);
    }

    /** The same, of rows that make this exit code. */
    public Exit rows(Table table, Exit found) {
        return report(Document.of("rows", found).with("rows", table.document()), table);
    }

    /**
     * Prints the result: the document with --output json, else the tables that are not empty, an empty line between
     * them. Answers the document's exit code.
     */
    public Exit report(Document document, Table... tables) {
        if (json()) {
            document(document);
            return document.exit();
        }
        var shown = Arrays.stream(tables).filter(table -> !table.isEmpty()).toList();
        for (int i = 0; i < shown.size(); i++) {
            if (i > 0) console().print("");
            console().print(shown.get(i));
        }
        return document.exit();
    }

    /** Prints a document; as one line where this run prints a stream of them. */
    private void document(Document document) {
        console().print(lines ? Json.line(document) : Json.pretty(document));
    }

    /** Has each document of this run be a line of its own, for a run that may print several. */
    public void lines() {
        lines = true;
    }
}
