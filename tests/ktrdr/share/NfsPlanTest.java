package ktrdr.share;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import org.junit.jupiter.api.Test;

/** Answers recorded from the guests. */
class NfsPlanTest {
    private static final String MACHINE =
            "uid\t0\nrelease\t6.12.117+deb13-cloud-amd64\ncontainer\tnone\nprivileged\tyes\napt\tyes\nkernel\tnfs\n"
                    + "kernel\tnfsd\n";
    private static final String LXC = "uid\t0\nrelease\t6.8.12-4-pve\ncontainer\tlxc\napt\tyes\n";
    private static final String NOTHING =
            "mount\t/mnt/ktrdr-shared\t2\t\tId=mnt-ktrdr\\x2dshared.automount ActiveState=inactive  "
                    + "Id=mnt-ktrdr\\x2dshared.mount ActiveState=inactive \n";
    private static final String FOLDER = NOTHING.replace("\t2\t", "\t0\t");
    private static final String MOUNTED =
            "mount\t/mnt/ktrdr-shared\t0\t10.0.0.10:/srv/ktrdr-shared /mnt/ktrdr-shared nfs rw,vers=3 0 0\t\n";
    private static final String CLOSED = "point\t1 0 ----i---------e------- \n";
    private final Inventory inventory = Fixtures.inventory();

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private NfsPlan plan(String node, String answer) {
        return NfsPlan.plan(inventory, inventory.node(node), NfsFacts.parse(answer + "end\tyes\n"));
    }

    private static List<String> needed(NfsPlan plan) {
        return plan.steps().stream().filter(NfsPlan.Step::needed).map(NfsPlan.Step::name).toList();
    }

    private String obstacle(String node, String answer) {
        var obstacles = plan(node, answer).obstacles();
        assertEquals(1, obstacles.size(), () -> obstacles.stream().map(Problem::sentence).toList().toString());
        return obstacles.get(0).sentence();
    }

    private String setUp() {
        return MACHINE + MOUNTED + CLOSED + "package\tnfs-common\nfstab\t"
                + base64(NfsFiles.fstab(inventory, inventory.node("B"), "# own\n")) + "\ndropin\t"
                + base64(NfsFiles.dropIn()) + "\n";
    }

    private String serving() {
        var folders = new StringBuilder();
        for (var folder : List.of("", "/data", "/results", "/models", "/strategies", "/checkpoints", "/db-backups"))
            folders.append("folder /srv/ktrdr-shared").append(folder).append("\t999:1500 2775\n");
        return MACHINE + "mount\t/srv/ktrdr-shared\t0\t\t\n"
                + "package\tnfs-kernel-server\nservice\tenabled\nservice\tactive\nexports " + NfsFiles.EXPORTS + "\t"
                + base64(NfsFiles.exports(inventory)) + "\nexported\t10.0.0.11\nexported\t10.0.0.12\n" + folders;
    }

    @Test
    void a_bare_client_takes_every_step_in_this_order() {
        var plan = plan("B", MACHINE + NOTHING + "fstab\t" + base64("# own\n") + "\npoint\t1 \n");
        assertEquals(List.of("package", "point", "fstab", "unit", "mount"), needed(plan));
        assertEquals(List.of(), plan.obstacles());
        assertTrue(plan.diff().contains("+" + NfsFiles.MARK), plan.diff()::toString);
    }

    @Test
    void a_client_that_is_set_up_takes_none() {
        assertEquals(List.of(), needed(plan("B", setUp())));
        assertEquals(List.of(), plan("B", setUp()).obstacles());
        assertFalse(plan("B", setUp()).changes());
    }

    @Test
    void a_bare_server_takes_every_step_and_one_that_is_set_up_none() {
        assertEquals(List.of("package", "folders", "exports", "service", "export"),
                needed(plan("core", MACHINE + "mount\t/srv/ktrdr-shared\t2\t\t\n")));
        assertEquals(List.of(), needed(plan("core", serving())));
    }

    @Test
    void each_drift_of_the_server_is_one_step() {
        assertEquals(List.of("folders"),
                needed(plan("core", serving().replace("folder /srv/ktrdr-shared/models\t999:1500 2775",
                        "folder /srv/ktrdr-shared/models\t0:0 755"))));
        assertEquals(List.of("service", "export"), needed(plan("core", serving().replace("service\tactive\n", ""))));
        assertEquals(List.of("export"), needed(plan("core", serving().replace("exported\t10.0.0.12\n", ""))));
        assertEquals(List.of("export"), needed(plan("core", serving() + "exported\t10.0.0.99\n")));
        assertEquals(List.of("exports", "export"),
                needed(plan("core",
                        serving().replaceFirst("exports (\\S+)\t\\S+", "exports $1\t" + base64("mine\n")))));
    }

    @Test
    void a_changed_line_releases_the_mount_before_it_is_written() {
        var plan = plan("B", setUp().replace(base64(NfsFiles.fstab(inventory, inventory.node("B"), "# own\n")),
                base64(NfsFiles.fstab(inventory, inventory.node("B"), "# own\n").replace("vers=3", "vers=4.2"))));
        assertEquals(List.of("release", "fstab", "mount"), needed(plan));
        assertTrue(plan.script().indexOf("umount") < plan.script().indexOf("replace '/etc/fstab'"), plan.script());
    }

    @Test
    void an_open_mount_point_is_closed_without_touching_the_mount() {
        assertEquals(List.of("point"),
                needed(plan("B", setUp().replace(CLOSED, "point\t1 755 --------------e------- \n"))));
        assertEquals(List.of(), needed(plan("B", setUp().replace(CLOSED, "point\t1 0 none \n"))),
                "where the file system has no such flag the mode is enough");
    }

    @Test
    void an_automount_that_gave_up_is_started_again() {
        var trap = FOLDER.replace("automount ActiveState=inactive",
                "automount ActiveState=failed Result=mount-start-limit-hit");
        var plan = plan("B", setUp().replace(MOUNTED, trap));
        assertEquals(List.of("mount"), needed(plan));
        assertTrue(plan.script().contains("reset-failed"), plan.script());
    }

    @Test
    void the_share_of_somebody_else_at_our_path_is_no_takeover() {
        assertEquals("workers-b: /etc/fstab has a line for /mnt/ktrdr-shared that setup-nfs did not write",
                obstacle("B", MACHINE + FOLDER + CLOSED + "fstab\t"
                        + base64("nas:/x /mnt/ktrdr-shared nfs defaults 0 0\n") + "\n"));
        assertEquals("workers-b: another share is mounted at /mnt/ktrdr-shared",
                obstacle("B", MACHINE + MOUNTED.replace("10.0.0.10", "nas") + CLOSED));
        assertEquals("core: /etc/exports exports /srv/ktrdr-shared already",
                obstacle("core", serving() + "exports /etc/exports\t" + base64("/srv/ktrdr-shared *(rw)\n") + "\n"));
    }

    @Test
    void files_that_the_mount_would_hide_are_an_error() {
        assertEquals("workers-b: files lie in the folder /mnt/ktrdr-shared itself, which the mount hides",
                obstacle("B", MACHINE + FOLDER + "point\t1 755 none data/models/\n"));
    }

    @Test
    void what_an_lxc_or_a_kernel_lacks_is_told() {
        assertEquals("workers-b: an unprivileged container can't be an NFS client",
                obstacle("B", LXC + "kernel\tnfs\n" + NOTHING));
        assertEquals("core: an unprivileged container can't be an NFS server",
                obstacle("core", LXC + "kernel\tnfsd\nmount\t/srv/ktrdr-shared\t2\t\t\n"));
        assertEquals("workers-b: the kernel has no NFS client", obstacle("B", LXC + "privileged\tyes\n" + NOTHING));
        assertEquals("workers-b: this container may not use the kernel's NFS client",
                obstacle("B", LXC + "privileged\tyes\nkernel\tnfs\nrefused\tnfs\n" + NOTHING));
        assertEquals("workers-b: only root can set up the share",
                obstacle("B", MACHINE.replace("uid\t0", "uid\t1000") + NOTHING));
        assertEquals("workers-b: nfs-common is not installed, and there is no apt-get",
                obstacle("B", MACHINE.replace("apt\tyes\n", "") + NOTHING));
    }

    @Test
    void a_mount_that_an_lxc_got_from_its_host_is_taken_as_it_is() {
        var plan = plan("B", LXC + "mount\t/mnt/ktrdr-shared\t0\trpool/share /mnt/ktrdr-shared zfs rw 0 0\t\n");
        assertEquals(List.of(), plan.obstacles());
        assertEquals(List.of(), needed(plan));
        assertEquals("zfs from rpool/share, not NFS: mounted by other means", plan.steps().get(0).found());
    }

    @Test
    void the_scripts_are_posix_shell() {
        for (var node : inventory.nodes()) {
            LocalCommand.command("sh", "-n").input(NfsFacts.script(inventory, node)).must();
            LocalCommand.command("sh", "-n")
                    .input(plan(node.name(), node.name().equals("core") ? MACHINE + "mount\t/srv/ktrdr-shared\t2\t\t\n"
                            : MACHINE + NOTHING).script()).must();
        }
    }

    @Test
    void half_an_answer_is_none() {
        assertThrows(Problem.class, () -> NfsFacts.parse(""));
        assertThrows(Problem.class, () -> NfsFacts.parse(MACHINE + MOUNTED));
        assertThrows(Problem.class, () -> NfsFacts.parse(MACHINE + "end\tyes\n"));
        assertThrows(Problem.class, () -> NfsFacts.parse(MACHINE + MOUNTED + "garbage\nend\tyes\n"));
    }
}
