package lab;

import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Where the time of a test class goes, on the thread that runs its tests: the outermost {@link #on} of that thread
 * counts all time within it.
 *
 * <pre>var image = Spent.on(Spent.What.docker, () -&gt; ENGINE.docker("images").must().out());</pre>
 */
public final class Spent {
    /** The activities of a test's thread. */
    public enum What { waiting, docker, procedures, apt, guests, rest }

    private static final ThreadLocal<Spent> OWN = new ThreadLocal<>();

    private final long[] nanos = new long[What.values().length];
    private What now = What.rest;
    private long since = System.nanoTime();

    private Spent() {}

    private void turn(What next) {
        long moment = System.nanoTime();
        nanos[now.ordinal()] += moment - since;
        now = next;
        since = moment;
    }

    /** Starts to count the time of this thread. */
    public static void begin() {
        OWN.set(new Spent());
    }

    /** Seconds since {@link #begin} in the order of {@link What}; empty for a thread that is not counted. */
    public static double[] end() {
        var spent = OWN.get();
        if (spent == null) return new double[What.values().length];
        OWN.remove();
        spent.turn(What.rest);
        return Arrays.stream(spent.nanos).mapToDouble(number -> number / 1e9).toArray();
    }

    /**
     * Runs some work and counts its time as this, unless an enclosing activity counts it or the thread runs no tests.
     */
    public static <T> T on(What what, Supplier<T> work) {
        var spent = OWN.get();
        if (spent == null || spent.now != What.rest) return work.get();
        spent.turn(what);
        try {
            return work.get();
        } finally {
            spent.turn(What.rest);
        }
    }

    /** The same for work without a result. */
    public static void on(What what, Runnable work) {
        on(what, () -> {
            work.run();
            return null;
        });
    }
}
