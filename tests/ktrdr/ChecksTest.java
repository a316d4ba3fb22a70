package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ChecksTest {
    private final Inventory inventory = Fixtures.inventory();
    private final List<Inventory.Node> gpu = List.of(inventory.node("gpu"));

    private Check worker(Backend.Worker... registered) {
        return Checks.workers(inventory, gpu, List.of(registered), 0).get(0);
    }

    private static Backend.Worker at(String url, String type, String status) {
        return new Backend.Worker("some-id", type, url, status, "");
    }

    @Test
    void a_worker_is_told_by_its_address() {
        assertTrue(worker(at("http://gpu-1.ktrdr.test:5005", "training", "busy")).ok());
        assertEquals("not registered", worker(at("http://gpu-1.ktrdr.test:5003", "training", "available")).found());
    }

    @Test
    void a_ghost_or_one_of_the_wrong_type_does_not_count() {
        assertFalse(worker(at("http://gpu-1.ktrdr.test:5005", "training", "temporarily_unavailable")).ok());
        assertEquals("backtesting, available", worker(at("http://gpu-1.ktrdr.test:5005", "backtesting", "available")).found());
    }

    @Test
    void every_expected_target_is_a_check() {
        var answer = Json.parse("""
                {"data":{"activeTargets":[
                  {"labels":{"job":"backend"},"scrapeUrl":"u","health":"up"},
                  {"labels":{"job":"gpu","worker":"training-worker-1"},"scrapeUrl":"u","health":"down","lastError":"connection refused"}]}}""", "Prometheus");
        var checks = Checks.targets(inventory, answer);
        assertEquals(6, checks.size());
        assertEquals("down connection refused", checks.stream().filter(check -> check.id().equals("target.gpu.training-worker-1")).findFirst().orElseThrow().found());
        assertEquals("Prometheus does not know it", checks.stream().filter(check -> check.node().equals("workers-b")).findFirst().orElseThrow().found());
    }

    @Test
    void a_container_has_to_be_running_and_healthy() {
        var stack = Stack.of(inventory, inventory.core());
        var starting = new Docker.Container("1", "ktrdr-db", "db", "i", "i", "running", "starting", 0, 0, "", "");
        var checks = Checks.containers(stack, List.of("db", "backend"), List.of(starting));
        assertEquals("running, starting", checks.get(0).found());
        assertEquals("no container", checks.get(1).found());
        assertFalse(checks.get(0).ok());
    }
}
