package suite;

import java.util.Set;
import java.util.stream.Collectors;
import org.junit.platform.engine.TestTag;

/**
 * What tests need to themselves. Tests of different lanes share nothing, so lanes run side by side; {@link #quiet} in a
 * JVM of its own, or after all others.
 */
public enum Lane {
    /** The practice fleet, which is brought up for them. */
    fleet,
    /** Virtual machines, which the tests bring up and take down themselves. */
    guests,
    /** Nothing of the other two: this machine's programs, or no more than the JVM. */
    rest,
    /** A JVM in which nothing else goes on, since they count what it holds. */
    quiet;

    /** Tags of tests that take more than a JVM: with programs of this machine, a real browser, Debian's packages. */
    private static final Set<String> MORE = Set.of("fleet", "guests", "machine", "browser", "packages");

    /** Where tests with these tags run. */
    public static Lane of(Set<TestTag> tags) {
        var names = names(tags);
        if (names.contains("fleet")) return fleet;
        if (names.contains("guests")) return guests;
        return names.contains("quiet") ? quiet : rest;
    }

    /** Whether tests with these tags need nothing but the project. */
    public static boolean unit(Set<TestTag> tags) {
        return names(tags).stream().noneMatch(MORE::contains);
    }

    /** Whether tests with these tags belong to the quick pass. */
    public static boolean quick(Set<TestTag> tags) {
        return unit(tags) || names(tags).contains("quick");
    }

    /** Whether what tests with these tags share with others, hosts or a machine's processors, can fail them once. */
    public static boolean shaky(Set<TestTag> tags) {
        return names(tags).stream().anyMatch(Set.of("fleet", "guests", "machine")::contains);
    }

    private static Set<String> names(Set<TestTag> tags) {
        return tags.stream().map(TestTag::getName).collect(Collectors.toSet());
    }
}
