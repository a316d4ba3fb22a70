package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.SshPeer;
import lab.Wait;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** How scripts end when their connection breaks. */
@Order(1)
class SshCutTest extends SshConnected {
    @Test
    void a_script_cut_on_its_way_does_nothing() throws Exception {
        var mark = folder.resolve("mark");
        var script = "touch " + mark + "\n: '" + "x".repeat(40_000) + "'\n";
        for (long offset = 0; offset < 40_000; offset += offset < 2_000 ? 97 : 3_989)
            try (var line = new SshPeer.Line(peer.port()); var cut = peer.connect(line)) {
                line.cutAt(line.sent() + offset);
                var problem = assertThrows(Problem.class, () -> cut.run(script));
                assertEquals(Exit.UNREACHABLE, problem.exit());
                assertFalse(Files.exists(mark), "cut after " + offset + " bytes");
            }
        Wait.millis(500);
        assertFalse(Files.exists(mark));
        ssh.must(script);
        assertTrue(Files.exists(mark));
    }

    @Test
    void a_connection_cut_while_a_script_runs_ends_the_script() throws Exception {
        var mark = folder.resolve("mark");
        try (var line = new SshPeer.Line(peer.port()); var cut = peer.connect(line)) {
            var problem = assertThrows(Problem.class,
                    () -> cut.run("echo started; sleep 2; touch " + mark, started -> close(line)));
            assertEquals(Exit.UNREACHABLE, problem.exit());
            assertTrue(problem.sentence().contains("lost"), problem.sentence());
        }
        Wait.millis(2_500);
        assertFalse(Files.exists(mark));
    }

    private static void close(SshPeer.Line line) {
        try {
            line.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_peer_that_died_is_noticed_in_the_middle_of_a_silent_script() throws Exception {
        peer.silence = Duration.ofSeconds(2);
        try (var line = new SshPeer.Line(peer.port()); var dead = peer.connect(line)) {
            assertEquals("quiet for longer than that\n", dead.must("sleep 4; echo quiet for longer than that"));
            long started = System.nanoTime();
            var problem = assertThrows(Problem.class, () -> dead.run("echo started; sleep 60", first -> line.freeze()));
            assertTrue(System.nanoTime() - started < 20_000_000_000L);
            assertEquals(Exit.UNREACHABLE, problem.exit());
            assertTrue(problem.details().get("found").contains("no answer any more"), problem.details().toString());
            assertEquals(Exit.UNREACHABLE, assertThrows(Problem.class, () -> dead.run("true")).exit());
        }
    }

    @Test
    void a_peer_that_died_is_noticed_while_much_is_sent_to_it() throws Exception {
        peer.silence = Duration.ofSeconds(2);
        try (var line = new SshPeer.Line(peer.port()); var dead = peer.connect(line)) {
            line.freeze();
            long started = System.nanoTime();
            assertEquals(Exit.UNREACHABLE,
                    assertThrows(Problem.class, () -> dead.run(": '" + "x".repeat(10_000_000) + "'")).exit());
            assertTrue(System.nanoTime() - started < 20_000_000_000L);
        }
    }

    @Test
    void reconnects_before_a_script_but_never_in_the_middle_of_one() throws Exception {
        peer.silence = Duration.ofSeconds(2);
        try (var line = new SshPeer.Line(peer.port()); var kept = peer.connect(line)) {
            kept.lasting();
            line.close();
            assertEquals("cut\n", kept.must("echo cut"));
            // the client does not know that the connection is dead until it sends something
            line.freeze();
            assertEquals("frozen\n", kept.must("echo frozen"));
            var marks = folder.resolve("marks");
            assertEquals(Exit.UNREACHABLE,
                    assertThrows(Problem.class,
                            () -> kept.run("echo begun >>" + Sh.quote(marks.toString()) + "; echo begun; sleep 60",
                                    first -> close(line))).exit());
            assertEquals("begun\n", kept.must("cat " + Sh.quote(marks.toString())));
        }
    }

    @Test
    void closing_the_connection_during_a_script_is_one_clear_error() {
        var problem = assertThrows(Problem.class, () -> ssh.run("echo here; sleep 30", line -> ssh.close()));
        assertEquals(Exit.UNREACHABLE, problem.exit());
        assertEquals("workers-b: the connection was lost while a script ran", problem.sentence());
    }
}
