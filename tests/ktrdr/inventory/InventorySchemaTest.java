package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.Documents;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.Yaml;
import org.junit.jupiter.api.Test;

/** Compares docs/schemas/inventory.json, which editors use for inventory.yaml, with the inventory reader. */
class InventorySchemaTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonNode SCHEMA = Documents.schema("inventory");
    private static final Pattern ALLOWED = Pattern.compile("unknown key(?:, did you mean .*\\?|\\.) Allowed: (.*)");
    private static final String BASE =
            "{\"domain\": \"ktrdr.test\", \"nodes\": {\"one\": {\"role\": \"core\", \"address\": \"10.0.0.1\"}, "
                    + "\"two\": {\"role\": \"workers\", \"address\": \"10.0.0.2\"}},"
            + " \"images\": {\"backend\": \"registry.test/ktrdr-backend\"}}";
    /** Values of all types; each key accepts some of them. */
    private static final List<String> VALUES = List.of("0", "3", "4", "22", "65535", "65536", "-1", "0.5", "\"\"",
            "\"a\"", "\"a b\"", "\"-a\"", "\"/a\"", "\"/a/../b\"", "\"a.b\"",
            "\"10.0.0.1\"", "\"10.0.0.256\"", "\"fe80::1%eth0\"", "true", "\"false\"", "\"yes\"", "\"16GB\"", "\"10s\"",
            "\"1 h\"", "\"http://a.test:80\"", "\"http://a.test/x\"", "\"a:1\"",
            "\"a:latest\"", "\"a:1@sha256:b\"", "\"*\"", "\"fleet\"", "\"10.0.0.0/8\"", "\"a@b.test\"",
            "\"a@b.test, c@b.test\"", "\"a'b\"", "\"core\"",
            "1000", "[]", "[\"a\"]", "[\"a b\"]", "[{}]", "{}", "{\"zzz\": 1}", "null");
    /** Rules that the schema cannot express: a pin's checksum, networks, combinations of keys. */
    private static final Set<String> LOOSER = Set.of("nodes/two/id", "nodes/two/host", "nodes/two/host_key",
            "firewall/allow", "nodes/two/bind", "nodes/two/role", "nodes/two/address", "sample/operation",
            "sample/until", "sample/body", "secrets/provider", "alerts",
            "alerts/webhook", "alerts/mail", "alerts/telegram", "alerts/mail/user", "operators", "nodes/two", "nodes",
            "images/jaeger", "secrets/item");

    private static ObjectNode base() throws IOException {
        return (ObjectNode) MAPPER.readTree(BASE);
    }

    /** The reader's errors by path. A secret or an unreadable file has the path "". */
    private static Map<String, String> read(JsonNode inventory) {
        var mistakes = new TreeMap<String, String>();
        try {
            new InventoryReader(Path.of("inventory.yaml")).read(Yaml.parse(inventory.toString(), "inventory.yaml"));
        } catch (Problem problem) {
            problem.details().values().stream().flatMap(String::lines)
                    .forEach(line -> mistakes.put(line.replaceFirst(": .*", "").replace('.', '/'), line));
            if (mistakes.isEmpty()) mistakes.put("", problem.sentence());
        }
        return mistakes;
    }

    private static JsonNode resolved(JsonNode schema) {
        return schema.has("$ref") ? SCHEMA.at(schema.path("$ref").asText().substring(1)) : schema;
    }

    /** Every location in the schema by its path in {@link #BASE}, with one workers node for all nodes. */
    private static Map<String, JsonNode> places() {
        var places = new LinkedHashMap<String, JsonNode>();
        collect(SCHEMA, "", places);
        return places;
    }

    private static void collect(JsonNode schema, String path, Map<String, JsonNode> places) {
        places.put(path, schema);
        schema.path("properties").properties()
                .forEach(entry -> collect(resolved(entry.getValue()),
                        (path.isEmpty() ? "" : path + "/") + entry.getKey(), places));
        if (path.equals("nodes")) collect(resolved(schema.path("additionalProperties")), "nodes/two", places);
    }

    /** The base with a value at a path, plus the other keys that the reader requires. */
    private static ObjectNode with(String path, JsonNode value) throws IOException {
        var inventory = base();
        var at = inventory;
        var words = path.split("/");
        var place = "";
        for (int i = 0; i < words.length - 1; i++) {
            place += (i == 0 ? "" : "/") + words[i];
            if (!at.has(words[i])) at.set(words[i], around(place));
            at = (ObjectNode) at.path(words[i]);
        }
        at.set(words[words.length - 1], value);
        return inventory;
    }

    private static JsonNode around(String section) throws IOException {
        return MAPPER.readTree(switch (section) {
            case "alerts" -> "{\"webhook\": {}}";
            case "alerts/mail" -> "{\"to\": \"a@b.test\", \"from\": \"a@b.test\", \"smarthost\": \"b.test:25\"}";
            case "alerts/telegram" -> "{\"chat_id\": 1}";
            case "operators" -> "{\"user\": \"a\"}";
            default -> "{}";
        });
    }

    @Test
    void each_section_has_the_keys_that_the_reader_knows() throws IOException {
        for (var place : places().entrySet()) {
            if (!place.getValue().has("properties")) continue;
            var path = (place.getKey().isEmpty() ? "" : place.getKey() + "/") + "zzz";
            var said = read(with(path, JsonNodeFactory.instance.numberNode(1))).getOrDefault(path, "");
            var allowed = ALLOWED.matcher(said);
            assertTrue(allowed.find(), () -> path + " is not refused as an unknown key: " + said);
            var keys = new TreeSet<String>();
            place.getValue().path("properties").fieldNames().forEachRemaining(keys::add);
            assertEquals(new TreeSet<>(Arrays.asList(allowed.group(1).split(", "))), keys, place.getKey());
        }
    }

    @Test
    void the_schema_refuses_exactly_what_the_reader_refuses() throws IOException {
        var wrong = new ArrayList<String>();
        int accepted = 0;
        int refused = 0;
        for (var path : places().keySet()) {
            if (path.isEmpty()) continue;
            var texts = new LinkedHashSet<>(VALUES);
            resolved(places().get(path)).path("enum").forEach(json -> texts.add(json.toString()));
            for (var text : texts) {
                var inventory = with(path, MAPPER.readTree(text));
                var mistakes = read(inventory);
                boolean reader = mistakes.isEmpty();
                boolean editor = Documents.mistakes("inventory", inventory).isEmpty();
                if (reader) accepted++;
                else refused++;
                if (reader && !editor) wrong.add(path + ": " + text + " is underlined, and read");
                if (!reader && editor && !LOOSER.contains(path))
                    wrong.add(path + ": " + text + " is not underlined, and refused: " + mistakes);
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(accepted > 200 && refused > 2000, accepted + " accepted, " + refused + " refused");
    }

    @Test
    void what_has_to_be_there_is_underlined_where_it_is_not() throws IOException {
        for (var key : List.of("domain", "nodes", "images")) {
            var inventory = base();
            inventory.remove(key);
            assertTrue(!read(inventory).isEmpty() && !Documents.mistakes("inventory", inventory).isEmpty(), key);
        }
        assertEquals(List.of(), Documents.mistakes("inventory", base()));
    }

    @Test
    void the_projects_inventory_names_its_schema_and_follows_it() throws IOException {
        var file = Project.root().resolve("inventory.yaml");
        Documents.holdInventory(file);
        assertTrue(Files.readString(file).startsWith("# yaml-language-server: $schema=docs/schemas/inventory.json\n"));
    }
}
