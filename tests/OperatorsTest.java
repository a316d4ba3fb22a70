import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import ktrdr.Console;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.node.Sudoers;
import ktrdr.release.LockScripts;
import ktrdr.release.NodeLocks;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A node without root login: with a sudo that allows only what verify-infra --sudoers prints, or as an operator in the
 * group docker without sudo.
 */
@Tag("fleet")
class OperatorsTest {
    private static final String NODE = "workers-b";
    /** Log of all sudo calls on the node. */
    private static final String ASKED = "/var/log/sudo-test";
    private static final String PLACED = "/run/ktrdr-narrow-test";
    @TempDir static Path folder;

    private static String user(String ssh) {
        return "directory: /opt/ktrdr-workers-b, scale: 2" + ssh;
    }

    private static Path inventory(String name, String ssh, String... more) {
        var replacements = new String[more.length + 2];
        replacements[0] = user("");
        replacements[1] = user(ssh);
        System.arraycopy(more, 0, replacements, 2, more.length);
        return World.inventory(folder.resolve(name), replacements);
    }

    @BeforeAll
    static void users_of_the_node() throws Exception {
        Aftermath.restore();
        Aftermath.well();
        for (var name : new String[] {"narrow", "watcher"}) Files.createDirectories(folder.resolve(name));
        World.on(NODE, "for user in narrow watcher; do useradd -m -s /bin/sh $user; cp -r /root/.ssh /home/$user/; "
                + "chown -R $user: /home/$user/.ssh; done; usermod -aG docker watcher");
        var file = Sudoers.file(Inventory.read(inventory("narrow", ", ssh: {user: narrow, sudo: true}")).nodes());
        World.on(NODE, "cat >/etc/sudoers.d/ktrdr-test <<'FILE'\n" + file + "Defaults logfile=" + ASKED
                + "\nFILE\nchmod 440 /etc/sudoers.d/ktrdr-test; visudo -c >/dev/null");
    }

    @AfterAll
    static void none_stays() {
        World.on(NODE, "rm -f /etc/sudoers.d/ktrdr-test " + ASKED + " " + PLACED
                + "; for user in narrow watcher; do userdel -r $user 2>/dev/null || :; done");
    }

    private static Ran good(Path inventory, String... words) {
        var ran = ktrdr(words).env("KTRDR_INVENTORY", inventory.toString()).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    private static long asked() {
        return Long.parseLong(World.on(NODE, "grep -c 'USER=root' " + ASKED + " 2>/dev/null || :").strip()
                .replaceFirst("^$", "0"));
    }

    @Test
    void the_printed_sudoers_file_suffices_and_allows_nothing_else() throws Exception {
        var inventory = inventory("narrow", ", ssh: {user: narrow, sudo: true}");
        good(inventory, "verify-infra", "B");
        var read = Inventory.read(inventory);
        try (var console = new Console(Console.Color.never, false);
                var fleet = new Fleet(read, List.of(read.node("B")), console);
                var locks = NodeLocks.take(fleet, LockScripts.Owner.now("narrow@test", "test"), Duration.ofMinutes(1),
                        console, node -> "")) {
            var ssh = fleet.ssh(read.node("B"));
            assertEquals("root\n", ssh.must(locks.under(read.node("B")) + "id -un"));
            ssh.put(Files.writeString(folder.resolve("file"), "whole\n"), PLACED, "600");
        }
        assertEquals("root 600 whole", World.on(NODE, "stat -c '%U %a' " + PLACED + " | tr '\\n' ' '; cat " + PLACED));
        assertEquals("narrow may not",
                World.on(NODE, "runuser -u narrow -- sudo -n cat /etc/shadow >/dev/null 2>&1 || runuser -u narrow -- "
                        + "sudo -n -u daemon sh -s </dev/null 2>/dev/null || echo narrow may not"));
        assertTrue(asked() > 0);
    }

    @Test
    void read_only_commands_with_docker_rights_use_no_sudo_or_secret() throws Exception {
        World.on(NODE, "rm -f " + ASKED + "; echo 'watcher ALL=(root) NOPASSWD: ALL' >>/etc/sudoers.d/ktrdr-test");
        var provider = folder.resolve("provider");
        var inventory = inventory("watcher", ", ssh: {user: watcher, sudo: true}",
                "secrets: {provider: file, file: /dev/shm/ktrdr-lab/secrets.json}",
                "secrets: {provider: command, command: [touch, \"" + provider + "\"]}");
        looks(inventory, provider);
    }

    @Test
    void an_operator_of_the_inventory_reads_without_sudo_or_secrets() throws Exception {
        World.on(NODE, "rm -f " + ASKED);
        var provider = folder.resolve("provider");
        var watched = inventory("watcher", ", ssh: {user: nobody-of-this-name, sudo: true}",
                "secrets: {provider: file, file: /dev/shm/ktrdr-lab/secrets.json}",
                "secrets: {provider: command, command: [touch, \"" + provider + "\"]}\noperators: {user: watcher}");
        for (var host : new String[] {"core", "workers-c"}) World.on(host,
                "useradd -m -s /bin/sh -G docker watcher; cp -r /root/.ssh /home/watcher/; chown -R watcher: "
                        + "/home/watcher/.ssh");
        try {
            looks(watched, provider);
        } finally {
            for (var host : new String[] {"core", "workers-c"}) World.on(host, "userdel -r watcher 2>/dev/null || :");
        }
    }

    private static void looks(Path inventory, Path provider) {
        var status = good(inventory, "status");
        assertTrue(status.out().contains("sha-1000001"), status::toString);
        good(inventory, "verify", "--quick");
        assertTrue(good(inventory, "logs", "B", "--tail", "1").out().contains("backtest-worker-1"));
        assertEquals(0, asked());
        assertFalse(Files.exists(provider), "the provider of secrets was started");
    }
}
