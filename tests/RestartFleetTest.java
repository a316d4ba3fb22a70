import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import lab.Aftermath;
import lab.Toolkit;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Restarts of running containers without any change. */
@Tag("fleet")
class RestartFleetTest {
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs() {
        Aftermath.settle();
        Aftermath.well();
    }

    /** Maps each container to its id and start time. */
    private static Map<String, String> starts(String host) {
        var starts = new TreeMap<String, String>();
        World.on(host, "docker ps -a --format '{{.Names}}' | grep -v exporter | while read -r name; do docker inspect "
                + "--format '{{.Name}} {{.Id}} {{.State.StartedAt}}' \"$name\"; done").lines()
                .forEach(line -> starts.put(line.split(" ")[0].substring(1), line.substring(line.indexOf(' ') + 1)));
        return starts;
    }

    private static String id(Map<String, String> starts, String container) {
        return starts.get(container).split(" ")[0];
    }

    /** Asserts that only this container was restarted, and none was recreated. */
    private static void only(String container, Map<String, String> before, Map<String, String> after) {
        assertEquals(id(before, container), id(after, container));
        assertFalse(before.get(container).equals(after.get(container)), container);
        after.put(container, before.get(container));
        assertEquals(before, after);
    }

    @Test
    void restarts_one_worker_without_secrets_and_keeps_the_release() throws IOException {
        var inventory = Files.writeString(folder.resolve("inventory.yaml"), Files.readString(World.inventory())
                .replaceAll("secrets: .*", "secrets: {provider: file, file: " + folder.resolve("none.json") + "}")
                .replace("identity: ", "identity: " + World.folder() + "/")
                .replace("known_hosts: ", "known_hosts: " + World.folder() + "/"));
        var before = starts("workers-b");
        var back = ktrdr("rollback", "workers", "B", "--dry-run").run().out();
        var dry = ktrdr("restart", "workers", "B", "training-worker-2", "--dry-run", "-i", inventory.toString()).run();
        assertEquals(0, dry.exit(), dry::toString);
        assertTrue(dry.out().contains("training-worker-2 restarted"), dry::toString);
        assertEquals(before, starts("workers-b"));
        var ran = ktrdr("restart", "workers", "B", "training-worker-2", "-i", inventory.toString()).run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("1 of 1 registered"), ran::toString);
        only("training-worker-2", before, starts("workers-b"));
        var history = Aftermath.history("workers-b");
        var last = history.get(history.size() - 1);
        assertEquals("restarted restart workers B training-worker-2",
                last.path("outcome").asText() + " " + last.path("command").asText());
        assertEquals(back, ktrdr("rollback", "workers", "B", "--dry-run").run().out());
        Aftermath.clean("workers-b", ran);
    }

    @Test
    void restarts_the_backend_and_its_workers_register_again() {
        var before = starts("core");
        var workers = Map.of("workers-b", starts("workers-b"), "workers-c", starts("workers-c"));
        var ran = ktrdr("restart", "core", "backend", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("6 of 6 registered again"), ran::toString);
        assertTrue(ran.json().path("backend_away_seconds").asDouble() > 0, ran::toString);
        only("ktrdr-backend", before, starts("core"));
        assertEquals(workers, Map.of("workers-b", starts("workers-b"), "workers-c", starts("workers-c")));
    }

    @Test
    void what_is_not_there_is_refused_before_anything_is_touched() {
        var before = starts("workers-b");
        Toolkit.refused(1, ktrdr("restart", "workers", "B", "backtest-worker-3").run(),
                "workers-b: there is no container of backtest-worker-3");
        Toolkit.refused(2, ktrdr("restart", "workers", "redis").run(), "redis");
        Toolkit.refused(2, ktrdr("restart", "core", "redis").run(), "core has no service redis");
        assertEquals(before, starts("workers-b"));
    }
}
