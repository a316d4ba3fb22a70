import static lab.Aftermath.another;
import static lab.Aftermath.deployed;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Deployments to workers that are at work. */
@Tag("fleet")
class DeployIdleTest {
    private static final String HOST = "workers-b";

    @BeforeAll
    @AfterAll
    static void the_older_release_runs() {
        var ran = ktrdr("deploy", "all", "--tag", Aftermath.OLDER).run();
        assertEquals(0, ran.exit(), ran::toString);
    }

    /** Gives the first backtest worker something to do. */
    private static void occupy(String operation, Duration time) {
        World.occupy(HOST, 5003, operation, time);
    }

    private static boolean there(String path) {
        return World.on(HOST, "cd /mnt/ktrdr-shared/results && if [ -s " + path + " ]; then echo yes; rm " + path + "; fi").equals("yes");
    }

    private static Ran deploy(String tag, String... options) {
        var words = new ArrayList<>(List.of("deploy", "workers", "B", "--tag", tag));
        words.addAll(List.of(options));
        var ran = ktrdr(words.toArray(String[]::new)).run();
        deployed(ran, HOST, tag);
        return ran;
    }

    @Test
    void idle_ones_are_replaced_at_once_and_the_one_at_work_when_it_is_done() {
        occupy("op_waited_for", Duration.ofSeconds(15));
        var ran = deploy(another(HOST), "--wait-idle", "2m");
        assertTrue(there("op_waited_for.json"), "the operation did not end\n" + ran);
        var ups = ran.err().lines().filter(line -> line.matches("workers-b +up .*started.*")).toList();
        assertEquals(2, ups.size(), ran::toString);
        assertTrue(ups.get(0).contains(" backtest-worker-2, training-worker-1, training-worker-2 started") && ups.get(1).contains(" backtest-worker-1 started"), ran::toString);
        assertTrue(Aftermath.history(HOST).get(Aftermath.history(HOST).size() - 1).path("images").size() == 4, ran::toString);
    }

    @Test
    void without_a_wait_the_operation_that_is_cut_is_named_and_has_its_grace() {
        occupy("op_cut", Duration.ofMinutes(2));
        var ran = deploy(another(HOST));
        assertTrue(ran.err().contains("backtest-worker-1 is stopped at work, operation op_cut is cut"), ran::toString);
        assertTrue(there("checkpoints/op_cut.json"), "no checkpoint\n" + ran);
    }

    @Test
    void a_wait_that_is_over_ends_in_the_same() {
        occupy("op_late", Duration.ofMinutes(2));
        var ran = deploy(another(HOST), "--wait-idle", "3s");
        assertTrue(ran.err().contains("operation op_late is cut") && there("checkpoints/op_late.json"), ran::toString);
    }

    @Test
    void a_deployment_that_stops_no_worker_waits_for_none() {
        occupy("op_left_alone", Duration.ofMinutes(2));
        var ran = deploy(Aftermath.release(HOST), "--wait-idle", "10m");
        assertTrue(!ran.err().contains("op_left_alone"), ran::toString);
        World.on(HOST, "curl -fsS -X DELETE http://localhost:5003/operations/op_left_alone");
    }
}
