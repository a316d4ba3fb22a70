package pictures;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A Grafana dashboard with values for its variables: its panels, their positions and their queries.
 *
 * @param model the file's JSON, schemaVersion 39
 * @param values the values of each variable, all selected
 */
public record Dashboard(JsonNode model, Map<String, List<String>> values) {
    /** Four scrape intervals of 15 seconds: Grafana's value unless its step is longer. */
    private static final String RATE_INTERVAL = "1m";

    /**
     * A panel or a row's title at its position.
     *
     * @param y the grid position, moved down if a row above is repeated
     * @param values the values of the variables: a single one for the variable that repeats the row
     */
    public record Panel(JsonNode model, int y, Map<String, List<String>> values) {
        public boolean row() {
            return model.path("type").asText().equals("row");
        }

        /** The title with variables filled in. */
        public String title() {
            return shown(model.path("title").asText(), values);
        }

        public String type() {
            return model.path("type").asText();
        }
    }

    /** An expression as sent: each variable as its single value, or as a regular expression for several. */
    public static String filled(String expression, Map<String, ? extends Collection<String>> values) {
        var filled = expression.replace("$__rate_interval", RATE_INTERVAL);
        for (var value : values.entrySet())
            filled = filled.replace("$" + value.getKey(), value.getValue().size() == 1
                    ? value.getValue().iterator().next() : "(" + String.join("|", value.getValue()) + ")");
        return filled;
    }

    /** A text as displayed: several values joined by a plus, as in Grafana. */
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

    /** All panels from top to bottom; the panels of a repeated row appear once per value. */
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

    /** The panels between one row's title and the next. */
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
