package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class ConsoleTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Console console(boolean terminal) {
        return new Console(new PrintStream(out), new PrintStream(err), Console.Color.never, false, terminal, terminal);
    }

    @Test
    void elsewhere_than_on_a_terminal_a_step_is_one_line_when_it_is_done() {
        try (var step = console(false).step("core", "pull")) {
            step.now("half");
            assertEquals("", err.toString());
            step.done("2 images");
        }
        assertTrue(err.toString().matches("core +pull +2 images +\\d\\.\\d s\n"), err.toString());
    }

    @Test
    void results_and_progress_do_not_mix() {
        var console = console(false);
        console.print("result");
        console.note("progress");
        assertEquals("result\n", out.toString());
        assertEquals("progress\n", err.toString());
    }

    @Test
    void a_problem_has_its_details_in_columns() {
        console(false).problem(Problem.failed("no").expected("yes").with("its log", "a\nb"));
        assertEquals("error: no\n  expected  yes\n  its log   a\n            b\n", err.toString());
    }

    @Test
    void a_table_is_as_wide_as_it_needs_to_be() {
        assertEquals("NODE     STATE\ncore     ok\nworkers  -", String.join("\n", Table.of("node", "state").row("core", "ok").row("workers", null).lines()));
    }
}
