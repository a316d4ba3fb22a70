package suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Table;
import lab.Spent;

/**
 * The time used by a run: the slowest classes, each lane, and the processor load, to show whether waiting or computing
 * is the limit.
 */
public final class TimeTable {
    private static final int SLOWEST = 15;
    private final Map<Lane, Double> lanes = new EnumMap<>(Lane.class);
    private final long began = System.nanoTime();
    private final long[] ticks = ticks();

    /** How many seconds ago the run began. */
    double seconds() {
        return (System.nanoTime() - began) / 1e9;
    }

    /** Runs the work of a lane and records its duration. */
    void lane(Lane lane, Runnable work) {
        long start = System.nanoTime();
        work.run();
        synchronized (lanes) {
            lanes.put(lane, (System.nanoTime() - start) / 1e9);
        }
    }

    /** @param seconds of each class, in the order of {@link Spent.What} */
    void print(Console console, Map<String, double[]> seconds) {
        console.print("");
        console.print(slowest(seconds));
        var each = lanes.entrySet().stream().map(lane -> lane.getKey() + " " + minutes(lane.getValue()))
                .collect(Collectors.joining(", "));
        console.print("\n" + minutes(seconds()) + " in all: " + each
                + "; the machine's processors were busy for " + busy(ticks, ticks()) + " % of it\n");
    }

    /** One row for each of the slowest classes. */
    static Table slowest(Map<String, double[]> seconds) {
        var parts = Arrays.stream(Spent.What.values()).map(Enum::name);
        var table = Table.of(Stream.concat(Stream.of("slowest", "total"), parts).toArray(String[]::new));
        var slowest = seconds.entrySet().stream()
                .sorted((a, b) -> Double.compare(total(b.getValue()), total(a.getValue()))).limit(SLOWEST);
        slowest.forEach(entry -> {
            var figures = DoubleStream.concat(DoubleStream.of(total(entry.getValue())),
                    Arrays.stream(entry.getValue()));
            table.row(Stream.concat(Stream.of(entry.getKey()), figures.mapToObj(TimeTable::shown)).toArray());
        });
        return table;
    }

    private static double total(double[] parts) {
        return Arrays.stream(parts).sum();
    }

    private static String shown(double seconds) {
        return seconds < 0.05 ? "" : String.format("%.1f", seconds);
    }

    private static String minutes(double seconds) {
        if (seconds < 60) return String.format("%.1f s", seconds);
        return String.format("%d min %02d s", (int) seconds / 60, (int) seconds % 60);
    }

    /** The busy share of the processors between two readings of /proc/stat, in percent. */
    static long busy(long[] before, long[] after) {
        long all = 0;
        for (int i = 0; i < before.length; i++) all += after[i] - before[i];
        // the fourth and fifth fields are idle and iowait
        return all == 0 ? 0 : 100 * (all - (after[3] - before[3]) - (after[4] - before[4])) / all;
    }

    /** Processor time of this machine since boot: user, nice, system, idle, iowait, irq, softirq, steal. */
    private static long[] ticks() {
        try (var lines = Files.lines(Path.of("/proc/stat"))) {
            var words = lines.findFirst().orElseThrow().split(" +");
            return Arrays.stream(words).skip(1).limit(8).mapToLong(Long::parseLong).toArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
