package ktrdr.ssh;

import java.io.IOException;
import java.nio.file.Path;
import ktrdr.SshPeer;
import ktrdr.Started;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** An open connection to a server in this process. */
abstract class SshConnected {
    @TempDir Path folder;
    @Started SshPeer peer;
    Ssh ssh;

    @BeforeEach
    void start() throws IOException {
        ssh = peer.connect();
    }

    @AfterEach
    void stop() throws IOException {
        ssh.close();
    }
}
