package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class ThreadsTest {
    @Test
    void a_thread_that_is_started_does_not_keep_the_program_alive() throws InterruptedException {
        var ran = new AtomicBoolean();
        var thread = Threads.daemon("test", () -> ran.set(true));
        thread.join();
        assertTrue(ran.get());
        assertTrue(thread.isDaemon());
        assertEquals("test", thread.getName());
    }

    @Test
    void an_interrupt_is_set_again_after_work_that_has_to_follow_it() {
        var seen = new AtomicBoolean(true);
        Thread.currentThread().interrupt();
        Threads.uninterrupted(() -> seen.set(Thread.currentThread().isInterrupted()));
        assertFalse(seen.get());
        assertTrue(Thread.interrupted());
    }

    @Test
    void an_interrupt_is_set_again_after_work_that_fails_too() {
        Thread.currentThread().interrupt();
        assertThrows(Problem.class, () -> Threads.uninterrupted(() -> {
            throw Problem.failed("no");
        }));
        assertTrue(Thread.interrupted());
    }

    @Test
    void an_interrupt_that_ends_a_wait_is_a_problem_and_stays_set() {
        var never = new CompletableFuture<String>();
        var waits = List.<Executable>of(() -> Threads.pause(60_000, "stopped"), () -> Threads.get(never, "stopped"),
                () -> Threads.get(never, Duration.ofMinutes(1), "stopped", () -> Problem.failed("late")));
        for (var wait : waits) {
            Thread.currentThread().interrupt();
            var problem = assertThrows(Problem.class, wait);
            assertEquals("stopped", problem.sentence());
            assertEquals(Exit.INTERRUPTED, problem.exit());
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void a_result_that_does_not_come_in_time_is_the_callers_problem() {
        assertEquals("late", assertThrows(Problem.class, () -> Threads.get(new CompletableFuture<String>(),
                Duration.ofMillis(1), "stopped", () -> Problem.failed("late"))).sentence());
        assertEquals("here", Threads.get(CompletableFuture.completedFuture("here"), Duration.ZERO, "stopped",
                () -> Problem.failed("late")));
    }

    @Test
    void what_failed_on_another_thread_is_thrown_as_it_was() {
        var problem = Problem.failed("no");
        var failed = CompletableFuture.supplyAsync(() -> {
            throw problem;
        }, Threads.each("test"));
        assertEquals(problem, assertThrows(Problem.class, () -> Threads.get(failed, "stopped")));
        var checked = new IOException("gone");
        assertEquals(checked, Threads.failure(new ExecutionException(checked)).getCause());
    }

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
    void completes_a_begun_task_and_then_restores_the_interrupt() {
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
