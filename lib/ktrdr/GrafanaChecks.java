package ktrdr;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import ktrdr.Templates.NodeFile;

/** What has to be true of Grafana for its dashboards to show something, asked as anybody may who may look: without a login. */
final class GrafanaChecks {
    /** The types of our data sources, each also the uid by which dashboards find it: one that was generated leaves every panel empty. */
    private static final List<String> SOURCES = List.of("prometheus", "jaeger");
    private final Inventory inventory;
    private final Http http;
    private final String url;
    private final String node;

    GrafanaChecks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.http = http;
        this.url = inventory.url("grafana");
        this.node = inventory.core().name();
    }

    /** Each data source and each of our dashboards there, and a panel's query answered with data. */
    List<Check> checks() {
        var checks = new ArrayList<Check>();
        // what the page itself reads: a viewer may not ask for the data sources
        var settings = answer(() -> http.json(url + "/api/frontend/settings"));
        SOURCES.forEach(type -> checks.add(source(type, settings)));
        var dashboards = new ArrayList<JsonNode>();
        for (var file : provisioned()) checks.add(dashboard(file, dashboards));
        checks.add(query(dashboards.stream().flatMap(one -> expression(one).stream()).findFirst().orElse("up")));
        return checks;
    }

    private Check source(String type, Supplier<JsonNode> settings) {
        return check("grafana.datasource." + type, "a data source of type " + type + " with the uid " + type, () -> {
            for (var source : settings.get().path("datasources"))
                if (source.path("uid").asText().equals(type) && source.path("type").asText().equals(type)) return source.path("name").asText() + ", " + type;
            throw Problem.failed("none").found(names(settings.get().path("datasources")));
        });
    }

    private static String names(JsonNode sources) {
        var names = new ArrayList<String>();
        sources.forEach(source -> names.add(source.path("name").asText() + " (" + source.path("type").asText() + ", uid " + source.path("uid").asText() + ")"));
        return names.isEmpty() ? "no data source" : String.join(", ", names);
    }

    private List<NodeFile> provisioned() {
        return new Templates(inventory).render(inventory.core(), "none").stream().filter(file -> file.path().matches(".*/dashboards/.*\\.json")).toList();
    }

    private Check dashboard(NodeFile file, List<JsonNode> found) {
        var model = Json.parse(file.content(), file.path());
        var uid = model.path("uid").asText();
        return check("grafana.dashboard." + uid, "the dashboard " + model.path("title").asText() + " at " + url + "/d/" + uid, () -> {
            var there = http.json(url + "/api/dashboards/uid/" + uid).path("dashboard");
            found.add(there);
            return there.path("title").asText() + ", " + there.path("panels").size() + " panels";
        });
    }

    /** The first query of Prometheus in a dashboard that needs no variable of it. */
    private static Optional<String> expression(JsonNode dashboard) {
        for (var panel : dashboard.path("panels"))
            for (var target : panel.path("targets")) {
                var expression = target.path("expr").asText("");
                if (!expression.isEmpty() && !expression.contains("$")) return Optional.of(expression);
            }
        return Optional.empty();
    }

    /** The query goes the way that a panel's goes: by Grafana, from its data source. */
    private Check query(String expression) {
        return check("grafana.query", "data for `" + expression + "` by POST " + url + "/api/ds/query", () -> {
            var answer = http.post(url + "/api/ds/query", body(expression));
            if (answer.status() == 404) return "not asked: this Grafana has no /api/ds/query";
            var result = Http.json("POST " + url + "/api/ds/query", answer).path("results").path("A");
            if (result.has("error")) throw Problem.failed("refused").found(Console.brief(result.path("error").asText(), 200));
            int series = 0;
            for (var frame : result.path("frames")) if (frame.path("data").path("values").path(0).size() > 0) series++;
            if (series == 0) throw Problem.failed("no data").found("an answer without data");
            return series + " series";
        });
    }

    private static ObjectNode body(String expression) {
        var body = JsonNodeFactory.instance.objectNode().put("from", "now-5m").put("to", "now");
        var query = body.putArray("queries").addObject().put("refId", "A").put("expr", expression).put("instant", true).put("range", false).put("intervalMs", 15000).put("maxDataPoints", 100);
        query.putObject("datasource").put("uid", "prometheus").put("type", "prometheus");
        return body;
    }

    private Check check(String id, String expected, Supplier<String> ask) {
        return Check.of(id, node, expected, "on " + node + ": docker logs ktrdr-grafana; jbang deploy@ktrdr core grafana", ask);
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
