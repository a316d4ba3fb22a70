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
 * The same thing measured of ours and of what a person would use instead, in pairs that take turns in who is first, so
 * that what drifts on the machine meanwhile weighs on both alike.
 *
 * @param what was measured
 * @param warmUps how often each was run before, which does not count
 * @param remarks what is to be said beside the times, such as the most memory that ours had
 */
public record SideBySide(Case what, int warmUps, List<Pair> pairs, List<String> remarks) {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** One of each. */
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

    /** Runs a program once, start and end included, and says how long it took; one that fails is a {@link Problem}. */
    public static Duration time(Console console, String how, LocalCommand.Command command) {
        long started = System.nanoTime();
        var result = command.timeout(PATIENCE).run();
        var took = Duration.ofNanos(System.nanoTime() - started);
        if (!result.ok()) throw Problem.failed(how + " ended with exit code " + result.exit()
                + ", so nothing can be said about it").found(result.lastWords());
        console.note("bench", how, took.toMillis() + " ms");
        return took;
    }

    /** Measures so many pairs, after a run of each that does not count. */
    public static SideBySide warm(Case what, int pairs, Measurement our, Measurement their) {
        return warm(what, 1, pairs, our, their);
    }

    /** The same without, where nothing of one run is left for the next to profit by. */
    public static SideBySide cold(Case what, int pairs, Measurement our, Measurement their) {
        return warm(what, 0, pairs, our, their);
    }

    /** The same after so many runs of each. */
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

    /** The same with a remark more. */
    public SideBySide remark(String remark) {
        var all = new ArrayList<>(remarks);
        all.add(remark);
        return new SideBySide(what, warmUps, pairs, all);
    }

    /** Of each column on its own; of an even number the mean of the two in the middle. */
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

    /** In how many pairs ours took longer. */
    public long lost() {
        return pairs.stream().filter(Pair::lost).count();
    }

    /** A row a pair, and the medians. */
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

    /** A row for each of them: the medians, in how many pairs ours was the slower one, and what was run before. */
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

    /** What is to be said beside the times. */
    public static Table remarks(List<SideBySide> measured) {
        var table = Table.of("benchmark", "remark");
        measured.forEach(sideBySide -> sideBySide.remarks.forEach(remark -> table.row(sideBySide.what.name(), remark)));
        return table;
    }

    /** The same for machines, in seconds. */
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
