package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import ktrdr.Exit;
import ktrdr.SshPeer;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.junit.jupiter.api.Test;

/** The host keys of known_hosts: which hosts they accept and which they reject. */
class HostKeysTest extends SshConnecting {
    private SshTarget byName(String host) {
        return SshTarget.named("workers-b", host).address("127.0.0.1").port(peer.port()).user("root").build();
    }

    @Test
    void refuses_an_unknown_host_with_its_fingerprint_and_the_fix() throws Exception {
        peer.knownHosts("# nothing\nother.example " + SshPeer.line(peer.hostKey.getPublic()) + "\nnonsense\n");
        var problem = refused();
        says(problem, Exit.UNREACHABLE, "not known", HostKeys.Key.of(peer.hostKey.getPublic()).fingerprint(),
                "SHA256:");
        // the suggested fix must work
        var fix = problem.details().get("to do");
        SshPeer.sh("sh", "-c", fix.substring(fix.indexOf("echo ")));
        works();
    }

    @Test
    void refuses_a_changed_key_as_an_attack_with_both_fingerprints() throws Exception {
        var other = SshPeer.ec("secp256r1").getPublic();
        peer.knownHosts("\n" + peer.known(other));
        says(refused(), Exit.UNREACHABLE, "changed", "attack", HostKeys.Key.of(other).fingerprint(),
                HostKeys.Key.of(peer.hostKey.getPublic()).fingerprint(), "known_hosts, line 2",
                "ssh-keygen -R '[127.0.0.1]:" + peer.port() + "'");
    }

    @Test
    void a_hashed_entry_counts() throws Exception {
        var mac = Mac.getInstance("HmacSHA1");
        var salt = "12345678901234567890".getBytes(StandardCharsets.US_ASCII);
        mac.init(new SecretKeySpec(salt, "HmacSHA1"));
        var hash = mac.doFinal(("[127.0.0.1]:" + peer.port()).getBytes(StandardCharsets.US_ASCII));
        var encoder = Base64.getEncoder();
        peer.knownHosts("|1|" + encoder.encodeToString(salt) + "|" + encoder.encodeToString(hash) + " "
                + SshPeer.line(peer.hostKey.getPublic()) + "\n");
        works();
    }

    @Test
    void a_revoked_key_is_refused_even_when_it_is_known_too() throws Exception {
        peer.knownHosts(peer.known(peer.hostKey.getPublic()) + "@revoked * " + SshPeer.line(peer.hostKey.getPublic())
                + "\n");
        says(refused(), Exit.UNREACHABLE, "revoked", "line 2");
    }

    @Test
    void patterns_and_their_exceptions_count() throws Exception {
        peer.knownHosts("[127.0.0.*]:" + peer.port() + ",*.example " + SshPeer.line(peer.hostKey.getPublic()) + "\n");
        works();
        peer.knownHosts("!*127.0.0.1*,* " + SshPeer.line(peer.hostKey.getPublic()) + "\n");
        says(refused(), Exit.UNREACHABLE, "not known");
    }

    @Test
    void the_key_type_that_is_known_is_asked_for() throws Exception {
        var second = SshPeer.ec("secp384r1");
        peer.server.setKeyPairProvider(KeyPairProvider.wrap(peer.hostKey, second));
        peer.knownHosts(peer.known(second.getPublic()));
        works();
        peer.knownHosts(peer.known(peer.hostKey.getPublic()));
        works();
    }

    @Test
    void a_host_is_looked_up_by_name_whatever_the_address() throws Exception {
        peer.knownHosts("[workers-b.example]:" + peer.port() + " " + SshPeer.line(peer.hostKey.getPublic()) + "\n");
        try (var ssh = Ssh.connect(byName("workers-b.example"), peer.here())) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
    }

    @Test
    void an_entry_for_the_address_counts_where_the_name_has_none() throws Exception {
        var target = byName("b.ktrdr.test");
        try (var ssh = Ssh.connect(target, peer.here())) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
        var name = "[b.ktrdr.test]:" + peer.port() + " ";
        // another key is known for the name, and the name takes precedence
        peer.knownHosts(peer.known(peer.hostKey.getPublic()) + name + SshPeer.line(peer.clientKey.getPublic()) + "\n");
        says(refused(target), Exit.UNREACHABLE, "has changed");
        peer.knownHosts("@revoked " + peer.known(peer.hostKey.getPublic()) + name
                + SshPeer.line(peer.hostKey.getPublic()) + "\n");
        says(refused(target), Exit.UNREACHABLE, "is revoked");
        // an alias replaces all other names
        peer.knownHosts(peer.known(peer.hostKey.getPublic()));
        Files.writeString(peer.home.resolve(".ssh/config"), "Host b.ktrdr.test\nHostKeyAlias b\n");
        says(refused(target), Exit.UNREACHABLE, "not known");
    }
}
