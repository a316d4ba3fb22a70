import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import ktrdr.Local;
import ktrdr.Project;
import ktrdr.Result;
import lab.Toolkit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** ./ktrdr starts java without JBang while nothing has changed, and never when something has. JBang is the real one, with a list of what it was asked. */
@Tag("machine")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StartTest {
    @TempDir static Path folder;
    private static Path checkout;
    private static Path asked;

    @BeforeAll
    static void a_checkout_and_a_cache_of_its_own() throws IOException {
        checkout = Files.createDirectory(folder.resolve("checkout"));
        asked = Files.createFile(folder.resolve("asked"));
        for (var part : List.of("ktrdr", "jbang-catalog.json", "lib", "scripts", "templates", "tests"))
            assertTrue(Local.command("cp", "-a", Project.root().resolve(part).toString(), checkout.toString()).run().ok());
        var bin = Files.createDirectory(folder.resolve("bin"));
        var jbang = Files.writeString(bin.resolve("jbang"), """
                #!/bin/sh
                echo "$1" >>'%1$s'
                [ "$1" != build ] || [ ! -e '%3$s' ] || sh '%3$s'
                exec '%2$s' "$@"
                """.formatted(asked, Toolkit.jbang(), folder.resolve("meanwhile")));
        Files.setPosixFilePermissions(jbang, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterAll
    static void links_out_of_the_folder_are_taken_away_first() throws IOException {
        for (var part : List.of("lib", "release")) Files.deleteIfExists(folder.resolve("jdk").resolve(part));
    }

    private static Local.Command command(String... words) {
        return Local.command(words).directory(folder).env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"))
                .env("XDG_CACHE_HOME", folder.resolve("cache").toString()).env("KTRDR_INVENTORY", Project.root().resolve("inventory.yaml").toString());
    }

    /** The same run by the front door, which hands it to JBang. */
    private static Local.Command byJBang(String... arguments) {
        return door(arguments).env("KTRDR_START", "jbang");
    }

    private static Local.Command door(String... arguments) {
        return command(Stream.concat(Stream.of(checkout.resolve("ktrdr").toString(), "setup-dns"), Stream.of(arguments)).toArray(String[]::new));
    }

    private static List<String> askedBy(Runnable run) {
        try {
            Files.writeString(asked, "");
            run.run();
            return Files.readAllLines(asked);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asserts that a run is good and that JBang was asked exactly this for it. */
    private static Result starts(List<String> wanted, Local.Command command) {
        var results = new Result[1];
        var by = askedBy(() -> results[0] = command.run());
        assertEquals(0, results[0].exit(), results[0].err());
        assertEquals(wanted, by);
        return results[0];
    }

    private static List<Path> entries(Predicate<Path> wanted) throws IOException {
        try (var found = Files.walk(folder.resolve("cache/ktrdr/start"))) {
            return found.filter(wanted).toList();
        }
    }

    private static List<Path> named(String name) throws IOException {
        return entries(file -> file.getFileName().toString().equals(name) && Files.isRegularFile(file));
    }

    @Test
    @Order(1)
    void of_two_first_runs_at_the_same_moment_one_has_it_built_and_both_are_good() {
        var asked = askedBy(() -> {
            var other = CompletableFuture.supplyAsync(() -> door("--format", "hosts").run());
            var one = door("--format", "hosts").run();
            assertEquals(0, one.exit(), one.err());
            assertTrue(one.out().contains("workers-b"), one.out());
            assertEquals(one.out(), other.join().out());
        });
        assertEquals(List.of("build", "info"), asked);
    }

    @Test
    @Order(2)
    void a_later_run_does_not_ask_jbang_and_says_the_same_as_one_that_does() {
        var quick = starts(List.of(), door("--format", "hosts"));
        var byJBang = starts(List.of("run"), byJBang("--format", "hosts"));
        assertEquals(byJBang.out(), quick.out());
        assertEquals(byJBang.err(), quick.err());
        var wrong = door("--format", "no such").run();
        var wrongByJBang = byJBang("--format", "no such").run();
        assertEquals(2, wrong.exit());
        assertEquals(wrongByJBang.exit() + wrongByJBang.err(), wrong.exit() + wrong.err());
    }

    @Test
    @Order(3)
    void an_archive_of_its_classes_is_made_beside_the_runs_and_used_from_then_on() throws Exception {
        for (long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); named("archive").isEmpty(); Thread.sleep(200)) {
            assertTrue(System.nanoTime() < deadline, "no archive after a minute");
            assertEquals("", starts(List.of(), door("--format", "hosts")).err().replaceAll("inventory .*\n", ""));
        }
        assertTrue(Files.size(named("archive").get(0)) > 1_000_000, "an archive with something in it");
        var said = starts(List.of(), door("--format", "hosts").env("_JAVA_OPTIONS", "-Xlog:class+load:file=" + folder.resolve("loaded")));
        assertTrue(said.out().contains("workers-b"), said.out());
        var loaded = Files.readString(folder.resolve("loaded"));
        assertTrue(Stream.of(loaded.split("\n")).anyMatch(line -> line.contains(" ktrdr.Inventory ") && line.contains("shared objects file")), loaded);
        assertEquals(List.of(), entries(file -> file.getFileName().toString().startsWith("classes")));
    }

    @Test
    @Order(4)
    void a_broken_archive_does_no_harm_and_is_not_spoken_of() throws IOException {
        var archive = named("archive").get(0);
        archive.toFile().setWritable(true);
        Files.writeString(archive, "half an archive");
        var ran = starts(List.of(), door("--format", "hosts"));
        assertFalse((ran.out() + ran.err()).contains("archive"), ran.out() + ran.err());
    }

    @Test
    @Order(5)
    void an_entry_that_is_half_there_is_made_again() throws IOException {
        Files.delete(named("start").get(0));
        starts(List.of("build", "info"), door("--format", "hosts"));
        starts(List.of(), door("--format", "hosts"));
        Files.delete(named("program.jar").get(0));
        starts(List.of("run"), door("--format", "hosts"));
    }

    @Test
    @Order(6)
    void an_edit_is_noticed_another_time_alone_is_none_and_a_mistake_is_told_once() throws IOException {
        var source = checkout.resolve("lib/ktrdr/Dns.java");
        var text = Files.readString(source);
        var time = Files.getLastModifiedTime(source);
        Files.writeString(source, text.replaceFirst("import", "imporT"));
        // the same size and time as before
        Files.setLastModifiedTime(source, time);
        var ran = door("--format", "hosts").run();
        assertEquals(1, ran.exit(), ran.err());
        assertEquals(2, ran.err().split("imporT", -1).length, ran.err());
        Files.writeString(source, text + "// the end\n");
        starts(List.of("build", "info"), door("--format", "hosts"));
        Files.setLastModifiedTime(source, FileTime.from(Instant.now()));
        starts(List.of(), door("--format", "hosts"));
    }

    @Test
    @Order(7)
    void what_was_edited_while_it_was_built_is_not_taken_for_what_it_was_before() throws IOException {
        var source = checkout.resolve("lib/ktrdr/Dns.java");
        var before = Files.readString(source) + "// once more\n";
        Files.writeString(source, before);
        var meanwhile = Files.writeString(folder.resolve("meanwhile"), "echo '// and more' >>'" + source + "'");
        starts(List.of("build", "info", "run"), door("--format", "hosts"));
        Files.delete(meanwhile);
        Files.writeString(source, before);
        starts(List.of("build", "info"), door("--format", "hosts"));
    }

    @Test
    @Order(8)
    void a_jdk_that_makes_its_cache_ahead_of_time_says_nothing_of_it_either() throws Exception {
        var newest = newestJdk().toString();
        var here = door("--format", "hosts").run();
        var first = door("--format", "hosts").env("JAVA_HOME", newest).run();
        assertEquals(here.out(), first.out());
        for (long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90); named("archive").isEmpty(); Thread.sleep(200)) {
            assertTrue(System.nanoTime() < deadline, "no cache after a minute and a half");
            assertEquals(first.out(), door("--format", "hosts").env("JAVA_HOME", newest).run().out());
        }
        assertEquals(first.out(), starts(List.of(), door("--format", "hosts").env("JAVA_HOME", newest)).out());
    }

    /** A JDK beside the one that runs this, 25 or later. */
    private static Path newestJdk() throws IOException {
        try (var all = Files.list(Path.of("/usr/lib/jvm"))) {
            return all.filter(jdk -> Files.exists(jdk.resolve("lib/modules")) && jdk.getFileName().toString().matches(".*\\b(2[5-9]|[3-9]\\d)\\b.*")).findFirst()
                    .orElseThrow(() -> new AssertionError("no JDK 25 or later in /usr/lib/jvm: it is where archives are made another way"));
        }
    }

    @Test
    @Order(9)
    void another_checkout_another_jdk_and_a_cache_that_takes_nothing_are_each_noticed() throws IOException {
        var elsewhere = folder.resolve("elsewhere");
        Files.move(checkout, elsewhere);
        try {
            var moved = askedBy(() -> assertEquals(0, command(elsewhere.resolve("ktrdr").toString(), "setup-dns", "--help").run().exit()));
            assertEquals(List.of("build", "info"), moved);
        } finally {
            Files.move(elsewhere, checkout);
        }
        var other = askedBy(() -> assertEquals(0, door("--help").env("JAVA_HOME", anotherJdk().toString()).run().exit()));
        assertEquals("build", other.get(0));
        Files.writeString(folder.resolve("file"), "");
        starts(List.of("run"), door("--help").env("XDG_CACHE_HOME", folder.resolve("file").toString()));
    }

    @Test
    @Order(10)
    void a_maker_of_archives_that_is_killed_does_no_harm_and_another_run_has_it_made() throws Exception {
        var cache = folder.resolve("cache-of-the-killed");
        var wanted = door("--format", "hosts").env("XDG_CACHE_HOME", cache.toString()).run();
        assertEquals(0, wanted.exit(), wanted.err());
        var killed = CompletableFuture.supplyAsync(() -> Local.command("sh", "-c", """
                until maker=$(pgrep -f "$0.*archive.new"); do sleep 0.02; done
                kill -9 $(ps -o ppid= -p $maker) $maker
                """, cache.toString()).timeout(Duration.ofMinutes(1)).run());
        while (!killed.isDone()) assertEquals(wanted.out(), starts(List.of(), door("--format", "hosts").env("XDG_CACHE_HOME", cache.toString())).out());
        assertEquals(0, killed.join().exit(), killed.join().err());
        assertEquals(List.of(), archives(cache));
        for (long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); archives(cache).isEmpty(); Thread.sleep(200)) {
            assertTrue(System.nanoTime() < deadline, "no archive after a minute");
            assertEquals(wanted.out(), starts(List.of(), door("--format", "hosts").env("XDG_CACHE_HOME", cache.toString())).out());
        }
    }

    private static List<Path> archives(Path cache) throws IOException {
        try (var found = Files.walk(cache)) {
            return found.filter(file -> file.getFileName().toString().equals("archive")).toList();
        }
    }

    @Test
    @Order(11)
    void a_disk_without_room_for_the_jar_or_for_the_archive_makes_it_slower_and_no_more() throws IOException {
        var wanted = door("--format", "hosts").run().out();
        for (var size : List.of("100k", "2m")) {
            var disk = Files.createDirectory(folder.resolve("disk-" + size));
            Local.command("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", disk.toString()).must();
            try {
                for (int i = 0; i < 2; i++) {
                    var ran = door("--format", "hosts").env("XDG_CACHE_HOME", disk.toString()).run();
                    assertEquals(0, ran.exit(), ran.err());
                    assertEquals(wanted, ran.out());
                    assertFalse(ran.err().contains("space"), ran.err());
                }
            } finally {
                // a maker of archives may be at work there yet
                Local.command("umount", "-l", disk.toString()).must();
            }
        }
    }

    /** This JDK with a java of its own. */
    private static Path anotherJdk() {
        try {
            var home = Path.of(System.getProperty("java.home")).toRealPath();
            var jdk = folder.resolve("jdk");
            Files.createDirectories(jdk.resolve("bin"));
            for (var program : List.of("java", "javac")) Files.copy(home.resolve("bin").resolve(program), jdk.resolve("bin").resolve(program), StandardCopyOption.COPY_ATTRIBUTES);
            for (var part : List.of("lib", "release")) Files.createSymbolicLink(jdk.resolve(part), home.resolve(part));
            return jdk;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
