package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.health.GrafanaChecks;
import ktrdr.inventory.Inventory;
import ktrdr.release.Templates;
import ktrdr.report.Check;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Queries to Grafana and Jaeger, with answers in the real format. */
class ObservedTest {
    private static final Instant BEGAN = Instant.parse("2026-01-01T12:00:00Z");
    private final MockWebServer server = new MockWebServer();
    private Inventory inventory;
    private Http http;

    @BeforeEach
    void servers() throws IOException {
        server.start();
        inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {grafana: {port: " + server.getPort()
                + "}, jaeger: {port: " + server.getPort() + "}}\n");
        http = new Http(Map.of("backend.ktrdr.test", server.getHostName(), "grafana.ktrdr.test", server.getHostName()),
                Duration.ofSeconds(5));
    }

    @AfterEach
    void closed() throws IOException {
        http.close();
        server.close();
    }

    /** Maps path prefixes to response bodies; any other path gets 404. */
    private void answers(Map<String, String> bodies) {
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return bodies.entrySet().stream().filter(entry -> request.getTarget().startsWith(entry.getKey()))
                        .findFirst()
                        .map(entry -> new MockResponse.Builder().body(entry.getValue()).build())
                        .orElseGet(() -> new MockResponse.Builder().code(404).body("{}").build());
            }
        });
    }

    private Map<String, Check> grafana() {
        return new GrafanaChecks(inventory, http).checks().stream()
                .collect(Collectors.toMap(Check::id, check -> check));
    }

    private static String sources(String uid) {
        return "{\"datasources\":{\"Prometheus\":{\"uid\":\"" + uid
                + "\",\"type\":\"prometheus\",\"name\":\"Prometheus\"},\"Jaeger\":{\"uid\":\"jaeger\",\"type\":"
                + "\"jaeger\",\"name\":\"Jaeger\"}}}";
    }

    @Test
    void names_a_data_source_without_its_fixed_uid() {
        answers(Map.of("/api/frontend/settings", sources("P1809F7CD0C75ACF3")));
        assertEquals("Prometheus (prometheus, uid P1809F7CD0C75ACF3), Jaeger (jaeger, uid jaeger)",
                grafana().get("grafana.datasource.prometheus").found());
        assertTrue(grafana().get("grafana.datasource.jaeger").ok());
    }

    @Test
    void a_query_passes_with_data_and_quotes_grafana_when_refused() {
        answers(Map.of("/api/frontend/settings", sources("prometheus"),
                "/api/ds/query",
                "{\"results\":{\"A\":{\"status\":200,\"frames\":[{\"data\":{\"values\":[[1],[1]]}},{\"data\":{"
                        + "\"values\":[[1],[0]]}}]}}}"));
        assertEquals("2 series", grafana().get("grafana.query").found());
        answers(Map.of("/api/ds/query",
                "{\"results\":{\"A\":{\"status\":200,\"frames\":[{\"data\":{\"values\":[]}}]}}}"));
        assertEquals("an answer without data", grafana().get("grafana.query").found());
        answers(Map.of("/api/ds/query", "{\"results\":{\"A\":{\"error\":\"dial tcp: no such host\"}}}"));
        assertEquals("dial tcp: no such host", grafana().get("grafana.query").found());
    }

    @Test
    void a_grafana_without_that_api_is_said_to_be() {
        answers(Map.of());
        assertEquals("not asked: this Grafana has no /api/ds/query", grafana().get("grafana.query").found());
    }

    private String overview() {
        return new Templates(inventory).render(inventory.core(), "none").stream()
                .filter(file -> file.path().endsWith("system-overview.json")).findFirst().orElseThrow().content();
    }

    private Check dashboard(String served) {
        answers(Map.of("/api/dashboards/uid/ktrdr-system", "{\"dashboard\":" + served + "}", "/api/ds/query",
                "{\"results\":{\"A\":{\"frames\":[{\"data\":{\"values\":[]}}]}}}"));
        return grafana().get("grafana.dashboard.ktrdr-system");
    }

    @Test
    void names_the_changed_panels_of_a_dashboard_and_an_empty_one() {
        assertTrue(dashboard(overview()).ok(), () -> dashboard(overview()).found());
        assertEquals("an answer without data for System Overview", grafana().get("grafana.query").found());
        assertEquals("changed: Targets down", dashboard(overview().replaceFirst("sum\\(1 - up", "sum(2 - up"))
                .found());
        assertEquals("changed: Targets down, Targets lost",
                dashboard(overview().replaceFirst("\"title\": *\"Targets down\"",
                        "\"title\": \"Targets lost\"")).found());
        assertEquals("a dashboard without a panel", dashboard("{\"title\":\"System Overview\",\"panels\":[]}").found());
    }

    private static String trace(long startMicros, String name, String tag) {
        return "{\"data\":[{\"traceID\":\"abc\",\"spans\":[{\"operationName\":\"" + name + "\",\"startTime\":" +
                startMicros + ",\"tags\":[" + tag + "]}],"
                + "\"processes\":{\"p1\":{\"serviceName\":\"ktrdr-api\"}}}]}";
    }

    private String found(String traces) {
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return new MockResponse.Builder().body(request.getTarget().contains("tags=") ? "{\"data\":[]}" : traces)
                        .build();
            }
        });
        return new Jaeger(inventory, http).find("ktrdr-api", "op_1", "/dummy/start", BEGAN).map(Jaeger.Trace::words)
                .orElse("none");
    }

    @Test
    void a_trace_is_known_by_the_operation_it_names() throws InterruptedException {
        answers(Map.of("/api/traces", trace(0, "anything", "")));
        assertEquals("trace abc, 1 span of ktrdr-api",
                new Jaeger(inventory, http).find("ktrdr-api", "op_1", "/dummy/start", BEGAN).orElseThrow().words());
        assertEquals("/api/traces?service=ktrdr-api&limit=50&tags=%7B%22operation.id%22%3A%22op_1%22%7D",
                server.takeRequest().getTarget());
    }

    @Test
    void finds_the_trace_by_its_request_and_never_an_older_one() {
        long micros = BEGAN.toEpochMilli() * 1000;
        assertEquals("trace abc, 1 span of ktrdr-api", found(trace(micros + 5, "POST /api/v1/dummy/start", "")));
        assertEquals("trace abc, 1 span of ktrdr-api",
                found(trace(micros + 5, "POST", "{\"key\":\"http.target\",\"value\":\"/api/v1/dummy/start\"}")));
        assertEquals(List.of("none", "none"),
                List.of(found(trace(micros - 60_000_000L, "POST /api/v1/dummy/start", "")),
                        found(trace(micros + 5, "GET /api/v1/workers", ""))));
    }
}
