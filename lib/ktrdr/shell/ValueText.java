package ktrdr.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.Table;
import ktrdr.Units;
import ktrdr.api.Backend;
import ktrdr.api.OperationsApi;
import ktrdr.api.Prometheus;
import ktrdr.fleet.Fleet;
import ktrdr.fleet.FleetNode;
import ktrdr.inventory.Inventory;
import ktrdr.node.Database;

/**
 * A value formatted for reading at the console: answers of nodes and services as tables, text as it is. It contains no
 * control sequences for a terminal.
 */
public final class ValueText {
    private ValueText() {}

    /** A value of the console formatted for reading, a line or a table. */
    public static String words(Object value) {
        return text(value).lines().map(Console::harmless).collect(Collectors.joining("\n"));
    }

    private static String text(Object value) {
        if (value == null) return "null";
        if (value instanceof CommandResult result) return result(result);
        if (value instanceof Fleet.Outcomes<?> outcomes) return table(outcomes.table("said"));
        if (value instanceof Database.Rows rows) return rows.columns().isEmpty() ? "done" : table(rows.table());
        if (value instanceof Table table) return table(table);
        if (value instanceof JsonNode json) return Json.pretty(json);
        if (value instanceof Map<?, ?> map) return lines(map.entrySet().stream()
                .map(entry -> key(entry.getKey()) + "  " + text(entry.getValue()).stripTrailing()).toList());
        if (value instanceof Collection<?> all) return list(List.copyOf(all));
        if (value instanceof Object[] all) return list(List.of(all));
        return value.toString();
    }

    private static String key(Object key) {
        return key instanceof Inventory.Node node ? node.name() : String.valueOf(key);
    }

    private static String result(CommandResult result) {
        var said = (result.out().stripTrailing() + "\n" + result.err().stripTrailing()).strip();
        return result.ok() ? said : (said + "\nexit code " + result.exit()).strip();
    }

    private static String list(List<?> all) {
        if (all.isEmpty()) return "none";
        if (all.stream().allMatch(Backend.Worker.class::isInstance)) {
            var table = Table.of("worker", "type", "status", "operation", "last healthy");
            for (var value : all) {
                var worker = (Backend.Worker) value;
                table.row(worker.endpointUrl(), worker.type(), worker.status(), worker.operation(),
                        worker.healthy().map(ValueText::ago).orElse("-"));
            }
            return table(table);
        }
        if (all.stream().allMatch(OperationsApi.Operation.class::isInstance)) {
            var table = Table.of("operation", "type", "status", "symbol", "started");
            for (var value : all) {
                var operation = (OperationsApi.Operation) value;
                table.row(operation.id(), operation.type(), operation.words(), operation.symbol(), operation.created());
            }
            return table(table);
        }
        if (all.stream().allMatch(Prometheus.Series.class::isInstance)) {
            var table = Table.of("series", "value");
            for (var value : all)
                table.row(((Prometheus.Series) value).words(), number(((Prometheus.Series) value).value()));
            return table(table);
        }
        return lines(all.stream().map(ValueText::text).toList());
    }

    /**
     * The same for machines, one line of JSON: a value that is neither an answer of a node or a service nor a JSON type
     * is its text.
     */
    static String json(Object value) {
        try {
            return Json.line(document(value));
        } catch (IllegalArgumentException e) {
            return Json.line(words(value));
        }
    }

    private static Object document(Object value) {
        if (value instanceof CommandResult result)
            return keyed(List.of("exit", "out", "err"), List.of(result.exit(), result.out(), result.err()));
        if (value instanceof Fleet.Outcomes<?> outcomes) return outcomes(outcomes);
        if (value instanceof Database.Rows rows)
            return rows.rows().stream().map(row -> keyed(rows.columns(), row)).toList();
        if (value instanceof Backend.Worker worker)
            return keyed(List.of("worker", "type", "status", "operation"),
                    List.of(worker.endpointUrl(), worker.type(), worker.status(), worker.operation()));
        if (value instanceof Prometheus.Series series)
            return keyed(List.of("name", "labels", "value"), List.of(series.name(), series.labels(), series.value()));
        if (value instanceof Map<?, ?> map) {
            var document = new LinkedHashMap<String, Object>();
            map.forEach((key, item) -> document.put(key(key), document(item)));
            return document;
        }
        if (value instanceof Collection<?> all) return all.stream().map(ValueText::document).toList();
        boolean known = value == null || value instanceof Record || value instanceof JsonNode || value instanceof Number
                || value instanceof Boolean;
        return known && !(value instanceof FleetNode) && !(value instanceof Inventory.Node) ? value
                : String.valueOf(value);
    }

    /** With the error of a node next to its output: a value has no other place for it. */
    private static List<Map<String, Object>> outcomes(Fleet.Outcomes<?> outcomes) {
        var nodes = outcomes.document("said");
        var errors = new HashMap<String, Object>();
        outcomes.problems().forEach((node, problem) -> errors.put(node.name(), problem.document(node.name())));
        nodes.forEach(node -> node.put("errors", Optional.ofNullable(errors.get(node.get("node"))).stream().toList()));
        return nodes;
    }

    private static Map<String, Object> keyed(List<String> keys, List<?> values) {
        var document = new LinkedHashMap<String, Object>();
        for (int i = 0; i < keys.size() && i < values.size(); i++) document.put(keys.get(i), values.get(i));
        return document;
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? String.valueOf((long) value)
                : String.valueOf(value);
    }

    private static String ago(Instant time) {
        return Units.duration(Duration.ofSeconds(Math.max(0, Duration.between(time, Instant.now()).toSeconds())))
                + " ago";
    }

    private static String table(Table table) {
        return lines(table.lines());
    }

    private static String lines(List<String> lines) {
        return String.join("\n", lines);
    }
}
