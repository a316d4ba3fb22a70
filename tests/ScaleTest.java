import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Scales a node from two workers of each type to three, and back. */
@Tag("fleet")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ScaleTest {
    private static final String NODE =
            "workers-b: {id: B, role: workers, host: workers-b, address: 10.42.1.11, memory: 1GB, disk_free: 2GB, "
                    + "directory: /opt/ktrdr-workers-b";
    private static final List<String> ADDED = List.of("backtest-worker-3", "training-worker-3");
    private static Map<String, String> core;
    private static Map<String, String> workers;
    private static String release;
    private static Ran up;
    /** Findings right after scaling up, with an inventory that still says two. */
    private static List<Ran> upFound;

    @TempDir
    Path folder;

    @BeforeAll
    static void two_of_each_type_become_three() {
        Aftermath.settle();
        release = Aftermath.release("workers-b");
        core = World.containers("core");
        workers = World.containers("workers-b");
        up = ktrdr("scale", "B", "3").run();
        upFound = found();
    }

    private static List<Ran> found() {
        return List.of(ktrdr("verify", "--quick").run(), ktrdr("status").run());
    }

    @AfterAll
    static void two_of_each_type_run() {
        if (World.containers("workers-b").keySet().containsAll(ADDED)) ktrdr("scale", "B", "2", "--yes").run();
    }

    /** Prometheus' targets on a host: port to health. */
    private static Map<Integer, String> targets(String host) {
        var active = new Ran(0, World.get("http://10.42.1.10:9090/api/v1/targets?state=active"), "").json().path("data")
                .path("activeTargets");
        return StreamSupport.stream(active.spliterator(), false)
                .filter(target -> target.path("scrapeUrl").asText().matches("http://" + host + "\\..*:500\\d/metrics"))
                .collect(Collectors.toMap(
                target -> Integer.parseInt(target.path("scrapeUrl").asText().replaceFirst(".*:(\\d+)/.*", "$1")),
                target -> target.path("health").asText(), (first, second) -> second, TreeMap::new));
    }

    @Test
    @Order(1)
    void scaling_up_creates_only_missing_workers_and_their_targets() {
        assertEquals(0, up.exit(), up::toString);
        var now = World.containers("workers-b");
        assertTrue(now.keySet().containsAll(ADDED) && now.get(ADDED.get(0)).endsWith(":" + release),
                () -> now + "\n" + up);
        now.keySet().removeAll(ADDED);
        assertEquals(workers, now, up::toString);
        assertEquals(core, World.containers("core"), up::toString);
        assertEquals(Map.of(5003, "up", 5004, "up", 5005, "up", 5006, "up", 5007, "up", 5008, "up"),
                targets("workers-b"));
        for (var host : List.of("core", "workers-b")) {
            var history = Aftermath.history(host);
            var last = history.get(history.size() - 1);
            assertEquals("deployed scale B 3 " + release, last.path("outcome").asText() + " "
                    + last.path("command").asText() + " " + last.path("tag").asText());
            Aftermath.clean(host, up);
        }
    }

    @Test
    @Order(2)
    void the_line_of_the_inventory_is_named_that_would_put_it_back() {
        assertTrue(up.err().contains(World.inventory() + ":9: scale: 2 -> 3, or the next deploy puts it back"),
                up::toString);
    }

    @Test
    @Order(2)
    void verify_and_status_pass_and_name_the_inventorys_other_scale() {
        for (var ran : upFound)
            assertTrue(ran.exit() == 0
                    && ran.toString().contains("workers-b runs 3 of each type since scale B 3; " + World.inventory()
                            + ":9 says scale: 2"), ran::toString);
    }

    @Test
    @Order(3)
    void all_holds_by_an_inventory_that_says_three() {
        var inventory = World.inventory(folder, NODE + ", scale: 2", NODE + ", scale: 3").toString();
        var verify = ktrdr("verify", "--quick", "--wait", "10s", "-o", "json", "-i", inventory).run();
        var failing = verify.failing();
        // for some minutes the backend remembers workers that other tests removed
        failing.remove("workers.ghosts");
        assertEquals(Map.of(), failing);
        var again = ktrdr("scale", "B", "3", "-i", inventory).run();
        assertTrue(again.exit() == 0 && again.err().contains("0 changed") && !again.err().contains("scale: "),
                again::toString);
    }

    @Test
    @Order(4)
    void a_scale_outside_the_inventory_survives_the_next_deployment() {
        var inventory = World.inventory(folder, NODE + ", scale: 2", NODE).toString();
        var before = World.state("workers-b");
        var deploy = ktrdr("deploy", "workers", "B", "--tag", release, "-i", inventory).run();
        assertEquals(0, deploy.exit(), deploy::toString);
        assertEquals(before, World.state("workers-b"), deploy::toString);
        assertEquals(0, ktrdr("stage", "core", "--check", "-i", inventory).run().exit());
    }

    @Test
    @Order(5)
    void removes_workers_that_do_not_start_and_restores_prometheus() {
        var before = World.containers("workers-c");
        var prometheus = World.files("core");
        Ran ran;
        // the new workers start but cannot register, and the backend cannot reach any that it remembers from other
        // tests
        try (var unheard = Faults.closed("core", "10.42.1.12", 8000);
                var backtest = Faults.closed("workers-c", "10.42.1.10", 5004);
                var training = Faults.closed("workers-c", "10.42.1.10", 5006)) {
            ran = ktrdr("scale", "C", "2", "--timeout", "5s").run();
        }
        Aftermath.returned(ran, "workers-c", Aftermath.release("workers-c"));
        assertEquals(before, World.containers("workers-c"), ran::toString);
        assertEquals(prometheus, World.files("core"), ran::toString);
    }

    @Test
    @Order(6)
    void workers_at_work_are_not_stopped_unasked() {
        World.occupy("workers-b", 5007, "op_kept", Duration.ofMinutes(2));
        var before = World.everything("core") + World.everything("workers-b");
        refused(2, ktrdr("scale", "B", "2", "--wait-idle", "1s").run(),
                "backtest-worker-3 is running operation op_kept, which would be stopped", "--yes");
        assertEquals(before, World.everything("core") + World.everything("workers-b"));
        World.on("workers-b", "curl -fsS -X DELETE http://localhost:5007/operations/op_kept");
    }

    @Test
    @Order(7)
    void scaling_down_waits_or_saves_and_removes_only_those_workers() {
        World.occupy("workers-b", 5007, "op_finished", Duration.ofSeconds(4));
        var training = World.train("workers-b", 5008);
        var down = ktrdr("scale", "B", "2", "--wait-idle", "5s", "--yes").run();
        // the backend has not noticed yet that two workers are gone
        for (var ran : found()) assertEquals(0, ran.exit(), ran::toString);
        assertEquals(0, down.exit(), down::toString);
        assertEquals("yes",
                World.on("workers-b",
                        "cd /mnt/ktrdr-shared/results; [ ! -s op_finished.json ] || { rm op_finished.json; echo "
                                + "yes; }"), down::toString);
        assertTrue(down.err().contains("training-worker-3: operation " + training
                + " is cancelled, checkpoint at epoch "), down::toString);
        assertTrue(World.backend("/checkpoints/" + training).contains("\"checkpoint_type\":\"shutdown\""),
                down::toString);
        assertEquals(workers, World.containers("workers-b"), down::toString);
        assertEquals(core, World.containers("core"), down::toString);
        assertEquals(Map.of(5003, "up", 5004, "up", 5005, "up", 5006, "up"), targets("workers-b"));
    }
}
