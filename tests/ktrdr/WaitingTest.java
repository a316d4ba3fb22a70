package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WaitingTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    @Test
    void asks_until_the_answer_is_good_and_tells_those_before() {
        var asked = new AtomicInteger();
        var heard = new ArrayList<Integer>();
        var waiting = new Waiting(LONG, 1, "interrupted");
        assertEquals(3, waiting.until(asked::incrementAndGet, answer -> answer == 3, heard::add));
        assertEquals(List.of(1, 2), heard);
    }

    @Test
    void asks_once_when_the_time_is_over_from_the_start() {
        var asked = new AtomicInteger();
        var heard = new ArrayList<Integer>();
        var waiting = new Waiting(Duration.ZERO, 60_000, "interrupted");
        assertEquals(1, waiting.until(asked::incrementAndGet, answer -> false, heard::add));
        assertEquals(List.of(), heard);
    }

    @Test
    void the_time_is_one_for_all_that_is_asked() {
        var asked = new AtomicInteger();
        var waiting = new Waiting(Duration.ofMillis(50), 10, "interrupted");
        int first = waiting.until(asked::incrementAndGet, answer -> false);
        assertTrue(waiting.over());
        assertFalse(waiting.passed(LONG));
        assertEquals(first + 1, waiting.until(asked::incrementAndGet, answer -> false));
    }

    @Test
    void an_interrupt_ends_it_with_its_problem() {
        var waiting = new Waiting(LONG, 60_000, () -> Problem.interrupted("stopped").with("now", "nothing is lost"));
        Thread.currentThread().interrupt();
        var problem = assertThrows(Problem.class, () -> waiting.until(() -> "", answer -> false));
        assertEquals("nothing is lost", problem.details().get("now"));
        assertTrue(Thread.interrupted());
    }
}
