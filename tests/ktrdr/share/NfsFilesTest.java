package ktrdr.share;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Mount;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NfsFilesTest {
    private static final String SHARE = "/mnt/ktrdr-shared";
    private static final String LINE =
            "10.0.0.10:/srv/ktrdr-shared /mnt/ktrdr-shared nfs "
                    + "_netdev,nofail,x-systemd.automount,x-systemd.mount-timeout=30s,vers=3,hard,proto=tcp 0 0";
    private static final Inventory inventory = Fixtures.inventory();
    private static final Inventory.Node NODE = inventory.node("B");

    private static Inventory with(String storage) {
        return Fixtures.inventory(Fixtures.INVENTORY + "storage: {" + storage + "}\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/dev/sda1 / ext4 defaults 0 1\n",
            "# odd\t \n\n\tUUID=x  /home\text4 defaults 0 0\r\nno newline at its end"})
    void other_lines_stay_byte_for_byte(String before) {
        var once = NfsFiles.fstab(inventory, NODE, before);
        assertTrue(once.startsWith(before), once);
        assertTrue(once.endsWith(NfsFiles.MARK + "\n" + LINE + "\n"), once);
        assertEquals(once, NfsFiles.fstab(inventory, NODE, once), "a second time changes nothing");
    }

    @Test
    void our_line_is_replaced_in_its_place() {
        var before = "first\n" + NfsFiles.MARK + "\nold:/srv /mnt/ktrdr-shared nfs _netdev,nofail,vers=4.2 0 0\nlast\n";
        assertEquals("first\n" + NfsFiles.MARK + "\n" + LINE + "\nlast\n", NfsFiles.fstab(inventory, NODE, before));
        assertEquals(Optional.of(new NfsFiles.Managed("old:/srv", SHARE)), NfsFiles.managed(before));
    }

    @Test
    void a_node_has_mount_options_of_its_own() {
        var own = Fixtures.inventory(Fixtures.INVENTORY.replace("training: 1}",
                "training: 1}, storage: {options: \"vers=4.2,hard\"}"));
        assertTrue(NfsFiles.fstab(own, own.node("gpu"), "")
                .endsWith("x-systemd.mount-timeout=30s,vers=4.2,hard 0 0\n"));
        assertEquals(NfsFiles.MARK + "\n" + LINE + "\n", NfsFiles.fstab(own, own.node("B"), ""));
    }

    @Test
    void a_line_that_slipped_between_the_mark_and_ours_is_kept() {
        var before = NfsFiles.MARK + "\n/dev/sdb /data ext4 defaults 0 0\n";
        assertEquals(NfsFiles.MARK + "\n" + LINE + "\n/dev/sdb /data ext4 defaults 0 0\n",
                NfsFiles.fstab(inventory, NODE, before));
    }

    @Test
    void a_line_of_somebody_else_for_our_path_is_seen() {
        var plans = "backend:/srv/ktrdr-shared  /mnt/ktrdr-shared/\tnfs defaults 0 0";
        assertEquals(Optional.of(plans), NfsFiles.foreign("# x\n" + plans + "\n", SHARE));
        assertEquals(Optional.empty(),
                NfsFiles.foreign("#" + plans + "\n" + NfsFiles.fstab(inventory, NODE, ""), SHARE));
        assertEquals(Optional.empty(), NfsFiles.foreign("a:/b /mnt/ktrdr-shared2 nfs defaults 0 0\n", SHARE));
    }

    @Test
    void the_share_is_exported_to_the_addresses_of_the_other_nodes() {
        assertEquals("/srv/ktrdr-shared 10.0.0.11(rw,sync,no_subtree_check,no_root_squash) "
                + "10.0.0.12(rw,sync,no_subtree_check,no_root_squash)",
                NfsFiles.exports(inventory).lines().toList().get(1));
        assertEquals(Set.of("*"), NfsFiles.clients(with("clients: \"*\"")));
        assertEquals(Set.of("10.0.0.0/24", "fd00::1"), NfsFiles.clients(with("clients: \"10.0.0.0/24,fd00::1\"")));
        assertThrows(Problem.class, () -> with("clients: \"* (rw) 10.0.0.1\""));
    }

    @Test
    void a_fleet_without_clients_exports_nothing() {
        var alone = Fixtures.inventory(
                "domain: ktrdr.test\nnodes: {core: {role: core, address: 10.0.0.10}}\nimages: {backend: b}\n");
        assertFalse(NfsFiles.exports(alone).contains("/srv"));
    }

    @Test
    void another_export_of_our_folder_is_seen() {
        var ours = Map.entry(NfsFiles.EXPORTS, NfsFiles.exports(inventory));
        assertEquals(Optional.empty(),
                NfsFiles.foreignExport(
                        Map.ofEntries(ours, Map.entry("/etc/exports", "# /srv/ktrdr-shared *(rw)\n/srv/other *(ro)\n")),
                        "/srv/ktrdr-shared"));
        for (var line : new String[] {"/srv/ktrdr-shared *(rw)\n", "  \"/srv/ktrdr-shared/\"\\\n *(rw)\n"})
            assertEquals(Optional.of("/etc/exports"),
                    NfsFiles.foreignExport(Map.ofEntries(ours, Map.entry("/etc/exports", line)), "/srv/ktrdr-shared"));
    }

    @Test
    void clients_mount_by_name_with_dns_and_by_address_without_it() {
        assertEquals("10.0.0.10:/srv/ktrdr-shared", NfsFiles.source(inventory));
        assertEquals("backend.ktrdr.test:/srv/ktrdr-shared",
                NfsFiles.source(Fixtures.inventory(Fixtures.INVENTORY.replace("resolve: inventory", "resolve: dns"))));
        assertEquals("pve.home:/tank/share", NfsFiles.source(with("server: pve.home, export: /tank/share")));
    }

    @ParameterizedTest
    @CsvSource({"/mnt/ktrdr-shared, mnt-ktrdr\\x2dshared", "/mnt/a_b.c, mnt-a_b.c", "/.x/y, \\x2ex-y", "/, -"})
    void units_are_named_as_systemd_names_them(String path, String unit) {
        assertEquals(unit, Mount.unit(path));
    }
}
