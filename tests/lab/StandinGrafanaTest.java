package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import standin.Grafana;
import standin.Jaeger;

/** The stand-in for Grafana: the part of its API that the toolkit uses. */
class StandinGrafanaTest {
    @RegisterExtension final Standins standins = new Standins();
    @TempDir Path share;

    private HttpResponse<String> send(String method, int port, String path, String body, String... headers)
            throws Exception {
        return standins.send(method, port, path, body, headers);
    }

    private String get(int port, String path) throws Exception {
        return standins.get(port, path);
    }

    @Test
    void grafana_reads_its_data_sources_and_dashboards() throws Exception {
        var sources = Files.createDirectories(share.resolve("datasources"));
        Files.writeString(sources.resolve("datasources.yml"), """
                # a comment
                apiVersion: 1
                datasources:
                  - name: Prometheus
                    uid: prometheus
                    type: prometheus
                    url: http://prometheus:9090
                    isDefault: true
                  - name: "Jaeger"
                    type: jaeger
                """);
        var boards = Files.createDirectories(share.resolve("dashboards"));
        Files.writeString(boards.resolve("one.json"), "{\"uid\":\"one\",\"title\":\"System overview\",\"panels\":[]}");
        var env = Map.of("GF_SECURITY_ADMIN_PASSWORD", "secret", "GF_AUTH_ANONYMOUS_ENABLED", "true");
        int port = standins.run(new Grafana(0, env, sources, boards)).port();
        assertTrue(get(port, "/api/health").contains("\"database\": \"ok\""));
        assertTrue(get(port, "/api/search").contains("\"title\":\"System overview\""));
        assertTrue(get(port, "/api/dashboards/uid/one").contains("\"panels\":[]"));
        assertEquals(403, send("GET", port, "/api/datasources", "").statusCode(), "an anonymous viewer");
        assertEquals(401, send("GET", port, "/api/datasources", "", "Authorization", basic("wrong")).statusCode());
        var list = send("GET", port, "/api/datasources", "", "Authorization", basic("secret")).body();
        assertTrue(list.contains("\"uid\":\"prometheus\"") && list.contains("\"url\":\"http://prometheus:9090\"")
                && list.contains("\"name\":\"Jaeger\""), list);
        assertEquals(404, send("GET", port, "/api/datasources/uid/jaeger", "", "Authorization", basic("secret"))
                .statusCode(), "it has no fixed uid");
    }

    @Test
    void grafana_hands_a_panels_query_to_prometheus() throws Exception {
        try (var prometheus = new MockWebServer()) {
            prometheus.start();
            prometheus.enqueue(new MockResponse.Builder()
                    .body("{\"status\":\"success\",\"data\":{\"result\":[{\"metric\":{\"job\":\"a\"},"
                            + "\"value\":[1,\"1\"]}]}}").build());
            var sources = Files.createDirectories(share.resolve("datasources"));
            Files.writeString(sources.resolve("one.yml"),
                    "datasources:\n  - name: Prometheus\n    uid: prometheus\n    type: prometheus\n    url: "
                            + prometheus.url("").toString().replaceFirst("/$", "") + "\n");
            int port = standins.run(new Grafana(0, Map.of("GF_AUTH_ANONYMOUS_ENABLED", "true"), sources, share)).port();
            var answer = send("POST", port, "/api/ds/query",
                    "{\"queries\":[{\"refId\":\"A\",\"expr\":\"up == 1\",\"datasource\":{\"uid\":\"prometheus\"}}]}")
                    .body();
            assertTrue(answer.contains("\"values\":[[1],[\"1\"]]"), answer);
            assertEquals("/api/v1/query?query=up+%3D%3D+1", prometheus.takeRequest().getTarget());
            assertTrue(send("POST", port, "/api/ds/query",
                    "{\"queries\":[{\"refId\":\"A\",\"datasource\":{\"uid\":\"other\"}}]}").body()
                    .contains("data source not found"));
        }
    }

    private static String basic(String password) {
        return "Basic " + Base64.getEncoder().encodeToString(("admin:" + password).getBytes());
    }
}
