package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import ktrdr.Outdated.Held;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Versions that are behind according to Maven, and reasons for holding one back. */
class OutdatedTest {
    private static final List<String> NAMES = List.of("a.group:one", "a.group:two");
    @TempDir Path folder;

    /** A fake Maven that edits the given POM, prints output and exits with this code. */
    private String maven(String sed, String prints, int exit) throws IOException {
        var file = folder.resolve("mvn");
        Fixtures.program(file, """
                echo "$@" >"${0%%/*}/asked"
                for word; do [ "$before" != -f ] || sed -i '%s' "$word"; before=$word; done
                echo '%s'
                exit %d
                """.formatted(sed, prints, exit));
        return file.toString();
    }

    @Test
    void every_version_of_a_deps_line_and_of_the_front_door_is_named() throws IOException {
        var named = Outdated.named();
        try (var files = Files.walk(Project.root())) {
            var sources = files.filter(file -> file.toString().endsWith(".java") && !file.toString().contains("/."));
            var lines = sources.flatMap(file -> {
                try {
                    return Files.readAllLines(file).stream();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }).filter(line -> line.startsWith("//DEPS ") && line.split(":").length == 3).toList();
            assertTrue(lines.size() > 15, lines::toString);
            for (var line : lines) {
                var words = line.substring("//DEPS ".length()).split(":");
                assertEquals(words[2], named.get(words[0] + ":" + words[1]), line);
            }
        }
        var known = Files.readString(Project.root().resolve("lib/jbang.sha256"));
        for (var name : List.of("dev.jbang:jbang-cli", "com.google.code.gson:gson"))
            assertTrue(known.contains("  " + name.replaceFirst(".*:", "") + "-" + named.get(name) + ".jar"), name);
    }

    @Test
    void maven_is_asked_for_the_newest_release_of_each() throws IOException {
        var maven = maven("/<artifactId>one</s/>0</>1.2</; /<artifactId>two</s/>0</>3.4</", "[INFO] BUILD SUCCESS", 0);
        assertEquals(Map.of("a.group:one", "1.2", "a.group:two", "3.4"), Outdated.byMaven(NAMES, maven));
        var asked = Files.readString(folder.resolve("asked"));
        assertTrue(asked.startsWith("-B -U -f ") && asked.contains(":use-latest-versions "), asked);
        assertTrue(!Files.exists(Path.of(asked.split(" ")[3])), "the POM is still there");
    }

    @ParameterizedTest
    @CsvSource({"1.0.0-alpha4,true", "3.0.0-M5,true", "5.0.0-beta.1,true", "1.0-rc1,true", "1.0.RC2,true",
        "6.0.0-RC2,true", "1.0-SNAPSHOT,true", "2.1.0-preview,true", "4.7.7,false", "1.87,false", "0.132.1,false",
        "2.3.4.Final,false", "33.0-jre,false", "2.0.1-jdk8,false"})
    void maven_is_told_to_ignore_releases_that_are_not_final(String version, boolean ignored) throws IOException {
        Outdated.byMaven(NAMES, maven("s/>0</>1</", "", 0));
        var asked = Files.readString(folder.resolve("asked")).strip();
        var option = "-Dmaven.version.ignore=";
        assertEquals(ignored, Pattern.matches(asked.substring(asked.indexOf(option) + option.length()), version));
    }

    @Test
    void an_artifact_that_maven_does_not_find_is_no_good_news() throws IOException {
        var maven = maven("/<artifactId>one</s/>0</>1.2</", "[INFO] BUILD SUCCESS", 0);
        var problem = assertThrows(Problem.class, () -> Outdated.byMaven(NAMES, maven));
        assertEquals("no release of a.group:two", problem.details().get("found"));
        assertEquals(Exit.UNREACHABLE, problem.exit());
    }

    @Test
    void an_answer_of_an_earlier_day_is_none() throws IOException {
        var words = "[WARNING] Could not transfer metadata a.group:one from/to central: Connection refused";
        var maven = maven("s/>0</>1</", words, 0);
        assertEquals(words, assertThrows(Problem.class, () -> Outdated.byMaven(NAMES, maven)).details().get("found"));
        var failed = maven("s/>0</>1</", "[ERROR] Unknown host", 1);
        var problem = assertThrows(Problem.class, () -> Outdated.byMaven(NAMES, failed));
        assertEquals("[ERROR] Unknown host", problem.details().get("found"));
    }

    @ParameterizedTest
    @CsvSource({"1.9,1.10,behind", "1.10,1.10,newest", "2.0.1,2.0,newest", "1.9,1.11,behind", "0.9.3,0.10.1,held back",
        "0.9.3,0.10.2,behind"})
    void a_version_is_outdated_unless_the_newer_one_is_held_back(String pinned, String newest, String state) {
        var held = Map.of("g:held", new Held("0.10.1", "it prints more than its results"));
        var name = newest.startsWith("0.") ? "g:held" : "g:other";
        var version = Outdated.versions(Map.of(name, pinned), names -> Map.of(name, newest), held).get(0);
        assertEquals(state, version.state());
        assertEquals(state.equals("held back") ? "it prints more than its results" : "", version.reason());
    }

    @Test
    void whatever_is_held_back_is_one_of_them_and_has_a_reason() {
        var held = Dependencies.held();
        assertTrue(Outdated.named().keySet().containsAll(held.keySet()), held::toString);
        held.forEach((name, why) -> {
            assertTrue(why.version().matches("\\d[\\w.-]*") && why.reason().length() > 20, name);
            var state = Outdated.Version.of(name, Outdated.named().get(name), why.version(), held).state();
            assertEquals("held back", state, name + " is up to date by now");
        });
    }

    /** Uses the real Maven with its configured repositories. */
    @Test
    @Tag("packages")
    void the_newest_releases_are_at_least_those_in_use() {
        var console = new Console(Console.Color.never, false);
        lab.Machine.ensure(console, Map.of("mvn", "maven"), "it looks up the newest releases");
        var ran = lab.Toolkit.ktrdr("test", "--outdated", "-o", "json").run();
        assertTrue(ran.exit() == 0 || ran.exit() == 1, ran::toString);
        var versions = ran.json().path("versions");
        assertEquals(Outdated.named().size(), versions.size(), ran::toString);
        boolean behind = false;
        for (var version : versions) {
            assertTrue(version.path("newest").asText().matches("\\d[\\w.-]*"), version::toString);
            var state = version.path("state").asText();
            if (version.path("pinned").asText().equals(version.path("newest").asText())) assertEquals("newest", state);
            behind |= state.equals("behind");
        }
        assertEquals(behind ? 1 : 0, ran.exit(), ran::toString);
    }
}
