import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import ktrdr.Http;
import ktrdr.Project;
import lab.Aftermath;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import pictures.Dashboard;
import pictures.Prometheus;

/**
 * Every query of every panel against the practice fleet's Prometheus, with each value of the dashboard's variables,
 * after some operations.
 */
@Tag("fleet")
class DashboardsFleetTest {
    private static final List<String> BOARDS = List.of("system-overview", "worker-status", "operations",
            "node-comparison");
    private static final String PROMETHEUS = "http://10.42.1.10:9090";
    private static final Set<String> ALL = Set.of("core", "workers-b", "workers-c");
    private static final Set<String> WORKERS = Set.of("workers-b", "workers-c");
    /** Panels that may be empty, and when. */
    private static final Map<String, String> EMPTY = Map.of(
            "System Overview: Alerts", "no alert fires",
            "System Overview: Errors by route", "no answer was an error",
            "System Overview: Last good backup", "no backup was made since the fleet came up",
            "System Overview: Size of the backup", "no backup was made since the fleet came up",
            "System Overview: Duration of the backup", "no backup was made since the fleet came up");

    /** Panels about operations: no series for a node, worker or type without any. */
    private static final Set<String> PARTLY = Set.of("Operations: Duration of operations, by node",
            "Worker Status: Duration of operations, by worker");

    private static final Http HTTP = new Http(Map.of(), Duration.ofSeconds(10));
    private static final Prometheus HERE = new Prometheus(HTTP, PROMETHEUS);

    @AfterAll
    static void closed() {
        HTTP.close();
    }

    @BeforeAll
    static void operations_ran_and_were_seen() {
        Aftermath.deployed();
        for (int i = 0; i < 2; i++) {
            var ran = ktrdr("operations", "start", "backtest", "sample", "AAPL", "1d", "--start-date", "2024-01-01",
                    "--end-date", "2024-02-01", "--model-path", "models/practice").run();
            assertEquals(0, ran.exit(), ran::toString);
        }
        // rates need two scrapes, and the rules one evaluation; the test names what is missing
        World.on("core", """
                for i in $(seq 60); do
                  curl -sG --data-urlencode 'query=count(rate(ktrdr_operations_total[1m])) and \
                count(rate(http_server_duration_milliseconds_count{job="backend",http_target=~".*/operations.*"}[1m]))\
                 and count(backend:requests:rate5m) and count(rate(process_cpu_seconds_total{worker!=""}[1m])) >= 6 \
                and count(node:cpu_busy:ratio_rate5m) >= 3 and count(rate(container_cpu_usage_seconds_total[1m])) >= \
                14' \\
                    http://localhost:9090/api/v1/query | grep -q '"value"' && exit 0
                  sleep 1
                done
                """);
    }

    private static JsonNode get(String path) {
        try {
            var answer = new ObjectMapper().readTree(World.get(PROMETHEUS + "/api/v1/" + path));
            assertEquals("success", answer.path("status").asText(), path + " " + answer);
            return answer.path("data");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode ask(String expression) {
        return get("query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8)).path("result");
    }

    private static JsonNode board(String name) throws IOException {
        return new ObjectMapper()
                .readTree(Files.readString(Project.root()
                        .resolve("templates/monitoring/grafana/dashboards/" + name + ".json")));
    }

    /** The nodes that must appear in the result of a query grouped by node; empty for other queries. */
    private static Set<String> nodes(String expression) {
        if (!expression.matches(".*(by \\([a-z_, ]*\\bnode\\b|^node:|[( ]node:).*") || expression.startsWith("sum("))
            return Set.of();
        return expression.contains("worker!=") || expression.contains("node:workers_") ? WORKERS : ALL;
    }

    @Test
    void every_panel_shows_data_for_every_value_and_each_node() throws IOException {
        var wrong = new ArrayList<String>();
        var table = new StringBuilder();
        for (var name : BOARDS) {
            var board = board(name);
            var variables = new LinkedHashMap<String, TreeSet<String>>();
            for (var variable : board.path("templating").path("list")) variables.put(variable.path("name").asText(),
                    HERE.labelValues(variable.path("definition").asText(), Instant.now()));
            var nodes = name.equals("worker-status") ? WORKERS : ALL;
            assertTrue(variables.get("node").containsAll(nodes), variables::toString);
            // Prometheus keeps nodes that another test added for five minutes
            variables.get("node").retainAll(nodes);
            for (var panel : board.path("panels"))
                for (var target : panel.path("targets")) {
                    var at = board.path("title").asText() + ": " + panel.path("title").asText();
                    var expression = target.path("expr").asText();
                    var series = ask(Dashboard.filled(expression, variables));
                    table.append("%-75s %s %3d%n".formatted(at, target.path("refId").asText(), series.size()));
                    if (series.isEmpty() && !EMPTY.containsKey(at))
                        wrong.add(at + " is empty: " + Dashboard.filled(expression, variables));
                    var missing = new TreeSet<>(nodes(expression));
                    missing.retainAll(nodes);
                    series.forEach(json -> missing.remove(json.path("metric").path("node").asText()));
                    // a panel that may be empty may lack some nodes: an alert concerns one node
                    boolean optional = series.isEmpty() || EMPTY.containsKey(at) || PARTLY.contains(at);
                    if (!optional && !missing.isEmpty()) wrong.add(at + " has nothing of " + missing);
                    wrong.addAll(single(at, expression, variables, series.isEmpty()));
                }
        }
        System.out.println(table);
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
    }

    /**
     * With one variable value at a time, the result has only that value and is not empty, except on a node without
     * workers.
     */
    private static List<String> single(String at, String expression, Map<String, TreeSet<String>> variables,
            boolean empty) {
        var wrong = new ArrayList<String>();
        variables.forEach((variable, values) -> {
            if (!expression.contains("$" + variable)) return;
            for (var value : values) {
                var map = new LinkedHashMap<>(variables);
                map.put(variable, new TreeSet<>(Set.of(value)));
                var series = ask(Dashboard.filled(expression, map));
                boolean none = variable.equals("node") && !WORKERS.contains(value)
                        && (expression.contains("worker!=") || expression.contains("node:workers_"));
                if (!PARTLY.contains(at) && series.isEmpty() != (empty || none))
                    wrong.add(at + " with " + variable + " " + value + ": " + series.size() + " series");
                for (var each : series) {
                    var label = each.path("metric").path(variable).asText(value);
                    if (!label.equals(value))
                        wrong.add(at + " with " + variable + " " + value + " shows " + label);
                }
            }
        });
        return wrong;
    }

    @Test
    void annotations_have_a_point_for_each_deployed_node() throws IOException {
        for (var name : BOARDS)
            for (var annotation : board(name).path("annotations").path("list")) {
                var points = ask(annotation.path("expr").asText().replace("$node", ".*"));
                var nodes = new TreeSet<String>();
                for (var point : points) {
                    nodes.add(point.path("metric").path("node").asText());
                    assertTrue(point.path("value").path(1).asDouble() > 1.5e12, point::toString);
                }
                if (annotation.path("name").asText().equals("Deployments")) assertEquals(ALL, nodes, name);
            }
    }

    @Test
    void prometheus_evaluates_all_rules_of_the_toolkit_without_errors() throws IOException {
        int rules = 0;
        for (var group : get("rules").path("groups"))
            for (var rule : group.path("rules")) {
                assertEquals("ok", rule.path("health").asText(), rule::toString);
                rules++;
            }
        int ours = 0;
        for (var file : List.of("recording", "alerts"))
            ours += Files.readString(Project.root().resolve("templates/monitoring/rules/" + file + ".yml"))
                    .split("- (record|alert): ", -1).length - 1;
        assertEquals(ours, rules);
    }
}
