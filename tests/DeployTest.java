import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Deployments to the practice fleet, checked from outside. */
@Tag("fleet")
class DeployTest {
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-2000002";
    /** A newer release, of a KTRDR with another API. */
    private static final String OTHER_API = "sha-fade000";
    private static final String LACKS =
            "parameter active_only of GET /operations is gone; DELETE /operations/{id} is gone; POST /backtests/start "
                    + "needs field account";
    private static final Pattern AWAY = Pattern.compile("the backend was away for ([0-9.]+) s");
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");

    @BeforeAll
    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.deployed();
    }

    private static Ran good(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    private static List<String> replaced(Map<String, String> before, Map<String, String> after) {
        var names = new ArrayList<>(after.keySet());
        names.removeIf(name -> after.get(name).equals(before.get(name)));
        return names;
    }

    @Test
    void a_newer_release_replaces_only_the_backend_and_keeps_all_rows() {
        // this release takes 8 s to start, like the real one
        World.sql("drop table if exists kept; create table kept (word text); insert into kept values ('still here')");
        var before = World.containers("core");
        var deployed = good(ktrdr("deploy", "core", "all", "--tag", OTHER_API).run());
        var after = World.containers("core");
        assertEquals(List.of("ktrdr-backend"), replaced(before, after));
        assertTrue(after.get("ktrdr-backend").endsWith("/ktrdr-backend:" + OTHER_API));
        assertEquals("still here", World.sql("select word from kept"));
        assertTrue(World.get("http://10.42.1.10:8000/api/v1/health").contains(OTHER_API));
        assertTrue(World.on("core", "cat /opt/ktrdr-core/.env.core").contains("IMAGE_TAG=" + OTHER_API));
        var away = AWAY.matcher(deployed.err());
        assertTrue(away.find() && Double.parseDouble(away.group(1)) > 8, deployed::toString);
        // deploy warns about the missing API, and a check of verify fails
        assertTrue(deployed.err().contains("the backend differs from what the toolkit uses: " + LACKS),
                deployed::toString);
        // the long start fails no check
        var verified = refused(1, ktrdr("verify", "--quick").run(), "backend.contract does not hold",
                "found     " + LACKS, "rollback@ktrdr core");
        var held = Pattern.compile("(\\d+) of (\\d+) checks hold").matcher(verified.toString());
        assertTrue(held.find() && Integer.parseInt(held.group(1)) == Integer.parseInt(held.group(2)) - 1,
                verified::toString);
        World.sql("drop table kept");
        good(ktrdr("deploy", "core", "all", "--tag", OLDER).run());
    }

    @Test
    void a_second_deployment_of_the_same_release_changes_nothing() {
        var before = HOSTS.stream().map(World::state).toList();
        good(ktrdr("deploy", "all", "--tag", OLDER).run());
        assertEquals(before, HOSTS.stream().map(World::state).toList());
    }

    @Test
    void a_node_may_run_its_workers_without_apparmor() {
        var asked = "docker inspect --format '{{.HostConfig.SecurityOpt}}' training-worker-1";
        assertEquals("[apparmor=] [apparmor=unconfined]",
                World.on("workers-b", asked) + " " + World.on("workers-c", asked));
    }

    /** The hosts have two processors; Docker would refuse four. */
    @Test
    void a_worker_may_use_no_more_than_the_inventory_says() {
        var said = World.on("workers-b",
                "docker inspect --format '{{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}} {{.HostConfig.Memory}}' "
                        + "backtest-worker-1 training-worker-2; "
                + "docker exec training-worker-2 sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes "
                + "/sys/fs/cgroup/memory.max 2>/dev/null || :'");
        assertEquals(List.of("100000 100000 200000000", "400000 100000 200000000",
                String.valueOf(200_000_000 / 4096 * 4096)), said.lines().toList());
    }

    /**
     * A node's settings for every login, system-wide or in the shell's startup file, would override the deployment's
     * env file.
     */
    private static final String ELSEWHERE =
            "cp -p /etc/environment /root/.bashrc /tmp/; printf '%s\\n' IMAGE_TAG=sha-1000001 "
                    + "COMPOSE_PROJECT_NAME=other COMPOSE_PROFILES=scale-3 "
            + "DOCKER_HOST=tcp://127.0.0.1:1 >>/etc/environment; printf '%s\\n' 'export TMPDIR=/not-there "
            + "COMPOSE_FILE=/x BACKTEST_MEMORY=100m' 'docker() { echo no docker; }; export -f docker' >/root/.bashrc; "
            + "docker context create other --docker host=tcp://127.0.0.1:1 >/dev/null; docker context use other "
            + ">/dev/null; echo IMAGE_TAG=sha-1000001 >/opt/ktrdr-workers-b/.env";

    /** As soon as the deployment has ended. */
    private static void workersAreRegistered() {
        World.on("workers-b", ELSEWHERE);
        try {
            good(ktrdr("deploy", "workers", "B", "--tag", NEWER).run());
        } finally {
            World.on("workers-b",
                    "mv /tmp/environment /etc/environment; mv /tmp/.bashrc /root/.bashrc; docker context use default "
                            + ">/dev/null; docker context rm other >/dev/null; rm /opt/ktrdr-workers-b/.env");
        }
        assertEquals("ktrdr-workers 200000000 4",
                World.on("workers-b",
                        "docker inspect --format '{{index .Config.Labels \"com.docker.compose.project\"}} "
                                + "{{.HostConfig.Memory}}' backtest-worker-1; "
                + "docker ps -q --filter label=com.docker.compose.service --filter name=-worker- | wc -l").strip()
                .replace("\n", " "));
        var workers = World.workers();
        for (int port : List.of(5003, 5004, 5005, 5006))
            assertTrue(workers.contains("\"http://workers-b.ktrdr.home.mynerd.place:" + port + "\""), workers);
        assertEquals(4, World.containers("workers-b").values().stream().filter(container -> container.endsWith(NEWER))
                .count());
        assertEquals(2, World.containers("workers-c").values().stream().filter(container -> container.endsWith(OLDER))
                .count());
    }

    private static List<String> images(String host) {
        return World.on(host,
                "docker inspect --format '{{.Image}}' $(docker ps -q --filter "
                        + "label=com.docker.compose.project=ktrdr-workers) | sort -u").lines().toList();
    }

    /** C has the tag's previous image; B gets the current one from the registry. */
    @Test
    void workers_are_registered_and_a_repushed_tag_is_unified() {
        var repository = "registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:";
        World.forget("workers-b", NEWER);
        World.forget("workers-c", NEWER);
        workersAreRegistered();
        World.on("workers-c", "docker tag " + repository + OLDER + " " + repository + NEWER);
        good(ktrdr("deploy", "workers", "workers-c", "--tag", NEWER).run());
        assertNotEquals(images("workers-b"), images("workers-c"));
        for (var procedure : List.of("verify --quick", "status")) refused(1, ktrdr(procedure.split(" ")).run(),
                "images.ktrdr-backend:" + NEWER, "on workers-b; ", "jbang deploy@ktrdr all --tag " + NEWER);
        var ran = good(ktrdr("deploy", "workers", "all", "--tag", NEWER).run());
        assertEquals(List.of(World.image("workers-b", NEWER)), images("workers-b"), ran::toString);
        assertEquals(images("workers-b"), images("workers-c"), ran::toString);
        good(ktrdr("deploy", "workers", "all", "--tag", OLDER).run());
    }

    @Test
    void reports_stray_second_and_renamed_containers_but_deploys() {
        var before = World.containers("workers-c");
        World.on("workers-c", "image=$(docker inspect --format '{{.Image}}' backtest-worker-1); "
                + "extra() { docker run -d --name \"$1\" --label com.docker.compose.project=ktrdr-workers --label "
                + "\"com.docker.compose.service=$2\" --entrypoint sleep \"$image\" 1000; }; "
                + "extra stray extra; extra second backtest-worker-1; docker rename training-worker-1 foo");
        try {
            refused(1, ktrdr("verify", "--quick").run(), "workers-c.release does not hold",
                    "backtest-worker-1 has 2 containers, backtest-worker-1, second",
                    "training-worker-1 has the container foo instead of training-worker-1",
                    "extra is not part of the stack: the container stray");
            var ran = good(ktrdr("deploy", "workers", "C", "--tag", OLDER).run());
            assertTrue(ran.err().contains("foo renamed to training-worker-1; second removed"), ran::toString);
            var after = World.containers("workers-c");
            assertTrue(after.keySet().contains("stray"), after::toString);
            assertEquals(before.get("training-worker-1"), after.get("training-worker-1"));
            refused(5, ktrdr("deploy", "workers", "C", "--tag", "sha-bad0000", "--timeout", "4s").run(),
                    "workers-c: returned");
            good(ktrdr("rollback", "workers", "C", "--to", OLDER).run());
            refused(1, ktrdr("verify", "--quick").run(),
                    "found     extra is not part of the stack: the container stray");
        } finally {
            World.on("workers-c", "docker rm -f stray second");
        }
        assertTrue(World.containers("workers-c").keySet().containsAll(before.keySet()));
        good(ktrdr("verify", "--quick").run());
    }

    @Test
    void one_service_of_core_is_deployed_alone_and_needs_no_tag() {
        World.on("core", "docker rm -f ktrdr-jaeger ktrdr-grafana");
        var before = World.containers("core");
        good(ktrdr("deploy", "core", "grafana").run());
        var after = World.containers("core");
        assertEquals(List.of("ktrdr-grafana"), replaced(before, after));
        assertFalse(after.containsKey("ktrdr-jaeger"));
        good(ktrdr("deploy", "core", "jaeger").run());
        assertTrue(World.containers("core").containsKey("ktrdr-jaeger"));
    }

    @Test
    void scale_adds_workers_and_takes_them_away() {
        good(ktrdr("deploy", "workers", "C", "--tag", OLDER, "--scale", "2").run());
        assertTrue(World.containers("workers-c").keySet()
                .containsAll(List.of("backtest-worker-2", "training-worker-2")));
        good(ktrdr("verify", "--quick").run());
        var before = World.containers("workers-c");
        good(ktrdr("deploy", "workers", "C", "--tag", OLDER).run());
        good(ktrdr("verify", "--quick").run());
        good(ktrdr("status").run());
        var after = World.containers("workers-c");
        assertEquals(2, after.keySet().stream().filter(name -> name.contains("-worker-")).count(), after::toString);
        assertEquals(List.of(), replaced(before, after));
    }

    @Test
    void changed_prometheus_configuration_is_read_without_a_restart() {
        var before = World.containers("core");
        World.on("core", "cd /opt/ktrdr-core/monitoring && sed -i 's/scrape_interval: 15s/scrape_interval: 17s/' "
                + "prometheus.yml && docker kill -s HUP ktrdr-prometheus");
        World.on("core", "for i in $(seq 50); do curl -s localhost:9090/api/v1/status/config | grep -q 17s && exit 0; "
                + "sleep 0.1; done; exit 1");
        good(ktrdr("deploy", "core", "all", "--tag", OLDER).run());
        World.on("core", "for i in $(seq 50); do curl -s localhost:9090/api/v1/status/config | grep -q 15s && exit 0; "
                + "sleep 0.1; done; exit 1");
        assertEquals(before, World.containers("core"));
    }

    @Test
    void a_dry_run_shows_the_difference_and_changes_nothing() {
        var before = World.everything();
        var ran = good(ktrdr("deploy", "all", "--tag", NEWER, "--dry-run").run());
        assertTrue(ran.out().contains("-IMAGE_TAG=" + OLDER + "\n+IMAGE_TAG=" + NEWER), ran::toString);
        assertEquals(before, World.everything());
    }

    @Test
    void compose_files_on_nodes_are_valid_but_stop_without_secrets() {
        for (var host : List.of("core", "workers-b")) {
            var stack = host.equals("core") ? "core" : "workers";
            var config = "cd /opt/ktrdr-" + host + " && docker compose --profile scale-3 --env-file .env." + stack
                    + " -f docker-compose." + stack + ".yml config -q 2>&1";
            assertTrue(World.on(host, config + " || true").contains("a secret, given by jbang deploy@ktrdr"), host);
            assertEquals("", World.on(host,
                    "export KTRDR_DB_USER=u KTRDR_DB_PASSWORD=p KTRDR_AUTH_JWT_SECRET=j GF_SECURITY_ADMIN_PASSWORD=g\n"
                            + config), host);
        }
    }

    @Test
    void json_is_one_document_and_nothing_else() throws IOException {
        var ran = good(ktrdr("deploy", "core", "all", "--tag", OLDER, "-o", "json").run());
        var document = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).readTree(ran.out());
        assertEquals("core", document.path("nodes").path(0).path("node").asText());
        assertEquals("deployed", document.path("nodes").path(0).path("outcome").asText());
        assertNotEquals("", ran.err());
    }
}
