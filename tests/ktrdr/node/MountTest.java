package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MountTest {
    private static final String AUTOFS =
            "systemd-1 /mnt/ktrdr-shared autofs rw,relatime,fd=57,timeout=0,minproto=5,maxproto=5,direct 0 0";
    private static final String UNIT = "mnt-ktrdr\\x2dshared";
    private final Inventory inventory = Fixtures.inventory();

    private static Mount at(int code, String line, String systemd) {
        return Mount.parse("/mnt/ktrdr-shared\t" + code + "\t" + line + "\t" + systemd);
    }

    private static String nfs(String source) {
        return source + " /mnt/ktrdr-shared nfs rw,relatime,vers=3,hard,proto=tcp,addr=10.0.0.10 0 0";
    }

    private String wrong(String node, Mount mount) {
        return Mount.wrong(inventory, inventory.node(node), mount)
                .map(problem -> problem.sentence() + " | " + problem.details().get("found")).orElse("right");
    }

    @Test
    void the_share_is_the_export_on_its_server_and_a_mount_elsewhere() {
        assertEquals("/srv/ktrdr-shared", Mount.path(inventory, inventory.core()));
        assertEquals("/mnt/ktrdr-shared", Mount.path(inventory, inventory.node("B")));
        var outside = Fixtures.inventory(Fixtures.INVENTORY + "storage: {server: nas.home}\n");
        assertEquals("/mnt/ktrdr-shared", Mount.path(outside, outside.core()));
    }

    @Test
    void a_mount_is_read_with_its_type_source_and_options() {
        var mount = at(0, nfs("backend.ktrdr.test:/srv/ktrdr-shared"), "");
        assertEquals(Mount.Kind.MOUNT, mount.kind());
        assertEquals(List.of("nfs", "backend.ktrdr.test:/srv/ktrdr-shared"), List.of(mount.type(), mount.source()));
        assertTrue(mount.options().contains("vers=3") && mount.nfs());
        assertEquals("/with a blank", at(0, "/with\\040a\\040blank /mnt/ktrdr-shared ext4 rw 0 0", "").source());
    }

    @ParameterizedTest
    @ValueSource(strings = {"backend.ktrdr.test:/srv/ktrdr-shared", "10.0.0.10:/srv/ktrdr-shared",
            "backend:/srv/ktrdr-shared/", "grafana.ktrdr.test:/srv/ktrdr-shared"})
    void our_share_is_ours_under_each_name_of_its_server(String source) {
        assertEquals("right", wrong("B", at(0, nfs(source), "")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nas:/srv/ktrdr-shared", "10.0.0.10:/srv/other",
            "backend.ktrdr.test:/srv/ktrdr-shared/data"})
    void another_share_at_our_path_is_an_error(String source) {
        assertEquals("workers-b: another share is mounted at /mnt/ktrdr-shared | nfs from " + source,
                wrong("B", at(0, nfs(source), "")));
    }

    @Test
    void a_mount_of_another_type_is_accepted_and_told() {
        var mount = at(0, "/dev/vda /mnt/ktrdr-shared ext4 rw,relatime 0 0", "");
        assertEquals("right", wrong("B", mount));
        assertEquals("ext4 from /dev/vda, not NFS: mounted by other means", mount.words());
    }

    @Test
    void a_read_only_share_is_an_error_on_clients_and_on_the_server() {
        var bound = at(0, "/dev/vda /mnt/ktrdr-shared ext4 ro,relatime 0 0", "");
        assertEquals("workers-b: the share at /mnt/ktrdr-shared is read-only | ext4 from /dev/vda, not NFS: mounted "
                + "by other means, read-only", wrong("B", bound));
        assertEquals("core: the share at /mnt/ktrdr-shared is read-only",
                wrong("core", bound).replaceFirst(" \\|.*", ""));
        assertTrue(wrong("B", at(0, nfs("10.0.0.10:/srv/ktrdr-shared").replace("rw,", "ro,"), ""))
                .contains("read-only"));
        assertEquals("right", wrong("B", at(0, "/dev/vda /mnt/ktrdr-shared ext4 rw,errors=remount-ro 0 0", "")));
    }

    @Test
    void a_bare_folder_is_right_on_the_server_alone() {
        var folder = at(0, "", "Id=" + UNIT + ".automount ActiveState=inactive Result=success  Id=" + UNIT
                + ".mount ActiveState=inactive Result=success ");
        assertEquals(Mount.Kind.FOLDER, folder.kind());
        assertEquals("right", wrong("core", folder));
        assertEquals("workers-b: nothing is mounted at /mnt/ktrdr-shared: a worker would write to a local folder | a "
                + "local folder, nothing is mounted", wrong("B", folder));
        assertEquals("jbang setup-nfs@ktrdr workers-b",
                Mount.wrong(inventory, inventory.node("B"), folder).orElseThrow().details().get("to do"));
    }

    @Test
    void no_folder_is_wrong_everywhere() {
        assertEquals("core: the share is missing | no such folder", wrong("core", at(2, "", "")));
        assertEquals("workers-b: the share is missing | no such folder", wrong("B", at(2, "", "")));
    }

    @Test
    void a_folder_left_by_an_automount_that_gave_up_is_a_failed_one() {
        var trap = at(0, "", "Result=mount-start-limit-hit Id=" + UNIT
                + ".automount ActiveState=failed  Result=exit-code Id=" + UNIT + ".mount ActiveState=failed ");
        assertEquals(Mount.Kind.FAILED, trap.kind());
        assertEquals("workers-b: the share at /mnt/ktrdr-shared does not mount | " + UNIT
                + ".automount failed, mount-start-limit-hit; "
                + UNIT + ".mount failed, exit-code", wrong("B", trap));
    }

    @Test
    void an_automount_whose_mount_unit_failed_is_an_error() {
        var late = at(2, AUTOFS, "Id=" + UNIT + ".automount ActiveState=active Result=success  Id=" + UNIT
                + ".mount ActiveState=failed Result=timeout ");
        assertEquals("workers-b: the share at /mnt/ktrdr-shared does not mount | " + UNIT + ".mount failed, timeout",
                wrong("B", late));
    }

    @Test
    void a_server_that_does_not_answer_is_told_apart() {
        assertEquals("workers-b: the share at /mnt/ktrdr-shared does not answer | no answer within 20 s",
                wrong("B", at(124, nfs("10.0.0.10:/srv/ktrdr-shared"), "no answer within 20 s")));
    }

    @Test
    void half_an_answer_is_none() {
        for (var value : List.of("", "/mnt", "/mnt\t0\tx", "/mnt\tzero\t\t", "/mnt\t0\tgarbage\t"))
            assertThrows(Problem.class, () -> Mount.parse(value), value);
    }

    @Test
    void the_script_answers_here_what_parse_reads(@TempDir Path folder) {
        var here = answer(folder.toString());
        assertEquals(List.of(folder.toString(), Mount.Kind.FOLDER), List.of(here.path(), here.kind()));
        assertEquals(Mount.Kind.NOTHING, answer(folder + "/none").kind());
        assertEquals(List.of(Mount.Kind.MOUNT, "proc"), List.of(answer("/proc").kind(), answer("/proc").type()));
        assertFalse(answer("/proc").nfs());
    }

    private static Mount answer(String path) {
        var out = LocalCommand.command("sh", "-s").input(Sh.whole(Mount.script(path))).must().out();
        assertTrue(out.startsWith("mount\t"), out);
        return Mount.parse(out.substring(6, out.length() - 1));
    }
}
