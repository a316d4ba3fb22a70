import static lab.Aftermath.another;
import static lab.Aftermath.clean;
import static lab.Aftermath.complained;
import static lab.Aftermath.deployed;
import static lab.Aftermath.release;
import static lab.Aftermath.returned;
import static lab.Aftermath.told;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deployments with a faulty registry, disk, image or clock. */
@Tag("fleet")
class DeployFaultsTest {
    private static final String HOST = "workers-b";
    @TempDir Path folder;
    private String before;
    private String after;

    @BeforeAll
    static void a_release_runs() {
        Aftermath.someRelease();
    }

    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    @BeforeEach
    void a_row_is_there() {
        World.sql("drop table if exists kept; create table kept (word text); insert into kept values ('still here')");
        Aftermath.settle();
        before = release(HOST);
        after = another(HOST);
    }

    /** The client's config.json sets a proxy in each new container, and Compose does not compare it. */
    @Test
    void a_dead_proxy_fails_no_check_and_unhealthy_ones_are_recreated() {
        World.on(HOST, "mkdir -p /root/.docker; echo '{\"proxies\": {\"default\": {\"httpProxy\": "
                + "\"http://127.0.0.1:9\"}}}' >/root/.docker/config.json");
        try {
            deployed(ktrdr("deploy", "workers", "B", "--tag", after, "--timeout", "60s").run(), HOST, after);
            assertTrue(World.on(HOST, "docker exec training-worker-1 printenv HTTP_PROXY").contains("127.0.0.1:9"));
        } finally {
            World.on(HOST, "rm -f /root/.docker/config.json");
        }
        var others = World.containers(HOST);
        World.on(HOST, "docker exec -u 0 training-worker-1 sh -c 'mv $(command -v curl) /curl.away'\n"
                + "for i in $(seq 600); do [ \"$(docker inspect --format '{{.State.Health.Status}}' "
                + "training-worker-1)\" != unhealthy ] || exit 0; sleep 0.1; done; exit 1");
        var seen = ktrdr("verify", "--quick").run();
        assertTrue(seen.exit() == 1 && seen.err().contains("running, unhealthy; its health check: exit code 1: ")
                && seen.err().contains("curl: not found"), seen::toString);
        var ran = ktrdr("deploy", "workers", "B", "--tag", after).run();
        deployed(ran, HOST, after);
        assertTrue(ran.err().contains("curl: not found) unhealthy, recreated")
                && ran.err().contains("training-worker-1 started"), ran::toString);
        others.remove("training-worker-1");
        assertTrue(World.containers(HOST).entrySet().containsAll(others.entrySet()));
        assertEquals("", World.on(HOST, "docker exec training-worker-1 printenv HTTP_PROXY || :"));
    }

    @AfterEach
    void the_row_is_there_still() {
        assertEquals("still here", World.sql("select word from kept"));
        World.sql("drop table kept");
    }

    /** Asserts that it failed before any change on the nodes, and reported the first node. */
    private static void refused(Ran ran, String everything, String... words) {
        assertEquals(1, ran.exit(), ran::toString);
        complained(ran, HOST);
        told(ran, HOST, "failed");
        for (var word : words) assertTrue(ran.err().contains(word), () -> "no \"" + word + "\" in\n" + ran);
        clean(HOST, ran);
        assertEquals(everything, Aftermath.still(World.everything(HOST)));
    }

    @Test
    void a_registry_that_goes_away_during_the_pull() {
        World.forget(HOST, after);
        var everything = Aftermath.still(World.everything(HOST));
        Ran ran;
        try (var run = ktrdr("deploy", "workers", "B", "--tag", after).start();
                var stalled = Faults.stalledPull(HOST)) {
            try (var gone = Faults.registryGone()) {
                stalled.close();
                ran = run.end();
            }
        }
        refused(ran, everything);
    }

    @Test
    void a_rejected_registry_token_stops_all_nodes_before_any_change() throws IOException {
        World.forget(HOST, after);
        var everything = Aftermath.still(World.everything(HOST));
        var other = Aftermath.still(World.everything("workers-c"));
        var wrong = Files.writeString(folder.resolve("secrets.json"), Files.readString(World.secrets())
                .replaceAll("\"ghcr_token\": \"[^\"]*\"", "\"ghcr_token\": \"not-the-token\""));
        Files.setPosixFilePermissions(wrong, PosixFilePermissions.fromString("rw-------"));
        var ran = ktrdr("deploy", "workers", "all", "--tag", after, "-i",
                World.inventory(folder, World.secrets().toString(), wrong.toString()).toString()).run();
        refused(ran, everything, "ghcr_token");
        // workers-c has an image with that tag, but only the registry can say whether it is current
        told(ran, "workers-c", "failed");
        assertEquals(other, Aftermath.still(World.everything("workers-c")));
    }

    @Test
    void a_disk_that_has_no_room_for_the_image() {
        World.forget(HOST, after);
        var everything = Aftermath.still(World.everything(HOST));
        try (var full = Faults.fullDocker(HOST)) {
            refused(ktrdr("deploy", "workers", "B", "--tag", after).run(), everything, "no space left on device",
                    "make room there");
        }
    }

    @Test
    void a_disk_that_is_filled_when_the_lock_is_taken_already() {
        World.forget(HOST, after);
        var containers = World.containers(HOST);
        Ran ran;
        try (var small = Faults.smallDisk(HOST)) {
            try (var run = ktrdr("deploy", "workers", "B", "--tag", after).start();
                    var stalled = Faults.stalledPull(HOST)) {
                Faults.fill(HOST);
                stalled.close();
                ran = run.end();
            }
            assertEquals(1, ran.exit(), ran::toString);
            complained(ran, HOST);
            told(ran, HOST, "failed");
            assertEquals("IMAGE_TAG=" + before, World.on(HOST, "grep IMAGE_TAG= /opt/ktrdr-workers-b/.env.workers"));
            clean(HOST, ran);
        }
        assertEquals(containers, World.containers(HOST));
    }

    @Test
    void an_unhealthy_image_goes_no_further_than_the_first_node() {
        var other = World.containers("workers-c");
        var ran = ktrdr("deploy", "workers", "all", "--tag", "sha-bad0000", "--timeout", "4s").run();
        returned(ran, HOST, before);
        assertTrue(ran.err().contains("error: workers-b: ") && ran.err().contains("was not healthy within 4 s"),
                ran::toString);
        told(ran, "workers-c", "untouched");
        assertEquals(other, World.containers("workers-c"));
        clean("workers-c", ran);
    }

    /** Simulates another tool that runs on the node at the same time. */
    @Test
    void rolls_back_if_a_container_is_changed_meanwhile() {
        World.on(HOST, "setsid sh -c 'for _ in $(seq 900); do case $(docker inspect --format \"{{.Config.Image}}\" "
                + "backtest-worker-1 2>/dev/null) in *:" + after
                + ") docker rename backtest-worker-1 foo && exit ;; esac; sleep 0.05; done' >/dev/null 2>&1 "
                + "</dev/null &");
        var ran = ktrdr("deploy", "workers", "B", "--tag", after).run();
        returned(ran, HOST, before);
        assertTrue(ran.err().contains("error: workers-b: backtest-worker-1 is not what was deployed\n"),
                ran::toString);
        assertTrue(ran.err().contains("backtest-worker-1 has the container foo instead of backtest-worker-1"),
                ran::toString);
    }

    @Test
    void an_image_that_crashes_at_start() {
        before = release("core");
        var containers = World.containers("core");
        var workers = World.containers(HOST);
        var ran = ktrdr("deploy", "all", "--tag", "sha-dead000", "--timeout", "5m", "--on-failure", "continue").run();
        returned(ran, "core", before);
        // a failed core stops the deployment of all other nodes
        told(ran, HOST, "untouched");
        assertEquals(workers, World.containers(HOST));
        assertTrue(ran.err().contains("error: core: backend keeps exiting"), ran::toString);
        assertTrue(ran.err().contains("its log   ModuleNotFoundError: No module named 'torch'\n"), ran::toString);
        assertEquals(1, ran.err().split("No module named 'torch'", -1).length - 1, ran::toString);
        for (var name : List.of("ktrdr-db", "ktrdr-prometheus", "ktrdr-grafana", "ktrdr-jaeger"))
            assertEquals(containers.get(name), World.containers("core").get(name));
    }

    @Test
    void a_clock_that_is_an_hour_behind() {
        Ran ran;
        try (var behind = Faults.clockBehind(HOST)) {
            ran = ktrdr("deploy", "workers", "B", "--tag", after).run();
        }
        deployed(ran, HOST, after);
    }
}
