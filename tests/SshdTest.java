import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.ssh.Ssh;
import ktrdr.ssh.SshTarget;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** OpenSSH servers on core that allow only one algorithm of a kind. */
@Tag("fleet")
class SshdTest {
    private static final int PORT = 2200;
    private static final String SERVERS = "/run/sshd-test";
    @TempDir static Path folder;

    @BeforeAll
    static void keys_for_servers_and_for_us() {
        World.on("core", "mkdir -m 755 " + SERVERS + "; cd " + SERVERS
                + "; for type in rsa ecdsa ed25519; do ssh-keygen -q -t $type -N '' -f host_$type; done");
        for (var type : new String[] {"rsa", "ecdsa", "ed25519"})
            assertTrue(LocalCommand.command("ssh-keygen", "-q", "-t", type, "-N", "", "-f",
                    folder.resolve(type).toString()).run().ok());
        World.on("core", "cat >" + SERVERS + "/authorized <<'KEYS'\n" + publicKeys() + "KEYS\n");
    }

    private static String publicKeys() {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".pub")).map(SshdTest::text)
                    .collect(Collectors.joining());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterAll
    static void no_server_stays() {
        World.on("core", "rm -rf " + SERVERS);
    }

    /** The response of a server with this sshd_config option and host key type to a login with this key type. */
    private static String answer(String option, String hostKey, String key) throws IOException {
        World.on("core", "/usr/sbin/sshd -f /dev/null -p " + PORT + " -h " + SERVERS + "/host_" + hostKey
                + " -o PidFile=" + SERVERS + "/pid -o AuthorizedKeysFile=" + SERVERS
                + "/authorized -o PermitRootLogin=yes" + (option.isEmpty() ? "" : " -o " + option) + "; until [ -s "
                + SERVERS + "/pid ]; do sleep 0.05; done");
        try {
            var host = Inventory.read(World.inventory()).core().address().orElseThrow();
            var known = Files.writeString(folder.resolve("known_hosts"), "[" + host + "]:" + PORT + " "
                    + World.on("core", "cat " + SERVERS + "/host_" + hostKey + ".pub") + "\n");
            var target = SshTarget.named("core", host).port(PORT).user("root").identity(folder.resolve(key))
                    .knownHosts(known).config(Files.writeString(folder.resolve("config"), "")).build();
            try (var ssh = Ssh.connect(target)) {
                return ssh.must("head -c 300000 /dev/zero | sha256sum | cut -c 1-8; echo \"$SSH_CONNECTION\" | cut -d "
                        + "' ' -f 4");
            }
        } finally {
            World.on("core", "kill $(cat " + SERVERS + "/pid); rm -f " + SERVERS + "/pid; while ss -Hltn 'sport = :"
                    + PORT + "' | grep -q .; do sleep 0.05; done");
        }
    }

    private static void answers(String option, String hostKey, String key) throws IOException {
        assertEquals("886715e4\n2200\n", answer(option, hostKey, key), option);
    }

    @ParameterizedTest
    @ValueSource(strings = {"KexAlgorithms=curve25519-sha256", "KexAlgorithms=ecdh-sha2-nistp256",
            "KexAlgorithms=ecdh-sha2-nistp521", "KexAlgorithms=diffie-hellman-group16-sha512",
        "KexAlgorithms=diffie-hellman-group-exchange-sha256", "Ciphers=aes128-gcm@openssh.com",
            "Ciphers=aes256-gcm@openssh.com", "Ciphers=aes128-ctr", "Ciphers=aes256-ctr",
        "Ciphers=chacha20-poly1305@openssh.com"})
    void whatever_strong_algorithm_a_server_has_alone_is_spoken(String option) throws IOException {
        answers(option, "ed25519", "ed25519");
    }

    @ParameterizedTest
    @ValueSource(strings = {"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256",
            "hmac-sha2-512"})
    void a_cipher_without_its_own_sum_goes_with_every_strong_one(String sum) throws IOException {
        answers("Ciphers=aes128-ctr -o MACs=" + sum, "ed25519", "ed25519");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rsa", "ecdsa", "ed25519"})
    void keys_of_each_type_are_taken_of_a_server_and_shown_to_it(String type) throws IOException {
        answers("PubkeyAcceptedAlgorithms=" + (type.equals("rsa") ? "rsa-sha2-512" : type.equals("ecdsa")
                ? "ecdsa-sha2-nistp256" : "ssh-ed25519"), type, type);
    }

    @Test
    void refuses_a_weak_server_and_lists_the_accepted_algorithms() {
        var refused = assertThrows(Problem.class, () -> answer("Ciphers=aes128-cbc", "ed25519", "ed25519"));
        assertEquals(Exit.UNREACHABLE, refused.exit());
        assertTrue(refused.sentence().contains("no algorithm that is spoken here"), refused::sentence);
        assertTrue(refused.details().get("expected").startsWith("Ciphers with one of aes128-gcm@openssh.com, "),
                refused.details()::toString);
        assertEquals("aes128-cbc", refused.details().get("found"));
    }
}
