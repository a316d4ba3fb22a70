package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Pace;
import standin.Worker;

/** Operations of the stand-ins, each test named after the behaviour of the real ones. */
class StandinOperationsTest {
    private static final String API = "/api/v1/operations/";
    private static final String GIVEN_UP = "\"error_message\":\"Operation was RUNNING but no worker claimed it\"";
    /** The minimum: orphaned after a second, checked every second. */
    private static final String[] HASTY = {"KTRDR_ORPHAN_TIMEOUT_SECONDS", "1", "KTRDR_ORPHAN_CHECK_INTERVAL_SECONDS",
            "1"};

    @RegisterExtension final Standins standins = new Standins();
    @TempDir Path share;

    /** With a dummy operation of this length. */
    private Backend dummies(long millis, String... more) throws IOException {
        var quick = Standins.QUICK;
        var env = new HashMap<>(Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32)));
        for (int i = 0; i < more.length; i += 2) env.put(more[i], more[i + 1]);
        return standins.run(new Backend(0, env, new Pace(quick.poll(), quick.remove(), quick.retry(), quick.check(),
                quick.silence(), quick.reconnect(), millis,
                quick.backtest(), quick.epoch(), quick.linger(), quick.follow(), quick.drain(), 0)));
    }

    private Worker worker(String type, int backend, String... more) throws IOException {
        return standins.worker(type, backend, share, more);
    }

    private HttpResponse<String> send(String method, int port, String path, String body) throws Exception {
        return standins.send(method, port, path, body);
    }

    private String get(int port, String path) throws Exception {
        return standins.get(port, path);
    }

    private void await(int port, String path, String text) {
        standins.await(port, path, text);
    }

    private String dummy(int port) throws Exception {
        return Standins.field(send("POST", port, "/api/v1/dummy/start", "").body(), "operation_id");
    }

    private String training(int port, String strategy) throws Exception {
        return Standins.field(send("POST", port, "/api/v1/trainings/start", "{\"strategy_name\":\"" + strategy + "\"}")
                .body(), "task_id");
    }

    @Test
    void an_operation_that_no_worker_claims_is_failed_after_a_while() throws Exception {
        int port = dummies(20_000, HASTY).port();
        var id = dummy(port);
        long began = System.nanoTime();
        await(port, API + id, "\"status\":\"failed\"");
        assertTrue(System.nanoTime() - began > 900_000_000L, "at once");
        assertTrue(get(port, API + id).contains(GIVEN_UP));
        assertTrue(get(port, "/api/v1/health").contains("\"orphan_timeout_seconds\":1,\"check_interval_seconds\":1"));
    }

    @Test
    void the_time_until_then_is_60_to_75_seconds_unless_it_is_set() throws Exception {
        assertTrue(get(dummies(20_000).port(), "/api/v1/health")
                .contains("\"orphan_timeout_seconds\":60,\"check_interval_seconds\":15"));
        for (var value : new String[] {"0", "soon", "0.5"})
            assertThrows(IllegalArgumentException.class, () -> dummies(20_000, "KTRDR_ORPHAN_TIMEOUT_SECONDS", value));
    }

    @Test
    void a_dummy_that_was_failed_runs_on_and_becomes_completed() throws Exception {
        int port = dummies(3_000, HASTY).port();
        var id = dummy(port);
        await(port, API + id, "\"status\":\"failed\"");
        await(port, API + id, "\"status\":\"completed\"");
        assertTrue(get(port, API + id).contains(GIVEN_UP), "the error stays");
    }

    @Test
    void one_that_was_failed_and_that_nobody_asks_for_stays_failed() throws Exception {
        int port = dummies(2_500, HASTY).port();
        var id = dummy(port);
        Wait.until(() -> !get(port, "/api/v1/operations").contains(id), () -> "it is still in memory");
        Wait.millis(1_500);
        assertTrue(get(port, API + id).contains("\"status\":\"failed\""));
    }

    @Test
    void a_cancelled_dummy_becomes_completed_with_a_cancelled_error() throws Exception {
        int port = dummies(200_000).port();
        var id = dummy(port);
        // at the beginning of a step of two seconds, so that the request comes before its end
        await(port, API + id, "step 2 of 100");
        assertEquals(200, send("DELETE", port, API + id, "").statusCode());
        assertTrue(get(port, API + id).contains("\"status\":\"cancelled\""));
        await(port, API + id, "\"status\":\"completed\"");
        assertTrue(get(port, API + id).contains("\"error_message\":\"Operation cancelled by user\""));
    }

    @Test
    void an_ended_operation_is_listed_only_after_it_was_asked_for() throws Exception {
        int port = dummies(1_000).port();
        var id = dummy(port);
        Wait.until(() -> !get(port, "/api/v1/operations").contains(id), () -> "it does not end");
        assertTrue(get(port, API + id).contains("\"status\":\"completed\""));
        assertTrue(get(port, "/api/v1/operations").contains(id));
    }

    @Test
    void an_operation_is_listed_once_asked_for_even_after_a_restart() throws Exception {
        var first = dummies(20_000);
        int port = first.port();
        worker("training", port);
        await(port, "/api/v1/workers", "\"available\"");
        var id = training(port, "practice_400");
        assertFalse(get(port, "/api/v1/operations").contains(id));
        get(port, API + id);
        assertTrue(get(port, "/api/v1/operations").contains(id));
        first.close();
        Wait.until(() -> {
            try {
                standins.backend(port);
                return true;
            } catch (IOException busy) {
                return false;
            }
        }, () -> "port " + port + " is taken");
        await(port, "/api/v1/workers", id);
        assertFalse(get(port, "/api/v1/operations").contains(id));
        assertTrue(get(port, API + id).contains("\"operation_type\":\"training\""));
        assertTrue(get(port, "/api/v1/operations").contains(id));
    }

    @Test
    void a_dead_worker_keeps_its_operation_which_counts_as_claimed() throws Exception {
        int port = dummies(20_000, HASTY).port();
        var worker = worker("training", port);
        await(port, "/api/v1/workers", "\"available\"");
        var id = training(port, "practice_400");
        await(port, API + id, "\"status\":\"running\"");
        await(port, "/api/v1/workers", "\"current_operation_id\":\"" + id + "\"");
        worker.close();
        await(port, "/api/v1/workers", "temporarily_unavailable");
        Wait.millis(2_500);
        assertTrue(get(port, "/api/v1/workers").contains("\"current_operation_id\":\"" + id + "\""));
        assertTrue(get(port, API + id).contains("\"status\":\"running\""));
    }

    @Test
    void resumes_from_a_checkpoint_only_if_cancelled_or_failed() throws Exception {
        int port = dummies(20_000).port();
        worker("training", port, "KTRDR_CHECKPOINT_DIR", share + "/checkpoints");
        await(port, "/api/v1/workers", "\"available\"");
        var id = training(port, "practice_400");
        await(port, API + id, "\"status\":\"running\"");
        var running = send("POST", port, API + id + "/resume", "");
        assertEquals("409 {\"detail\":\"Operation " + id + " is already running\"}",
                running.statusCode() + " " + running.body());
        send("DELETE", port, API + id, "");
        await(port, "/api/v1/workers", "\"available\"");
        var none = send("POST", port, API + id + "/resume", "");
        assertEquals("404 {\"detail\":\"No checkpoint available for operation " + id + "\"}",
                none.statusCode() + " " + none.body());
        await(port, API + id, "\"status\":\"failed\"");
        Files.createDirectories(share.resolve("checkpoints"));
        Files.writeString(share.resolve("checkpoints/" + id + ".json"),
                "{\"operation_id\":\"" + id + "\",\"epoch\":230}");
        await(port, "/api/v1/workers", "\"available\"");
        var resumed = send("POST", port, API + id + "/resume", "").body();
        assertTrue(resumed.matches("\\{\"success\":true,\"data\":\\{\"operation_id\":\"" + id
                + "\",\"status\":\"resuming\",\"resumed_from\":\\{\"checkpoint_type\":\"shutdown\","
                + "\"created_at\":\"[^\"]+\",\"epoch\":230}}}"),
                resumed);
        await(port, API + id, "\"status\":\"running\"");
        // the percentage starts again
        assertTrue(get(port, API + id)
                .matches("(?s).*\"percentage\":[0-3]?\\d\\.\\d+,\"current_step\":\"Epoch 2[3-9]\\d/400\".*"),
                () -> "not at its epoch");
        assertEquals(409, send("POST", port, API + id + "/resume", "").statusCode());
        assertEquals(404, send("POST", port, API + "none/resume", "").statusCode());
    }

    @Test
    void a_resume_without_a_free_worker_fails_and_changes_nothing() throws Exception {
        int port = dummies(20_000, HASTY).port();
        var id = dummy(port);
        send("DELETE", port, API + id, "");
        var refused = send("POST", port, API + id + "/resume", "");
        assertEquals(503, refused.statusCode());
        assertTrue(refused.body().contains("worker available to resume operation"), refused.body());
        assertTrue(get(port, API + id).contains("\"status\":\"cancelled\""));
    }

    @Test
    void the_result_of_one_that_has_not_ended_is_refused() throws Exception {
        int port = dummies(20_000).port();
        var id = dummy(port);
        await(port, API + id, "\"status\":\"running\"");
        var refused = send("GET", port, API + id + "/results", "");
        assertEquals("400 {\"detail\":\"Operation not finished (status: running)\"}",
                refused.statusCode() + " " + refused.body());
    }
}
