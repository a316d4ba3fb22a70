package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many nodes, which all are one server under many names. */
class FanOutTest {
    @TempDir Path folder;
    private SshPeer peer;

    @BeforeEach
    void start() throws IOException {
        peer = new SshPeer(folder, "0.0.0.0");
        var key = peer.known(peer.hostKey.getPublic()).replaceFirst("^\\S+", "");
        peer.knownHosts("*" + key + "[*]:*" + key);
    }

    @AfterEach
    void stop() throws IOException {
        peer.close();
    }

    /** So many workers nodes beside core, and the port of the first of them. */
    private Fleet fleet(int nodes, int first) {
        var inventory = Fixtures.inventory(inventory(nodes, first, ", scale: 1"));
        return new Fleet(inventory, inventory.nodes(), new Console(Console.Color.never, false));
    }

    private String inventory(int nodes, int first, String scale) {
        var ssh = "ssh: {user: root, port: %d, known_hosts: " + peer.home.resolve(".ssh/known_hosts") + ", identity: " + peer.home.resolve(".ssh/id_ecdsa") + ", connect_timeout: 5s}";
        return "domain: ktrdr.test\nresolve: inventory\n" + ssh.formatted(peer.port()) + "\nnodes:\n  core: {role: core, host: backend, address: 127.0.0.1}\n"
                + IntStream.range(0, nodes).mapToObj(i -> "  w" + i + ": {role: workers, host: w" + i + ", address: 127.0.1." + (i + 1) + scale
                        + (i == 0 ? ", " + ssh.formatted(first) : "") + "}\n").collect(Collectors.joining())
                + "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}\n";
    }

    @Test
    void so_many_are_worked_on_at_once_and_the_answers_are_in_the_order_of_the_inventory() {
        var working = new AtomicInteger();
        var most = new AtomicInteger();
        try (var fleet = fleet(20, peer.port()).atOnce(4)) {
            var said = fleet.each((node, ssh) -> {
                most.accumulateAndGet(working.incrementAndGet(), Math::max);
                try {
                    return ssh.must("sleep 0.05; echo " + node.name());
                } finally {
                    working.decrementAndGet();
                }
            });
            assertEquals(fleet.nodes().stream().map(node -> node.name() + "\n").toList(), List.copyOf(said.values().values()));
            assertEquals(4, most.get());
        }
    }

    @Test
    void one_that_says_nothing_keeps_no_other_waiting() throws IOException {
        try (var silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.1.1")); var fleet = fleet(8, silent.getLocalPort()).atOnce(2)) {
            var begun = System.nanoTime();
            var outcomes = fleet.each((node, ssh) -> {
                ssh.must("true");
                return System.nanoTime() - begun;
            });
            // the silent one has its five seconds
            assertTrue(outcomes.values().values().stream().allMatch(took -> took < 5_000_000_000L), outcomes.values()::toString);
            assertEquals(8, outcomes.values().size());
            assertEquals(List.of("w0"), outcomes.problems().keySet().stream().map(Inventory.Node::name).toList());
            assertTrue(outcomes.problems().values().iterator().next().sentence().contains("said nothing more"), outcomes.problems()::toString);
        }
    }

    @Test
    void nodes_are_asked_for_their_scale_over_the_connections_of_the_work_that_follows() {
        var connections = new AtomicInteger();
        peer.server.addSessionListener(new SessionListener() {
            @Override
            public void sessionCreated(Session session) {
                connections.incrementAndGet();
            }
        });
        var common = new Cli.Common();
        common.inventoryFile = Fixtures.file(inventory(3, peer.port(), ""));
        common.running(false);
        try (var fleet = common.fleet(List.of())) {
            assertEquals(Exit.OK, fleet.run("true").exit());
        }
        assertEquals(4, connections.get());
    }

    @Test
    void none_at_once_is_refused() {
        assertThrows(Problem.class, () -> fleet(1, peer.port()).atOnce(0));
    }
}
