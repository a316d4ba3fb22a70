package suite;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.Problem;
import lab.Spent;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/** Counts the results of a launch, and prints one line per class and every failure at once. */
public final class Results implements TestExecutionListener {
    private static final Pattern OURS = Pattern.compile("^(ktrdr|lab|standin|suite)\\.|^[A-Z]\\w*Test|^[A-Z]\\w*$");
    private static final int REASON = 400;
    private final Console console;
    private final boolean crowded;
    private final Map<String, Long> started = new ConcurrentHashMap<>();
    /** Tests that passed and that failed, by class. */
    private final Map<String, int[]> counts = new ConcurrentHashMap<>();
    private final List<String> skipped = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    /** Tests that passed, and classes that were set up and taken down well. */
    private final Set<String> good = new HashSet<>();
    /** The first line of each failure: a log may be read from its end. */
    private final Map<String, String> reasons = new HashMap<>();
    /** Failed tests on real hosts, or on crowded processors, by their unique id. */
    private final Map<String, String> shaky = new LinkedHashMap<>();
    private final List<String> flaky = new ArrayList<>();
    private final List<String> notRun = new ArrayList<>();
    private final Map<String, double[]> spent = new HashMap<>();
    private int passed;

    public Results(Console console) {
        this(console, false);
    }

    /** @param crowded whether other lanes keep the processors busy, so that any test may time out */
    Results(Console console, boolean crowded) {
        this.console = console;
        this.crowded = crowded;
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        started.put(test.getUniqueId(), System.nanoTime());
        if (isClass(test)) Spent.begin();
    }

    @Override
    public synchronized void executionSkipped(TestIdentifier test, String reason) {
        skipped.add(where(test) + ": " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (test.isTest()) console.detail(String.format("%-110s %6.1f s", where(test), seconds(test)));
        count(test, result);
        if (!isClass(test)) return;
        spent(type(test), Spent.end());
        var of = counts(test);
        console.print(String.format("%-28s %3d passed, %d failed  %6.1f s", type(test), of[0], of[1], seconds(test)));
    }

    private synchronized void spent(String type, double[] seconds) {
        spent.merge(type, seconds, (a, b) -> IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray());
    }

    /** Seconds of each class in the order of {@link Spent.What}. */
    synchronized Map<String, double[]> spent() {
        return Map.copyOf(spent);
    }

    private synchronized void count(TestIdentifier test, TestExecutionResult result) {
        var why = result.getThrowable();
        if (result.getStatus() == TestExecutionResult.Status.ABORTED)
            skipped.add(where(test) + ": " + why.map(Throwable::getMessage).orElse("aborted"));
        else if (result.getStatus() == TestExecutionResult.Status.FAILED) fail(test, why.orElseThrow());
        else good.add(where(test));
        if (test.isTest() && result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
            passed++;
            counts(test)[0]++;
        }
    }

    @Override
    public void reportingEntryPublished(TestIdentifier test, ReportEntry entry) {
        entry.getKeyValuePairs().forEach((what, figures) -> console.detail(where(test) + ": " + what + ": " + figures));
    }

    private double seconds(TestIdentifier test) {
        return (System.nanoTime() - started.get(test.getUniqueId())) / 1e9;
    }

    private int[] counts(TestIdentifier test) {
        return counts.computeIfAbsent(type(test), key -> new int[2]);
    }

    private void fail(TestIdentifier test, Throwable why) {
        failures.add(where(test));
        reasons.put(where(test), beginning(String.valueOf(why)));
        counts(test)[1]++;
        if (crowded || Lane.shaky(test.getTags())) shaky.put(test.getUniqueId(), where(test));
        var said = new StringBuilder("FAILED " + where(test) + "\n    " + indented(String.valueOf(why)));
        if (why instanceof Problem problem)
            problem.details().forEach((label, text) -> said.append("\n    " + label + ": " + indented(text)));
        for (var cause = why; cause != null; cause = cause.getCause())
            for (var frame : cause.getStackTrace())
                if (OURS.matcher(frame.getClassName()).find()) said.append("\n        at ").append(frame);
        console.print(said.toString());
    }

    private static String beginning(String text) {
        var line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= REASON ? line : line.substring(0, REASON) + "…";
    }

    private static String indented(String text) {
        return text.replace("\n", "\n    ");
    }

    /** Unique ids of failed tests whose hosts or machine may have been overloaded, which is no defect. */
    synchronized List<String> shaky() {
        return List.copyOf(shaky.keySet());
    }

    /**
     * Takes the results of a second run of {@link #shaky}. A test that passes now counts as passed, and is reported as
     * flaky with its first failure.
     */
    synchronized void again(Results second) {
        for (var name : shaky.values()) if (second.good.contains(name)) flaky.add(name);
        failures.removeAll(flaky);
        add(second);
    }

    /** Records a class that did not run to its end. */
    synchronized void lost(String type) {
        failures.add(type + ": the JVM that ran it ended");
    }

    /** Records classes for which there was no time. */
    synchronized void notRun(List<String> types) {
        notRun.addAll(types);
    }

    /** The results, for {@link #read} in another JVM. */
    synchronized Map<String, Object> document() {
        return Map.of("passed", passed, "failures", failures, "shaky", shaky, "skipped", skipped, "spent", spent,
                "reasons", reasons);
    }

    /** Adds the counts of another JVM. */
    synchronized void read(String document) {
        var found = Json.parse(document, "the second fleet");
        passed += found.path("passed").asInt();
        found.path("failures").forEach(json -> failures.add(json.asText()));
        found.path("skipped").forEach(json -> skipped.add(json.asText()));
        found.path("shaky").properties().forEach(entry -> shaky.put(entry.getKey(), entry.getValue().asText()));
        found.path("reasons").properties().forEach(entry -> reasons.put(entry.getKey(), entry.getValue().asText()));
        found.path("spent").properties().forEach(entry -> spent(entry.getKey(), seconds(entry.getValue())));
    }

    private static double[] seconds(JsonNode list) {
        return IntStream.range(0, list.size()).mapToDouble(i -> list.path(i).asDouble()).toArray();
    }

    /** Adds the counts of another launch. */
    synchronized void add(Results other) {
        failures.addAll(other.failures.stream().filter(name -> !failures.contains(name)).toList());
        shaky.putAll(other.shaky);
        reasons.putAll(other.reasons);
        skipped.addAll(other.skipped);
        notRun.addAll(other.notRun);
        passed += other.passed;
        other.spent().forEach(this::spent);
    }

    /** Prints all results; the last line has the counts. */
    public synchronized Exit report() {
        flaky.forEach(name -> console.print("FLAKY " + name + ": failed, and passed the second time\n    first: "
                + reasons.getOrDefault(name, "")));
        failures.forEach(name -> console.print("FAILED " + name + "\n    " + reasons.getOrDefault(name, "")));
        skipped.forEach(skip -> console.print("SKIPPED " + skip));
        if (!notRun.isEmpty()) console.print("NOT RUN for lack of time: ./ktrdr test " + String.join(" ", notRun));
        boolean strict = "true".equals(System.getenv("CI")) && !skipped.isEmpty();
        if (strict) console.print("skipped tests count as failed here (CI=true)");
        int failed = failures.size() + (strict ? skipped.size() : 0);
        console.print(passed + " passed, " + failed + " failed, " + (strict ? 0 : skipped.size()) + " skipped"
                + (notRun.isEmpty() ? "" : ", " + notRun.size() + " classes not run for lack of time"));
        return failures.isEmpty() && !strict && passed > 0 ? Exit.OK : Exit.FAILED;
    }

    private static boolean isClass(TestIdentifier test) {
        return test.getSource().orElse(null) instanceof ClassSource;
    }

    /** The class of this test, or the class itself. */
    private static String type(TestIdentifier test) {
        var source = test.getSource().orElse(null);
        if (source instanceof MethodSource method) return method.getClassName();
        return source instanceof ClassSource type ? type.getClassName() : test.getDisplayName();
    }

    private static String where(TestIdentifier test) {
        if (!(test.getSource().orElse(null) instanceof MethodSource method)) return type(test);
        return method.getClassName() + "." + method.getMethodName() + " " + test.getDisplayName();
    }
}
