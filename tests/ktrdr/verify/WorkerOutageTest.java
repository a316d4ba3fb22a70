package ktrdr.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import lab.Wait;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts of an outage, run by a real shell with a stand-in for docker that records its calls. */
class WorkerOutageTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    @TempDir Path folder;
    private String name;
    private Path armed;

    @BeforeEach
    void a_docker() throws IOException {
        name = "outage-" + folder.getFileName();
        armed = Path.of("/run/lock/ktrdr-outage." + name);
        Fixtures.program(folder.resolve("docker"), """
                case $1 in
                  inspect) cat "${0%/*}/state" ;;
                  *) printf '%s\\n' "$1 $2" >>"${0%/*}/calls" ;;
                esac
                """);
        Files.writeString(folder.resolve("state"), "true 0123abc\n");
    }

    @AfterEach
    void nothing_is_left() throws IOException {
        if (Files.exists(armed)) run(WorkerOutage.start(name));
        Files.deleteIfExists(armed);
    }

    private int run(String script) {
        return LocalCommand.command("sh", "-s")
                .input("PATH=" + Sh.quote(folder.toString()) + ":$PATH\n" + Sh.whole("exec 8>/dev/null\n" + script))
                .run().exit();
    }

    private String calls() throws IOException {
        var calls = folder.resolve("calls");
        return Files.exists(calls) ? String.join(", ", Files.readAllLines(calls)) : "";
    }

    private long guard() throws IOException {
        return Long.parseLong(Files.readString(armed).split(" ")[0]);
    }

    @Test
    void the_guard_starts_what_nobody_else_started() throws Exception {
        assertEquals(0, run(WorkerOutage.kill(name, Duration.ofSeconds(1))));
        assertEquals("kill 0123abc", calls());
        Wait.until(() -> !Files.exists(armed), () -> "the guard did nothing: " + calls());
        assertEquals("kill 0123abc, start 0123abc", calls());
        assertEquals(0, run(WorkerOutage.start(name)));
        assertEquals("kill 0123abc, start 0123abc", calls(), "nothing is left to do");
    }

    @Test
    void a_start_sends_the_guard_home() throws Exception {
        assertEquals(0, run(WorkerOutage.kill(name, LONG)));
        long guard = guard();
        assertTrue(ProcessHandle.of(guard).isPresent());
        assertEquals(0, run(WorkerOutage.start(name)));
        assertEquals("kill 0123abc, start 0123abc", calls());
        assertFalse(Files.exists(armed));
        Wait.until(() -> !alive(guard), () -> "the guard is still there");
    }

    /** A process that ended may be a zombie until its parent reaps it. */
    private static boolean alive(long process) throws IOException {
        var status = Path.of("/proc/" + process + "/status");
        try {
            return Files.readAllLines(status).stream().noneMatch(line -> line.matches("State:\\s+Z.*"));
        } catch (IOException gone) {
            return false;
        }
    }

    @Test
    void the_guard_survives_its_scripts_group_and_drops_its_lock() throws Exception {
        assertEquals(0, run(WorkerOutage.kill(name, LONG)));
        var stat = Files.readString(Path.of("/proc/" + guard() + "/stat"));
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        assertEquals(guard() + " " + guard(), fields[2] + " " + fields[3], "a group and a session of its own");
        assertFalse(Files.exists(Path.of("/proc/" + guard() + "/fd/8")));
    }

    @Test
    void a_container_that_does_not_run_is_left_alone() throws Exception {
        Files.writeString(folder.resolve("state"), "false 0123abc\n");
        assertEquals(ScriptExit.NOT_RUNNING.code, run(WorkerOutage.kill(name, LONG)));
        assertEquals(0, run(WorkerOutage.start(name)));
        assertEquals("", calls());
        assertFalse(Files.exists(armed));
    }

    @Test
    void the_scripts_are_clean_under_shellcheck() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        for (var script : new String[] {WorkerOutage.kill("a b", LONG), WorkerOutage.start("a b")}) {
            // $$ and $3 belong to the guard's own shell
            var said = LocalCommand.command("shellcheck", "-S", "warning", "-").input("#!/bin/sh\nset -eu\n" + script)
                    .run();
            assertTrue(said.ok(), said.out());
        }
    }
}
