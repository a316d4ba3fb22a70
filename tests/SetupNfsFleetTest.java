import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
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

/** setup-nfs where nodes are containers: the kernel is the machine's, and the share came from outside. */
@Tag("fleet")
class SetupNfsFleetTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    @TempDir Path folder;
    private String before;

    private static String everything() {
        var all = new StringBuilder();
        for (var host : HOSTS) all.append(World.on(host, "cat /etc/fstab /proc/self/mounts; ls -la /etc/exports* /etc/systemd/system /mnt /srv 2>/dev/null || :; dpkg -l 'nfs-*' | grep ^ii || :; find /mnt/ktrdr-shared -name '.ktrdr-proof*'"));
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

    /** The lab's inventory with a server that is none of its nodes, as where the Proxmox host has the share and hands it in. */
    private Ran outside(String... arguments) {
        var inventory = World.inventory(folder, "storage: {server: core", "storage: {server: pve.ktrdr.home.mynerd.place").toString();
        return ktrdr(arguments).env("KTRDR_INVENTORY", inventory).run();
    }

    @Test
    void a_kernel_without_nfs_is_told_before_anything_is_changed() {
        Assumptions.assumeTrue(World.on("core", "grep -cw nfsd /proc/filesystems || :").equals("0"), "this machine's kernel has NFS: it is set up on the guests alone");
        for (var argument : List.of("--check", "--dry-run", "-y")) {
            var ran = ktrdr("setup-nfs", argument).run();
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("core: the kernel has no NFS server") && ran.err().contains("pct set ID --mp0"), ran::toString);
        }
    }

    @Test
    void a_share_that_came_from_the_host_is_taken_as_it_is_and_proven() {
        var ran = outside("setup-nfs");
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("not NFS: mounted by other means") && ran.err().contains("0 changed"), ran::toString);
        assertTrue(ran.out().contains("read by".toUpperCase()) && ran.out().contains("core in"), ran::toString);
        if (!World.on("workers-b", "docker images --format '{{.Repository}}' | grep -v '^ktrdr-probe$' || true").isEmpty()) assertTrue(ran.out().contains("wrote too"), ran::toString);
    }

    @Test
    void a_folder_that_ktrdr_may_not_write_to_is_told() {
        World.on("core", "chown 0:0 /srv/ktrdr-shared/models");
        try {
            var ran = outside("setup-nfs", "B");
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-b: uid 999 with gid 1500 can't write to the share") && ran.err().contains("models"), ran::toString);
        } finally {
            World.on("core", "chown 999:1500 /srv/ktrdr-shared/models");
        }
    }
}
