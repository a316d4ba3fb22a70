package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import ktrdr.backup.BackupFile;
import ktrdr.backup.BackupRecord;
import ktrdr.release.History;
import ktrdr.release.HistoryScripts;
import ktrdr.release.LockScripts;
import ktrdr.release.TextfileMetrics;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Planted symbolic links at the toolkit's file paths, and world-writable folders: scripts follow no link and create
 * nothing in such a folder. A real shell runs the scripts.
 */
class PlantedTest {
    private static final LockScripts.Owner KARL = LockScripts.Owner.now("karl@laptop", "deploy core all sha-1");
    private static final History.Entry ENTRY = History.Entry.of("1", "sha-1", History.Ending.DEPLOYED)
            .time("2026-01-01T10:00:00Z").by("karl", "laptop").command("deploy core all sha-1").target("core")
            .services(List.of("backend")).configuration("configuration").seconds(12.5).build();
    @TempDir Path folder;
    private Path stack;
    private Path ours;
    private Path victim;

    @BeforeEach
    void a_node() throws IOException {
        stack = Files.createDirectories(folder.resolve("stack"));
        ours = Files.createDirectories(stack.resolve(".ktrdr"));
        victim = Files.writeString(folder.resolve("victim"), "precious\n");
    }

    @AfterEach
    void clear() {
        run("rm -f /run/lock/" + place().project() + ".*");
    }

    private LockScripts.Place place() {
        return new LockScripts.Place(stack.toString(), "ktrdr-planted-test-" + ProcessHandle.current().pid());
    }

    private static CommandResult run(String script) {
        return LocalCommand.command("sh", "-s").input(Sh.whole(script)).run();
    }

    private CommandResult take() {
        return run(LockScripts.take(place(), KARL, LockScripts.LIFE));
    }

    private static void good(CommandResult result) {
        assertEquals(0, result.exit(), result::lastWords);
    }

    private void unharmed() throws IOException {
        assertEquals("precious\n", Files.readString(victim));
    }

    @ParameterizedTest
    @ValueSource(strings = {"stack", "stack/.ktrdr"})
    void refuses_a_folder_that_everyone_may_write_to(String name) throws IOException {
        var open = folder.resolve(name);
        for (var mode : List.of("rwxrwxrwx", "rwxr-x-wx")) {
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString(mode));
            var refused = take();
            assertEquals(ScriptExit.UNSAFE.code, refused.exit(), refused::lastWords);
            assertEquals(open + " is writable by all users", refused.lastWords());
            assertFalse(Files.exists(ours.resolve("lock")));
        }
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxr-x"));
        assertTrue(LockScripts.LockState.parse(take().out()).taken());
    }

    @Test
    void a_link_in_the_place_of_our_folder_is_refused() throws IOException {
        var elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        Files.delete(ours);
        Files.createSymbolicLink(ours, elsewhere);
        var refused = take();
        assertEquals(ScriptExit.UNSAFE.code, refused.exit(), refused::lastWords);
        assertEquals(ours + " is a symbolic link", refused.lastWords());
        assertEquals(0, elsewhere.toFile().list().length);
    }

    @Test
    void refuses_a_link_in_the_locks_place_and_reads_nothing_by_it() throws IOException {
        var elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("owner"), "precious");
        Files.createSymbolicLink(ours.resolve("lock"), elsewhere);
        run("touch -d '1 hour ago' " + Sh.quote(elsewhere.toString()));
        var refused = take();
        assertEquals(ScriptExit.UNSAFE.code, refused.exit(), refused::lastWords);
        assertEquals(ours.resolve("lock") + " is a symbolic link", refused.lastWords());
        assertEquals("end\tyes\n", run(LockScripts.look(place())).out());
    }

    @Test
    void a_link_in_the_place_of_a_file_of_flock_is_refused() throws IOException {
        for (var name : List.of("guard", "busy")) {
            var planted = Path.of("/run/lock/" + place().project() + "." + name);
            Files.createSymbolicLink(planted, folder.resolve("made"));
            var refused = take();
            assertEquals(ScriptExit.UNSAFE.code, refused.exit(), refused::lastWords);
            assertEquals(planted + " is not a regular file", refused.lastWords());
            assertFalse(Files.exists(folder.resolve("made")));
            Files.delete(planted);
        }
    }

    @Test
    void the_beat_of_a_lock() throws IOException {
        good(take());
        Files.createSymbolicLink(ours.resolve("lock/beat.new"), victim);
        good(run(LockScripts.beat(place(), KARL)));
        unharmed();
    }

    @Test
    void the_history() throws IOException {
        for (var name : List.of("deploying.new", "releases.jsonl.new"))
            Files.createSymbolicLink(ours.resolve(name), victim);
        good(run("cd " + Sh.quote(stack.toString()) + "\n" + HistoryScripts.begin(ENTRY)));
        unharmed();
        good(run("cd " + Sh.quote(stack.toString()) + "\n" + HistoryScripts.end(ENTRY)));
        unharmed();
        assertEquals(ENTRY.json() + "\n", Files.readString(ours.resolve("releases.jsonl")));
    }

    @Test
    void a_history_that_is_a_link_is_none() throws IOException {
        var secret = Files.writeString(folder.resolve("secret"), ENTRY.json() + "\n");
        Files.createSymbolicLink(ours.resolve("releases.jsonl"), secret);
        Files.createSymbolicLink(ours.resolve("deploying"), secret);
        assertEquals("end\tyes\n",
                run(Facts.SAY + Sh.let("directory", stack.toString()) + History.script() + "say end yes\n").out());
        good(run("cd " + Sh.quote(stack.toString()) + "\n" + HistoryScripts.end(ENTRY)));
        assertEquals(ENTRY.json() + "\n", Files.readString(secret));
        assertFalse(Files.isSymbolicLink(ours.resolve("releases.jsonl")));
        assertEquals(ENTRY.json() + "\n", Files.readString(ours.resolve("releases.jsonl")));
    }

    @Test
    void the_series_of_a_release() throws IOException {
        Files.createSymbolicLink(Files.createDirectories(ours.resolve("metrics")).resolve("release.new"), victim);
        good(run("cd " + Sh.quote(stack.toString()) + "\n" + TextfileMetrics.release(ENTRY)));
        unharmed();
        assertTrue(Files.isRegularFile(ours.resolve("metrics/release.prom")));
    }

    @Test
    void that_a_backup_was_verified() throws IOException {
        var backups = Files.createDirectories(folder.resolve("backups"));
        var dump = Files.writeString(backups.resolve("b.dump.zst"), "");
        // a worker could plant these, because workers own the share
        for (var name : List.of(".b.verified", "b.dump.zst.verified"))
            Files.createSymbolicLink(backups.resolve(name), victim);
        var text = Files.readString(Project.root().resolve("templates/backup/restore.sh"));
        int start = text.indexOf("note_verified() {");
        good(run(Sh.let("directory", backups.toString()) + Sh.let("name", "b") + Sh.let("dump", dump.toString())
                + "verified=now\n" + text.substring(start, text.indexOf("\n}\n", start) + 3) + "note_verified\n"));
        unharmed();
        assertEquals("now\n", Files.readString(backups.resolve("b.dump.zst.verified")));
        assertFalse(Files.isSymbolicLink(backups.resolve("b.dump.zst.verified")));
    }

    @Test
    void that_a_backup_of_this_machine_was_verified() throws IOException {
        var dump = Files.writeString(folder.resolve("b.dump.zst"), "");
        Files.createSymbolicLink(folder.resolve("b.dump.zst.verified"), victim);
        new BackupFile(dump, BackupRecord.parse("{\"name\": \"b\", \"made\": \"2026-01-01T00:00:00Z\"}"), "")
                .verified(Instant.EPOCH);
        unharmed();
        assertEquals(Instant.EPOCH + "\n", Files.readString(folder.resolve("b.dump.zst.verified")));
        assertEquals("rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("b.dump.zst.verified"))));
    }

    @Test
    void refuses_another_users_link_in_place_of_an_output_file() throws IOException {
        assumeTrue(LocalCommand.command("id", "-u").must().out().strip().equals("0"), "only root can be somebody else");
        var link = Files.createSymbolicLink(folder.resolve("report.html"), victim);
        var mine = Files.createSymbolicLink(folder.resolve("mine"), link);
        assertTrue(LocalCommand.command("chown", "-h", "65534", link.toString()).run().ok());
        for (var asked : List.of(link, mine)) {
            var refused = assertThrows(Problem.class, () -> OutputFile.at(asked), asked::toString);
            assertEquals(Exit.USAGE, refused.exit());
            assertEquals("a link of the user nobody: " + link, refused.details().get("found"));
        }
        unharmed();
    }
}
