package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

class RootCausesTest {
    private final Inventory inventory = Fixtures.inventory();

    private static List<Check> failing(String... ids) {
        return Stream.of(ids)
                .map(id -> new Check(Fixtures.id(id, "core", "workers-b", "gpu"), "core", false, "that it holds",
                        "it does not", "mend it", 0)).toList();
    }

    private Map<String, String> causes(String... ids) {
        return RootCauses.of(inventory, failing(ids));
    }

    @Test
    void a_stopped_worker_explains_only_its_registration_and_target() {
        assertEquals(Map.of("workers-b.backtest-worker-1.registered", "workers-b.backtest-worker-1.container",
                "target.workers-b.backtest-worker-1", "workers-b.backtest-worker-1.container"),
                causes("workers-b.backtest-worker-1.container", "workers-b.backtest-worker-1.registered",
                        "target.workers-b.backtest-worker-1",
                        "workers-b.backtest-worker-2.registered", "target.gpu.training-worker-1"));
    }

    @Test
    void firewall_rules_against_core_explain_what_core_cannot_reach() {
        assertEquals(Map.of("workers-b.backtest-worker-1.registered", "workers-b.firewall",
                "target.workers-b.backtest-worker-1", "workers-b.firewall", "gpu.db", "core.firewall"),
                causes("workers-b.firewall", "workers-b.backtest-worker-1.registered",
                        "target.workers-b.backtest-worker-1", "core.firewall", "gpu.db"));
    }

    @Test
    void an_effect_of_an_effect_has_the_first_cause() {
        assertEquals(Map.of("backend.health", "core.backend.container", "sample.operation", "core.backend.container",
                "sample.trace", "core.backend.container"),
                causes("sample.trace", "sample.operation", "backend.health", "core.backend.container"));
    }

    @Test
    void a_node_that_is_not_reached_explains_all_that_is_on_it() {
        assertEquals(Map.of("gpu.db", "gpu.ssh", "target.gpu.training-worker-1", "gpu.ssh"),
                causes("gpu.ssh", "gpu.db", "target.gpu.training-worker-1", "workers-b.db"));
        assertEquals(Map.of("workers-b.db", "core.ssh", "grafana.query", "core.ssh"),
                causes("core.ssh", "workers-b.db", "grafana.query"));
    }

    @Test
    void what_is_explained_by_nothing_that_fails_stands_alone() {
        assertEquals(Map.of(), causes("grafana.query", "workers-b.share", "sample.trace"));
        assertEquals(List.of("grafana.query does not hold", "workers-b.share does not hold"),
                RootCauses.problems(inventory, failing("grafana.query", "workers-b.share", "sample.result")).stream()
                        .map(Problem::sentence).toList());
        assertEquals("sample.result", RootCauses.problems(inventory, failing("workers-b.share", "sample.result")).get(0)
                .details().get("as well"));
    }
}
