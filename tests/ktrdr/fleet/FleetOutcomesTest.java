package ktrdr.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.fleet.Fleet.Done;
import ktrdr.fleet.Fleet.Failed;
import ktrdr.fleet.Fleet.Outcomes;
import ktrdr.inventory.Inventory;
import org.junit.jupiter.api.Test;

/** Node results as printed for the operator. */
class FleetOutcomesTest {
    private final List<Inventory.Node> nodes = Fixtures.inventory().nodes();

    @Test
    void a_row_for_each_line_and_the_node_at_its_first() {
        var outcomes = new Outcomes<>(List.of(new Done<>(nodes.get(0), "one\ntwo \033[2J\n"),
                new Done<>(nodes.get(1), ""),
                new Failed<>(nodes.get(2), Problem.unreachable("gpu: cannot be reached").expected("ssh"))));
        assertEquals(List.of("NODE       SAID", "core       one", "           two ␛[2J", "workers-b",
                "gpu        error: gpu: cannot be reached", "             expected  ssh"),
                outcomes.table("said").lines());
    }

    @Test
    void the_exit_code_is_that_of_what_did_not_go_well() {
        assertEquals(Exit.OK, new Outcomes<>(List.of(new Done<>(nodes.get(0), "well"))).exit());
        assertEquals(Exit.UNREACHABLE,
                new Outcomes<>(List.of(new Done<>(nodes.get(0), ""),
                        new Failed<String>(nodes.get(1), Problem.unreachable("gone")))).exit());
    }

    @Test
    void fields_are_columns_and_the_node_is_in_front_of_each_line() {
        var outcomes = new Outcomes<>(List.of(new Done<>(nodes.get(0), "db\t1 GB\nbackend\t2 GB\n"),
                new Done<>(nodes.get(1), ""), new Failed<String>(nodes.get(2), Problem.unreachable("gone"))));
        assertEquals(List.of("NODE  CONTAINER  MEMORY", "core  db         1 GB", "core  backend    2 GB"),
                outcomes.rows("container", "memory").lines());
        var wrong = assertThrows(Problem.class, () -> outcomes.rows("container"));
        assertEquals("core answered a line of another form", wrong.sentence());
    }
}
