package ktrdr.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Invocation;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.inventory.Place;
import ktrdr.report.Check;
import ktrdr.verify.Failover.Limits;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Failover with a scripted backend, and workers that a switch turns off. */
class FailoverChecksTest {
    private static final Limits QUICK = new Limits(Duration.ofMillis(500), Duration.ofMillis(800),
            Duration.ofSeconds(5), Duration.ofMillis(800));
    private static final String FIRST = "http://workers-b.ktrdr.test:5003";
    private static final String SECOND = "http://workers-b.ktrdr.test:5004";
    private final MockWebServer server = new MockWebServer();
    private final World world = new World();
    private Http http;

    /** A backend and two workers, each idle or busy with an operation. */
    private static final class World extends Dispatcher implements Failover.Power {
        final Map<String, String> workers = new LinkedHashMap<>(Map.of(FIRST, ""));
        final Map<String, String> operations = new LinkedHashMap<>();
        final List<String> switched = new ArrayList<>();
        String off = "";
        /** The status of the lost worker's operation when the worker was started again. */
        String lost;
        boolean notices = true;
        boolean gives = true;
        boolean onWorkers = true;
        Runnable whenOff = () -> { };

        @Override
        public synchronized void off(Place place) {
            switched.add("off " + place.words());
            off = place.worker().endpointUrl();
            whenOff.run();
        }

        private void end(String operation, String status) {
            operations.put(operation, status);
            workers.replaceAll((url, at) -> at.equals(operation) ? "" : at);
        }

        @Override
        public synchronized void on(Place place) {
            switched.add("on " + place.words());
            lost = operations.get(workers.getOrDefault(off, ""));
            off = "";
        }

        @Override
        public synchronized MockResponse dispatch(RecordedRequest request) {
            var path = request.getTarget().replaceFirst("^/api/v1", "");
            if (request.getMethod().equals("POST")) return start();
            if (request.getMethod().equals("DELETE")) {
                end(path.substring(12), "cancelled");
                return answer(true);
            }
            return path.equals("/workers")
                    ? new MockResponse.Builder().body(Json.line(workers.keySet().stream().map(this::worker).toList()))
                            .build() : show(path.substring(12));
        }

        private MockResponse answer(boolean success) {
            return new MockResponse.Builder()
                    .body("{\"success\":" + success + ",\"error\":{\"message\":\"no worker\"}}").build();
        }

        private MockResponse start() {
            var id = "op_" + (operations.size() + 1);
            var worker = workers.keySet().stream().filter(url -> workers.get(url).isEmpty() && !url.equals(off))
                    .findFirst();
            if (onWorkers && (worker.isEmpty() || !gives && !off.isEmpty())) return answer(false);
            operations.put(id, "running");
            if (onWorkers) workers.put(worker.get(), id);
            return new MockResponse.Builder().body("{\"success\":true,\"operation_id\":\"" + id + "\"}").build();
        }

        /** An operation started while a worker is off completes by the second request. */
        private MockResponse show(String id) {
            var status = operations.get(id);
            if (!off.isEmpty() && onWorkers && operations.size() > 1 && status.equals("running") && !id.equals("op_1"))
                operations.put(id, "completed");
            return new MockResponse.Builder()
                    .body("{\"success\":true,\"data\":{\"operation_id\":\"" + id + "\",\"status\":\"" + status
                            + "\",\"progress\":{\"percentage\":5}}}").build();
        }

        private Map<String, Object> worker(String url) {
            var status = notices && url.equals(off) ? "temporarily_unavailable" : workers.get(url).isEmpty()
                    ? "available" : "busy";
            return Map.of("worker_id", url, "worker_type", "backtesting", "endpoint_url", url, "status", status,
                    "current_operation_id", workers.get(url));
        }
    }

    @BeforeEach
    void a_backend() throws IOException {
        world.workers.put(SECOND, "");
        server.setDispatcher(world);
        server.start();
    }

    @AfterEach
    void closed() throws IOException {
        http.close();
        server.close();
    }

    private List<Check> run(String sample) {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {backend: {port: " + server.getPort()
                + "}}\nsample: {operation: " + sample
                + (sample.equals("dummy") ? ""
                        : ", body: {strategy_name: s, start_date: 2024-01-01, end_date: 2024-02-01, model_path: "
                                + "models/s}") + "}\n");
        http = new Http(Map.of("backend.ktrdr.test", server.getHostName()), Duration.ofSeconds(5));
        var nowhere = new PrintStream(new ByteArrayOutputStream());
        return new Failover(inventory, http, new Console(Invocation.into(nowhere, nowhere), Console.Color.never, false),
                world, QUICK).run();
    }

    private static String outcome(List<Check> checks) {
        return checks.stream().map(check -> check.id().replace("failover.", "") + " " + (check.ok() ? "ok" : "FAILED"))
                .collect(Collectors.joining(", "));
    }

    private static String found(List<Check> checks, String id) {
        return checks.stream().filter(check -> check.id().equals("failover." + id)).findFirst().orElseThrow().found();
    }

    private void putBack() {
        assertEquals("[off workers-b backtest-worker-1, on workers-b backtest-worker-1]", world.switched.toString());
        assertTrue(world.operations.values().stream().noneMatch("running"::equals), world.operations::toString);
    }

    @Test
    void the_worker_at_work_is_killed_and_another_one_takes_over() {
        var checks = run("backtest");
        assertEquals("started ok, noticed ok, elsewhere ok, registered ok", outcome(checks));
        assertEquals("op_1 runs on workers-b backtest-worker-1", found(checks, "started"));
        assertTrue(found(checks, "noticed")
                .matches("after .* s the worker is temporarily_unavailable; its operation is called running "
                        + "until .*"), found(checks, "noticed"));
        assertNull(world.lost, "it is cancelled before a worker could take it for its own");
        assertEquals("cancelled", world.operations.get("op_1"));
        assertEquals("completed on workers-b backtest-worker-2", found(checks, "elsewhere"));
        putBack();
    }

    @Test
    void a_backend_that_never_notices_fails_and_the_worker_restarts() {
        world.notices = false;
        var checks = run("backtest");
        assertEquals("started ok, noticed FAILED, elsewhere ok, registered ok", outcome(checks));
        assertEquals("the worker is busy, after 0.8 s", found(checks, "noticed"));
        putBack();
    }

    @Test
    void new_work_that_is_refused_is_told_in_the_backends_words() {
        world.gives = false;
        var checks = run("backtest");
        assertEquals("started ok, noticed ok, elsewhere FAILED, registered ok", outcome(checks));
        assertEquals("no worker", found(checks, "elsewhere"));
        putBack();
    }

    @Test
    void the_last_worker_of_its_type_is_not_killed() {
        world.workers.remove(SECOND);
        var checks = run("backtest");
        assertEquals("elsewhere FAILED", outcome(checks));
        assertEquals("only workers-b backtest-worker-1 is available; none was killed", checks.get(0).found());
        assertEquals("[] {}", world.switched + " " + world.operations);
    }

    @Test
    void a_sample_on_the_backend_kills_an_idle_worker_and_proves_less() {
        world.onWorkers = false;
        var checks = run("dummy");
        assertEquals("started ok, noticed ok, elsewhere ok, registered ok", outcome(checks));
        assertTrue(found(checks, "elsewhere").contains("on the backend alone, which does not prove that other "
                + "workers take over"),
                found(checks, "elsewhere"));
        putBack();
    }

    @Test
    void an_interrupted_test_starts_the_worker_again_first() {
        world.whenOff = Thread.currentThread()::interrupt;
        var interrupted = assertThrows(Problem.class, () -> run("backtest"));
        assertEquals(Exit.INTERRUPTED, interrupted.exit());
        assertEquals("workers-b backtest-worker-1 is started again, available", interrupted.details().get("now"));
        putBack();
    }

    @Test
    void a_kill_that_fails_is_told_after_a_start() {
        world.whenOff = () -> {
            throw Problem.unreachable("workers-b: the connection was lost while a script ran");
        };
        assertEquals(Exit.UNREACHABLE, assertThrows(Problem.class, () -> run("backtest")).exit());
        putBack();
    }
}
