package ktrdr.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.inventory.Inventory.Node;

/**
 * One thing that has to be true, and what was found.
 *
 * @param what is checked; its text is {@code id} in documents
 * @param node where
 * @param ok whether it holds
 * @param expected what has to be true, in words
 * @param found what is
 * @param fix the command or page that helps when it does not hold
 * @param seconds how long it took to find out; 0 where it came with others in one answer
 */
public record Check(@JsonProperty("id") CheckId what, String node, boolean ok, String expected, String found,
        String fix,
        double seconds) {
    /** What a service says may be as long as it likes. */
    private static final int LONGEST = 1000;

    /** The stable name as documents and terminals have it, such as "workers-b.backtest-worker-1.registered". */
    public String id() {
        return what.text();
    }

    /** What a check that asks something found, and whether that is as it has to be. */
    public record Finding(boolean ok, String text) {
        /** It is. */
        public static Finding good(String text) {
            return new Finding(true, text);
        }

        /** It is not. */
        public static Finding bad(String text) {
            return new Finding(false, text.strip());
        }
    }

    /** A check that asks something; who gives no answer, which is a {@link Problem}, has it not hold either. */
    public static Check of(CheckId what, String node, String expected, String fix, Supplier<Finding> ask) {
        long started = System.nanoTime();
        try {
            var found = ask.get();
            return new Check(what, node, found.ok(), expected, found.text(), fix, seconds(started));
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            var found = problem.foundOrSentence();
            return new Check(what, node, false, expected, found, fix, seconds(started));
        }
    }

    /** The check that a node answers, which it did not. */
    public static Check unreached(String node, Problem problem, String fix) {
        return new Check(CheckId.ofNode(node, "ssh"), node, false, "a node that answers", problem.sentenceAndFound(),
                problem.fixOr(fix), 0);
    }

    /** Checks as a document, with what else it has before them. */
    public static Document document(String name, List<Check> checks, Map<Node, Problem> unreached,
            Map<String, ?> more) {
        return Document.of(name, exit(checks, unreached)).with(more).with("checks", checks).errors(unreached);
    }

    /** How a run of checks ends: nodes that were not reached make the exit code theirs. */
    static Exit exit(List<Check> checks, Map<Node, Problem> unreached) {
        return allOk(checks) ? Exit.OK : unreached.values().stream().map(Problem::exit).reduce(Exit.FAILED, Exit::and);
    }

    /** Whether every one of them holds. */
    public static boolean allOk(List<Check> checks) {
        return checks.stream().allMatch(Check::ok);
    }

    /** The checks as a table, ids without their node. */
    public static Table table(List<Check> checks) {
        var table = Table.of("node", "check", "", "took", "found");
        for (var check : checks) {
            var took = check.seconds() == 0 ? "" : String.format("%.1f s", check.seconds());
            table.row(check.node(), check.what().withoutNode(), check.ok() ? "ok" : "FAILED", took,
                    Console.brief(check.found(), LONGEST));
        }
        return table;
    }

    /** A problem for each check that does not hold: what was expected and what to do. */
    public static List<Problem> failures(List<Check> checks) {
        return checks.stream().filter(check -> !check.ok()).map(check -> check.problem(check.id() + " does not hold"))
                .toList();
    }

    /** The problem that a check which does not hold is. */
    public Problem problem(String sentence) {
        return Problem.failed(sentence).expected(expected).found(found).fix(fix);
    }

    /** "41 of 42 checks hold". */
    public static String summary(List<Check> checks) {
        return checks.stream().filter(Check::ok).count() + " of " + checks.size() + " checks hold";
    }

    private static double seconds(long started) {
        return Math.round((System.nanoTime() - started) / 1e6) / 1e3;
    }
}
