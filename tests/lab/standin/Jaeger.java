package standin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Stand-in for {@code jaegertracing/jaeger}, version 2: copies {@code /api/services} and {@code /api/traces} of its
 * query API, and keeps spans in bounded memory. Its collector takes OTLP over gRPC.
 */
public final class Jaeger implements AutoCloseable {
    private static final int TRACES = 3000;
    private static final String BOUND = "--set=extensions.jaeger_storage.backends.some_storage.memory.max_traces=";
    private static final int SPANS = 200;
    private final Map<String, List<Map<String, Object>>> traces = new LinkedHashMap<>();
    private final int bound;
    private final Web ui;
    private final Collector collector;

    public Jaeger(int uiPort, int collectorPort) throws IOException {
        this(uiPort, collectorPort, TRACES);
    }

    /** @@ @param bound maximum number of traces; the stand-in's memory holds fewer than the real one's */
    public Jaeger(int uiPort, int collectorPort, int bound) throws IOException {
        this.bound = Math.min(bound, TRACES);
        ui = new Web(uiPort)
                .on("GET", "/", request -> Web.Reply.text("text/html; charset=utf-8",
                        "<!doctype html><title>Jaeger UI</title><p>A stand-in for Jaeger in the practice fleet.\n"))
                .on("GET", "/api/services", request -> list(new ArrayList<>(services())))
                .on("GET", "/api/services/{id}/operations", request -> list(new ArrayList<>(operations(request.id()))))
                .on("GET", "/api/traces", this::find)
                .on("GET", "/api/traces/{id}", this::show)
                .start();
        collector = new Collector(collectorPort, this::add);
    }

    /**
     * The maximum number of traces from its options; throws IllegalArgumentException for any other option, on which the
     * real one exits.
     */
    public static int traces(List<String> options) {
        int traces = TRACES;
        for (var option : options) {
            if (!option.startsWith(BOUND)) throw new IllegalArgumentException(option.startsWith("--set=")
                    ? "'" + option.substring(6) + "' has invalid keys" : "unknown flag: " + option);
            traces = Integer.parseInt(option.substring(BOUND.length()));
        }
        return traces;
    }

    public int uiPort() {
        return ui.port();
    }

    public int collectorPort() {
        return collector.port();
    }

    private synchronized void add(List<Map<String, Object>> exported) {
        for (var span : exported) {
            var spans = traces.computeIfAbsent((String) span.get("traceID"), any -> new ArrayList<>());
            if (spans.size() < SPANS) spans.add(span);
            if (traces.size() > bound) traces.remove(traces.keySet().iterator().next());
        }
    }

    private synchronized TreeSet<String> services() {
        var services = new TreeSet<String>();
        traces.values().forEach(spans -> spans.forEach(span -> services.add((String) span.get("service"))));
        return services;
    }

    private synchronized TreeSet<String> operations(String service) {
        var names = new TreeSet<String>();
        traces.values().forEach(spans -> spans.stream().filter(span -> service.equals(span.get("service")))
                .forEach(span -> names.add((String) span.get("operationName"))));
        return names;
    }

    private synchronized Web.Reply find(Web.Request request) {
        var query = request.query();
        var service = query.getOrDefault("service", "");
        if (service.isEmpty()) return error(400, "parameter 'service' is required");
        int limit;
        Map<String, Object> tags;
        try {
            limit = Integer.parseInt(query.getOrDefault("limit", "100"));
            tags = Json.object(query.getOrDefault("tags", ""));
        } catch (IllegalArgumentException e) {
            return error(400, "unable to parse limit or tags: " + e.getMessage());
        }
        // tag=key:value is the other form that the real one accepts
        var pair = query.getOrDefault("tag", "").split(":", 2);
        if (pair.length == 2) tags.put(pair[0], pair[1]);
        var found = new ArrayList<>();
        var newest = new ArrayList<>(traces.entrySet());
        Collections.reverse(newest);
        for (var trace : newest) {
            if (found.size() >= limit) break;
            if (trace.getValue().stream()
                    .anyMatch(span -> matches(span, service, query.getOrDefault("operation", ""), tags)))
                found.add(trace(trace.getKey(), trace.getValue()));
        }
        return list(found);
    }

    private static boolean matches(Map<String, Object> span, String service, String operation,
            Map<String, Object> tags) {
        var own = (Map<?, ?>) span.get("tags");
        return service.equals(span.get("service"))
                && (operation.isEmpty() || operation.equals(span.get("operationName")))
                && tags.entrySet().stream()
                        .allMatch(tag -> String.valueOf(tag.getValue())
                                .equals(String.valueOf(own.get(tag.getKey()))));
    }

    private synchronized Web.Reply show(Web.Request request) {
        var spans = traces.get(request.id());
        return spans == null ? error(404, "trace not found") : list(List.of(trace(request.id(), spans)));
    }

    private static Map<String, Object> trace(String id, List<Map<String, Object>> spans) {
        var processes = new LinkedHashMap<String, String>();
        var out = new ArrayList<>();
        for (var span : spans) {
            var process = processes.computeIfAbsent((String) span.get("service"), any -> "p" + (processes.size() + 1));
            var tags = new ArrayList<>();
            ((Map<?, ?>) span.get("tags")).forEach((key, value) ->
                    tags.add(Json.map("key", key, "type", value instanceof Long ? "int64" : value instanceof Boolean
                            ? "bool" : "string", "value", value)));
            var parent = span.get("parentSpanID");
            out.add(Json.map("traceID", id, "spanID", span.get("spanID"), "operationName", span.get("operationName"),
                    "references", parent == null ? List.of()
                            : List.of(Json.map("refType", "CHILD_OF", "traceID", id, "spanID", parent)),
                    "startTime", span.get("startTime"), "duration", span.get("duration"), "tags", tags, "logs",
                    List.of(),
                    "processID", process, "warnings", null));
        }
        var names = new LinkedHashMap<String, Object>();
        processes.forEach(
                (service, process) -> names.put(process, Json.map("serviceName", service, "tags", List.of())));
        return Json.map("traceID", id, "spans", out, "processes", names, "warnings", null);
    }

    private static Web.Reply list(List<?> data) {
        return Web.Reply.ok(Json.map("data", data, "total", data.size(), "limit", 0, "offset", 0, "errors", null));
    }

    private static Web.Reply error(int status, String message) {
        return new Web.Reply(status, Json.map("data", null, "total", 0, "limit", 0, "offset", 0,
                "errors", List.of(Json.map("code", status, "msg", message))), Map.of());
    }

    @Override
    public void close() {
        ui.close();
        collector.close();
    }
}
