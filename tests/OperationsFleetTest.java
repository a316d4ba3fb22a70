import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** operations against the practice fleet's backend and workers. */
@Tag("fleet")
class OperationsFleetTest {
    private static final String API = "http://10.42.1.10:8000/api/v1/operations";
    private static final String[] BACKTEST = {"operations", "start", "backtest", "sample", "AAPL", "1d", "--start-date", "2024-01-01", "--end-date", "2024-02-01", "--model-path", "models/practice"};
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        assertEquals(0, ktrdr("deploy", "all", "--tag", "sha-1000001", "--wait", "2m").run().exit());
    }

    @AfterEach
    void none_is_left_running() {
        World.on("core", "for id in $(curl -s '" + API + "?active_only=true&limit=100' | jq -r '.data[].operation_id'); do curl -s -X DELETE " + API + "/$id >/dev/null; done");
    }

    private static String status(String id) throws IOException {
        return new ObjectMapper().readTree(World.get(API + "/" + id)).path("data").path("status").asText();
    }

    private static String dummy() {
        var started = ktrdr("operations", "start", "dummy", "--no-follow").run();
        assertEquals(0, started.exit(), started::toString);
        assertTrue(started.out().matches("op_dummy_\\S+\n"), started::toString);
        return started.out().strip();
    }

    @Test
    void a_backtest_is_followed_to_its_end_on_the_worker_that_has_it() throws IOException {
        var ran = ktrdr(BACKTEST).run();
        assertEquals(0, ran.exit(), ran::toString);
        var on = Pattern.compile("runs on (workers-[bc]) backtest-worker-[12]\n").matcher(ran.err());
        assertTrue(on.find(), ran::toString);
        var id = Pattern.compile("op_backtesting_\\w+").matcher(ran.err());
        assertTrue(id.find(), ran::toString);
        // the worker's name inside the result is that of a container on the node
        var worker = new ObjectMapper().readTree(World.on(on.group(1), "cat /mnt/ktrdr-shared/results/" + id.group() + ".json")).path("worker_id").asText().replaceFirst(".*-", "");
        assertTrue(World.on(on.group(1), "docker ps -q").contains(worker), ran::toString);
    }

    @Test
    void a_download_that_fails_ends_1_with_the_backends_own_words() {
        refused(1, ktrdr("operations", "start", "data", "AAPL", "1d", "--start-date", "2024-01-01").run(), "operation  data_load runs on the backend itself",
                "found     IB host service is not available: connection refused at http://localhost:5001");
    }

    @Test
    void one_is_listed_shown_and_cancelled_once() throws IOException {
        var id = dummy();
        var listed = ktrdr("operations", "list", "--active", "-o", "json").run();
        assertEquals(id + " backend", listed.json().path("operations").path(0).path("id").asText() + " " + listed.json().path("operations").path(0).path("runs_on").asText());
        assertEquals(id, ktrdr("operations", "show", id, "-o", "json").run().json().path("operation_id").asText());
        var cancelled = ktrdr("operations", "cancel", id).run();
        assertEquals(0, cancelled.exit(), cancelled::toString);
        assertEquals("cancelled", status(id));
        refused(1, ktrdr("operations", "cancel", id).run(), "operation " + id + " had ended before: cancelled");
        refused(1, ktrdr("operations", "show", "op_none").run(), "the backend knows no operation op_none");
    }

    @Test
    void a_signal_without_a_terminal_leaves_it_running() throws Exception {
        var id = dummy();
        try (var run = ktrdr("operations", "follow", id).start()) {
            Wait.millis(2000);
            run.signal("INT");
            refused(130, run.end(), "operation " + id + " goes on", "jbang operations@ktrdr follow " + id + ", or cancel " + id);
        }
        assertEquals("running", status(id));
    }

    @Test
    void ctrl_c_on_a_terminal_asks_and_the_answer_is_carried_out() throws Exception {
        var left = dummy();
        var said = terminal(left, "\u0003");
        assertTrue(said.contains("operation " + left + " goes on") && said.contains("code 130"), said);
        assertTrue(said.contains("[") && said.contains("Working: step"), said);
        assertEquals("running", status(left));
        said = terminal(left, "c");
        assertTrue(said.contains("operation " + left + " was cancelled") && said.contains("code 130"), said);
        assertEquals("cancelled", status(left));
        assertFalse(said.matches("(?s).*code 130.*-isig.*"), said);
    }

    /** Follows on a terminal, presses Ctrl-C, and this key at the question; what was seen there. */
    private String terminal(String id, String key) throws Exception {
        var said = Files.createTempFile(folder, "said", "");
        var command = ktrdr("operations", "follow", id).processBuilder();
        var words = String.join(" ", command.command().stream().map(word -> "'" + word + "'").toList());
        var terminal = command.command("script", "-qfec", "trap : INT; " + words + "; echo code $?; stty -a", "/dev/null").redirectErrorStream(true).redirectOutput(said.toFile()).start();
        await(said, "Working: step");
        press(terminal, "\u0003");
        await(said, "Cancel it, or leave it running? [c/L]");
        // the terminal is told first that Ctrl-C is only a key now
        Wait.millis(500);
        press(terminal, key);
        assertTrue(terminal.waitFor(20, TimeUnit.SECONDS), () -> read(said));
        return read(said);
    }

    private static void press(Process terminal, String key) throws IOException {
        terminal.getOutputStream().write(key.getBytes(StandardCharsets.US_ASCII));
        terminal.getOutputStream().flush();
    }

    private static void await(Path file, String words) {
        Wait.until(() -> read(file).contains(words), () -> "no \"" + words + "\" in " + read(file));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
