package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

class ServiceChecksTest {
    private final Inventory inventory = Fixtures.inventory();

    @Test
    void a_container_has_to_be_running_and_healthy() {
        var stack = Stack.of(inventory, inventory.core());
        var starting = new Docker.Container("1", "ktrdr-db", "db", "i", "i", "running", "starting", 0, 0, "", "", "");
        var checks = ServiceChecks.containers(stack, List.of("db", "backend"), List.of(starting));
        assertEquals("running, starting", checks.get(0).found());
        assertEquals("no container", checks.get(1).found());
        assertFalse(checks.get(0).ok());
    }

    @Test
    void advice_about_a_container_that_is_not_there_does_not_name_it() {
        var inventory = Fixtures.inventory();
        var stack = Stack.of(inventory, inventory.node("B"));
        var renamed = new Docker.Container("1", "foo", "backtest-worker-1", "image", "sha256:1", "exited", "", 0, 1,
                "2026-01-01T00:00:00Z", "", "");
        var found = ServiceChecks.containers(stack, List.of("backtest-worker-1", "training-worker-1"),
                List.of(renamed));
        assertEquals(List.of("on workers-b: docker logs foo", "jbang deploy@ktrdr workers B"),
                found.stream().map(Check::fix).toList());
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(1))) {
            var checks = new ServiceChecks(inventory, http);
            var gone = checks.database(
                    () -> new CommandResult(1, "", "Error response from daemon: No such container: ktrdr-db"));
            assertEquals(List.of("there is no container ktrdr-db",
                    "jbang deploy@ktrdr core db creates it, or restores its name if it was renamed"),
                    List.of(gone.found(), gone.fix()));
            assertEquals("on core: docker logs ktrdr-db",
                    checks.database(() -> new CommandResult(2, "", "the database system is starting up")).fix());
        }
    }
}
