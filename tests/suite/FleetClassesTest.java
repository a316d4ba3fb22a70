package suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

class FleetClassesTest {
    private static TestPlan plan(String... names) {
        var request = LauncherDiscoveryRequestBuilder.request();
        for (var name : names) request.selectors(selectClass(name));
        return LauncherFactory.create().discover(request.build());
    }

    @Test
    void the_first_fleet_begins_with_what_no_other_can_run() {
        var left = new FleetClasses(plan("RollbackTest", "AwayTest", "DeployLockTest", "ConnectionsTest"),
                () -> false);
        assertEquals(Optional.of("AwayTest"), left.here());
        assertEquals(Optional.of("DeployLockTest"), left.anywhere());
        assertEquals(Optional.of("ConnectionsTest"), left.here());
        assertEquals(Optional.of("RollbackTest"), left.here());
        assertEquals(Optional.empty(), left.anywhere());
        assertEquals(Optional.empty(), left.here());
    }

    @Test
    void where_time_is_short_each_procedure_comes_first_once() {
        var plan = plan("AwayTest", "RollbackTest", "EveryProcedureTest", "DeployLockTest");
        var over = new boolean[1];
        var left = new FleetClasses(plan, () -> over[0], 7);
        assertEquals(Optional.of("EveryProcedureTest"), left.here());
        var second = left.here().orElseThrow();
        var same = new FleetClasses(plan, () -> false, 7);
        same.here();
        assertEquals(Optional.of(second), same.here(), "the order of a day is always the same");
        over[0] = true;
        assertEquals(Optional.empty(), left.here());
        var all = new ArrayList<>(left.left());
        assertEquals(2, all.size());
        all.add(second);
        assertEquals(Set.of("AwayTest", "RollbackTest", "DeployLockTest"), Set.copyOf(all));
    }

    @Test
    void every_class_that_it_names_is_there_and_needs_a_fleet() throws ClassNotFoundException {
        var names = new ArrayList<>(FleetClasses.ONLY_HERE);
        names.addAll(FleetClasses.LONG);
        for (var name : names) {
            var type = Class.forName(name, false, FleetClassesTest.class.getClassLoader());
            var tagged = new ArrayList<>(List.of(type.getAnnotationsByType(Tag.class)));
            for (var method : type.getDeclaredMethods()) tagged.addAll(List.of(method.getAnnotationsByType(Tag.class)));
            assertTrue(tagged.stream().anyMatch(tag -> tag.value().equals("fleet")), name);
        }
    }
}
