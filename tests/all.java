///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES ../scripts/*.java
//SOURCES *Test.java
//SOURCES TestOptions.java
//SOURCES bench.java
//SOURCES pictures.java
//SOURCES bench/*.java
//SOURCES ktrdr/*.java
//SOURCES ktrdr/api/*.java
//SOURCES ktrdr/backup/*.java
//SOURCES ktrdr/cli/*.java
//SOURCES ktrdr/deploy/*.java
//SOURCES ktrdr/drain/*.java
//SOURCES ktrdr/fleet/*.java
//SOURCES ktrdr/health/*.java
//SOURCES ktrdr/image/*.java
//SOURCES ktrdr/inventory/*.java
//SOURCES ktrdr/logs/*.java
//SOURCES ktrdr/node/*.java
//SOURCES ktrdr/operations/*.java
//SOURCES ktrdr/release/*.java
//SOURCES ktrdr/report/*.java
//SOURCES ktrdr/rotation/*.java
//SOURCES ktrdr/share/*.java
//SOURCES ktrdr/shell/*.java
//SOURCES ktrdr/ssh/*.java
//SOURCES ktrdr/status/*.java
//SOURCES ktrdr/verify/*.java
//SOURCES lab/*.java
//SOURCES lab/standin/*.java
//SOURCES pictures/*.java
//SOURCES runbook/*.java
//SOURCES suite/*.java
//DEPS org.slf4j:slf4j-api:2.0.20
//DEPS org.junit.jupiter:junit-jupiter:6.1.3
//DEPS org.junit.platform:junit-platform-launcher:6.1.3
//DEPS net.jqwik:jqwik:1.9.3
//DEPS org.apache.sshd:sshd-core:2.20.0
//DEPS org.commonmark:commonmark-ext-gfm-tables:0.32.0
//DEPS com.networknt:json-schema-validator:2.0.8
//DEPS org.jsoup:jsoup:1.24.1
//DESCRIPTION Run the tests of the project

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import java.net.URI;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import ktrdr.Contracted;
import ktrdr.Dependencies;
import ktrdr.Exit;
import ktrdr.LocalCommand;
import ktrdr.Outdated;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.Table;
import ktrdr.cli.Cli;
import ktrdr.inventory.Part;
import ktrdr.report.Document;
import org.junit.jupiter.api.ClassOrderer;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import suite.Lane;
import suite.Results;
import suite.Rooms;
import suite.Suite;

@Command(name = "test",
        description = {"",
                "Unit tests need nothing. Fleet tests run against the practice fleet, which is brought up for them "
                        + "where it is not, "
                + "and taken down again if it was; tests of NFS run on virtual machines in the same way, beside them.",
        ""},
        footer = {"", "Examples:", "  ./ktrdr test                 everything",
                "  ./ktrdr test --unit          what needs no practice fleet",
                "  ./ktrdr test --quick         that, and each procedure once on the practice fleet",
            "  ./ktrdr test backup deploy   rooms, by subject; --rooms lists them",
            "  ./ktrdr test Inventory       classes of that name",
                "  ./ktrdr test DeployTest.keeps   methods of a class",
            "  ./ktrdr test --dependencies  every jar, its version, licence, checksum and known vulnerabilities",
            "  ./ktrdr test --outdated      every pinned version and the newest release; 1 when one is behind",
            "  ./ktrdr test fuzz            what reads answers and files, with a million damaged ones; every other "
                    + "run has some thousands",
            "  ./ktrdr test contract -i inventory.yaml   what the toolkit takes for granted of KTRDR, asked of an "
                    + "installation",
            "  ./ktrdr test long            what goes on for hours, with twenty times as many rounds, and 10 GB of a "
                    + "log for 70 MB; -v tells what was held"})
public class all implements Callable<Exit> {
    /** Number of jqwik cases per property: in every run, and in the long form. */
    private static final Map<Boolean, String> CASES = Map.of(false, "300", true, "56000");
    private static final Path HERE =
            Path.of(URI.create(all.class.getProtectionDomain().getCodeSource().getLocation().toString()));
    private static final String LONG_FORM = "fuzz";
    private static final String LONG_RUN = "long";
    private static final String CONTRACT = "contract";
    /** jqwik warns in each run that it stores nothing, although it was configured that way. */
    private static final Logger JQWIK = Logger.getLogger("net.jqwik");

    @Mixin Cli.Common common;
    @Mixin TestOptions asked;
    @Spec CommandSpec spec;
    /** Requested names that match a test. */
    private final Set<String> found = new HashSet<>();
    private boolean mine;

    public static void main(String... args) {
        Cli.main(new all(), args);
    }

    @Override
    public Exit call() throws Exception {
        if (asked.dependencies) return dependencies();
        if (asked.rooms) return rooms();
        if (asked.outdated) return Outdated.report(common);
        JQWIK.setLevel(Level.WARNING);
        if (given()) return contract();
        if (asked.names.contains(LONG_RUN)) System.setProperty("ktrdr.long", "true");
        var lanes = lanes();
        for (var name : asked.names)
            if (!found.contains(name)) throw Problem.usage("no test is called `" + name + "`")
                    .expected("part of the name of a " + (asked.unit ? "unit test's " : "")
                            + "class, Class.method, or a room: " + String.join(" ", Rooms.names()))
                    .found("nothing, so nothing was run");
        var results = new Suite(common.console(), this::request,
                lane -> chosen(test -> Lane.of(test.getTags()) == lane),
                asked.names.isEmpty(), Optional.ofNullable(asked.within)).run(lanes, this::bringUp);
        boolean left = mine && !asked.keepLab && Cli.run(new Lab(), "down") != 0;
        return results.report().and(left ? Exit.FAILED : Exit.OK);
    }

    /** Whether the command line has an inventory: the installation for the contract tests. */
    private boolean given() {
        boolean given = spec.commandLine().getParseResult().hasMatchedOption("--inventory");
        if (given ? !asked.names.equals(List.of(CONTRACT)) : asked.yes)
            throw Problem.usage("--inventory and --yes are for the contract alone")
                    .expected("./ktrdr test contract -i FILE [--yes]");
        return given;
    }

    /** Runs the contract tests on a running installation; starts no fleet and deploys nothing. */
    private Exit contract() {
        System.setProperty(Contracted.INVENTORY, common.inventory().source().toString());
        System.setProperty(Contracted.OPERATIONS, String.valueOf(operations()));
        var results = new Results(common.console());
        LauncherFactory.create().execute(chosen(test -> true).build(), results);
        return results.report();
    }

    /** Whether sample operations may be started there. */
    private boolean operations() {
        if (asked.yes) return true;
        var console = common.console();
        if (!console.interactive()) {
            console.note("no sample operation is started, and what it would show is skipped: not a terminal (use "
                    + "--yes)");
            return false;
        }
        try {
            console.confirm("A dummy operation and the inventory's sample are started at "
                    + common.inventory().url(Part.BACKEND)
                    + ", watched for some seconds and cancelled. Start them?");
            return true;
        } catch (Problem no) {
            return false;
        }
    }

    /** Lanes that have a test to run. */
    private Set<Lane> lanes() {
        var lanes = EnumSet.noneOf(Lane.class);
        LauncherFactory.create().discover(chosen(test -> lanes.add(Lane.of(test.getTags())) || true).build());
        return lanes;
    }

    /** Starts the practice fleet unless it is up. Removes an interrupted fleet first, since its state is unknown. */
    private void bringUp() {
        // builds now, so that build messages do not appear in the output of a test
        LocalCommand.command(Project.root().resolve("ktrdr").toString(), "status", "--help").run();
        mine = !Lab.running();
        if (mine && Cli.run(new Lab(), "down") + Cli.run(new Lab(), "up") != 0)
            common.console().note("the practice fleet did not come up: the fleet tests will fail");
    }

    /** The requested tests that match the predicate. */
    private LauncherDiscoveryRequestBuilder chosen(Predicate<TestDescriptor> such) {
        return request().selectors(selectClasspathRoots(Set.of(HERE)))
                .filters(includeClassNamePatterns(".*Test"), (PostDiscoveryFilter) this::wanted,
                (PostDiscoveryFilter) test -> FilterResult.includedIf(!isMethod(test) || such.test(test)));
    }

    private static boolean isMethod(TestDescriptor test) {
        return test.getSource().orElse(null) instanceof MethodSource;
    }

    private Exit rooms() {
        var table = Rooms.table();
        return common.rows(table);
    }

    /** All jars in use; the exit code says whether they are the reviewed ones. */
    private Exit dependencies() {
        var jars = Dependencies.found();
        var table = Table.of("jar", "licence", "sha256", "advisories");
        jars.forEach(jar -> table.row(jar.name(), jar.licence(), jar.sha256(), Dependencies.open(jar)));
        boolean reviewed = jars.equals(Dependencies.reviewed());
        common.report(Document.of("jars", reviewed ? Exit.OK : Exit.FAILED).with("jars", jars), table);
        common.console().note(jars.size() + " jars; "
                + (reviewed ? "they are those of " : "they are others than those of ") + Dependencies.REVIEWED);
        return reviewed ? Exit.OK : Exit.FAILED;
    }

    /** Settings of every launch, including the rerun of failed tests: jqwik's cases, and no jqwik database on disk. */
    private LauncherDiscoveryRequestBuilder request() {
        // longest classes first, so that none of them runs alone at the end
        return LauncherDiscoveryRequestBuilder.request()
                .configurationParameter(ClassOrderer.DEFAULT_ORDER_PROPERTY_NAME,
                        ClassOrderer.OrderAnnotation.class.getName())
                .configurationParameter("jqwik.tries.default", CASES.get(asked.names.contains(LONG_FORM)))
                .configurationParameter("jqwik.database", "").configurationParameter("jqwik.reporting.onlyfailures",
                        "true").configurationParameter("jqwik.edgecases.default", "NONE");
    }

    private synchronized FilterResult wanted(TestDescriptor test) {
        if (!isMethod(test)) return FilterResult.included("may have some");
        if (asked.unit && !Lane.unit(test.getTags())) return FilterResult.excluded("needs more than the project");
        if (asked.quick && !Lane.quick(test.getTags())) return FilterResult.excluded("takes longer");
        var source = (MethodSource) test.getSource().orElseThrow();
        var its = asked.names.stream().filter(name -> calls(name, source)).toList();
        found.addAll(its);
        return FilterResult.includedIf(asked.names.isEmpty() || !its.isEmpty());
    }

    /** Whether an argument selects a test: by room, or by part of its name. */
    private static boolean calls(String word, MethodSource test) {
        if (Rooms.classes(word).isPresent()) return Rooms.has(word, test.getClassName());
        var part = word.equals(LONG_FORM) ? "FuzzTest" : word.equals(LONG_RUN) ? "LongRunTest" : word;
        return (test.getClassName() + "." + test.getMethodName()).contains(part);
    }
}
