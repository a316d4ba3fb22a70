package pictures;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.release.Templates;
import pictures.Dashboard.Panel;
import pictures.Prometheus.Range;

/**
 * Prometheus' answers to all queries of a dashboard: for its picture, and for a table with the number of series per
 * query.
 */
public final class Answers {
    /** The panel's width in pixels: Grafana requests at most this many points. */
    private static final int POINTS = 800;
    private static final int SCRAPE_SECONDS = 15;
    private static final String NOW = "now-";

    /**
     * A query of a panel and its answer.
     *
     * @param expression the query as sent, with variables filled in
     * @param series the series that Prometheus returned: metric, and value or values
     */
    public record Query(String ref, String expression, String legend, JsonNode series) {}

    /** A panel and the answers to its queries; a row has no queries. */
    public record Answered(Panel panel, List<Query> queries) {
        public int series() {
            return queries.stream().mapToInt(query -> query.series().size()).sum();
        }
    }

    /** A kind of event, shown as lines in the panels. */
    public record Annotation(String name, String color, List<Long> times) {}

    private final Dashboard dashboard;
    private final Range range;
    private final List<Answered> panels;
    private final List<Annotation> annotations;

    private Answers(Dashboard dashboard, Range range, List<Answered> panels, List<Annotation> annotations) {
        this.dashboard = dashboard;
        this.range = range;
        this.panels = panels;
        this.annotations = annotations;
    }

    /**
     * Queries every dashboard installed on core, all at the same moment.
     *
     * @param uids the dashboards to query; empty for all
     */
    public static List<Answers> ofAll(Inventory inventory, List<String> uids, Prometheus prometheus, Instant until,
            Duration length) {
        var models = models(inventory);
        for (var uid : uids) if (!models.containsKey(uid)) throw Problem.usage("there is no dashboard " + uid)
                .expected("one of " + String.join(", ", models.keySet()));
        return models.entrySet().stream().filter(entry -> uids.isEmpty() || uids.contains(entry.getKey()))
                .map(entry -> ask(entry.getValue(), prometheus, until, length)).toList();
    }

    /** The dashboards' files by uid. */
    private static Map<String, JsonNode> models(Inventory inventory) {
        var models = new LinkedHashMap<String, JsonNode>();
        for (var file : new Templates(inventory).render(inventory.core(), "none")) {
            if (!file.path().matches(".*/dashboards/.*\\.json")) continue;
            var model = Json.parse(file.content(), file.path());
            models.put(model.path("uid").asText(), model);
        }
        return models;
    }

    /** Runs all queries of this dashboard for the length until that moment; null takes the dashboard's own length. */
    public static Answers ask(JsonNode model, Prometheus prometheus, Instant until, Duration length) {
        var values = new LinkedHashMap<String, List<String>>();
        for (var variable : model.path("templating").path("list"))
            values.put(variable.path("name").asText(),
                    List.copyOf(prometheus.labelValues(variable.path("definition").asText(), until)));
        var dashboard = new Dashboard(model, values);
        var shown = length == null ? length(model.path("time").path("from").asText()) : length;
        var range = new Range(until.minus(shown), until, Math.max(SCRAPE_SECONDS, shown.toSeconds() / POINTS))
                .aligned();
        var panels = dashboard.panels().stream().map(panel -> new Answered(panel, queries(panel, prometheus, range)))
                .toList();
        var annotations = new ArrayList<Annotation>();
        model.path("annotations").path("list")
                .forEach(annotation -> annotations.add(annotation(annotation, values, prometheus, range)));
        return new Answers(dashboard, range, panels, annotations);
    }

    private static Duration length(String from) {
        if (!from.startsWith(NOW))
            throw Problem.failed("this dashboard's time is not known").expected("now-3h or the like").found(from);
        return Units.duration(from.substring(NOW.length()));
    }

    private static List<Query> queries(Panel panel, Prometheus prometheus, Range range) {
        var queries = new ArrayList<Query>();
        for (var target : panel.model().path("targets")) {
            var expression = Dashboard.filled(target.path("expr").asText(), panel.values());
            var series = target.path("instant").asBoolean() ? prometheus.at(expression, range.to())
                    : prometheus.over(expression, range);
            queries.add(new Query(target.path("refId").asText(), expression, target.path("legendFormat").asText(),
                    series));
        }
        return queries;
    }

    /** The value of an annotation query is the event's time in milliseconds. */
    private static Annotation annotation(JsonNode model, Map<String, List<String>> values, Prometheus prometheus,
            Range range) {
        var times = new ArrayList<Long>();
        for (var series : prometheus.over(Dashboard.filled(model.path("expr").asText(), values), range))
            for (var point : series.path("values")) times.add(Math.round(point.path(1).asDouble() / 1000));
        return new Annotation(model.path("name").asText(), model.path("iconColor").asText(),
                times.stream().distinct()
                        .filter(time -> time >= range.from().getEpochSecond()
                                && time <= range.to().getEpochSecond())
                        .sorted().toList());
    }

    public Dashboard dashboard() {
        return dashboard;
    }

    public List<Answered> panels() {
        return panels;
    }

    /** The seconds between two points. */
    public long step() {
        return range.step();
    }

    /** The JSON document that the page's script reads. */
    String document() {
        return Json.line(Map.of("model", dashboard.model(), "values", dashboard.values(), "annotations", annotations,
                "from", range.from().getEpochSecond(), "to", range.to().getEpochSecond(), "step", range.step(),
                "panels", panels.stream()
                        .map(answered -> Map.of("model", answered.panel().model(), "title", answered.panel().title(),
                                "y", answered.panel().y(), "queries", answered.queries())).toList()));
    }
}
