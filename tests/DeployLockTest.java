import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two operators deploy to the same nodes, a run is killed, and a run is stopped. */
@Tag("fleet")
class DeployLockTest {
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-2000002";
    private static final String LOCK = "/opt/ktrdr-workers-b/.ktrdr/lock";
    @TempDir Path folder;

    @BeforeEach
    void the_older_release_runs_everywhere() {
        var ran = ktrdr("deploy", "all", "--tag", OLDER, "--parallel", "--wait", "2m").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals("", locks());
    }

    @AfterAll
    static void and_again() {
        assertEquals(0, ktrdr("deploy", "all", "--tag", OLDER, "--parallel", "--wait", "2m").run().exit());
    }

    private static String locks() {
        return World.on("core", "ls -d /opt/*/.ktrdr/lock 2>/dev/null || true")
                + World.on("workers-b", "ls -d /opt/*/.ktrdr/lock 2>/dev/null || true")
                + World.on("workers-c", "ls -d /opt/*/.ktrdr/lock 2>/dev/null || true");
    }

    /** A deployment in its own process that waits in its pull: the registry is paused. */
    private Process deploymentThatWaits(Path said) throws IOException {
        World.forget("workers-b", NEWER);
        World.docker("pause", "ktrdr-lab-services");
        var process = ktrdr("deploy", "workers", "B", "--tag", NEWER).processBuilder().redirectErrorStream(true)
                .redirectOutput(said.toFile()).start();
        World.on("workers-b",
                "for i in $(seq 300); do ls -d /dev/shm/ktrdr.* >/dev/null 2>&1 && exit 0; sleep 0.1; done; echo no "
                        + "login was tried >&2; exit 1");
        return process;
    }

    @Test
    void a_locked_node_is_left_alone_and_its_operator_is_named() throws Exception {
        var said = folder.resolve("said");
        var first = deploymentThatWaits(said);
        try {
            var before = World.everything();
            var second = ktrdr("deploy", "all", "--tag", NEWER).run();
            assertEquals(4, second.exit(), second::toString);
            assertTrue(second.err().contains("error: workers-b: the node is locked by"), second::toString);
            assertTrue(second.err().contains(System.getProperty("user.name") + "@")
                    && second.err().contains(": deploy workers B " + NEWER), second::toString);
            assertEquals(before, World.everything());
            // the locks of the previous nodes were released
            assertEquals(LOCK, locks());
            isRefusedByItsOtherName();
            assertEquals(before, World.everything());
        } finally {
            World.docker("unpause", "ktrdr-lab-services");
        }
        assertTrue(first.waitFor(3, TimeUnit.MINUTES));
        assertEquals(0, first.exitValue(), Files.readString(said));
        refusesContainersOfAnotherFolder();
    }

    private void isRefusedByItsOtherName() throws Exception {
        var elsewhere = ktrdr("deploy", "workers", "N", "--tag", NEWER, "-i", night().toString()).run();
        assertEquals(4, elsewhere.exit(), elsewhere::toString);
        assertTrue(elsewhere.err().contains("error: night: the node is locked by") && elsewhere.err()
                .contains(": deploy workers B " + NEWER + ", from /opt/ktrdr-workers-b"), elsewhere::toString);
    }

    private void refusesContainersOfAnotherFolder() throws Exception {
        var now = World.everything();
        for (var procedure : List.of(List.of("deploy", "workers", "N", "--tag", OLDER),
                List.of("deploy", "workers", "N", "--tag", OLDER, "--dry-run"), List.of("restart", "workers", "N"))) {
            var words = new ArrayList<>(procedure);
            words.addAll(List.of("-i", night().toString()));
            var refused = ktrdr(words.toArray(String[]::new)).run();
            assertEquals(1, refused.exit(), refused::toString);
            assertTrue(refused.err()
                    .contains("night: containers of the Compose project ktrdr-workers were started from "
                            + "another folder")
                    && refused.err().contains("training-worker-2, started from /opt/ktrdr-workers-b")
                    && refused.err().contains("mv -T '/opt/ktrdr-workers-b' '/srv/ktrdr-night'"),
                    refused::toString);
        }
        assertEquals(now, World.everything());
        assertEquals("", World.on("workers-b", "ls -d /srv/ktrdr-night 2>/dev/null || :") + locks());
    }

    /** Another team's inventory, with another name and another folder for workers-b. */
    private Path night() {
        return World.inventory(folder, "workers-b: {id: B,", "night: {id: N,", "/opt/ktrdr-workers-b",
                "/srv/ktrdr-night");
    }

    @Test
    void whoever_waits_goes_on_when_the_first_is_done() throws Exception {
        var first = deploymentThatWaits(folder.resolve("first"));
        var said = folder.resolve("second");
        var second = ktrdr("deploy", "workers", "B", "--tag", OLDER, "--wait", "3m").processBuilder()
                .redirectErrorStream(true).redirectOutput(said.toFile()).start();
        assertFalse(second.waitFor(10, TimeUnit.SECONDS), "it did not wait");
        World.docker("unpause", "ktrdr-lab-services");
        assertTrue(first.waitFor(3, TimeUnit.MINUTES) && second.waitFor(3, TimeUnit.MINUTES));
        assertEquals(List.of(0, 0), List.of(first.exitValue(), second.exitValue()), Files.readString(said));
        assertEquals(4, World.containers("workers-b").values().stream().filter(container -> container.endsWith(OLDER))
                .count());
    }

    @Test
    void of_two_that_start_at_the_same_moment_exactly_one_goes_on() throws Exception {
        var both = new ArrayList<Process>();
        for (var tag : List.of(NEWER, NEWER))
            both.add(ktrdr("deploy", "workers", "all", "--tag", tag).processBuilder().redirectErrorStream(true)
                    .redirectOutput(folder.resolve("said" + both.size()).toFile()).start());
        for (var process : both) assertTrue(process.waitFor(5, TimeUnit.MINUTES));
        assertEquals(List.of(0, 4), both.stream().map(Process::exitValue).sorted().toList(),
                Files.readString(folder.resolve("said0")) + Files.readString(folder.resolve("said1")));
        for (var host : List.of("workers-b", "workers-c")) assertEquals(4,
                World.containers(host).values().stream().filter(container -> container.endsWith(NEWER)).count());
    }

    @Test
    void a_run_that_was_killed_is_taken_over_and_that_is_said() throws Exception {
        var process = deploymentThatWaits(folder.resolve("said"));
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
        World.docker("unpause", "ktrdr-lab-services");
        var early = ktrdr("deploy", "workers", "B", "--tag", NEWER).run();
        assertEquals(4, early.exit(), early::toString);
        var ran = ktrdr("deploy", "workers", "B", "--tag", NEWER, "--wait", "2m").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("taken over from ") && ran.err().contains("deploy workers B " + NEWER),
                ran::toString);
        assertEquals(4, World.containers("workers-b").values().stream().filter(container -> container.endsWith(NEWER))
                .count());
    }

    @Test
    void a_run_that_is_stopped_gives_its_locks_back() throws Exception {
        for (var signal : List.of("INT", "TERM", "HUP")) {
            var process = deploymentThatWaits(folder.resolve("said-" + signal));
            assertEquals(LOCK, locks());
            // the front door replaced itself with java, so this is java's process id
            World.signal(process.pid(), signal);
            assertTrue(process.waitFor(30, TimeUnit.SECONDS), signal);
            assertEquals(130, process.exitValue(), signal);
            assertEquals("", locks(), signal);
            World.docker("unpause", "ktrdr-lab-services");
        }
    }

    @Test
    void a_long_run_keeps_its_lock_and_a_failed_one_releases_it() throws Exception {
        var first = ktrdr("deploy", "workers", "B", "--tag", "sha-bad0000", "--timeout", "50s", "--no-rollback")
                .processBuilder().redirectErrorStream(true)
                .redirectOutput(folder.resolve("said").toFile()).start();
        // longer than the time after which a lock without a heartbeat expires
        assertFalse(first.waitFor(35, TimeUnit.SECONDS));
        for (var other : List.of(ktrdr("deploy", "workers", "B", "--tag", NEWER),
                ktrdr("stage", "workers", "B", "--tag", NEWER), ktrdr("rollback", "workers", "B"))) {
            var ran = other.run();
            assertEquals(4, ran.exit(), ran::toString);
        }
        // a dry run needs no lock
        var looked = ktrdr("deploy", "all", "--tag", OLDER, "--dry-run").run();
        assertEquals(0, looked.exit(), looked::toString);
        assertTrue(first.waitFor(3, TimeUnit.MINUTES));
        assertEquals(1, first.exitValue(), Files.readString(folder.resolve("said")));
        assertEquals("", locks());
    }
}
