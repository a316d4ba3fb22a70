import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Misspelled arguments: each is refused with the correct spelling, before any request. */
class WordsTest {
    private static String refused(Callable<Exit> command, String... words) {
        var err = new ByteArrayOutputStream();
        var invocation = Invocation.of(Map.of("KTRDR_INVENTORY", Project.root().resolve("inventory.yaml").toString()),
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(new ByteArrayOutputStream()), new PrintStream(err, true, StandardCharsets.UTF_8));
        assertEquals(Exit.USAGE.code, Cli.run(command, invocation, words), err::toString);
        return err.toString(StandardCharsets.UTF_8);
    }

    private static void says(String text, String... words) {
        for (var word : words) assertTrue(text.contains(word), text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10", "tomorrow", "yesterday", "2026-13-01", "2026-01-01 10:00", "-10m", "1 hour"})
    void a_time_of_logs_that_is_none_is_told_with_what_is_one(String since) {
        says(refused(new Logs(), "core", "--since=" + since), "error: invalid --since", "a day such as 2026-01-01",
                "found     " + since);
    }

    @Test
    void a_time_of_logs_that_has_not_come_is_told() {
        says(refused(new Logs(), "core", "--since", "2999-01-01"), "error: --since is in the future",
                "2999-01-01T00:00:00Z");
        says(refused(new Logs(), "core", "--since", "2999-01-01T10:00:00+02:00"), "error: --since is in the future",
                "2999-01-01T08:00:00Z");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "0", "1001"})
    void refuses_a_limit_of_operations_outside_1_to_1000(String limit) {
        says(refused(new Operations(), "list", "--limit=" + limit),
                "error: invalid --limit", "a number from 1 to 1000",
                "found     " + limit);
    }

    @Test
    void a_kind_of_operation_that_is_none_is_told_with_those_that_are() {
        says(refused(new Operations(), "start", "nonsense"), "nonsense", "one of dummy, backtest, training, data");
        says(refused(new Operations(), "nonsense"), "nonsense", "list, show, start, follow, cancel, resume");
    }

    @Test
    void a_script_behind_its_node_is_told_with_the_right_order() {
        says(refused(new Run(), "B", "docker ps"), "error: run: the script comes before the nodes",
                "to do     jbang run@ktrdr 'docker ps' B");
        says(refused(new Run(), "workers-b", "uptime", "core"), "error: run: the script comes before the nodes");
    }

    @Test
    void an_uncaught_problem_prints_its_error_and_sets_its_exit_code() {
        var program = "class Script { public static void main(String... args) { try (var core = "
                + "ktrdr.ssh.Ssh.to(\"root@no-such-host.invalid\")) { core.must(\"uptime\"); } } }";
        var ran = LocalCommand.command("sh", "-c",
                "cd \"$(mktemp -d)\" && cat >Script.java && java -cp \"$0\" Script.java; code=$?; rm -r \"$PWD\"; "
                        + "exit $code", System.getProperty("java.class.path"))
                .input(program).run();
        assertEquals(3, ran.exit(), ran.err());
        assertTrue(ran.err()
                .startsWith("error: no-such-host.invalid: the name no-such-host.invalid does not resolve\n"),
                ran.err());
    }
}
