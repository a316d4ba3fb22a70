package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/**
 * The dashboard files against the parts of Grafana's published schema (schemaVersion 39) that they use: panel types and
 * options, field configuration, targets, grid, variables, links, annotations. The practice fleet tests that their
 * queries return data.
 */
class DashboardsTest {
    private static final Map<String, String> UIDS = Map.of("system-overview", "ktrdr-system", "worker-status",
            "ktrdr-worker-status",
            "operations", "ktrdr-operations", "node-comparison", "ktrdr-node-comparison");
    private static final Set<String> UNITS = Set.of("short", "percentunit", "s", "ms", "bytes", "Bps", "reqps");
    /** Required options by panel type. */
    private static final Map<String, List<String>> OPTIONS = Map.of("stat",
            List.of("reduceOptions", "colorMode", "graphMode", "textMode"), "bargauge",
            List.of("reduceOptions", "orientation", "displayMode"),
            "timeseries", List.of("legend", "tooltip"), "state-timeline",
            List.of("legend", "tooltip", "mergeValues", "showValue"), "table", List.of("showHeader"));
    private static final Set<String> BUILT_IN = Set.of("__rate_interval");

    private static JsonNode read(String name) {
        try {
            return Json.parse(Files.readString(Project.root()
                    .resolve("templates/monitoring/grafana/dashboards/" + name + ".json")), name);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private interface Claim {
        void of(JsonNode panel, String where);
    }

    private static void eachPanel(Claim claim) {
        for (var name : UIDS.keySet()) {
            var panels = read(name).path("panels");
            assertTrue(panels.size() > 10, name);
            for (var panel : panels) if (!panel.path("type").asText().equals("row"))
                claim.of(panel, name + ": " + panel.path("title").asText());
        }
    }

    @Test
    void each_has_its_fixed_uid_and_lands_on_core_and_none_else_does() throws IOException {
        var inventory = Fixtures.inventory();
        var landed = new TreeSet<String>();
        for (var file : new Templates(inventory).render(inventory.core(), "none"))
            if (file.path().endsWith(".json")) landed.add(file.path().replaceAll(".*/|\\.json", ""));
        assertEquals(new TreeSet<>(UIDS.keySet()), landed);
        UIDS.forEach((name, uid) -> assertEquals(uid, read(name).path("uid").asText()));
        for (var name : UIDS.keySet()) {
            assertTrue(read(name).path("schemaVersion").isInt() && !read(name).path("editable").asBoolean(true), name);
            assertFalse(read(name).path("description").asText().isEmpty(), name);
        }
    }

    @Test
    void no_two_panels_share_an_id_a_title_or_a_place() {
        for (var name : UIDS.keySet()) {
            var ids = new HashSet<Integer>();
            var titles = new HashSet<String>();
            var taken = new HashSet<String>();
            for (var panel : read(name).path("panels")) {
                var at = name + ": " + panel.path("title").asText();
                assertTrue(ids.add(panel.path("id").intValue()) && panel.path("id").intValue() > 0
                        && titles.add(panel.path("title").asText()), at);
                var grid = panel.path("gridPos");
                int x = grid.path("x").asInt(-1), y = grid.path("y").asInt(-1), w = grid.path("w")
                        .asInt(0), h = grid.path("h").asInt(0);
                assertTrue(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24, at);
                for (int i = x; i < x + w; i++)
                    for (int j = y; j < y + h; j++) assertTrue(taken.add(i + "," + j), at + " overlaps another");
            }
        }
    }

    @Test
    void each_begins_with_health() {
        for (var name : UIDS.keySet()) {
            var rows = new ArrayList<String>();
            for (var panel : read(name).path("panels"))
                if (panel.path("type").asText().equals("row")) rows.add(panel.path("title").asText());
            assertTrue(rows.get(0).equals("Health") && rows.size() > 1, name + rows);
            assertEquals("row", read(name).path("panels").path(0).path("type").asText());
        }
    }

    @Test
    void each_panel_has_a_description_a_unit_and_a_no_data_text() {
        eachPanel((panel, at) -> {
            assertTrue(panel.path("description").asText().endsWith("."), at);
            var defaults = panel.path("fieldConfig").path("defaults");
            assertTrue(UNITS.contains(defaults.path("unit").asText()), at);
            assertTrue(defaults.path("noValue").asText().matches("no .*|none .*"), at);
            assertTrue(defaults.path("thresholds").path("steps").path(0).path("value").isNull(), at);
            assertTrue(panel.path("fieldConfig").path("overrides").isArray(), at);
        });
    }

    @Test
    void each_panel_has_a_known_type_with_its_options() {
        eachPanel((panel, at) -> {
            var options = OPTIONS.get(panel.path("type").asText());
            assertTrue(options != null, at);
            for (var option : options) assertTrue(panel.path("options").has(option), at + " " + option);
            for (var target : panel.path("targets"))
                assertEquals(!List.of("timeseries", "state-timeline").contains(panel.path("type").asText()),
                        target.path("instant").asBoolean(), at);
        });
    }

    @Test
    void each_query_uses_prometheus_and_several_series_have_a_legend() {
        eachPanel((panel, at) -> {
            assertEquals("prometheus", panel.path("datasource").path("uid").asText(), at);
            var refs = new HashSet<String>();
            assertFalse(panel.path("targets").isEmpty(), at);
            for (var target : panel.path("targets")) {
                assertEquals("prometheus", target.path("datasource").path("uid").asText(), at);
                assertTrue(refs.add(target.path("refId").asText()), at);
                Pattern.compile("by \\(([a-z_, ]+)\\)").matcher(target.path("expr").asText()).results()
                        .map(match -> match.group(1)).distinct().limit(1).forEach(labels -> {
                            if (!panel.path("type").asText().equals("table"))
                                for (var label : labels.split(", ")) if (!label.equals("le")) assertTrue(
                                        target.path("legendFormat").asText().contains("{{" + label + "}}"),
                                        at + " " + label);
                        });
            }
        });
    }

    @Test
    void no_query_names_a_node_or_a_variable_that_is_not_there() {
        for (var name : UIDS.keySet()) {
            var known = new HashSet<>(BUILT_IN);
            for (var variable : read(name).path("templating").path("list")) {
                known.add(variable.path("name").asText());
                assertTrue(variable.path("definition").asText().startsWith("label_values(up")
                        && variable.path("includeAll").asBoolean() && variable.path("multi").asBoolean(), name);
            }
            assertTrue(known.contains("node"), name);
            var text = read(name).toString();
            assertFalse(Pattern.compile("workers-[a-z]|\\bgpu|\\bcore:|node=\\\\\"|10\\.\\d+\\.").matcher(text).find(),
                    name);
            Pattern.compile("\\$(\\w+)").matcher(text.replace("$__all", "")).results()
                    .forEach(match -> assertTrue(known.contains(match.group(1)), name + ": " + match.group()));
        }
    }

    @Test
    void a_gauge_that_falls_below_zero_is_shown_as_nothing() {
        var asked = new TreeSet<String>();
        eachPanel((panel, at) -> {
            for (var target : panel.path("targets")) {
                var query = target.path("expr").asText();
                if (!query.contains("ktrdr_operations_active")) continue;
                asked.add(at);
                // clamp each worker before the sum, or a negative gauge hides others; or clamp the total
                assertTrue(query.contains("clamp_min(ktrdr_operations_active") || query.matches("clamp_min\\(.*, 0\\)"),
                        at + ": " + query);
            }
        });
        assertTrue(asked.size() > 3, asked::toString);
    }

    @Test
    void counters_are_read_as_rates_and_quantiles_keep_their_buckets() {
        eachPanel((panel, at) -> {
            for (var target : panel.path("targets")) {
                var query = target.path("expr").asText().replaceAll("count by \\([a-z, ]+\\) \\(", "count(");
                if (query.contains("_bucket")) assertTrue(
                        query.matches("histogram_quantile\\(0\\.\\d+, sum by \\(le[a-z_, ]*\\) \\(rate\\(.*\\)\\)\\)"),
                        at);
                if (query.contains("histogram_quantile")) assertEquals(query.contains("_milliseconds_") ? "ms" : "s",
                        panel.path("fieldConfig").path("defaults").path("unit").asText(),
                        at + ": the unit of the histogram");
                // the backend's gauge of registered workers is named like a counter
                Pattern.compile("(\\w*\\()?\\b(\\w+_(?:total|count))\\{").matcher(query).results()
                        .filter(match -> !match.group(2).equals("ktrdr_workers_registered_total"))
                        .forEach(match -> assertTrue(List.of("rate(", "increase(", "count(")
                                .contains("" + match.group(1)), at + ": " + match.group()));
            }
        });
    }

    /**
     * All metrics that KTRDR's processes export under their own prefix, with labels in addition to the target's. Only
     * the backend exports http_ metrics.
     */
    private static final Map<String, List<String>> EXPORTED = Stream.of("ktrdr_workers_registered_total worker_type",
            "ktrdr_workers_available worker_type", "ktrdr_operations_active",
            "ktrdr_operations_total operation_type status",
            "ktrdr_operation_duration_seconds_bucket le operation_type status",
            "http_server_duration_milliseconds_bucket http_method http_status_code http_target le",
            "http_server_duration_milliseconds_count http_method http_status_code http_target",
            "agent_cycles_total outcome", "agent_cycle_duration_seconds_bucket le", "agent_tokens_total phase",
            "agent_budget_spend_total", "process_cpu_seconds_total", "process_resident_memory_bytes")
            .collect(Collectors.toMap(line -> line.split(" ")[0], line -> List.of(line.split(" "))));
    /** Metrics that the toolkit writes, by node. */
    private static final Pattern WRITTEN = Pattern.compile(
            "ktrdr_(release_info|deployment_timestamp_seconds|backup_\\w+|container_restarts_total)");

    @Test
    void each_query_asks_for_what_the_real_system_exports() {
        var asked = new HashSet<String>();
        eachPanel((panel, at) -> {
            for (var target : panel.path("targets")) {
                var query = target.path("expr").asText();
                Pattern.compile("\\b((?:ktrdr|http|agent|process)_\\w+)(\\{[^}]*})?")
                        .matcher(query.replaceAll("by \\([a-z_, ]+\\)", "")).results()
                        .filter(metric -> !WRITTEN.matcher(metric.group(1)).matches()).forEach(metric -> {
                            asked.add(metric.group(1));
                            isExported(query, metric.group(1), String.valueOf(metric.group(2)), at);
                        });
            }
        });
        assertEquals(EXPORTED.keySet(), asked, "a panel shows each");
    }

    private static void isExported(String query, String metric, String selector, String at) {
        assertTrue(EXPORTED.containsKey(metric), at + ": " + metric);
        if (metric.startsWith("http_")) assertTrue(selector.contains("job=\"backend\""), at + ": the backend's alone");
        // the process that runs an operation counts it
        if (metric.startsWith("ktrdr_operation")) assertFalse(selector.contains("job="), at);
        if (metric.startsWith("ktrdr_workers_")) assertFalse(selector.contains("worker!="), at);
        var labels = new HashSet<>(EXPORTED.get(metric));
        labels.addAll(List.of("node", "worker", "worker_type"));
        Pattern.compile("by \\(([a-z_, ]+)\\)").matcher(query).results()
                .flatMap(by -> Stream.of(by.group(1).split(", ")))
                .forEach(label -> assertTrue(labels.contains(label), at + ": no label " + label));
    }

    @Test
    void each_dashboard_links_to_the_others_and_keeps_time_and_nodes() {
        for (var name : UIDS.keySet()) {
            var leads = new TreeSet<String>(Set.of(read(name).path("uid").asText()));
            for (var link : read(name).path("links")) {
                assertTrue(link.path("keepTime").asBoolean() && link.path("includeVars").asBoolean(), name);
                leads.add(link.path("url").asText().replace("/d/", ""));
            }
            assertEquals(new TreeSet<>(UIDS.values()), leads, name);
        }
    }

    @Test
    void each_shows_deployments_and_rollbacks_by_query() {
        for (var name : UIDS.keySet()) {
            var shown = new TreeSet<String>();
            for (var annotation : read(name).path("annotations").path("list")) {
                shown.add(annotation.path("name").asText());
                assertTrue(annotation.path("enable").asBoolean() && annotation.path("useValueForTime").asBoolean(),
                        name);
                // Grafana expects a time value in milliseconds
                assertTrue(annotation.path("expr").asText()
                        .matches("ktrdr_deployment_timestamp_seconds\\{kind=\"(deploy|rollback)\",node=~\"\\$node\"} "
                                + "\\* 1000"), name);
            }
            assertEquals(Set.of("Deployments", "Rollbacks"), shown, name);
        }
    }
}
