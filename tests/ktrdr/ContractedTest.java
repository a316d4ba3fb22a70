package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

/**
 * The contract covers what the templates use, names only existing code, and changes nothing on an installation other
 * than the practice fleet without permission.
 */
class ContractedTest {
    private final MockWebServer server = new MockWebServer();
    private final List<String> asked = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                var line = request.getMethod() + " " + request.getTarget().replace("/api/v1", "");
                synchronized (asked) {
                    asked.add(line);
                }
                return new MockResponse.Builder().code(line.startsWith("GET") ? 500 : 200)
                        .body("{\"success\": true, \"data\": {\"operation_id\": \"op_1\"}}").build();
            }
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Contracted system(boolean operations, String more) {
        var inventory = Fixtures.INVENTORY.replace("address: 10.0.0.10", "address: 127.0.0.1")
                + "services: {backend: {port: " + server.getPort() + "}}\n" + more;
        return new Contracted(Fixtures.file(inventory),
                operations ? Contracted.Allowed.OPERATIONS : Contracted.Allowed.LOOKING);
    }

    private List<String> changing() {
        synchronized (asked) {
            return asked.stream().filter(line -> !line.startsWith("GET")).toList();
        }
    }

    @Test
    void without_yes_nothing_is_started_and_tests_are_skipped() {
        try (var system = system(false, "")) {
            for (var runnable : List.<Runnable>of(system::dummy, system::backtest, system::noWorker,
                    () -> system.delete("op_1"), () -> system.emptyBody("/backtests/start")))
                assertThrows(TestAbortedException.class, runnable::run);
        }
        assertEquals(List.of(), changing());
    }

    @Test
    void even_with_yes_it_runs_no_backtest_and_blocks_no_workers() {
        try (var system = system(true, "")) {
            for (var runnable : List.<Runnable>of(system::backtest, system::noWorker))
                assertThrows(TestAbortedException.class, runnable::run);
        }
        assertEquals(List.of(), changing());
    }

    @Test
    void starts_a_sample_once_and_cancels_it_even_if_following_fails() {
        try (var system = system(true, "")) {
            var refused = assertThrows(Problem.class, system::dummy);
            assertTrue(refused.sentence().contains("answered 500"), refused::sentence);
            assertThrows(Problem.class, system::dummy);
        }
        assertEquals(List.of("POST /dummy/start", "DELETE /operations/op_1"), changing());
    }

    @Test
    void finds_the_ktrdr_metrics_that_the_dashboards_query() {
        var asked = AskedMetrics.names();
        assertTrue(asked.containsAll(List.of("ktrdr_operations_total", "ktrdr_workers_available",
                "http_server_duration_milliseconds", "process_cpu_seconds_total")), asked::toString);
        assertTrue(asked.stream()
                .noneMatch(name -> name.matches("ktrdr_(backup|release).*|http_(target|method|status_code)")),
                asked::toString);
    }

    @Test
    void each_place_that_the_contract_names_is_there() throws Exception {
        var all = Stream.of(ContractTest.class, ContractMetricsTest.class)
                .flatMap(type -> Stream.of(type.getDeclaredMethods()))
                .filter(method -> method.isAnnotationPresent(Test.class)).toList();
        assertTrue(all.size() > 40, () -> all.size() + " assumptions");
        for (var method : all) {
            var relies = method.getAnnotation(Relies.class);
            assertTrue(relies != null && relies.in().endsWith(".py")
                    || relies != null && relies.in().contains("Dockerfile"), method::toString);
            for (var place : relies.by()) assertTrue(there(place), place);
        }
    }

    private static boolean there(String place) throws ClassNotFoundException {
        if (place.contains("/")) return Files.exists(Project.root().resolve("templates/" + place));
        var type = Class.forName(Project.classes(place.split("\\.")[0]).get(0));
        var name = place.split("\\.")[1];
        return Stream.of(type.getDeclaredMethods()).anyMatch(method -> method.getName().equals(name))
                || Stream.of(type.getDeclaredClasses()).anyMatch(nested -> nested.getSimpleName().equals(name));
    }
}
