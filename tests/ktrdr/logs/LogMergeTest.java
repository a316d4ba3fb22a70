package ktrdr.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The order of merged lines, on a clock that the test controls. */
class LogMergeTest {
    private static final long MILLI = 1_000_000;
    private final LogMerge merge = new LogMerge(List.of("a", "b"), Duration.ofMillis(300), 1000);

    private void add(String node, String time, long millis) {
        merge.add(new LogMerge.Line(time, node, "s", node + time), millis * MILLI);
    }

    private String due(long millis) {
        var due = new ArrayList<String>();
        for (var line = merge.next(millis * MILLI); line.isPresent(); line = merge.next(millis * MILLI))
            due.add(line.get().text());
        return String.join(" ", due);
    }

    @Test
    void prints_no_past_line_before_every_node_has_a_next_line() {
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
    void a_live_line_waits_a_limited_time_for_older_ones() {
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
    void a_younger_line_does_not_leave_with_one_that_has_waited() {
        merge.live("a");
        merge.live("b");
        add("a", "5", 0);
        add("b", "6", 200);
        assertEquals("a5", due(300));
        assertEquals("b6", due(500));
    }

    @Test
    void a_full_queue_prints_its_oldest_line_at_once() {
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
    void a_node_still_in_its_past_holds_back_live_lines() {
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
    void prints_a_line_from_a_fast_clock_despite_endless_older_ones() {
        var endless = new LogMerge(List.of("a", "b"), Duration.ofMillis(300), 1 << 20);
        endless.live("a");
        endless.live("b");
        endless.add(new LogMerge.Line("9", "a", "s", "ahead"), 0);
        endless.add(new LogMerge.Line("1", "b", "s", "first"), 0);
        for (int i = 0; i < 100_000; i++) {
            // the next line arrives before this one is taken: lines come faster than they are read
            endless.add(new LogMerge.Line("1", "b", "s", "more"), 1000 * MILLI);
            if (endless.next(1000 * MILLI).orElseThrow().text().equals("ahead")) return;
        }
        fail("the line that is ahead still waits, and so does what was told meanwhile");
    }
}
