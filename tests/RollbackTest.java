import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Project;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Manual and automatic rollbacks. */
@Tag("fleet")
class RollbackTest {
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-2000002";
    private static final String BAD = "sha-bad0000";
    private static final String REPOSITORY = "registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:";
    @TempDir Path folder;

    @BeforeAll
    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.deployed();
    }

    @BeforeEach
    void on_the_node_that_most_tests_use_too() {
        if (running("workers-b", OLDER) != 4) good(ktrdr("deploy", "workers", "B", "--tag", OLDER).run());
    }

    private static Ran good(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    private static long running(String host, String tag) {
        return World.containers(host).values().stream().filter(container -> container.endsWith("/ktrdr-backend:" + tag))
                .count();
    }

    private static List<String> outcomes(String host, int count) throws IOException {
        var lines = World.history(host).lines().toList();
        var outcomes = new ArrayList<String>();
        for (var line : lines.subList(lines.size() - count, lines.size())) {
            var entry = new ObjectMapper().readTree(line);
            outcomes.add(entry.path("tag").asText() + " " + entry.path("outcome").asText());
        }
        return outcomes;
    }

    @Test
    void rolls_back_with_the_files_then_by_digest_further_back() throws IOException {
        var inventory = World.inventory(folder, "tracing: {service: ktrdr-api}",
                "tracing: {service: ktrdr-api}\ntemplates: mine").toString();
        var template = Files.createDirectories(folder.resolve("mine/workers")).resolve(".env.workers");
        Files.writeString(template, Files.readString(Project.root().resolve("templates/workers/.env.workers"))
                + "# of the third release\n");
        good(ktrdr("deploy", "workers", "B", "--tag", NEWER).run());
        good(ktrdr("deploy", "workers", "B", "--tag", NEWER, "-i", inventory).run());
        assertTrue(World.on("workers-b", "cat /opt/ktrdr-workers-b/.env.workers").contains("third release"));
        good(ktrdr("rollback", "workers", "B").run());
        assertFalse(World.on("workers-b", "cat /opt/ktrdr-workers-b/.env.workers").contains("third release"));
        assertEquals(4, running("workers-b", NEWER));
        pullsAMissingImageByDigestEvenIfTheTagHasMoved();
        assertEquals(4, running("workers-b", OLDER));
        assertEquals(List.of(NEWER + " rolled-back", OLDER + " rolled-back"), outcomes("workers-b", 2));
        assertEquals(2, running("workers-c", OLDER));
        var history = World.history("workers-b").lines().toList();
        var time = Instant.parse(new ObjectMapper().readTree(history.get(history.size() - 1)).path("time").asText())
                .getEpochSecond();
        var metrics = World.on("workers-b", "cat /opt/ktrdr-workers-b/.ktrdr/metrics/release.prom");
        assertTrue(metrics.contains("ktrdr_release_info{tag=\"" + OLDER + "\"} 1\n"), metrics);
        assertTrue(metrics.contains("{kind=\"deploy\",tag=\"" + NEWER + "\",outcome=\"deployed\"} "), metrics);
        assertTrue(metrics.contains("{kind=\"rollback\",tag=\"" + OLDER + "\",outcome=\"rolled-back\"} " + time),
                metrics);
    }

    private static void pullsAMissingImageByDigestEvenIfTheTagHasMoved() {
        var id = World.image("workers-b", OLDER);
        World.forget("workers-b", OLDER);
        World.on("workers-b", "docker tag " + REPOSITORY + NEWER + " " + REPOSITORY + OLDER);
        var ran = good(ktrdr("rollback", "workers", "B").run());
        assertEquals(id, World.image("workers-b", OLDER), ran::toString);
        assertEquals(List.of(id),
                World.on("workers-b",
                        "docker inspect --format '{{.Image}}' $(docker ps -q --filter "
                                + "label=com.docker.compose.project=ktrdr-workers) | sort -u").lines().toList());
    }

    @Test
    void a_failed_deployment_with_fewer_workers_brings_them_back() {
        refused(5, ktrdr("deploy", "workers", "B", "--tag", BAD, "--scale", "1", "--timeout", "5s").run(),
                "backtest-worker-2, training-worker-2 removed");
        assertEquals(4, running("workers-b", OLDER));
    }

    @Test
    void keeps_images_of_the_last_releases_and_all_foreign_images() {
        var inventory = World.inventory(folder, "username: kpiteira", "username: kpiteira\n  keep: 1").toString();
        World.on("workers-b", "docker tag " + REPOSITORY + OLDER + " somebody/elses:1; docker tag " + REPOSITORY + OLDER
                + " " + REPOSITORY + "by-hand");
        try {
            good(ktrdr("deploy", "workers", "B", "--tag", NEWER, "-i", inventory).run());
            var images = World.on("workers-b", "docker images --format '{{.Repository}}:{{.Tag}}'");
            assertFalse(images.contains(REPOSITORY + OLDER), images);
            assertTrue(images.contains(REPOSITORY + NEWER) && images.contains("somebody/elses:1")
                    && images.contains(REPOSITORY + "by-hand"), images);
        } finally {
            World.on("workers-b", "docker rmi somebody/elses:1 " + REPOSITORY + "by-hand");
        }
    }

    @Test
    void drops_a_torn_line_of_the_history_and_goes_to_a_named_release() throws IOException {
        var last = outcomes("workers-b", 1).get(0);
        World.on("workers-b",
                "cd /opt/ktrdr-workers-b/.ktrdr; tail -n 1 releases.jsonl | head -c 200 >>releases.jsonl");
        good(ktrdr("rollback", "workers", "B", "--list").run());
        good(ktrdr("deploy", "workers", "B", "--tag", NEWER).run());
        for (var line : World.history("workers-b").lines().toList()) new ObjectMapper().readTree(line);
        assertEquals(List.of(last, NEWER + " deployed"), outcomes("workers-b", 2));
        goesToANamedReleaseOrListsTheExistingOnes();
    }

    private static void goesToANamedReleaseOrListsTheExistingOnes() {
        var before = World.everything();
        refused(1, ktrdr("rollback", "workers", "all", "--to", "sha-0000000").run(),
                "workers-b: there is nothing to roll back to", "a deployment of sha-0000000 that ended well", NEWER);
        refused(2, ktrdr("rollback", "workers", "D").run(), "no node D");
        refused(2, ktrdr("rollback", "core", "B").run(), "takes no names");
        var shown = good(ktrdr("rollback", "workers", "B", "--to", OLDER, "--dry-run").run());
        assertTrue(shown.out().contains("-IMAGE_TAG=" + NEWER + "\n+IMAGE_TAG=" + OLDER), shown::toString);
        assertEquals(before, World.everything());
        good(ktrdr("rollback", "workers", "B", "--to", OLDER).run());
        assertEquals(4, running("workers-b", OLDER));
        var listed = good(ktrdr("rollback", "workers", "B", "--list").run());
        assertTrue(listed.out().lines()
                .anyMatch(line -> line.matches("workers-b +\\S+Z +" + OLDER + " +rolled-back .*")), listed::toString);
        var releases = good(ktrdr("rollback", "workers", "B", "--list", "-o", "json").run()).json().path("nodes")
                .path(0).path("releases");
        assertEquals("rolled-back", releases.path(releases.size() - 1).path("outcome").asText());
        assertTrue(releases.path(releases.size() - 1).path("images").path("backtest-worker-1").path("digest").asText()
                .contains("/ktrdr-backend@sha256:"), releases::toString);
    }

    @Test
    void rolls_back_a_release_that_stays_unhealthy_and_keeps_its_logs() throws IOException {
        World.sql("drop table if exists kept; create table kept (word text); insert into kept values ('still here')");
        var before = World.containers("core");
        var ran = refused(5, ktrdr("deploy", "core", "all", "--tag", BAD, "--timeout", "15s").run(),
                "error: core: backend was not healthy within 15 s",
                "INFO: stand-in for KTRDR backend", "core: returned", "the backend was away for");
        assertEquals(1, running("core", OLDER), ran::toString);
        for (var same : List.of("ktrdr-db", "ktrdr-prometheus", "ktrdr-grafana", "ktrdr-jaeger"))
            assertEquals(before.get(same), World.containers("core").get(same), same);
        assertEquals("still here", World.sql("select word from kept"));
        World.sql("drop table kept");
        assertTrue(World.get("http://10.42.1.10:8000/api/v1/health").contains(OLDER));
        assertEquals(List.of(BAD + " returned"), outcomes("core", 1));
        assertTrue(World.on("core", "cat /opt/ktrdr-core/.ktrdr/failed/*/ktrdr-backend.log")
                .contains("stand-in for KTRDR backend"));
        assertEquals("", World.on("core",
                "ls -d /opt/ktrdr-core/.ktrdr/lock /opt/ktrdr-core/.ktrdr/deploying 2>/dev/null || :"));
    }

    @Test
    void what_becomes_of_others_is_a_policy_and_scales_are_a_releases() {
        spoil("workers-b");
        try {
            refused(5, ktrdr("deploy", "workers", "all", "--tag", NEWER, "--timeout", "12s", "--on-failure", "continue",
                    "--scale", "2").run(), "workers-b: returned", "workers-c: deployed");
            assertEquals(List.of(4L, 4L), List.of(running("workers-b", OLDER), running("workers-c", NEWER)));
        } finally {
            mend("workers-b");
        }
        good(ktrdr("rollback", "workers", "C").run());
        assertEquals(2, running("workers-c", OLDER));
        spoil("workers-c");
        try {
            refused(5, ktrdr("deploy", "workers", "all", "--tag", NEWER, "--timeout", "12s", "--on-failure", "revert")
                    .run(), "workers-b: returned", "workers-c: returned");
            assertEquals(List.of(4L, 2L), List.of(running("workers-b", OLDER), running("workers-c", OLDER)));
        } finally {
            mend("workers-c");
        }
    }

    /** Kills containers of the newer release on this host, for at most five minutes. */
    private static void spoil(String host) {
        World.on(host, "setsid sh -c 'echo $$ >/run/spoil; for _ in $(seq 600); do ids=$(docker ps -q --filter "
                + "ancestor=registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:" + NEWER
                + "); [ -z \"$ids\" ] || docker kill $ids; sleep 0.5; done' >/dev/null 2>&1 </dev/null &");
    }

    private static void mend(String host) {
        World.on(host, "kill \"$(cat /run/spoil)\"; rm /run/spoil");
    }

    @Test
    void with_no_rollback_a_later_rollback_takes_the_last_good_one() throws IOException {
        refused(1, ktrdr("deploy", "workers", "B", "--tag", BAD, "--timeout", "8s", "--no-rollback").run(),
                "workers-b: failed", "as --no-rollback says");
        assertEquals(4, running("workers-b", BAD));
        good(ktrdr("rollback", "workers", "B").run());
        assertEquals(4, running("workers-b", OLDER));
        assertEquals(List.of(BAD + " failed", OLDER + " rolled-back"), outcomes("workers-b", 2));
    }
}
