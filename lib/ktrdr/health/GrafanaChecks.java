package ktrdr.health;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.Check;
import ktrdr.report.Check.Finding;
import ktrdr.report.CheckId;

/** What has to be true of Grafana for its dashboards to show something, asked as a viewer: without a login. */
public final class GrafanaChecks {
    /**
     * The toolkit's data sources, by the names of their types. Each is also the uid by which dashboards find the
     * source: with a generated uid every panel is empty.
     */
    private static final List<Part> SOURCES = List.of(Part.PROMETHEUS, Part.JAEGER);
    private static final String NOT_ASKED = "not asked: this Grafana has no /api/ds/query";
    /** So many queries of a dashboard are tried before it is said to show nothing. */
    private static final int ASKED = 3;
    private final Inventory inventory;
    private final Http http;
    private final String url;
    private final String node;
    private final Stack core;

    public GrafanaChecks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.http = http;
        this.url = inventory.url(Part.GRAFANA);
        this.node = inventory.core().name();
        this.core = Stack.of(inventory, inventory.core());
    }

    /**
     * Each data source and dashboard of the toolkit exists, and a panel's query returns data; as far as the stack has
     * Grafana, and what is shown there.
     */
    public List<Check> checks() {
        var checks = new ArrayList<Check>();
        if (core.service(Part.GRAFANA).isEmpty()) return checks;
        // what the page itself reads: a viewer may not ask for the data sources
        var settings = answer(() -> http.json(url + "/api/frontend/settings"));
        SOURCES.stream().filter(part -> core.service(part).isPresent())
                .forEach(part -> checks.add(source(part, settings)));
        var dashboards = new ArrayList<JsonNode>();
        checks.addAll(dashboards(new Templates(inventory).render(inventory.core(), "none"), dashboards));
        if (core.service(Part.PROMETHEUS).isPresent()) checks.add(query(dashboards));
        return checks;
    }

    /** The id of the check of a data source. */
    static CheckId source(Part part) {
        return CheckId.ofFleet(Part.GRAFANA.check(), "datasource." + part.check());
    }

    private Check source(Part part, Supplier<JsonNode> settings) {
        var type = part.check();
        return check(source(part), "a data source of type " + type + " with the uid " + type, () -> {
            for (var source : settings.get().path("datasources"))
                if (source.path("uid").asText().equals(type) && source.path("type").asText().equals(type))
                    return Finding.good(source.path("name").asText() + ", " + type);
            return Finding.bad(names(settings.get().path("datasources")));
        });
    }

    private static String names(JsonNode sources) {
        var names = new ArrayList<String>();
        sources.forEach(source -> names.add(source.path("name").asText() + " (" + source.path("type").asText()
                + ", uid " + source.path("uid").asText() + ")"));
        return names.isEmpty() ? "no data source" : String.join(", ", names);
    }

    /** Each dashboard of these files; the models that it serves are added to {@code found}. */
    public List<Check> dashboards(List<NodeFile> files, List<JsonNode> found) {
        return files.stream().filter(file -> file.path().matches("monitoring/grafana/dashboards/.*\\.json"))
                .map(file -> dashboard(file, found)).toList();
    }

    /**
     * The dashboard exists with the panels and queries of its file. Changes saved in Grafana are lost with the next
     * start.
     */
    private Check dashboard(NodeFile file, List<JsonNode> found) {
        var model = Json.parse(file.content(), file.path());
        var uid = model.path("uid").asText();
        return check(CheckId.ofFleet(Part.GRAFANA.check(), "dashboard." + uid), "the dashboard "
                + model.path("title").asText() + " at " + url + "/d/" + uid + ", as in " + file.path(), () -> {
                    var there = http.json(url + "/api/dashboards/uid/" + uid).path("dashboard");
                    if (there.path("panels").isEmpty()) return Finding.bad("a dashboard without a panel");
                    var wanted = panels(model);
                    var shown = panels(there);
                    if (!shown.equals(wanted)) return Finding.bad("changed: "
                            + Stream.concat(wanted.entrySet().stream()
                                    .filter(panel -> !panel.getValue().equals(shown.get(panel.getKey()))),
                            shown.entrySet().stream().filter(panel -> !wanted.containsKey(panel.getKey())))
                            .map(Map.Entry::getKey).distinct().collect(Collectors.joining(", ")));
                    found.add(there);
                    return Finding.good(there.path("title").asText() + ", " + there.path("panels").size() + " panels");
                });
    }

    /** Title to the queries of a dashboard's panels; rows are panels too. */
    private static Map<String, List<String>> panels(JsonNode dashboard) {
        var panels = new LinkedHashMap<String, List<String>>();
        for (var panel : dashboard.path("panels")) {
            var queries = panels.computeIfAbsent(panel.path("title").asText(), title -> new ArrayList<>());
            for (var target : panel.path("targets")) queries.add(target.path("expr").asText());
        }
        return panels;
    }

    /** The first queries of a dashboard, with every value of its variables. */
    private static List<String> expressions(JsonNode dashboard) {
        return panels(dashboard).values().stream().flatMap(List::stream).filter(expression -> !expression.isEmpty())
                .limit(ASKED)
                .map(expression -> expression.replace("$__rate_interval", "5m").replaceAll("\\$[a-z_]+", ".+"))
                .toList();
    }

    /** One of the first queries of each dashboard, sent as a panel sends it: through Grafana, to its data source. */
    private Check query(List<JsonNode> dashboards) {
        return check(CheckId.ofFleet(Part.GRAFANA.check(), "query"),
                "data for a query of each dashboard by POST " + url + "/api/ds/query", () -> {
            int series = 0;
            var empty = new ArrayList<String>();
            for (var dashboard : dashboards) {
                int number = 0;
                for (var expression : expressions(dashboard)) if (number == 0) {
                    var data = series(expression);
                    if (data.isEmpty()) return Finding.good(NOT_ASKED);
                    number = data.getAsInt();
                }
                if (number == 0) empty.add(dashboard.path("title").asText());
                series += number;
            }
            if (!empty.isEmpty()) return Finding.bad("an answer without data for " + String.join(", ", empty));
            if (!dashboards.isEmpty()) return Finding.good(dashboards.size() + " dashboards, " + series + " series");
            var data = series("up");
            if (data.isEmpty()) return Finding.good(NOT_ASKED);
            return data.getAsInt() > 0 ? Finding.good(data.getAsInt() + " series")
                    : Finding.bad("an answer without data");
        });
    }

    /** How many series a query has now; empty if this Grafana does not accept queries. */
    private OptionalInt series(String expression) {
        var answer = http.post(url + "/api/ds/query", body(expression));
        if (answer.status() == 404) return OptionalInt.empty();
        var result = Http.json("POST " + url + "/api/ds/query", answer).path("results").path("A");
        if (result.has("error"))
            throw Problem.failed("refused").found(Console.brief(result.path("error").asText(), 200));
        int series = 0;
        for (var frame : result.path("frames")) if (frame.path("data").path("values").path(0).size() > 0) series++;
        return OptionalInt.of(series);
    }

    private static ObjectNode body(String expression) {
        var body = JsonNodeFactory.instance.objectNode().put("from", "now-5m").put("to", "now");
        var query = body.putArray("queries").addObject().put("refId", "A").put("expr", expression).put("instant", true)
                .put("range", false).put("intervalMs", 15000).put("maxDataPoints", 100);
        query.putObject("datasource").put("uid", Part.PROMETHEUS.check()).put("type", Part.PROMETHEUS.check());
        return body;
    }

    private Check check(CheckId what, String expected, Supplier<Finding> ask) {
        var service = core.needed(Part.GRAFANA);
        return Check.of(what, node, expected, "on " + node + ": docker logs " + core.container(service)
                + "; jbang deploy@ktrdr " + core.words() + " " + service + " puts its files back, then jbang "
                + "restart@ktrdr " + core.words() + " " + service + " has it read them", ask);
    }

    /** Asks once: what comes of it, a {@link Problem} too, is what each who wants it gets. */
    private static Supplier<JsonNode> answer(Supplier<JsonNode> ask) {
        try {
            var answer = ask.get();
            return () -> answer;
        } catch (Problem problem) {
            return () -> {
                throw problem;
            };
        }
    }
}
