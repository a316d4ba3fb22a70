package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Jaeger;
import standin.Pace;
import standin.Worker;

/** The stand-ins behave like the real ones, as far as the toolkit uses them. */
class StandinTest {
    private static final Pace QUICK = Standins.QUICK;
    private static final String BACKTEST = Standins.BACKTEST;
    @RegisterExtension final Standins standins = new Standins();
    @TempDir Path share;

    private <T extends AutoCloseable> T run(T item) {
        return standins.run(item);
    }

    private Backend backend(int port, String... more) throws IOException {
        return standins.backend(port, more);
    }

    /** Starts on a port that was just closed: the JDK's server releases it a moment after its end. */
    private Backend again(int port) {
        var backend = new AtomicReference<Backend>();
        Wait.until(Duration.ofSeconds(2), () -> {
            try {
                backend.set(backend(port));
                return true;
            } catch (IOException busy) {
                return false;
            }
        }, () -> "port " + port + " is taken");
        return backend.get();
    }

    private Worker worker(int backend, String... more) throws IOException {
        return standins.worker("backtesting", backend, share, more);
    }

    private HttpResponse<String> send(String method, int port, String path, String body, String... headers)
            throws Exception {
        return standins.send(method, port, path, body, headers);
    }

    private String get(int port, String path) throws Exception {
        return standins.get(port, path);
    }

    private void await(int port, String path, String text) {
        standins.await(port, path, text);
    }

    private static String id(String body) {
        return Standins.field(body, "operation_id");
    }

    @Test
    void workers_of_a_stopping_backend_register_at_the_next_one() throws Exception {
        var first = backend(0);
        int port = first.port();
        var worker = worker(port);
        await(port, "/api/v1/workers",
                "\"endpoint_url\":\"http://127.0.0.1:" + worker.port() + "\",\"status\":\"available\"");
        assertEquals("[]", get(port, "/api/v1/workers?worker_type=training"));
        assertEquals(404, send("GET", port, "/api/v1/workers/nobody", "").statusCode());
        first.close();
        // requests without pause, as from a health check of Docker
        again(port);
        Wait.until(() -> get(worker.port(), "/health").contains("idle") && get(port, "/api/v1/workers")
                .contains("\"one\""), () -> "it does not register");
    }

    @Test
    void a_worker_registers_again_once_health_checks_stay_away() throws Exception {
        var first = backend(0);
        int port = first.port();
        worker(port);
        await(port, "/api/v1/workers", "\"one\"");
        first.kill();
        again(port);
        await(port, "/api/v1/workers", "\"one\"");
    }

    @Test
    void health_requests_delay_a_registration_and_root_requests_not() throws Exception {
        var first = backend(0);
        int port = first.port();
        var worker = worker(port);
        await(port, "/api/v1/workers", "\"one\"");
        first.kill();
        again(port);
        for (long end = System.nanoTime() + 2 * QUICK.silence() * 1_000_000L; System.nanoTime() < end;
                Wait.millis(QUICK.check())) {
            get(worker.port(), "/health");
            assertEquals("[]", get(port, "/api/v1/workers"));
        }
        Wait.until(() -> get(worker.port(), "/").contains("\"status\":\"running\"") && get(port, "/api/v1/workers")
                .contains("\"one\""), () -> "it does not register");
    }

    @Test
    void a_worker_never_asked_for_health_keeps_checking_registration() throws Exception {
        int port = Standins.freePort();
        worker(port);
        again(port);
        await(port, "/api/v1/workers", "\"one\"");
    }

    @Test
    void a_worker_has_a_new_id_at_each_start_and_replaces_its_url() throws Exception {
        int port = backend(0).port();
        var first = worker(port, "KTRDR_WORKER_ID", "");
        var id = Pattern.compile("\"worker_id\":\"(backtesting-worker-[0-9a-f]{8})\"");
        var former = id.matcher(get(port, "/api/v1/workers"));
        assertTrue(former.find());
        first.close();
        worker(port, "KTRDR_WORKER_ID", "", "WORKER_PUBLIC_BASE_URL", "http://127.0.0.1:" + first.port());
        var there = id.matcher(get(port, "/api/v1/workers"));
        assertTrue(there.find() && !there.group(1).equals(former.group(1)));
        assertFalse(there.find(), "the former one is still there");
    }

    @Test
    void a_training_goes_to_a_worker_that_reports_a_gpu() throws Exception {
        int port = backend(0).port();
        worker(port, "KTRDR_WORKER_ID", "backtests");
        var devices = Files.createDirectories(share.resolve("dev"));
        standins.worker("training", port, share, "KTRDR_WORKER_ID", "cpu", "KTRDR_STANDIN_DEVICES", devices.toString(),
                "KTRDR_WORKER_HAS_GPU", "true");
        Files.createFile(devices.resolve("nvidia0"));
        standins.worker("training", port, share, "KTRDR_WORKER_ID", "gpu", "KTRDR_STANDIN_DEVICES", devices.toString());
        var capabilities = Pattern.compile("\"worker_id\":\"(\\w+)\".*?\"capabilities\":(\\{.*?\\})")
                .matcher(get(port, "/api/v1/workers")).results()
                .collect(Collectors.toMap(found -> found.group(1), found -> found.group(2)));
        assertEquals(Map.of("backtests", "{}", "cpu", "{\"gpu\":false}", "gpu",
                "{\"gpu\":true,\"gpu_type\":\"CUDA\",\"gpu_count\":1}"), capabilities);
        for (var next : List.of("gpu", "cpu")) {
            send("POST", port, "/api/v1/trainings/start", "{\"strategy_name\":\"practice_900\"}");
            var at = Pattern.compile("\"worker_id\":\"" + next + "\"[^{}]*\"current_operation_id\":\"op_");
            Wait.until(() -> at.matcher(get(port, "/api/v1/workers")).find(), () -> "it is not at " + next);
        }
    }

    @Test
    void a_worker_that_is_gone_becomes_unavailable() throws Exception {
        int port = backend(0).port();
        var worker = worker(port);
        await(port, "/api/v1/workers", "\"one\"");
        worker.close();
        await(port, "/api/v1/workers?status=temporarily_unavailable", "\"one\"");
    }

    @Test
    void a_backtest_keeps_its_worker_busy_and_leaves_no_file() throws Exception {
        var jaeger = run(new Jaeger(0, 0));
        var otlp = "http://127.0.0.1:" + jaeger.collectorPort();
        int port = backend(0, "KTRDR_OTEL_OTLP_ENDPOINT", otlp).port();
        var worker = worker(port, "KTRDR_OTEL_OTLP_ENDPOINT", otlp);
        await(port, "/api/v1/workers", "\"one\"");
        var id = id(send("POST", port, "/api/v1/backtests/start", BACKTEST).body());
        await(port, "/api/v1/workers?status=busy", "\"current_operation_id\":\"" + id + "\"");
        assertTrue(get(worker.port(), "/health").contains("\"worker_status\":\"busy\""));
        assertEquals(503, send("POST", port, "/api/v1/backtests/start", BACKTEST).statusCode(), "no second worker");
        await(port, "/api/v1/operations/" + id, "\"status\":\"completed\"");
        assertFalse(Files.exists(share.resolve("results")), "its result is the backend's");
        assertEquals("{\"success\":true,\"operation_id\":\"" + id
                + "\",\"operation_type\":\"backtesting\",\"status\":\"completed\",\"results\":{\"metrics\":{"
                + "\"total_return\":0.0,\"total_trades\":0}}}",
                get(port, "/api/v1/operations/" + id + "/results"));
        assertFalse(get(port, "/api/v1/operations/" + id).contains("result_path"));
        await(port, "/api/v1/workers", "\"status\":\"available\"");
        var tags = "&tags=%7B%22operation.id%22%3A%22" + id + "%22%7D";
        await(jaeger.uiPort(), "/api/traces?service=ktrdr-api&limit=1" + tags,
                "\"serviceName\":\"ktrdr-backtest-worker-one\"");
        assertTrue(get(jaeger.uiPort(), "/api/services").contains("\"ktrdr-api\",\"ktrdr-backtest-worker-one\""));
    }

    @Test
    void the_unhealthy_fault_shows_where_the_real_one_shows_it() throws Exception {
        int port = backend(0, "KTRDR_STANDIN_FAULT", "unhealthy").port();
        assertEquals(503, send("GET", port, "/api/v1/health", "").statusCode());
        var health = send("GET", worker(port, "KTRDR_STANDIN_FAULT", "unhealthy").port(), "/health", "");
        assertEquals(200, health.statusCode());
        assertTrue(health.body().contains("\"healthy\":false"));
    }

    @Test
    void the_sample_operation_is_listed_and_cancelled() throws Exception {
        int port = backend(0).port();
        var id = id(send("POST", port, "/api/v1/dummy/start", "").body());
        await(port, "/api/v1/operations/" + id, "\"status\":\"running\"");
        assertTrue(get(port, "/api/v1/operations?active_only=true").contains("\"active_count\":1"));
        assertEquals(200, send("DELETE", port, "/api/v1/operations/" + id, "").statusCode());
        assertTrue(get(port, "/api/v1/operations/" + id).contains("\"error_message\":\"Operation cancelled by user\""));
        assertEquals(400, send("DELETE", port, "/api/v1/operations/" + id, "").statusCode());
        assertEquals(404, send("GET", port, "/api/v1/operations/none", "").statusCode());
        for (var limit : new String[] {"x", "0", "1001"})
            assertEquals(422, send("GET", port, "/api/v1/operations?limit=" + limit, "").statusCode());
        for (int i = 0; i < 11; i++) send("POST", port, "/api/v1/dummy/start", "");
        assertEquals(10, get(port, "/api/v1/operations").split("progress_percentage", -1).length - 1);
    }

    @Test
    void a_download_fails_without_a_broker_or_without_a_mode() throws Exception {
        int port = backend(0).port();
        var id = id(send("POST", port, "/api/v1/data/acquire/download",
                "{\"symbol\":\"AAPL\",\"timeframe\":\"1d\",\"mode\":\"tail\"}").body());
        await(port, "/api/v1/operations/" + id, "IB host service is not available");
        var refused = send("POST", port, "/api/v1/data/acquire/download", "{\"symbol\":\"AAPL\",\"timeframe\":\"1d\"}");
        assertEquals("500 {\"detail\":\"Data acquisition failed: Invalid mode: local\"}",
                refused.statusCode() + " " + refused.body());
    }

    @Test
    void what_is_refused_is_told_in_the_forms_of_the_real_one() throws Exception {
        int port = backend(0).port();
        assertEquals("{\"success\":false,\"error\":{\"code\":\"VALIDATION_ERROR\",\"message\":\"Request validation "
                + "failed\",\"details\":[{\"field\":\"body -> symbol\","
                + "\"message\":\"Field required\",\"type\":\"missing\"}]}}",
                send("POST", port, "/api/v1/data/acquire/download", "{\"timeframe\":\"1d\",\"mode\":\"tail\"}").body());
        var none = send("POST", port, "/api/v1/backtests/start", BACKTEST);
        assertEquals(503, none.statusCode());
        assertTrue(none.body()
                .startsWith("{\"detail\":{\"error\":\"No backtesting workers "
                        + "available\",\"worker_type\":\"backtesting\",\"registered_workers\":0,"
                        + "\"backend_uptime_seconds\":"), none.body());
        assertEquals("{\"detail\":\"Operation not found: none\"}", get(port, "/api/v1/operations/none"));
    }

    @Test
    void backend_and_workers_refuse_an_unknown_environment() {
        for (var environment : new String[] {"preprod", "homelab", ""}) {
            var words = "Environment must be one of ['development', 'staging', 'production'], got '" + environment
                    + "'";
            assertEquals(words,
                    assertThrows(IllegalArgumentException.class, () -> backend(0, "KTRDR_API_ENVIRONMENT", environment))
                            .getMessage());
            assertEquals(words,
                    assertThrows(IllegalArgumentException.class, () -> worker(0, "KTRDR_API_ENVIRONMENT", environment))
                            .getMessage());
        }
    }

    @Test
    void metrics_have_their_names_behind_a_redirect() throws Exception {
        int port = backend(0).port();
        get(port, "/api/v1/health");
        var bare = send("GET", port, "/metrics", "");
        assertEquals(307, bare.statusCode());
        assertEquals("/metrics/", bare.headers().firstValue("location").orElse(""));
        var text = get(port, "/metrics/");
        for (var name : new String[] {"ktrdr_workers_registered_total{worker_type=\"training\"} 0",
                "ktrdr_workers_available{worker_type=\"backtesting\"} 0",
            "ktrdr_operations_active 0", "# TYPE ktrdr_operations_total", "http_server_duration_milliseconds_bucket{",
                "http_server_duration_milliseconds_sum{",
            "http_method=\"GET\",http_scheme=\"http\",http_server_name=\"backend:8000\",http_status_code=\"200\","
                    + "http_target=\"/api/v1/health\",", "agent_budget_spend_total 0",
                "agent_cycle_duration_seconds_count 0",
            "process_cpu_seconds_total", "process_resident_memory_bytes"})
            assertTrue(text.contains(name), name + " in " + text);
        // a worker's metrics have another route, and nothing about HTTP
        var worker = worker(port);
        assertEquals("/metrics", send("GET", worker.port(), "/metrics/", "").headers().firstValue("location")
                .orElse(""));
        var workers = get(worker.port(), "/metrics");
        assertTrue(workers.contains("ktrdr_operations_active 0") && workers.lines()
                .noneMatch(line -> line.matches("(?!#|ktrdr_operation|process_|python_).*")), workers);
    }

    @Test
    void the_backend_refuses_to_start_without_its_secrets() {
        for (var env : new Map[] {Map.of(), Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "tooshort")}) {
            @SuppressWarnings("unchecked")
            var refused = assertThrows(IllegalArgumentException.class,
                    () -> new Backend(0, (Map<String, String>) env, QUICK));
            assertTrue(!refused.getMessage().contains("tooshort") && refused.getMessage().startsWith("KTRDR_"));
        }
    }
}
