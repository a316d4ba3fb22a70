package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Recorded;
import ktrdr.drain.WorkerPause;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The scripts and answers of restore-db. A real shell holds workers stopped, with a docker stub that records its calls.
 */
class RestoreScriptTest {
    private static final Path HOLD = Path.of("/run/lock/ktrdr-hold");
    @TempDir Path folder;

    private static RestoreScript.Done said(int exit, String... lines) {
        try (var console = new Console(Console.Color.never, false)) {
            var said = new RestoreProgress(console.step("core", "restore"));
            List.of(lines).forEach(said);
            return said.done("core", RestoreScript.Mode.replace, new CommandResult(exit, "", ""));
        }
    }

    private static BackupFolder.Backup backup(String name) {
        return new BackupFolder.Backup(
                BackupRecord.parse("{\"name\": \"" + name + "\", \"made\": \"2026-01-01T00:00:00Z\"}"),
                Optional.empty());
    }

    @Test
    void scripts_are_clean_shell() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        for (var script : List.of(RestoreScript.script(Fixtures.inventory(), RestoreScript.Mode.into,
                new RestoreScript.Source("/a b", "it's", false), "new"), WorkerPause.hold("ktrdr-workers", List.of()),
                WorkerPause.release())) {
            var result = LocalCommand.command("shellcheck", "-S", "warning", "-s", "sh", "-")
                    .input("set -eu\n" + script).run();
            assertTrue(result.ok(), result::out);
        }
    }

    @Test
    void chooses_the_latest_or_the_named_backup_without_its_ending() {
        var all = List.of(backup("ktrdr-b"), backup("ktrdr-a"));
        assertEquals("ktrdr-b", RestoreScript.choose(all, "latest", "/b").name());
        for (var name : List.of("ktrdr-a", "ktrdr-a.dump.zst", "ktrdr-a.dump.gz"))
            assertEquals("ktrdr-a", RestoreScript.choose(all, name, "/b").name());
        assertThrows(Problem.class, () -> RestoreScript.choose(all, "ktrdr-c", "/b"));
        assertThrows(Problem.class, () -> RestoreScript.choose(List.of(), "latest", "/b"));
    }

    @Test
    void what_the_script_says_is_the_outcome() {
        var done = said(0, "step\tload", "total\t10", "read\t5", "away\tktrdr-backend", "swapped\tktrdr",
                "replaced\told", "dropped\ta", "dropped\tb", "restored\t7");
        assertEquals(List.of(7L, true, Optional.of("old"), List.of("a", "b"), true),
                List.of(done.rows(), done.away(), done.replaced(), done.dropped(), done.seconds().containsKey("load")));
    }

    @Test
    void a_failure_says_whether_the_database_is_as_it_was() {
        var before = assertThrows(Problem.class, () -> said(1, "different\trestored: x", "failed\tno"));
        assertEquals(List.of("no", "restored: x", "is as it was"),
                List.of("found", "differs", "the database").stream().map(before.details()::get).toList());
        assertEquals("is that of the backup", assertThrows(Problem.class, () -> said(1, "swapped\tktrdr", "failed\tno"))
                .details().get("the database"));
        assertEquals(Exit.LOCKED, assertThrows(Problem.class, () -> said(75, "failed\tbusy")).exit());
    }

    /** Runs a hold until it has stopped a worker, ends it, and returns the recorded docker calls. */
    private String held(String end, String... services) throws IOException {
        Fixtures.program(folder.resolve("docker"), "case $* in\n  *service=*) echo \"${*##*service=}\" ;;\n"
                + "  ps*) echo one; echo two ;;\n  *) echo \"$*\" >>\"${0%/*}/calls\" ;;\nesac\n");
        var script = Files.writeString(folder.resolve("hold.sh"),
                "set -eu\n" + WorkerPause.hold("ktrdr-workers", List.of(services)));
        // both outputs are pipes without a reader, so writing to them fails
        LocalCommand.command("sh", "-euc", """
                { PATH=$1:$PATH setsid sh "$2" & echo $! >"$1/pid"; wait; } 2>&1 | head -n 1 >"$1/said" &
                for i in $(seq 50); do ! [ -s "$1/said" ] || break; sleep 0.1; done
                """ + end + "\nfor i in $(seq 50); do ! grep -q start \"$1/calls\" || break; sleep 0.1; done", "sh",
                folder.toString(), script.toString()).must();
        assertEquals("stopped\t2\n", Files.readString(folder.resolve("said")));
        assertTrue(!Files.exists(HOLD), HOLD + " is left");
        return Files.readString(folder.resolve("calls"));
    }

    @Test
    void workers_that_were_stopped_are_started_when_they_are_let_go() throws IOException {
        assertEquals("stop --signal INT -t 2 one two\nstart one two\n", held(WorkerPause.release()));
    }

    @Test
    void other_services_of_their_stack_are_left_alone() throws IOException {
        assertEquals("stop --signal INT -t 2 web db\nstart web db\n", held(WorkerPause.release(), "web", "db"));
    }

    @Test
    void and_when_their_holder_is_gone() throws IOException {
        assertEquals("stop --signal INT -t 2 one two\nstart one two\n", held("kill -s TERM -- \"-$(cat \"$1/pid\")\""));
    }

    @Test
    void the_question_for_what_is_there_is_as_it_was_recorded() {
        Recorded.same(RestoreScriptTest.class, "present.sh", RestoreScript.look(Fixtures.inventory()));
    }
}
