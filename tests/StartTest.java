import static lab.SmallToolkit.LIBRARY;
import static lab.SmallToolkit.builds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import ktrdr.CommandResult;
import lab.Jdk;
import lab.SmallToolkit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ./ktrdr builds once, starts java without JBang while nothing has changed, and rebuilds after a change. */
@Tag("machine")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StartTest {
    @TempDir static Path folder;
    private static SmallToolkit toolkit;
    private static Path checkout;

    @BeforeAll
    static void a_small_toolkit() throws IOException {
        toolkit = new SmallToolkit(folder);
        checkout = toolkit.checkout;
    }

    @AfterEach
    void jbang_is_left_in_peace_again() throws IOException {
        toolkit.undisturbed();
    }

    @AfterAll
    static void links_out_of_the_folder_are_taken_away_first() throws IOException {
        for (var part : List.of("lib", "release")) Files.deleteIfExists(folder.resolve("jdk").resolve(part));
    }

    @Test
    @Order(1)
    void of_two_first_runs_at_once_one_builds_and_tells() {
        var errors = new String[1];
        var by = toolkit.askedBy(() -> {
            var other = CompletableFuture.supplyAsync(() -> toolkit.door("ask").run());
            var commandResult = toolkit.door("say").run();
            assertEquals("says one\n", commandResult.out(), commandResult.err());
            assertEquals("asks\n", other.join().out(), other.join().err());
            errors[0] = commandResult.err() + other.join().err();
        });
        assertEquals(List.of("info"), by);
        assertEquals(2, errors[0].split(LIBRARY, -1).length, errors[0]);
        assertEquals(2, errors[0].split("built in ", -1).length, errors[0]);
    }

    @Test
    @Order(2)
    void after_it_every_procedure_starts_without_a_build() {
        toolkit.quick("says one", toolkit.door("say"));
        toolkit.quick("asks", toolkit.door("ask"));
        toolkit.quick("says one", toolkit.door("both"));
    }

    @Test
    @Order(3)
    void the_archive_has_the_library_for_all_of_them() throws IOException {
        assertEquals(1, toolkit.named("archive").size());
        for (var procedure : List.of("say", "both"))
            assertTrue(toolkit.loaded(procedure, "ktrdr.Word").contains("shared objects file"));
    }

    @Test
    @Order(4)
    void it_says_the_same_as_by_jbang_with_the_same_flags() throws IOException {
        var flags = "System.out.println(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArgument"
                + "s().stream()"
                + ".filter(flag -> !flag.matches(\"-X(log|share).*|.*(Archive|AOT).*\")).toList());";
        toolkit.script("Ask", "//SOURCES ../lib/ktrdr.java\n//RUNTIME_OPTIONS -Dof.its=own", flags);
        var quick = toolkit.door("ask").must();
        assertEquals(quick.out(), toolkit.door("ask").env("KTRDR_START", "jbang").must().out());
        assertTrue(quick.out().contains("-Dof.its=own") && quick.out().contains("-XX:-CreateCoredumpOnCrash"),
                quick.out());
        toolkit.script("Ask", "//SOURCES ../lib/ktrdr.java", "System.out.println(\"asks\");");
    }

    @Test
    @Order(5)
    void an_edited_script_is_built_alone_and_keeps_the_archive() throws IOException {
        toolkit.door("say").must();
        toolkit.edit("scripts/Say.java", "says ", "said ");
        builds("building say", toolkit.says("said one", List.of(), toolkit.door("say")));
        toolkit.quick("said one", toolkit.door("say"));
        assertTrue(toolkit.loaded("say", "ktrdr.Word").contains("shared objects file"));
        builds("building both", toolkit.says("said one", List.of(), toolkit.door("both")));
        assertEquals("", toolkit.door("ask").must().err());
        toolkit.edit("scripts/Say.java", "said ", "says ");
        toolkit.quick("says one", toolkit.door("say"));
    }

    @Test
    @Order(6)
    void what_no_procedure_is_made_of_may_change() throws IOException {
        toolkit.write("tests/NoneTest.java", List.of("class NoneTest { int more; }"));
        toolkit.write("docs/PAGE.md", List.of("# Page"));
        Files.setLastModifiedTime(checkout.resolve("lib/ktrdr/Word.java"), FileTime.from(Instant.now()));
        toolkit.quick("says one", toolkit.door("say"));
    }

    @Test
    @Order(7)
    void a_mistake_is_told_once_and_hinders_no_other_procedure() throws IOException {
        toolkit.edit("scripts/Say.java", "says ", "says \" + no + \"");
        toolkit.word("two");
        builds(LIBRARY, toolkit.says("asks", List.of("info"), toolkit.door("ask")));
        var ran = toolkit.door("say").run();
        assertEquals(1, ran.exit(), ran.err());
        assertEquals(2, ran.err().split("Say.java:2: error", -1).length, ran.err());
        toolkit.edit("scripts/Say.java", "says \" + no + \"", "says ");
        toolkit.says("says two", List.of(), toolkit.door("say"));
    }

    @Test
    @Order(8)
    void an_edit_with_the_same_size_and_time_is_noticed() throws IOException {
        var source = checkout.resolve("lib/ktrdr/Word.java");
        toolkit.word("two");
        toolkit.door("say").must();
        var time = Files.getLastModifiedTime(source);
        toolkit.word("six");
        Files.setLastModifiedTime(source, time);
        builds(LIBRARY, toolkit.says("says six", List.of("info"), toolkit.door("say")));
        toolkit.edit("templates/word", "one", "two");
        builds(LIBRARY, toolkit.says("says six", List.of("info"), toolkit.door("say")));
    }

    @Test
    @Order(9)
    void an_edit_during_the_build_is_not_taken_for_what_was_before() throws IOException {
        toolkit.word("ten");
        toolkit.meanwhile("sed -i s/ten/two/ '" + checkout.resolve("lib/ktrdr/Word.java") + "'");
        toolkit.says("says two", List.of("info", "run"), toolkit.door("say"));
        toolkit.undisturbed();
        toolkit.word("ten");
        toolkit.says("says ten", List.of("info"), toolkit.door("say"));
    }

    @Test
    @Order(10)
    void jbang_notices_an_edit_of_the_library_too() throws IOException {
        toolkit.says("says ten", List.of("run"), toolkit.door("say").env("KTRDR_START", "jbang"));
        toolkit.word("one");
        toolkit.says("says one", List.of("run"), toolkit.door("say").env("KTRDR_START", "jbang"));
        toolkit.word("ten");
        toolkit.says("says ten", List.of("run"), toolkit.door("say").env("KTRDR_START", "jbang"));
    }

    @Test
    @Order(11)
    void a_broken_archive_does_no_harm_and_is_not_spoken_of() throws IOException {
        toolkit.word("ten");
        toolkit.door("say").must();
        for (var archive : toolkit.named("archive")) {
            Files.delete(archive);
            Files.writeString(archive, "half an archive");
        }
        toolkit.quick("says ten", toolkit.door("say"));
    }

    @Test
    @Order(12)
    void what_is_half_there_is_built_again() throws IOException {
        toolkit.word("ten");
        toolkit.door("say").must();
        for (var jar : toolkit.named("scripts.jar")) Files.delete(jar);
        builds("building say", toolkit.says("says ten", List.of(), toolkit.door("say")));
        for (var jar : toolkit.named("lib.jar")) Files.delete(jar);
        builds(LIBRARY, toolkit.says("says ten", List.of("info"), toolkit.door("say")));
        toolkit.quick("asks", toolkit.door("ask"));
    }

    @Test
    @Order(13)
    void a_killed_build_is_begun_again() throws IOException {
        toolkit.word("one");
        toolkit.meanwhile("kill -9 -$(ps -o pgid= -p $$ | tr -d ' ')");
        assertTrue(toolkit.command("setsid", "--wait", checkout.resolve("ktrdr").toString(), "say").run().exit() != 0);
        toolkit.undisturbed();
        builds(LIBRARY, toolkit.says("says one", List.of("info"), toolkit.door("say")));
    }

    @Test
    @Order(14)
    void rebuilds_for_another_checkout_or_jdk_and_copes_without_cache() throws IOException {
        toolkit.word("one");
        var elsewhere = folder.resolve("elsewhere");
        Files.move(checkout, elsewhere);
        try {
            builds(LIBRARY, toolkit.says("says one", List.of("info"),
                    toolkit.command(elsewhere.resolve("ktrdr").toString(), "say")));
        } finally {
            Files.move(elsewhere, checkout);
        }
        builds(LIBRARY, toolkit.says("says one", List.of("info"),
                toolkit.door("say").env("JAVA_HOME", anotherJdk().toString())));
        Files.writeString(folder.resolve("file"), "");
        toolkit.says("says one", List.of("info"), toolkit.door("say")
                .env("XDG_CACHE_HOME", folder.resolve("file").toString()).env("TMPDIR", folder.toString()));
    }

    @Test
    @Order(15)
    void a_jdk_that_makes_its_cache_ahead_of_time_is_as_quiet() throws IOException {
        toolkit.word("one");
        toolkit.door("say").must();
        var newest = Jdk.newest().toString();
        assertTrue(Jdk.version(Path.of(newest)) >= 25,
                "no JDK 25 or later beside this one: it is where archives are made another way");
        int archives = toolkit.named("archive").size();
        builds(LIBRARY, toolkit.says("says one", List.of("info"), toolkit.door("say").env("JAVA_HOME", newest)));
        assertEquals(archives + 1, toolkit.named("archive").size());
        toolkit.quick("says one", toolkit.door("say").env("JAVA_HOME", newest));
        toolkit.quick("asks", toolkit.door("ask").env("JAVA_HOME", newest));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1m", "70m"})
    @Order(16)
    void a_full_disk_makes_it_slower_but_does_not_break_it(String size) throws IOException {
        var disk = Files.createDirectory(folder.resolve("disk-" + size));
        toolkit.meanwhile("head -c 100m /dev/zero >'" + disk + "/more' 2>/dev/null");
        var script = "mount -t tmpfs -o size=" + size + " tmpfs \"$0\" && exec \"$@\"";
        var ran = toolkit.command("unshare", "--mount", "--map-root-user", "sh", "-c", script, disk.toString(),
                checkout.resolve("ktrdr").toString(), "say")
                .env("XDG_CACHE_HOME", disk.toString()).run();
        assertEquals("0 says one\n", ran.exit() + " " + ran.out(), ran.err());
    }

    @Test
    @Order(17)
    void removes_earlier_builds_except_those_that_may_be_in_use() throws IOException {
        toolkit.door("say").must();
        var place = newest(toolkit.named("built")).getParent().getParent();
        var gone = Files.createDirectory(place.resolveSibling("gone"));
        Files.writeString(gone.resolve("home"), folder.resolve("no-checkout").toString());
        var earlier = folders(place);
        var inUse = earlier.get(0);
        var old = FileTime.from(Instant.now().minus(Duration.ofHours(2)));
        for (var state : earlier) {
            Files.setLastModifiedTime(state, old);
            if (!state.equals(inUse) && Files.exists(state.resolve("used")))
                Files.setLastModifiedTime(state.resolve("used"), old);
        }
        for (var file : List.of(gone.resolve("home"), gone)) Files.setLastModifiedTime(file, old);
        Files.writeString(inUse.resolve("used"), "");
        toolkit.word("two");
        builds(LIBRARY, toolkit.says("says two", List.of("info"), toolkit.door("say")));
        var left = folders(place);
        assertTrue(earlier.size() > 2 && left.size() == 2 && left.contains(inUse), left::toString);
        assertFalse(Files.exists(gone));
    }

    private static Path newest(List<Path> files) {
        return files.stream().max(Comparator.comparing(file -> file.toFile().lastModified())).orElseThrow();
    }

    private static List<Path> folders(Path place) throws IOException {
        try (var all = Files.list(place)) {
            return all.filter(Files::isDirectory).toList();
        }
    }

    @Test
    @Order(18)
    void setup_builds_and_what_runs_no_procedure_does_not() throws IOException {
        toolkit.word("six");
        assertEquals(List.of(), toolkit.askedBy(() -> assertEquals(0, toolkit.door("--help").run().exit())));
        assertEquals(List.of(), toolkit.askedBy(() -> assertEquals(2, toolkit.door("shout").run().exit())));
        var set = new CommandResult[1];
        assertEquals(List.of("catalog", "info"), toolkit.askedBy(() -> set[0] = toolkit.door("setup").run()));
        builds(LIBRARY, set[0].err());
        toolkit.quick("says six", toolkit.door("say"));
        assertEquals(0, toolkit.door("setup", "--undo").run().exit());
    }

    /** A JDK like this one, with a separate java program. */
    private static Path anotherJdk() throws IOException {
        var home = Path.of(System.getProperty("java.home")).toRealPath();
        var jdk = folder.resolve("jdk");
        Files.createDirectories(jdk.resolve("bin"));
        for (var program : List.of("java", "javac", "jar"))
            Files.copy(home.resolve("bin").resolve(program), jdk.resolve("bin").resolve(program),
                    StandardCopyOption.COPY_ATTRIBUTES);
        for (var part : List.of("lib", "release")) Files.createSymbolicLink(jdk.resolve(part), home.resolve(part));
        return jdk;
    }
}
