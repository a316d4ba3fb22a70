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
    void a_row_is_an_object_for_machines() {
        assertEquals(List.of(Map.of("node", "core", "size", "-")), Table.of("node", "size").row("core", null).document());
    }
}
