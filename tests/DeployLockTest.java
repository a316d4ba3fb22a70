import static lab.Aftermath.another;
import static lab.Aftermath.release;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import lab.Aftermath;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two operators deploy to the same nodes, a run is killed, and a run is stopped. */
@Tag("fleet")
class DeployLockTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private static final String LOCK = "/opt/ktrdr-workers-b/.ktrdr/lock";
    @TempDir Path folder;
    private String before;
    private String after;

    @BeforeEach
    void from_what_runs_to_the_other_release() {
        Aftermath.settle();
        assertEquals("", locks());
        before = release("workers-b");
        after = another("workers-b");
    }

    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    private static String locks() {
        return HOSTS.stream().map(host -> World.on(host, "ls -d /opt/*/.ktrdr/lock 2>/dev/null || true"))
                .collect(Collectors.joining());
    }

    private Process started(String said, String... words) throws IOException {
        return ktrdr(words).processBuilder().redirectErrorStream(true)
                .redirectOutput(folder.resolve(said).toFile()).start();
    }

    private String said(String file) throws IOException {
        return Files.readString(folder.resolve(file));
    }

    /** A deployment in its own process that waits in its pull: the registry is paused. */
    private Process deploymentThatWaits(String said, String id, String tag) throws IOException {
        var host = "workers-" + id.toLowerCase(Locale.ROOT);
        World.forget(host, tag);
        World.docker("pause", "ktrdr-lab-services");
        var process = started(said, "deploy", "workers", id, "--tag", tag);
        World.on(host,
                "for i in $(seq 300); do ls -d /dev/shm/ktrdr.* >/dev/null 2>&1 && exit 0; sleep 0.1; done; echo no "
                        + "login was tried >&2; exit 1");
        return process;
    }

    @Test
    void a_locked_node_is_left_alone_and_whoever_waits_goes_on() throws Exception {
        var first = deploymentThatWaits("first", "B", after);
        var waits = started("waits", "deploy", "workers", "B", "--tag", before, "--wait", "3m");
        try {
            var everything = World.everything();
            var second = ktrdr("deploy", "all", "--tag", after).run();
            assertEquals(4, second.exit(), second::toString);
            assertTrue(second.err().contains("error: workers-b: the node is locked by"), second::toString);
            assertTrue(second.err().contains(System.getProperty("user.name") + "@")
                    && second.err().contains(": deploy workers B " + after), second::toString);
            assertEquals(everything, World.everything());
            // the locks of the previous nodes were released
            assertEquals(LOCK, locks());
            isRefusedByItsOtherName();
            assertEquals(everything, World.everything());
            assertFalse(waits.waitFor(5, TimeUnit.SECONDS), "it did not wait");
        } finally {
            World.docker("unpause", "ktrdr-lab-services");
        }
        assertTrue(first.waitFor(3, TimeUnit.MINUTES) && waits.waitFor(3, TimeUnit.MINUTES));
        assertEquals(List.of(0, 0), List.of(first.exitValue(), waits.exitValue()), said("first") + said("waits"));
        assertEquals(4, running("workers-b", before));
        assertEquals(List.of(after + " deployed", before + " deployed"), lastOutcomes());
        refusesContainersOfAnotherFolder();
    }

    private static long running(String host, String tag) {
        return World.containers(host).values().stream().filter(container -> container.endsWith(tag)).count();
    }

    private static List<String> lastOutcomes() {
        var records = Aftermath.history("workers-b");
        return records.subList(records.size() - 2, records.size()).stream()
                .map(json -> json.path("tag").asText() + " " + json.path("outcome").asText()).toList();
    }

    private void isRefusedByItsOtherName() throws Exception {
        var elsewhere = ktrdr("deploy", "workers", "N", "--tag", after, "-i", night().toString()).run();
        assertEquals(4, elsewhere.exit(), elsewhere::toString);
        assertTrue(elsewhere.err().contains("error: night: the node is locked by") && elsewhere.err()
                .contains(": deploy workers B " + after + ", from /opt/ktrdr-workers-b"), elsewhere::toString);
    }

    private void refusesContainersOfAnotherFolder() throws Exception {
        var now = World.everything();
        for (var procedure : List.of(List.of("deploy", "workers", "N", "--tag", before),
                List.of("deploy", "workers", "N", "--tag", before, "--dry-run"), List.of("restart", "workers", "N"))) {
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
    void of_two_that_start_at_the_same_moment_exactly_one_goes_on() throws Exception {
        var both = List.of(started("said0", "deploy", "workers", "all", "--tag", after),
                started("said1", "deploy", "workers", "all", "--tag", after));
        for (var process : both) assertTrue(process.waitFor(5, TimeUnit.MINUTES));
        assertEquals(List.of(0, 4), both.stream().map(Process::exitValue).sorted().toList(),
                said("said0") + said("said1"));
        assertEquals(List.of(4L, 2L), List.of(running("workers-b", after), running("workers-c", after)));
    }

    @Test
    void a_run_that_is_stopped_gives_its_locks_back() throws Exception {
        for (var signal : List.of("INT", "TERM", "HUP")) {
            var process = deploymentThatWaits("said-" + signal, "B", after);
            assertEquals(LOCK, locks());
            // the front door replaced itself with java, so this is java's process id
            World.signal(process.pid(), signal);
            assertTrue(process.waitFor(30, TimeUnit.SECONDS), signal);
            assertEquals(130, process.exitValue(), signal);
            assertEquals("", locks(), signal);
            World.docker("unpause", "ktrdr-lab-services");
        }
    }

    /** On two nodes at once: both wait for longer than the time after which a lock without a heartbeat expires. */
    @Test
    void a_long_run_keeps_its_lock_while_that_of_a_killed_one_ends() throws Exception {
        var other = another("workers-c");
        var killed = deploymentThatWaits("killed", "C", other);
        killed.descendants().forEach(ProcessHandle::destroyForcibly);
        killed.destroyForcibly().waitFor();
        World.docker("unpause", "ktrdr-lab-services");
        var early = ktrdr("deploy", "workers", "C", "--tag", other).run();
        assertEquals(4, early.exit(), early::toString);

        var lasting = started("long", "deploy", "workers", "B", "--tag", "sha-bad0000", "--timeout", "50s",
                "--no-rollback");
        try (var next = ktrdr("deploy", "workers", "C", "--tag", other, "--wait", "2m").start()) {
            aLongRunKeepsItsLock(lasting);
            var ran = next.end();
            assertEquals(0, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("taken over from ")
                    && ran.err().contains("deploy workers C " + other), ran::toString);
        }
        assertEquals(2, running("workers-c", other));
        assertTrue(lasting.waitFor(3, TimeUnit.MINUTES));
        assertEquals(1, lasting.exitValue(), said("long"));
        assertEquals("", locks());
    }

    private void aLongRunKeepsItsLock(Process run) throws Exception {
        assertFalse(run.waitFor(35, TimeUnit.SECONDS));
        for (var other : List.of(ktrdr("deploy", "workers", "B", "--tag", after),
                ktrdr("stage", "workers", "B", "--tag", after), ktrdr("rollback", "workers", "B"))) {
            var ran = other.run();
            assertEquals(4, ran.exit(), ran::toString);
        }
        // a dry run needs no lock
        var looked = ktrdr("deploy", "all", "--tag", before, "--dry-run").run();
        assertEquals(0, looked.exit(), looked::toString);
    }
}
