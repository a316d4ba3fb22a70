package ktrdr.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.Started;
import ktrdr.cli.Cli;
import ktrdr.inventory.Inventory;
import ktrdr.ssh.Ssh;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many nodes, all served by one server under different names. */
class FanOutTest {
    @TempDir Path folder;
    @Started("0.0.0.0") private SshPeer peer;

    @Test
    void runs_at_most_so_many_at_once_and_answers_in_inventory_order() {
        var working = new AtomicInteger();
        var most = new AtomicInteger();
        try (var fleet = peer.fleet(20, peer.port(), "").atOnce(4)) {
            var said = fleet.each((node, ssh) -> {
                most.accumulateAndGet(working.incrementAndGet(), Math::max);
                try {
                    return ssh.must("sleep 0.05; echo " + node.name());
                } finally {
                    working.decrementAndGet();
                }
            });
            assertEquals(fleet.nodes().stream().map(node -> node.name() + "\n").toList(),
                    List.copyOf(said.values().values()));
            assertEquals(4, most.get());
        }
    }

    @Test
    void one_that_says_nothing_keeps_no_other_waiting() throws IOException {
        try (var silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.1.1"));
                var fleet = peer.fleet(8, silent.getLocalPort(), "").atOnce(2)) {
            var begun = System.nanoTime();
            var outcomes = fleet.each((node, ssh) -> {
                ssh.must("true");
                return System.nanoTime() - begun;
            });
            // only the silent node waits for its 5 s timeout
            assertTrue(outcomes.values().values().stream().allMatch(took -> took < 5_000_000_000L),
                    outcomes.values()::toString);
            assertEquals(8, outcomes.values().size());
            assertEquals(List.of("w0"), outcomes.problems().keySet().stream().map(Inventory.Node::name)
                    .toList());
            assertTrue(outcomes.problems().values().iterator().next().sentence().contains("said nothing more"),
                    outcomes.problems()::toString);
        }
    }

    @Test
    void asking_once_opens_no_more_connections_than_work_at_once() {
        var met = new ConcurrentLinkedQueue<Ssh>();
        try (var fleet = peer.fleet(20, peer.port(), "").atOnce(3).once()) {
            var open = fleet.each((node, ssh) -> {
                met.add(ssh);
                if (node.name().equals("w7")) throw Problem.failed("this one failed");
                return met.stream().filter(Ssh::open).count();
            });
            assertTrue(open.values().values().stream().allMatch(count -> count <= 3), open.values()::toString);
            assertEquals(20, open.values().size());
            assertTrue(met.stream().noneMatch(Ssh::open), "the one that failed too");
        }
    }

    @Test
    void asks_nodes_for_their_scale_over_the_connections_of_the_work() {
        var connections = new AtomicInteger();
        peer.server.addSessionListener(new SessionListener() {
            @Override
            public void sessionCreated(Session session) {
                connections.incrementAndGet();
            }
        });
        var common = new Cli.Common();
        peer.scaled = false;
        common.inventoryFile = Fixtures.file(peer.inventory(3, peer.port(), ""));
        try (var fleet = common.running(false)) {
            assertEquals(Exit.OK, fleet.run("true").exit());
        }
        assertEquals(4, connections.get());
    }

    @Test
    void none_at_once_is_refused() {
        assertThrows(Problem.class, () -> peer.fleet(1, peer.port(), "").atOnce(0));
    }
}
