import static lab.Aftermath.another;
import static lab.Aftermath.clean;
import static lab.Aftermath.history;
import static lab.Aftermath.release;
import static lab.Aftermath.returned;
import static lab.Aftermath.runs;
import static lab.Aftermath.told;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Deployments whose process is killed or stopped, by an operator or by the kernel. */
@Tag("fleet")
class DeployKilledTest {
    private static final String HOST = "workers-b";
    private static final String BAD = "sha-bad0000";

    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    @BeforeEach
    void good_releases_run() {
        Aftermath.settle();
    }

    private static long interrupted(String host) {
        return history(host).stream().map(record -> record.path("outcome").asText()).filter("interrupted"::equals)
                .count();
    }

    private static String last(String host, String key) {
        List<JsonNode> history = history(host);
        return history.get(history.size() - 1).path(key).asText();
    }

    @Test
    void the_next_run_repairs_three_runs_killed_at_different_steps() {
        World.sql("drop table if exists kept; create table kept (word text); insert into kept values ('still here')");
        var hosts = List.of("workers-c", HOST, "core");
        var before = hosts.stream().map(DeployKilledTest::interrupted).toList();
        var tag = another("core");
        World.forget("workers-c", tag);
        killedAtThePull(tag);
        killedAtTheUp(tag);
        killedAtTheHealth();
        Faults.silent("core", HOST, "workers-c");
        var ran = ktrdr("deploy", "all", "--tag", tag).run();
        assertEquals(0, ran.exit(), ran::toString);
        for (var host : hosts) {
            assertTrue(ran.err().lines().anyMatch(line -> line.startsWith(host) && line.contains("taken over from ")),
                    () -> host + "\n" + ran);
            runs(host, tag, ran);
            clean(host, ran);
            assertEquals("deployed " + tag, last(host, "outcome") + " " + last(host, "tag"));
        }
        assertEquals(List.of(before.get(0), before.get(1) + 1, before.get(2) + 1),
                hosts.stream().map(DeployKilledTest::interrupted).toList());
        assertEquals("still here", World.sql("select word from kept"));
        World.sql("drop table kept");
    }

    private static void killedAtThePull(String tag) {
        try (var run = ktrdr("deploy", "workers", "C", "--tag", tag).start();
                var stalled = Faults.stalledPull("workers-c")) {
            run.kill();
        }
    }

    private static void killedAtTheUp(String tag) {
        try (var deaf = Faults.deaf(HOST, "backtest-worker-1"); var run = ktrdr("deploy", "workers", "B", "--tag", tag)
                .start()) {
            run.awaitUp(HOST);
            run.kill();
        }
    }

    private static void killedAtTheHealth() {
        try (var run = ktrdr("deploy", "core", "all", "--tag", BAD, "--timeout", "2m").start()) {
            run.awaitHealth("core", 1, BAD);
            run.kill();
        }
    }

    @Test
    void never_rolls_back_to_an_unproven_release_of_a_killed_run() {
        var before = release(HOST);
        var after = another(HOST);
        try (var run = ktrdr("deploy", "workers", "B", "--tag", after).start()) {
            run.awaitHealth(HOST, 4, after);
            run.kill();
        }
        Faults.silent(HOST);
        var ran = ktrdr("deploy", "workers", "B", "--tag", BAD, "--timeout", "4s").run();
        returned(ran, HOST, before);
    }

    @Test
    void a_signal_during_the_pull_ends_it_and_nothing_was_changed() {
        var tag = another(HOST);
        for (var signal : List.of("INT", "TERM", "HUP")) {
            World.forget(HOST, tag);
            var everything = Aftermath.still(World.everything(HOST));
            Ran ran;
            try (var run = ktrdr("deploy", "workers", "B", "--tag", tag).start();
                    var stalled = Faults.stalledPull(HOST)) {
                run.signal(signal);
                ran = run.end();
            }
            assertEquals(130, ran.exit(), signal + " " + ran);
            told(ran, HOST, "untouched");
            clean(HOST, ran);
            assertEquals(everything, Aftermath.still(World.everything(HOST)), signal);
        }
    }

    @Test
    void a_signal_during_the_replacement_restores_the_old_release() {
        var before = release(HOST);
        Ran ran;
        try (var deaf = Faults.deaf(HOST, "backtest-worker-1");
                var run = ktrdr("deploy", "workers", "B", "--tag", another(HOST)).start()) {
            run.awaitUp(HOST);
            run.signal("INT");
            deaf.close();
            ran = run.end();
        }
        returned(ran, HOST, before);
    }

    @Test
    void a_signal_during_the_health_wait_restores_the_old_release() {
        var before = release(HOST);
        Ran ran;
        try (var run = ktrdr("deploy", "workers", "B", "--tag", BAD, "--timeout", "90s").start()) {
            run.awaitHealth(HOST, 4, BAD);
            run.signal("TERM");
            ran = run.end();
        }
        returned(ran, HOST, before);
    }
}
