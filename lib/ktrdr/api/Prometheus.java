package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.TextfileMetrics;

/**
 * Queries of Prometheus by its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/, instant queries).
 */
public final class Prometheus {
    /**
     * A series and its value at the moment of the query; of a range, the last one.
     *
     * @param labels without {@code __name__}
     * @param name of the metric; empty if the query has no single metric, as for a sum
     */
    public record Series(String name, Map<String, String> labels, double value) {
        /** As a query has it: {@code up{job="backend"}}. */
        public String words() {
            var inner = labels.entrySet().stream()
                    .map(label -> label.getKey() + "=\"" + TextfileMetrics.escape(label.getValue()) + "\"")
                    .collect(Collectors.joining(", "));
            return name + (name.isEmpty() || !inner.isEmpty() ? "{" + inner + "}" : "");
        }
    }

    private final Http http;
    private final String api;

    public Prometheus(Inventory inventory, Http http) {
        this.http = http;
        this.api = inventory.url(Part.PROMETHEUS) + "/api/v1";
    }

    /** The series of a query in PromQL now. A query that Prometheus rejects is a {@link Problem} with its error. */
    public List<Series> query(String promql) {
        var answer = http.get(api + "/query?query=" + URLEncoder.encode(promql, StandardCharsets.UTF_8));
        var said = Json.read(answer.body()).filter(document -> document.path("status").asText().equals("error"));
        if (said.isPresent()) throw Problem.failed("Prometheus refused the query").expected("PromQL")
                .found(said.get().path("error").asText());
        var data = Http.json("GET " + api + "/query", answer).path("data");
        var series = new ArrayList<Series>();
        if (data.path("resultType").asText().equals("scalar"))
            series.add(new Series("", Map.of(), number(data.path("result"))));
        else data.path("result").forEach(json -> series.add(series(json)));
        return List.copyOf(series);
    }

    private static Series series(JsonNode json) {
        var labels = new TreeMap<String, String>();
        json.path("metric").properties().forEach(label -> labels.put(label.getKey(), label.getValue().asText()));
        var name = labels.remove("__name__");
        var values = json.path("values");
        return new Series(name == null ? "" : name, labels,
                number(values.isArray() ? values.path(values.size() - 1) : json.path("value")));
    }

    /** The second of a pair; Prometheus writes numbers as text, also NaN and +Inf. */
    private static double number(JsonNode pair) {
        var text = pair.path(1).asText("NaN");
        try {
            return Double.parseDouble(text.replace("Inf", "Infinity"));
        } catch (NumberFormatException e) {
            throw Problem.failed("Prometheus returned an invalid number")
                    .expected("a number, NaN, +Inf or -Inf").found(Console.brief(text, 100)).because(e);
        }
    }
}
