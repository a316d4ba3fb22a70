import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** verify --quick against a fleet that is well, and one that is not. */
@Tag("fleet")
class VerifyTest {
    @BeforeAll
    static void a_release_runs_everywhere() {
        assertEquals(0, ktrdr("deploy", "all", "--tag", "sha-1000001").run().exit());
    }

    @Test
    void all_holds_eight_workers_and_every_target_are_among_it() throws IOException {
        var ran = ktrdr("verify", "--quick", "--wait", "60s", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var checks = new ObjectMapper().readTree(ran.out()).path("checks").findValuesAsText("id");
        assertEquals(8, checks.stream().filter(id -> id.endsWith(".registered")).count());
        assertEquals(9, checks.stream().filter(id -> id.startsWith("target.")).count());
        assertTrue(checks.containsAll(List.of("db.query", "backend.health", "grafana.health", "jaeger.health", "prometheus.health")), ran::toString);
    }

    @Test
    void a_stopped_worker_is_named() {
        World.on("workers-c", "docker stop -t 1 training-worker-2");
        try {
            var ran = ktrdr("verify", "--quick").run();
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("workers-c.training-worker-2.container does not hold") && ran.err().contains("exited"), ran::toString);
        } finally {
            World.on("workers-c", "docker start training-worker-2");
        }
    }

    @Test
    void a_stopped_database_is_found_by_a_query() {
        World.on("core", "docker pause ktrdr-db");
        try {
            var ran = ktrdr("verify", "--quick").run();
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("db.query does not hold"), ran::toString);
        } finally {
            World.on("core", "docker unpause ktrdr-db");
        }
    }

    @Test
    void a_host_that_is_down_is_unreachable_and_the_rest_is_told() {
        World.pause("workers-c");
        try {
            var ran = ktrdr("verify", "--quick").run();
            assertEquals(3, ran.exit(), ran::toString);
            assertTrue(ran.out().contains("backend.health") && ran.err().contains("workers-c.ssh does not hold"), ran::toString);
        } finally {
            World.unpause("workers-c");
        }
    }
}
