package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Function;
import ktrdr.CommandResult;
import ktrdr.Problem;
import ktrdr.Threads;
import org.junit.jupiter.api.Test;

class HeldScriptTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private final CountDownLatch released = new CountDownLatch(1);

    private static HeldScript held(Function<Consumer<String>, CommandResult> run) {
        return new HeldScript(run, "ready", result -> Problem.failed("ended early with " + result.exit()));
    }

    private static void await(HeldScript held) {
        held.await(LONG, "interrupted", () -> Problem.failed("late"));
    }

    private CommandResult ready(Consumer<String> lines) {
        lines.accept("folder\t/var/tmp/a\tb");
        lines.accept("a line without a key");
        lines.accept("ready\tyes");
        try {
            released.await();
        } catch (InterruptedException e) {
            throw Threads.interrupted("cut", e);
        }
        return new CommandResult(0, "", "");
    }

    @Test
    void is_ready_with_its_values_until_it_is_released() {
        var held = held(this::ready);
        await(held);
        assertEquals(Map.of("folder", "/var/tmp/a\tb", "ready", "yes"), held.values());
        assertTrue(held.ready());
        assertFalse(held.ended());
        assertFalse(held.ends(Duration.ZERO));
        released.countDown();
        assertTrue(held.ends(LONG));
        assertEquals(0, held.result().exit());
    }

    @Test
    void cut_ends_a_script_that_is_not_released() {
        var held = held(this::ready);
        await(held);
        held.cut();
        assertFalse(held.ends(LONG));
        assertEquals("cut", assertThrows(Problem.class, held::result).sentence());
    }

    @Test
    void ending_early_is_the_callers_problem() {
        var held = held(lines -> new CommandResult(3, "", ""));
        assertEquals("ended early with 3", assertThrows(Problem.class, () -> await(held)).sentence());
        assertEquals("ended early with 3", assertThrows(Problem.class, held::values).sentence());
        assertFalse(held.ready());
        assertEquals(3, held.result().exit());
    }

    @Test
    void a_lost_connection_is_told_as_it_is() {
        var lost = Problem.unreachable("gone");
        var held = held(lines -> {
            throw lost;
        });
        assertEquals(lost, assertThrows(Problem.class, () -> await(held)));
        assertEquals(lost, assertThrows(Problem.class, held::values));
        assertEquals(lost, assertThrows(Problem.class, held::result));
    }
}
