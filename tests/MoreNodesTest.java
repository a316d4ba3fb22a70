import static lab.Aftermath.NEWER;
import static lab.Aftermath.OLDER;
import static lab.MoreNodes.good;
import static lab.MoreNodes.more;
import static lab.MoreNodes.withoutSudo;
import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import lab.Aftermath;
import lab.BuiltImage;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pictures.Answers;
import pictures.Prometheus;

/**
 * A running fleet with two more nodes in the inventory: node D, and a GPU node with one training worker and no root
 * login.
 */
@Tag("fleet")
class MoreNodesTest {
    private static final String GPU = "gpuworker";
    private static final String DIRECTORY = "/opt/ktrdr-gpuworker";
    /**
     * What the unprivileged user ktrdr can see on the machine: process arguments and environments, files with a secret,
     * the lock.
     */
    private static final String LOOK = """
            runuser -u ktrdr -- sh -c 'ps -ewwo args; cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"' || :
            printf '%s\\n' "$words" | runuser -u ktrdr -- grep -rlFs -f - /dev/shm /run /tmp /opt /home | sed \
            's/^/file with a secret: /' || :
            sleep 0.2
            stat -c 'lock of %U' /opt/ktrdr-gpuworker/.ktrdr/lock/owner 2>/dev/null || :
            """;
    private static final Map<String, String> BEFORE = new LinkedHashMap<>();
    private static final TreeSet<String> SEEN = new TreeSet<>();
    @TempDir Path folder;

    /** Adds two nodes as an operator does, and looks for visible secrets on one of them during the next deployment. */
    @BeforeAll
    static void two_nodes_are_added_and_deployed_to() {
        if (!Aftermath.release("core").equals(OLDER))
            assertEquals(0, ktrdr("deploy", "all", "--tag", OLDER).run().exit());
        BEFORE.putAll(others());
        var added = ktrdr("lab", "add").run();
        assertEquals(0, added.exit(), added::toString);
        good("deploy workers D gpu --parallel --tag " + OLDER);
        good("deploy core prometheus --tag " + OLDER);
        var words = "words=$(cat <<'WORDS'\n" + String.join("\n", World.secretValues()) + "\nWORDS\n)\n";
        try (var run = ktrdr("deploy", "workers", "gpu", "--tag", NEWER).env("KTRDR_INVENTORY", World.more().toString())
                .start()) {
            while (run.running()) World.on(GPU, words + LOOK).lines().forEach(SEEN::add);
            var ran = run.end();
            assertEquals(0, ran.exit(), ran::toString);
        }
        // until Prometheus has scraped each new target once
        good("verify --quick --wait 90s");
    }

    @AfterAll
    static void the_three_nodes_alone_are_as_before() {
        var removed = ktrdr("lab", "remove").run();
        var prometheus = ktrdr("deploy", "core", "prometheus", "--tag", OLDER).run();
        assertEquals(0, removed.exit(), removed::toString);
        assertEquals(0, prometheus.exit(), prometheus::toString);
        // Prometheus checks for removed targets every five seconds, and drops one after its last scrape has ended
        World.on("core", """
                for i in $(seq 30); do
                  said=$(curl -sf -m 2 'http://localhost:9090/api/v1/targets?state=active') || continue
                  case $said in *workers-d* | *gpuworker*) sleep 1 ;; *) exit 0 ;; esac
                done
                exit 1
                """);
        var status = ktrdr("status").run();
        assertEquals(1, status.exit(), status::toString);
        assertTrue(status.err().contains("not in the inventory")
                && status.err().contains("http://gpuworker.ktrdr.home.mynerd.place:5005"), status::toString);
        assertFalse(Files.exists(World.more()));
        assertEquals("", World.docker("ps", "-a", "--filter", "name=workers-d", "--filter", "name=gpuworker",
                "--format", "{{.Names}}"));
        assertEquals("gone", World.on("core", "getent hosts workers-d.ktrdr.home.mynerd.place || echo gone"));
        untouched();
        // makes the backend forget the removed workers, which the next verify would report
        World.on("core", "docker restart -t 3 ktrdr-backend");
    }

    /** Containers that must not change, on the other nodes and on core: id and start time of each. */
    private static Map<String, String> others() {
        var containers = new LinkedHashMap<String, String>();
        for (var host : List.of("workers-b", "workers-c"))
            World.containers(host).forEach((name, what) -> containers.put(host + " " + name, what));
        var core = World.containers("core");
        for (var name : List.of("ktrdr-backend", "ktrdr-prometheus")) containers.put(name, core.get(name));
        return containers;
    }

    private static void untouched() {
        assertEquals(BEFORE, others());
    }

    /** Ids and digests of images are others there than in the classic store, and so is what Compose would recreate. */
    @Test
    void containerds_image_store_takes_what_was_built_here() throws IOException {
        assertTrue(World.on("workers-d", "docker info --format '{{json .DriverStatus}}'")
                .contains("io.containerd.snapshotter"));
        var content = BuiltImage.make(folder, "ktrdr-backend:more", OLDER);
        var local = BuiltImage.ktrdr("deploy", "workers", "D", "--local", "ktrdr-backend:more").env("KTRDR_INVENTORY",
                World.more().toString());
        var ran = local.run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains(": 1 of 7 layers, 5.2 MB"), ran::toString);
        assertEquals(content, BuiltImage.content("workers-d", "backtest-worker-1"));
        var containers = World.containers("workers-d");
        assertEquals(0, local.run().exit());
        assertEquals(containers, World.containers("workers-d"));
        BuiltImage.remove("ktrdr-backend:more");
        var tag = Aftermath.release("workers-d");
        good("rollback workers D");
        assertEquals(OLDER, Aftermath.release("workers-d"));
        good("rollback workers D --to " + tag);
        assertEquals(content, BuiltImage.content("workers-d", "training-worker-1"));
        good("deploy workers D --tag " + OLDER);
        good("verify --quick");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "verify-infra D gpu",
        "setup-dns --check",
        "stage workers D gpu --dry-run --tag sha-1000001",
        "deploy all --tag sha-1000001 --dry-run",
        "status --usage",
        "logs D gpu --tail 1",
        "lab status",
    })
    void each_command_takes_the_new_nodes(String line) {
        var ran = good(line);
        var said = ran.out() + ran.err();
        assertTrue(said.contains("workers-d") && said.contains("gpu"), said);
    }

    @Test
    void five_nodes_register_all_workers_and_three_stay_untouched() {
        var checks = good("verify --wait 60s -o json").json().path("checks").findValuesAsText("id");
        assertEquals(9, checks.stream().filter(id -> id.endsWith(".registered")).count(), checks::toString);
        assertEquals(17, checks.stream().filter(id -> id.startsWith("target.")).count(), checks::toString);
        assertTrue(checks.containsAll(List.of("gpu.training-worker-gpu.registered", "gpu.training-worker-gpu.gpu",
                "target.gpu.training-worker-gpu", "gpu.share", "sample.result")), checks::toString);
        assertEquals("ktrdr-node-exporter\ntraining-worker-gpu",
                World.on(GPU, "docker ps -a --format '{{.Names}}' | sort"));
        assertEquals("/dev/nvidia0", World.on(GPU, "docker exec training-worker-gpu ls /dev/nvidia0"));
        assertEquals(List.of("http://gpuworker.ktrdr.home.mynerd.place:5005 1 CUDA"), withGpu());
        var targets = World.get("http://10.42.1.10:9090/api/v1/targets?state=active");
        assertTrue(targets.contains("http://workers-d.ktrdr.home.mynerd.place:5003/metrics\"")
                && targets.contains("http://gpuworker.ktrdr.home.mynerd.place:5005/metrics\""), targets);
        untouched();
    }

    /** Address and GPUs of each worker that reported GPUs to the backend. */
    private static List<String> withGpu() {
        var inventory = Inventory.read(World.more());
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(10))) {
            return new Backend(inventory, http).workers().stream()
                    .filter(worker -> !worker.gpu().isEmpty()).map(worker -> worker.endpointUrl() + " " + worker.gpu())
                    .toList();
        }
    }

    @Test
    void verify_and_deploy_report_a_worker_without_its_gpu() {
        var release = Aftermath.release(GPU);
        // the registration of a worker whose torch finds no GPU
        World.on("core", "curl -fsS -o /dev/null -H 'Content-Type: application/json' -d '{\"worker_id\": "
                + "\"gpu-training-gpu\", \"worker_type\": \"training\", \"endpoint_url\": "
                + "\"http://gpuworker.ktrdr.home.mynerd.place:5005\", \"capabilities\": {\"gpu\": false}}' "
                + "http://localhost:8000/api/v1/workers/register");
        try {
            refused(1, more("verify --quick"), "gpu.training-worker-gpu.gpu does not hold",
                    "none: it trains on the CPU", "nvidia-smi");
            refused(1, more("status"), "gpu.training-worker-gpu.gpu does not hold");
            var ran = good("deploy workers gpu --tag " + release);
            assertTrue(ran.err().contains("training-worker-gpu has no GPU, it trains on the CPU")
                    && ran.err().contains("training-worker-gpu same"), ran::toString);
        } finally {
            good("restart workers gpu training-worker-gpu");
        }
        assertEquals(1, withGpu().size());
    }

    @Test
    void refuses_a_node_without_a_gpu_driver_before_any_change() {
        var inventory = World.variant(World.more(), folder, "directory: /opt/ktrdr-workers-b, scale: 2",
                "directory: /opt/ktrdr-workers-b, gpu: true").toString();
        var before = World.everything("workers-b");
        refused(1, ktrdr("deploy", "workers", "B", "--tag", NEWER).env("KTRDR_INVENTORY", inventory).run(),
                "workers-b: Docker has no GPU driver there",
                "nvidia-container-runtime-hook", "none in /usr/local/sbin:/usr/local/bin:", "nvidia-container-toolkit");
        refused(1, ktrdr("verify-infra", "B").env("KTRDR_INVENTORY", inventory).run(), "workers-b.gpu does not hold");
        assertEquals(before, World.everything("workers-b"));
    }

    @Test
    void a_gpu_that_docker_does_not_grant_rolls_the_deployment_back() {
        var inventory = World.variant(World.more(), folder, "disk_free: 2GB, scale: 1", "disk_free: 2GB, gpu: true")
                .toString();
        var before = World.containers("workers-d").keySet();
        // the container toolkit was installed after dockerd had started
        World.on("workers-d", "ln -s /bin/true /usr/local/bin/nvidia-container-runtime-hook");
        try {
            var ran = refused(5, ktrdr("deploy", "workers", "D", "--tag", OLDER).env("KTRDR_INVENTORY", inventory)
                    .run(), "workers-d: Docker has no GPU driver there",
                    "could not select device driver \"nvidia\"", "systemctl restart docker", "workers-d: returned");
            Aftermath.clean("workers-d", ran);
        } finally {
            World.on("workers-d", "rm /usr/local/bin/nvidia-container-runtime-hook");
        }
        assertEquals(before, World.containers("workers-d").keySet());
        assertEquals("", World.on("workers-d",
                "docker ps -a --filter status=exited --filter status=created --format '{{.Names}}'"));
    }

    /**
     * Panels that have a series for B but not for D or the GPU node, with the nodes they have. A panel that is repeated
     * per node counts once.
     */
    private static Map<String, Set<String>> panelsWithoutTheNewNodes() {
        var inventory = Inventory.read(World.more());
        var shown = new LinkedHashMap<String, Set<String>>();
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(20))) {
            for (var board : Answers.ofAll(inventory, List.of(), new Prometheus(http, inventory.url(Part.PROMETHEUS)),
                    Instant.now(), Duration.ofMinutes(2))) {
                shown.put(board.dashboard().title() + ": to choose from",
                        new TreeSet<>(board.dashboard().values().get("node")));
                for (var answered : board.panels())
                    for (var query : answered.queries())
                        // alerts and operation durations need not exist on every node
                        if (!query.expression().contains("ALERTS")
                                && !query.expression().contains("operation_duration"))
                            shown.computeIfAbsent(board.dashboard().title() + ": " + answered.panel().model()
                                    .path("title").asText() + " " + query.ref(), panel -> new TreeSet<>())
                                    .addAll(query.series().findValuesAsText("node"));
            }
        }
        shown.values().removeIf(
                nodes -> !nodes.contains("workers-b") || nodes.containsAll(List.of("workers-d", "gpu")));
        return shown;
    }

    @Test
    void every_dashboard_shows_the_new_nodes_without_an_edit() {
        Wait.until(Duration.ofSeconds(90), () -> panelsWithoutTheNewNodes().isEmpty(),
                () -> "panels without them: " + panelsWithoutTheNewNodes());
    }

    @Test
    void rolls_back_by_sudo_and_leaves_only_files_of_root() {
        if (!Aftermath.release(GPU).equals(NEWER)) good("deploy workers gpu --tag " + NEWER);
        var ran = good("rollback workers gpu");
        assertEquals(OLDER, Aftermath.release(GPU));
        Aftermath.clean(GPU, ran);
        assertEquals("rolled-back", Aftermath.history(GPU).get(Aftermath.history(GPU).size() - 1).path("outcome")
                .asText());
        assertEquals("", World.on(GPU,
                "find " + DIRECTORY + " ! -user root -o -type f ! -perm 644 -a ! -path '*/failed/*'"));
        assertEquals("ktrdr may not", World.on(GPU, "runuser -u ktrdr -- docker ps 2>/dev/null || echo ktrdr may not"));
    }

    @Test
    void no_secret_is_visible_to_other_users_or_left_on_the_disk() {
        assertTrue(SEEN.contains("lock of root") && SEEN.stream().anyMatch(line -> line.contains("docker compose")),
                SEEN::toString);
        assertEquals(List.of(),
                SEEN.stream().filter(line -> line.startsWith("file with a secret") || World.secretValues().stream()
                        .anyMatch(line::contains)).toList());
        assertEquals("", World.on(GPU,
                "grep -rlFs -f - /etc /opt /home /root /var/log /var/tmp /tmp /run/lock <<'WORDS' || :\n"
                        + String.join("\n", World.secretValues()) + "\nWORDS\n"));
    }

    @Test
    void refuses_a_user_without_sudo_before_any_change() {
        var before = World.everything(GPU);
        refused(1, withoutSudo(folder, "verify-infra", "gpu"), "gpu.user does not hold",
                "ktrdr, sudo would work and is not used", "`ssh: {sudo: true}`");
        refused(1, withoutSudo(folder, "deploy", "workers", "gpu", "--tag", OLDER),
                "gpu: only root can change anything on it", "ktrdr", "`ssh: {sudo: true}`");
        assertEquals(before, World.everything(GPU));
    }

    @Test
    void setup_nfs_proves_an_existing_share_by_sudo() {
        var inventory = World.variant(World.more(), folder, "storage: {server: core",
                "storage: {server: pve.ktrdr.home.mynerd.place").toString();
        var ran = ktrdr("setup-nfs", "gpu", "D").env("KTRDR_INVENTORY", inventory).run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.out().contains("wrote too") && ran.err().contains("0 changed"), ran::toString);
    }

    @Test
    void a_script_under_sudo_ends_with_our_patience() {
        var inventory = Inventory.read(World.more());
        var gpu = inventory.node("gpu");
        try (var fleet = new Fleet(inventory, List.of(gpu), new Console(Console.Color.never, false))) {
            assertEquals("root\n", fleet.ssh(gpu).must("id -un"));
            assertThrows(Problem.class, () -> fleet.ssh(gpu).run("sleep 4321", Duration.ofSeconds(1)));
            assertEquals("gone",
                    World.on(GPU, "for i in $(seq 50); do pgrep -f 'sleep 432[1]' >/dev/null || { echo gone; exit 0; "
                            + "}; sleep 0.1; done"));
        }
    }
}
