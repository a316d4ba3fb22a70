import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import lab.Aftermath;
import lab.SshdLog;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Round trips of a procedure to a node, from the log of the node's sshd: connections, and commands over them. */
@Tag("fleet")
class RoundTripsTest {
    @BeforeAll
    static void a_release_runs() {
        Aftermath.deployed();
        Aftermath.well();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
        "verify-infra | 1/1 | 1/1",
        "run uptime | 1/1 | 1/1",
        "status | 1/1 | 1/1",
        "deploy all --tag sha-1000001 | 1/3 | 1/3",
        "deploy all | 1/4 | 1/3",
        "deploy workers all | 1/1 | 1/3",
        "stage all --tag sha-1000001 | 1/1 | 1/1",
        "stage all --tag sha-1000001 --check | 1/1 | 1/1",
        "logs all --tail 1 | 1/1 | 1/1",
        "verify --quick | 1/2 | 1/2",
        "setup-dns --check | 1/1 | 1/1",
        "backup-db --list | 1/1 | 0/0",
    })
    void one_connection_and_few_commands_a_node(String line, String core, String workers) {
        var log = SshdLog.fromNow();
        var ran = ktrdr(line.split(" ")).run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(Map.of("core", core, "workers-b", workers, "workers-c", workers), log.counts());
    }
}
