package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Pace;
import standin.Worker;

/** The registry of the stand-in backend and the registration of its workers, as in KTRDR. */
class StandinWorkersTest {
    private static final String API = "/api/v1/operations/";
    @RegisterExtension final Standins standins = new Standins();
    @TempDir Path share;

    private String training(int port, String strategy) throws Exception {
        standins.await(port, "/api/v1/workers?worker_type=training", "\"available\"");
        var id = Standins.field(standins.send("POST", port, "/api/v1/trainings/start",
                "{\"strategy_name\":\"" + strategy + "\"}").body(), "task_id");
        standins.await(port, API + id, "\"status\":\"running\"");
        return id;
    }

    @Test
    void the_intervals_are_those_of_the_real_one() {
        var real = Pace.REAL;
        // three misses make it unavailable, so after 20 to 30 s
        assertEquals(List.of(10_000L, 300_000L, 1_000L, 10_000L, 30_000L, 2_000L),
                List.of(real.poll(), real.remove(), real.retry(), real.check(), real.silence(), real.reconnect()));
    }

    /** A worker in a separate process, since its messages go to that process's log. */
    static final class Cold {
        public static void main(String... backend) throws Exception {
            var quick = Standins.QUICK;
            long began = System.nanoTime();
            new Worker("training", 0,
                    Map.of("KTRDR_API_URL", "http://127.0.0.1:" + backend[0], "WORKER_HOSTNAME", "127.0.0.1"),
                    new Pace(quick.poll(), quick.remove(), 100, 60_000, quick.silence(), quick.reconnect(),
                            quick.dummy(), quick.backtest(), quick.epoch(), quick.linger(), quick.follow(), 0, 0));
            System.out.println("it answers after 1.5 s or more: " + (System.nanoTime() - began >= 1_500_000_000L));
        }
    }

    @Test
    void a_cold_worker_tries_five_times_with_doubled_delays() throws Exception {
        var log = share.resolve("log");
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                Cold.class.getName(), String.valueOf(Standins.freePort())).redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        standins.run(() -> process.destroyForcibly().waitFor());
        Wait.until(() -> Files.readString(log).contains("it answers after"),
                () -> "it does not start: " + Files.readString(log));
        assertEquals(List.of("WARNING: Registration attempt 1/5 failed: backend not reachable (retrying in 0.1s)",
                "WARNING: Registration attempt 2/5 failed: backend not reachable (retrying in 0.2s)",
                "WARNING: Registration attempt 3/5 failed: backend not reachable (retrying in 0.4s)",
                "WARNING: Registration attempt 4/5 failed: backend not reachable (retrying in 0.8s)",
                "WARNING: Registration attempt 5/5 failed: backend not reachable (retrying in 1.6s)",
                "ERROR: Worker registration failed after 5 attempts - will retry via health check monitor",
                "it answers after 1.5 s or more: true"), Files.readAllLines(log));
    }

    @Test
    void a_workers_root_names_it_and_its_health_names_its_work() throws Exception {
        int port = standins.backend(0).port();
        var worker = standins.worker("training", port, share);
        var time = "\"timestamp\":\"[0-9T:.-]+Z\"";
        var root = standins.get(worker.port(), "/");
        assertTrue(root.matches(
                "\\{\"service\":\"Training Worker Service\",\"version\":\"1.0.0\",\"status\":\"running\"," + time
                        + ",\"worker_id\":\"one\"}"), root);
        var health = standins.get(worker.port(), "/health");
        assertTrue(health.matches("\\{\"healthy\":true,\"service\":\"training-worker\"," + time
                + ",\"status\":\"operational\",\"worker_status\":\"idle\",\"current_operation\":null}"), health);
    }

    @Test
    void registers_any_known_worker_type_and_mixes_no_work() throws Exception {
        int port = standins.backend(0).port();
        for (var type : List.of("agent_design", "agent_assessment", "gpu_host", "cpu_training"))
            assertEquals(200,
                    standins.send("POST", port, "/api/v1/workers/register",
                            "{\"worker_id\":\"" + type + "-1\",\"worker_type\":\"" + type
                                    + "\",\"endpoint_url\":\"http://127.0.0.1:9/" + type + "\"}").statusCode());
        assertEquals(422, standins.send("POST", port, "/api/v1/workers/register",
                "{\"worker_id\":\"x\",\"worker_type\":\"other\",\"endpoint_url\":\"http://x\"}").statusCode());
        assertEquals(503, standins.send("POST", port, "/api/v1/trainings/start", "{\"strategy_name\":\"s\"}")
                .statusCode());
        assertFalse(standins.get(port, "/metrics/").contains("agent_design"), "they are counted nowhere");
    }

    @Test
    void an_unreachable_worker_still_gets_work_and_the_start_is_500() throws Exception {
        int port = standins.backend(0).port();
        var url = "http://127.0.0.1:" + Standins.freePort();
        for (var type : List.of("training", "backtesting"))
            standins.send("POST", port, "/api/v1/workers/register", "{\"worker_id\":\"gone-" + type
                    + "\",\"worker_type\":\"" + type + "\",\"endpoint_url\":\"" + url + "/" + type + "\"}");
        var training = standins.send("POST", port, "/api/v1/trainings/start", "{\"strategy_name\":\"s\"}");
        assertEquals("500 {\"detail\":\"Failed to start training: All connection attempts failed\"}",
                training.statusCode() + " " + training.body());
        var backtest = standins.send("POST", port, "/api/v1/backtests/start", Standins.BACKTEST);
        assertEquals("500 {\"detail\":\"Failed to start backtest\"}", backtest.statusCode() + " " + backtest.body());
    }

    @Test
    void a_lost_worker_keeps_its_operation_until_its_removal_fails_it() throws Exception {
        var quick = Standins.QUICK;
        var env = new HashMap<>(Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32),
                "KTRDR_ORPHAN_TIMEOUT_SECONDS", "3", "KTRDR_ORPHAN_CHECK_INTERVAL_SECONDS", "1"));
        int port = standins.run(new Backend(0, env, new Pace(quick.poll(), 1_500, quick.retry(), quick.check(),
                quick.silence(), quick.reconnect(), quick.dummy(), quick.backtest(), quick.epoch(),
                quick.linger(), quick.follow(), 0, 0))).port();
        var worker = standins.worker("training", port, share);
        var id = training(port, "practice_9000");
        standins.await(port, "/api/v1/workers?status=busy", id);
        worker.close();
        standins.await(port, "/api/v1/workers?status=temporarily_unavailable",
                "\"current_operation_id\":\"" + id + "\"");
        Wait.until(() -> standins.get(port, "/api/v1/workers").equals("[]"), () -> "it is never removed");
        assertTrue(standins.get(port, API + id).contains("\"status\":\"running\""),
                "it was failed while it was claimed");
        standins.await(port, API + id, "Operation was RUNNING but no worker claimed it");
    }

    @Test
    void a_new_worker_at_a_lost_ones_url_seems_busy_until_cancelled() throws Exception {
        int port = standins.backend(0).port();
        var lost = standins.worker("training", Standins.freePort(), port, share);
        var id = training(port, "practice_9000");
        lost.close();
        var env = Map.of("KTRDR_WORKER_ID", "one", "WORKER_HOSTNAME", "127.0.0.1", "KTRDR_API_URL",
                "http://127.0.0.1:" + port, "KTRDR_DATA_SHARED_MOUNT_PATH", share.toString());
        var fresh = standins.run(new Worker("training", lost.port(), env, Standins.QUICK));
        Wait.until(() -> {
            standins.get(port, API + id);
            return standins.get(fresh.port(), "/health")
                    .contains("\"worker_status\":\"busy\",\"current_operation\":\"" + id + "\"");
        }, () -> "it is idle");
        standins.await(port, "/api/v1/workers?status=busy", id);
        assertEquals(404, standins.send("GET", fresh.port(), "/operations/" + id, "").statusCode(), "it runs it");
        assertEquals(200, standins.send("DELETE", port, API + id, "").statusCode());
        standins.await(fresh.port(), "/health", "\"worker_status\":\"idle\"");
    }

    @Test
    void a_worker_may_be_given_a_second_training_after_a_resume() throws Exception {
        var slow = Pace.REAL;
        int port = standins.run(new Backend(0, Standins.SECRETS,
                new Pace(3_000, 60_000, 50, 50, 1_500, 50, slow.dummy(), slow.backtest(), 50, 0, 50, 0, 0))).port();
        var quick = Standins.QUICK;
        var worker = standins.run(new Worker("training", 0, Map.of("KTRDR_WORKER_ID", "one", "WORKER_HOSTNAME",
                "127.0.0.1", "KTRDR_API_URL", "http://127.0.0.1:" + port,
                "KTRDR_DATA_SHARED_MOUNT_PATH", share.toString()),
                new Pace(quick.poll(), quick.remove(), quick.retry(), quick.check(), quick.silence(), quick.reconnect(),
                        quick.dummy(), quick.backtest(), 50, 0, 50, 0, 0)));
        var id = training(port, "practice_9000");
        Wait.until(() -> Pattern.compile("Epoch [3-9]").matcher(standins.get(port, API + id)).find(),
                () -> "no epoch is done");
        worker.terminate();
        standins.await(port, API + id, "\"status\":\"cancelled\"");
        standins.await(port, "/api/v1/workers", "\"available\"");
        assertTrue(standins.send("POST", port, API + id + "/resume", "").body().contains("resuming"));
        assertTrue(standins.get(port, "/api/v1/workers").contains("\"available\""),
                "the registry knows of it before the next look");
        var second = standins.send("POST", port, "/api/v1/trainings/start", "{\"strategy_name\":\"practice_9000\"}");
        assertEquals(200, second.statusCode(), second::body);
        var other = Standins.field(second.body(), "task_id");
        standins.await(port, API + other, "\"status\":\"running\"");
        assertTrue(standins.get(port, API + id).contains("\"status\":\"running\""));
        assertEquals(200, standins.send("GET", worker.port(), "/operations/" + id, "").statusCode());
        assertEquals(200, standins.send("GET", worker.port(), "/operations/" + other, "").statusCode());
    }

    @Test
    void a_cancelled_dummy_is_subtracted_twice_from_active_ones() throws Exception {
        var quick = Standins.QUICK;
        int port = standins.run(new Backend(0, Standins.SECRETS,
                new Pace(quick.poll(), quick.remove(), quick.retry(), quick.check(),
                quick.silence(), quick.reconnect(), 200_000, quick.backtest(), quick.epoch(), quick.linger(),
                quick.follow(), 0, 0))).port();
        var id = Standins.field(standins.send("POST", port, "/api/v1/dummy/start", "").body(), "operation_id");
        // at the beginning of a step of two seconds, so that the request comes before its end
        standins.await(port, API + id, "step 2 of 100");
        standins.send("DELETE", port, API + id, "");
        standins.await(port, API + id, "\"status\":\"completed\"");
        var metrics = standins.get(port, "/metrics/");
        assertTrue(metrics.contains("ktrdr_operations_active -1"), metrics);
        assertTrue(metrics.contains("status=\"cancelled\"} 1") && metrics.contains("status=\"completed\"} 1"), metrics);
    }
}
