package ktrdr.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Invocation;
import ktrdr.Problem;
import ktrdr.api.FleetSession;
import org.junit.jupiter.api.Test;

/** Java code read from a file or standard input, without a network; ConsoleFleetTest covers the fleet. */
class JavaShellTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Exit run(String source) {
        var console = new Console(Invocation.into(out, err), Console.Color.never, false);
        return new JavaShell(Fixtures.inventory(), console)
                .run("check.jsh", new BufferedReader(new StringReader(source)), false);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void prints_each_expressions_value_and_keeps_declarations() {
        assertEquals(Exit.OK, run("""
                int ports = 0;
                for (var node : inventory.workers()) ports += inventory.workersOf(node).size();
                ports
                String twice(String text) {
                    return text + text;
                }
                twice(host("B").node().name()); fleet.nodes().size()
                // the end
                """));
        assertEquals("5\nworkers-bworkers-b\n3\n", out());
    }

    @Test
    void exit_ends_it() {
        assertEquals(Exit.OK, run("\"one\"\n/exit\n\"two\"\n"));
        assertEquals("one\n", out());
    }

    @Test
    void an_exception_is_one_line_ends_it_and_makes_the_exit_code() {
        assertEquals(Exit.USAGE, run("host(\"workers-x\")\n\"after\"\n"));
        assertEquals("", out());
        var said = err.toString(StandardCharsets.UTF_8);
        assertTrue(said.matches("error: there is no node workers-x in .*: workers-x; did you mean workers-b\\?\n"),
                said);
        err.reset();
        assertEquals(Exit.FAILED, run("Integer.parseInt(\"x\\ny\")\n"));
        assertEquals("error: java.lang.NumberFormatException: For input string: \"x; y\"\n",
                err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void what_does_not_compile_is_told_with_its_line() {
        var problem = assertThrows(Problem.class, () -> run("\n1 + 1\ncore.runn(\"uptime\")\n"));
        assertTrue(problem.sentence().startsWith("check.jsh line 3: cannot find symbol; symbol:   method runn("),
                problem.sentence());
        assertEquals("2\n", out());
        assertTrue(assertThrows(Problem.class, () -> run("if (true) {\n")).sentence()
                .endsWith("line 1: what begins there has no end"));
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> run("/list\n")).exit());
    }

    @Test
    void help_lists_every_name_that_is_at_hand() {
        run("help()");
        for (var name : new String[] {"inventory", "fleet", "workers", "core", "host(", "backend", "operations",
                "prometheus", "db", "http"}) assertTrue(out().contains(name), name);
        for (var example : FleetSession.EXAMPLES) assertTrue(out().contains("  " + example.code() + "  " )
                && out().contains(example.purpose()), example.code());
    }
}
