import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The metrics that every node reports to Prometheus: its own, its containers', and those that procedures wrote. */
@Tag("fleet")
class NodeFiguresTest {
    /** The timer's and Prometheus' intervals, twice, on a busy machine. */
    private static final Duration FRESH = Duration.ofSeconds(90);
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    @TempDir static Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        deploy(World.inventory());
    }

    @AfterAll
    static void as_it_was() {
        deploy(World.inventory());
    }

    private static void deploy(Path inventory) {
        var deployed = ktrdr("deploy", "all", "--tag", "sha-1000001").env("KTRDR_INVENTORY", inventory.toString())
                .run();
        assertEquals(0, deployed.exit(), deployed::toString);
        assertTrue(!deployed.err().contains(" metrics "), deployed::toString);
    }

    private static JsonNode ask(String expression) {
        try {
            return new ObjectMapper()
                    .readTree(World.get("http://10.42.1.10:9090/api/v1/query?query="
                            + URLEncoder.encode(expression, StandardCharsets.UTF_8))).path("data").path("result");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static double value(String expression) {
        return ask(expression).path(0).path("value").path(1).asDouble(-1);
    }

    /** Waits until a Prometheus query has a result. */
    private static void await(String expression) {
        World.on("core", "for i in $(seq 150); do curl -sG --data-urlencode \"query=$(cat <<'QUERY'\n" + expression
                + "\nQUERY\n)\" http://localhost:9090/api/v1/query | grep -q '\"value\"' && exit 0; sleep 0.5; done; "
                + "exit 1");
    }

    @Test
    void the_figures_of_a_host_are_those_that_it_has() {
        await("count(node_memory_MemTotal_bytes{job=\"node\"}) == 3");
        for (var host : HOSTS) {
            var node = "{node=\"" + host + "\"}";
            assertEquals(Double.parseDouble(World.on(host, "awk '/^MemTotal:/ { print $2 * 1024 }' /proc/meminfo")),
                    value("node_memory_MemTotal_bytes" + node));
            assertEquals(Double.parseDouble(World.on(host, "df -PB1 / | awk 'NR == 2 { print $2 }'")),
                    value("node_filesystem_size_bytes{node=\"" + host + "\",mountpoint=\"/\"}"));
            // the host's own network, not a container's; a device that is removed and added again gets another number
            var received = value("sum(node_network_receive_bytes_total{node=\"" + host + "\",device=~\"eth[0-9]\"})");
            var own = Double.parseDouble(World.on(host,
                    "cat /sys/class/net/eth[0-9]/statistics/rx_bytes | awk '{ all += $1 } END { print all }'"));
            assertTrue(received > 1e4 && received <= own, host + " " + received + " " + own);
            assertEquals(0, value("node_textfile_scrape_error" + node));
        }
    }

    @Test
    void the_figures_of_containers_are_those_that_docker_has() {
        // a container that another class made may have been replaced just now
        for (var host : HOSTS) Wait.until(FRESH,
                () -> seen(host).equals(new TreeSet<>(World.containers(host).keySet())),
                () -> host + ": " + seen(host) + " instead of " + World.containers(host).keySet());
        var figure = "container_start_time_seconds{node=\"workers-b\",name=\"backtest-worker-1\"}";
        Wait.until(FRESH, () -> value(figure) == started(),
                () -> "the figures are older than the container: " + started());
        // memory use of a container that has just started still changes between readings
        await("time() - container_start_time_seconds{node=\"core\",name=\"ktrdr-backend\"} > 45");
        var used = value("container_memory_working_set_bytes{node=\"core\",name=\"ktrdr-backend\"}");
        // docker stats subtracts the same cache
        var docker = Double.parseDouble(World.on("core",
                "docker stats --no-stream --format '{{.MemUsage}}' ktrdr-backend | sed 's/MiB.*//'")) * (1 << 20);
        assertTrue(used > docker / 2 && used < docker * 2, used + " " + docker);
    }

    private static TreeSet<String> seen(String host) {
        var names = new TreeSet<String>();
        ask("container_memory_working_set_bytes{node=\"" + host + "\"} and on (node, name) (time() - "
                + "container_last_seen < 40)").forEach(json -> names.add(json.path("metric").path("name").asText()));
        return names;
    }

    private static double started() {
        return Double.parseDouble(World.on("workers-b",
                "date -u -d \"$(docker inspect --format '{{.State.StartedAt}}' backtest-worker-1)\" +%s"));
    }

    @Test
    void a_container_that_docker_starts_again_is_counted() {
        World.on("workers-c", "docker exec training-worker-1 sh -c 'kill -9 -1' || :");
        await("ktrdr_container_restarts_total{node=\"workers-c\",name=\"training-worker-1\"} > 0");
        var registered = ktrdr("verify", "--quick", "--wait", "60s").run();
        assertEquals(0, registered.exit(), registered::toString);
    }

    @Test
    void the_release_of_every_node_is_a_series() {
        await("count(ktrdr_release_info{tag=\"sha-1000001\"}) == 3");
    }

    @Test
    void reports_a_lost_exporter_and_the_next_deployment_restores_it() {
        World.on("workers-b", "docker rm -f ktrdr-node-exporter; systemctl stop ktrdr-containers.timer");
        await("up{job=\"node\",node=\"workers-b\"} == 0");
        var verified = ktrdr("verify", "--quick", "-o", "json").run();
        assertEquals(List.of("target.node.workers-b"), List.copyOf(verified.failing().keySet()), verified::toString);
        deploy(World.inventory());
        assertEquals("active", World.on("workers-b", "systemctl is-active ktrdr-containers.timer"));
        await("up{job=\"node\",node=\"workers-b\"} == 1");
    }

    @Test
    void one_switch_takes_all_of_it_away_and_brings_it_back() {
        // on workers-b the service has just failed, and does not run again
        assertEquals("failed", World.on("workers-b", """
                more=/run/systemd/system/ktrdr-containers.service.d
                systemctl stop ktrdr-containers.timer
                mkdir $more; printf '[Service]\\nExecStartPre=false\\n' >$more/fails.conf; systemctl daemon-reload
                systemctl start ktrdr-containers.service 2>/dev/null || :
                rm -r $more; systemctl daemon-reload
                systemctl is-failed ktrdr-containers.service
                """));
        deploy(World.inventory(folder, "tracing:", "metrics: {nodes: false}\ntracing:"));
        for (var host : HOSTS) {
            var node = "/opt/ktrdr-" + host;
            assertEquals("", World.on(host, "docker ps -aq --filter name=node-exporter; ls -d " + node +
                    "/metrics/* /etc/systemd/system/ktrdr-containers.* " + node
                    + "/.ktrdr/metrics/containers.prom 2>/dev/null || :; systemctl list-units --all --no-legend "
                    + "'ktrdr-containers.*'"), host);
        }
        // Prometheus keeps the series of a removed target for five minutes
        var targets = World.get("http://10.42.1.10:9090/api/v1/targets?state=active");
        assertTrue(targets.contains("\"job\":\"backend\"") && !targets.contains("\"job\":\"node\""), targets);
        var verified = ktrdr("verify", "--quick", "-o", "json")
                .env("KTRDR_INVENTORY", folder.resolve("inventory.yaml").toString()).run();
        assertEquals(Map.of(), verified.failing(), verified::toString);
        deploy(World.inventory());
        for (var host : HOSTS) await("up{job=\"node\",node=\"" + host
                + "\"} == 1 and (time() - timestamp(up{job=\"node\",node=\"" + host + "\"}) < 10)");
    }
}
