import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** setup-nfs on nodes that are containers: they use this machine's kernel, and the share is mounted from outside. */
@Tag("fleet")
class SetupNfsFleetTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    @TempDir Path folder;
    private String before;

    private static String everything() {
        var all = new StringBuilder();
        for (var host : HOSTS) all.append(
                World.on(host, "cat /etc/fstab; sort /proc/self/mounts; ls -la /etc/exports* /etc/systemd/system /mnt "
                        + "/srv 2>/dev/null || :; dpkg -l 'nfs-*' | grep ^ii || :; find /mnt/ktrdr-shared -name "
                        + "'.ktrdr-proof*'"));
        return all.toString();
    }

    @BeforeEach
    void remember() {
        before = everything();
    }

    @AfterEach
    void nothing_was_changed() {
        assertEquals(before, everything());
    }

    /** The lab's inventory with a server that is no node, as if the Proxmox host provided the share. */
    private Ran outside(String... arguments) {
        var inventory = World.inventory(folder, "storage: {server: core",
                "storage: {server: pve.ktrdr.home.mynerd.place").toString();
        return ktrdr(arguments).env("KTRDR_INVENTORY", inventory).run();
    }

    /** The lab's inventory with a share that every node's host mounts into it, and optional additional folders. */
    private Path handedIn(String... more) {
        var folders = more.length == 0 ? "" : ", " + String.join(", ", more);
        return World.inventory(folder, "storage: {server: core", "storage: {from: host, server: core", "db-backups]",
                "db-backups" + folders + "]");
    }

    private static Ran with(Path inventory, String... arguments) {
        return ktrdr(arguments).env("KTRDR_INVENTORY", inventory.toString()).run();
    }

    @Test
    void a_kernel_without_nfs_is_told_before_anything_is_changed() {
        Assumptions.assumeTrue(World.on("core", "grep -cw nfsd /proc/filesystems || :").equals("0"),
                "this machine's kernel has NFS: it is set up on the guests alone");
        for (var argument : List.of("--check", "--dry-run", "-y")) {
            var ran = ktrdr("setup-nfs", argument).run();
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("core: the kernel has no NFS server")
                    && ran.err().contains("pct set ID --mp0"), ran::toString);
        }
    }

    @Test
    void a_share_that_came_from_the_host_is_taken_as_it_is_and_proven() {
        var ran = outside("setup-nfs");
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("not NFS: mounted by other means") && ran.err().contains("0 changed"),
                ran::toString);
        assertTrue(ran.out().contains("read by".toUpperCase()) && ran.out().contains("core in"), ran::toString);
        if (!World.on("workers-b", "docker images --format '{{.Repository}}' | grep -v '^ktrdr-probe$' || true")
                .isEmpty()) assertTrue(ran.out().contains("wrote too"), ran::toString);
    }

    @Test
    void a_folder_that_ktrdr_may_not_write_to_is_told() {
        World.on("core", "chown 0:0 /srv/ktrdr-shared/models");
        try {
            var ran = outside("setup-nfs", "B");
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-b: uid 999 with gid 1500 can't write to the share")
                    && ran.err().contains("models"), ran::toString);
        } finally {
            World.on("core", "chown 999:1500 /srv/ktrdr-shared/models");
        }
    }

    @Test
    void a_share_from_the_host_needs_no_nfs_and_the_server_tests_it() {
        var ran = with(handedIn(), "setup-nfs");
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("3 wrote, all others read") && ran.err().contains("0 changed"), ran::toString);
        assertFalse(ran.out().contains("nfs-kernel-server") || ran.out().contains("export"), ran::toString);
        for (var argument : List.of("--check", "--dry-run"))
            assertEquals(0, with(handedIn(), "setup-nfs", argument).exit());
        var infra = with(handedIn(), "verify-infra");
        assertTrue(infra.out().contains("from its host"), infra::toString);
    }

    @Test
    void creates_a_folder_that_the_hosts_share_lacks() {
        var time = World.on("core", "stat -c %y /srv/ktrdr-shared");
        var inventory = handedIn("extra");
        try {
            var checked = with(inventory, "setup-nfs", "--check");
            assertTrue(checked.exit() == 1 && checked.err().contains("core.nfs.folders does not hold"),
                    checked::toString);
            var dry = with(inventory, "setup-nfs", "--dry-run");
            assertTrue(dry.out().contains("/srv/ktrdr-shared/extra: missing"), dry::toString);
            assertEquals("no", World.on("core", "[ -d /srv/ktrdr-shared/extra ] && echo yes || echo no"));
            var ran = with(inventory, "setup-nfs");
            assertTrue(ran.exit() == 0 && ran.err().contains("1 changed"), ran::toString);
            assertEquals("999:1500 2775", World.on("workers-b", "stat -c '%u:%g %a' /mnt/ktrdr-shared/extra"));
        } finally {
            World.on("core", "rmdir /srv/ktrdr-shared/extra || :; touch -d '" + time + "' /srv/ktrdr-shared");
        }
    }

    @Test
    void distinguishes_an_unmounted_share_from_a_folder() {
        World.on("core", "umount /srv/ktrdr-shared");
        try {
            for (var command : List.of(List.of("setup-nfs"), List.of("setup-nfs", "--check"),
                    List.of("setup-nfs", "--dry-run"),
                    List.of("deploy", "core", "backend", "--tag", "sha-1000002", "-y"))) {
                var ran = with(handedIn(), command.toArray(String[]::new));
                assertEquals(1, ran.exit(), ran::toString);
                assertTrue(ran.err()
                        .contains("core: nothing is mounted at /srv/ktrdr-shared: a container would write to "
                                + "a local folder")
                        && ran.err().contains("pct set ID --mp0 FOLDER,mp=/srv/ktrdr-shared"), ran::toString);
            }
            assertEquals("", World.on("core", "ls -A /srv/ktrdr-shared"),
                    "nothing was written to the disk of the node");
        } finally {
            World.on("core", "mount --bind /mnt/ktrdr-shared /srv/ktrdr-shared");
        }
    }

    @Test
    void a_node_that_was_handed_another_folder_is_found_by_the_proof() {
        World.on("workers-c", """
                mkdir -p /run/another/data /run/another/results /run/another/models /run/another/strategies \
                /run/another/checkpoints /run/another/db-backups
                chown -R 999:1500 /run/another; chmod -R 2775 /run/another; mount --bind /run/another /mnt/ktrdr-shared
                """);
        try {
            var ran = with(handedIn(), "setup-nfs");
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-c: files that core, workers-b wrote to the share are not there"),
                    ran::toString);
            assertTrue(ran.err().contains("workers-b: files that workers-c wrote to the share are not there"),
                    ran::toString);
        } finally {
            World.on("workers-c", "umount /mnt/ktrdr-shared; rm -r /run/another");
        }
    }

    @Test
    void a_read_only_share_is_told_before_anything_is_written() {
        World.on("workers-b",
                "mount --bind /mnt/ktrdr-shared /mnt/ktrdr-shared; mount -o remount,bind,ro /mnt/ktrdr-shared");
        try {
            var ran = with(handedIn(), "setup-nfs", "B");
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-b: the share at /mnt/ktrdr-shared is read-only")
                    && ran.err().contains("ro=1"), ran::toString);
            var infra = ktrdr("verify-infra", "B").run();
            assertEquals(1, infra.exit(), infra::toString);
            assertTrue(infra.out().contains("mounted by other means, read-only"), infra::toString);
        } finally {
            World.on("workers-b", "umount /mnt/ktrdr-shared");
        }
    }
}
