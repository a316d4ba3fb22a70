package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.Started;
import ktrdr.fleet.Fleet;
import ktrdr.ssh.Ssh;
import ktrdr.ssh.SshTarget;
import lab.Wait;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A node with a pinned host key must present that key, or gets no login attempt, on every connection path. */
class HostKeyPinTest {
    private static final KeyPair ANOTHER = SshPeer.ec("secp256r1");
    @TempDir Path folder;
    @Started("0.0.0.0") private SshPeer peer;
    /** Users of login attempts: the first data that an ssh client sends after the key exchange. */
    private final List<String> logins = new CopyOnWriteArrayList<>();

    @BeforeEach
    void start() throws IOException {
        listen(peer);
        everybodyIsKnown(peer.hostKey.getPublic());
    }

    private void listen(SshPeer peer) {
        var allowed = peer.server.getPublickeyAuthenticator();
        peer.server.setPublickeyAuthenticator(
                (user, key, session) -> logins.add(user) && allowed.authenticate(user, key, session));
    }

    private void everybodyIsKnown(PublicKey... keys) throws IOException {
        var text = new StringBuilder();
        for (var key : keys)
            text.append("* ").append(SshPeer.line(key)).append("\n[*]:* ").append(SshPeer.line(key)).append('\n');
        peer.knownHosts(text.toString());
    }

    private static String print(KeyPair pair) {
        return HostKeyPin.fingerprint(java.util.Base64.getDecoder()
                .decode(SshPeer.line(pair.getPublic()).split(" ")[1]));
    }

    /** The pinned keys of an inventory that pins this key for core. */
    private Map<String, HostKeyPin> pins(String pin) {
        return inventory(pin, "").hostKeys();
    }

    private Inventory inventory(String corePin, String workers) {
        var ssh = "ssh: {user: root, port: " + peer.port() + ", known_hosts: " + peer.home.resolve(".ssh/known_hosts")
                + ", identity: " + peer.home.resolve(".ssh/id_ecdsa") + "}\n";
        return Fixtures.inventory("domain: ktrdr.test\nresolve: inventory\n" + ssh
                + "nodes:\n  core: {role: core, host: backend, address: 127.0.0.1, aliases: [grafana], host_key: \""
                + corePin
                + "\"}\n  workers-b: {role: workers, host: workers-b, address: 127.0.0.2" + workers
                + "}\nimages: {backend: registry.test:5000/ktrdr-backend}\n");
    }

    private SshTarget to(String host, Optional<String> address, Optional<String> jump, Map<String, HostKeyPin> pins) {
        var target = SshTarget.named("core", host).port(peer.port()).user("root").hostKeys(pins);
        address.ifPresent(target::address);
        jump.ifPresent(target::jump);
        return target.build();
    }

    private SshTarget byName(String pin) {
        return to("backend.ktrdr.test", Optional.of("127.0.0.1"), Optional.empty(), pins(pin));
    }

    private void works(SshTarget target) {
        try (var ssh = Ssh.connect(target, peer.here())) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
    }

    private void refused(SshTarget target, String node) {
        logins.clear();
        refused(assertThrows(Problem.class, () -> Ssh.connect(target, peer.here()).close()), node);
        assertEquals(List.of(), logins, "who shows another key hears nothing of us");
    }

    private void refused(Problem problem, String node) {
        assertEquals(Exit.UNREACHABLE, problem.exit());
        assertTrue(problem.sentence().startsWith(node + ": the host key of ")
                && problem.sentence()
                        .endsWith(" is not the one that the inventory pins; this may be an attack, nothing was sent"),
                problem.sentence());
        assertEquals("ecdsa-sha2-nistp256 " + print(peer.hostKey), problem.details().get("found"));
        assertTrue(problem.details().get("expected")
                .endsWith(print(ANOTHER) + " (host_key of the node in the inventory)"),
                problem.details().get("expected"));
    }

    @Test
    void the_pinned_key_is_let_in_whatever_known_hosts_has() throws Exception {
        var line = SshPeer.line(peer.hostKey.getPublic());
        for (var known : List.of(List.<PublicKey>of(), List.of(ANOTHER.getPublic()))) {
            everybodyIsKnown(known.toArray(new PublicKey[0]));
            for (var pin : List.of(print(peer.hostKey), "ecdsa-sha2-nistp256 " + print(peer.hostKey), line,
                    line + " root@backend")) works(byName(pin));
        }
    }

    @Test
    void another_key_is_refused_even_where_known_hosts_has_it() {
        for (var pin : List.of(print(ANOTHER), "ecdsa-sha2-nistp256 " + print(ANOTHER),
                SshPeer.line(ANOTHER.getPublic()))) refused(byName(pin), "core");
    }

    @Test
    void the_key_of_the_pinned_type_is_asked_for() throws Exception {
        var second = SshPeer.ec("secp384r1");
        peer.server.setKeyPairProvider(KeyPairProvider.wrap(peer.hostKey, second));
        for (var pair : List.of(peer.hostKey, second)) works(byName(SshPeer.line(pair.getPublic())));
        // a fingerprint has no key type, so known_hosts may provide it
        everybodyIsKnown(second.getPublic());
        works(byName(print(second)));
    }

    @Test
    void a_key_that_is_revoked_is_refused_though_it_is_pinned() throws Exception {
        peer.knownHosts("@revoked * " + SshPeer.line(peer.hostKey.getPublic()) + "\n@revoked [*]:* "
                + SshPeer.line(peer.hostKey.getPublic()) + "\n");
        var problem = assertThrows(Problem.class, () -> Ssh.connect(byName(print(peer.hostKey)), peer.here()));
        assertTrue(problem.sentence().endsWith("is revoked"), problem.sentence());
        assertEquals(List.of(), logins);
    }

    @Test
    void the_pin_applies_by_address_alias_and_ssh_config_name() throws Exception {
        refused(to("127.0.0.1", Optional.empty(), Optional.empty(), pins(print(ANOTHER))), "core");
        refused(to("grafana.KTRDR.test", Optional.of("127.0.0.3"), Optional.empty(), pins(print(ANOTHER))), "core");
        Files.writeString(peer.home.resolve(".ssh/config"),
                "Host mine backend.ktrdr.test\n  HostName 127.0.0.1\n  HostKeyAlias other.example\n");
        refused(to("mine", Optional.empty(), Optional.empty(), pins(print(ANOTHER))), "core");
        refused(to("backend.ktrdr.test", Optional.empty(), Optional.empty(), pins(print(ANOTHER))), "core");
    }

    @Test
    void a_pinned_node_is_refused_behind_a_jump_host_and_as_one() {
        refused(to("backend.ktrdr.test", Optional.of("127.0.0.1"), Optional.of("root@127.0.0.2:" + peer.port()),
                Map.of("backend.ktrdr.test", HostKeyPin.of(print(peer.hostKey)).orElseThrow(),
                "127.0.0.2", HostKeyPin.of(print(ANOTHER)).orElseThrow())), "core, jump host 127.0.0.2");
        var behind = to("backend.ktrdr.test", Optional.of("127.0.0.1"), Optional.of("root@127.0.0.2:" + peer.port()),
                pins(print(ANOTHER)));
        refused(assertThrows(Problem.class, () -> Ssh.connect(behind, peer.here())), "core");
        assertEquals(List.of("root"), logins.stream().distinct().toList(),
                "the jump host, which is not pinned, was logged in to");
        works(to("backend.ktrdr.test", Optional.of("127.0.0.1"), Optional.of("root@127.0.0.2:" + peer.port()),
                pins(print(peer.hostKey))));
    }

    @Test
    void a_fleet_refuses_the_node_alone_and_works_on_the_others() {
        var inventory = inventory(print(ANOTHER), ", host_key: \"" + SshPeer.line(peer.hostKey.getPublic()) + "\"");
        try (var fleet = new Fleet(inventory, inventory.nodes(), new Console(Console.Color.never, false))) {
            var said = fleet.run("echo hi");
            assertEquals(Map.of(inventory.node("workers-b"), "hi\n"), said.values());
            refused(said.problems().get(inventory.core()), "core");
        }
    }

    @Test
    void reconnects_only_with_the_pinned_key() throws Exception {
        var inventory = inventory(print(ANOTHER), "");
        peer.server.setKeyPairProvider(KeyPairProvider.wrap(ANOTHER));
        try (var fleet = new Fleet(inventory, List.of(inventory.core()), new Console(Console.Color.never, false))) {
            assertEquals(Exit.OK, fleet.run("true").exit());
            peer.server.setKeyPairProvider(KeyPairProvider.wrap(peer.hostKey));
            logins.clear();
            for (var session : peer.server.getActiveSessions()) session.close(true).await();
            // the first command may be the one that detects the lost connection
            var said = new AtomicReference<Problem>();
            Wait.until(() -> {
                said.set(fleet.run("true").problems().get(inventory.core()));
                return said.get() == null || !said.get().sentence().contains("was lost");
            }, () -> said.get().sentence());
            refused(said.get(), "core");
            assertEquals(List.of(), logins);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SHA256:short", "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "ssh-ed25519 AAAA",
            "ssh-ed25519", "yes",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ0lAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    void what_is_no_key_is_told_with_its_place(String pin) {
        var problem = assertThrows(Problem.class, () -> pins(pin));
        assertEquals(Exit.USAGE, problem.exit());
        assertTrue(problem.details().toString()
                .contains("nodes.core.host_key: expected " + HostKeyPin.FORM + ", found "),
                problem.details().toString());
    }
}
