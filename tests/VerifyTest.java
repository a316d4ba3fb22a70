import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** verify with a healthy fleet, and with one fault at a time, which must be the only one it reports. */
@Tag("fleet")
class VerifyTest {
    /** A sample that takes two seconds, for tests that are not about the sample. */
    private static final String QUICK_SAMPLE = "sample: {operation: dummy}";
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
        Aftermath.well();
    }

    /** Failed checks that are causes: id to what was found. */
    private static List<String> named(JsonNode verified) {
        var causes = new TreeSet<String>();
        for (var check : verified.path("checks"))
            if (!check.path("ok").asBoolean() && !verified.path("causes").has(check.path("id").asText()))
                causes.add(check.path("id").asText());
        return List.copyOf(causes);
    }

    /** Asserts that a run reports exactly this cause, and that its finding contains these words. */
    private static Ran names(String id, String words, String... arguments) {
        return names(Map.of(id, words), arguments);
    }

    /** The same for several faults at once. */
    private static Ran names(Map<String, String> causes, String... arguments) {
        var all = new ArrayList<>(List.of("verify", "-o", "json"));
        all.addAll(List.of(arguments));
        var ran = ktrdr(all.toArray(String[]::new)).run();
        assertEquals(1, ran.exit(), ran::toString);
        assertEquals(List.copyOf(new TreeSet<>(causes.keySet())), named(ran.json()), ran::toString);
        causes.forEach((id, words) -> assertTrue(ran.failing().get(id).contains(words), ran::toString));
        return ran;
    }

    private String sample(String sample) {
        // the rest of the line becomes a comment
        return World.inventory(folder, "sample: {operation: backtest", sample + "  # {operation: backtest").toString();
    }

    @Test
    void a_healthy_fleet_passes_and_the_document_has_its_shape() {
        var before = World.everything();
        var ran = ktrdr("verify", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var document = ran.json();
        assertEquals(Set.of("document", "version", "ok", "exit", "time", "releases", "causes", "remarks", "checks",
                "errors"), names(document));
        assertTrue(document.path("ok").asBoolean());
        assertEquals("{\"core\":\"sha-1000001\",\"workers-b\":\"sha-1000001\",\"workers-c\":\"sha-1000001\"}",
                document.path("releases").toString());
        var ids = new TreeSet<String>();
        for (var check : document.path("checks")) {
            assertEquals(Set.of("id", "node", "ok", "expected", "found", "fix", "seconds"), names(check));
            assertFalse(check.path("expected").asText().isEmpty() || check.path("found").asText().isEmpty(),
                    check::toString);
            assertTrue(ids.add(check.path("id").asText()), check + " comes twice");
        }
        assertEquals(6, ids.stream().filter(id -> id.endsWith(".registered")).count());
        assertEquals(10, ids.stream().filter(id -> id.startsWith("target.")).count());
        assertTrue(ids.containsAll(List.of("core.release", "workers-b.release", "backend.health", "grafana.health",
                "jaeger.health", "prometheus.health", "db.query", "workers-b.db",
                "workers-c.db", "workers.unexpected", "workers.ghosts", "targets.others", "prometheus.metrics",
                "grafana.datasource.prometheus", "grafana.datasource.jaeger",
                "grafana.dashboard.ktrdr-system", "grafana.dashboard.ktrdr-worker-status",
                "grafana.dashboard.ktrdr-operations", "grafana.dashboard.ktrdr-node-comparison", "grafana.query",
                "core.share", "workers-b.share", "workers-c.share", "sample.operation", "sample.trace",
                "sample.result")), ids::toString);
        result_of(document);
        var traced = World.get("http://10.42.1.10:16686/api/services/ktrdr-api/operations");
        assertTrue(traced.contains("/backtests/start") && !traced.contains("/health"), traced);
        assertEquals(before, World.everything());
    }

    /** The reported operation is in the backend's list, and only the backend has its result. */
    private static void result_of(JsonNode document) {
        for (var check : document.path("checks"))
            if (check.path("id").asText().equals("sample.operation")) {
                var operation = check.path("found").asText().split(" ")[0];
                assertTrue(check.path("found").asText()
                        .matches("op_backtesting_\\S+ completed on workers-[bc] backtest-worker-\\d"), check::toString);
                assertTrue(World.get("http://10.42.1.10:8000/api/v1/operations/" + operation + "/results")
                        .contains("\"total_trades\""));
                assertEquals("", World.on("core", "find /srv/ktrdr-shared -name '*" + operation + "*'"));
            }
    }

    private static Set<String> names(JsonNode node) {
        var names = new TreeSet<String>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void cancels_a_progressing_dummy_and_says_what_it_cannot_prove() {
        var ran = ktrdr("verify", "-i", sample(QUICK_SAMPLE)).run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("sample.result was not checked: a dummy operation has none"), ran::toString);
        assertEquals("0", World.get("http://10.42.1.10:8000/api/v1/operations?active_only=true")
                .replaceAll("(?s).*\"active_count\":(\\d+).*", "$1"));
    }

    @Test
    void an_operation_that_fails_is_told_in_the_backends_words() {
        names("sample.operation",
                "failed, IB host service is not available: connection refused at "
                        + "http://broker.ktrdr.home.mynerd.place:5001", "-i",
                sample("sample: {operation: data, body: {symbol: AAPL, timeframe: 1d}}"));
    }

    @Test
    void ctrl_c_cancels_the_sample_operation() throws Exception {
        var verify = ktrdr("verify").start();
        verify.awaitOperation();
        verify.signal("INT");
        assertEquals(130, verify.end().exit());
        assertEquals("0", World.get("http://10.42.1.10:8000/api/v1/operations?active_only=true")
                .replaceAll("(?s).*\"active_count\":(\\d+).*", "$1"));
    }

    @Test
    void a_stopped_worker_is_named_once_with_what_it_takes_with_it() {
        World.on("workers-c", "docker stop -t 1 training-worker-1");
        try {
            names("workers-c.training-worker-1.container", "exited", "--quick");
        } finally {
            World.on("workers-c", "docker start training-worker-1");
            Aftermath.well();
        }
    }

    private String scaled(int scale) {
        return World.inventory(folder, "directory: /opt/ktrdr-workers-b, scale: 2",
                "directory: /opt/ktrdr-workers-b, scale: " + scale).toString();
    }

    @Test
    void reports_workers_beyond_the_scale_and_those_that_are_missing() {
        names("workers.unexpected", "workers-b.ktrdr.home.mynerd.place:5004", "--quick", "-i", scaled(1));
        var ran = ktrdr("verify", "--quick", "-o", "json", "-i", scaled(3)).run();
        assertEquals(List.of("workers-b.backtest-worker-3.container", "workers-b.training-worker-3.container"),
                named(ran.json()), ran::toString);
    }

    /** Both take half a minute to be certain, and so are waited for at once. */
    @Test
    void a_ghost_and_a_target_out_of_reach_are_named() {
        World.on("core", "curl -fsS -H 'Content-Type: application/json' -d "
                + "'{\"worker_id\":\"ghost\",\"worker_type\":\"training\",\"endpoint_url\":\"http://"
                + "workers-b.ktrdr.home.mynerd.place:5999\"}' "
                + "http://localhost:8000/api/v1/workers/register");
        try {
            names("workers.unexpected", ":5999, available", "--quick");
            try (var cut = Faults.unreachable("core", "ktrdr-prometheus", "10.42.1.11", 5003)) {
                awaitOn("core", "curl -fsS http://localhost:8000/api/v1/workers/ghost", "temporarily_unavailable");
                // waits until no scrape has succeeded for 20 s, since one failure is not enough
                awaitOn("core", "curl -fsS --data-urlencode 'query=max_over_time(up{node=\"workers-b\", "
                        + "worker=\"backtest-worker-1\"}[20s]) == 0' http://localhost:9090/api/v1/query",
                        "backtest-worker-1");
                names(Map.of("workers.ghosts", ":5999, temporarily_unavailable", "target.workers-b.backtest-worker-1",
                        "down"), "--quick");
            }
        } finally {
            World.on("core", "docker restart ktrdr-backend");
            Aftermath.well();
        }
    }

    private static void awaitOn(String host, String script, String words) {
        Wait.until(() -> World.on(host, script).contains(words), () -> World.on(host, script));
    }

    @Test
    void a_database_that_a_node_does_not_reach_is_named_for_that_node() {
        try (var cut = Faults.closed("core", "10.42.1.11", 5432)) {
            names("workers-b.db", "no answer for 5 s", "--quick");
        }
    }

    @Test
    void a_database_without_ktrdrs_is_found_by_a_query() {
        World.on("core", "docker exec ktrdr-db sh -c 'psql -qU \"$POSTGRES_USER\" -d postgres -c \"alter database "
                + "ktrdr rename to elsewhere\"'");
        try {
            names("db.query", "no such database; the server has elsewhere", "--quick");
        } finally {
            World.on("core", "docker exec ktrdr-db sh -c 'psql -qU \"$POSTGRES_USER\" -d postgres -c \"alter database "
                    + "elsewhere rename to ktrdr\"'");
        }
    }

    @Test
    void a_frozen_database_and_a_frozen_backend_are_each_one_thing() {
        try (var database = Faults.paused("core", "ktrdr-db"); var backend = Faults.paused("core", "ktrdr-backend")) {
            var ran = ktrdr("verify", "-o", "json").run();
            assertEquals(List.of("core.backend.container", "core.db.container"), named(ran.json()), ran::toString);
        } finally {
            Aftermath.well();
        }
    }

    @Test
    void a_data_source_without_its_uid_is_named() {
        var file = "/opt/ktrdr-core/monitoring/grafana/provisioning/datasources/datasources.yml";
        World.on("core", "cp -p " + file + " /root/kept; sed -i 's/uid: prometheus/uid: other/' " + file
                + "; docker restart -t 1 ktrdr-grafana; sleep 2");
        try {
            names("grafana.datasource.prometheus", "uid other", "--quick", "--wait", "3s");
        } finally {
            World.on("core", "mv /root/kept " + file + "; docker restart -t 1 ktrdr-grafana");
            Aftermath.well();
        }
    }

    @Test
    void a_dashboard_that_is_gone_is_named() {
        var file = "/opt/ktrdr-core/monitoring/grafana/dashboards/system-overview.json";
        World.on("core", "mv " + file + " /root/kept");
        try {
            names("grafana.dashboard.ktrdr-system", "404", "--quick");
        } finally {
            World.on("core", "mv /root/kept " + file);
        }
    }

    @Test
    void verifies_a_trained_model_on_the_share_from_every_node() {
        var training = sample(
                "sample: {operation: training, body: {strategy_name: practice_3, symbols: AAPL, timeframes: 1d}}");
        var well = ktrdr("verify", "-i", training, "-o", "json").run();
        assertEquals(0, well.exit(), well::toString);
        assertTrue(well.out().matches("(?s).*\"/mnt/ktrdr-shared/models/\\S+ from workers-b, workers-c\".*"),
                well::toString);
        World.on("workers-b", "mount -t tmpfs -o mode=1777 tmpfs /mnt/ktrdr-shared/models");
        try {
            // a worker there would write next to the share, where the other nodes cannot see it
            var ran = ktrdr("verify", "-o", "json", "-i", training).run();
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.failing().get("sample.result")
                    .matches("workers-[bc]: nothing of op_training_\\S+ at /mnt/ktrdr-shared/models/.*"),
                    ran::toString);
        } finally {
            World.on("workers-b", "umount /mnt/ktrdr-shared/models");
        }
    }

    @Test
    void refuses_a_sample_that_cannot_end_before_asking_anything() {
        refused(2, ktrdr("verify", "-i", sample("sample: {operation: dummy, until: end}")).run(), "until",
                "gives up what no worker claims");
        refused(2, ktrdr("verify", "-i",
                sample("sample: {operation: backtest, body: {strategy_name: practice, start_date: 2024-01-01, "
                        + "end_date: 2024-02-01}}")).run(), "no backtest without model_path");
    }

    @Test
    void a_collector_that_refuses_spans_is_found_by_the_missing_trace() {
        try (var deaf = Faults.refusing("core", "ktrdr-jaeger", 4317)) {
            names("sample.trace", "no trace of op_dummy", "-i", sample(QUICK_SAMPLE));
        }
    }

    @Test
    void a_share_that_is_not_mounted_is_named() {
        World.unmountShare("workers-b");
        try {
            names("workers-b.share", "nothing is mounted", "-i", sample(QUICK_SAMPLE));
        } finally {
            World.mountShare("workers-b");
        }
    }

    @Test
    void a_host_that_is_down_is_unreachable_and_the_rest_is_told() {
        World.pause("workers-c");
        try {
            var ran = ktrdr("verify", "--quick", "-o", "json").run();
            assertEquals(3, ran.exit(), ran::toString);
            assertEquals(List.of("workers-c.ssh"), named(ran.json()), ran::toString);
        } finally {
            World.unpause("workers-c");
            Aftermath.well();
        }
    }
}
