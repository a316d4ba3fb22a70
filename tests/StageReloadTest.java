import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lab.StagedFleet;
import lab.World;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The next deployment makes services load staged files, and an unreadable file changes nothing. */
@Tag("fleet")
class StageReloadTest extends StagedFleet {
    @Test
    void a_deployment_reloads_what_was_staged_before_it() throws Exception {
        var inventory = own("monitoring/prometheus.yml", builtIn("monitoring/prometheus.yml").replace("15s", "17s"));
        own("monitoring/grafana/provisioning/datasources/datasources.yml",
                builtIn("monitoring/grafana/provisioning/datasources/datasources.yml") + "# mine\n");
        var before = World.containers("core");
        good(ktrdr("stage", "core", "-i", inventory.toString()).run());
        assertEquals(before, World.containers("core"));
        assertTrue(World.get("http://10.42.1.10:9090/api/v1/status/config").contains("15s"));
        good(ktrdr("deploy", "core", "all", "--tag", OLDER, "-i", inventory.toString()).run());
        awaitInterval("17s");
        var after = World.containers("core");
        var restarted = new ArrayList<>(after.keySet());
        restarted.removeIf(name -> after.get(name).equals(before.get(name)));
        assertEquals(List.of("ktrdr-grafana"), restarted);
        assertEquals(before.get("ktrdr-grafana").split(" ")[0], after.get("ktrdr-grafana").split(" ")[0]);
        var all = World.state("core");
        good(ktrdr("deploy", "core", "all", "--tag", OLDER, "-i", inventory.toString()).run());
        assertEquals(all, World.state("core"));
        good(ktrdr("deploy", "core", "all", "--tag", OLDER).run());
        awaitInterval("15s");
    }

    private static String interval() {
        return World.on("core",
                "curl -s localhost:9090/api/v1/status/config | grep -o 'scrape_interval: [0-9]*s' | head -n 1");
    }

    @Test
    void detects_and_repairs_a_replaced_folder_under_a_container() throws Exception {
        var inventory = own("monitoring/prometheus.yml", builtIn("monitoring/prometheus.yml").replace("15s", "17s"))
                .toString();
        var replaced = Map.of("cp -a monitoring m && rm -rf monitoring && mv m monitoring", "core", "rm -rf monitoring",
                "core");
        for (var fault : replaced.keySet()) {
            World.on("core", "cd /opt/ktrdr-core && " + fault);
            var seen = ktrdr("verify", "--quick").run();
            assertEquals(1, seen.exit(), seen::toString);
            assertTrue(seen.err().contains("core.mounts does not hold")
                    && seen.err().contains("grafana, prometheus: the folder was replaced or removed since the start")
                    && seen.err().contains("jbang deploy@ktrdr core grafana prometheus"), seen::toString);
            assertEquals(1, ktrdr("status").run().exit());
            var ran = good(ktrdr("deploy", "core", "grafana", "prometheus", "-i", inventory).run());
            assertTrue(ran.err().contains("grafana, prometheus restarted"), ran::toString);
            assertEquals("scrape_interval: 17s", interval());
            good(ktrdr("deploy", "core", "grafana", "prometheus").run());
            assertEquals("scrape_interval: 15s", interval());
            good(ktrdr("verify", "--quick", "--wait", "90s").run());
        }
        // the second run has nothing to do
        var again = good(ktrdr("deploy", "core", "all", "--tag", OLDER).run());
        assertTrue(!again.err().contains("restarted") && !again.err().contains("reloaded"), again::toString);
    }

    @Test
    void an_unreadable_prometheus_file_fails_and_the_old_one_stays() throws Exception {
        var inventory = own("monitoring/prometheus.yml", builtIn("monitoring/prometheus.yml").replace("15s", "17s"))
                .toString();
        // promtool reads a copy in its own folder
        World.on("core", "docker exec -u 0 ktrdr-prometheus true; chmod 700 /opt/ktrdr-core/monitoring");
        try {
            var ran = ktrdr("deploy", "core", "prometheus", "-i", inventory).run();
            assertTrue(ran.err().contains("core: prometheus did not load its changed configuration")
                    && ran.err().contains("prometheus_config_last_reload_successful 0"), ran::toString);
            assertNotEquals(0, ran.exit());
            assertEquals("scrape_interval: 15s", interval());
        } finally {
            World.on("core", "chmod 755 /opt/ktrdr-core/monitoring");
        }
        good(ktrdr("deploy", "core", "prometheus", "-i", inventory).run());
        assertEquals("scrape_interval: 17s", interval());
        good(ktrdr("deploy", "core", "prometheus").run());
        assertEquals("scrape_interval: 15s", interval());
    }

    private static void awaitInterval(String interval) {
        World.on("core", "for i in $(seq 300); do curl -s localhost:9090/api/v1/status/config | grep -q "
                + "'scrape_interval: " + interval + "' && exit 0; sleep 0.1; done; exit 1");
    }
}
