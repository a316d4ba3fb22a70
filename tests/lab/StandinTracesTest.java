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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import standin.Backend;
import standin.Jaeger;
import standin.Pace;

/** What the stand-ins of the practice fleet trace, and what that for Jaeger keeps. */
class StandinTracesTest {
    private static final String EXCLUDED = "/health$,/metrics,:[0-9]+/$";
    private final HttpClient http = HttpClient.newHttpClient();

    private String get(int port, String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(), BodyHandlers.ofString()).body();
    }

    private static Backend backend(Jaeger jaeger, String excluded) throws IOException {
        var env = new HashMap<>(Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32), "KTRDR_OTEL_OTLP_ENDPOINT", "http://127.0.0.1:" + jaeger.collectorPort()));
        if (!excluded.isEmpty()) env.put("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", excluded);
        return new Backend(0, env, new Pace(50, 60_000, 50, 50, 1_500, 50, 20_000, 600, 50, 0));
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
