///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES ../scripts/*.java
//SOURCES *Test.java
//SOURCES TestOptions.java
//SOURCES bench.java
//SOURCES pictures.java
//SOURCES bench/*.java
//SOURCES ktrdr/*.java
//SOURCES lab/*.java
//SOURCES lab/standin/*.java
//SOURCES pictures/*.java
//SOURCES runbook/*.java
//DEPS org.slf4j:slf4j-api:2.0.17
//DEPS org.junit.jupiter:junit-jupiter:5.13.4
//DEPS org.junit.platform:junit-platform-launcher:1.13.4
//DEPS net.jqwik:jqwik:1.9.3
//DEPS org.apache.sshd:sshd-core:2.15.0
//DEPS com.squareup.okhttp3:mockwebserver:4.12.0
//DEPS org.commonmark:commonmark-ext-gfm-tables:0.24.0
//DEPS org.jsoup:jsoup:1.18.3
//DESCRIPTION Run the tests of the project

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Cli;
import ktrdr.Dependencies;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Table;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "test", description = {"", "Unit tests need nothing. Fleet tests run against the practice fleet, which is brought up for them where it is not, "
                + "and taken down again if it was; tests of NFS run on virtual machines in the same way, beside them.", ""},
        footer = {"", "Examples:", "  ./ktrdr test                 everything", "  ./ktrdr test --unit          what needs no practice fleet",
            "  ./ktrdr test Inventory       classes of that name", "  ./ktrdr test DeployTest.keeps   methods of a class",
            "  ./ktrdr test --dependencies  every jar, its version, licence, checksum and known vulnerabilities",
            "  ./ktrdr test fuzz            what reads answers and files, with a million damaged ones; every other run has some thousands",
            "  ./ktrdr test long            what goes on for hours, with twenty times as many rounds, and 10 GB of a log for 70 MB; -v tells what was held"})
public class all implements Callable<Exit> {
    private static final TestTag FLEET = TestTag.create("fleet");
    /** Tests on virtual machines, which bring them up and take them down themselves. */
    private static final TestTag GUESTS = TestTag.create("guests");
    private static final List<TestTag> REAL = List.of(FLEET, GUESTS);
    /** Tests of pages in a real browser, which is installed for them where it is not there. */
    private static final TestTag BROWSER = TestTag.create("browser");
    /** Tests with programs from Debian's packages, which are installed for them where they are not there. */
    private static final TestTag PACKAGES = TestTag.create("packages");

    /** How many cases jqwik makes for each property: in every run, and in the long form. */
    private static final Map<Boolean, String> CASES = Map.of(false, "300", true, "56000");
    private static final Path HERE = Path.of(URI.create(all.class.getProtectionDomain().getCodeSource().getLocation().toString()));
    private static final String LONG_FORM = "fuzz";
    private static final String LONG_RUN = "long";
    /** It tells of each run that it keeps nothing of it, which is what it was asked. */
    private static final Logger JQWIK = Logger.getLogger("net.jqwik");

    @Mixin Cli.Common common;
    @Mixin TestOptions asked;
    /** Of the names that were asked for, those that some test has. */
    private final Set<String> found = new HashSet<>();

    public static void main(String... args) {
        Cli.main(new all(), args);
    }

    @Override
    public Exit call() throws Exception {
        if (asked.dependencies) return dependencies();
        JQWIK.setLevel(Level.WARNING);
        if (asked.names.contains(LONG_RUN)) System.setProperty("ktrdr.long", "true");
        var launcher = LauncherFactory.create();
        var plan = launcher.discover(wanted(test -> !test.getTags().contains(GUESTS)));
        // all were looked at by now, also those on virtual machines
        for (var name : asked.names)
            if (!found.contains(name)) throw Problem.usage("no test is called `" + name + "`").expected("part of the name of a " + (asked.unit ? "unit test's " : "") + "class, or Class.method").found("nothing, so nothing was run");
        boolean fleet = plan.getRoots().stream().flatMap(root -> plan.getDescendants(root).stream()).anyMatch(test -> test.isTest() && test.getTags().contains(FLEET));
        boolean mine = fleet && !Lab.running();
        // what is left of a fleet that was cut off may be in any state
        if (mine && Cli.run(new Lab(), "down") + Cli.run(new Lab(), "up") != 0) common.console().note("the practice fleet did not come up: the fleet tests will fail");
        // they share nothing with the fleet and wait for reboots most of the time
        var guests = CompletableFuture.supplyAsync(this::guests);
        var outcome = new Outcome();
        launcher.execute(plan, outcome);
        outcome.add(guests.join());
        outcome.again(launcher);
        boolean left = mine && !asked.keepLab && Cli.run(new Lab(), "down") != 0;
        return outcome.report().and(left ? Exit.FAILED : Exit.OK);
    }

    private Outcome guests() {
        var outcome = new Outcome();
        LauncherFactory.create().execute(wanted(test -> test.getTags().contains(GUESTS)), outcome);
        return outcome;
    }

    /** The tests that are asked for, of those that are such. */
    private LauncherDiscoveryRequest wanted(Predicate<TestDescriptor> such) {
        return request().selectors(selectClasspathRoots(Set.of(HERE))).filters(includeClassNamePatterns(".*Test"), (PostDiscoveryFilter) this::wanted,
                (PostDiscoveryFilter) test -> FilterResult.includedIf(!isMethod(test) || such.test(test))).build();
    }

    private static boolean isMethod(TestDescriptor test) {
        return test.getSource().orElse(null) instanceof MethodSource;
    }

    /** All jars as they are here; the exit code tells whether they are those that were reviewed. */
    private Exit dependencies() {
        var jars = Dependencies.found();
        var table = Table.of("jar", "licence", "sha256", "advisories");
        jars.forEach(jar -> table.row(jar.name(), jar.licence(), jar.sha256(), Dependencies.open(jar)));
        if (common.json()) common.console().print(Json.pretty(jars));
        else common.console().print(table);
        boolean reviewed = jars.equals(Dependencies.reviewed());
        common.console().note(jars.size() + " jars; " + (reviewed ? "they are those of " : "they are others than those of ") + Dependencies.REVIEWED);
        return reviewed ? Exit.OK : Exit.FAILED;
    }

    /** What each launch has, the one of what failed too: jqwik's cases, and no notes of them on a disk. */
    private LauncherDiscoveryRequestBuilder request() {
        return LauncherDiscoveryRequestBuilder.request().configurationParameter("jqwik.tries.default", CASES.get(asked.names.contains(LONG_FORM)))
                .configurationParameter("jqwik.database", "").configurationParameter("jqwik.reporting.onlyfailures", "true").configurationParameter("jqwik.edgecases.default", "NONE");
    }

    private FilterResult wanted(TestDescriptor test) {
        if (!isMethod(test)) return FilterResult.included("may have some");
        if (asked.unit && Stream.of(FLEET, GUESTS, BROWSER, PACKAGES).anyMatch(test.getTags()::contains)) return FilterResult.excluded("needs more than the project");
        var name = name(test);
        var its = asked.names.stream().filter(one -> name.contains(one.equals(LONG_FORM) ? "FuzzTest" : one.equals(LONG_RUN) ? "LongRunTest" : one)).toList();
        found.addAll(its);
        return FilterResult.includedIf(asked.names.isEmpty() || !its.isEmpty());
    }

    private static String name(TestDescriptor test) {
        var source = (MethodSource) test.getSource().orElseThrow();
        return source.getClassName() + "." + source.getMethodName();
    }

    /** Counts, and prints a line a class. */
    private final class Outcome implements TestExecutionListener {
        private final Map<String, Long> started = new LinkedHashMap<>();
        private final List<String> skipped = new ArrayList<>();
        private final List<String> failures = new ArrayList<>();
        /** Failed tests on real hosts, by their unique id. */
        private final Map<String, String> shaky = new LinkedHashMap<>();
        private final List<String> flaky = new ArrayList<>();
        private int passed;
        private int passedBefore;
        private int failedBefore;

        @Override
        public void executionStarted(TestIdentifier test) {
            started.put(test.getUniqueId(), System.nanoTime());
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            skipped.add(where(test) + ": " + reason);
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            boolean failed = result.getStatus() == TestExecutionResult.Status.FAILED;
            if (result.getStatus() == TestExecutionResult.Status.ABORTED)
                skipped.add(where(test) + ": " + result.getThrowable().map(Throwable::getMessage).orElse("aborted"));
            else if (failed) fail(test, result.getThrowable().orElseThrow());
            else if (test.isTest()) passed++;
            if (test.isTest()) common.console().detail(String.format("%-110s %6.1f s", where(test), seconds(test)));
            if (test.getSource().orElse(null) instanceof ClassSource source) line(source.getClassName(), test);
        }

        @Override
        public void reportingEntryPublished(TestIdentifier test, ReportEntry entry) {
            entry.getKeyValuePairs().forEach((what, figures) -> common.console().detail(where(test) + ": " + what + ": " + figures));
        }

        private void line(String name, TestIdentifier test) {
            common.console().print(String.format("%-28s %3d passed, %d failed  %6.1f s", name, passed - passedBefore, failures.size() - failedBefore, seconds(test)));
            passedBefore = passed;
            failedBefore = failures.size();
        }

        private double seconds(TestIdentifier test) {
            return (System.nanoTime() - started.get(test.getUniqueId())) / 1e9;
        }

        private void fail(TestIdentifier test, Throwable why) {
            failures.add(where(test));
            if (REAL.stream().anyMatch(test.getTags()::contains)) shaky.put(test.getUniqueId(), where(test));
            common.console().print("FAILED " + where(test) + "\n    " + String.valueOf(why).replace("\n", "\n    "));
            if (why instanceof Problem problem) problem.details().forEach((label, text) -> common.console().print("    " + label + ": " + text.replace("\n", "\n    ")));
            var ours = Pattern.compile("^(ktrdr|lab|standin)\\.|^[A-Z]\\w*Test|^[A-Z]\\w*$");
            for (var cause = why; cause != null; cause = cause.getCause())
                for (var frame : cause.getStackTrace())
                    if (ours.matcher(frame.getClassName()).find()) common.console().print("        at " + frame);
        }

        /**
         * Runs what failed on real hosts once more, a class whose preparation failed as a whole: they share two processors with the tests, and a machine that was out of
         * breath is no defect. What holds then is counted as passed, and named as flaky beside how it failed, so that it is looked at.
         */
        void again(Launcher launcher) {
            if (shaky.isEmpty()) return;
            var second = new Outcome();
            launcher.execute(request().selectors(shaky.keySet().stream().map(DiscoverySelectors::selectUniqueId).toList()).build(), second);
            for (var name : shaky.values()) if (!second.failures.contains(name)) flaky.add(name);
            failures.removeAll(flaky);
            add(second);
        }

        /** Counts what another launch found to this one's. */
        void add(Outcome other) {
            failures.addAll(other.failures.stream().filter(name -> !failures.contains(name)).toList());
            shaky.putAll(other.shaky);
            skipped.addAll(other.skipped);
            passed += other.passed;
        }

        private String where(TestIdentifier test) {
            var source = test.getSource().orElse(null);
            if (source instanceof MethodSource method) return method.getClassName() + "." + method.getMethodName() + " " + test.getDisplayName();
            return source instanceof ClassSource type ? type.getClassName() : test.getDisplayName();
        }

        Exit report() {
            flaky.forEach(name -> common.console().print("FLAKY " + name + ": failed, and passed the second time"));
            skipped.forEach(skip -> common.console().print("SKIPPED " + skip));
            boolean strict = "true".equals(System.getenv("CI")) && !skipped.isEmpty();
            if (strict) common.console().print("skipped tests count as failed here (CI=true)");
            common.console().print(passed + " passed, " + (failures.size() + (strict ? skipped.size() : 0)) + " failed, " + (strict ? 0 : skipped.size()) + " skipped");
            return failures.isEmpty() && !strict && passed > 0 ? Exit.OK : Exit.FAILED;
        }
    }
}
