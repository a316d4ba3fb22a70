import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.inventory.Inventory;
import org.junit.jupiter.api.Test;
import pictures.Dashboard;
import pictures.Recording;
import pictures.Topology;

/** Parts of the pictures without a fleet: a dashboard's layout and queries, and the fleet's drawing. */
class PicturesTest {
    private static final Map<String, List<String>> VALUES = Map.of("node", List.of("core", "workers-b"));

    @Test
    void a_variable_becomes_its_value_or_a_pattern_of_several() {
        assertEquals("rate(x{node=~\"(core|workers-b)\"}[1m])",
                Dashboard.filled("rate(x{node=~\"$node\"}[$__rate_interval])", VALUES));
        assertEquals("x{node=~\"core\"}", Dashboard.filled("x{node=~\"$node\"}", Map.of("node", List.of("core"))));
    }

    @Test
    void repeats_panels_below_a_repeated_row_and_shifts_the_rest() {
        var model = Json.parse("""
                {"panels": [
                  {"type": "row", "title": "First", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
                  {"type": "stat", "title": "All", "gridPos": {"x": 0, "y": 1, "w": 24, "h": 4}},
                  {"type": "row", "title": "$node", "repeat": "node", "gridPos": {"x": 0, "y": 5, "w": 24, "h": 1}},
                  {"type": "stat", "title": "One", "gridPos": {"x": 0, "y": 6, "w": 12, "h": 8}},
                  {"type": "row", "title": "Last", "gridPos": {"x": 0, "y": 14, "w": 24, "h": 1}}
                ]}""", "the test");
        var laidOut = new Dashboard(model, VALUES).panels().stream()
                .map(panel -> panel.y() + " " + panel.title() + " " + panel.values().get("node").size()).toList();
        assertEquals(List.of("0 First 2", "1 All 2", "5 core 1", "6 One 1", "14 workers-b 1", "15 One 1", "23 Last 2"),
                laidOut);
    }

    @Test
    void the_drawing_names_every_node_with_its_workers_and_ports() {
        var inventory = Inventory.read(Project.root().resolve("inventory.yaml"));
        var drawn = Topology.svg(inventory);
        for (var node : inventory.nodes()) {
            assertTrue(drawn.contains(">" + node.id() + "  " + node.name() + "<")
                    && drawn.contains(">" + inventory.fqdn(node) + "<"), node.name());
            for (var worker : inventory.workersOf(node))
                assertTrue(drawn.contains(">" + worker.name() + " :" + worker.port() + "<"), worker.name());
        }
        assertTrue(drawn.contains(inventory.storage().mount()));
    }

    @Test
    void a_procedure_with_a_shell_in_its_words_is_no_procedure() {
        var refused = assertThrows(Problem.class, () -> Recording.of(Project.root(), "status; reboot"));
        assertTrue(refused.getMessage().contains("status; reboot"), refused::getMessage);
    }
}
