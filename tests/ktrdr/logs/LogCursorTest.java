package ktrdr.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The position up to which a log was read. */
class LogCursorTest {
    private final LogCursor cursor = new LogCursor("start");

    private static String at(String fraction) {
        return "2026-01-01T10:00:00." + fraction + "Z";
    }

    @Test
    void reads_on_from_a_hundredth_of_a_second_before_the_last_line() {
        assertEquals("start", cursor.since());
        cursor.fresh(at("111000000"), "a");
        assertEquals(at("11"), cursor.since());
        cursor.fresh(at("500000000"), "b");
        cursor.fresh(at("501000000"), "c");
        assertEquals(at("11"), cursor.since());
        cursor.fresh(at("510000000"), "d");
        assertEquals(at("50"), cursor.since());
    }

    @Test
    void what_comes_again_is_left_out_and_what_comes_late_is_not() {
        for (var text : new String[] {"a", "b", "b"}) assertTrue(cursor.fresh(at("500000001"), text));
        assertTrue(cursor.fresh(at("519000000"), "c"));
        cursor.again();
        for (var text : new String[] {"a", "b", "b"}) assertFalse(cursor.fresh(at("500000001"), text));
        assertTrue(cursor.fresh(at("500000001"), "b"), "a third one");
        assertTrue(cursor.fresh(at("518000000"), "from standard error"));
        assertFalse(cursor.fresh(at("519000000"), "c"));
        assertTrue(cursor.fresh(at("519500000"), "d"));
    }

    @Test
    void without_a_break_the_same_line_is_a_new_one() {
        assertTrue(cursor.fresh(at("500000001"), "a"));
        assertTrue(cursor.fresh(at("500000001"), "a"));
    }

    @Test
    void it_can_break_again_and_again() {
        assertTrue(cursor.fresh(at("500000000"), "a"));
        for (int i = 0; i < 3; i++) {
            cursor.again();
            assertFalse(cursor.fresh(at("500000000"), "a"));
        }
        assertTrue(cursor.fresh(at("500000009"), "b"));
        cursor.again();
        assertFalse(cursor.fresh(at("500000000"), "a"));
        assertFalse(cursor.fresh(at("500000009"), "b"));
    }
}
