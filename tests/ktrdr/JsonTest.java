package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void refuses_all_but_one_document_and_quotes_source_and_start() {
        for (var text : List.of("", " \n", "{\"a\":", "{} {}", "{}x", "Error: no such container\nat all")) {
            assertTrue(Json.read(text).isEmpty(), text);
            var problem = assertThrows(Problem.class, () -> Json.parse(text, "the history of core"), text);
            assertEquals("the history of core gave something else than JSON", problem.sentence());
            assertEquals(text.isBlank() ? "nothing" : text.lines().findFirst().get(), problem.details().get("found"));
        }
    }

    @Test
    void a_long_text_is_cut() {
        assertEquals(200, assertThrows(Problem.class, () -> Json.parse("x".repeat(5000), "docker")).details()
                .get("found").length());
    }

    @Test
    void a_line_is_one_line_and_reads_back() {
        var line = Json.line(Map.of("what", "two\nlines\t\"quoted\" ü"));
        assertEquals(1, line.lines().count());
        assertEquals("two\nlines\t\"quoted\" ü", Json.parse(line, "it").path("what").asText());
    }

    @Test
    void values_are_replaced_wherever_written_and_all_else_stays() {
        assertEquals("{\"a\":9 , \"b\" :[ 1,  2],\"c\":\"new\", \"d\": {\"a\": 1}}\n",
                Json.replaced("{\"a\":1.50 , \"b\" :[ 1,  2],\"c\":{ \"x\": \"}\"}, \"d\": {\"a\": 1}}\n",
                        Map.of("a", 9, "c", "new", "e", "missing")));
    }
}
