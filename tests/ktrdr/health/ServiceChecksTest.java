package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.api.Backend;
import ktrdr.api.WorkerRoster;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

class ServiceChecksTest {
    private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
    private final Inventory inventory = Fixtures.inventory();
    private final List<Inventory.Node> gpu = List.of(inventory.node("gpu"));

    private Check worker(Backend.Worker... registered) {
        return ServiceChecks.workers(inventory, gpu, List.of(registered), 0).get(0);
    }

    private static Backend.Worker at(String url, String type, String status) {
        return new Backend.Worker("some-id", type, url, status, "", Optional.empty());
    }

    /** The answer that DNS gave instead stands behind the first 60 characters. */
    @Test
    void a_worker_is_told_by_its_address() {
        assertTrue(worker(at("http://gpu-1.ktrdr.test:5005", "training", "busy")).ok());
        assertEquals("not registered", worker(at("http://gpu-1.ktrdr.test:5003", "training", "available")).found());
    }

    @Test
    void a_ghost_or_one_of_the_wrong_type_does_not_count() {
        assertFalse(worker(at("http://gpu-1.ktrdr.test:5005", "training", "temporarily_unavailable")).ok());
        assertEquals("backtesting, available", worker(at("http://gpu-1.ktrdr.test:5005", "backtesting", "available"))
                .found());
    }

    @Test
    void every_expected_target_is_a_check() {
        var answer = Json.parse("""
                {"data":{"activeTargets":[
                  {"labels":{"job":"backend"},"scrapeUrl":"u","health":"up"},
                  {"labels":{"job":"node","node":"gpu"},"scrapeUrl":"u","health":"down","lastError":"no route"},
                  {"labels":{"job":"gpu","worker":"training-worker-1"},"scrapeUrl":"u","health":"down","lastError":"co\
                nnection refused"}]}}""", "Prometheus");
        var checks = ServiceChecks.targets(inventory, answer);
        assertEquals(9, checks.stream().filter(check -> check.id().startsWith("target.")).count());
        assertEquals("down connection refused", checks.stream()
                .filter(check -> check.id().equals("target.gpu.training-worker-1")).findFirst().orElseThrow().found());
        assertEquals("down no route", checks.stream().filter(check -> check.id().equals("target.node.gpu")).findFirst()
                .orElseThrow().found());
        assertEquals("Prometheus does not know it", checks.stream().filter(check -> check.node().equals("workers-b"))
                .findFirst().orElseThrow().found());
        var others = checks.stream().filter(check -> check.id().equals("targets.others")).findFirst().orElseThrow();
        assertEquals("0 up", others.found(), "what is expected is told once");
    }

    @Test
    void what_prometheus_asks_beside_them_has_to_be_up_too() {
        var answer = Json.parse("""
                {"data":{"activeTargets":[
                  {"labels":{"job":"prometheus"},"scrapeUrl":"http://localhost:9090/metrics","health":"up"},
                  {"labels":{"job":"workers-b","worker":"backtest-worker-3"},"scrapeUrl":"http://b:5007/metrics/","hea\
                lth":"down","lastError":"no route"}]}}""", "Prometheus");
        var others = ServiceChecks.targets(inventory, answer).stream()
                .filter(check -> check.id().equals("targets.others")).findFirst().orElseThrow();
        assertEquals("false http://b:5007/metrics/ is down no route", others.ok() + " " + others.found());
    }

    @Test
    void a_container_has_to_be_running_and_healthy() {
        var stack = Stack.of(inventory, inventory.core());
        var starting = new Docker.Container("1", "ktrdr-db", "db", "i", "i", "running", "starting", 0, 0, "", "");
        var checks = ServiceChecks.containers(stack, List.of("db", "backend"), List.of(starting));
        assertEquals("running, starting", checks.get(0).found());
        assertEquals("no container", checks.get(1).found());
        assertFalse(checks.get(0).ok());
    }

    private List<String> extras(Backend.Worker... registered) {
        return ServiceChecks.extras(inventory, List.of(registered), NOW, url -> false).stream()
                .filter(check -> !check.ok()).map(check -> check.id() + ": " + check.found()).toList();
    }

    private static Backend.Worker seen(String url, String status, int secondsAgo) {
        return new Backend.Worker(url + secondsAgo, "training", url, status, "",
                Optional.of(NOW.minusSeconds(secondsAgo)));
    }

    @Test
    void a_serving_worker_outside_the_inventory_is_unexpected() {
        assertEquals(List.of("workers.unexpected: training at http://elsewhere:5005, available"),
                extras(seen("http://elsewhere:5005", "available", 1)));
        assertEquals(List.of("workers.unexpected: training at http://gpu-1.ktrdr.test:5006, busy"),
                extras(seen("http://gpu-1.ktrdr.test:5006", "busy", 1)));
    }

    @Test
    void a_retired_worker_is_tolerated_until_the_backend_notices() {
        var here = "http://gpu-1.ktrdr.test:5006";
        for (var seconds : Map.of(1, true, 60, true, 150, false).entrySet()) {
            var checks = ServiceChecks.extras(inventory, List.of(seen(here, "available", seconds.getKey()),
                    seen("http://elsewhere:5005", "temporarily_unavailable", 1)), NOW, here::equals);
            assertEquals(seconds.getValue(), checks.get(0).ok(), checks::toString);
            assertEquals(seconds.getValue()
                    ? "none but 1 of workers that were taken away, which the backend notices within a minute"
                    : "training at " + here + ", available", checks.get(0).found());
            assertEquals("training at http://elsewhere:5005, temporarily_unavailable", checks.get(1).found());
        }
        assertFalse(ServiceChecks.extras(inventory, List.of(seen(here, "available", 1)), NOW, url -> false).get(0).ok(),
                "its container runs");
    }

    @Test
    void a_worker_of_an_unused_type_fills_no_place_and_is_named() {
        for (var type : List.of("agent_design", "agent_assessment", "gpu_host", "cpu_training")) {
            var worker = at("http://gpu-1.ktrdr.test:5005", type, "available");
            assertEquals(type + ", available", worker(worker).found());
            assertEquals("not registered", WorkerRoster.of(inventory, List.of(worker)).states()
                    .get(inventory.node("gpu")).get("training-worker-1"));
            assertEquals(List.of(worker), WorkerRoster.of(inventory, List.of(worker)).ghosts());
        }
    }

    @Test
    void a_replaced_worker_is_tolerated_until_it_should_be_forgotten() {
        var url = "http://gpu-1.ktrdr.test:5005";
        assertEquals(List.of(),
                extras(seen(url, "available", 1), seen(url, "available", 2), seen(url, "temporarily_unavailable", 60)));
        assertEquals(List.of("workers.ghosts: training at " + url + ", temporarily_unavailable"),
                extras(seen(url, "available", 1), seen(url, "temporarily_unavailable", 400)));
        assertEquals(List.of(), extras(seen("http://gpu-1.ktrdr.test:5008", "temporarily_unavailable", 60)),
                "scaled away");
    }

    @Test
    void a_lost_worker_of_a_foreign_address_is_a_ghost_at_once() {
        assertEquals(List.of("workers.ghosts: training at http://elsewhere:5005, temporarily_unavailable"),
                extras(seen("http://elsewhere:5005", "temporarily_unavailable", 60)));
    }

    @Test
    void advice_about_a_container_that_is_not_there_does_not_name_it() {
        var inventory = Fixtures.inventory();
        var stack = Stack.of(inventory, inventory.node("B"));
        var renamed = new Docker.Container("1", "foo", "backtest-worker-1", "image", "sha256:1", "exited", "", 0, 1,
                "2026-01-01T00:00:00Z", "");
        var found = ServiceChecks.containers(stack, List.of("backtest-worker-1", "training-worker-1"),
                List.of(renamed));
        assertEquals(List.of("on workers-b: docker logs foo", "jbang deploy@ktrdr workers B"),
                found.stream().map(Check::fix).toList());
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(1))) {
            var checks = new ServiceChecks(inventory, http);
            var gone = checks.database(
                    () -> new CommandResult(1, "", "Error response from daemon: No such container: ktrdr-db"));
            assertEquals(List.of("there is no container ktrdr-db",
                    "jbang deploy@ktrdr core db makes it, and gives one that was renamed its name back"),
                    List.of(gone.found(), gone.fix()));
            assertEquals("on core: docker logs ktrdr-db",
                    checks.database(() -> new CommandResult(2, "", "the database system is starting up")).fix());
        }
    }
}
