package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;

/** Traces of Jaeger's query API, {@code GET /api/traces}, which its own pages use. */
public final class Jaeger {
    /** The attribute by which KTRDR's spans name their operation. */
    private static final String OPERATION = "operation.id";
    /** The attributes in which the versions of OpenTelemetry's conventions put the path of a request. */
    private static final Set<String> PATHS = Set.of("http.target", "http.route", "url.path", "http.url");
    private static final int LIMIT = 50;
    /** Clocks of nodes may be so far apart. */
    private static final long SKEW_SECONDS = 2;
    private final Http http;
    private final String api;

    public Jaeger(Inventory inventory, Http http) {
        this.http = http;
        this.api = inventory.url(Part.JAEGER) + "/api/traces";
    }

    /** A trace: how many spans it has, and of which services. */
    public record Trace(String id, int spans, TreeSet<String> services) {
        /** In words: "trace 1b50…, 2 spans of ktrdr-api". */
        public String words() {
            return "trace " + id + ", " + spans + (spans == 1 ? " span of " : " spans of ")
                    + String.join(", ", services);
        }
    }

    /**
     * The trace of an operation: a trace that names it, else a trace of a request for this path since then. No answer
     * is a {@link Problem}.
     */
    public Optional<Trace> find(String service, String operation, String path, Instant since) {
        var query = api + "?service=" + encoded(service) + "&limit=" + LIMIT;
        var named = http.json(query + "&tags=" + encoded(Json.line(Map.of(OPERATION, operation))));
        for (var trace : named.path("data")) return Optional.of(trace(trace));
        long micros = (since.getEpochSecond() - SKEW_SECONDS) * 1_000_000;
        for (var trace : http.json(query + "&start=" + micros + "&end="
                + (Instant.now().getEpochSecond() + SKEW_SECONDS) * 1_000_000).path("data"))
            for (var span : trace.path("spans"))
                if (span.path("startTime").asLong() >= micros && asks(span, path)) return Optional.of(trace(trace));
        return Optional.empty();
    }

    private static boolean asks(JsonNode span, String path) {
        if (span.path("operationName").asText().contains(path)) return true;
        for (var tag : span.path("tags"))
            if (PATHS.contains(tag.path("key").asText()) && tag.path("value").asText().contains(path)) return true;
        return false;
    }

    private static Trace trace(JsonNode trace) {
        var services = new TreeSet<String>();
        trace.path("processes").forEach(process -> services.add(process.path("serviceName").asText()));
        return new Trace(trace.path("traceID").asText(), trace.path("spans").size(), services);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
