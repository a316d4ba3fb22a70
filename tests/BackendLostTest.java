import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import lab.Aftermath;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A backend that is gone and there again: its workers, which are left alone, are known to it once more. */
@Tag("fleet")
class BackendLostTest {
    @BeforeAll
    static void a_release_runs() {
        Aftermath.restore();
        Aftermath.well();
    }

    private static List<Map<String, String>> workers() {
        return List.of(World.containers("workers-b"), World.containers("workers-c"));
    }

    @Test
    void workers_of_a_backend_that_was_killed_are_registered_again_though_docker_looks_at_them_all_the_time() {
        var before = workers();
        // without a word to its workers
        World.on("core", "docker kill -s KILL ktrdr-backend && docker start ktrdr-backend");
        var ran = ktrdr("verify", "--quick", "--wait", "90s", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(before, workers());
        for (var host : List.of("workers-b", "workers-c"))
            assertEquals("4", World.on(host, "docker ps --filter health=healthy --format '{{.Names}}' | grep -c worker"), host);
    }

    /** Each start of a worker would be another service among the traces otherwise. */
    @Test
    void a_worker_has_the_same_id_at_each_start() {
        World.on("workers-b", "docker restart -t 3 backtest-worker-1");
        Aftermath.well();
        var workers = World.get("http://10.42.1.10:8000/api/v1/workers");
        assertTrue(workers.contains("\"worker_id\":\"workers-b-backtest-1\"") && workers.contains("\"worker_id\":\"workers-c-training-2\""), workers);
        assertEquals(8, workers.split("\"worker_id\"", -1).length - 1, workers);
    }
}
