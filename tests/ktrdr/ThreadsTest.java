package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
    void what_somebody_else_has_locked_is_not_tried_again() {
        var heard = new ArrayList<Problem>();
        assertEquals(Exit.LOCKED, assertThrows(Problem.class, () -> Threads.insist(() -> {
            throw Problem.locked("theirs");
        }, heard::add)).exit());
        assertEquals(List.of(), heard);
    }
}
