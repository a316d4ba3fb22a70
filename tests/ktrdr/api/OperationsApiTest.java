package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Problem;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.SocketEffect;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Reads valid and invalid operation answers in KTRDR's format. */
class OperationsApiTest {
    private final MockWebServer server = new MockWebServer();
    private Http http;
    private OperationsApi operations;

    @BeforeEach
    void a_backend() throws IOException {
        server.start();
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {backend: {port: " + server.getPort()
                + "}}\n");
        http = new Http(Map.of("backend.ktrdr.test", server.getHostName()), Duration.ofSeconds(5));
        operations = new OperationsApi(inventory, http);
    }

    @AfterEach
    void closed() throws IOException {
        http.close();
        server.close();
    }

    private void answers(int status, String body) {
        server.enqueue(new MockResponse.Builder().code(status).body(body).build());
    }

    private static String shown(String status, int percentage) {
        return "{\"success\":true,\"data\":{\"operation_id\":\"op_1\",\"operation_type\":\"dummy\",\"status\":\"" +
                status + "\",\"created_at\":\"2026-01-01T10:00:00Z\","
                + "\"progress\":{\"percentage\":" + percentage +
                ",\"current_step\":\"step\"},\"metadata\":{\"symbol\":\"AAPL\"},\"error_message\":null,"
                + "\"result_summary\":{\"a\":1}}}";
    }

    @Test
    void an_operation_has_its_progress_symbol_and_result() {
        answers(200, shown("running", 42));
        assertEquals(new OperationsApi.Operation("op_1", "dummy", "running", "2026-01-01T10:00:00Z", "AAPL", 42, "step",
                0, "", "{\"a\":1}"), operations.show("op_1"));
    }

    @Test
    void the_list_asks_for_what_is_wanted_and_reads_its_flat_form() throws InterruptedException {
        answers(200, "{\"success\":true,\"data\":[{\"operation_id\":\"op_1\",\"status\":\"completed\","
                + "\"progress_percentage\":100,\"current_step\":null,\"symbol\":null,\"duration_seconds\":2.5}]}");
        var listed = operations.list("completed", "dummy", false, 5);
        assertEquals("/api/v1/operations?limit=5&status=completed&operation_type=dummy",
                server.takeRequest().getTarget());
        assertEquals(100.0, listed.get(0).percentage());
        assertEquals(2.5, listed.get(0).seconds());
    }

    @Test
    void data_that_are_no_operation_and_no_list_of_them_are_told() {
        for (var data : new String[] {"null", "[]", "\"op_1\""}) {
            answers(200, "{\"success\":true,\"data\":" + data + "}");
            assertTrue(assertThrows(Problem.class, () -> operations.document("op_1")).sentence()
                    .endsWith("/operations/op_1 has an unexpected form"), data);
        }
        answers(200, "{\"success\":true,\"data\":{\"operations\":[]}}");
        assertThrows(Problem.class, () -> operations.list("", "", false, 5));
    }

    @Test
    void a_filter_is_a_value_whatever_is_in_it() throws InterruptedException {
        answers(200, "{\"success\":true,\"data\":[]}");
        operations.list("a&limit=9#", "ü b", true, 5);
        assertEquals("/api/v1/operations?limit=5&active_only=true&status=a%26limit%3D9%23&operation_type=%C3%BC+b",
                server.takeRequest().getTarget());
    }

    @Test
    void an_operation_that_is_known_no_more_was_forgotten() {
        answers(200, shown("running", 10));
        answers(404, "{\"detail\":\"Operation not found: op_1\"}");
        var lost = assertThrows(Problem.class,
                () -> operations.follow("op_1", Duration.ofSeconds(20), operation -> false, operation -> { }));
        assertTrue(lost.sentence().startsWith("the backend forgot operation op_1"), lost.sentence());
    }

    @Test
    void an_interrupted_start_says_that_it_may_run() {
        answers(200, "{\"success\":true,\"operation_id\":\"op_2\"}");
        Thread.currentThread().interrupt();
        var problem = assertThrows(Problem.class, () -> operations.start(OperationsApi.Kind.data, Map.of()));
        assertTrue(Thread.interrupted());
        assertEquals(Exit.INTERRUPTED, problem.exit());
    }

    @Test
    void a_start_answers_the_id_wherever_it_stands() throws InterruptedException {
        answers(200, "{\"success\":true,\"data\":{\"operation_id\":\"op_1\"},\"error\":null}");
        assertEquals("op_1", operations.start(OperationsApi.Kind.dummy, Map.of()));
        assertEquals(0, server.takeRequest().getBodySize());
        answers(200, "{\"success\":true,\"operation_id\":\"op_2\"}");
        assertEquals("op_2", operations.start(OperationsApi.Kind.data, Map.of("symbol", "AAPL")));
        assertEquals("{\"symbol\":\"AAPL\",\"mode\":\"tail\"}", server.takeRequest().getBody().utf8(),
                "a mode is always sent");
        answers(200, "{\"success\":true,\"operation_id\":\"op_3\"}");
        operations.start(OperationsApi.Kind.data, Map.of("mode", "full"));
        assertEquals("{\"mode\":\"full\"}", server.takeRequest().getBody().utf8());
    }

    @Test
    void a_training_is_known_by_its_task_and_its_symbols_are_a_list() throws InterruptedException {
        answers(200, "{\"success\":true,\"task_id\":\"op_training_1\",\"status\":\"training_started\"}");
        assertEquals("op_training_1",
                operations.start(OperationsApi.Kind.training, Map.of("strategy_name", "s", "symbols", "AAPL, MSFT")));
        var sent = Json.parse(server.takeRequest().getBody().utf8(), "a test");
        assertEquals("s [\"AAPL\",\"MSFT\"]", sent.path("strategy_name").asText() + " " + sent.path("symbols"));
        answers(200, "{\"success\":true,\"task_id\":\"no_operation\"}");
        assertThrows(Problem.class, () -> operations.start(OperationsApi.Kind.data, Map.of()),
                "the task of anything else is none");
    }

    @Test
    void what_would_fail_for_want_of_a_field_is_not_sent() {
        var refused = assertThrows(Problem.class,
                () -> operations.start(OperationsApi.Kind.backtest,
                        Map.of("strategy_name", "s", "start_date", "2024-01-01", "end_date", "2024-02-01")));
        assertEquals("KTRDR takes no backtest without model_path " + Exit.USAGE,
                refused.sentence() + " " + refused.exit());
        assertThrows(Problem.class, () -> operations.start(OperationsApi.Kind.training, Map.of("strategy_name", " ")));
        assertEquals(0, server.getRequestCount());
    }

    @Test
    void a_resume_reports_its_checkpoint_or_the_backends_refusal() throws InterruptedException {
        answers(200, "{\"success\":true,\"data\":{\"operation_id\":\"op_1\",\"status\":\"resuming\","
                + "\"resumed_from\":{\"checkpoint_type\":\"shutdown\",\"created_at\":\"2026-01-01T10:00:00Z\","
                + "\"epoch\":23}}}");
        assertEquals(23, operations.resume("op_1").path("epoch").asInt());
        assertEquals("POST /api/v1/operations/op_1/resume",
                server.takeRequest().getRequestLine().replace(" HTTP/1.1", ""));
        answers(409, "{\"detail\":\"Operation op_1 is already running\"}");
        assertEquals("409 Operation op_1 is already running",
                assertThrows(Problem.class, () -> operations.resume("op_1")).details().get("found"));
        answers(503, "{\"detail\":\"No training worker available to resume operation\"}");
        assertEquals("503 No training worker available to resume operation",
                assertThrows(Problem.class, () -> operations.resume("op_1")).details().get("found"));
    }

    private OperationsApi.Operation operation(String type, String status, String error) {
        return new OperationsApi.Operation("op_1", type, status, "", "", 42, "step", 0, error, "");
    }

    @Test
    void a_cancelled_operation_is_not_completed_even_if_overwritten() {
        var overwritten = operation("dummy", "completed", "Operation cancelled by user");
        assertEquals("true false true completed, after it was cancelled", overwritten.ended() + " "
                + overwritten.completed() + " " + overwritten.cancelled() + " " + overwritten.words());
        assertTrue(operation("dummy", "cancelled", "").cancelled());
    }

    @Test
    void one_that_was_given_up_is_told_from_one_that_failed() {
        var why = "Operation was RUNNING but no worker claimed it";
        assertTrue(operation("data_load", "failed", why).unclaimed() && operation("data_load", "failed", why)
                .onBackend());
        assertTrue(operation("training", "failed", why).unclaimed() && !operation("training", "failed", why)
                .onBackend());
        assertTrue(!operation("data_load", "failed", "no broker").unclaimed());
        var done = operation("dummy", "completed", why);
        assertEquals("true completed, after the backend had given it up", done.completed() + " " + done.words());
    }

    private static String summary(String id, String type, String status, String created) {
        return "{\"operation_id\":\"" + id + "\",\"operation_type\":\"" + type + "\",\"status\":\"" + status
                + "\",\"created_at\":\"" + created + "\"}";
    }

    private static String worker(String operation) {
        return "[{\"worker_id\":\"w\",\"worker_type\":\"training\",\"endpoint_url\":\"http://"
                + "w:5005\",\"status\":\"busy\",\"current_operation_id\":\"" + operation + "\"}]";
    }

    @Test
    void lists_work_of_workers_that_the_backend_does_not_know_yet() {
        answers(200, "{\"success\":true,\"data\":[" + summary("op_2", "dummy", "running", "2026-01-01T10:00:00Z")
                + "]}");
        answers(200, worker("op_1"));
        answers(200, shown("running", 5));
        assertEquals(java.util.List.of("op_2", "op_1"), operations.listWithWorkers("", "", true, 10).stream()
                .map(OperationsApi.Operation::id).sorted(java.util.Comparator.reverseOrder()).toList());
        answers(200, "{\"success\":true,\"data\":[]}");
        answers(200, worker("op_1"));
        answers(200, shown("running", 5));
        assertEquals(java.util.List.of(), operations.listWithWorkers("", "training", true, 10),
                "of another type than asked for");
        answers(200, "{\"success\":true,\"data\":[]}");
        answers(200, worker("op_9"));
        answers(404, "{\"detail\":\"Operation not found: op_9\"}");
        assertEquals(java.util.List.of(), operations.listWithWorkers("", "", true, 10));
    }

    @Test
    void the_backends_own_operations_are_those_no_worker_could_run() {
        answers(200, worker("op_3"));
        answers(200, "{\"success\":true,\"data\":[" + summary("op_1", "data_load", "running", "") + ","
                + summary("op_2", "training", "running", "") + ","
                + summary("op_3", "agent_design", "running", "") + "]}");
        assertEquals("[op_1]", operations.ofBackend().stream().map(OperationsApi.Operation::id).toList().toString());
    }

    private String refusal(int status, String answer, OperationsApi.Kind kind, Map<String, String> body) {
        answers(status, answer);
        return assertThrows(Problem.class, () -> operations.start(kind, body)).details().get("found");
    }

    @Test
    void each_way_to_refuse_is_told_in_the_backends_words() {
        assertEquals("no room", refusal(200, "{\"success\":false,\"error\":{\"code\":\"X\",\"message\":\"no room\"}}",
                OperationsApi.Kind.dummy, Map.of()));
        assertEquals("422 body.symbol: Field required",
                refusal(422, "{\"detail\":[{\"loc\":[\"body\",\"symbol\"],\"msg\":\"Field required\"}]}",
                        OperationsApi.Kind.data, Map.of()));
        assertEquals("422 body.symbol: Field required; query.limit: Input should be less than or equal to 1000",
                refusal(422, """
                        {"success":false,"error":{"code":"VALIDATION_ERROR","message":"Request validation failed",\
                        "details":[{"field":"body -> symbol","message":"Field required","type":"missing"},\
                        {"field":"query -> limit","message":"Input should be less than or equal to 1000","type":"x"}]}}
                        """, OperationsApi.Kind.data, Map.of()));
        assertEquals("503 No training workers available, 2 registered. Retry in a few seconds.", refusal(503, """
                {"detail":{"error":"No training workers available","worker_type":"training","registered_workers":2,\
                "backend_uptime_seconds":12.5,"hint":"Retry in a few seconds."}}
                """, OperationsApi.Kind.backtest, Map.of("strategy_name", "s", "start_date", "2024-01-01", "end_date",
                "2024-02-01", "model_path", "models/s")));
        answers(503, "{\"detail\":\"Backend is shutting down\"}");
        var away = assertThrows(Problem.class, () -> operations.cancel("op_1"));
        assertEquals("503 Backend is shutting down " + Exit.UNREACHABLE,
                away.details().get("found") + " " + away.exit());
        answers(404, "{\"detail\":\"Operation not found: op_9\"}");
        assertEquals("the backend does not know operation op_9",
                assertThrows(Problem.class, () -> operations.show("op_9")).sentence());
    }

    @Test
    void an_id_that_would_be_another_path_is_never_sent() {
        for (var id : new String[] {"../workers", "a/b", "a?b", "", "..", "a b"})
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> operations.cancel(id)).exit());
        assertEquals(0, server.getRequestCount());
    }

    @Test
    void following_outlives_a_backend_that_is_away_for_a_moment() {
        answers(200, shown("running", 10));
        server.enqueue(new MockResponse.Builder().onResponseStart(SocketEffect.Stall.INSTANCE).code(503).build());
        answers(200, shown("completed", 100));
        http.close();
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {backend: {port: " + server.getPort()
                + "}}\n");
        http = new Http(Map.of("backend.ktrdr.test", server.getHostName()), Duration.ofMillis(300));
        var seen = new ArrayList<String>();
        var ended = new OperationsApi(inventory, http).follow("op_1", Duration.ofSeconds(20), operation -> false,
                operation -> seen.add(operation.words()));
        assertTrue(ended.completed());
        assertEquals("[running, 10 %, step, completed]", seen.toString());
    }

    @Test
    void following_ends_when_it_is_enough_or_too_late() {
        answers(200, shown("running", 10));
        assertEquals(10, operations.follow("op_1", Duration.ofSeconds(20), operation -> operation.percentage() >= 10,
                operation -> { }).percentage());
        answers(200, shown("running", 11));
        var late = assertThrows(Problem.class,
                () -> operations.follow("op_1", Duration.ZERO, operation -> false, operation -> { }));
        assertEquals("running, 11 %, step", late.details().get("found"));
    }
}
