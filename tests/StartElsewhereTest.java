import static lab.SmallToolkit.LIBRARY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import lab.Jdk;
import lab.SmallToolkit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ./ktrdr from cron, systemd, su and containers: in other locales, and without a home. */
@Tag("machine")
class StartElsewhereTest {
    @TempDir static Path folder;
    private static SmallToolkit toolkit;
    private static Path checkout;
    private static Path homeless;

    @BeforeAll
    static void a_small_toolkit() throws IOException {
        toolkit = new SmallToolkit(folder);
        checkout = toolkit.checkout;
        homeless = Files.createDirectory(folder.resolve("homeless"));
    }

    /** A folder with one locale that is not UTF-8. */
    private static String latin() throws IOException {
        var locales = Files.createDirectories(folder.resolve("locales"));
        if (!Files.exists(locales.resolve("en_US"))) LocalCommand.command("localedef", "-i", "en_US", "-f",
                "ISO-8859-1", locales.resolve("en_US").toString()).must();
        return locales.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "en_US", "xx_YY.UTF-8"})
    void in_every_locale_sources_arguments_and_output_are_utf_8(String locale) throws IOException {
        toolkit.word("Größe… " + locale + " ");
        var ran = toolkit.door("say", "müde", "→").env("LC_ALL", locale).env("LOCPATH", latin());
        assertTrue(toolkit.says("says Größe… " + locale + " müde →", List.of("info"), ran).contains(LIBRARY));
        // a build from one locale works in all
        for (var other : List.of("C.UTF-8", "POSIX"))
            toolkit.quick("says Größe… " + locale + " müde →", toolkit.door("say", "müde", "→").env("LC_ALL", other));
        toolkit.says("says Größe… " + locale + " müde", List.of("run"),
                toolkit.door("say", "müde").env("LC_ALL", locale).env("LOCPATH", latin()).env("KTRDR_START", "jbang"));
        toolkit.says("says Größe… " + locale + " ", List.of("run"),
                toolkit.command("sh", "-c", "exec jbang run \"$0\"", checkout.resolve("scripts/Say.java").toString())
                        .env("LC_ALL", locale).env("LOCPATH", latin()));
    }

    @Test
    void the_same_with_a_jdk_that_prints_in_the_locale() throws IOException {
        toolkit.word("Größe… ");
        for (var start : List.of("", "jbang"))
            assertEquals("says Größe… müde\n", toolkit.door("say", "müde").env("JAVA_HOME", Jdk.newest().toString())
                    .env("LC_ALL", "C").env("KTRDR_START", start).must().out());
    }

    /** A front door with these home variables only, and without XDG_CACHE_HOME. */
    private static LocalCommand.Command homed(String variables, String... words) {
        var environment = "env -u HOME -u XDG_CACHE_HOME TMPDIR='" + homeless + "' " + variables + " ";
        return toolkit.command("sh", "-c",
                environment + Sh.words(Stream.concat(Stream.of(checkout.resolve("ktrdr").toString()), Stream.of(words))
                        .toList()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"HOME=/none/at/all", "XDG_CACHE_HOME=/proc/none HOME=/proc"})
    void a_home_that_takes_nothing_is_no_hindrance(String variables) throws IOException {
        toolkit.word("one");
        var kept = homeless.resolve("ktrdr-" + LocalCommand.command("id", "-u").must().out().strip());
        var err = toolkit.says("says one", List.of("info"), homed(variables, "say"));
        assertTrue(err.contains("cannot be written: what is built is kept in " + kept + "\n"), err);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(kept)));
        toolkit.quick("says one", homed(variables, "say"));
        // a folder that other users can write to may contain their programs
        Files.setPosixFilePermissions(kept, PosixFilePermissions.fromString("rwxrwxrwx"));
        var refused = homed(variables, "say").run();
        assertEquals(2, refused.exit());
        assertTrue(refused.err().startsWith("error: there is no folder for what is built\n"), refused.err());
        LocalCommand.command("rm", "-r", kept.toString()).must();
    }

    @Test
    void without_a_home_it_is_that_of_the_user() throws IOException {
        toolkit.script("Ask", "//SOURCES ../lib/ktrdr.java", "System.out.println(System.getenv(\"HOME\"));");
        var own = LocalCommand.command("sh", "-c", "eval echo ~$(id -un)").must().out().strip();
        for (var home : List.of("", "HOME="))
            assertEquals(own + "\n", homed(home + " XDG_CACHE_HOME='" + folder + "/cache'", "ask").must().out());
        assertEquals(0, homed("", "--help").run().exit());
        assertEquals(2, homed("", "shout").run().exit());
    }
}
