package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rows in order, and as documents. */
class TableTest {
    private final Table table = Table.of("node", "size").row("core", "2 KB").row("workers-b", "1 GB").row("workers-c", "3 KB").row("gpu", "1 GB");

    @Test
    void rows_go_by_the_greatest_value_of_a_column_and_stay_in_order_where_it_is_the_same() {
        assertEquals(List.of("NODE       SIZE", "workers-b  1 GB", "gpu        1 GB", "workers-c  3 KB", "core       2 KB"), table.descending("size", Units::size).lines());
        assertThrows(IllegalArgumentException.class, () -> table.descending("weight", Units::size));
    }

    @Test
    void what_a_check_found_is_told_whole_but_for_what_a_terminal_has_no_room_for() {
        var answer = "backend.ktrdr.test is 10.0.0.99 for the server 10.0.0.2, and 10.0.0.10 in the inventory, since the zone has it twice";
        var found = Check.table(List.of(new Check("core.dns", "core", false, "10.0.0.10", answer, "", 0)));
        var line = "core  dns    FAILED        " + answer;
        assertEquals(line, found.lines().get(1));
        assertEquals(line, found.lines(line.length()).get(1));
        assertEquals(line.substring(0, 99) + "…", found.lines(100).get(1));
        // where there is room for next to nothing it wraps
        assertEquals(answer.substring(0, 59) + "…", found.lines(20).get(1).substring(line.indexOf(answer)));
    }

    @Test
    void a_row_is_an_object_for_machines() {
        assertEquals(List.of(Map.of("node", "core", "size", "-")), Table.of("node", "size").row("core", null).document());
    }
}
