import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.Sh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A process with secrets writes no memory dump to disk when it crashes, whatever the user's limits allow. The last test
 * shows the dump without these flags.
 */
class CoreDumpsTest {
    private static final String UNLIMITED = "ulimit -c unlimited\n";
    @TempDir Path folder;

    private static List<String> options(String header) throws IOException {
        return Files.readAllLines(Project.root().resolve(header)).stream()
                .filter(line -> line.startsWith("//RUNTIME_OPTIONS "))
                .flatMap(line -> Arrays.stream(line.split(" ")).skip(1)).toList();
    }

    /** Files that a crashing JVM with these flags leaves in its working directory. */
    private List<String> left(List<String> flags, String limit) throws IOException {
        var program = Files.writeString(folder.resolve("Dying.java"), """
                class Dying {
                    public static void main(String... args) throws Exception {
                        new ProcessBuilder("kill", "-s", "SEGV", \
                String.valueOf(ProcessHandle.current().pid())).start().waitFor();
                        Thread.sleep(20_000);
                    }
                }
                """);
        var run = Files.createDirectory(folder.resolve("run"));
        var command = Stream.of(List.of("java"), flags, List.of(program.toString())).flatMap(List::stream).toList();
        var ran = LocalCommand.command("sh", "-s").directory(run).input(limit + "exec " + Sh.words(command) + "\n")
                .run();
        assertTrue(ran.exit() != 0, ran::toString);
        try (var files = Files.list(run)) {
            return files.map(file -> file.getFileName().toString().replaceAll("\\d+", "N")).sorted().toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lib/ktrdr.java", "scripts/BackupDb.java", "scripts/RestoreDb.java"})
    void a_jvm_that_crashes_leaves_no_file(String header) throws IOException {
        assertEquals(List.of(), left(options(header), UNLIMITED));
    }

    @Test
    void the_front_door_lets_nothing_dump_core() throws IOException {
        var jbang = Files.writeString(folder.resolve("jbang"), "#!/bin/sh\nulimit -c\n");
        Files.setPosixFilePermissions(jbang, PosixFilePermissions.fromString("rwxr-xr-x"));
        var ran = LocalCommand.command("sh", "-s").env("PATH", folder + ":" + System.getenv("PATH"))
                .env("KTRDR_START", "jbang")
                .input(UNLIMITED + Sh.words(List.of(Project.root().resolve("ktrdr").toString(), "status")) + "\n")
                .run();
        assertEquals("0", ran.out().strip(), ran::toString);
    }

    @Test
    void a_script_on_a_node_has_no_core_dumps() {
        // standard input stays open while the script may run
        var ran = LocalCommand.command("sh", "-c", "{ cat; sleep 2; } | sh -s")
                .input(UNLIMITED + Sh.tethered("ulimit -c")).run();
        assertEquals("0", ran.out().strip(), ran::toString);
    }

    @Test
    void without_these_flags_a_crash_would_leave_its_report() throws IOException {
        assertTrue(left(List.of(), "").contains("hs_err_pidN.log"));
    }
}
