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
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.LocalCommand;
import ktrdr.Recorded;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lock's scripts, run by a real shell in a folder as the node's. */
class LockScriptsTest {
    private static final LockScripts.Owner KARL = LockScripts.Owner.now("karl@laptop", "deploy core all 'sha-1'");
    private static final LockScripts.Owner ANNA = LockScripts.Owner.now("anna@desk", "deploy all sha-2");
    /** A project name that no host running this test uses. */
    private static final String PROJECT = "ktrdr-lock-test-" + ProcessHandle.current().pid();
    @TempDir Path folder;

    @AfterEach
    void clear() {
        must("rm -f /run/lock/" + Sh.quote(PROJECT) + ".*");
    }

    private LockScripts.Place place() {
        return at(folder);
    }

    /** The same project, deployed from another folder. */
    private static LockScripts.Place at(Path directory) {
        return new LockScripts.Place(directory.toString(), PROJECT);
    }

    private LockScripts.LockState take(LockScripts.Owner owner) {
        return LockScripts.LockState.parse(must(LockScripts.take(place(), owner, LockScripts.LIFE)));
    }

    private static String must(String script) {
        return LocalCommand.command("sh", "-s").input(Sh.whole(script)).must().out();
    }

    private static int exit(String script) {
        return LocalCommand.command("sh", "-s").input(Sh.whole(script)).run().exit();
    }

    private Path lock() {
        return folder.resolve(".ktrdr/lock");
    }

    /** Sets the owner's last heartbeat to this many seconds ago. */
    private void lastBeat(long secondsAgo) throws IOException {
        var uptime = (long) Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
        Files.writeString(lock().resolve("beat"), uptime - secondsAgo + "\n");
    }

    @Test
    void a_free_lock_is_taken_and_a_held_one_says_by_whom() {
        assertTrue(take(KARL).taken());
        var answer = take(ANNA);
        assertFalse(answer.taken());
        assertEquals(KARL, answer.holder().orElseThrow());
        var problem = answer.problem("core");
        assertEquals(Exit.LOCKED, problem.exit());
        assertEquals("karl@laptop since " + KARL.since() + ": deploy core all 'sha-1'", problem.details().get("found"));
    }

    @Test
    void a_file_of_flock_that_another_user_made_is_no_obstacle() throws IOException {
        assumeTrue(LocalCommand.command("id", "-u").must().out().strip().equals("0"), "only root can be somebody else");
        assertTrue(take(KARL).taken());
        must(LockScripts.release(place(), KARL));
        must("chown 65534 " + Sh.quote(folder.toString()));
        assumeTrue(LocalCommand.command("stat", "-c", "%a", "/run/lock").must().out().strip().equals("1777"),
                "as Debian has it");
        var nobody = LocalCommand.command("setpriv", "--reuid", "65534", "--clear-groups", "sh", "-s");
        var result = nobody.input(Sh.whole(LockScripts.take(place(), ANNA, LockScripts.LIFE)
                + LockScripts.under(place(), ANNA, Duration.ZERO))).run();
        assertEquals(0, result.exit(), result::lastWords);
        must("rm -rf " + Sh.quote(folder.resolve(".ktrdr").toString()));
    }

    @Test
    void a_released_lock_is_free_and_only_its_owner_releases_it() {
        take(KARL);
        must(LockScripts.release(place(), ANNA));
        assertFalse(take(ANNA).taken());
        must(LockScripts.release(place(), KARL));
        assertTrue(take(ANNA).taken());
        must(LockScripts.release(place(), ANNA));
        assertFalse(Files.exists(lock()));
    }

    @Test
    void release_removes_only_the_folders_made_for_the_lock() throws IOException {
        var directory = folder.resolve("new");
        for (var there : List.of(false, true)) {
            if (there) Files.createDirectories(directory);
            assertTrue(LockScripts.LockState.parse(must(LockScripts.take(at(directory), KARL, LockScripts.LIFE)))
                    .taken());
            must(LockScripts.release(at(directory), KARL));
            assertEquals(there, Files.exists(directory));
            assertFalse(Files.exists(directory.resolve(".ktrdr")));
        }
        Files.createDirectories(directory.resolve(".ktrdr"));
        Files.writeString(directory.resolve(".ktrdr/files"), "");
        must(LockScripts.take(at(directory), KARL, LockScripts.LIFE));
        must(LockScripts.release(at(directory), KARL));
        assertTrue(Files.exists(directory.resolve(".ktrdr/files")));
    }

    @Test
    void an_expired_lock_is_taken_over_and_its_owner_is_named() throws IOException {
        take(KARL);
        lastBeat(29);
        assertFalse(take(ANNA).taken());
        lastBeat(31);
        var answer = take(ANNA);
        assertTrue(answer.taken());
        assertEquals(KARL, answer.left().orElseThrow());
        assertEquals(ScriptExit.LOCK_LOST.code, exit(LockScripts.beat(place(), KARL)));
        assertEquals(ScriptExit.LOCK_LOST.code, exit(LockScripts.under(place(), KARL, Duration.ZERO)));
    }

    @Test
    void a_beat_keeps_it_alive() throws IOException {
        take(KARL);
        lastBeat(31);
        must(LockScripts.beat(place(), KARL));
        assertFalse(take(ANNA).taken());
    }

    @Test
    void a_reboot_ends_every_lock() throws IOException {
        take(KARL);
        lastBeat(-100_000);
        assertTrue(take(ANNA).taken());
    }

    @Test
    void a_lock_made_by_hand_holds_for_its_life() throws IOException {
        Files.createDirectories(lock());
        assertFalse(take(KARL).taken());
        must("touch -d '1 minute ago' " + Sh.quote(lock().toString()));
        assertTrue(take(KARL).taken());
    }

    @Test
    void a_dead_owners_last_script_ends_before_the_lock_is_taken_over() throws Exception {
        take(KARL);
        var script = new ProcessBuilder("sh", "-c", LockScripts.under(place(), KARL, Duration.ZERO)
                + "echo at work; exec sleep 60").redirectErrorStream(true).start();
        assertEquals("at work", script.inputReader().readLine());
        lastBeat(1000);
        var answer = take(ANNA);
        assertFalse(answer.taken());
        assertTrue(answer.busy());
        script.destroy();
        assertTrue(script.waitFor(10, TimeUnit.SECONDS));
        assertTrue(take(ANNA).taken());
    }

    private static final String LOOK = "say directory \"$(pwd)\"\nsay end yes\n";

    @Test
    void runs_the_look_only_where_the_lock_was_taken() {
        var taken = must(LockScripts.take(place(), KARL, LockScripts.LIFE, LOOK));
        assertTrue(LockScripts.LockState.parse(taken.substring(0, taken.indexOf("directory"))).taken());
        assertEquals("/", Facts.parse(taken.substring(taken.indexOf("directory"))).get("directory"));
        var held = must(LockScripts.take(place(), ANNA, LockScripts.LIFE, LOOK));
        assertTrue(held.startsWith("held\t") && held.endsWith(LockScripts.ANSWERED) && !held.contains("directory\t"),
                held);
    }

    @Test
    void whoever_looks_keeps_nobody_from_the_answer() throws Exception {
        var looking = new ProcessBuilder("sh", "-c", LockScripts.take(place(), KARL, LockScripts.LIFE, "exec sleep 60"))
                .redirectErrorStream(true).start();
        assertEquals("taken\tyes", looking.inputReader().readLine());
        assertEquals("end\tyes", looking.inputReader().readLine());
        assertEquals(KARL, take(ANNA).holder().orElseThrow());
        must(LockScripts.under(place(), KARL, Duration.ofSeconds(10)));
        looking.destroy();
        assertTrue(looking.waitFor(10, TimeUnit.SECONDS));
    }

    @Test
    void the_last_work_holds_the_lock_and_always_releases_it() throws IOException {
        var done = folder.resolve("done");
        for (var work : Map.of("[ -d .ktrdr/lock ] && touch done\n", 0, "touch done\nexit 20\n", 20,
                "touch done\nfalse\nrm done\n", 1, "trap 'touch done' EXIT\nexit 7\n", 7).entrySet()) {
            assertTrue(take(KARL).taken());
            assertEquals(work.getValue(),
                    exit(LockScripts.last(place(), KARL, Duration.ZERO,
                            "cd " + Sh.quote(folder.toString()) + "\n" + work.getKey())), work.getKey());
            assertTrue(Files.deleteIfExists(done), work.getKey());
            assertFalse(Files.exists(lock()), work.getKey());
        }
    }

    @Test
    void the_last_work_never_runs_without_holding_the_lock() {
        take(ANNA);
        assertEquals(ScriptExit.LOCK_LOST.code,
                exit(LockScripts.last(place(), KARL, Duration.ZERO,
                        "touch " + Sh.quote(folder.resolve("done").toString()))));
        assertFalse(Files.exists(folder.resolve("done")));
        assertEquals(ANNA, take(KARL).holder().orElseThrow());
    }

    @Test
    void of_many_who_ask_at_once_one_gets_it() {
        var asking = new ArrayList<CompletableFuture<Boolean>>();
        for (int i = 0; i < 12; i++) {
            var owner = LockScripts.Owner.now("somebody" + i + "@here", "deploy");
            asking.add(CompletableFuture.supplyAsync(() -> take(owner).taken()));
        }
        assertEquals(1, asking.stream().filter(CompletableFuture::join).count());
    }

    @Test
    void whoever_looks_changes_nothing() {
        assertEquals("end\tyes\n", must(LockScripts.look(place())));
        take(KARL);
        var facts = Facts.parse(must(LockScripts.look(place())));
        assertEquals(KARL, LockScripts.Owner.of(facts.get("held")));
        assertTrue(facts.number("age") >= 0 && facts.number("age") < Duration.ofMinutes(5).toSeconds());
    }

    @Test
    void a_lock_whose_owner_cannot_be_read_is_held_by_somebody() throws IOException {
        take(KARL);
        for (var damaged : List.of("", "{\"id\":\"1\",\"who\":\"ka", "nobody", "[1]", "{} {}", "null",
                "\u0000\u0001")) {
            Files.writeString(lock().resolve("owner"), damaged);
            var problem = take(ANNA).problem("core");
            assertEquals(Exit.LOCKED, problem.exit());
            assertEquals("an unknown user since an unknown time: an unknown command",
                    problem.details().get("found"), damaged);
        }
        lastBeat(31);
        assertEquals("an unknown user", take(ANNA).left().orElseThrow().who());
    }

    @Test
    void names_that_bite_arrive_as_they_are() {
        var owner = LockScripts.Owner.now("o'brien $HOME `x` \"y\"@\\host", "deploy\tworkers %s");
        take(owner);
        assertEquals(List.of(owner), take(KARL).holder().stream().toList());
    }

    @Test
    void the_scripts_are_as_they_were_recorded() {
        var place = new LockScripts.Place("/opt/a stack", "ktrdr-core");
        var owner = new LockScripts.Owner("1", "karl@laptop", "2026-01-01T10:00:00Z", "deploy core");
        Recorded.same(LockScriptsTest.class, "lock-take.sh", LockScripts.take(place, owner, LockScripts.LIFE));
        Recorded.same(LockScriptsTest.class, "lock-beat.sh", LockScripts.beat(place, owner));
        Recorded.same(LockScriptsTest.class, "lock-last.sh",
                LockScripts.last(place, owner, LockScripts.BEAT, "echo work"));
        Recorded.same(LockScriptsTest.class, "lock-look.sh", LockScripts.look(place));
    }
}
