package ktrdr.share;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Mount;
import ktrdr.release.StackShare;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

/** The share of LXCs that get it as a bind mount from their host: NFS is neither needed nor checked. */
class ShareFromHostTest {
    private static final String LXC = "uid\t0\nrelease\t6.8.12-4-pve\ncontainer\tlxc\n";
    private static final String BOUND = " zfs rw,relatime,xattr,noacl 0 0\t\n";
    private static final String AT_SERVER = "mount\t/srv/ktrdr-shared\t0\trpool/share /srv/ktrdr-shared" + BOUND;
    private static final String AT_WORKER = "mount\t/mnt/ktrdr-shared\t0\trpool/share /mnt/ktrdr-shared" + BOUND;
    private static final String BARE = "mount\t/srv/ktrdr-shared\t0\t\t\n";
    private static final String MAPPED = "host-owner\t100999:101500\n";
    private static final List<String> FOLDERS = List.of("", "/data", "/results", "/models", "/strategies",
            "/checkpoints", "/db-backups");
    private final Inventory everywhere = Fixtures.inventory(Fixtures.INVENTORY + "storage: {from: host}\n");
    private final Inventory server = Fixtures.inventory(Fixtures.INVENTORY.replace("aliases: [grafana]",
            "aliases: [grafana], storage: {from: host}"));

    private static NfsPlan plan(Inventory inventory, String node, String answer) {
        return NfsPlan.plan(inventory, inventory.node(node), NfsFacts.parse(answer + "end\tyes\n"));
    }

    private static String folders(String ownerAndMode) {
        var said = new StringBuilder();
        FOLDERS.forEach(folder -> said.append("folder /srv/ktrdr-shared").append(folder).append('\t')
                .append(ownerAndMode).append('\n'));
        return said.toString();
    }

    private static List<String> needed(NfsPlan plan) {
        return plan.steps().stream().filter(NfsPlan.Step::needed).map(NfsPlan.Step::name).toList();
    }

    private static List<String> steps(NfsPlan plan) {
        return plan.steps().stream().map(NfsPlan.Step::name).toList();
    }

    private static Problem obstacle(NfsPlan plan) {
        var obstacles = plan.obstacles();
        assertEquals(1, obstacles.size(), () -> obstacles.stream().map(Problem::sentence).toList().toString());
        return obstacles.get(0);
    }

    @Test
    void checks_only_the_folders_of_the_server_and_needs_no_nfs() {
        var plan = plan(everywhere, "core", LXC + AT_SERVER + MAPPED + folders("999:1500 2775"));
        assertEquals(List.of(), plan.obstacles());
        assertEquals(List.of("mount", "folders"), steps(plan));
        assertEquals(List.of(), needed(plan));
        assertEquals("zfs from rpool/share, from its host", plan.steps().get(0).found());
    }

    @Test
    void repairs_missing_folders_and_wrong_owners_or_modes() {
        var found = folders("999:1500 2775").replace("folder /srv/ktrdr-shared/models\t999:1500 2775\n", "")
                .replace("/results\t999:1500 2775", "/results\t0:0 755");
        var plan = plan(everywhere, "core", LXC + AT_SERVER + MAPPED + found);
        assertEquals(List.of("folders"), needed(plan));
        assertEquals(List.of(), plan.obstacles());
        assertEquals("/srv/ktrdr-shared/results: 0:0 755, /srv/ktrdr-shared/models: missing",
                plan.steps().get(1).found());
        assertEquals(List.of("core.nfs.folders"), Check.failures(plan.checks()).stream()
                .map(problem -> problem.sentence().replace(" does not hold", "")).toList());
        assertTrue(!plan.script().contains("exportfs") && !plan.script().contains("apt-get install nfs"),
                plan.script());
    }

    @Test
    void a_share_that_is_not_mounted_is_an_error_and_gets_no_folders() {
        var plan = plan(everywhere, "core", LXC + BARE + "folder /srv/ktrdr-shared\t0:0 755\n");
        assertEquals("core: nothing is mounted at /srv/ktrdr-shared: a container would write to a local folder",
                obstacle(plan).sentence());
        assertEquals("on the Proxmox host: pct set ID --mp0 FOLDER,mp=/srv/ktrdr-shared, then pct reboot ID",
                obstacle(plan).details().get("to do"));
        assertEquals(List.of("mount"), needed(plan));
        assertEquals("workers-b: the share is missing",
                obstacle(plan(everywhere, "B", LXC + "mount\t/mnt/ktrdr-shared\t2\t\t\n")).sentence());
    }

    @Test
    void folders_of_an_unmapped_owner_are_to_be_fixed_on_the_host() {
        var found = folders("999:1500 2775").replace("/models\t999:1500", "/models\t65534:65534");
        var problem = obstacle(plan(everywhere, "core", LXC + AT_SERVER + MAPPED + found));
        assertEquals("core: folders of the share belong to an owner of the host that this container does not have",
                problem.sentence());
        assertEquals("/srv/ktrdr-shared/models: 65534:65534 2775", problem.details().get("found"));
        assertEquals("on the Proxmox host, in the folder that it hands in: chown 100999:101500 models && chmod 2775 "
                + "models", problem.details().get("to do"));

        var whole = obstacle(plan(everywhere, "core",
                LXC + AT_SERVER + MAPPED + "folder /srv/ktrdr-shared\t65534:65534 755\n"));
        assertEquals("on the Proxmox host, in the folder that it hands in: chown 100999:101500 . && chmod 2775 .",
                whole.details().get("to do"));
    }

    @Test
    void a_container_without_ktrdrs_uid_or_group_is_told() {
        var problem = obstacle(plan(everywhere, "core",
                LXC + AT_SERVER + "host-owner\t100999:\n" + folders("65534:65534 755")));
        assertEquals("map uid 999 and gid 1500 into the container, with lxc.idmap in its configuration on the Proxmox "
                + "host", problem.details().get("to do"));
    }

    @Test
    void nobody_in_a_privileged_container_is_an_owner_like_any_other() {
        var plan = plan(everywhere, "core",
                LXC + "privileged\tyes\n" + AT_SERVER + "host-owner\t999:1500\n" + folders("65534:65534 755"));
        assertEquals(List.of(), plan.obstacles());
        assertEquals(List.of("folders"), needed(plan));
    }

    @Test
    void a_read_only_share_is_an_error_on_the_server_and_elsewhere() {
        assertEquals("core: the share at /srv/ktrdr-shared is read-only",
                obstacle(plan(everywhere, "core", LXC + AT_SERVER.replace(" rw,", " ro,") + folders("999:1500 2775")))
                        .sentence());
        var problem = obstacle(plan(everywhere, "B", LXC + AT_WORKER.replace(" rw,", " ro,")));
        assertEquals("workers-b: the share at /mnt/ktrdr-shared is read-only", problem.sentence());
        assertEquals("on the Proxmox host: pct set ID --mp0 FOLDER,mp=/mnt/ktrdr-shared without ro=1, then pct reboot "
                + "ID", problem.details().get("to do"));
    }

    @Test
    void a_read_only_mount_that_is_taken_as_it_is_is_an_error_too() {
        var plan = plan(Fixtures.inventory(), "B", LXC + AT_WORKER.replace(" rw,", " ro,"));
        assertEquals("workers-b: the share at /mnt/ktrdr-shared is read-only", obstacle(plan).sentence());
        assertEquals(List.of("mount"), needed(plan));
    }

    @Test
    void refuses_an_empty_share_where_ktrdr_was_deployed_before() {
        var empty = LXC + AT_SERVER + MAPPED + "folder /srv/ktrdr-shared\t0:0 755\n";
        assertEquals(List.of("folders"), needed(plan(everywhere, "core", empty)), "a new one is filled");
        var problem = obstacle(plan(everywhere, "core", empty + "deployed\tyes\n"));
        assertEquals("core: the share that its host hands in is empty, though KTRDR was deployed here",
                problem.sentence());
        assertTrue(problem.details().get("to do").contains("mkdir /srv/ktrdr-shared/data"), problem::toString);
    }

    @Test
    void accepts_any_mount_from_the_host_even_nfs() {
        var plan = plan(everywhere, "B",
                LXC + "mount\t/mnt/ktrdr-shared\t0\tnas:/tank /mnt/ktrdr-shared nfs4 rw,vers=4.2 0 0\t\n");
        assertEquals(List.of(), plan.obstacles());
        assertEquals(List.of("mount"), steps(plan));
        assertEquals(List.of(), needed(plan));
    }

    @Test
    void refuses_an_fstab_line_that_would_mount_over_the_hosts_share() {
        var fstab = Base64.getEncoder()
                .encodeToString(NfsFiles.fstab(Fixtures.inventory(), Fixtures.inventory().node("B"), "")
                        .getBytes(StandardCharsets.ISO_8859_1));
        var problem = obstacle(plan(everywhere, "B", LXC + AT_WORKER + "fstab\t" + fstab + "\n"));
        assertEquals("workers-b: /etc/fstab mounts NFS over the share that its host hands in", problem.sentence());
    }

    @Test
    void a_server_exports_its_hosts_share_to_nfs_clients() {
        var privileged = LXC + "privileged\tyes\napt\tyes\nkernel\tnfsd\n";
        var plan = plan(server, "core", privileged + AT_SERVER + folders("999:1500 2775"));
        assertEquals(List.of(), plan.obstacles());
        assertEquals(List.of("mount", "package", "folders", "exports", "service", "export"), steps(plan));
        assertEquals(List.of("package", "exports", "service", "export"), needed(plan));
        assertEquals("core: nothing is mounted at /srv/ktrdr-shared: a container would write to a local folder",
                obstacle(plan(server, "core", privileged + BARE)).sentence());
        assertEquals(List.of("mount"),
                needed(plan(server, "B",
                        LXC + "privileged\tyes\nkernel\tnfs\npackage\tnfs-common\npoint\t1 0 none \nfstab\t"
                + base64(NfsFiles.fstab(server, server.node("B"), "")) + "\ndropin\t" + base64(NfsFiles.dropIn())
                + "\nmount\t/mnt/ktrdr-shared\t2\t\t\n")));
    }

    @Test
    void a_server_without_nfs_clients_drops_nfs_and_old_exports() {
        var hosted = Fixtures.inventory(Fixtures.INVENTORY.replace("aliases: [grafana]",
                "aliases: [grafana], storage: {from: nfs}") + "storage: {from: host}\n");
        var plan = plan(hosted, "core", LXC + BARE + folders("999:1500 2775"));
        assertEquals(List.of(), plan.obstacles(), "a plain folder, as where core is the host itself");
        assertEquals(List.of("folders"), steps(plan));
        var before = plan(hosted, "core", LXC + BARE + folders("999:1500 2775") + "exports " + NfsFiles.EXPORTS + "\t"
                + base64(NfsFiles.exports(Fixtures.inventory())) + "\n");
        assertEquals(List.of("exports", "export"), needed(before));
    }

    @Test
    void only_nodes_that_mount_it_by_nfs_are_let_in() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("scale: 2}", "scale: 2, storage: {from: host}}"));
        assertTrue(NfsFiles.exports(inventory).contains("10.0.0.12(") && !NfsFiles.exports(inventory)
                .contains("10.0.0.11"), NfsFiles.exports(inventory));
        var asked = Fixtures.inventory(Fixtures.INVENTORY + "storage: {from: host, clients: 10.0.9.0/24}\n");
        assertTrue(NfsFiles.exports(asked).contains("10.0.9.0/24("), "others than nodes, as storage.clients says");
    }

    @Test
    void deployments_and_checks_want_the_mount_on_every_node() {
        var bare = Mount.parse("/srv/ktrdr-shared\t0\t\t");
        assertTrue(new StackShare(everywhere, everywhere.core()).wrong(bare).orElseThrow().sentence()
                .contains("nothing is mounted at /srv/ktrdr-shared"));
        assertTrue(new StackShare(Fixtures.inventory(), Fixtures.inventory().core()).wrong(bare).isEmpty(),
                "a server by NFS may have a plain folder");
    }

    @Test
    void an_external_server_may_serve_some_nodes_by_bind_mount() {
        var mixed = Fixtures.inventory(Fixtures.INVENTORY.replace("aliases: [grafana]",
                "aliases: [grafana], storage: {from: host}") + "storage: {server: pve.ktrdr.test}\n");
        assertEquals("/mnt/ktrdr-shared", Mount.path(mixed, mixed.core()));
        assertEquals(List.of("mount"), steps(plan(mixed, "core", LXC + AT_WORKER)));
        assertEquals("pve.ktrdr.test:/srv/ktrdr-shared", NfsFiles.source(mixed));
    }

    @Test
    void the_gathering_script_is_posix_shell() {
        for (var node : everywhere.nodes())
            LocalCommand.command("sh", "-n").input(NfsFacts.script(everywhere, node)).must();
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.ISO_8859_1));
    }
}
