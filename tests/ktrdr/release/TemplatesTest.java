package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.Fixtures;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemplatesTest {
    private final Inventory inventory = Fixtures.inventory();

    private String file(String node, String path) {
        return new Templates(inventory).render(inventory.node(node), "sha-1234567").stream()
                .filter(file -> file.path().equals(path)).findFirst().orElseThrow().content();
    }

    @Test
    void the_env_file_of_a_workers_node_has_its_own_address() {
        var env = Templates.env(file("B", ".env.workers"));
        assertEquals("workers-b.ktrdr.test", env.get("WORKER_HOSTNAME"));
        assertEquals("http://backend.ktrdr.test:8000", env.get("KTRDR_API_URL"));
        assertEquals("http://backend.ktrdr.test:4317", env.get("OTLP_ENDPOINT"));
        assertEquals("backend.ktrdr.test", env.get("DB_HOST"));
        assertEquals("sha-1234567", env.get("IMAGE_TAG"));
        assertEquals("scale-2", env.get("COMPOSE_PROFILES"));
    }

    @Test
    void older_images_find_the_names_that_they_read() {
        for (var name : List.of("core", "workers-b")) {
            var compose = file(name, Stack.of(inventory, inventory.node(name)).composeFile());
            for (var variable : List.of("DATA_DIR", "MODELS_DIR", "STRATEGIES_DIR", "CHECKPOINT_DIR", "DB_HOST",
                    "ENVIRONMENT"))
                assertTrue(compose.contains(" " + variable + ": "), () -> name + " has no " + variable);
        }
        var workers = file("workers-b", "docker-compose.workers.yml");
        assertEquals(7, workers.split(" WORKER_PORT: ", -1).length - 1);
    }

    /** Docker rejects `cpus` above the node's number, but accepts any CPU shares. */
    @Test
    void a_worker_may_use_what_its_type_is_limited_to() {
        var env = Templates.env(file("B", ".env.workers"));
        assertEquals(List.of("100000", "3221225472", "200000", "5368709120"),
                List.of("BACKTEST_CPU_QUOTA", "BACKTEST_MEMORY", "TRAINING_CPU_QUOTA", "TRAINING_MEMORY").stream()
                        .map(env::get).toList());
        var compose = file("B", "docker-compose.workers.yml");
        for (var type : List.of("backtest", "training")) {
            assertEquals(type.equals("training") ? 4 : 3,
                    compose.split("  " + type + "-worker-(\\d|gpu):\n    <<: \\*" + type + "\n", -1).length - 1);
            for (var limit : List.of("cpu_quota: ${" + type.toUpperCase() + "_CPU_QUOTA:",
                    "mem_limit: ${" + type.toUpperCase() + "_MEMORY:")) assertTrue(compose.contains("  " + limit),
                            limit);
        }
        assertFalse(compose.contains("cpus: "), compose);
    }

    /** The exclusion patterns are matched against the request's URL. */
    @Test
    void who_asks_whether_it_is_well_and_prometheus_leave_no_traces() {
        for (var name : List.of("core", "B")) {
            var compose = file(name, Stack.of(inventory, inventory.node(name)).composeFile());
            var excluded = Pattern.compile(" OTEL_PYTHON_FASTAPI_EXCLUDED_URLS: \"(.*)\"\n").matcher(compose);
            assertTrue(excluded.find(), name);
            var patterns = List.of(excluded.group(1).replace("$$", "$").split(","));
            for (var path : List.of("/", "/health", "/api/v1/health", "/metrics", "/metrics/"))
                assertTrue(patterns.stream()
                        .anyMatch(pattern -> Pattern.compile(pattern).matcher("http://172.18.0.3:5003" + path).find()),
                        path);
            for (var path : List.of("/api/v1/workers", "/api/v1/operations/op_1", "/healthy/x", "/backtests/start"))
                assertTrue(patterns.stream()
                        .noneMatch(pattern -> Pattern.compile(pattern).matcher("http://172.18.0.3:5003" + path).find()),
                        path);
        }
        assertEquals("20000", Templates.env(file("core", ".env.core")).get("JAEGER_TRACES"));
    }

    @Test
    void what_only_some_fleets_have_is_in_the_env_file_of_those_alone() {
        var with = Fixtures.inventory(Fixtures.INVENTORY.replace("training: 1}}",
                "training: 1}, image: r/ktrdr-worker-gpu}") + "apparmor: unconfined\nbroker: http://10.0.0.9:5001\n");
        assertEquals("http://10.0.0.9:5001",
                Templates.env(content(new Templates(with).render(with.core(), "t"), ".env.core"))
                        .get("IB_HOST_SERVICE_URL"));
        var gpu = Templates.env(content(new Templates(with).render(with.node("G"), "t"), ".env.workers"));
        assertEquals("unconfined r/ktrdr-worker-gpu", gpu.get("APPARMOR") + " " + gpu.get("WORKER_IMAGE"));
        assertFalse(Templates.env(file("core", ".env.core")).containsKey("IB_HOST_SERVICE_URL"));
        var other = Templates.env(file("B", ".env.workers"));
        assertEquals("null registry.test:5000/ktrdr-worker-cpu",
                other.get("APPARMOR") + " " + other.get("WORKER_IMAGE"));
    }

    /** A backtest treats any path that contains a folder `models` as a path below /app. */
    @Test
    void mounts_strategies_models_and_data_below_the_app_folder() {
        for (var name : List.of("core", "workers-b")) {
            var compose = file(name, Stack.of(inventory, inventory.node(name)).composeFile());
            for (var folder : List.of("strategies", "models", "data"))
                assertTrue(Pattern.compile("source: \\$\\{SHARE_SOURCE:[^}]*}/" + folder + "\n +target: /app/" + folder
                        + "\n( +read_only: true\n)? +bind: \\{create_host_path: false}").matcher(compose).find(),
                        compose);
        }
    }

    /**
     * Only the start checks /health, until its first success: more frequent requests keep a worker from registering
     * again.
     */
    @Test
    void docker_looks_at_the_root_of_a_worker() {
        var workers = file("workers-b", "docker-compose.workers.yml");
        assertEquals(1, workers.split("curl -fsS \\$\\$at/ ", -1).length - 1);
        assertEquals(1, workers.split("curl -fsS \\$\\$at/health ", -1).length - 1);
        assertEquals(7, workers.split("healthcheck: \\*health\n", -1).length - 1);
    }

    /**
     * Docker passes the proxy of its client's config.json to each new container. An unreachable proxy would fail every
     * HTTP health check.
     */
    @Test
    void a_health_check_by_http_goes_by_no_proxy() {
        for (var name : List.of("core", "workers-b")) {
            var compose = file(name, Stack.of(inventory, inventory.node(name)).composeFile());
            var checks = compose.lines()
                    .filter(line -> line.contains("CMD-SHELL, ") && line.matches(".*\\b(curl|wget)\\b.*")
                            || line.contains("at=http://localhost")).toList();
            assertEquals(name.equals("core") ? 4 : 1, checks.size(), checks::toString);
            assertEquals(checks.size(),
                    compose.split("unset http_proxy HTTP_PROXY all_proxy ALL_PROXY;", -1).length - 1, compose);
        }
    }

    @Test
    void the_gpu_worker_exists_only_on_gpu_nodes_and_requests_the_gpu() {
        var gpu = Fixtures.inventory(Fixtures.INVENTORY.replace("workers: {backtest: 0, training: 1}", "gpu: true"));
        var env = Templates.env(content(new Templates(gpu).render(gpu.node("G"), "t"), ".env.workers"));
        assertEquals("gpu registry.test:5000/ktrdr-worker-gpu",
                env.get("COMPOSE_PROFILES") + " " + env.get("WORKER_IMAGE"));
        assertEquals("scale-2", Templates.env(content(new Templates(gpu).render(gpu.node("B"), "t"), ".env.workers"))
                .get("COMPOSE_PROFILES"));
        var service = file("G", "docker-compose.workers.yml").replaceAll("(?s).*\n  training-worker-gpu:\n|\n\n  \\S.*",
                "");
        assertTrue(service.contains("profiles: [gpu]")
                && service.contains("devices: [{driver: nvidia, count: all, capabilities: [gpu]}]"), service);
        assertEquals(1, file("G", "docker-compose.workers.yml").split("driver: nvidia", -1).length - 1);
        var prometheus = content(new Templates(gpu).render(gpu.core(), "t"), "monitoring/prometheus.yml");
        assertTrue(prometheus.contains("labels: {node: gpu, worker: training-worker-gpu, worker_type: training}"),
                prometheus);
    }

    @Test
    void prometheus_lists_exactly_the_nodes_and_workers_that_run() {
        var prometheus = file("core", "monitoring/prometheus.yml");
        var targets = new TreeSet<String>();
        prometheus.lines().filter(line -> line.contains("targets:"))
                .forEach(line -> targets.add(line.replaceAll(".*\\['|'].*", "")));
        assertEquals(Set.of("localhost:9090", "backend:8000", "workers-b.ktrdr.test:5003", "workers-b.ktrdr.test:5004",
                "workers-b.ktrdr.test:5005", "workers-b.ktrdr.test:5006", "gpu-1.ktrdr.test:5005",
                "backend.ktrdr.test:9100", "workers-b.ktrdr.test:9100", "gpu-1.ktrdr.test:9100"), targets);
        // the backend redirects the path without a slash, a worker the path with one
        assertEquals(1, prometheus.split("metrics_path: /metrics/\n", -1).length - 1);
        assertTrue(prometheus.contains("labels: {node: gpu, worker: training-worker-1, worker_type: training}"));
    }

    @Test
    void the_figures_of_the_nodes_are_off_by_one_switch() {
        var off = new Templates(Fixtures.inventory(Fixtures.INVENTORY + "metrics: {nodes: false}\n"));
        for (var node : inventory.nodes()) {
            assertTrue(NodeMetrics.image(new Templates(inventory).render(node, "none")).orElseThrow()
                    .startsWith("prom/node-exporter:"));
            for (var file : off.render(node, "none")) assertFalse(file.path().startsWith("metrics/")
                    || file.path().endsWith("prometheus.yml") && file.content().contains(":9100"), file::path);
        }
    }

    /**
     * KTRDR takes 30 to 100 s to start on a busy machine. Until then the container is starting and is checked every
     * second.
     */
    @Test
    void a_slow_start_is_no_failure_for_docker() {
        for (var name : List.of("core", "workers-b")) {
            var compose = file(name, Stack.of(inventory, inventory.node(name)).composeFile());
            assertTrue(compose.contains("  start_period: 120s\n  start_interval: 1s\n"), name);
        }
    }

    @Test
    void every_variable_of_the_compose_files_is_given() {
        for (var node : inventory.nodes()) {
            var stack = Stack.of(inventory, node);
            var unknown = Templates.needed(file(node.name(), stack.composeFile()));
            unknown.removeAll(Templates.env(file(node.name(), stack.envFile())).keySet());
            stack.secrets().forEach(secret -> unknown.remove(secret.variable()));
            assertEquals(Set.of(), unknown);
        }
    }

    @Test
    void bind_restricts_ports_to_the_nodes_address_and_nothing_else() {
        var bound = Fixtures.inventory(Fixtures.INVENTORY.replaceAll("address: ([0-9.]+)11",
                "address: fd00::11, bind: fd00::11").replaceAll("address: (10.0.0.10)", "address: $1, bind: $1"));
        for (var node : List.of("core", "B", "G")) {
            var with = new Templates(bound).render(bound.node(node), "t");
            var without = new Templates(inventory).render(inventory.node(node), "t");
            var differing = new TreeSet<String>();
            for (int i = 0; i < with.size(); i++)
                if (!with.get(i).equals(without.get(i))) differing.add(with.get(i).path());
            var stack = Stack.of(bound, bound.node(node));
            assertEquals(node.equals("G") ? Set.of() : Set.of(stack.envFile(), NodeMetrics.COMPOSE), differing);
            var address = Map.of("core", "10.0.0.10", "B", "[fd00::11]").get(node);
            assertEquals(address, Templates.env(content(with, stack.envFile())).get("KTRDR_BIND"));
            assertTrue(content(with, NodeMetrics.COMPOSE)
                    .contains("--web.listen-address=" + (address == null ? "" : address) + ":9100"));
            content(with, stack.composeFile()).lines()
                    .filter(line -> line.matches(".*:\\d{4,5}(\"])?") && line.contains("- $")
                            || line.contains("ports: ["))
                    .forEach(line -> assertTrue(line.contains("${KTRDR_BIND:+${KTRDR_BIND-}:}"), line));
        }
    }

    private static String content(List<Templates.NodeFile> files, String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst().orElseThrow().content();
    }

    @Test
    void a_variable_without_a_default_or_in_a_comment_is_told_apart() {
        var text = "x: ${A:?needed}\ny: $B-${C:-d}\n# ${D}\nz: $$E\n";
        assertEquals(Set.of("A", "B", "C"), Templates.variables(text));
        assertEquals(Set.of("A", "B"), Templates.needed(text));
        // an unset variable expands to nothing
        assertEquals(Set.of("B"), Templates.needed("${A:+${A-}:}$B"));
        assertEquals(Set.of(), Templates.needed("${A:-${B-c}}"));
    }

    @Test
    void no_file_has_a_secret_in_it() {
        for (var node : inventory.nodes())
            for (var file : new Templates(inventory).render(node, "t"))
                for (var secret : Secrets.Field.KNOWN)
                    assertFalse(file.content().lines().anyMatch(line -> line.startsWith(secret.variable() + "=")),
                            file.path());
    }

    @Test
    void a_file_of_ones_own_wins_over_the_built_in_one(@TempDir Path folder) throws IOException {
        Files.createDirectories(folder.resolve("mine/workers"));
        Files.writeString(folder.resolve("mine/workers/.env.workers"), "MINE={{tag}}\n");
        Files.writeString(folder.resolve("inventory.yaml"), Fixtures.INVENTORY + "templates: mine\n");
        var own = Inventory.read(folder.resolve("inventory.yaml"));
        var files = new Templates(own).render(own.node("B"), "t1");
        assertEquals("MINE=t1\n", files.get(1).content());
        assertTrue(files.get(0).content().contains("backtest-worker-1"));
    }

    @Test
    void other_files_of_an_own_folder_land_as_they_are(@TempDir Path folder) throws IOException {
        for (var path : List.of("core/mcp/config.yml", "core/.hidden", "core/mcp/old.yml~", "workers/agent.yml",
                "monitoring/rules/mine.yml", "monitoring/rules/alerts.yml")) {
            Files.createDirectories(folder.resolve(path).getParent());
            Files.writeString(folder.resolve(path), "{{as it is}} in " + path + "\n");
        }
        var fleet = Fixtures.inventory(Fixtures.INVENTORY + "templates: " + folder + "\n");
        var core = new Templates(fleet).render(fleet.core(), "sha-1").stream()
                .filter(file -> file.content().startsWith("{{as it is}}"))
                .map(Templates.NodeFile::path).sorted().toList();
        assertEquals(List.of("mcp/config.yml", "monitoring/rules/alerts.yml", "monitoring/rules/mine.yml"), core);
        assertTrue(new Templates(fleet).render(fleet.node("B"), "sha-1")
                .contains(new Templates.NodeFile("agent.yml", "{{as it is}} in workers/agent.yml\n", "644")));
    }
}
