package lab;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits in tests: for a condition, or for a time that is part of the test; {@link Spent} counts it. */
public final class Wait {
    /** Enough for a heavily loaded machine. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    /**
     * The first and the longest interval between polls: most waits are short, and a poll may start a process on a host.
     */
    private static final long FIRST_MILLIS = 10;
    private static final long LAST_MILLIS = 500;

    private Wait() {}

    /** The awaited condition; an exception ends the test. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws Exception;
    }

    /** Polls until the condition holds; after a minute the test fails with this message. */
    public static void until(Condition condition, Callable<String> otherwise) {
        until(PATIENCE, condition, otherwise);
    }

    /** The same with another limit. */
    public static void until(Duration limit, Condition condition, Callable<String> otherwise) {
        Spent.on(Spent.What.waiting, () -> {
            long deadline = System.nanoTime() + limit.toNanos();
            for (long pause = FIRST_MILLIS; !now(condition::holds); pause = Math.min(LAST_MILLIS, pause * 3 / 2)) {
                if (System.nanoTime() > deadline)
                    throw new AssertionError("not within " + limit.toSeconds() + " s: " + now(otherwise));
                sleep(pause);
            }
        });
    }

    /** Waits for a fixed time. */
    public static void millis(long millis) {
        Spent.on(Spent.What.waiting, () -> sleep(millis));
    }

    private static <T> T now(Callable<T> look) {
        try {
            return look.call();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
