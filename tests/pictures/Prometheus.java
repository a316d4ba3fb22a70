package pictures;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.Http;
import ktrdr.Problem;

/** The part of Prometheus' HTTP API that dashboards use (prometheus.io/docs/prometheus/latest/querying/api). */
public final class Prometheus {
    private static final Pattern LABEL_VALUES = Pattern.compile("label_values\\((.+), *(\\w+)\\)");
    private final Http http;
    private final String url;

    /** @param url such as http://prometheus.ktrdr.home.mynerd.place:9090 */
    public Prometheus(Http http, String url) {
        this.http = http;
        this.url = url;
    }

    /**
     * A time range and its resolution.
     *
     * @param step seconds between two points
     */
    public record Range(Instant from, Instant to, long step) {
        /** Aligned to multiples of the step, so that a picture made a moment later has the same points. */
        public Range aligned() {
            return new Range(Instant.ofEpochSecond(from.getEpochSecond() / step * step),
                    Instant.ofEpochSecond(to.getEpochSecond() / step * step), step);
        }
    }

    /** The series of an expression at one moment. */
    public JsonNode at(String expression, Instant moment) {
        return get("query?query=" + encoded(expression) + "&time=" + moment.getEpochSecond());
    }

    /** The series of an expression over a range; both ends included. */
    public JsonNode over(String expression, Range range) {
        return get("query_range?query=" + encoded(expression) + "&start=" + range.from().getEpochSecond() + "&end="
                + range.to().getEpochSecond() + "&step=" + range.step());
    }

    /** The values of Grafana's {@code label_values(selector, label)} at one moment, in alphabetical order. */
    public TreeSet<String> labelValues(String definition, Instant moment) {
        var parts = LABEL_VALUES.matcher(definition);
        if (!parts.matches()) throw Problem.failed("this kind of variable is not known")
                .expected("label_values(selector, label)").found(definition);
        var values = new TreeSet<String>();
        at("count by (" + parts.group(2) + ") (" + parts.group(1) + ")", moment)
                .forEach(series -> values.add(series.path("metric").path(parts.group(2)).asText()));
        values.remove("");
        return values;
    }

    private JsonNode get(String path) {
        return http.json(url + "/api/v1/" + path).path("data").path("result");
    }

    private static String encoded(String expression) {
        return URLEncoder.encode(expression, StandardCharsets.UTF_8);
    }
}
