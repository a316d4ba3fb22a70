package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Project;
import ktrdr.inventory.Inventory;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import standin.Backend;
import standin.Pace;

/** The toolkit reports which API elements a newer KTRDR lacks, and its list of used elements is complete. */
class ApiUseTest {
    private final MockWebServer server = new MockWebServer();
    private final Http http = new Http(Map.of(), Duration.ofSeconds(5));

    @BeforeEach
    void start() throws IOException {
        server.start();
    }

    @AfterEach
    void stop() {
        http.close();
        server.close();
    }

    private static Inventory inventory(int port) {
        return Fixtures.inventory(Fixtures.INVENTORY.replace("address: 10.0.0.10", "address: 127.0.0.1")
                + "services: {backend: {port: " + port + "}}\n");
    }

    private ApiUse.Compared compared(int port) {
        var inventory = inventory(port);
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(5))) {
            return ApiUse.compared(inventory, http);
        }
    }

    private ApiUse.Compared answered(int status, String body) {
        server.enqueue(new MockResponse.Builder().code(status).body(body).build());
        return compared(server.getPort());
    }

    private static ObjectNode document() {
        return document("");
    }

    /** The stand-in's OpenAPI document, optionally with a fault. */
    private static ObjectNode document(String fault) {
        var env = Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32), "KTRDR_VERSION",
                "sha-0123456", "KTRDR_STANDIN_FAULT", fault);
        var quick = new Pace(60_000, 60_000, 50, 50, 1_500, 50, 100, 100, 50, 3_000, 50, 0, 0);
        try (var backend = new Backend(0, env, quick);
                var http = new Http(Map.of(), Duration.ofSeconds(5))) {
            return (ObjectNode) http.json("http://127.0.0.1:" + backend.port() + "/api/v1/openapi.json");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> gone(JsonNode document) {
        return ApiUse.compared(document).gone();
    }

    private static ObjectNode at(JsonNode document, String pointer) {
        return (ObjectNode) document.at(pointer);
    }

    @Test
    void a_backend_that_has_all_of_it_holds() {
        assertEquals(List.of(), gone(document()));
        var check = ApiUse.compared(document()).check(inventory(1)).orElseThrow();
        assertTrue(check.ok() && check.found().equals(ApiUse.CALLS.size() + " requests as used, version sha-0123456"),
                check::toString);
    }

    @Test
    void what_another_ktrdr_lacks_and_wants_is_named() {
        var compared = ApiUse.compared(document("api"));
        assertEquals(List.of("parameter active_only of GET /operations is gone", "DELETE /operations/{id} is gone",
                "POST /backtests/start needs field account"), compared.gone());
        assertFalse(compared.check(inventory(1)).orElseThrow().ok());
        assertTrue(compared.words().orElseThrow()
                .startsWith("the backend differs from what the toolkit uses: parameter active_only"));
    }

    @Test
    void fields_that_are_gone_are_named_with_their_place() {
        var document = document();
        at(document, "/components/schemas/Progress/properties").remove("percentage");
        at(document, "/components/schemas/Summary/properties").remove("status");
        at(document, "/paths/~1api~1v1~1backtests~1start/post/requestBody/content/application~1json/schema/properties")
                .remove("model_path");
        assertEquals(List.of("answer field data[].status of GET /operations is gone",
                "answer field data.progress.percentage of GET /operations/{id} is gone",
                "field model_path of POST /backtests/start is gone"), gone(document));
    }

    @Test
    void what_is_needed_in_addition_is_named() {
        var document = document();
        ((ArrayNode) document.at("/paths/~1api~1v1~1operations/get/parameters")).addObject().put("name", "tenant")
                .put("in", "query").put("required", true);
        at(document, "/paths/~1api~1v1~1dummy~1start/post").putObject("requestBody").put("required", true);
        ((ArrayNode) document.at(
                "/paths/~1api~1v1~1data~1acquire~1download/post/requestBody/content/application~1json/schema/required"))
                .add("end_date");
        assertEquals(List.of("GET /operations needs parameter tenant", "POST /dummy/start needs a body",
                "POST /data/acquire/download needs field end_date, which is not always sent"), gone(document));
    }

    @Test
    void path_variables_may_be_renamed_and_untyped_answers_pass() {
        var document = document();
        var paths = at(document, "/paths");
        paths.set("/api/v1/operations/{other}", paths.remove("/api/v1/operations/{operation_id}"));
        at(paths, "/~1api~1v1~1operations/get/responses/200").remove("content");
        at(paths, "/~1api~1v1~1operations~1{other}/get/responses/200/content/application~1json").putObject("schema");
        assertEquals(List.of(), gone(document));
    }

    @Test
    void a_schema_that_refers_to_itself_ends() {
        var document = document();
        at(document, "/components/schemas").set("Operation",
                Json.parse("{\"anyOf\": [{\"$ref\": \"#/components/schemas/Operation\"}]}", "the test"));
        at(document, "/components/schemas")
                .set("Summary", Json.parse("{\"$ref\": \"#/components/schemas/Summary\"}", "the test"));
        for (int i = 0; i < 40; i++) {
            var next = "{\"$ref\": \"#/components/schemas/Next" + (i + 1) + "\"}";
            at(document, "/components/schemas")
                    .set("Next" + i, Json.parse("{\"anyOf\": [" + next + "," + next + "]}", "the test"));
        }
        at(document, "/components/schemas/Shown/properties")
                .set("data", Json.parse("{\"$ref\": \"#/components/schemas/Next0\"}", "the test"));
        assertTimeout(Duration.ofSeconds(5), () -> gone(document));
    }

    @Test
    void of_much_that_is_gone_a_part_is_told() {
        var compared = ApiUse.compared(Json.parse("{\"paths\": {\"/api/v1/operations\": {\"get\": {\"parameters\": ["
                + "{\"name\": \"x\", \"in\": \"query\", \"required\": true},".repeat(50) + "{}]}}}}", "the test"));
        assertTrue(compared.words().orElseThrow().matches(".*GET /health is gone; .*; and \\d+ more"),
                compared::toString);
    }

    @Test
    void no_document_and_a_broken_one_are_told_and_are_no_check() {
        for (var entry : Map.of(404, "{\"detail\":\"Not Found\"}", 200, "<html>", 503, "").entrySet()) {
            var compared = answered(entry.getKey(), entry.getValue());
            assertEquals(List.of(), compared.gone());
            assertTrue(compared.check(inventory(1)).isEmpty() && compared.words().orElseThrow()
                    .startsWith("not compared with what the toolkit uses: GET http://"), compared::toString);
        }
        for (var paths : List.of("{}", "[1]", "7"))
            assertTrue(answered(200, "{\"openapi\": \"3.1.0\", \"paths\": " + paths + "}").unknown()
                    .contains("returned no OpenAPI document: {"), paths);
    }

    @Test
    void a_huge_document_and_no_answer_are_told_and_are_no_check() {
        assertTrue(answered(200, "x".repeat(Http.MAX_BODY + 1)).unknown().contains("more than 16 MiB"));
        assertTrue(answered(200, "{\"paths\": [" + "1,".repeat(Json.MAX_VALUES) + "1]}").unknown()
                .contains("no OpenAPI document"));
        int port = server.getPort();
        server.close();
        assertTrue(compared(port).unknown().contains("no answer"));
    }

    /** The source of a library class, without comments. */
    private static String source(String name) throws IOException {
        return source(Project.library(name));
    }

    private static String source(Path file) throws IOException {
        return Files.readString(file).replaceAll("(?s)/\\*.*?\\*/", "").replaceAll("(?m)^\\s*//.*$", "");
    }

    private static Set<String> found(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map(result -> result.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The library sources that call the backend. */
    private static String sources() throws IOException {
        return source("Backend") + source("OperationsApi") + source("OperationAnswer") + source("Checkpoint");
    }

    @Test
    void each_path_of_the_sources_is_listed_and_no_other() throws IOException {
        var asked = found("(?:api \\+ |\\(|\\w)\"(/[a-z/]*[a-z]/?)(?=[\"?])", sources()).stream()
                .map(path -> path.endsWith("/") ? path + "{id}" : path).collect(Collectors.toCollection(TreeSet::new));
        asked.remove("/api/v1");
        found("segment\\(id\\) \\+ \"(/[a-z/]+)\"", sources()).forEach(below -> asked.add("/operations/{id}" + below));
        // ServiceChecks calls this path outside the backend client
        assertTrue(source("ServiceChecks").contains("health(part, fix, \"/api/v1/health\""));
        assertEquals(ApiUse.CALLS.stream().map(ApiUse.Call::path).collect(Collectors.toCollection(TreeSet::new)),
                asked);
        for (var file : Project.library()) {
            var name = file.getFileName().toString().replace(".java", "");
            if (Set.of("Backend", "OperationsApi", "Checkpoint", "ApiUse").contains(name)) continue;
            var others = found("\"(/api/v1/[a-z]*)", source(name));
            others.removeAll(Set.of("/api/v1/health", "/api/v1/alerts", "/api/v1/status", "/api/v1/targets",
                    "/api/v1/query", "/api/v1/workers"));
            assertEquals(Set.of(), others, name + " asks the backend for itself");
        }
    }

    @Test
    void lists_exactly_the_fields_and_parameters_that_sources_use() throws IOException {
        var refusals = Set.of("detail", "error", "details", "field", "loc", "msg", "message", "hint",
                "registered_workers");
        var read = found("\\.(?:path|has)\\(\"(\\w+)\"\\)", sources());
        read.removeAll(refusals);
        var listed = ApiUse.CALLS.stream().flatMap(call -> call.answers().stream())
                .flatMap(field -> Arrays.stream(field.split("\\.|\\[\\]")))
                .filter(name -> !name.isEmpty()).collect(Collectors.toCollection(TreeSet::new));
        // request fields are listed separately
        read.removeIf(name -> !listed.contains(name) && sends().contains(name));
        assertEquals(listed, read);
        var parameters = found("[?&](\\w+)=", sources());
        parameters.addAll(found("query\\(\"(\\w+)\"", sources()));
        assertEquals(new TreeSet<>(ApiUse.CALLS.stream().flatMap(call -> call.parameters().stream()).toList()),
                parameters);
    }

    @Test
    void each_field_that_is_sent_stands_in_operations() throws IOException {
        var sent = found("\"([a-z]+(?:_[a-z]+)+|symbols?|timeframes?|mode)\"",
                source("StartBacktest") + source("StartTraining") + source("StartData"));
        assertEquals(sends(), sent);
    }

    private static Set<String> sends() {
        return ApiUse.CALLS.stream().flatMap(call -> call.sends().stream()).map(name -> name.replace("?", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
