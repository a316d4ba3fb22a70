package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ThreadsTest {
    @Test
    void what_has_to_be_done_is_tried_again_whatever_interrupts_it() {
        var heard = new ArrayList<String>();
        var done = Threads.insist(() -> {
            Thread.currentThread().interrupt();
            if (heard.size() < 2) throw Problem.unreachable("gone " + heard.size());
            return Thread.interrupted();
        }, problem -> heard.add(problem.sentence()));
        assertEquals(true, done);
        assertEquals(List.of("gone 0", "gone 1"), heard);
        assertFalse(Thread.interrupted());
    }

    @Test
    void what_is_begun_is_waited_for_and_the_interrupt_is_there_after_it() {
        var waiter = Thread.currentThread();
        var answer = Threads.whole("test", () -> {
            waiter.interrupt();
            Threads.pause(300, "interrupted itself");
            return "the id";
        });
        assertEquals("the id", answer);
        assertTrue(Thread.interrupted());
    }

    @Test
    void what_goes_wrong_in_it_is_what_the_caller_gets() {
        assertEquals("no", assertThrows(Problem.class, () -> Threads.whole("test", () -> {
            throw Problem.failed("no");
        })).sentence());
    }

    @Test
    void what_somebody_else_has_locked_is_not_tried_again() {
        var heard = new ArrayList<Problem>();
        assertEquals(Exit.LOCKED, assertThrows(Problem.class, () -> Threads.insist(() -> {
            throw Problem.locked("theirs");
        }, heard::add)).exit());
        assertEquals(List.of(), heard);
    }
}
