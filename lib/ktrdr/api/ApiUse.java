package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * What the toolkit uses of KTRDR's API, in one place, and whether a backend still has it, by its own description: the
 * OpenAPI document (https://spec.openapis.org/oas/v3.1.0) that FastAPI serves. Untyped answers are not compared: {@code
 * ./ktrdr test contract} requests those.
 */
public final class ApiUse {
    /** The id of the check. */
    public static final CheckId CHECK = CheckId.ofFleet(Part.BACKEND.check(), "contract");
    private static final String API = "/api/v1";
    /** A reference that refers to itself has no end. */
    private static final int DEPTH = 30;
    private static final List<String> ALTERNATIVES = List.of("anyOf", "oneOf", "allOf");
    /** How many differences are listed. */
    private static final int TOLD = 12;

    /**
     * A request.
     *
     * @param path below /api/v1; {@code {id}} stands for a part that is filled in
     * @param parameters of the query
     * @param sends fields of the body; a name with "?" is sent only where it is given
     * @param answers fields of the answer that are read: "data[].status" is one of each element
     */
    record Call(String method, String path, List<String> parameters, List<String> sends, List<String> answers) {
        Call parameters(String... names) {
            return new Call(method, path, List.of(names), sends, answers);
        }

        Call sends(String... names) {
            return new Call(method, path, parameters, List.of(names), answers);
        }

        Call answers(String... names) {
            return new Call(method, path, parameters, sends, List.of(names));
        }

        String words() {
            return method + " " + path;
        }

        private boolean mentions(String field) {
            return sends.contains(field) || sends.contains(field + "?");
        }
    }

    static final List<Call> CALLS = List.of(
            call("GET", "/health").answers("status", "version"),
            call("GET", "/workers").answers("[].worker_id", "[].worker_type", "[].endpoint_url", "[].status",
                    "[].current_operation_id", "[].last_healthy_at", "[].capabilities.gpu", "[].capabilities.gpu_type",
                    "[].capabilities.gpu_count"),
            call("GET", "/operations").parameters("limit", "active_only", "status", "operation_type")
                    .answers("data[].operation_id", "data[].operation_type", "data[].status", "data[].created_at",
                            "data[].symbol",
                            "data[].progress_percentage", "data[].current_step", "data[].duration_seconds"),
            call("GET", "/operations/{id}").answers("data.operation_id", "data.operation_type", "data.status",
                    "data.created_at",
                    "data.metadata.symbol", "data.progress.percentage", "data.progress.current_step",
                    "data.error_message",
                    "data.result_summary"),
            call("DELETE", "/operations/{id}").answers("success"),
            call("POST", "/dummy/start").answers("success", "data.operation_id"),
            call("POST", "/backtests/start")
                    .sends("strategy_name", "symbol", "timeframe", "start_date", "end_date", "model_path?",
                            "initial_capital?")
                    .answers("operation_id"),
            call("POST", "/trainings/start")
                    .sends("strategy_name", "symbols?", "timeframes?", "start_date?", "end_date?").answers("task_id"),
            call("GET", "/operations/{id}/results").answers("results"),
            call("POST", "/operations/{id}/resume").answers("data.resumed_from.epoch"),
            call("GET", "/checkpoints/{id}").answers("data.checkpoint_type", "data.created_at", "data.state.epoch",
                    "data.state.bar_index"),
            call("POST", "/data/acquire/download").sends("symbol", "timeframe", "mode", "start_date?", "end_date?")
                    .answers("operation_id"));

    /**
     * The result of the comparison.
     *
     * @param unknown why nothing could be compared; empty if it was
     * @param gone what the backend does not have any more, or wants in addition, each in words
     * @param version that the document says
     */
    public record Compared(String unknown, List<String> gone, String version) {
        /** For the user; empty if the backend has all that is used. */
        public Optional<String> words() {
            if (!unknown.isEmpty()) return Optional.of("not compared with what the toolkit uses: " + unknown);
            return gone.isEmpty() ? Optional.empty()
                    : Optional.of("the backend differs from what the toolkit uses: " + told());
        }

        private String told() {
            return String.join("; ", gone.subList(0, Math.min(TOLD, gone.size())))
                    + (gone.size() > TOLD ? "; and " + (gone.size() - TOLD) + " more" : "");
        }

        /** The check of verify; none where nothing could be compared. */
        public Optional<Check> check(Inventory inventory) {
            if (!unknown.isEmpty()) return Optional.empty();
            return Optional.of(new Check(CHECK, inventory.core().name(),
                    gone.isEmpty(),
                    "each request and field that the toolkit uses, in the backend's OpenAPI document",
                    gone.isEmpty() ? CALLS.size() + " requests as used, version " + version : told(),
                    "use a toolkit for this release of KTRDR, or the previous release: jbang rollback@ktrdr core", 0));
        }
    }

    private ApiUse() {}

    private static Call call(String method, String path) {
        return new Call(method, path, List.of(), List.of(), List.of());
    }

    /**
     * Asks a backend for its document, and compares. A missing or unreadable document is not an error of the backend.
     */
    public static Compared compared(Inventory inventory, Http http) {
        var url = new Backend(inventory, http).url("/openapi.json");
        try {
            var answer = http.get(url);
            if (!answer.ok()) return unknown("GET " + url + " answered " + answer.status());
            var document = Json.read(answer.body())
                    .filter(json -> json.path("paths").isObject() && !json.path("paths").isEmpty());
            return document.map(ApiUse::compared)
                    .orElseGet(() -> unknown("GET " + url + " returned no OpenAPI document: "
                            + Console.brief(answer.body().strip(), 100)));
        } catch (Problem problem) {
            return unknown(problem.sentenceAndFound());
        }
    }

    private static Compared unknown(String why) {
        return new Compared(why, List.of(), "");
    }

    /** The same of a document. */
    static Compared compared(JsonNode document) {
        var gone = new ArrayList<String>();
        for (var call : CALLS) new Comparison(document, call, gone).run();
        return new Compared("", List.copyOf(gone), document.path("info").path("version").asText("unknown"));
    }

    /** Of one request. */
    private record Comparison(JsonNode document, Call call, List<String> gone) {
        void run() {
            var path = path();
            var operation = path.path(call.method().toLowerCase());
            if (operation.isMissingNode()) {
                gone.add(call.words() + " is gone");
                return;
            }
            parameters(path.path("parameters"), operation.path("parameters"));
            body(resolved(operation.path("requestBody")));
            var answer = json(resolved(operation.path("responses").path("200")));
            for (var field : call.answers())
                if (!has(answer, field.replace("[]", ".[]").replaceFirst("^\\.", "")))
                    gone.add("answer field " + field + " of " + call.words() + " is gone");
        }

        /** Under whatever names the document has its variable parts. */
        private JsonNode path() {
            var wanted = unnamed(API + call.path());
            return document.path("paths").properties().stream().filter(entry -> unnamed(entry.getKey()).equals(wanted))
                    .map(Map.Entry::getValue).findFirst().orElse(MissingNode.getInstance());
        }

        private static String unnamed(String path) {
            return path.replaceAll("\\{[^{}]*\\}", "{}");
        }

        private void parameters(JsonNode common, JsonNode own) {
            var known = new ArrayList<String>();
            for (var list : List.of(common, own)) for (var json : list) {
                var parameter = resolved(json);
                if (!parameter.path("in").asText().equals("query")) continue;
                var name = parameter.path("name").asText();
                known.add(name);
                if (parameter.path("required").asBoolean() && !call.parameters().contains(name))
                    gone.add(call.words() + " needs parameter " + name);
            }
            for (var name : call.parameters())
                if (!known.contains(name)) gone.add("parameter " + name + " of " + call.words() + " is gone");
        }

        private void body(JsonNode request) {
            boolean sends = !call.sends().isEmpty();
            if (!sends && request.path("required").asBoolean()) gone.add(call.words() + " needs a body");
            if (sends && request.isMissingNode()) gone.add(call.words() + " takes no fields any more");
            if (!sends || request.isMissingNode()) return;
            var body = json(request);
            for (var name : call.sends())
                if (!has(body, name.replace("?", "")))
                    gone.add("field " + name.replace("?", "") + " of " + call.words() + " is gone");
            for (var shape : shapes(List.of(body)))
                for (var name : shape.path("required"))
                    if (!call.sends().contains(name.asText())) gone.add(call.words() + " needs field " + name.asText()
                            + (call.mentions(name.asText()) ? ", which is not always sent" : ""));
        }

        private static JsonNode json(JsonNode content) {
            return content.path("content").path("application/json").path("schema");
        }

        /** Whether a schema has a field, as far as it says; "[]" stands for an element of a list. */
        private boolean has(JsonNode schema, String field) {
            var at = shapes(List.of(schema));
            for (var name : field.split("\\.")) {
                var below = at.stream()
                        .map(shape -> name.equals("[]") ? shape.path("items") : shape.path("properties").path(name))
                        .filter(json -> !json.isMissingNode()).toList();
                if (below.isEmpty()) return at.isEmpty() || at.stream().anyMatch(shape -> open(shape, name));
                at = shapes(below);
            }
            return true;
        }

        /** Whether it says too little to know. */
        private static boolean open(JsonNode shape, String name) {
            var type = shape.path("type").asText(name.equals("[]") ? "array" : "object");
            if (!type.equals(name.equals("[]") ? "array" : "object")) return false;
            var more = shape.path("additionalProperties");
            return !shape.has("properties") || more.isObject() || more.asBoolean();
        }

        /** What schemas may be, without null; each is looked at once, since they may refer to themselves. */
        private List<JsonNode> shapes(List<JsonNode> schemas) {
            var shapes = new ArrayList<JsonNode>();
            var seen = Collections.newSetFromMap(new IdentityHashMap<JsonNode, Boolean>());
            var left = new ArrayDeque<>(schemas);
            while (!left.isEmpty()) {
                var json = resolved(left.poll());
                if (json.isMissingNode() || json.path("type").asText().equals("null") || !seen.add(json)) continue;
                var others = new ArrayList<JsonNode>();
                for (var word : ALTERNATIVES) json.path(word).forEach(others::add);
                left.addAll(others);
                if (others.isEmpty()) shapes.add(json);
            }
            return shapes;
        }

        /** What a {@code $ref} into the same document leads to. */
        private JsonNode resolved(JsonNode node) {
            var now = node;
            for (int i = 0; i < DEPTH && now.path("$ref").isTextual(); i++) {
                var at = now.path("$ref").asText();
                now = at.matches("#(/[^/]+)+") ? document.at(at.substring(1)) : MissingNode.getInstance();
            }
            return now;
        }
    }
}
