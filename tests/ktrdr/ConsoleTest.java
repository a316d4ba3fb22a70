package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import lab.Wait;
import org.junit.jupiter.api.Test;

class ConsoleTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Console console(boolean terminal) {
        var invocation = new Invocation(System.getenv(), System.in, new PrintStream(out), new PrintStream(err),
                terminal, terminal);
        return new Console(invocation, Console.Color.never, false);
    }

    @Test
    void without_a_terminal_a_finished_step_is_one_line() {
        try (var step = console(false).step("core", "pull")) {
            step.now("half");
            assertEquals("", err.toString());
            step.done("2 images");
        }
        assertTrue(err.toString().matches("core +pull +2 images +\\d\\.\\d s\n"), err.toString());
    }

    @Test
    void reports_progress_every_ten_percent_at_most_once_a_second() {
        try (var step = console(false).step("core", "load")) {
            step.progress(30, "at once");
            Wait.millis(1100);
            step.progress(9, "too little");
            step.progress(41.6, "enough");
            step.progress(90, "too soon");
        }
        assertEquals("core       load     42 % enough\n", err.toString());
    }

    @Test
    void progress_on_a_terminal_is_a_bar() {
        try (var console = console(true); var step = console.step("core", "load")) {
            step.progress(20, "step 1");
            Wait.millis(500);
            assertTrue(err.toString().contains("[####················]  20 % step 1"), err.toString());
            assertTrue(!err.toString().contains("\n"), err.toString());
        }
    }

    @Test
    void of_a_secret_that_begins_as_another_does_nothing_is_left() {
        try (var console = console(false)) {
            console.secret("hunter");
            console.secret("hunter22");
            assertEquals("it is ••••", console.mask("it is hunter22"));
        }
    }

    @Test
    void shows_lone_surrogates_escaped_and_never_splits_a_character() {
        assertEquals("a\\ud83db\\u061c😀", Console.harmless("a\ud83db\u061c😀"));
        assertEquals("a…", Console.brief("a😀b", 3));
        assertEquals("a😀…", Console.brief("a😀bc", 4));
        assertEquals("a😀", Console.brief("a😀\nbc", 3));
    }

    @Test
    void the_sentence_of_a_problem_is_one_line_whatever_is_in_it() {
        assertEquals("core: \"a; b\" is no tag", Problem.failed("core: \"a\r\n  b\" is no tag\n").sentence());
    }

    @Test
    void shows_control_characters_harmlessly_in_every_output() {
        var hostile = "a\033[2Jb\u202ec\rd\u009b1m";
        var harmless = "a␛[2Jb\\u202ec␍d\\u009b1m";
        try (var console = new Console(Invocation.into(out, err), Console.Color.always, false)) {
            console.print(hostile + "\nsecond");
            console.print(Table.of("what").row(hostile));
            console.note("core", "docker", hostile);
            console.problem(Problem.failed(hostile).found("first\n" + hostile));
            console.step("core", "pull").failed(hostile);
        }
        var said = out.toString(StandardCharsets.UTF_8) + err.toString(StandardCharsets.UTF_8);
        assertEquals(6, said.split(Pattern.quote(harmless), -1).length - 1, said);
        assertEquals("", said.replaceAll("\033\\[(0|2|31)m", "").replaceAll("[^\\p{Cntrl}\u202e\u009b]|\n", ""), said);
    }

    @Test
    void nobody_is_asked_without_a_terminal() {
        assertEquals(Optional.empty(), console(false).ask("well?", "yn", Duration.ofSeconds(1)));
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> console(false).confirm("Sure?")).exit());
        assertEquals("", err.toString());
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
        assertEquals("NODE     STATE\ncore     ok\nworkers  -",
                String.join("\n", Table.of("node", "state").row("core", "ok").row("workers", null).lines()));
    }
}
