package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.api.Prometheus.Series;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Prometheus API answers, in the documented format. */
class PrometheusTest {
    private final MockWebServer server = new MockWebServer();
    private final Http http = new Http(Map.of("backend.ktrdr.test", "127.0.0.1"), Duration.ofSeconds(5));

    @BeforeEach
    void start() throws IOException {
        server.start();
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        server.close();
    }

    private List<Series> answered(int status, String body) {
        server.enqueue(new MockResponse.Builder().code(status).body(body).build());
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {prometheus: {port: " + server.getPort()
                + "}}\n");
        return new Prometheus(inventory, http).query("up{job=\"a b\"}");
    }

    @Test
    void a_vector_has_its_labels_and_values() throws InterruptedException {
        var series = answered(200, """
                {"status": "success", "data": {"resultType": "vector", "result": [
                  {"metric": {"__name__": "up", "job": "backend"}, "value": [1435781451.781, "1"]},
                  {"metric": {}, "value": [1435781451.781, "+Inf"]}]}}""");
        assertEquals(List.of(new Series("up", Map.of("job", "backend"), 1),
                new Series("", Map.of(), Double.POSITIVE_INFINITY)), series);
        assertEquals("up{job=\"backend\"}", series.get(0).words());
        assertEquals("/api/v1/query?query=up%7Bjob%3D%22a+b%22%7D", server.takeRequest().getTarget());
    }

    @Test
    void a_scalar_is_one_and_of_a_range_the_last_counts() {
        assertEquals(2.5,
                answered(200, "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":["
                        + "1435781451.781,\"2.5\"]}}").get(0).value());
        var matrix = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{"
                + "\"__name__\":\"up\"},\"values\":[[1,\"1\"],[2,\"0\"]]}]}}";
        assertEquals(List.of(new Series("up", Map.of(), 0)), answered(200, matrix));
    }

    @Test
    void a_value_that_is_no_number_is_told() {
        var problem = assertThrows(Problem.class,
                () -> answered(200,
                        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},"
                                + "\"value\":[1,\"1 or so\"]}]}}"));
        assertEquals("1 or so", problem.details().get("found"));
    }

    @Test
    void what_it_refuses_is_told_in_its_words() {
        var problem = assertThrows(Problem.class,
                () -> answered(400,
                        "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error: unexpected end of "
                                + "input\"}"));
        assertEquals("parse error: unexpected end of input", problem.details().get("found"));
    }
}
