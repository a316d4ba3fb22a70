import static lab.Aftermath.another;
import static lab.Aftermath.deployed;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Deployments to busy workers. */
@Tag("fleet")
class DeployIdleTest {
    private static final String HOST = "workers-b";

    @BeforeAll
    @AfterAll
    static void the_older_release_runs() {
        Aftermath.deployed();
    }

    /** Starts an operation on the first backtest worker. */
    private static void occupy(String operation, Duration time) {
        World.occupy(HOST, 5003, operation, time);
    }

    private static boolean there(String path) {
        return World.on(HOST, "cd /mnt/ktrdr-shared/results && if [ -s " + path + " ]; then echo yes; rm " + path
                + "; fi").equals("yes");
    }

    private static Ran deploy(String tag, String... options) {
        var words = new ArrayList<>(List.of("deploy", "workers", "B", "--tag", tag));
        words.addAll(List.of(options));
        var ran = ktrdr(words.toArray(String[]::new)).run();
        deployed(ran, HOST, tag);
        return ran;
    }

    @Test
    void replaces_idle_workers_at_once_and_a_busy_one_when_it_is_done() {
        occupy("op_waited_for", Duration.ofSeconds(15));
        var ran = deploy(another(HOST), "--wait-idle", "2m");
        assertTrue(there("op_waited_for.json"), "the operation did not end\n" + ran);
        var ups = ran.err().lines().filter(line -> line.matches("workers-b +up .*started.*")).toList();
        assertEquals(2, ups.size(), ran::toString);
        assertTrue(ups.get(0).contains(" backtest-worker-2, training-worker-1, training-worker-2 started")
                && ups.get(1).contains(" backtest-worker-1 started"), ran::toString);
        assertTrue(Aftermath.history(HOST).get(Aftermath.history(HOST).size() - 1).path("images").size() == 4,
                ran::toString);
    }

    @Test
    void a_training_is_saved_and_its_worker_goes_once_it_is_cancelled() {
        // a worker reports a cancelled operation as its own for 20 s and longer
        var former = World.train(HOST, 5006);
        World.on(HOST, "docker exec training-worker-2 sh -c 'kill -s TERM 1'");
        Wait.until(() -> World.backend("/operations/" + former).contains("\"status\":\"cancelled\""),
                () -> former + " is not cancelled");
        var training = World.train(HOST, 5005);
        long began = System.nanoTime();
        var ran = deploy(another(HOST));
        assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 25, ran::toString);
        assertTrue(ran.err().contains("training-worker-2 reports operation " + former
                + ", which the backend has as cancelled: not waiting for it"), ran::toString);
        var said = Pattern.compile("training-worker-1: operation " + training
                + " is cancelled, checkpoint at epoch ([1-9][0-9]*); resume with jbang operations@ktrdr resume "
                + training).matcher(ran.err());
        assertTrue(said.find(), ran::toString);
        var checkpoint = World.backend("/checkpoints/" + training);
        assertTrue(checkpoint.contains("\"checkpoint_type\":\"shutdown\"")
                && checkpoint.contains("\"epoch\":" + said.group(1)), checkpoint + "\n" + ran);
        assertTrue(World.backend("/operations/" + training).contains("\"status\":\"cancelled\""), ran::toString);
    }

    @Test
    void a_backtest_that_outlasts_the_wait_may_end_within_its_grace() {
        var id = World.work(HOST, 5003, "/backtests/start",
                "{\"strategy_name\": \"s_16\", \"symbol\": \"AAPL\", \"timeframe\": \"1d\", \"start_date\": "
                        + "\"2024-01-01\", \"end_date\": \"2024-02-01\", \"model_path\": \"models/practice\"}");
        var ran = deploy(another(HOST), "--wait-idle", "1s");
        assertTrue(ran.err().contains("backtest-worker-1: operation " + id + " completed"), ran::toString);
        assertTrue(World.backend("/operations/" + id).contains("\"status\":\"completed\""), ran::toString);
    }

    @Test
    void a_deployment_that_stops_no_worker_waits_for_none() {
        occupy("op_left_alone", Duration.ofMinutes(2));
        var ran = deploy(Aftermath.release(HOST), "--wait-idle", "10m");
        assertTrue(!ran.err().contains("op_left_alone"), ran::toString);
        World.on(HOST, "curl -fsS -X DELETE http://localhost:5003/operations/op_left_alone");
    }
}
