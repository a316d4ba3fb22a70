package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.NodePlan;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import ktrdr.status.StatusFixtures;
import org.junit.jupiter.api.Test;

/** Whether the required folders are writable; a real shell breaks some of them in its own mount namespace. */
class RoomTest {
    /** The script's answer after these commands, which break folders in a private mount namespace. */
    private static Map<String, String> full(String breaking) {
        assumeTrue(LocalCommand.command("unshare", "-m", "true").run().ok(), "this machine lets nobody mount");
        var script = "{\n" + breaking + "\n} >/dev/null 2>&1\nexport LC_ALL=C\nroot=\n" + Facts.SAY + Room.script()
                + "ls -A /tmp /run | grep -c ktrdr-room >&2 || :\nsay end yes\n";
        var ran = LocalCommand.command("unshare", "-m", "--propagation", "private", "sh", "-s").input(Sh.whole(script))
                .must();
        assertEquals("0", ran.err().strip(), "nothing is left of having asked");
        return Room.parse(Facts.parse(ran.out()));
    }

    private static String tmpfs(String folder, String options) {
        return "mount -t tmpfs -o " + options + " tmpfs " + folder + "; ";
    }

    @Test
    void folders_that_take_it_are_not_told() {
        assertEquals(Map.of(), full(tmpfs("/tmp", "size=8m") + tmpfs("/run", "size=16m") + "mkdir /run/lock"));
    }

    @Test
    void a_folder_that_is_full_or_nearly_is_told() {
        assertEquals(Map.of("/tmp", "No space left on device"),
                full(tmpfs("/tmp", "size=8m") + "head -c 8388608 /dev/zero >/tmp/full"));
        assertEquals(Map.of("/tmp", "No space left on device"), full(tmpfs("/tmp", "size=2m")));
        assertEquals(Map.of("/run", "No space left on device", "/run/lock", "No space left on device"),
                full(tmpfs("/run", "size=8m") + "mkdir /run/lock; head -c 8388608 /dev/zero >/run/full"));
    }

    /** Debian's /run/lock has 5 MB, and several runs may check it at the same time. */
    @Test
    void the_folder_of_locks_needs_little() {
        var lock = tmpfs("/run", "size=16m") + "mkdir /run/lock; " + tmpfs("/run/lock", "size=5m");
        assertEquals(Map.of(), full(lock + "head -c 5000000 /dev/zero >/run/lock/another"));
        assertEquals(Map.of("/run/lock", "No space left on device"),
                full(lock + "head -c 5242880 /dev/zero >/run/lock/another"));
    }

    @Test
    void one_without_inodes_or_read_only_or_not_there_is_told() {
        assertEquals(Map.of("/tmp", "No space left on device"), full(tmpfs("/tmp", "nr_inodes=1")));
        assertEquals(Map.of("/var/tmp", "Read-only file system"), full(tmpfs("/var/tmp", "ro")));
        assertEquals(Map.of("/run/lock", "no such folder"), full(tmpfs("/run", "size=8m")));
    }

    @Test
    void a_container_is_not_touched_then_a_restart_neither() {
        var inventory = Fixtures.inventory();
        var node = inventory.node("B");
        var stack = Stack.of(inventory, node);
        var staged = Fixtures.staged(inventory, "workers-b", "sha-2", Map.of());
        var files = new NodeFiles(staged.files(), staged.links(), staged.odd(), staged.manifest(), staged.unread(),
                staged.foreign(), Set.of(), Map.of("/run", "Read-only file system"));
        var facts = StackFactsBuilder.node().files(files).containers(StatusFixtures.containers(node)).build();
        for (var plan : List.of(NodePlan.plan(stack, Revision.of(inventory, stack, "sha-2"), stack.services(), facts),
                NodePlan.restart(stack, Revision.of(inventory, stack, "sha-2"), stack.services(), facts))) {
            var problem = plan.obstacles().get(0);
            assertEquals("workers-b: nothing can be written to /run", problem.sentence());
            assertEquals("/run: Read-only file system", problem.details().get("found"));
            assertTrue(problem.details().get("to do").contains("df -h /run") && problem.details().get("to do")
                    .contains("nothing was changed"), problem.details()::toString);
        }
    }
}
