package suite;

import java.util.Set;
import java.util.stream.Collectors;
import org.junit.platform.engine.TestTag;

/**
 * Which resources tests need exclusively. Tests of different lanes share nothing, so lanes run in parallel;
 * {@link #quiet} in a separate JVM, or after all others.
 */
public enum Lane {
    /** The practice fleet, which the suite brings up. */
    fleet,
    /** Virtual machines, which the tests bring up and take down themselves. */
    guests,
    /** Neither: the programs of this machine, or only the JVM. */
    rest,
    /** An idle JVM, since these tests count its resources. */
    quiet;

    /** Tags of tests that need more than a JVM: programs of this machine, a real browser, Debian's packages. */
    private static final Set<String> MORE = Set.of("fleet", "guests", "machine", "browser", "packages");

    /** The lane of tests with these tags. */
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

    /** Whether tests with these tags can fail once because of resources shared with others: hosts or processors. */
    public static boolean shaky(Set<TestTag> tags) {
        return names(tags).stream().anyMatch(Set.of("fleet", "guests", "machine")::contains);
    }

    private static Set<String> names(Set<TestTag> tags) {
        return tags.stream().map(TestTag::getName).collect(Collectors.toSet());
    }
}
