package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Jaeger;
import standin.Pace;
import standin.Worker;

/** What the stand-ins of the practice fleet count and trace, and what that for Jaeger keeps. */
class StandinTracesTest {
    private static final Pace PACE = new Pace(50, 60_000, 50, 50, 1_500, 50, 600, 600, 50, 3_000, 50, 0);
    private static final String EXCLUDED = "/health$,/metrics,:[0-9]+/$";
    private final HttpClient http = HttpClient.newHttpClient();

    private String get(int port, String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(), BodyHandlers.ofString()).body();
    }

    private static Backend backend(Jaeger jaeger, String excluded) throws IOException {
        var env = new HashMap<>(Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32), "KTRDR_OTEL_OTLP_ENDPOINT", "http://127.0.0.1:" + jaeger.collectorPort()));
        if (!excluded.isEmpty()) env.put("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", excluded);
        return new Backend(0, env, PACE);
    }

    @Test
    void each_request_is_traced_and_counted_unless_its_address_is_excluded() throws Exception {
        for (var excluded : List.of("", EXCLUDED))
            try (var jaeger = new Jaeger(0, 0); var backend = backend(jaeger, excluded)) {
                for (var path : List.of("/", "/api/v1/health", "/metrics/", "/api/v1/operations")) get(backend.port(), path);
                var operations = "/api/services/ktrdr-api/operations";
                Wait.until(() -> get(jaeger.uiPort(), operations).contains("GET /api/v1/operations"), () -> "nothing was traced");
                var metrics = get(backend.port(), "/metrics/");
                assertTrue(metrics.contains("http_target=\"/api/v1/operations\""), metrics);
                for (var health : List.of("/api/v1/health", "/\"")) {
                    assertEquals(excluded.isEmpty(), get(jaeger.uiPort(), operations).contains("GET " + health), health);
                    assertEquals(excluded.isEmpty(), metrics.contains("http_target=\"" + health), health);
                }
            }
    }

    @Test
    void an_operation_is_counted_and_timed_by_who_does_it(@TempDir Path app) throws Exception {
        Files.writeString(Files.createDirectories(app.resolve("models/s")).resolve("metadata_v3.json"), "{}");
        try (var jaeger = new Jaeger(0, 0); var backend = backend(jaeger, "");
                var worker = new Worker("backtesting", 0, Map.of("KTRDR_WORKER_ID", "one", "WORKER_HOSTNAME", "127.0.0.1", "KTRDR_API_CLIENT_BASE_URL", "http://127.0.0.1:" + backend.port(),
                        "KTRDR_DATA_SHARED_MOUNT_PATH", app.toString(), "KTRDR_STANDIN_APP", app.toString()), PACE)) {
            var backtest = "{\"strategy_name\":\"s\",\"symbol\":\"AAPL\",\"timeframe\":\"1d\",\"start_date\":\"2024-01-01\",\"end_date\":\"2024-02-01\",\"model_path\":\"models/s\"}";
            for (var start : Map.of("/api/v1/backtests/start", backtest, "/api/v1/dummy/start", "").entrySet())
                http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + backend.port() + start.getKey())).POST(BodyPublishers.ofString(start.getValue())).build(), BodyHandlers.ofString());
            var places = Map.of("backtesting", List.of(worker.port(), "/metrics"), "dummy", List.of(backend.port(), "/metrics/"));
            for (var type : places.keySet()) {
                var labels = "operation_type=\"" + type + "\",status=\"completed\"";
                Supplier<String> told = () -> said((int) places.get(type).get(0), (String) places.get(type).get(1));
                Wait.until(() -> told.get().contains("ktrdr_operations_total{" + labels + "} 1\n"), () -> told.get());
                assertTrue(told.get().contains("ktrdr_operation_duration_seconds_bucket{" + labels + ",le=\"5.0\"} 1\n"), told);
                var other = "operation_type=\"" + (type.equals("dummy") ? "backtesting" : "dummy");
                assertFalse(told.get().contains(other), told);
            }
        }
    }

    private String said(int port, String path) {
        try {
            return get(port, path);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void jaeger_2_keeps_so_many_traces_as_its_option_says_and_takes_no_option_of_jaeger_1() throws Exception {
        assertEquals(20, Jaeger.traces(List.of("--set=extensions.jaeger_storage.backends.some_storage.memory.max_traces=20")));
        assertEquals("unknown flag: --memory.max-traces=20", assertThrows(IllegalArgumentException.class, () -> Jaeger.traces(List.of("--memory.max-traces=20"))).getMessage());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Jaeger.traces(List.of("--set=memory.max_traces=20"))).getMessage().endsWith("has invalid keys"));
        try (var jaeger = new Jaeger(0, 0, 2)) {
            for (int i = 1; i <= 3; i++) {
                var span = "{\"traceID\":\"t" + i + "\",\"spanID\":\"s\",\"operationName\":\"o\",\"service\":\"x\",\"startTime\":1,\"duration\":1}";
                http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + jaeger.collectorPort() + "/spans")).POST(BodyPublishers.ofString(span)).build(), BodyHandlers.ofString());
            }
            var kept = get(jaeger.uiPort(), "/api/traces?service=x");
            assertFalse(kept.contains("\"t1\""), kept);
            assertTrue(kept.contains("\"t2\"") && kept.contains("\"t3\""), kept);
        }
    }
}
