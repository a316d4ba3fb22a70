package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Problem;

/** The backend's answers about operations: successes, and the several forms of its errors. */
final class OperationAnswer {
    private OperationAnswer() {}

    static JsonNode data(String asked, Http.Answer answer, Predicate<JsonNode> fits) {
        var document = document(asked, answer);
        if (!fits.test(document.path("data"))) throw Problem.failed(asked + " has an unexpected form")
                .expected("\"data\" with one operation, or with a list of them")
                .found(Console.brief(answer.body(), 200));
        return document.path("data");
    }

    /** The JSON of an answer that has to be a success; the backend says so in three ways. */
    static JsonNode document(String asked, Http.Answer answer) {
        var refused = Json.read(answer.body())
                .filter(document -> !answer.ok() || !document.path("success").asBoolean(true));
        if (refused.isEmpty()) return Http.json(asked, answer);
        var sentence = asked + " was refused";
        throw (answer.status() == 503 ? Problem.unreachable(sentence) : Problem.failed(sentence))
                .expected("\"success\": true").found(words(answer));
    }

    /**
     * What the backend says of an error: {@code {"error": {"message", "details": [{"field", "message"}]}}}, or
     * {@code {"detail"}} as text, as a list of fields (FastAPI's own), or as
     * {@code {"error", "registered_workers", "hint"}} where there is no worker.
     */
    static String words(Http.Answer answer) {
        var body = Json.read(answer.body()).orElse(JsonNodeFactory.instance.objectNode());
        var detail = body.path("detail");
        var said = fields(body.path("error").path("details").isArray() ? body.path("error").path("details") : detail);
        if (said.isEmpty() && detail.path("error").isTextual()) said = missing(detail);
        if (said.isEmpty()) said = Stream.of(body.path("error").path("message"), body.path("error"), detail,
                body.path("message"))
                .filter(JsonNode::isTextual).map(JsonNode::asText).findFirst()
                .orElse(Console.brief(answer.body(), 200));
        return answer.ok() ? said : answer.status() + " " + said;
    }

    private static String missing(JsonNode detail) {
        var registered = detail.path("registered_workers");
        return detail.path("error").asText() + (registered.isNumber() ? ", " + registered.asInt() + " registered" : "")
                + (detail.path("hint").isTextual() ? ". " + detail.path("hint").asText() : "");
    }

    /** "body.symbol: Field required; …" of a list of fields; empty of anything else. */
    private static String fields(JsonNode list) {
        var fields = new LinkedHashMap<String, String>();
        if (list.isArray()) for (var json : list) {
            var place = new ArrayList<String>();
            json.path("loc").forEach(part -> place.add(part.asText()));
            fields.put(json.path("field").asText(String.join(".", place)).replace(" -> ", "."),
                    json.path("message").asText(json.path("msg").asText()));
        }
        return fields.entrySet().stream().map(field -> field.getKey() + ": " + field.getValue())
                .collect(Collectors.joining("; "));
    }

    static OperationsApi.Operation operation(JsonNode json) {
        var progress = json.path("progress");
        return new OperationsApi.Operation(json.path("operation_id").asText(), json.path("operation_type").asText(),
                json.path("status").asText(), json.path("created_at").asText(""),
                text(json.has("symbol") ? json.path("symbol") : json.path("metadata").path("symbol")),
                progress.path("percentage").asDouble(json.path("progress_percentage").asDouble()),
                text(progress.has("current_step") ? progress.path("current_step") : json.path("current_step")),
                json.path("duration_seconds").asDouble(), text(json.path("error_message")),
                json.path("result_summary").isObject() ? json.path("result_summary").toString() : "");
    }

    private static String text(JsonNode value) {
        return value.isTextual() ? value.asText() : "";
    }
}
