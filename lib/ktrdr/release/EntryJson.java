package ktrdr.release;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.node.Docker;
import ktrdr.release.History.Ending;
import ktrdr.release.History.Entry;
import ktrdr.release.History.SchemaChange;

/** Entries of the {@link History} as its file has them: one JSON object per line. */
final class EntryJson {
    private EntryJson() {}

    /** The fields of an entry; the outcome is the last one, so that a line without it is torn. */
    static Map<String, Object> fields(Entry entry) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("time", entry.time());
        fields.put("id", entry.id());
        if (!entry.of().isEmpty()) fields.put("of", entry.of());
        fields.put("who", entry.who());
        fields.put("from", entry.from());
        fields.put("command", entry.command());
        fields.put("target", entry.target());
        fields.put("tag", entry.tag());
        fields.put("services", entry.services());
        fields.put("images", entry.images());
        fields.put("configuration", entry.configuration());
        if (entry.scale() > 0) fields.put("scale", entry.scale());
        fields.put("seconds", entry.seconds());
        entry.migration().ifPresent(schemaChange -> fields.put("schema", schemaChange));
        if (!entry.back().isEmpty()) fields.put("back", entry.back());
        if (!entry.error().isEmpty()) fields.put("error", entry.error());
        fields.put("outcome", entry.outcome().word());
        return fields;
    }

    /** Reads a line; empty if it is damaged. */
    static Optional<Entry> parse(String line) {
        try {
            var json = Json.parse(line, "the history");
            return Optional.of(Entry.of(text(json, "id"), text(json, "tag"), ending(text(json, "outcome")))
                    .of(text(json, "of")).time(text(json, "time")).by(text(json, "who"), text(json, "from"))
                    .command(text(json, "command")).target(text(json, "target")).services(services(json))
                    .images(images(json.path("images"))).configuration(text(json, "configuration"))
                    .scale(json.path("scale").asInt()).seconds(json.path("seconds").asDouble())
                    .error(text(json, "error")).migration(migration(json.path("schema")))
                    .back(images(json.path("back"))).build());
        } catch (Problem | IllegalArgumentException torn) {
            return Optional.empty();
        }
    }

    private static String text(JsonNode json, String name) {
        return json.path(name).asText("");
    }

    private static Ending ending(String word) {
        return Ending.valueOf(word.toUpperCase().replace('-', '_'));
    }

    private static List<String> services(JsonNode json) {
        var services = new ArrayList<String>();
        json.path("services").forEach(service -> services.add(service.asText()));
        return services;
    }

    private static Optional<SchemaChange> migration(JsonNode json) {
        return json.isObject()
                ? Optional.of(new SchemaChange(text(json, "from"), text(json, "to"), text(json, "backup")))
                : Optional.empty();
    }

    private static Map<String, Docker.Image> images(JsonNode json) {
        var images = new LinkedHashMap<String, Docker.Image>();
        json.properties().forEach(
                entry -> images.put(entry.getKey(), new Docker.Image(text(entry.getValue(), "reference"),
                        text(entry.getValue(), "id"), text(entry.getValue(), "digest"),
                        text(entry.getValue(), "hash"), text(entry.getValue(), "folder"))));
        return images;
    }
}
