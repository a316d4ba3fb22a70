package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.Started;
import org.junit.jupiter.api.io.TempDir;

/** Connecting to a server in this process, and the message on a refusal. */
abstract class SshConnecting {
    @TempDir Path folder;
    @Started SshPeer peer;

    Problem refused() {
        return refused(peer.target());
    }

    Problem refused(SshTarget target) {
        return assertThrows(Problem.class, () -> Ssh.connect(target, peer.here()).close());
    }

    static void says(Problem problem, Exit exit, String... words) {
        var text = problem.sentence() + " " + problem.details();
        for (var word : words) assertTrue(text.contains(word), word + " is missing in: " + text);
        assertEquals(exit, problem.exit(), text);
    }

    void works() {
        try (var ssh = peer.connect()) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
    }
}
