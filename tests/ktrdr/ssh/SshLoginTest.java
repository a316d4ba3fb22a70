package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.Started;
import lab.Wait;
import org.apache.sshd.core.CoreModuleProperties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Logins with more keys than a host accepts attempts for, and the host's own message. */
class SshLoginTest {
    @TempDir Path folder;
    @Started private SshPeer peer;

    private void saysHi(SshTarget target) {
        try (var ssh = Ssh.connect(target, peer.here())) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
    }

    private void refused(String... words) {
        var problem = assertThrows(Problem.class, () -> peer.connect().close());
        var text = problem.sentence() + " " + problem.details();
        for (var word : words) assertTrue(text.contains(word), word + " is missing in: " + text);
        assertEquals(Exit.UNREACHABLE, problem.exit(), text);
    }

    /** A real agent with this many keys, all rejected. */
    private void withAgent(int keys, Work work) throws Exception {
        var socket = folder.resolve("agent");
        var agent = new ProcessBuilder("ssh-agent", "-D", "-a", socket.toString()).start();
        try {
            Wait.until(() -> Files.exists(socket), () -> "no agent listens");
            for (int i = 0; i < keys; i++) {
                var key = folder.resolve("key" + i).toString();
                SshPeer.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "key " + i, "-f", key);
                SshPeer.sh("env", "SSH_AUTH_SOCK=" + socket, "ssh-add", "-q", key);
            }
            peer.environment = Map.of("SSH_AUTH_SOCK", socket.toString());
            CoreModuleProperties.MAX_AUTH_REQUESTS.set(peer.server, 6);
            work.run();
        } finally {
            agent.destroy();
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    @Test
    void the_configured_identity_goes_before_the_keys_of_a_full_agent() throws Exception {
        withAgent(8, () -> {
            var configured = Files.move(peer.home.resolve(".ssh/id_ecdsa"), folder.resolve("configured"));
            Files.writeString(peer.home.resolve(".ssh/config"), "Host 127.*\nIdentityFile " + configured + "\n");
            saysHi(peer.target());
            Files.delete(peer.home.resolve(".ssh/config"));
            saysHi(peer.target().toBuilder().identity(configured).build());
        });
    }

    @Test
    void lists_the_offered_keys_when_a_server_rejects_too_many() throws Exception {
        withAgent(8, () -> refused("root@127.0.0.1 port " + peer.port() + " hung up after ", " keys {",
                "offered key 0 (agent, ssh-ed25519), key 1 (agent",
                "key 5 (agent", "`identity` under `ssh` in the inventory"));
    }

    @Test
    void a_refused_login_quotes_the_hosts_banner() {
        CoreModuleProperties.WELCOME_BANNER.set(peer.server,
                "System is going down.\nUnprivileged users are not permitted to log in anymore.\n");
        peer.allowed.clear();
        refused("it said", "System is going down.; Unprivileged users are not permitted to log in anymore.");
    }
}
