package ktrdr.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whose line is next, by a clock that the test turns. */
class LogMergeTest {
    private static final long MILLI = 1_000_000;
    private final LogMerge merge = new LogMerge(List.of("a", "b"), Duration.ofMillis(300), 1000);

    private void add(String node, String time, long millis) {
        merge.add(new LogMerge.Line(time, node, "s", node + time), millis * MILLI);
    }

    private String due(long millis) {
        var due = new ArrayList<String>();
        for (var line = merge.next(millis * MILLI); line.isPresent(); line = merge.next(millis * MILLI)) due.add(line.get().text());
        return String.join(" ", due);
    }

    @Test
    void nothing_of_the_past_goes_out_before_every_node_has_said_its_next_line() {
        add("a", "1", 0);
        add("a", "3", 0);
        assertEquals("", due(10_000));
        add("b", "2", 10_000);
        assertEquals("a1 b2", due(10_000));
        merge.live("b");
        assertEquals("a3", due(10_000));
        assertTrue(merge.empty());
    }

    @Test
    void lines_of_one_time_stay_in_the_order_they_came_in() {
        for (var node : List.of("b", "a", "b")) add(node, "1", 0);
        merge.live("a");
        merge.live("b");
        assertEquals("b1 a1 b1", due(0));
    }

    @Test
    void what_is_as_it_comes_waits_for_older_lines_so_long_and_no_longer() {
        merge.live("a");
        merge.live("b");
        add("a", "5", 100);
        add("b", "4", 200);
        assertEquals("", due(399));
        assertEquals(MILLI, merge.patience(399 * MILLI));
        assertEquals("b4 a5", due(400));
        add("b", "3", 450);
        assertEquals("", due(500));
        assertEquals("b3", due(750));
        assertEquals(Long.MAX_VALUE, merge.patience(800 * MILLI));
    }

    @Test
    void a_line_that_is_younger_does_not_go_out_with_one_that_has_waited() {
        merge.live("a");
        merge.live("b");
        add("a", "5", 0);
        add("b", "6", 200);
        assertEquals("a5", due(300));
        assertEquals("b6", due(500));
    }

    @Test
    void where_too_much_waits_the_oldest_goes_out_at_once_and_no_more_is_to_be_added() {
        merge.live("a");
        merge.live("b");
        for (int i = 0; i < 9; i++) add("a", String.valueOf(i), 0);
        assertFalse(merge.full("a"));
        add("a", "9", 0);
        assertTrue(merge.full("a"));
        assertFalse(merge.full("b"));
        assertEquals("a0", due(0));
        assertFalse(merge.full("a"));
    }

    @Test
    void a_node_that_is_still_at_its_past_holds_back_what_another_says_now() {
        merge.live("a");
        add("a", "9", 0);
        assertEquals("", due(1000));
        add("b", "1", 1000);
        assertEquals("b1", due(1000));
        assertEquals("", due(2000));
        merge.live("b");
        assertEquals("a9", due(2000));
    }

    @Test
    void a_line_of_a_clock_that_is_ahead_is_told_while_older_ones_keep_coming_and_none_of_them_is_kept() {
        var endless = new LogMerge(List.of("a", "b"), Duration.ofMillis(300), 1 << 20);
        endless.live("a");
        endless.live("b");
        endless.add(new LogMerge.Line("9", "a", "s", "ahead"), 0);
        endless.add(new LogMerge.Line("1", "b", "s", "first"), 0);
        for (int i = 0; i < 100_000; i++) {
            // another one is there before this one was taken, as where lines come faster than they are read
            endless.add(new LogMerge.Line("1", "b", "s", "more"), 1000 * MILLI);
            if (endless.next(1000 * MILLI).orElseThrow().text().equals("ahead")) return;
        }
        fail("the line that is ahead still waits, and so does what was told meanwhile");
    }
}
