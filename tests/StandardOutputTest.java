import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.Sh;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Output that cannot be written: to a full disk, to a closed descriptor, and to a pipe without a reader. */
class StandardOutputTest {
    private static final String LOST =
            "error: standard output could not be written: a part of the result, or all of it, is lost\n";

    /** Runs a procedure in its own JVM; the shell applies the redirection. */
    private static CommandResult run(String procedure, String arguments, String redirection) {
        var java = Sh.words(List.of("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8",
                "-cp", System.getProperty("java.class.path"), procedure));
        return LocalCommand.command("bash", "-c", "set -o pipefail; cd " + Sh.quote(Project.root().toString()) + "; "
                + java + " " + arguments + " " + redirection).run();
    }

    @Test
    @SuppressWarnings("unchecked")
    void every_procedure_says_that_its_output_is_lost() {
        var full = new OutputStream() {
            @Override
            public void write(int number) throws IOException {
                throw new IOException("No space left on device");
            }
        };
        var commands = Completion.commands().stream().map(line -> line.getCommandSpec().userObject())
                .filter(Callable.class::isInstance).map(value -> (Callable<Exit>) value).toList();
        assertTrue(commands.size() > 20, "there are fewer procedures than were thought");
        for (var command : commands) {
            var err = new ByteArrayOutputStream();
            var invocation = Invocation.of(Map.of(), new ByteArrayInputStream(new byte[0]),
                    new PrintStream(full, true, StandardCharsets.UTF_8),
                    new PrintStream(err, true, StandardCharsets.UTF_8));
            assertEquals(Exit.FAILED.code, Cli.run(command, invocation, "--help"), command.toString());
            assertTrue(err.toString(StandardCharsets.UTF_8).startsWith(LOST), err::toString);
        }
    }

    @ParameterizedTest
    @CsvSource({"Completion, bash, >/dev/full, No space left on device", "Completion, bash, >&-, Bad file descriptor"})
    void the_cause_is_told(String procedure, String arguments, String redirection, String cause) {
        var ran = run(procedure, arguments, redirection);
        assertEquals(1, ran.exit(), ran.err());
        assertTrue(ran.err().contains(LOST + "  expected  room for it where it goes\n  found     " + cause + "\n"),
                ran.err());
    }

    @Test
    void a_reader_that_has_enough_is_no_failure() {
        var ran = run("Completion", "bash", "| head -n 1");
        assertEquals(0, ran.exit(), ran.err());
        assertEquals("", ran.err());
        assertEquals(1, ran.out().lines().count());
    }

    @Test
    void a_console_whose_reader_is_gone_ends_whatever_it_runs() {
        for (var snippet : List.of("while (true) System.out.println(\"line\");",
                "for (;;) try { System.out.println(\"line\"); } catch (Exception e) { }", "\"line\"")) {
            var lines = snippet.startsWith("\"") ? "yes '" + snippet + "'" : "echo '" + snippet + "'";
            var ran = LocalCommand.command("bash", "-c", lines + " | (" + console() + ") | head -n 1")
                    .timeout(java.time.Duration.ofMinutes(1)).run();
            assertEquals("line\n", ran.out(), ran.err());
            assertTrue(ran.err().matches("inventory .*, \\d+ nodes\nthis is the toolkit's example .*\n"),
                    ran.err());
        }
    }

    private static String console() {
        return "cd " + Sh.quote(Project.root().toString()) + "; java -cp "
                + Sh.quote(System.getProperty("java.class.path")) + " Console -i inventory.yaml";
    }

    @Test
    void text_is_utf_8_in_every_locale() {
        var ran = Stream.of("C", "C.UTF-8")
                .map(locale -> LocalCommand.command("bash", "-c", "echo '\"h\\u00e9llo \\u2026\"' | (" + console()
                        + ")").env("LC_ALL", locale).run().out()).toList();
        assertEquals(List.of("héllo …\n", "héllo …\n"), ran);
    }
}
