package lab;

import java.time.Duration;
import java.util.concurrent.Callable;

/**
 * Waiting in tests: for something that holds in a moment, or for a time that is a part of the test; {@link Spent}
 * counts it.
 */
public final class Wait {
    /** What a machine that is out of breath needs. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    /** From one look to the next at first, and at most: most waits are short, and a look may be a process on a host. */
    private static final long FIRST_MILLIS = 10;
    private static final long LAST_MILLIS = 500;

    private Wait() {}

    /** What is waited for; an exception ends the test. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws Exception;
    }

    /** Looks again and again until it holds; where it does not within a minute the test fails with these words. */
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

    /** Lets so much time pass. */
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
