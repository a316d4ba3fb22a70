package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Parsing of psql's CSV output; ConsoleFleetTest queries a real database. */
class DatabaseTest {
    @Test
    void headings_and_rows_with_what_is_quoted() {
        var rows = Database.parse("n,text\n1,\"a, \"\"b\"\"\nc\"\n2,\n");
        assertEquals(List.of("n", "text"), rows.columns());
        assertEquals(List.of(List.of("1", "a, \"b\"\nc"), List.of("2", "")), rows.rows());
    }

    @Test
    void no_answer_has_no_columns_and_of_two_the_wider_counts() {
        assertEquals(new Database.Rows(List.of(), List.of()), Database.parse(""));
        assertEquals(List.of(List.of("1"), List.of("b", "c"), List.of("1", "2")),
                Database.parse("a\n1\nb,c\n1,2\n").rows());
        assertEquals(List.of("a", ""), Database.parse("a\n1\nb,c\n1,2\n").columns());
    }
}
