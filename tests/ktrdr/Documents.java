package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.cli.Cli;

/** Compares the {@code --output json} documents of procedures with docs/schemas and docs/reference/json.md. */
public final class Documents {
    static final Path FOLDER = Project.root().resolve("docs/schemas");
    /** Any procedure may print this document. */
    static final String ERROR = "error";
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Pattern ROW = Pattern.compile(
            "(?m)^\\| \\[`([a-z-]+)`\\]\\(\\.\\./schemas/\\1\\.json\\) \\| (.*) \\|$");
    /** Undocumented output: console prints the user's own values, and quickstart prints other procedures' documents. */
    private static final List<String> NONE = List.of("console", "quickstart");
    /** Only these modes of the test procedure print documents. */
    private static final Pattern OF_TESTS = Pattern.compile("--outdated|--rooms|--dependencies");
    private static final Map<String, String> TEXTS = texts();
    private static final SchemaRegistry REGISTRY = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12,
            builder -> builder.schemas(
            TEXTS.entrySet().stream().collect(Collectors.toMap(entry -> uri(entry.getKey()), Map.Entry::getValue))));

    private Documents() {}

    private static String uri(String name) {
        return "https://ktrdr.invalid/schemas/" + name + ".json";
    }

    private static Map<String, String> texts() {
        try (var files = Files.list(FOLDER)) {
            var texts = new TreeMap<String, String>();
            for (var file : files.toList())
                texts.put(file.getFileName().toString().replaceFirst("\\.json$", ""), Files.readString(file));
            return texts;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The names of all schemas, including shared parts and the inventory. */
    public static Set<String> schemas() {
        return TEXTS.keySet();
    }

    /** The procedures that print each document, by document name, from docs/reference/json.md. */
    public static Map<String, List<String>> printed() {
        try {
            var printed = new LinkedHashMap<String, List<String>>();
            ROW.matcher(Files.readString(Project.root().resolve("docs/reference/json.md"))).results().forEach(row ->
                    printed.put(row.group(1), Pattern.compile("`([a-z-]+)[^`]*`").matcher(row.group(2)).results()
                            .map(word -> word.group(1)).distinct().toList()));
            return printed;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a command line requests documented JSON output. */
    public static boolean asked(List<String> words) {
        if (words.get(0).equals("test") && words.stream().noneMatch(OF_TESTS.asMatchPredicate())) return false;
        return !NONE.contains(words.get(0)) && Cli.asked(words.toArray(String[]::new)) == Cli.Output.json
                && words.stream().noneMatch(word -> word.matches("--help|-h|--version|-V"));
    }

    /** Asserts that a run printed only documents of its procedure, each valid against its schema. */
    public static void hold(String procedure, int exit, String out) {
        var documents = read(out);
        // an interrupted run prints no result, and a log may be empty
        if (exit < 128 && !procedure.equals("logs"))
            assertTrue(!documents.isEmpty(), procedure + " printed no document");
        for (var document : documents) {
            hold(document);
            var name = document.path("document").asText();
            assertTrue(name.equals(ERROR) || printed().getOrDefault(name, List.of()).contains(procedure),
                    () -> "docs/reference/json.md does not say that " + procedure + " prints " + name);
        }
        if (exit < 128 && !documents.isEmpty() && documents.get(documents.size() - 1).has("exit"))
            assertEquals(exit, documents.get(documents.size() - 1).path("exit").asInt(),
                    () -> "the exit code of\n" + out);
    }

    public static List<JsonNode> read(String out) {
        try (var all = MAPPER.readerFor(JsonNode.class).<JsonNode>readValues(out)) {
            return all.readAll();
        } catch (IOException e) {
            throw new AssertionError("not JSON:\n" + out, e);
        }
    }

    /** Asserts that a document is valid, has its keys in the schema's order, and has no duplicate check ids. */
    public static void hold(JsonNode document) {
        var name = document.path("document").asText();
        assertTrue(TEXTS.containsKey(name),
                () -> "no schema docs/schemas/" + name + ".json for\n" + document.toPrettyString());
        assertEquals(List.of(), mistakes(name, document), document::toPrettyString);
        assertEquals(List.of(), disorder(document, schema(name), name, ""), document::toPrettyString);
        var ids = document.path("checks").findValuesAsText("id");
        assertEquals(List.of(), ids.stream().filter(id -> ids.indexOf(id) != ids.lastIndexOf(id)).distinct().toList(),
                "ids of several checks");
    }

    /** Asserts that the schema accepts an inventory that the reader accepted. */
    public static void holdInventory(Path file) {
        try {
            assertEquals(List.of(), mistakes("inventory", YAML.readTree(Files.readString(file))),
                    () -> file + " is read, and docs/schemas/inventory.json has it as wrong");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The schema violations of a document. */
    public static List<String> mistakes(String schema, JsonNode document) {
        return REGISTRY.getSchema(SchemaLocation.of(uri(schema))).validate(document).stream().map(Object::toString)
                .toList();
    }

    public static JsonNode schema(String name) {
        return Json.parse(TEXTS.get(name), name);
    }

    /** The objects whose keys are not in the schema's order. */
    private static List<String> disorder(JsonNode value, JsonNode schema, String file, String place) {
        if (schema.has("$ref")) {
            var parts = schema.path("$ref").asText().split("#");
            var other = parts[0].isEmpty() ? file : parts[0].replace(".json", "");
            return disorder(value, schema(other).at(parts[1]), other, place);
        }
        var found = new ArrayList<String>();
        if (value.isArray())
            for (var json : value) found.addAll(disorder(json, schema.path("items"), file, place + "[]"));
        if (!value.isObject()) return found;
        var properties = schema.path("properties");
        var known = names(value).stream().filter(properties::has).toList();
        if (!known.equals(names(properties).stream().filter(known::contains).toList())) found.add(place + ": " + known);
        value.properties().forEach(entry -> found.addAll(disorder(entry.getValue(),
                properties.has(entry.getKey()) ? properties.path(entry.getKey()) : schema.path("additionalProperties"),
                file, place + "/" + entry.getKey())));
        return found;
    }

    private static List<String> names(JsonNode object) {
        var names = new ArrayList<String>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }
}
