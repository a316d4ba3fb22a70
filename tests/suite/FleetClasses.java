package suite;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;

/** The queue of classes of fleet tests: some run only on this machine's fleet, the others on a second one too. */
final class FleetClasses {
    /** A second fleet takes a minute to come up. */
    private static final int FEW = 12;
    /** Classes that need this machine's networks or processes, a package or JBang, or the images being built. */
    static final List<String> ONLY_HERE = List.of("AwayTest", "ConnectionsTest", "EveryProcedureTest", "FrontDoorTest",
            "HelpExamplesTest", "LabTest", "MoreNodesTest", "OperatorsTest", "PicturesFleetTest", "RecipesTest",
            "RunbookTest", "ScriptTemplateTest", "SecretsWatchTest", "SetupDnsTest", "SetupNfsFleetTest",
            "VerifyInfraTest", "ktrdr.BitingFleetTest", "ktrdr.ConsoleFleetTest");
    /** The slowest classes come first, so that none of them remains for the end. */
    static final List<String> LONG = List.of("RunbookTest", "AlertsFleetTest", "DeployLockTest", "RestoreFaultsTest",
            "RotateSecretTest", "RollbackTest", "HelpExamplesTest", "EveryProcedureTest", "DeployCutTest",
            "FailoverTest", "DeployKilledTest", "VerifyTest", "StatusTest");
    /** One pass through all procedures. */
    private static final String EACH_ONCE = "EveryProcedureTest";
    private final Deque<String> here = new ArrayDeque<>();
    private final Deque<String> anywhere = new ArrayDeque<>();
    private final BooleanSupplier over;

    /** @param over whether no class may begin any more */
    FleetClasses(TestPlan plan, BooleanSupplier over) {
        this.over = over;
        var longestFirst = Comparator.comparingInt(
                (String name) -> LONG.contains(name) ? LONG.indexOf(name) : LONG.size());
        names(plan).sorted(longestFirst.thenComparing(Comparator.naturalOrder()))
                .forEach(name -> (ONLY_HERE.contains(name) ? here : anywhere).add(name));
    }

    /**
     * For one fleet where time may be short: first each procedure once, then the others in an order that this number
     * decides, so that over some runs each class has its turn.
     */
    FleetClasses(TestPlan plan, BooleanSupplier over, long order) {
        this.over = over;
        var names = new ArrayList<>(names(plan).sorted().toList());
        Collections.shuffle(names, new Random(order));
        names.sort(Comparator.comparing(name -> !name.equals(EACH_ONCE)));
        here.addAll(names);
    }

    /** The classes of a plan's tests, each once. */
    static Stream<String> names(TestPlan plan) {
        return plan.getRoots().stream().flatMap(root -> plan.getDescendants(root).stream()).flatMap(FleetClasses::type)
                .distinct();
    }

    private static Stream<String> type(TestIdentifier test) {
        return test.getSource().stream().filter(MethodSource.class::isInstance).map(MethodSource.class::cast)
                .map(MethodSource::getClassName);
    }

    /** The tests of a class that have this lane's tag; its other tests may need no fleet. */
    static LauncherDiscoveryRequestBuilder only(String name, Lane lane, LauncherDiscoveryRequestBuilder request) {
        return request.selectors(DiscoverySelectors.selectClass(name)).filters(TagFilter.includeTags(lane.name()));
    }

    boolean few() {
        return here.size() + anywhere.size() < FEW;
    }

    /** The next class for this machine's fleet; classes that only it can run come first. */
    synchronized Optional<String> here() {
        return over.getAsBoolean() ? Optional.empty()
                : Optional.ofNullable(here.isEmpty() ? anywhere.poll() : here.poll());
    }

    /** The next class for the second fleet. */
    synchronized Optional<String> anywhere() {
        return over.getAsBoolean() ? Optional.empty() : Optional.ofNullable(anywhere.poll());
    }

    /** The classes that no fleet took. */
    synchronized List<String> left() {
        return Stream.concat(here.stream(), anywhere.stream()).sorted().toList();
    }
}
