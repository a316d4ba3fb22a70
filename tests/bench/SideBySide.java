package bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Local;
import ktrdr.Problem;
import ktrdr.Table;

/**
 * The same thing measured of ours and of what a person would use instead, in pairs that take turns in who is first, so that what drifts
 * on the machine meanwhile weighs on both alike.
 *
 * @param name of the benchmark
 * @param what is measured, in words
 * @param ours how the first column is called; {@code theirs} the second
 */
public record SideBySide(String name, String what, String ours, String theirs, List<Pair> pairs) {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** One of each. */
    public record Pair(Duration ours, Duration theirs) {
        double ratio() {
            return SideBySide.ratio(ours, theirs);
        }
    }

    /** One measurement. */
    @FunctionalInterface
    public interface Measurement {
        Duration take();
    }

    /** Runs a program once, start and end included, and says how long it took; one that fails is a {@link Problem}. */
    public static Duration time(Console console, String how, Local.Command command) {
        long started = System.nanoTime();
        var result = command.timeout(PATIENCE).run();
        var took = Duration.ofNanos(System.nanoTime() - started);
        if (!result.ok()) throw Problem.failed(how + " ended with exit code " + result.exit() + ", so nothing can be said about it").found(result.lastWords());
        console.note("bench", how, took.toMillis() + " ms");
        return took;
    }

    /** Measures so many pairs. */
    public static SideBySide measure(String name, String what, int pairs, String ours, Measurement our, String theirs, Measurement their) {
        var measured = new ArrayList<Pair>();
        for (int i = 0; i < pairs; i++) {
            boolean oursFirst = i % 2 == 0;
            var first = (oursFirst ? our : their).take();
            var second = (oursFirst ? their : our).take();
            measured.add(oursFirst ? new Pair(first, second) : new Pair(second, first));
        }
        return new SideBySide(name, what, ours, theirs, measured);
    }

    /** Of each column on its own; of an even number the mean of the two in the middle. */
    public Pair medians() {
        return new Pair(median(pairs.stream().map(Pair::ours).toList()), median(pairs.stream().map(Pair::theirs).toList()));
    }

    private static Duration median(List<Duration> values) {
        var sorted = values.stream().sorted().toList();
        return sorted.get((sorted.size() - 1) / 2).plus(sorted.get(sorted.size() / 2)).dividedBy(2);
    }

    private static double ratio(Duration ours, Duration theirs) {
        return theirs.isZero() ? Double.NaN : (double) ours.toNanos() / theirs.toNanos();
    }

    /** A row a pair, and the medians. */
    public Table table() {
        var table = Table.of("pair", ours, theirs, "ratio");
        for (int i = 0; i < pairs.size(); i++) row(table, String.valueOf(i + 1), pairs.get(i));
        row(table, "median", medians());
        return table;
    }

    private static void row(Table table, String label, Pair pair) {
        table.row(label, seconds(pair.ours()), seconds(pair.theirs()), String.format("%.2f", pair.ratio()));
    }

    private static String seconds(Duration time) {
        return String.format("%.2f s", time.toMillis() / 1000.0);
    }

    /** The same for machines, in seconds. */
    public Map<String, Object> document() {
        var document = new LinkedHashMap<String, Object>();
        document.put("name", name);
        document.put("what", what);
        document.put("pairs", pairs.stream().map(this::document).toList());
        document.put("median", document(medians()));
        return document;
    }

    private Map<String, Object> document(Pair pair) {
        var document = new LinkedHashMap<String, Object>();
        document.put(ours, pair.ours().toMillis() / 1000.0);
        document.put(theirs, pair.theirs().toMillis() / 1000.0);
        document.put("ratio", pair.theirs().isZero() ? null : Math.round(pair.ratio() * 1000) / 1000.0);
        return document;
    }
}
