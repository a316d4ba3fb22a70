package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.Started;
import ktrdr.inventory.HostKeyPin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host that presents the key of another node: swapped addresses, detected by the node's name. */
class NeighbourKeysTest {
    private static final KeyPair OWN = SshPeer.ec("secp256r1");
    @TempDir Path folder;
    @Started("0.0.0.0") private SshPeer peer;

    private String entry(String host, KeyPair key) {
        return "[" + host + "]:" + peer.port() + " " + SshPeer.line(key.getPublic()) + "\n";
    }

    private static HostKeyPin pin(KeyPair key) {
        return HostKeyPin.of(SshPeer.line(key.getPublic())).orElseThrow();
    }

    private HostKeys.Neighbour neighbour(String node, Optional<HostKeyPin> pin) {
        return new HostKeys.Neighbour(node, List.of(node + ".ktrdr.test", "10.0.0.12"), peer.port(), pin);
    }

    /** The error when the host of workers-c answers for workers-b, by known hosts and pins. */
    private Problem refused(String known, Map<String, HostKeyPin> pins, HostKeys.Neighbour... neighbours)
            throws IOException {
        peer.knownHosts(known);
        var target = SshTarget.named("workers-b", "workers-b.ktrdr.test").address("127.0.0.1")
                .port(peer.port()).user("root").hostKeys(pins).neighbours(() -> List.of(neighbours)).build();
        var problem = assertThrows(Problem.class, () -> Ssh.connect(target, peer.here()).close());
        assertEquals(Exit.UNREACHABLE, problem.exit());
        return problem;
    }

    private void isTold(Problem problem, String where) {
        assertEquals("workers-b: the host that answers at 127.0.0.1 is workers-c, not workers-b, by the key that it "
                + "shows; nothing was sent", problem.sentence());
        assertTrue(problem.details().get("found").contains("which is that of workers-c (")
                && problem.details().get("found").contains(where), problem.details()::toString);
        assertTrue(problem.details().get("to do").contains("may be swapped"), problem.details()::toString);
    }

    @Test
    void it_is_known_by_its_name_or_by_its_address() throws IOException {
        for (var host : List.of("workers-c.ktrdr.test", "10.0.0.12"))
            isTold(refused(entry("workers-b.ktrdr.test", OWN) + entry(host, peer.hostKey), Map.of(),
                    neighbour("workers-c", Optional.empty())), "line 2");
    }

    @Test
    void does_not_suggest_adding_the_key_of_a_neighbour() throws IOException {
        var problem = refused(entry("workers-c.ktrdr.test", peer.hostKey), Map.of(),
                neighbour("workers-c", Optional.empty()));
        isTold(problem, "line 1");
        assertTrue(!problem.details().get("to do").contains(">>"), problem.details()::toString);
    }

    @Test
    void it_is_known_by_the_key_that_the_inventory_pins_for_it() throws IOException {
        isTold(refused(entry("workers-b.ktrdr.test", OWN), Map.of(),
                neighbour("workers-c", Optional.of(pin(peer.hostKey)))), "host_key of the node in the inventory");
        isTold(refused("", Map.of("workers-b.ktrdr.test", pin(OWN)),
                neighbour("workers-c", Optional.of(pin(peer.hostKey)))), "host_key of the node in the inventory");
    }

    @Test
    void an_unknown_shared_or_pattern_key_may_still_be_an_attack() throws IOException {
        var own = entry("workers-b.ktrdr.test", OWN);
        var none = neighbour("workers-c", Optional.empty());
        assertTrue(refused(own, Map.of(), none).sentence()
                .endsWith("has changed; this may be an attack, nothing was sent"));
        assertTrue(refused(own + entry("workers-c.ktrdr.test", peer.hostKey)
                + entry("workers-d.ktrdr.test", peer.hostKey), Map.of(), none, neighbour("workers-d", Optional.empty()))
                .sentence().endsWith("has changed; this may be an attack, nothing was sent"));
        assertTrue(refused("[*]:* " + SshPeer.line(peer.hostKey.getPublic()) + "\n",
                Map.of("workers-b.ktrdr.test", pin(OWN)), none).sentence()
                .contains("is not the one that the inventory pins"));
        // its own pin takes precedence over the file
        assertTrue(refused(own + entry("workers-c.ktrdr.test", peer.hostKey), Map.of(),
                neighbour("workers-c", Optional.of(pin(OWN)))).sentence().contains("has changed"));
        assertTrue(refused(own + "@revoked " + entry("workers-b.ktrdr.test", peer.hostKey)
                + entry("workers-c.ktrdr.test", peer.hostKey), Map.of(), none).sentence().endsWith("is revoked"));
    }

    @Test
    void knows_the_other_nodes_by_all_their_names_and_their_port() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("host: gpu-1,",
                "host: gpu-1, ssh: {port: 2222},"));
        var others = HostKeys.neighbours(inventory, inventory.node("B"));
        assertEquals(List.of("core", "gpu"), others.stream().map(HostKeys.Neighbour::node).toList());
        assertEquals(List.of("gpu-1.ktrdr.test", "gpu-1", "10.0.0.12"), others.get(1).hosts());
        assertEquals(2222, others.get(1).port());
    }
}
