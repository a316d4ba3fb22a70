package ktrdr.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import ktrdr.CommandResult;
import ktrdr.Documents;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.SshPeer;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Machine-readable documents and their schemas, with proof that each document is validated against its own schema. */
class DocumentsTest {
    private static final Check HOLDS = new Check(CheckId.ofNode("core", "ssh"), "core", true, "a node that answers",
            "connected", "", 0);
    /** Schemas that are not results: shared parts, and the one for editors. */
    private static final Set<String> PARTS = Set.of("common", "inventory");
    /** Retired words that the documents replaced. */
    private static final Set<String> RETIRED = Set.of("tag", "who", "error", "problems", "dropped", "sentence", "to do",
            "said", "memory", "skew", "written", "log", "volumes");
    /** Answers of KTRDR or of a user's own script: their content is not specified. */
    private static final Set<String> OPEN = Set.of("nodes /properties/nodes/items", "operation /properties/backend",
            "benchmarks /properties/benchmarks/items", "queries /properties/queries/items");

    @Command(name = "mycheck")
    private static final class Mine implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Option(names = "--limit") int limit;
        private final Callable<Exit> work;

        Mine(Callable<Exit> work) {
            this.work = work;
        }

        @Override
        public Exit call() throws Exception {
            return work.call();
        }
    }

    private static String printed(int exit, Callable<Exit> work, String... words) {
        var out = new ByteArrayOutputStream();
        var invocation = Invocation.of(Map.of(), new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(new ByteArrayOutputStream()));
        assertEquals(exit, Cli.run(new Mine(work), invocation, words));
        return out.toString(StandardCharsets.UTF_8);
    }

    private static JsonNode failed(Problem problem) {
        var documents = Documents.read(printed(problem.exit().code, () -> {
            throw problem;
        }, "-o", "json"));
        assertEquals(1, documents.size());
        Documents.hold(documents.get(0));
        return documents.get(0);
    }

    @Test
    void wrong_usage_is_a_document_where_one_was_asked_for() {
        for (var words : List.of(List.of("-o", "json", "--nonsense"), List.of("--nonsense", "--output", "json"),
                List.of("--output=json", "word"), List.of("-o=json", "--limit", "many"),
                List.of("-ojson", "word"), List.of("--limit", "-o", "json"),
                List.of("-o", "text", "-o", "JSON", "word"))) {
            var documents = Documents.read(printed(2, () -> Exit.OK, words.toArray(String[]::new)));
            assertEquals(1, documents.size(), words::toString);
            Documents.hold(documents.get(0));
            assertEquals("error 2 mycheck --help", documents.get(0).path("document").asText() + " "
                    + documents.get(0).path("exit").asInt() + " " + documents.get(0).at("/errors/0/fix").asText());
        }
        for (var words : List.of(List.of("--nonsense"), List.of("-o", "yaml"), List.of("-o", "text", "word"),
                List.of("--", "-o", "json"), List.of("--limit", "json")))
            assertEquals("", printed(2, () -> Exit.OK, words.toArray(String[]::new)), words::toString);
    }

    @Test
    void an_error_has_the_same_keys_whatever_it_is() {
        var plain = failed(Problem.unreachable("core: no answer"));
        var full = failed(Problem.failed("core: a script failed").expected("0").found("3").fix("look")
                .with("as well", "more").stderr("line 1\nline 2\n"));
        assertEquals(fields(plain.at("/errors/0")), fields(full.at("/errors/0")));
        assertEquals("3 false core: no answer", plain.path("exit").asInt() + " " + plain.path("ok").asBoolean() + " "
                + plain.at("/errors/0/message").asText());
        assertEquals("line 1\nline 2\n look more", full.at("/errors/0/stderr").asText() + " "
                + full.at("/errors/0/fix").asText() + " " + full.at("/errors/0/details/as well").asText());
        var script = failed(Problem.failed("core: a script failed")
                .found(new CommandResult(3, "out", "1\n2\n3\n4\n5\n6\n")));
        assertEquals("2\n3\n4\n5\n6, of 1\n2\n3\n4\n5\n6\n",
                script.at("/errors/0/found").asText() + ", of " + script.at("/errors/0/stderr").asText());
        assertEquals("line 1", failed(Problem.failed("it").stderr("line 1").returned()).at("/errors/0/stderr").asText(),
                "another exit code keeps it");
        Documents.hold(Documents.read(printed(1, () -> {
            throw new IllegalStateException("a defect");
        }, "-o", "json")).get(0));
    }

    @Test
    void a_script_that_fails_is_told_with_all_of_its_standard_error(@TempDir Path folder) throws IOException {
        try (var peer = new SshPeer(folder, "0.0.0.0")) {
            var inventory = Files.writeString(folder.resolve("inventory.yaml"), peer.inventory(1, peer.port(), ""))
                    .toString();
            var script = "echo out; i=0; while [ $i -lt 300 ]; do echo \"line $i\" >&2; i=$((i + 1)); done; ";
            var ran = lab.Toolkit.ktrdr("run", script + "exit 3", "-o", "json").env("KTRDR_INVENTORY", inventory).run();
            assertEquals(1, ran.exit(), ran::toString);
            for (int i = 0; i < 2; i++) {
                assertEquals("false 3 out",
                        ran.json().at("/nodes/" + i + "/ok").asText() + " " + ran.json().at("/nodes/" + i + "/exit")
                                .asText() + " " + ran.json().at("/nodes/" + i + "/stdout").asText().strip());
                assertEquals(300, ran.json().at("/nodes/" + i + "/stderr").asText().lines().count());
                assertEquals(300, ran.json().at("/errors/" + i + "/stderr").asText().lines().count(),
                        "what a person sees the end of");
            }
            var good = lab.Toolkit.ktrdr("run", script, "-o", "json").env("KTRDR_INVENTORY", inventory).run();
            assertEquals("0 true 0 300", good.exit() + " " + good.json().at("/nodes/1/ok").asText() + " "
                    + good.json().at("/nodes/1/exit").asText() + " "
                    + good.json().at("/nodes/1/stderr").asText().lines().count());
            var late = lab.Toolkit.ktrdr("run", "sleep 5", "--timeout", "1s", "-o", "json")
                    .env("KTRDR_INVENTORY", inventory).run();
            assertEquals("null null", late.json().at("/nodes/0/exit").asText() + " " + late.json().at("/nodes/0/stderr")
                    .asText(), late::toString);
        }
    }

    @Test
    void a_run_that_prints_lines_ends_with_an_error_on_a_line() {
        var mine = new Mine[1];
        mine[0] = new Mine(() -> {
            mine[0].common.lines();
            mine[0].common.report(Document.line("log-line").with("time", "t").with("node", "core").with("service", "db")
                    .with("line", "a word"));
            throw Problem.failed("it ended");
        });
        var out = new ByteArrayOutputStream();
        Cli.run(mine[0], Invocation.of(Map.of(), new ByteArrayInputStream(new byte[0]), new PrintStream(out),
                new PrintStream(new ByteArrayOutputStream())), "-o", "json");
        assertEquals(2, out.toString(StandardCharsets.UTF_8).lines().count());
        Documents.read(out.toString(StandardCharsets.UTF_8)).forEach(Documents::hold);
    }

    @Test
    void every_schema_is_of_a_document_that_a_procedure_prints() {
        var described = new TreeSet<>(Documents.printed().keySet());
        var schemas = new TreeSet<>(Documents.schemas());
        schemas.removeAll(PARTS);
        assertEquals(schemas, described);
        for (var name : schemas) {
            var schema = Documents.schema(name);
            assertEquals(name + " " + Document.VERSION, schema.at("/properties/document/const").asText() + " "
                    + schema.at("/properties/version/const").asInt());
            if (!name.equals("log-line")) assertEquals(List.of("document", "version", "ok", "exit"),
                    fields(schema.path("properties")).subList(0, 4), name);
            if (!name.equals("log-line")) assertEquals("errors",
                    fields(schema.path("properties")).get(schema.path("properties").size() - 1), name);
        }
    }

    @Test
    void every_procedure_prints_a_document_that_has_a_schema() throws IOException {
        var catalog = Json.parse(Files.readString(Project.root().resolve("jbang-catalog.json")), "the catalog")
                .path("aliases");
        var without = new TreeSet<String>();
        var described = Documents.printed().values().stream().flatMap(List::stream).toList();
        for (var name : fields(catalog)) {
            var script = Project.root().resolve(catalog.path(name).path("script-ref").asText());
            if (Files.readString(script).contains("Cli.Common common") && !described.contains(name)) without.add(name);
        }
        assertEquals(Set.of("console", "quickstart"), without);
        assertEquals(List.of(), described.stream().filter(name -> !catalog.has(name)).toList());
    }

    @Test
    void a_schema_lets_no_unknown_key_through() {
        var open = new ArrayList<String>();
        for (var name : Documents.schemas()) objects(Documents.schema(name), "", (place, schema) -> {
            if (!schema.has("additionalProperties") || schema.path("additionalProperties").asBoolean())
                open.add(name + " " + place);
        });
        assertEquals(new TreeSet<>(OPEN), new TreeSet<>(open));
    }

    @Test
    void the_same_thing_has_the_same_name_in_every_document() {
        var found = new TreeSet<String>();
        for (var name : Documents.schemas()) if (!name.equals("inventory")) objects(Documents.schema(name), "",
                (place, schema) -> {
                    for (var key : fields(schema.path("properties")))
                        if (RETIRED.contains(key) || !key.matches("[a-z][a-z0-9_]*"))
                            found.add(name + " " + place + " " + key);
                });
        assertEquals(Set.of(), found);
    }

    @Test
    void a_document_that_differs_from_its_schema_is_found() {
        var good = (ObjectNode) Json.parse(Json.line(Check.document("checks", List.of(HOLDS), Map.of(), Map.of())),
                "it");
        Documents.hold(good);
        List<Consumer<ObjectNode>> damages = List.of(document -> document.remove("ok"),
                document -> document.put("more", 1), document -> document.put("exit", "0"),
                document -> document.put("version", 2), document -> document.put("document", "nonsense"),
                document -> document.set("ok", document.remove("ok")),
                document -> ((ObjectNode) document.at("/checks/0")).remove("id"),
                document -> ((ObjectNode) document.at("/checks/0"))
                        .set("id", ((ObjectNode) document.at("/checks/0")).remove("id")),
                document -> document.withArray("checks").add(document.at("/checks/0").deepCopy()));
        for (int i = 0; i < damages.size(); i++) {
            var damaged = good.deepCopy();
            damages.get(i).accept(damaged);
            assertThrows(AssertionError.class, () -> Documents.hold(damaged), "damage " + i);
        }
        assertThrows(AssertionError.class, () -> Documents.hold("setup-dns", 0, "a word\n" + good));
        assertThrows(AssertionError.class, () -> Documents.hold("setup-dns", 0, ""));
        assertThrows(AssertionError.class, () -> Documents.hold("setup-dns", 1, good.toString()), "another exit code");
        assertThrows(AssertionError.class, () -> Documents.hold("stage", 0, good.toString()), "another procedure");
        Documents.hold("setup-dns", 0, good.toString());
    }

    private static List<String> fields(JsonNode object) {
        var names = new ArrayList<String>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** Every object schema within a schema, with its path. */
    private static void objects(JsonNode schema, String place, java.util.function.BiConsumer<String, JsonNode> each) {
        if (schema.isObject() && (schema.path("type").asText().equals("object") || schema.path("type").isArray()
                && schema.path("type").toString().contains("\"object\""))) each.accept(place, schema);
        for (var entry : schema.properties()) objects(entry.getValue(), place + "/" + entry.getKey(), each);
    }
}
