package pictures;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A dashboard of Grafana's, with values for its variables: what is on it where, and what is asked for it.
 *
 * @param model the file's JSON, schemaVersion 39
 * @param values of each variable, all of them chosen
 */
public record Dashboard(JsonNode model, Map<String, List<String>> values) {
    /** As with four scrapes of 15 seconds, which is what Grafana takes where its step is not longer. */
    private static final String RATE_INTERVAL = "1m";

    /**
     * A panel, or a row's title, in its place.
     *
     * @param y of the grid, further down than in the file where a row before it is repeated
     * @param values of the variables: one for what a row is repeated for
     */
    public record Panel(JsonNode model, int y, Map<String, List<String>> values) {
        public boolean row() {
            return model.path("type").asText().equals("row");
        }

        /** With the variables filled in. */
        public String title() {
            return shown(model.path("title").asText(), values);
        }

        public String type() {
            return model.path("type").asText();
        }
    }

    /** An expression as it is asked: each variable the one value, or a regular expression of several. */
    public static String filled(String expression, Map<String, ? extends Collection<String>> values) {
        var filled = expression.replace("$__rate_interval", RATE_INTERVAL);
        for (var value : values.entrySet())
            filled = filled.replace("$" + value.getKey(), value.getValue().size() == 1
                    ? value.getValue().iterator().next() : "(" + String.join("|", value.getValue()) + ")");
        return filled;
    }

    /** A text as it is shown: several values with a plus between, as Grafana does. */
    private static String shown(String text, Map<String, List<String>> values) {
        for (var value : values.entrySet())
            text = text.replace("$" + value.getKey(), String.join(" + ", value.getValue()));
        return text;
    }

    public String uid() {
        return model.path("uid").asText();
    }

    public String title() {
        return model.path("title").asText();
    }

    /** All that is on it, from top to bottom; what is under a row that is repeated comes once for each value. */
    public List<Panel> panels() {
        var panels = new ArrayList<Panel>();
        int lower = 0;
        for (var section : sections()) {
            var repeat = section.get(0).path("repeat").asText();
            var times = repeat.isEmpty() ? List.of(values)
                    : values.getOrDefault(repeat, List.of()).stream().map(text -> with(repeat, text)).toList();
            for (int i = 0; i < times.size(); i++) for (var panel : section)
                panels.add(new Panel(panel, top(panel) + lower + i * height(section), times.get(i)));
            lower += (times.size() - 1) * height(section);
        }
        return panels;
    }

    /** What is between a row's title and the next one. */
    private List<List<JsonNode>> sections() {
        var sections = new ArrayList<List<JsonNode>>();
        for (var panel : model.path("panels")) {
            if (sections.isEmpty() || panel.path("type").asText().equals("row")) sections.add(new ArrayList<>());
            sections.get(sections.size() - 1).add(panel);
        }
        return sections;
    }

    private static int top(JsonNode panel) {
        return panel.path("gridPos").path("y").asInt();
    }

    private static int height(List<JsonNode> section) {
        return section.stream().mapToInt(panel -> top(panel) + panel.path("gridPos").path("h").asInt()).max().orElse(0)
                - top(section.get(0));
    }

    private Map<String, List<String>> with(String variable, String value) {
        var map = new LinkedHashMap<>(values);
        map.put(variable, List.of(value));
        return map;
    }
}
