import static lab.Aftermath.another;
import static lab.Aftermath.clean;
import static lab.Aftermath.complained;
import static lab.Aftermath.deployed;
import static lab.Aftermath.deployedOrReturned;
import static lab.Aftermath.release;
import static lab.Aftermath.told;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;

import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.Underway;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A deployment loses its connection to a node, or the node itself: the node and the run both end in a known state. */
@Tag("fleet")
class DeployCutTest {
    private static final String HOST = "workers-b";
    private String before;
    private String after;

    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    @BeforeEach
    void from_what_runs_to_the_other_release() {
        Aftermath.settle();
        before = release(HOST);
        after = another(HOST);
    }

    private Underway deployment() {
        return deployment("20s");
    }

    private Underway deployment(String timeout) {
        return ktrdr("deploy", "workers", "B", "--tag", after, "--timeout", timeout).start();
    }

    @Test
    void during_the_pull_nothing_was_changed() {
        World.forget(HOST, after);
        var everything = World.everything(HOST);
        Ran ran;
        try (var run = deployment(); var stalled = Faults.stalledPull(HOST)) {
            Faults.cut(HOST);
            ran = run.end();
        }
        assertEquals(3, ran.exit(), ran::toString);
        told(ran, HOST, "unreachable");
        complained(ran, HOST);
        clean(HOST, ran);
        assertEquals(Aftermath.still(everything), Aftermath.still(World.everything(HOST)));
    }

    @Test
    void a_cut_during_the_replacement_ends_in_the_old_or_new_release() {
        Ran ran;
        try (var deaf = Faults.deaf(HOST, "backtest-worker-1"); var run = deployment()) {
            run.awaitUp(HOST);
            Faults.cut(HOST);
            deaf.close();
            ran = run.end();
        }
        deployedOrReturned(ran, HOST, after, before);
    }

    @Test
    void while_it_waits_for_health_it_connects_again_and_goes_on() {
        Ran ran;
        try (var run = deployment()) {
            run.awaitHealth(HOST, 4, after);
            try (var paused = Faults.paused(HOST, "training-worker-2")) {
                Faults.cut(HOST);
            }
            ran = run.end();
        }
        deployed(ran, HOST, after);
    }

    @Test
    void a_node_without_power_is_named_and_the_next_run_deploys_to_it() {
        Ran ran;
        try (var run = deployment()) {
            run.awaitHealth(HOST, 4, after);
            try (var off = Faults.powerOff(HOST)) {
                ran = run.end();
            }
        }
        assertEquals(3, ran.exit(), ran::toString);
        told(ran, HOST, "unreachable");
        complained(ran, HOST);
        var next = ktrdr("deploy", "workers", "B", "--tag", before, "--wait", "2m").run();
        deployed(next, HOST, before);
    }

    @Test
    void a_docker_that_is_restarted_while_containers_are_replaced() {
        Ran ran;
        try (var deaf = Faults.deaf(HOST, "backtest-worker-1"); var run = deployment()) {
            run.awaitUp(HOST);
            deaf.close();
            Faults.restartDocker(HOST);
            ran = run.end();
        }
        deployedOrReturned(ran, HOST, after, before);
    }

    @Test
    void a_docker_that_is_restarted_while_it_waits_for_health() {
        Ran ran;
        // Docker gives workers 30 s, since they do not end at SIGTERM
        try (var run = deployment("90s")) {
            run.awaitHealth(HOST, 4, after);
            Faults.restartDocker(HOST);
            ran = run.end();
        }
        deployed(ran, HOST, after);
    }
}
