import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** verify-infra with ready hosts, and with each defect that it detects. */
@Tag("fleet")
class VerifyInfraTest {
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
    }

    private static Ran run(String... arguments) {
        var words = new ArrayList<>(List.of("verify-infra", "-o", "json"));
        words.addAll(List.of(arguments));
        return ktrdr(words.toArray(String[]::new)).run();
    }

    /** Breaks a host with a script, runs verify-infra, and repairs the host with another script. */
    private static List<String> failingWhile(String host, String breaking, String mending, String... arguments) {
        World.on(host, breaking);
        try {
            var ran = run(arguments);
            assertEquals(1, ran.exit(), ran::toString);
            return List.copyOf(ran.failing().keySet());
        } finally {
            World.on(host, mending);
        }
    }

    @Test
    void ready_hosts_pass_and_keep_nothing_but_a_small_image() {
        var before = World.everything();
        World.on("core", "docker image rm ktrdr-probe >/dev/null 2>&1 || true");
        assertEquals(0, run().exit());
        var made = World.on("core", "docker images -q --no-trunc ktrdr-probe");
        var ran = run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(List.of(), List.copyOf(ran.failing().keySet()));
        assertEquals(3, ran.json().path("nodes").size());
        assertEquals(before, World.everything());
        assertEquals("", World.on("core",
                "docker ps -aq --filter name=ktrdr-probe; ls -d /tmp/tmp.* 2>/dev/null || true"));
        assertEquals(made, World.on("core", "docker images -q --no-trunc ktrdr-probe"));
        assertTrue(Long.parseLong(World.on("core", "docker image inspect --format '{{.Size}}' ktrdr-probe")) < 1000);
    }

    @Test
    void a_record_is_written_as_markdown() throws IOException {
        var file = folder.resolve("record.md");
        var ran = run("--record", file.toString());
        assertEquals(0, ran.exit(), ran::toString);
        var record = Files.readString(file);
        assertTrue(record.startsWith("# Infrastructure verification record\n"), record);
        for (var words : List.of("| workers-c | C | workers-c.ktrdr.home.mynerd.place | 10.42.1.12 |",
                "Debian GNU/Linux 13 (trixie)", "26.1.5", "2.26.1", "| core | core.clock | ok |"))
            assertTrue(record.contains(words), words + " is not in\n" + record);
        var refused = run("--record", folder.resolve("no/such/folder.md").toString());
        assertEquals(2, refused.exit(), refused::toString);
        assertTrue(refused.err().contains("folder.md cannot be written"), refused::toString);
    }

    @Test
    void a_stopped_docker_is_found_and_the_other_nodes_are_told() {
        var failing = failingWhile("workers-c", "systemctl stop docker.socket docker", "systemctl start docker");
        assertEquals("workers-c.docker", failing.stream().filter(id -> id.startsWith("workers-c.docker")).findFirst()
                .orElse(""), failing::toString);
        // refused worker ports are not a network defect
        assertEquals(1, failing.size(), failing::toString);
    }

    @Test
    void docker_that_would_not_start_at_boot() {
        assertEquals(List.of("workers-c.docker.boot"), failingWhile("workers-c", "systemctl disable docker 2>/dev/null",
                "systemctl enable docker 2>/dev/null", "C"));
    }

    @Test
    void no_compose() {
        assertEquals(List.of("workers-c.compose"),
                failingWhile("workers-c", "find /usr -path '*cli-plugins/docker-compose' -exec mv {} {}.away ';'",
                "find /usr -path '*cli-plugins/docker-compose.away' | while read -r f; do mv \"$f\" \"${f%.away}\"; "
                        + "done", "C"));
    }

    @Test
    void a_container_that_does_not_start() {
        var failing = failingWhile("workers-c",
                "mv /usr/sbin/runc /usr/sbin/runc.away; printf '#!/bin/sh\\necho no nesting here >&2\\nexit 1\\n' "
                        + ">/usr/sbin/runc; chmod +x /usr/sbin/runc",
                "mv -f /usr/sbin/runc.away /usr/sbin/runc", "C");
        assertEquals(List.of("workers-c.docker.container"), failing);
        assertEquals("", World.on("workers-c", "docker ps -aq --filter name=ktrdr-probe"));
    }

    @Test
    void a_full_disk() {
        assertEquals(List.of("workers-b.disk.share"), failingWhile("workers-b",
                "mount -t tmpfs -o size=1m tmpfs /mnt/ktrdr-shared; cd /mnt/ktrdr-shared; mkdir data results models "
                        + "strategies checkpoints db-backups; chmod 2777 *; cd /; head -c 1000000 /dev/zero "
                        + ">/mnt/ktrdr-shared/full", "umount /mnt/ktrdr-shared", "B"));
    }

    @Test
    void a_share_that_is_not_mounted() {
        World.unmountShare("workers-b");
        try {
            var ran = run("B");
            assertEquals(1, ran.exit(), ran::toString);
            assertEquals(List.of("workers-b.share"), List.copyOf(ran.failing().keySet()));
        } finally {
            World.mountShare("workers-b");
        }
    }

    @Test
    void less_memory_than_the_inventory_says() {
        var ran = run("B", "-i", World.inventory(folder, "host: workers-b, address: 10.42.1.11, memory: 1GB",
                "host: workers-b, address: 10.42.1.11, memory: 900GB, cpus: 128").toString());
        assertEquals(1, ran.exit(), ran::toString);
        assertEquals(List.of("workers-b.cpus", "workers-b.memory"), List.copyOf(ran.failing().keySet()));
    }

    @Test
    void a_clock_that_is_an_hour_off() {
        // hosts share this machine's clock, so a stand-in for date simulates a wrong clock
        assertEquals(List.of("workers-b.clock"), failingWhile("workers-b",
                "printf '#!/bin/sh\\nexec /usr/bin/date -d \"1 hour ago\" \"$@\"\\n' >/usr/local/bin/date; chmod +x "
                        + "/usr/local/bin/date", "rm /usr/local/bin/date", "B"));
    }

    @Test
    void a_cut_link_between_two_nodes() {
        // replies to workers-b are dropped there, so both directions fail
        assertEquals(List.of("workers-b.reach.workers-c", "workers-c.reach.workers-b"),
                failingWhile("workers-b", "iptables -I INPUT -s 10.42.1.12 -j DROP",
                        "iptables -D INPUT -s 10.42.1.12 -j DROP"));
    }

    @Test
    void one_port_that_is_blocked_on_the_way() {
        var rule = " -p tcp -s 10.42.1.11 --dport 5432 -j REJECT --reject-with tcp-reset";
        assertEquals(List.of("workers-b.reach.core"),
                failingWhile("core", "iptables -I FORWARD" + rule + "; iptables -I INPUT" + rule,
                "iptables -D FORWARD" + rule + "; iptables -D INPUT" + rule));
    }

    @Test
    void a_port_that_is_taken() {
        assertEquals(List.of("workers-c.ports"),
                failingWhile("workers-c", "docker stop -t 1 training-worker-1 >/dev/null; /usr/sbin/sshd -p 5005",
                        "pkill -f 'sshd -p 5005' || pkill -f 'sshd: /usr/sbin/sshd -p 5005'; docker start "
                                + "training-worker-1 >/dev/null", "C"));
    }

    @Test
    void a_registry_that_cannot_be_reached() {
        var rule = " -d 10.42.1.2 -p tcp --dport 5000 -j REJECT";
        assertEquals(List.of("workers-c.registry"),
                failingWhile("workers-c", "iptables -I OUTPUT" + rule, "iptables -D OUTPUT" + rule, "C"));
    }

    @Test
    void a_node_that_is_down_does_not_stop_the_others() {
        World.docker("network", "disconnect", "ktrdr-lab", "ktrdr-lab-workers-c");
        try {
            var ran = run();
            assertEquals(3, ran.exit(), ran::toString);
            var failing = ran.failing().keySet();
            assertTrue(failing.contains("workers-c.ssh") && failing.contains("core.reach.workers-c"),
                    failing::toString);
            assertFalse(failing.stream()
                    .anyMatch(id -> id.startsWith("workers-b.") && !id.equals("workers-b.reach.workers-c")),
                    failing::toString);
            assertEquals(2, ran.json().path("nodes").size());
        } finally {
            World.docker("network", "connect", "--ip", "10.42.1.12", "ktrdr-lab", "ktrdr-lab-workers-c");
        }
    }

    @Test
    void a_user_who_may_neither_be_root_nor_sudo() {
        World.on("workers-b",
                "useradd -m guest; cp -r /root/.ssh /home/guest/; chown -R guest: /home/guest/.ssh; usermod -aG "
                        + "docker guest");
        try {
            var ran = run("B", "-i", World.inventory(folder, "{user: root, port: 22,", "{user: guest, port: 22,")
                    .toString());
            assertEquals(1, ran.exit(), ran::toString);
            assertEquals(List.of("workers-b.user"), List.copyOf(ran.failing().keySet()));
        } finally {
            World.on("workers-b", "userdel -r guest 2>/dev/null || true");
        }
    }
}
