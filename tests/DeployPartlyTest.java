import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import lab.Aftermath;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deployments that reach only part of the fleet, or are stopped halfway. */
@Tag("fleet")
class DeployPartlyTest {
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-2000002";
    @TempDir Path folder;

    @BeforeEach
    void the_older_release_runs_everywhere() {
        Aftermath.deployed();
    }

    @AfterAll
    static void and_again() {
        Aftermath.deployed();
    }

    @Test
    void names_a_frozen_node_and_deploys_nothing_without_continue() {
        World.pause("workers-c");
        try {
            var before = World.everything("workers-b");
            var stopped = ktrdr("deploy", "workers", "all", "--tag", NEWER).run();
            assertEquals(3, stopped.exit(), stopped::toString);
            assertTrue(stopped.err().contains("error: workers-c: ") && stopped.err().contains("workers-b: untouched")
                    && stopped.err().contains("workers-c: unreachable"), stopped::toString);
            assertEquals(before, World.everything("workers-b"));
            var ran = ktrdr("deploy", "workers", "all", "--tag", NEWER, "--on-failure", "continue").run();
            assertEquals(3, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("error: workers-c: ") && ran.err().contains("workers-b: deployed")
                    && ran.err().contains("workers-c: unreachable"), ran::toString);
            assertEquals(4, World.containers("workers-b").values().stream()
                    .filter(container -> container.endsWith(NEWER)).count());
        } finally {
            World.unpause("workers-c");
        }
        assertEquals(2, World.containers("workers-c").values().stream().filter(container -> container.endsWith(OLDER))
                .count());
    }

    @Test
    void a_node_that_is_off_is_unreachable_too() {
        World.docker("network", "disconnect", "ktrdr-lab", "ktrdr-lab-workers-c");
        try {
            var ran = ktrdr("deploy", "workers", "all", "--tag", OLDER, "--on-failure", "continue").run();
            assertEquals(3, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-b: deployed") && ran.err().contains("workers-c: unreachable"),
                    ran::toString);
        } finally {
            World.docker("network", "connect", "--ip", "10.42.1.12", "ktrdr-lab", "ktrdr-lab-workers-c");
        }
    }

    @Test
    void a_full_disk_replaces_no_file_and_touches_no_container() {
        World.on("workers-b", "mkdir -p /opt/small && mount -t tmpfs -o size=8k,mode=755 tmpfs /opt/small");
        try {
            var before = World.everything("workers-b");
            var inventory = World.inventory(folder, "/opt/ktrdr-workers-b", "/opt/small");
            var ran = ktrdr("deploy", "workers", "B", "--tag", OLDER, "-i", inventory.toString()).run();
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-b: the files could not be written to /opt/small"), ran::toString);
            assertEquals(before, World.everything("workers-b"));
            assertEquals("", World.on("workers-b", "ls -A /opt/small"));
        } finally {
            World.on("workers-b", "umount /opt/small && rmdir /opt/small");
        }
    }

    @Test
    void an_interrupted_pull_leaves_no_login_and_stops_nothing() throws Exception {
        World.forget("workers-b", NEWER);
        World.docker("pause", "ktrdr-lab-services");
        var before = World.containers("workers-b");
        try {
            var command = ktrdr("deploy", "workers", "B", "--tag", NEWER).processBuilder().redirectErrorStream(true)
                    .start();
            World.on("workers-b",
                    "for i in $(seq 100); do ls -d /dev/shm/ktrdr.* >/dev/null 2>&1 && exit 0; sleep 0.1; done; echo "
                            + "no login was tried >&2; exit 1");
            command.destroy();
            assertTrue(command.waitFor(10, TimeUnit.SECONDS));
            World.on("workers-b",
                    "for i in $(seq 150); do ls -d /dev/shm/ktrdr.* >/dev/null 2>&1 || exit 0; sleep 0.1; done; echo "
                            + "the login is still there >&2; exit 1");
        } finally {
            World.docker("unpause", "ktrdr-lab-services");
        }
        assertEquals(before, World.containers("workers-b"));
    }
}
