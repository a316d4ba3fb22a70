package ktrdr.api;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Mutants;
import ktrdr.inventory.Inventory;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Parses damaged HTTP answers of services, or refuses them with a one-line error. */
class ApiFuzzTest {
    private static final String WORKERS = """
            [{"worker_id": "backtesting-1", "worker_type": "backtesting", "endpoint_url": \
            "http://workers-b.ktrdr.test:5003", "status": "available", "current_operation_id": null,
              "last_healthy_at": "2026-01-01T10:00:00.123456Z", "capabilities": {"gpu": true, "gpu_type": "CUDA", \
            "gpu_count": 1}}]""";
    private static final String OPERATION =
            "{\"success\":true,\"data\":{\"operation_id\":\"op_1\",\"operation_type\":\"dummy\",\"status\":"
                    + "\"running\",\"created_at\":\"2026-01-01T10:00:00Z\","
            + "\"progress\":{\"percentage\":42.5,\"current_step\":\"step\"},\"metadata\":{\"symbol\":\"AAPL\"},"
            + "\"error_message\":null,\"result_summary\":{\"a\":1}}}";
    private static final String OPERATIONS =
            "{\"success\":true,\"data\":[{\"operation_id\":\"op_1\",\"status\":\"completed\","
                    + "\"progress_percentage\":100,\"current_step\":null,\"symbol\":null,\"duration_seconds\":2.5}]}";
    private static final String VECTOR =
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":"
                    + "\"up\",\"job\":\"backend\"},\"value\":[1435781451.781,\"1\"]}]}}";
    private static final String MATRIX =
            "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":"
                    + "\"up\"},\"values\":[[1,\"1\"],[2,\"0\"]]}]}}";
    /** Silenced: it warns about every connection that is not reused. */
    private static final Logger WARNINGS = Logger.getLogger(MockWebServer.class.getName());
    private static MockWebServer server;
    private static Http http;
    private static Inventory inventory;
    private static volatile MockResponse answer;

    @BeforeContainer
    static void services() throws IOException {
        WARNINGS.setLevel(Level.SEVERE);
        server = new MockWebServer();
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return answer;
            }
        });
        server.start();
        inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {backend: {port: " + server.getPort()
                + "}, prometheus: {port: " + server.getPort() + "}}\n");
        http = new Http(Map.of("backend.ktrdr.test", "127.0.0.1"), Duration.ofSeconds(5));
    }

    @AfterContainer
    static void closed() throws IOException {
        WARNINGS.setLevel(null);
        http.close();
        server.close();
    }

    private static void answers(int status, String body, Runnable asks) {
        // a kept connection would wait for the acknowledgement of the first part of each answer
        answer = new MockResponse.Builder().code(status).body(body)
                .onResponseEnd(SocketEffect.ShutdownConnection.INSTANCE).build();
        Mutants.calm(asks);
    }

    @Provide
    Arbitrary<Integer> statuses() {
        return Arbitraries.frequencyOf(Tuple.of(8, Arbitraries.just(200)),
                Tuple.of(1, Arbitraries.of(201, 400, 401, 404, 500, 503)));
    }

    @Provide
    Arbitrary<String> workers() {
        return Mutants.of(WORKERS);
    }

    @Property(seed = Mutants.SEED)
    void of_the_backends_workers(@ForAll("workers") String body, @ForAll("statuses") int status) {
        answers(status, body, () -> new Backend(inventory, http).workers());
    }

    @Provide
    Arbitrary<String> operations() {
        return Mutants.of(OPERATION, OPERATIONS);
    }

    @Property(seed = Mutants.SEED)
    void of_the_backends_operations(@ForAll("operations") String body, @ForAll("statuses") int status) {
        var operations = new OperationsApi(inventory, http);
        answers(status, body, () -> operations.show("op_1").words());
        answers(status, body, () -> operations.list("", "", false, 10).forEach(OperationsApi.Operation::words));
    }

    @Provide
    Arbitrary<String> series() {
        return Mutants.of(VECTOR, MATRIX);
    }

    @Property(seed = Mutants.SEED)
    void of_prometheus(@ForAll("series") String body, @ForAll("statuses") int status) {
        answers(status, body, () -> new Prometheus(inventory, http).query("up").forEach(Prometheus.Series::words));
    }
}
