package suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import lab.Wait;
import org.junit.jupiter.api.Test;

/** Waiting in tests. */
class WaitTest {
    @Test
    void it_looks_until_it_holds_and_no_longer() {
        var looks = new AtomicInteger();
        Wait.until(() -> looks.incrementAndGet() == 3, () -> "never");
        assertEquals(3, looks.get());
    }

    @Test
    void a_limit_that_passes_fails_with_what_is_there_then() {
        var looks = new AtomicInteger();
        long start = System.nanoTime();
        Wait.Condition never = () -> looks.incrementAndGet() < 0;
        var failed = assertThrows(AssertionError.class,
                () -> Wait.until(Duration.ofMillis(100), never, () -> "after some looks"));
        assertEquals("not within 0 s: after some looks", failed.getMessage());
        assertTrue(looks.get() > 1 && System.nanoTime() - start >= 100_000_000);
    }

    @Test
    void what_a_look_throws_ends_it() {
        var thrown = assertThrows(AssertionError.class, () -> Wait.until(() -> {
            throw new IOException("no file");
        }, () -> "never"));
        assertEquals("no file", thrown.getCause().getMessage());
    }
}
