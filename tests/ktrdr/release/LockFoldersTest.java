package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import ktrdr.LocalCommand;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lock's scripts on a host where two inventories use the same project from two folders, run by a real shell. */
class LockFoldersTest {
    private static final LockScripts.Owner KARL = LockScripts.Owner.now("karl@laptop", "deploy core all sha-1");
    private static final LockScripts.Owner ANNA = LockScripts.Owner.now("anna@desk", "deploy all sha-2");
    /** A project name that no host running this test uses. */
    private static final String PROJECT = "ktrdr-folders-test-" + ProcessHandle.current().pid();
    @TempDir Path folder;
    private Path one;

    @BeforeEach
    void folders() throws IOException {
        one = Files.createDirectories(folder.resolve("one"));
    }

    @AfterEach
    void clear() {
        must("rm -f /run/lock/" + Sh.quote(PROJECT) + ".*");
    }

    private LockScripts.Place place() {
        return at(one);
    }

    /** The same project, deployed from another folder. */
    private static LockScripts.Place at(Path directory) {
        return new LockScripts.Place(directory.toString(), PROJECT);
    }

    private LockScripts.LockState take(LockScripts.Owner owner) {
        return takeFrom(one, owner);
    }

    private static String must(String script) {
        return LocalCommand.command("sh", "-s").input(Sh.whole(script)).must().out();
    }

    private static int exit(String script) {
        return LocalCommand.command("sh", "-s").input(Sh.whole(script)).run().exit();
    }

    private Path lock() {
        return one.resolve(".ktrdr/lock");
    }

    /** Sets the owner's last heartbeat to this many seconds ago. */
    private void lastBeat(long secondsAgo) throws IOException {
        var uptime = (long) Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
        Files.writeString(lock().resolve("beat"), uptime - secondsAgo + "\n");
    }

    private static LockScripts.LockState takeFrom(Path directory, LockScripts.Owner owner) {
        return LockScripts.LockState.parse(must(LockScripts.take(at(directory), owner, LockScripts.LIFE)));
    }

    private Path other() throws IOException {
        return Files.createDirectories(folder.resolve("other"));
    }

    @Test
    void one_project_has_one_lock_from_whichever_folder() throws IOException {
        assertTrue(take(KARL).taken());
        var answer = takeFrom(other(), ANNA);
        assertFalse(answer.taken());
        assertEquals(KARL, answer.holder().orElseThrow());
        assertTrue(answer.age() >= 0);
        assertEquals(KARL.words() + ", from " + one, answer.problem("core").details().get("found"));
        assertEquals(0, other().toFile().list().length, "nothing is left of having asked");
        must(LockScripts.release(at(other()), ANNA));
        assertFalse(takeFrom(other(), ANNA).taken());
        must(LockScripts.release(place(), KARL));
        assertTrue(takeFrom(other(), ANNA).taken());
        assertFalse(take(KARL).taken());
    }

    @Test
    void removes_the_folder_made_for_asking_if_the_lock_is_held() {
        take(KARL);
        var made = folder.resolve("made");
        assertFalse(takeFrom(made, ANNA).taken());
        assertFalse(Files.exists(made));
    }

    @Test
    void another_project_of_the_host_has_a_lock_of_its_own() throws IOException {
        take(KARL);
        var another = new LockScripts.Place(other().toString(), PROJECT + "-2");
        assertTrue(LockScripts.LockState.parse(must(LockScripts.take(another, ANNA, LockScripts.LIFE))).taken());
        must(LockScripts.release(another, ANNA) + "rm -f /run/lock/" + PROJECT + "-2.*");
        assertFalse(takeFrom(other(), ANNA).taken());
    }

    @Test
    void an_expired_lock_in_another_folder_is_taken_over_and_lost() throws IOException {
        take(KARL);
        lastBeat(31);
        var answer = takeFrom(other(), ANNA);
        assertTrue(answer.taken());
        assertEquals(KARL, answer.left().orElseThrow());
        assertEquals(ScriptExit.LOCK_LOST.code, exit(LockScripts.beat(place(), KARL)));
        assertEquals(ScriptExit.LOCK_LOST.code, exit(LockScripts.under(place(), KARL, Duration.ZERO)));
        must(LockScripts.release(place(), KARL));
        assertEquals(ANNA, take(KARL).holder().orElseThrow());
    }

    @Test
    void a_reboot_ends_a_lock_in_another_folder_even_without_its_note() throws IOException {
        take(KARL);
        lastBeat(-100_000);
        assertTrue(takeFrom(other(), ANNA).taken());
        must(LockScripts.release(at(other()), ANNA));
        take(KARL);
        must("rm -f /run/lock/" + PROJECT + ".*");
        lastBeat(-100_000);
        assertTrue(takeFrom(other(), ANNA).taken());
    }

    @Test
    void a_lock_that_is_removed_by_hand_holds_from_no_folder() throws IOException {
        take(KARL);
        must("rm -r " + Sh.quote(lock().toString()));
        assertTrue(takeFrom(other(), ANNA).taken());
        must(LockScripts.release(at(other()), ANNA) + "rm -rf " + Sh.quote(folder.resolve("other").toString()));
        assertTrue(take(KARL).taken());
    }

    @Test
    void waits_for_a_dead_owners_script_from_another_folder_too() throws Exception {
        take(KARL);
        var script = new ProcessBuilder("sh", "-c", LockScripts.under(place(), KARL, Duration.ZERO)
                + "echo at work; exec sleep 60").redirectErrorStream(true).start();
        assertEquals("at work", script.inputReader().readLine());
        lastBeat(1000);
        var answer = takeFrom(other(), ANNA);
        assertTrue(!answer.taken() && answer.busy());
        assertEquals(KARL, answer.holder().orElseThrow());
        script.destroy();
        assertTrue(script.waitFor(10, TimeUnit.SECONDS));
        assertTrue(takeFrom(other(), ANNA).taken());
    }

    @Test
    void whoever_looks_from_another_folder_sees_who_has_it() throws IOException {
        take(KARL);
        var answer = LockScripts.LockState.parse(must(LockScripts.look(at(other()))));
        assertEquals(KARL, answer.holder().orElseThrow());
        assertTrue(answer.alive());
        assertEquals(one.toString(), answer.from());
    }

    @Test
    void releasing_the_lock_leaves_only_the_files_of_flock() {
        take(KARL);
        must(LockScripts.release(place(), KARL));
        assertEquals(PROJECT + ".busy\n" + PROJECT + ".guard\n", must("ls /run/lock | grep '^" + PROJECT + "'"));
    }

    @Test
    void ignores_a_folder_note_that_another_user_planted() throws IOException {
        var victim = Files.createDirectories(folder.resolve("victim/.ktrdr/lock"));
        must("touch -d '1 hour ago' " + Sh.quote(victim.toString()));
        var note = Path.of("/run/lock/" + PROJECT + ".at");
        Files.createSymbolicLink(note, Files.writeString(folder.resolve("target"), folder.resolve("victim") + "\n"));
        assertTrue(take(KARL).taken());
        assertTrue(Files.exists(victim));
        assertEquals(folder.resolve("victim") + "\n", Files.readString(folder.resolve("target")));
        must(LockScripts.release(place(), KARL));
        assumeTrue(LocalCommand.command("id", "-u").must().out().strip().equals("0"), "only root can be somebody else");
        must("echo " + Sh.quote(folder.resolve("victim").toString()) + " >" + note + "; chown 65534 " + note);
        assertTrue(take(KARL).taken());
        assertTrue(Files.exists(victim));
        assertFalse(takeFrom(other(), ANNA).taken());
    }

    @Test
    void of_many_who_ask_from_many_folders_one_gets_it() {
        var asking = new ArrayList<CompletableFuture<Boolean>>();
        for (int i = 0; i < 12; i++) {
            var owner = LockScripts.Owner.now("somebody" + i + "@here", "deploy");
            var directory = folder.resolve("folder" + i % 4);
            asking.add(CompletableFuture.supplyAsync(() -> takeFrom(directory, owner).taken()));
        }
        assertEquals(1, asking.stream().filter(CompletableFuture::join).count());
    }
}
