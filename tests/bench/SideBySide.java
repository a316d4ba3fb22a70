package bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Table;

/**
 * The same task measured with the toolkit and with the manual alternative. The two sides of a pair alternate in order,
 * so that changes of the machine's load affect both equally.
 *
 * @param what the benchmark
 * @param warmUps the number of uncounted runs of each side before
 * @param remarks notes in addition to the times, such as the toolkit's peak memory
 */
public record SideBySide(Case what, int warmUps, List<Pair> pairs, List<String> remarks) {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** One measurement of each side. */
    public record Pair(Duration ours, Duration theirs) {
        double ratio() {
            return SideBySide.ratio(ours, theirs);
        }

        boolean lost() {
            return ours.compareTo(theirs) > 0;
        }
    }

    /** One measurement. */
    @FunctionalInterface
    public interface Measurement {
        Duration take();
    }

    /** Runs a program and returns its elapsed time, start and exit included; a failure is a {@link Problem}. */
    public static Duration time(Console console, String how, LocalCommand.Command command) {
        long started = System.nanoTime();
        var result = command.timeout(PATIENCE).run();
        var took = Duration.ofNanos(System.nanoTime() - started);
        if (!result.ok()) throw Problem.failed(how + " ended with exit code " + result.exit()
                + ", so nothing can be said about it").found(result.lastWords());
        console.note("bench", how, took.toMillis() + " ms");
        return took;
    }

    /** Measures this many pairs after one uncounted run of each side. */
    public static SideBySide warm(Case what, int pairs, Measurement our, Measurement their) {
        return warm(what, 1, pairs, our, their);
    }

    /** The same without a warm-up, if no run can benefit from the one before. */
    public static SideBySide cold(Case what, int pairs, Measurement our, Measurement their) {
        return warm(what, 0, pairs, our, their);
    }

    /** The same after this many warm-up runs of each side. */
    public static SideBySide warm(Case what, int warmUps, int pairs, Measurement our, Measurement their) {
        for (int i = 0; i < warmUps; i++) {
            our.take();
            their.take();
        }
        var measured = new ArrayList<Pair>();
        for (int i = 0; i < pairs; i++) {
            boolean oursFirst = i % 2 == 0;
            var first = (oursFirst ? our : their).take();
            var second = (oursFirst ? their : our).take();
            measured.add(oursFirst ? new Pair(first, second) : new Pair(second, first));
        }
        return new SideBySide(what, warmUps, measured, List.of());
    }

    /** A copy with one more remark. */
    public SideBySide remark(String remark) {
        var all = new ArrayList<>(remarks);
        all.add(remark);
        return new SideBySide(what, warmUps, pairs, all);
    }

    /** The median of each column; for an even number of pairs the mean of the middle two. */
    public Pair medians() {
        return new Pair(median(pairs.stream().map(Pair::ours).toList()),
                median(pairs.stream().map(Pair::theirs).toList()));
    }

    private static Duration median(List<Duration> values) {
        var sorted = values.stream().sorted().toList();
        return sorted.get((sorted.size() - 1) / 2).plus(sorted.get(sorted.size() / 2)).dividedBy(2);
    }

    private static double ratio(Duration ours, Duration theirs) {
        return theirs.isZero() ? Double.NaN : (double) ours.toNanos() / theirs.toNanos();
    }

    /** The number of pairs in which the toolkit was slower. */
    public long lost() {
        return pairs.stream().filter(Pair::lost).count();
    }

    /** One row per pair, and the medians. */
    public Table table() {
        var table = Table.of("pair", what.ours(), what.theirs(), "ratio");
        for (int i = 0; i < pairs.size(); i++) row(table, String.valueOf(i + 1), pairs.get(i));
        row(table, "median", medians());
        return table;
    }

    private static void row(Table table, String label, Pair pair) {
        table.row(label, seconds(pair.ours()), seconds(pair.theirs()), ratio(pair));
    }

    private static String ratio(Pair pair) {
        return String.format("%.2f", pair.ratio());
    }

    private static String seconds(Duration time) {
        return String.format("%.2f s", time.toMillis() / 1000.0);
    }

    /** One row per benchmark: the medians, the number of pairs in which the toolkit was slower, and the warm-up. */
    public static Table summary(List<SideBySide> measured) {
        var table = Table.of("benchmark", "ours", "theirs", "ratio", "slower", "warm-up");
        for (var sideBySide : measured) {
            var medians = sideBySide.medians();
            table.row(sideBySide.what.name(), sideBySide.what.ours() + " " + seconds(medians.ours()),
                    sideBySide.what.theirs() + " " + seconds(medians.theirs()), ratio(medians),
                    sideBySide.lost() + " of " + sideBySide.pairs.size(),
                    sideBySide.warmUps == 0 ? "none" : sideBySide.warmUps + " of each");
        }
        return table;
    }

    /** The remarks of all benchmarks. */
    public static Table remarks(List<SideBySide> measured) {
        var table = Table.of("benchmark", "remark");
        measured.forEach(sideBySide -> sideBySide.remarks.forEach(remark -> table.row(sideBySide.what.name(), remark)));
        return table;
    }

    /** The results for machine use, in seconds. */
    public Map<String, Object> document() {
        var document = new LinkedHashMap<String, Object>();
        document.put("name", what.name());
        document.put("what", what.what());
        document.put("ours", what.ours());
        document.put("theirs", what.theirs());
        document.put("warm_ups", warmUps);
        document.put("pairs", pairs.stream().map(this::document).toList());
        document.put("median", document(medians()));
        document.put("slower", lost());
        document.put("remarks", remarks);
        return document;
    }

    private Map<String, Object> document(Pair pair) {
        var document = new LinkedHashMap<String, Object>();
        document.put(what.ours(), pair.ours().toMillis() / 1000.0);
        document.put(what.theirs(), pair.theirs().toMillis() / 1000.0);
        document.put("ratio", pair.theirs().isZero() ? null : Math.round(pair.ratio() * 1000) / 1000.0);
        return document;
    }
}
