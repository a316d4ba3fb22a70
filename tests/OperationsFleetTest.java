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
import lab.Aftermath;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** operations with the practice fleet's backend and workers. */
@Tag("fleet")
class OperationsFleetTest {
    private static final String API = "http://10.42.1.10:8000/api/v1/operations";
    private static final String[] BACKTEST = {"operations", "start", "backtest", "sample", "AAPL", "1d", "--start-date",
            "2024-01-01", "--end-date", "2024-02-01", "--model-path", "models/practice"};
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
    }

    @AfterEach
    void none_is_left_running() {
        World.on("core", "for id in $(curl -s '" + API
                + "?active_only=true&limit=100' | jq -r '.data[].operation_id'); do curl -s -X DELETE " + API
                + "/$id >/dev/null; done");
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
        var on = Pattern.compile("runs on (workers-[bc]) backtest-worker-([12])\n").matcher(ran.err());
        assertTrue(on.find(), ran::toString);
        var id = Pattern.compile("op_backtesting_\\w+").matcher(ran.err());
        assertTrue(id.find(), ran::toString);
        // the worker itself has the operation
        assertTrue(World.on(on.group(1), "curl -fsS http://localhost:" + (on.group(2).equals("1") ? 5003 : 5004)
                + "/operations/" + id.group()).contains("completed"), ran::toString);
        assertTrue(ktrdr("operations", "show", id.group()).run().out().contains("result_summary.metrics.total_trades"));
        assertEquals("", World.on("core", "find /srv/ktrdr-shared -name '*" + id.group() + "*'"), "it leaves no file");
    }

    @Test
    void follows_a_training_by_its_task_id_and_saves_its_model() {
        var ran = ktrdr("operations", "start", "training", "practice_3", "--symbols", "AAPL,MSFT", "--timeframes", "1d")
                .run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().matches("(?s).*op_training_\\S+ is started.*runs on workers-[bc] training-worker-[12].*"),
                ran::toString);
        var model = Pattern.compile("result_summary\\.model_path +\\S*/models/(\\S+)").matcher(ran.out());
        assertTrue(model.find(), ran::toString);
        World.on("workers-b", "test -s /mnt/ktrdr-shared/models/" + model.group(1) + "/model.json");
    }

    @Test
    void resumes_a_training_from_its_checkpoint_only_when_cancelled() {
        var id = ktrdr("operations", "start", "training", "practice_300", "--no-follow").run().out().strip();
        refused(1, ktrdr("operations", "resume", id).run(), "Operation " + id + " is already running");
        assertEquals(0, ktrdr("operations", "cancel", id).run().exit());
        World.on("workers-b",
                "docker exec -i training-worker-1 sh -c 'mkdir -p \"$KTRDR_CHECKPOINT_DIR\" && cat "
                        + ">\"$KTRDR_CHECKPOINT_DIR/" + id + ".json\"' <<'END'\n"
                + "{\"operation_id\":\"" + id + "\",\"epoch\":290}\nEND");
        Wait.until(() -> World.get("http://10.42.1.10:8000/api/v1/workers?worker_type=training")
                .contains("\"available\""), () -> "no worker is free");
        var resumed = ktrdr("operations", "resume", id).run();
        assertEquals(0, resumed.exit(), resumed::toString);
        assertTrue(resumed.err().contains(id + " goes on from epoch 290 of ")
                && resumed.err().contains("completed on workers-"), resumed::toString);
    }

    @Test
    void lists_the_work_of_workers_after_a_backend_restart() {
        var id = ktrdr("operations", "start", "training", "practice_300", "--no-follow").run().out().strip();
        World.on("core", "docker restart ktrdr-backend >/dev/null");
        Wait.until(() -> World.on("core", "curl -s http://localhost:8000/api/v1/workers || :").contains(id),
                () -> "its worker does not register");
        assertFalse(World.get("http://10.42.1.10:8000/api/v1/operations").contains(id), "the backend knows it already");
        var listed = ktrdr("operations", "list", "--active").run();
        assertTrue(listed.out().matches("(?s).*" + id + " +training +running .*workers-[bc] training-worker-[12].*"),
                listed::toString);
        assertTrue(listed.err().matches("(?s).*what the backend has in memory, since its start at \\d{4}-\\S+Z;.*"),
                listed::toString);
    }

    @Test
    void a_dummy_is_not_followed_to_an_end_that_it_can_not_reach() {
        var started = ktrdr("operations", "start", "dummy").run();
        assertEquals(0, started.exit(), started::toString);
        assertTrue(started.out().matches("op_dummy_\\S+\n")
                && started.err().contains(
                        "it is not followed: it takes 200 s, and after 60 to 75 s the backend marks it failed"),
                started::toString);
        assertEquals(2, ktrdr("operations", "start", "backtest", "practice", "AAPL", "1d", "--start-date", "2024-01-01",
                "--end-date", "2024-02-01").run().exit(), "without a model");
    }

    @Test
    void tells_and_awaits_the_backends_own_work_before_replacing_it() throws IOException {
        var id = dummy();
        var words = "the backend itself, which is stopped: " + id + " (dummy, ";
        var planned = ktrdr("deploy", "core", "backend", "--tag", "sha-2000002", "--dry-run").run();
        assertTrue(planned.exit() == 0 && planned.err().contains(words), planned::toString);
        var document = ktrdr("deploy", "core", "backend", "--tag", "sha-2000002", "--dry-run", "-o", "json").run()
                .json();
        assertEquals(id, document.path("nodes").path(0).path("backend_at_work").path(0).asText(), document::toString);
        assertEquals("running", status(id));
        var other = ktrdr("deploy", "core", "grafana", "--dry-run").run();
        assertFalse(other.err().contains("the backend itself"), other::toString);
        var deployed = ktrdr("deploy", "core", "backend", "--tag", "sha-2000002", "--wait-idle", "2s").run();
        assertTrue(deployed.exit() == 0 && deployed.err().contains("the backend is stopped while busy, and " + id),
                deployed::toString);
        // Compose records another configuration after a deployment of one service
        assertEquals(0, ktrdr("deploy", "core", "all", "--tag", "sha-1000001").run().exit());
    }

    @Test
    void a_download_that_fails_ends_1_with_the_backends_own_words() {
        refused(1, ktrdr("operations", "start", "data", "AAPL", "1d", "--start-date", "2024-01-01").run(),
                "operation  data_load runs on the backend itself",
                "found     IB host service is not available: connection refused at "
                        + "http://broker.ktrdr.home.mynerd.place:5001");
    }

    @Test
    void one_is_listed_shown_and_cancelled_once() throws IOException {
        var id = dummy();
        var listed = ktrdr("operations", "list", "--active", "-o", "json").run();
        assertEquals(id + " backend", listed.json().path("operations").path(0).path("operation").asText() + " "
                + listed.json().path("operations").path(0).path("runs_on").asText());
        assertEquals(id, ktrdr("operations", "show", id, "-o", "json").run().json().path("operation").asText());
        var cancelled = ktrdr("operations", "cancel", id).run();
        assertEquals(0, cancelled.exit(), cancelled::toString);
        // the backend overwrites the status after it notices, unless it noticed before the second cancel
        Wait.millis(2500);
        var again = ktrdr("operations", "cancel", id).run();
        assertTrue(again.exit() == 1
                && again.err().matches("(?s).*operation " + id
                        + " had already ended: (cancelled, Operation cancelled by user|completed, after it was "
                        + "cancelled)\n.*"), again::toString);
        var shown = ktrdr("operations", "show", id).run();
        assertTrue(shown.out().matches("(?s).*(status +cancelled|that is +completed, after it was cancelled)\n.*"),
                shown::toString);
        refused(1, ktrdr("operations", "show", "op_none").run(), "the backend does not know operation op_none");
    }

    @Test
    void a_signal_without_a_terminal_leaves_it_running() throws Exception {
        var id = dummy();
        try (var run = ktrdr("operations", "follow", id).start()) {
            run.await(said -> said.err().contains("runs on the backend itself"));
            run.signal("INT");
            refused(130, run.end(), "operation " + id + " keeps running",
                    "jbang operations@ktrdr follow " + id + ", or cancel " + id);
        }
        assertEquals("running", status(id));
    }

    @Test
    void ctrl_c_on_a_terminal_asks_and_the_answer_is_carried_out() throws Exception {
        var left = dummy();
        var said = terminal(left, "\u0003");
        assertTrue(said.contains("operation " + left + " keeps running") && said.contains("code 130"), said);
        assertTrue(said.contains("[") && said.contains("Working: step"), said);
        assertEquals("running", status(left));
        said = terminal(left, "c");
        assertTrue(said.contains("operation " + left + " was cancelled") && said.contains("code 130"), said);
        assertTrue(World.get(API + "/" + left).contains("Operation cancelled by user"), said);
        assertFalse(said.matches("(?s).*code 130.*-isig.*"), said);
    }

    /** Follows in a terminal, presses Ctrl-C, answers the question with this key, and returns the output. */
    private String terminal(String id, String key) throws Exception {
        var said = Files.createTempFile(folder, "said", "");
        var command = ktrdr("operations", "follow", id).processBuilder();
        var words = String.join(" ", command.command().stream().map(word -> "'" + word + "'").toList());
        var terminal = command.command("script", "-qfec", "trap : INT; " + words + "; echo code $?; stty -a",
                "/dev/null").redirectErrorStream(true).redirectOutput(said.toFile()).start();
        await(said, "Working: step");
        press(terminal, "\u0003");
        await(said, "Cancel it, or leave it running? [c/L]");
        // first the terminal's mode changes, so that Ctrl-C is an ordinary key
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
