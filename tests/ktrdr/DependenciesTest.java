package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Dependencies.Advisory;
import ktrdr.Dependencies.Jar;
import org.junit.jupiter.api.Test;

/** The project uses exactly the reviewed dependencies, and declares each version once. */
class DependenciesTest {
    private static final List<Jar> FOUND = Dependencies.found();
    private static final Pattern DEPS = Pattern.compile("(?m)^//DEPS ([^:\\s]+:[^:\\s]+):(\\S+)$");

    @Test
    void every_jar_is_the_one_that_was_reviewed_by_its_checksum() {
        assertEquals(Dependencies.reviewed().stream().map(Jar::row).collect(Collectors.joining("\n")),
                FOUND.stream().map(Jar::row).collect(Collectors.joining("\n")));
        assertTrue(Dependencies.reviewed().size() > 80);
    }

    @Test
    void every_version_is_said_in_one_place_and_runs() throws IOException {
        var names = FOUND.stream().map(Jar::name).toList();
        var said = new ArrayList<String>();
        try (var files = Files.walk(Project.root())) {
            for (var file : files.filter(file -> file.toString().endsWith(".java") && !file.toString().contains("/."))
                    .toList())
                DEPS.matcher(Files.readString(file)).results().forEach(dep -> {
                    said.add(dep.group(1));
                    assertTrue(names.contains(dep.group(1) + ":" + dep.group(2)),
                            () -> file + " names " + dep.group() + ", and another version of it runs");
                });
        }
        assertEquals(new TreeSet<>(said).toString(), said.stream().sorted().toList().toString(), "one is named twice");
    }

    @Test
    void the_front_door_names_the_versions_with_reviewed_checksums() {
        var names = FOUND.stream().map(Jar::name).collect(Collectors.toSet());
        assertTrue(names.contains("jbang-cli-" + Project.frontDoor("version") + ".jar")
                && names.contains("gson-" + Project.frontDoor("gson") + ".jar"), names::toString);
    }

    @Test
    void each_known_advisory_is_fixed_or_accepted_with_a_reason() {
        var advisories = Dependencies.advisories();
        assertFalse(advisories.isEmpty());
        var open = FOUND.stream().flatMap(jar -> advisories.stream().filter(advisory -> advisory.concerns(jar)))
                .toList();
        for (var advisory : open)
            assertTrue(advisory.reason().contains("Accepted: "), () -> advisory + " has no reason");
        var accepted = advisories.stream().filter(advisory -> advisory.reason().contains("Accepted: "))
                .map(Advisory::id).collect(Collectors.toSet());
        assertEquals(accepted, open.stream().map(Advisory::id).collect(Collectors.toSet()),
                "of those that are accepted some are mended by now");
        var artifacts = new HashSet<>(advisories.stream().map(Advisory::artifact).toList());
        FOUND.forEach(jar -> artifacts.removeIf(jar::is));
        assertEquals(Set.of(), artifacts, "nothing of these is in use");
    }

    @Test
    void a_version_before_the_one_that_mends_it_has_it() {
        var advisory = new Advisory("CVE-0000-0001", "one", "1.10.2", "");
        for (var version : List.of("1.9", "1.10", "1.10.1", "0.99.9"))
            assertTrue(advisory.concerns(new Jar("g:one:" + version, "", "")), version);
        for (var version : List.of("1.10.2", "1.10.10", "1.11", "2.0"))
            assertFalse(advisory.concerns(new Jar("g:one:" + version, "", "")), version);
        assertFalse(advisory.concerns(new Jar("g:another-one:1.0", "", "")));
        assertTrue(advisory.concerns(new Jar("one-1.10.1.jar", "", "")));
        assertFalse(advisory.concerns(new Jar("one-more-1.10.1.jar", "", "")));
    }

    @Test
    void every_licence_is_known() {
        assertEquals(List.of(), Dependencies.reviewed().stream()
                .filter(jar -> jar.licence().isBlank() || jar.licence().equals("unknown")).map(Jar::name).toList());
    }
}
