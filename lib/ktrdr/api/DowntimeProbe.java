package ktrdr.api;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import ktrdr.Threads;

/**
 * How long something was away, as a client that asks it again and again sees it.
 *
 * <pre>var gap = DowntimeProbe.start(() -> http.get(url).ok(), Duration.ofMillis(50));
 *…
 *console.note("it was away for " + Units.duration(gap.stop()));</pre>
 *
 * A service that answers is asked five times less often than a service that does not, since each good answer costs it
 * work, a trace and a metric. A request that hangs does not delay the next one, so the window is as exact as the
 * requests are frequent, whatever their timeout is.
 */
public final class DowntimeProbe {
    /** So many turns of the clock make one ask while all is well. */
    private static final int SELDOM = 5;
    /**
     * How long {@link #stop} waits for answers that are still out; what is out then is not counted, so an ask must give
     * up sooner.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /**
     * One ask.
     *
     * @param asked when, in the nanoseconds of one clock; {@code answered} when the answer, or its absence, was known
     */
    public record Sample(long asked, long answered, boolean good) {}

    private final ConcurrentLinkedQueue<Sample> samples = new ConcurrentLinkedQueue<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(Threads.daemons("gap"));
    private final ExecutorService asks = Executors.newCachedThreadPool(Threads.daemons("gap"));
    private final Supplier<Boolean> ask;
    private volatile boolean well;
    private int turns;

    private DowntimeProbe(Supplier<Boolean> ask) {
        this.ask = ask;
    }

    /**
     * Asks at this pace while there is no good answer, else at a fifth of it, until {@link #stop}, on threads that do
     * not keep the program alive. A {@link Problem} is not a good answer.
     */
    public static DowntimeProbe start(Supplier<Boolean> ask, Duration every) {
        var gap = new DowntimeProbe(ask);
        gap.clock.scheduleAtFixedRate(gap::turn, 0, every.toNanos(), TimeUnit.NANOSECONDS);
        return gap;
    }

    /** What measures until it is closed. */
    public interface Meter extends AutoCloseable {
        @Override
        void close();
    }

    /** Measures a gap from now on and reports it when it is closed; does nothing unless {@code wanted}. */
    public static Meter meter(Supplier<Boolean> ask, boolean wanted, Consumer<Duration> told) {
        if (!wanted) return () -> { };
        var asking = start(ask, Duration.ofMillis(100));
        return () -> told.accept(asking.stop());
    }

    private void turn() {
        if (well && ++turns < SELDOM) return;
        turns = 0;
        asks.execute(this::ask);
    }

    private void ask() {
        long asked = System.nanoTime();
        boolean good;
        try {
            good = ask.get();
        } catch (RuntimeException e) {
            good = false;
        }
        well = good;
        samples.add(new Sample(asked, System.nanoTime(), good));
    }

    /** Stops asking, waits for the outstanding answers, and returns the {@link #window}. */
    public Duration stop() {
        clock.shutdownNow();
        asks.shutdown();
        try {
            asks.awaitTermination(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        asks.shutdownNow();
        return window(List.copyOf(samples));
    }

    /**
     * The window without a good answer: from the last good one before the first bad one to the first good one after the
     * last bad one. Where there was none before, from the first ask; where there was none after, to the last bad one.
     * Zero when none was bad.
     */
    public static Duration window(List<Sample> samples) {
        var asks = samples.stream().sorted(Comparator.comparingLong(Sample::asked)).toList();
        int first = 0;
        while (first < asks.size() && asks.get(first).good()) first++;
        if (first == asks.size()) return Duration.ZERO;
        int last = asks.size() - 1;
        while (asks.get(last).good()) last--;
        long from = first == 0 ? asks.get(0).asked() : asks.get(first - 1).answered();
        long to = asks.get(Math.min(last + 1, asks.size() - 1)).answered();
        return Duration.ofNanos(Math.max(0, to - from));
    }
}
