package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.api.Backend;
import ktrdr.api.WorkerRoster;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

class WorkerChecksTest {
    private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
    private final Inventory inventory = Fixtures.inventory();
    private final List<Inventory.Node> gpu = List.of(inventory.node("gpu"));

    private Check worker(Backend.Worker... registered) {
        return WorkerChecks.registered(inventory, gpu, List.of(registered), 0).get(0);
    }

    private static Backend.Worker at(String url, String type, String status) {
        return new Backend.Worker("some-id", type, url, status, "", Optional.empty());
    }

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

    private List<String> extras(Backend.Worker... registered) {
        return WorkerChecks.extras(inventory, List.of(registered), NOW, url -> false).stream()
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
            var checks = WorkerChecks.extras(inventory, List.of(seen(here, "available", seconds.getKey()),
                    seen("http://elsewhere:5005", "temporarily_unavailable", 1)), NOW, here::equals);
            assertEquals(seconds.getValue(), checks.get(0).ok(), checks::toString);
            assertEquals(seconds.getValue()
                    ? "only 1 of removed workers, which the backend notices within a minute"
                    : "training at " + here + ", available", checks.get(0).found());
            assertEquals("training at http://elsewhere:5005, temporarily_unavailable", checks.get(1).found());
        }
        assertFalse(WorkerChecks.extras(inventory, List.of(seen(here, "available", 1)), NOW, url -> false).get(0).ok(),
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
}
