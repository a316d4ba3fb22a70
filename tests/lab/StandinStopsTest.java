package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Pace;

/** Trainings on the stand-ins, and what signals do to a busy worker, as in KTRDR. */
class StandinStopsTest {
    @RegisterExtension final Standins standins = new Standins();
    @TempDir Path share;

    @Test
    void a_training_runs_in_epochs_returns_a_task_id_saves_a_model() throws Exception {
        int port = standins.backend(0).port();
        standins.worker("training", port, share);
        standins.await(port, "/api/v1/workers?worker_type=training", "\"available\"");
        var answer = standins.send("POST", port, "/api/v1/trainings/start",
                "{\"strategy_name\":\"practice_40\",\"symbols\":[\"AAPL\"]}").body();
        assertTrue(answer.contains("\"status\":\"training_started\"") && !answer.contains("operation_id"), answer);
        var id = Standins.field(answer, "task_id");
        standins.await(port, "/api/v1/operations/" + id, "/40\"");
        standins.await(port, "/api/v1/operations/" + id, "\"status\":\"completed\"");
        assertTrue(Files.exists(Path.of(Standins.field(standins.get(port, "/api/v1/operations/" + id), "model_path"))));
    }

    /** The id of a training that has run for this many of its epochs. */
    private String training(int port, int epochs) throws Exception {
        standins.await(port, "/api/v1/workers?worker_type=training", "\"available\"");
        var id = Standins.field(standins.send("POST", port, "/api/v1/trainings/start",
                "{\"strategy_name\":\"practice_9000\"}").body(), "task_id");
        var epoch = Pattern.compile("Epoch (\\d+)/9000");
        Wait.until(() -> {
            var now = epoch.matcher(standins.get(port, "/api/v1/operations/" + id));
            return now.find() && Integer.parseInt(now.group(1)) > epochs;
        }, () -> id + " makes no progress");
        return id;
    }

    @Test
    void sigterm_saves_a_checkpoint_and_the_backend_cancels_at_once() throws Exception {
        int port = standins.backend(0).port();
        var worker = standins.worker("training", port, share);
        var id = training(port, 2);
        worker.terminate();
        Wait.until(Duration.ofSeconds(1), () -> standins.get(port, "/api/v1/operations/" + id)
                .contains("\"status\":\"cancelled\""), () -> "it is not cancelled");
        assertTrue(standins.get(port, "/api/v1/operations/" + id)
                .contains("\"error_message\":\"Graceful shutdown - checkpoint saved\""));
        assertTrue(standins.get(worker.port(), "/health")
                .contains("\"worker_status\":\"busy\",\"current_operation\":\"" + id + "\""));
        var checkpoint = standins.get(port, "/api/v1/checkpoints/" + id);
        assertTrue(checkpoint.contains("\"checkpoint_type\":\"shutdown\"")
                && Pattern.compile("\"state\":\\{\"epoch\":[1-9]").matcher(checkpoint).find(), checkpoint);
        standins.await(worker.port(), "/health", "\"worker_status\":\"idle\"");
        training(port, 0);
    }

    @Test
    void a_training_in_its_first_epoch_saves_no_checkpoint() throws Exception {
        int port = standins.run(new Backend(0,
                Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32)), Pace.REAL)).port();
        var worker = standins.worker("training", port, share);
        var id = training(port, 0);
        worker.terminate();
        standins.await(port, "/api/v1/operations/" + id, "Graceful shutdown - checkpoint saved");
        assertEquals("404 {\"detail\":\"Checkpoint not found: " + id + "\"}",
                standins.send("GET", port, "/api/v1/checkpoints/" + id, "").statusCode() + " "
                        + standins.get(port, "/api/v1/checkpoints/" + id));
    }

    @Test
    void a_backtest_hears_nothing_of_sigterm() throws Exception {
        int port = standins.backend(0).port();
        var worker = standins.worker("backtesting", port, share);
        standins.await(port, "/api/v1/workers", "\"one\"");
        var id = Standins.field(standins.send("POST", port, "/api/v1/backtests/start", Standins.BACKTEST).body(),
                "operation_id");
        worker.terminate();
        standins.await(port, "/api/v1/operations/" + id, "\"status\":\"completed\"");
        assertEquals(404, standins.send("GET", port, "/api/v1/checkpoints/" + id, "").statusCode());
    }

    @Test
    void sigint_leaves_no_checkpoint_and_the_operation_as_running() throws Exception {
        int port = standins.backend(0).port();
        var worker = standins.worker("training", port, share);
        var id = training(port, 2);
        worker.close();
        assertTrue(standins.get(port, "/api/v1/operations/" + id).contains("\"status\":\"running\""));
        assertFalse(Files.exists(share.resolve("results/checkpoints")));
    }

    @Test
    void a_worker_keeps_working_after_sigterm_and_ends_at_sigint() throws Exception {
        int port = Standins.freePort();
        // tests started in the background ignore SIGINT, and so would their child processes
        var builder = new ProcessBuilder("env", "--default-signal=INT,TERM",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"),
                "standin.Main", "-m", "uvicorn", "ktrdr.training.training_worker:app", "--port", String.valueOf(port))
                .redirectErrorStream(true).redirectOutput(share.resolve("log").toFile());
        builder.environment().put("KTRDR_DATA_SHARED_MOUNT_PATH", share.toString());
        var process = builder.start();
        standins.run(() -> process.destroyForcibly().waitFor());
        Wait.until(() -> {
            try {
                return standins.get(port, "/").contains("running");
            } catch (IOException notYet) {
                return false;
            }
        }, () -> "it does not answer");
        World.signal(process.pid(), "TERM");
        Wait.until(() -> Files.readString(share.resolve("log")).contains("SIGTERM received"),
                () -> "it did not hear it");
        assertEquals(200, standins.send("POST", port, "/operations/start", "{\"operation_id\":\"op_1\"}").statusCode());
        assertTrue(process.isAlive() && standins.get(port, "/health").contains("op_1"));
        World.signal(process.pid(), "INT");
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
    }

    @Test
    void a_worker_asked_for_a_foreign_operation_claims_it_as_its_own() throws Exception {
        int port = standins.backend(0).port();
        standins.worker("training", port, share);
        var id = training(port, 0);
        var other = standins.worker("training", port, share, "KTRDR_WORKER_ID", "two");
        assertTrue(standins.get(other.port(), "/api/v1/operations/" + id).contains("\"status\":\"running\""));
        assertTrue(standins.get(other.port(), "/health")
                .contains("\"worker_status\":\"busy\",\"current_operation\":\"" + id + "\""));
        standins.await(port, "/api/v1/workers?status=busy", "\"two\"");
        assertEquals(404, standins.send("GET", other.port(), "/api/v1/operations/none", "").statusCode());
        standins.send("DELETE", port, "/api/v1/operations/" + id, "");
        standins.await(other.port(), "/health", "\"worker_status\":\"idle\"");
    }
}
