import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import lab.SshdLog;
import lab.StagedFleet;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Staging on the practice fleet, checked from outside; each check passes and fails at least once. */
@Tag("fleet")
class StageTest extends StagedFleet {
    private static final String NEWER = "sha-2000002";
    private static final String DOMAIN = ".ktrdr.home.mynerd.place";
    private static final String IMAGE = "registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:";

    private static Ran differs(String... said) {
        var ran = ktrdr("stage", "all", "--check").run();
        assertEquals(1, ran.exit(), ran::toString);
        for (var words : said) assertTrue(ran.out().contains(words), () -> "no \"" + words + "\" in\n" + ran);
        return ran;
    }

    /**
     * Path, inode and change time of all files in the stack's directories, except a timer's metrics: equal if nothing
     * was written.
     */
    private static String written() {
        var all = new StringBuilder();
        for (var host : FILES.keySet()) all.append(
                World.on(host, "cd /opt/ktrdr-" + host
                        + "; find . -path ./.ktrdr/metrics -prune -o -printf '%p %i %m %u %C@ %l\\n' | sort"));
        return all.toString();
    }

    private static String containers() {
        return "" + World.containers("core") + World.containers("workers-b") + World.containers("workers-c");
    }

    /** The service's configuration as Compose on the node reads it. */
    private static JsonNode compose(String host, String service) throws IOException {
        var stack = host.equals("core") ? "core" : "workers";
        return new ObjectMapper()
                .readTree(World.on(host,
                        "export KTRDR_DB_USER=u KTRDR_DB_PASSWORD=p KTRDR_AUTH_JWT_SECRET=j "
                                + "GF_SECURITY_ADMIN_PASSWORD=g\ncd /opt/ktrdr-" + host
                + " && docker compose --env-file .env." + stack + " -f docker-compose." + stack
                + ".yml config --format json")).path("services").path(service);
    }

    @Test
    void stages_files_on_fresh_nodes_and_starts_nothing() {
        var inventory = World.inventory(folder, "directory: /opt/ktrdr-", "directory: /opt/fresh/ktrdr-").toString();
        var before = containers();
        try {
            assertEquals(1, ktrdr("stage", "all", "--check", "--tag", OLDER, "-i", inventory).run().exit());
            for (var host : FILES.keySet()) assertEquals("", World.on(host, "ls -d /opt/fresh 2>/dev/null || true"));
            good(ktrdr("stage", "all", "--tag", OLDER, "-i", inventory).run());
            FILES.forEach((host, files) -> files.forEach(file ->
                    assertEquals("root:root 644 regular file",
                            World.on(host, "stat -c '%U:%G %a %F' /opt/fresh/ktrdr-" + host + "/" + file))));
            good(ktrdr("stage", "all", "--check", "-i", inventory).run());
        } finally {
            FILES.keySet().forEach(host -> World.on(host, "rm -rf /opt/fresh"));
        }
        assertEquals(before, containers());
    }

    @Test
    void a_second_run_writes_nothing() {
        good(ktrdr("stage", "all", "--tag", OLDER).run());
        var before = written();
        assertTrue(good(ktrdr("stage", "all").run()).err().contains("3 nodes: 0 changed"));
        assertEquals(before, written());
    }

    @Test
    void check_reports_changed_files_and_stage_repairs_them() {
        World.on("core", "rm /opt/ktrdr-core/docker-compose.core.yml");
        World.on("workers-b",
                "sed -i 's/^KTRDR_API_URL=.*/KTRDR_API_URL=http:\\/\\/elsewhere/' /opt/ktrdr-workers-b/.env.workers");
        World.on("workers-c", "chmod 600 /opt/ktrdr-workers-c/.env.workers");
        var broken = written();
        differs("+++ /opt/ktrdr-core/docker-compose.core.yml",
                "-KTRDR_API_URL=http://elsewhere\n+KTRDR_API_URL=http://backend" + DOMAIN + ":8000",
                ".env.workers was changed by hand", "mode 600, owner 0:0 -> mode 644, owner 0:0");
        assertEquals(broken, written());
        good(ktrdr("stage", "all").run());
        good(ktrdr("stage", "all", "--check").run());
        assertEquals("644", World.on("workers-c", "stat -c %a /opt/ktrdr-workers-c/.env.workers"));
        assertTrue(World.on("workers-b", "cat /opt/ktrdr-workers-b/.ktrdr/kept/.env.workers.*")
                .contains("http://elsewhere"));
    }

    @Test
    void each_worker_has_the_urls_of_its_own_node() throws IOException {
        var first = Map.of("backtest-worker-1", 5003, "training-worker-1", 5005);
        var all = new TreeMap<>(Map.of("backtest-worker-2", 5004, "training-worker-2", 5006));
        all.putAll(first);
        for (var host : List.of("workers-b", "workers-c"))
            for (var worker : (host.equals("workers-b") ? all : first).entrySet()) {
                var service = compose(host, worker.getKey());
                var environment = service.path("environment");
                assertEquals("http://" + host + DOMAIN + ":" + worker.getValue(),
                        environment.path("WORKER_PUBLIC_BASE_URL").asText());
                assertEquals(host + DOMAIN, environment.path("WORKER_HOSTNAME").asText());
                assertEquals("http://backend" + DOMAIN + ":8000", environment.path("KTRDR_API_URL").asText());
                assertEquals("http://backend" + DOMAIN + ":4317", environment.path("OTLP_ENDPOINT").asText());
                assertEquals("backend" + DOMAIN, environment.path("DB_HOST").asText());
                assertEquals(IMAGE + OLDER, service.path("image").asText());
            }
        World.on("workers-b",
                "sed -i 's/^WORKER_HOSTNAME=workers-b/WORKER_HOSTNAME=workers-c/' /opt/ktrdr-workers-b/.env.workers");
        assertNotEquals("workers-b" + DOMAIN, compose("workers-b", "backtest-worker-1").path("environment")
                .path("WORKER_HOSTNAME").asText());
        differs("-WORKER_HOSTNAME=workers-c" + DOMAIN + "\n+WORKER_HOSTNAME=workers-b" + DOMAIN);
    }

    @Test
    void core_runs_the_registrys_images_and_mounts_what_was_staged() throws IOException {
        assertEquals(IMAGE + OLDER, compose("core", "backend").path("image").asText());
        for (var service : List.of("db", "prometheus", "grafana", "jaeger"))
            assertTrue(compose("core", service).path("image").asText()
                    .startsWith("registry.ktrdr.home.mynerd.place:5000/"), service);
        assertEquals("service_healthy", compose("core", "backend").path("depends_on").path("db").path("condition")
                .asText());
        assertEquals("/opt/ktrdr-core/monitoring", compose("core", "prometheus").path("volumes").path(0).path("source")
                .asText());
        assertEquals("/opt/ktrdr-core/monitoring/grafana/provisioning",
                compose("core", "grafana").path("volumes").path(0).path("source").asText());
        World.on("core", "sed -i 's|^BACKEND_IMAGE=.*|BACKEND_IMAGE=docker.io/other|' /opt/ktrdr-core/.env.core");
        differs("-BACKEND_IMAGE=docker.io/other\n+BACKEND_IMAGE=" + IMAGE.replaceFirst(":$", ""));
    }

    @Test
    void prometheus_scrapes_the_backend_each_worker_and_each_host() {
        var expected = new TreeSet<>(Set.of("localhost:9090", "backend:8000"));
        for (int port : List.of(5003, 5004, 5005, 5006)) expected.add("workers-b" + DOMAIN + ":" + port);
        for (int port : List.of(5003, 5005)) expected.add("workers-c" + DOMAIN + ":" + port);
        for (var host : List.of("backend", "workers-b", "workers-c")) expected.add(host + DOMAIN + ":9100");
        var targets = new TreeSet<>(
                World.on("core", "sed -n \"s/.*targets: \\['\\(.*\\)'\\].*/\\1/p\" "
                        + "/opt/ktrdr-core/monitoring/prometheus.yml").lines().toList());
        assertEquals(expected, targets);
        World.on("core", "sed -i '/workers-c" + DOMAIN + ":5005/,+1d' /opt/ktrdr-core/monitoring/prometheus.yml");
        differs("+      - targets: ['workers-c" + DOMAIN + ":5005']");
    }

    @Test
    void foreign_files_are_left_and_named_and_stale_ones_of_ours_go() {
        World.on("core", "cd /opt/ktrdr-core && echo mine >notes.txt && echo old >monitoring/old.yml && printf '%s  "
                + "monitoring/old.yml\\n' \"$(sha256sum <monitoring/old.yml | cut -c 1-64)\" >>.ktrdr/files");
        differs("not the toolkit's, left alone: notes.txt", "+++ /dev/null", "-old");
        good(ktrdr("stage", "core").run());
        assertEquals("mine", World.on("core", "cd /opt/ktrdr-core && ls monitoring && cat notes.txt")
                .replace("grafana\nprometheus.yml\nrules\n", ""));
        assertEquals("", World.on("core", "cd /opt/ktrdr-core && sha256sum --quiet -c .ktrdr/files && rm notes.txt"));
    }

    @Test
    void a_template_of_ones_own_wins_and_the_others_stay_built_in() throws IOException {
        var inventory = own("workers/.env.workers", builtIn("workers/.env.workers") + "MINE={{tag}}\n").toString();
        good(ktrdr("stage", "workers", "B", "-i", inventory).run());
        assertTrue(World.on("workers-b", "cat /opt/ktrdr-workers-b/.env.workers").endsWith("MINE=" + OLDER));
        assertEquals(builtIn("workers/docker-compose.workers.yml").strip(),
                World.on("workers-b", "cat /opt/ktrdr-workers-b/docker-compose.workers.yml"));
        differs("-MINE=" + OLDER);
    }

    @Test
    void a_staged_release_is_not_taken_for_the_one_that_runs() {
        var before = containers();
        good(ktrdr("stage", "core", "--tag", NEWER).run());
        assertTrue(World.on("core", "cat /opt/ktrdr-core/.env.core").contains("IMAGE_TAG=" + NEWER));
        good(ktrdr("stage", "core", "--check").run());
        var ran = good(ktrdr("deploy", "core", "all", "--tag", NEWER, "--dry-run").run());
        assertTrue(ran.out().contains("core  " + OLDER + " -> " + NEWER), ran::toString);
        assertEquals(before, containers());
    }

    @Test
    void staging_looks_in_one_round_trip_and_writes_in_two_more() {
        assertEquals("1/1", roundTrips("stage", "core", "--check"));
        assertEquals("1/3", roundTrips("stage", "core", "--tag", NEWER));
        assertEquals("1/1", roundTrips("stage", "core"));
    }

    private static String roundTrips(String... arguments) {
        var log = SshdLog.fromNow();
        good(ktrdr(arguments).run());
        return log.counts().get("core");
    }
}
