package suite;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** The classes of fleet tests that are still to be run: some only on this machine's fleet, the others on a second one as well. */
final class FleetClasses {
    /** A second fleet takes a minute to come up. */
    private static final int FEW = 12;
    /** Those that need this machine's networks or processes, a package or JBang, or the images in the making. */
    static final List<String> ONLY_HERE = List.of("AwayTest", "ConnectionsTest", "EveryProcedureTest", "FrontDoorTest", "HelpExamplesTest", "LabTest",
            "MoreNodesTest", "OperatorsTest", "PicturesFleetTest", "RecipesTest", "RunbookTest", "ScriptTemplateTest", "SecretsWatchTest",
            "SetupDnsTest", "SetupNfsFleetTest", "VerifyInfraTest", "ktrdr.BitingFleetTest", "ktrdr.ConsoleFleetTest");
    /** Those that take longest, which come first, so that none of them is what is left at the end. */
    static final List<String> LONG = List.of("DeployLockTest", "RestoreFaultsTest", "RotateSecretTest", "RollbackTest", "DeployCutTest", "AlertsFleetTest",
            "FailoverTest", "DeployKilledTest", "VerifyTest", "StatusTest");
    private final Deque<String> here = new ArrayDeque<>();
    private final Deque<String> anywhere = new ArrayDeque<>();

    FleetClasses(TestPlan plan) {
        var classes = new TreeMap<String, String>(Comparator.comparingInt((String name) -> LONG.contains(name) ? LONG.indexOf(name) : LONG.size())
                .thenComparing(Comparator.naturalOrder()));
        for (var root : plan.getRoots())
            for (var test : plan.getDescendants(root)) source(test).ifPresent(name -> classes.put(name, name));
        for (var name : classes.keySet()) (ONLY_HERE.contains(name) ? here : anywhere).add(name);
    }

    private static Optional<String> source(TestIdentifier test) {
        return test.getSource().filter(MethodSource.class::isInstance).map(source -> ((MethodSource) source).getClassName());
    }

    boolean few() {
        return here.size() + anywhere.size() < FEW;
    }

    /** One for this machine's fleet, which begins with those that only it can run. */
    synchronized Optional<String> here() {
        return Optional.ofNullable(here.isEmpty() ? anywhere.poll() : here.poll());
    }

    /** One for the second fleet. */
    synchronized Optional<String> anywhere() {
        return Optional.ofNullable(anywhere.poll());
    }
}
