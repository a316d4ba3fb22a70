import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lab.Aftermath;
import lab.Toolkit;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** verify --failover on a healthy fleet, and interrupted halfway. */
@Tag("fleet")
class FailoverTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private static final String SAMPLE =
            "sample: {operation: backtest, body: {strategy_name: sample, symbol: AAPL, timeframe: 1d, start_date: "
                    + "2024-01-01, end_date: 2024-02-01, model_path: models/practice}}";
    @TempDir Path folder;
    private Map<String, String> before;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
        Aftermath.well();
    }

    @BeforeEach
    void every_worker_is_there() {
        Wait.until(() -> World.workers().split("\"status\":\"available\"", -1).length == 7, World::workers);
        Aftermath.noMisses();
        before = containers();
    }

    @AfterEach
    void nothing_waits_on_a_node_any_more() {
        for (var host : HOSTS) {
            // a killed run leaves a lock that the next run would wait for
            World.on(host, "rm -rf /opt/ktrdr-" + host + "/.ktrdr/lock");
            assertEquals("", World.on(host,
                    "ls /run/lock | grep outage || :; pgrep -f '/run/lock/ktrdr-outag[e]' || :"), host);
        }
    }

    /** Maps host and name of every container to its id and start time. */
    private static Map<String, String> containers() {
        var all = new LinkedHashMap<String, String>();
        for (var host : HOSTS) World.containers(host).forEach((name, what) -> all.put(host + " " + name, what));
        return all;
    }

    private Toolkit failover(String... more) {
        var words = new ArrayList<>(List.of("verify", "--failover", "--yes"));
        words.addAll(List.of(more));
        return ktrdr(words.toArray(String[]::new)).env("KTRDR_INVENTORY", inventory().toString());
    }

    /** The lab's inventory with a backtest as its sample. */
    private Path inventory() {
        try {
            var sample = Files.readAllLines(World.inventory()).stream().filter(line -> line.startsWith("sample:"))
                    .findFirst().orElseThrow();
            return World.inventory(folder, sample, SAMPLE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Host and name of the one container that was stopped; the same container runs again. */
    private String stoppedOnce() {
        var after = containers();
        assertEquals(before.keySet(), after.keySet());
        var changed = after.keySet().stream().filter(name -> !after.get(name).equals(before.get(name))).toList();
        assertEquals(1, changed.size(), () -> before + "\n" + after);
        assertEquals(before.get(changed.get(0)).split(" ")[0], after.get(changed.get(0)).split(" ")[0],
                "the same container");
        assertTrue(running(changed.get(0)), changed.get(0));
        return changed.get(0);
    }

    private static boolean running(String place) {
        return World.on(place.split(" ")[0], "docker inspect --format '{{.State.Running}}' " + place.split(" ")[1])
                .equals("true");
    }

    /** Waits until a worker is stopped, and returns its host and name. */
    private static String awaitStopped() {
        for (int i = 0; i < 100; i++)
            for (var host : List.of("workers-b", "workers-c")) {
                var name = World.on(host,
                        "docker ps -a --filter status=exited --filter label=com.docker.compose.project=ktrdr-workers "
                                + "--format '{{.Names}}'; sleep 0.2");
                if (!name.isEmpty()) return host + " " + name;
            }
        throw new AssertionError("no worker was stopped");
    }

    @Test
    void the_system_copes_with_the_loss_of_a_worker_and_has_it_back() {
        var ran = failover("-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(List.of("failover.started", "failover.noticed", "failover.elsewhere", "failover.registered"),
                ran.json().path("checks").findValuesAsText("id"));
        var stopped = stoppedOnce();
        assertTrue(ran.json().path("checks").path(0).path("found").asText().endsWith(" runs on " + stopped),
                ran::toString);
        var elsewhere = ran.json().path("checks").path(2).path("found").asText();
        assertTrue(elsewhere.startsWith("completed on workers-") && !elsewhere.endsWith(" " + stopped), ran::toString);
        var noticed = ran.json().path("checks").path(1);
        assertTrue(noticed.path("seconds").asDouble() > 10, ran::toString);
        assertTrue(noticed.path("found").asText()
                .contains("the worker is temporarily_unavailable; its operation is called running"), ran::toString);
    }

    @Test
    void a_signal_half_way_starts_the_worker_again_first() {
        try (var run = failover().start()) {
            var stopped = awaitStopped();
            run.signal("INT");
            refused(130, run.end(), "the failover test was interrupted", stopped + " is started again, available");
            assertEquals(stopped, stoppedOnce());
        }
    }

    @Test
    void after_a_killed_run_the_node_itself_restarts_the_worker() throws InterruptedException {
        String stopped;
        try (var run = failover("--guard", "8s").start()) {
            stopped = awaitStopped();
            run.kill();
        }
        assertFalse(running(stopped), "nobody did so at once");
        Wait.until(() -> running(stopped), () -> "nobody started " + stopped);
        Wait.millis(500);
        assertEquals(stopped, stoppedOnce());
    }

    @Test
    void the_last_worker_of_its_type_is_not_killed() throws IOException {
        var inventory = inventory();
        Files.writeString(inventory, Files.readString(inventory).replace("scale: 2", "scale: 1")
                .replaceAll("(?m)^  (?!workers-b)[\\w-]+: \\{id: \\w+, role: workers.*$", ""));
        var ran = ktrdr("verify", "--failover", "--yes", "-o", "json").env("KTRDR_INVENTORY", inventory.toString())
                .run();
        assertEquals(1, ran.exit(), ran::toString);
        assertEquals(Map.of("failover.elsewhere", "only workers-b backtest-worker-1 is available; none was killed"),
                ran.failing());
        assertEquals(before, containers());
    }

    @Test
    void without_a_terminal_it_wants_a_yes() {
        refused(2, ktrdr("verify", "--failover").run(), "Cannot ask for confirmation");
        assertEquals(before, containers());
    }
}
