package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Http;
import ktrdr.Json;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import standin.Backend;
import standin.Pace;
import standin.Worker;

/** How the stand-ins describe themselves: the backend's OpenAPI document, and metrics where the real ones have them. */
class StandinApiTest {
    private static final Pace QUICK = Standins.QUICK;
    private final Http http = new Http(Map.of(), Duration.ofSeconds(5));
    private Backend backend;

    @AfterEach
    void stop() {
        http.close();
        if (backend != null) backend.close();
    }

    private String backend(String fault) throws IOException {
        backend = new Backend(0, Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32),
                "KTRDR_STANDIN_FAULT", fault), QUICK);
        return "http://127.0.0.1:" + backend.port();
    }

    private static JsonNode schema(JsonNode document, String path, String method) {
        return document.path("paths").path("/api/v1" + path).path(method).path("responses").path("200").path("content")
                .path("application/json").path("schema");
    }

    @Test
    void the_openapi_document_is_below_its_prefix_with_each_path() throws IOException {
        var url = backend("");
        assertEquals(404, http.get(url + "/openapi.json").status());
        var document = http.json(url + "/api/v1/openapi.json");
        assertEquals("3.1.0", document.path("openapi").asText());
        for (var path : List.of("/health", "/workers", "/workers/register", "/workers/{worker_id}", "/dummy/start",
                "/backtests/start",
                "/data/acquire/download", "/operations", "/operations/{operation_id}"))
            assertTrue(document.path("paths").has("/api/v1" + path), path);
        assertTrue(document.path("paths").path("/api/v1/operations/{operation_id}").has("delete"));
        assertFalse(document.path("paths").has("/metrics/") || document.path("paths").has("/api/v1/openapi.json"),
                "what is no route of the API");
    }

    @Test
    void answers_of_health_workers_and_started_dummies_are_untyped() throws IOException {
        var document = http.json(backend("") + "/api/v1/openapi.json");
        assertTrue(schema(document, "/health", "get").isObject() && schema(document, "/health", "get").isEmpty());
        assertFalse(schema(document, "/workers", "get").path("items").has("properties"));
        assertFalse(document.at("/components/schemas/Begun/properties/data/anyOf/0").has("properties"));
        assertEquals("#/components/schemas/Listed", schema(document, "/operations", "get").path("$ref").asText());
    }

    @Test
    void an_operation_has_only_documented_fields_and_no_duration() throws IOException {
        var url = backend("");
        var document = http.json(url + "/api/v1/openapi.json");
        var id = Json.parse(http.post(url + "/api/v1/dummy/start", null).body(), "the stand-in").path("data")
                .path("operation_id").asText();
        http.json(url + "/api/v1/operations/" + id).path("data").fieldNames()
                .forEachRemaining(name -> assertTrue(document.at("/components/schemas/Operation/properties").has(name),
                        name));
        assertTrue(http.json(url + "/api/v1/operations").path("data").path(0).has("duration_seconds"));
    }

    @Test
    void with_its_fault_the_api_lacks_a_path_and_wants_a_field() throws IOException {
        var url = backend("api");
        assertEquals(405, http.delete(url + "/api/v1/operations/op_1").status());
        var body = new HashMap<String, String>();
        for (var name : List.of("strategy_name", "symbol", "timeframe", "start_date", "end_date")) body.put(name, "x");
        var refused = http.post(url + "/api/v1/backtests/start", Json.parse(Json.line(body), "the test"));
        assertTrue(refused.status() == 422 && refused.body().contains("body -> account"), refused::toString);
    }

    @Test
    void a_worker_has_its_metrics_at_a_route_and_none_of_requests() throws IOException {
        try (var worker = new Worker("backtesting", 0, Map.of("WORKER_HOSTNAME", "127.0.0.1"), QUICK)) {
            var url = "http://127.0.0.1:" + worker.port();
            http.get(url + "/health");
            var text = http.get(url + "/metrics").body();
            assertTrue(text.contains("# TYPE ktrdr_operations_total counter")
                    && text.contains("\nprocess_cpu_seconds_total "), text);
            assertFalse(text.contains("\nhttp_server_duration"), text);
            assertEquals(text.lines().count(), http.get(url + "/metrics/").body().lines().count());
        }
    }
}
