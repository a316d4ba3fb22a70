import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import lab.GuestWorld;
import lab.Guests;
import lab.Toolkit.Ran;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** The share with a real kernel's NFS server (core) and two real clients, in virtual machines that reboot. */
@Tag("guests")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SetupNfsTest {
    private static final String SHARE = "/mnt/ktrdr-shared";
    private static final String UNITS = "'mnt-ktrdr\\x2dshared.automount' 'mnt-ktrdr\\x2dshared.mount'";
    private static final String DROP_INS = "/etc/systemd/system/mnt-ktrdr\\x2dshared.mount.d";
    private static final String FOREIGN =
            "# mine \t\n\n/dev/sr0\t/media/cd   iso9660 noauto,ro 0 0\ntmpfs /srv/scratch tmpfs noauto 0 0";
    /** One client with its own options, like the GPU machine (vers=4.2), and one with the fleet's (vers=3). */
    private static final Map<String, String> CLIENTS = Map.of("workers-b", "nfs4", "workers-c", "nfs");
    private static GuestWorld world;
    private static Ran first;

    @BeforeAll
    static void guests_with_lines_of_somebody_else_are_set_up() {
        Guests.obstacle().ifPresent(why -> Assumptions.abort("no virtual machines here: " + why));
        world = GuestWorld.fresh();
        for (var client : List.of("workers-b", "workers-c"))
            world.on(client, "printf '%s' '" + FOREIGN + "' >/etc/fstab; chmod 640 /etc/fstab");
        // too slow here for five failures in ten seconds: the test sets ten minutes, which setup-nfs must override
        world.on("workers-c", "mkdir -p '" + DROP_INS + "'; printf '[Unit]\\nStartLimitIntervalSec=10min\\n' >'"
                + DROP_INS + "/00-slow.conf'");
        world.on("core", "mkdir -p /srv/other; printf '/srv/other 10.9.9.9(ro)' >/etc/exports");
        first = world.ktrdr("setup-nfs").run();
    }

    @AfterAll
    static void down() {
        if (world != null) world.close();
    }

    private static Ran ok(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** Files with hash, owner, mode and time, mounts and processes: equal if nothing was changed. */
    private static String everything() {
        var all = new StringBuilder();
        for (var guest : List.of("core", "workers-b", "workers-c"))
            all.append(world.on(guest, """
                    for file in /etc/fstab /etc/exports /etc/exports.d/* /etc/systemd/system/*.mount.d/*; do
                      [ ! -f "$file" ] || { sha256sum "$file"; stat -c '%n %u:%g %a %y %i' "$file"; }
                    done
                    grep -E ' (nfs|autofs) ' /proc/self/mounts || :
                    exportfs -s 2>/dev/null || :
                    stat -c '%n %u:%g %a' /srv/ktrdr-shared /srv/ktrdr-shared/* 2>/dev/null || :
                    dpkg -l 'nfs-*' | grep ^ii
                    """)).append('\n');
        return all.toString();
    }

    private static String mounted(String client) {
        return world.on(client, "awk '$2 == \"" + SHARE + "\" { print $3 }' /proc/self/mounts | tr '\\n' ' '");
    }

    /** Runs a command with the user and group of a KTRDR container. */
    private static String as999(String command) {
        return "setpriv --reuid 999 --regid 999 --groups 1500 sh -c " + ktrdr.Sh.quote("umask 002; " + command) + "\n";
    }

    @Test
    void the_first_run_sets_everything_up() {
        ok(first);
        assertTrue(first.out().contains("changed") && first.out().contains("package"), first::toString);
        assertEquals("active\nenabled",
                world.on("core", "systemctl is-active nfs-server; systemctl is-enabled nfs-server"));
        assertEquals("999:1500 2775 999:1500 2775 999:1500 2775 999:1500 2775 999:1500 2775",
                world.on("core", "cd /srv/ktrdr-shared && stat -c '%u:%g %a' . data results models db-backups | tr "
                        + "'\\n' ' '"));
        for (var client : CLIENTS.keySet()) assertEquals("autofs " + CLIENTS.get(client), mounted(client));
        world.on("workers-b", as999("echo from-b >" + SHARE + "/results/seen"));
        assertEquals("from-b", world.on("workers-c", as999("cat " + SHARE + "/results/seen")));
        assertEquals("from-b 999:1500 664",
                world.on("core", "cd /srv/ktrdr-shared/results; echo $(cat seen; stat -c '%u:%g %a' seen); rm seen"));
    }

    @Test
    void a_second_run_changes_nothing_and_leaves_no_file_of_its_proof() {
        var before = everything();
        var ran = ok(world.ktrdr("setup-nfs").run());
        assertTrue(ran.err().contains("0 changed"), ran::toString);
        assertEquals(before, everything());
        assertEquals("", world.on("core", "find /srv/ktrdr-shared -name '.ktrdr-proof*'"));
    }

    @Test
    void lines_of_others_are_there_byte_for_byte() {
        for (var client : List.of("workers-b", "workers-c"))
            assertEquals("640",
                    world.on(client, "printf '%s\\n' '" + FOREIGN
                            + "' >/tmp/foreign; head -c \"$(stat -c %s /tmp/foreign)\" /etc/fstab | cmp - "
                            + "/tmp/foreign; stat -c %a /etc/fstab"));
        assertEquals("/srv/other 10.9.9.9(ro)", world.on("core", "cat /etc/exports"));
        assertTrue(world.on("core", "exportfs -s").contains("/srv/other"));
    }

    @Test
    void check_tells_drift_changes_nothing_and_a_run_mends_it() {
        world.on("core", "chmod 755 /srv/ktrdr-shared/models; echo '# mine' >>/etc/exports.d/ktrdr.exports");
        world.on("workers-c", "sed -i s/vers=3/vers=4.2/ /etc/fstab; rm /etc/systemd/system/*.mount.d/ktrdr.conf");
        var before = everything();
        var ran = refused(1, world.ktrdr("setup-nfs", "--check").run(), "core.nfs.folders", "core.nfs.exports",
                "workers-c.nfs.fstab", "workers-c.nfs.unit");
        assertFalse(ran.err().contains("workers-b.nfs"), ran::toString);
        var dry = ok(world.ktrdr("setup-nfs", "--dry-run").run());
        assertTrue(dry.out().contains("-# mine") && dry.out().contains("-10.42.2.10:/srv/ktrdr-shared")
                && dry.out().contains("vers=4.2"), dry::toString);
        assertEquals(before, everything());
        ok(world.ktrdr("setup-nfs").run());
        assertEquals("999:1500 2775", world.on("core", "stat -c '%u:%g %a' /srv/ktrdr-shared/models"));
        assertEquals("autofs nfs", mounted("workers-c"));
        ok(world.ktrdr("setup-nfs", "--check").run());
    }

    @Test
    void a_share_of_somebody_else_at_our_path_is_refused() {
        world.on("workers-c", "cp -p /etc/fstab /root/fstab; systemctl stop " + UNITS + "; echo 'nas:/tank " + SHARE
                + " nfs defaults 0 0' >>/etc/fstab");
        try {
            var before = everything();
            refused(1, world.ktrdr("setup-nfs", "C").run(),
                    "workers-c: /etc/fstab has a line for " + SHARE + " that setup-nfs did not write", "nas:/tank");
            assertEquals(before, everything());
        } finally {
            world.on("workers-c",
                    "cp -p /root/fstab /etc/fstab; systemctl daemon-reload; systemctl start "
                            + "'mnt-ktrdr\\x2dshared.automount'; ls -d " + SHARE + "/.");
        }
    }

    @Test
    void only_the_addresses_of_the_fleet_are_let_in() {
        assertEquals("10.42.2.11 10.42.2.12",
                world.on("core", "exportfs -s | awk '$1 == \"/srv/ktrdr-shared\" { sub(/\\(.*/, \"\", $2); print $2 "
                        + "}' | sort | tr '\\n' ' '"));
        var mount = "mkdir -p /tmp/try; mount -t nfs -o vers=3,proto=tcp,soft,retry=0,nolock,nosharecache "
                + "10.42.2.10:/srv/ktrdr-shared /tmp/try; umount /tmp/try";
        world.on("workers-c", mount);
        world.on("workers-c", "systemctl stop " + UNITS
                + "; ip address add 10.42.2.99/24 dev eth0; ip route add 10.42.2.10/32 dev eth0 src 10.42.2.99");
        try {
            var stranger = world.run("workers-c", mount);
            assertNotEquals(0, stranger.exit());
            assertTrue(stranger.err().contains("denied"), stranger::err);
        } finally {
            world.on("workers-c",
                    "ip route del 10.42.2.10/32; ip address del 10.42.2.99/24 dev eth0; systemctl start "
                            + "'mnt-ktrdr\\x2dshared.automount'; ls -d " + SHARE + "/.");
        }
    }

    @Test
    void nothing_can_be_written_locally_while_the_share_is_unmounted() {
        world.on("workers-c", "systemctl stop " + UNITS);
        try {
            assertEquals("", mounted("workers-c"));
            assertNotEquals(0, world.run("workers-c", as999("echo x >" + SHARE + "/x")).exit(), "as a container");
            assertNotEquals(0, world.run("workers-c", "echo x >" + SHARE + "/x").exit(), "not even root");
            assertNotEquals(0, world.run("workers-c", "mkdir -p " + SHARE + "/results").exit(),
                    "nor a folder, as Docker would make it for a container");
            assertEquals("", world.on("workers-c", "ls -A " + SHARE));
        } finally {
            world.on("workers-c", "systemctl start 'mnt-ktrdr\\x2dshared.automount'; ls -d " + SHARE + "/.");
        }
    }

    /** Uses the share repeatedly while the server refuses the node. */
    private static void useWhileRefused() {
        world.on("core", "exportfs -u 10.42.2.12:/srv/ktrdr-shared");
        world.on("workers-c", "systemctl stop 'mnt-ktrdr\\x2dshared.mount'; for i in 1 2 3 4 5 6 7; do ls " + SHARE
                + "/. >/dev/null 2>&1 || :; done");
        world.on("core", "exportfs -ra");
    }

    @Test
    void the_automount_survives_a_server_that_refuses_for_a_while() {
        useWhileRefused();
        assertEquals("ok", world.on("workers-c", "test -d " + SHARE + "/results && echo ok"));
        assertEquals("autofs nfs", mounted("workers-c"));
    }

    @Test
    void an_automount_that_gave_up_is_told_and_mended() {
        world.on("workers-c", "rm /etc/systemd/system/*.mount.d/ktrdr.conf; systemctl daemon-reload");
        useWhileRefused();
        assertEquals("", mounted("workers-c"), "the trap: a bare folder, with the server back");
        refused(1, world.ktrdr("setup-nfs", "--check").run(), "workers-c.nfs.mount", "mount-start-limit-hit");
        ok(world.ktrdr("setup-nfs", "C").run());
        assertEquals("autofs nfs", mounted("workers-c"));
    }

    @Test
    void an_interrupted_run_leaves_no_file_of_its_proof() throws IOException, InterruptedException {
        // slow reads on one node leave time for the interrupt
        world.on("workers-c",
                "printf '#!/bin/sh\\ncase $* in *cat*) sleep 120 ;; esac\\nexec /usr/bin/setpriv \"$@\"\\n' "
                        + ">/usr/local/bin/setpriv; chmod 755 /usr/local/bin/setpriv");
        var run = world.ktrdr("setup-nfs").processBuilder().redirectErrorStream(true)
                .redirectOutput(new File("/dev/null")).start();
        try {
            world.until("the proof's files are there",
                    () -> world.on("core", "find /srv/ktrdr-shared -name '.ktrdr-proof*'").lines().count() >= 2);
            run.destroyForcibly().waitFor(60, TimeUnit.SECONDS);
            world.until("they are gone",
                    () -> world.on("core", "find /srv/ktrdr-shared -name '.ktrdr-proof*'").isEmpty());
        } finally {
            run.destroyForcibly();
            world.on("workers-c", "rm /usr/local/bin/setpriv");
        }
    }

    /**
     * One test, since every boot is slow: the server stops, a client boots, the server returns, the other client boots.
     */
    @Test
    @Order(Integer.MAX_VALUE)
    void the_share_survives_reboots_of_its_server_and_its_clients() {
        world.on("workers-c", "setsid sh -c '" + as999("while sleep 1; do echo x; done >>" + SHARE + "/results/steady")
                .replace("'", "'\\''") + "' >/dev/null 2>&1 </dev/null & echo $! >/run/writer");
        world.until("the writer writes", () -> size() > 2);
        world.off("core");

        world.reboot("workers-b");
        assertNotEquals(0, world.run("workers-b", "timeout 5 ls " + SHARE + "/.").exit(),
                "there is no share without its server");
        assertNotEquals(0, world.run("workers-b", "timeout 5 " + as999("echo x >" + SHARE + "/x")).exit(),
                "and no folder in its place");

        world.start("core");
        long before = size();
        world.until("the client that was writing goes on", () -> size() > before + 2);
        world.on("workers-c", "kill -- -$(cat /run/writer) || kill $(cat /run/writer)");
        world.until("the client that booted without the server mounts on use",
                () -> world.run("workers-b", "timeout 60 ls " + SHARE + "/results/steady").ok());
        assertEquals("autofs nfs4", mounted("workers-b"));

        world.reboot("workers-c");
        assertEquals("ok", world.on("workers-c", "grep -q x " + SHARE + "/results/steady && echo ok"));
        assertEquals("autofs nfs", mounted("workers-c"));
        world.on("core", "rm /srv/ktrdr-shared/results/steady");
        ok(world.ktrdr("setup-nfs", "--check").run());
    }

    private static long size() {
        return Long.parseLong(world.on("core", "stat -c %s /srv/ktrdr-shared/results/steady 2>/dev/null || echo 0"));
    }
}
