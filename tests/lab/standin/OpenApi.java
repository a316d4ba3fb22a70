package standin;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The stand-in backend's own description, generated from its routes in the shape of FastAPI's documents: typed
 * parameters and bodies, and answers as far as the real ones are typed ("Answers" in docs/KTRDR.md).
 */
final class OpenApi {
    /** The parameters and the answer of a request, in the notation of {@link #schema}. */
    private record Spec(List<String> query, List<String> body, String answer) {
        static final Spec UNTYPED = new Spec(List.of(), List.of(), "any");
    }

    private static final Map<String, List<String>> SCHEMAS = Map.of(
            "Summary", List.of("operation_id:string", "operation_type:string", "status:Status", "created_at:time",
                    "progress_percentage:number?", "current_step:string?", "symbol:string?",
                    "duration_seconds:number?"),
            "Progress", List.of("percentage:number?", "current_step:string?", "steps_completed:integer?",
                    "steps_total:integer?"),
            "Metadata", List.of("symbol:string?", "timeframe:string?", "mode:string?", "parameters:object?"),
            "Operation",
            List.of("operation_id:string", "parent_operation_id:string?", "operation_type:string", "status:Status",
                    "created_at:time", "started_at:time?", "completed_at:time?", "progress:Progress?",
                    "metadata:Metadata?",
                    "error_message:string?", "result_summary:object?"),
            "Listed", List.of("success:boolean?", "data:[Summary]", "total_count:integer", "active_count:integer"),
            "Shown", List.of("success:boolean?", "data:Operation"),
            "Cancelled", List.of("success:boolean?", "data:object"),
            "Begun", List.of("success:boolean", "data:object?", "error:object?"),
            "Training", List.of("success:boolean", "task_id:string", "status:string", "message:string",
                    "symbols:[string]", "timeframes:[string]", "strategy_name:string"),
            "Started", List.of("success:boolean", "operation_id:string", "status:string", "message:string"));
    private static final List<String> STATUSES = List.of("pending", "resuming", "running", "completed", "failed",
            "cancelled");
    private static final String API = "/api/v1";
    /** All other requests are documented to take and answer anything. */
    private static final Map<String, Spec> SPECS = Map.of(
            "POST /trainings/start",
            new Spec(List.of(),
                    List.of("symbols:[string]?", "timeframes:[string]?", "strategy_name:string", "start_date:string?",
                    "end_date:string?", "task_id:string?", "detailed_analytics:boolean?"), "Training"),
            "GET /workers", new Spec(List.of("worker_type:string?", "status:string?"), List.of(), "[object]"),
            "POST /workers/register",
            new Spec(List.of(), List.of("worker_id:string", "worker_type:string", "endpoint_url:string",
                    "capabilities:object?", "current_operation_id:string?"), "object"),
            "GET /operations",
            new Spec(List.of("status:Status?", "operation_type:string?", "limit:integer?", "offset:integer?",
                    "active_only:boolean?"), List.of(), "Listed"),
            "GET /operations/{id}", new Spec(List.of(), List.of(), "Shown"),
            "DELETE /operations/{id}", new Spec(List.of(), List.of(), "Cancelled"),
            "POST /dummy/start", new Spec(List.of(), List.of(), "Begun"),
            "POST /backtests/start",
            new Spec(List.of(), List.of("strategy_name:string", "symbol:string?", "timeframe:string?",
                    "start_date:string", "end_date:string", "initial_capital:number?", "model_path:string?"),
                    "Started"),
            "POST /data/acquire/download",
            new Spec(List.of(), List.of("symbol:string", "timeframe:string", "mode:string?",
                    "start_date:string?", "end_date:string?"), "Started"));

    private OpenApi() {}

    /** @@ @param changed whether it describes a KTRDR that lacks a parameter and requires one more field */
    static Map<String, Object> document(List<String> routes, String version, boolean changed) {
        var paths = new LinkedHashMap<String, Object>();
        for (var route : routes) {
            var words = route.split(" ");
            if (!words[1].startsWith(API + "/") || words[1].endsWith("/openapi.json")) continue;
            var id = words[1].contains("/workers/") ? "worker_id" : "operation_id";
            @SuppressWarnings("unchecked")
            var path = (Map<String, Object>) paths.computeIfAbsent(words[1].replace("{id}", "{" + id + "}"),
                    any -> new LinkedHashMap<>());
            var spec = SPECS.getOrDefault(words[0] + " " + words[1].substring(API.length()), Spec.UNTYPED);
            path.put(words[0].toLowerCase(Locale.ROOT),
                    operation(words[1].contains("{id}") ? Optional.of(id) : Optional.empty(),
                    changed ? changed(words[1], spec) : spec));
        }
        var schemas = new LinkedHashMap<String, Object>();
        SCHEMAS.forEach((name, fields) -> schemas.put(name, object(name, fields)));
        schemas.put("Status", Json.map("type", "string", "enum", STATUSES, "title", "Status"));
        return Json.map("openapi", "3.1.0", "info",
                Json.map("title", "KTRDR API (a stand-in of the practice fleet)", "version", version),
                "paths", paths, "components", Json.map("schemas", schemas));
    }

    private static Spec changed(String path, Spec spec) {
        var body = new ArrayList<>(spec.body());
        if (path.endsWith("/backtests/start")) body.add("account:string");
        return new Spec(spec.query().stream().filter(name -> !name.startsWith("active_only")).toList(), body,
                spec.answer());
    }

    private static Map<String, Object> operation(Optional<String> id, Spec spec) {
        var parameters = new ArrayList<>();
        id.ifPresent(name ->
                parameters.add(Json.map("name", name, "in", "path", "required", true, "schema",
                        Json.map("type", "string"))));
        for (var field : spec.query())
            parameters.add(Json.map("name", name(field), "in", "query", "required", !field.endsWith("?"), "schema",
                    schema(type(field))));
        var operation = Json.map("responses",
                Json.map("200", Json.map("description", "Successful Response", "content",
                        content(schema(spec.answer())))));
        if (!parameters.isEmpty()) operation.put("parameters", parameters);
        if (!spec.body().isEmpty())
            operation.put("requestBody", Json.map("required", true, "content", content(object("Body", spec.body()))));
        return operation;
    }

    private static Map<String, Object> content(Object schema) {
        return Json.map("application/json", Json.map("schema", schema));
    }

    /** Fields as "name:type"; those whose type ends with "?" are optional. */
    private static Map<String, Object> object(String title, List<String> fields) {
        var properties = new LinkedHashMap<String, Object>();
        fields.forEach(field -> properties.put(name(field), schema(type(field))));
        return Json.map("type", "object", "title", title, "properties", properties,
                "required", fields.stream().filter(field -> !field.endsWith("?")).map(OpenApi::name).toList());
    }

    private static String name(String field) {
        return field.split(":")[0];
    }

    private static String type(String field) {
        return field.split(":")[1];
    }

    /**
     * The schema of a type: one of JSON's, time, any, a list in brackets, or the name of one of {@link #SCHEMAS}; with
     * "?" it may be null.
     */
    private static Map<String, Object> schema(String type) {
        if (type.endsWith("?"))
            return Json.map("anyOf", List.of(schema(type.substring(0, type.length() - 1)), Json.map("type", "null")));
        if (type.startsWith("["))
            return Json.map("type", "array", "items", schema(type.substring(1, type.length() - 1)));
        if (Character.isUpperCase(type.charAt(0))) return Json.map("$ref", "#/components/schemas/" + type);
        return switch (type) {
            case "any" -> Json.map();
            case "time" -> Json.map("type", "string", "format", "date-time");
            case "object" -> Json.map("type", "object", "additionalProperties", true);
            default -> Json.map("type", type);
        };
    }
}
