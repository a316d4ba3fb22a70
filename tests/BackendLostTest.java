import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lab.Aftermath;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The backend is killed and started again: workers that keep running register with it again. */
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

    /** Requests a worker's health every two seconds during an action, as an external probe may. */
    private static void probed(String host, int port, Runnable meanwhile) {
        World.on(host, "setsid sh -c 'while sleep 2; do curl -s -o /dev/null http://localhost:" + port
                + "/health; done' >/dev/null 2>&1 </dev/null & echo $! >/run/probe");
        try {
            meanwhile.run();
        } finally {
            World.on(host, "kill -- -$(cat /run/probe); rm /run/probe");
        }
    }

    private static String registered() {
        return World.on("core", "curl -s http://localhost:8000/api/v1/workers || :");
    }

    @Test
    void workers_register_again_or_are_reported_and_restored() {
        var before = workers();
        var release = Aftermath.release("workers-c");
        probed("workers-c", 5003, () -> {
            theOthersRegisterAgain(before);
            verifyNamesTheWorker();
            aDeploymentStartsItAgain(release);
        });
        var ran = ktrdr("verify", "--quick", "--wait", "30s", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var others = workers();
        for (var maps : List.of(before, others)) maps.get(1).remove("backtest-worker-1");
        assertEquals(before, others);
    }

    private static void theOthersRegisterAgain(List<Map<String, String>> before) {
        // SIGKILL: the backend cannot notify its workers
        World.on("core", "docker kill -s KILL ktrdr-backend && docker start ktrdr-backend");
        Wait.until(Duration.ofSeconds(90), () -> registered().split("\"worker_id\"", -1).length - 1 == 5,
                BackendLostTest::registered);
        // Docker's health checks keep running, and no worker was restarted
        assertEquals(before, workers());
        var healthy = "docker ps --filter health=healthy --format '{{.Names}}' | grep -c worker";
        assertEquals("4 2", World.on("workers-b", healthy) + " " + World.on("workers-c", healthy));
    }

    private static void verifyNamesTheWorker() {
        var ran = ktrdr("verify", "--quick", "-o", "json").run();
        assertEquals(1, ran.exit(), ran::toString);
        var check = "workers-c.backtest-worker-1.registered";
        assertEquals(Set.of(check), ran.failing().keySet(), ran::toString);
        // a worker that met a slow backend at its start has a line about it
        assertTrue(ran.failing().get(check).matches("not registered, though it is up; its log (says: .*(?i:regist).*"
                + "|does not mention it: something may keep polling its /health)"), ran::toString);
    }

    private static void aDeploymentStartsItAgain(String release) {
        var start = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' ";
        var lost = World.on("workers-c", start + "backtest-worker-1");
        var other = World.on("workers-c", start + "training-worker-1");
        var deployed = ktrdr("deploy", "workers", "C", "--tag", release).run();
        assertEquals(0, deployed.exit(), deployed::toString);
        assertTrue(deployed.err().contains("backtest-worker-1 up, and not registered with the backend"),
                deployed::toString);
        assertEquals(other, World.on("workers-c", start + "training-worker-1"));
        var back = World.on("workers-c", start + "backtest-worker-1");
        assertTrue(!back.equals(lost) && back.startsWith(lost.split(" ")[0]), back);
    }

    /** Otherwise each start of a worker would add a service to the traces. */
    @Test
    void a_worker_has_the_same_id_at_each_start() {
        var before = ids();
        assertTrue(before.containsAll(Set.of("workers-b-backtest-1", "workers-c-training-1")), before::toString);
        World.on("workers-b", "docker restart -t 3 backtest-worker-1");
        Aftermath.well();
        assertEquals(before, ids());
    }

    private static Set<String> ids() {
        return Pattern.compile("\"worker_id\":\"([^\"]*)\"").matcher(registered()).results()
                .map(found -> found.group(1)).collect(Collectors.toCollection(TreeSet::new));
    }
}
