package ktrdr.backup;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import ktrdr.Json;
import ktrdr.Problem;

/**
 * The description of a backup, in the file NAME.json next to its dump: templates/backup/backup.sh writes it.
 *
 * @param name such as ktrdr-20260101T120000Z-sha-3f2c9ab: time of the snapshot in UTC, and the release of the backend
 *     that ran
 * @param made time of the snapshot
 * @param by who asked for it
 * @param server PostgreSQL's version in words, and {@code serverNumber} as a number: 150008 is 15.8
 * @param databaseBytes on the server's disk, with indexes
 * @param file the dump's name
 * @param bytes of the dump, compressed; 0 if the dump was streamed elsewhere
 * @param sha256 of the dump, in hex
 * @param extensions with their versions
 * @param tables rows and content of each table at that moment
 */
public record BackupRecord(String name, Instant made, String by, String tag, String database, String server,
        int serverNumber, String image, long databaseBytes, String file, long bytes, String sha256, Duration took,
        Map<String, String> extensions, List<Table> tables) {

    /**
     * A table of the backup.
     *
     * @param name schema and table, or "large objects"
     * @param hash of the content, whatever its order: two are equal only if all rows are
     */
    public record Table(String name, long rows, String hash) {
        static Table of(JsonNode json) {
            return new Table(json.path("table").asText(), json.path("rows").asLong(), json.path("hash").asText());
        }
    }

    /** Reads a record; another text is a {@link Problem}. */
    public static BackupRecord parse(String text) {
        var json = Json.parse(text, "the record of a backup");
        try {
            var extensions = new LinkedHashMap<String, String>();
            json.path("extensions").properties()
                    .forEach(entry -> extensions.put(entry.getKey(), entry.getValue().asText()));
            var tables = StreamSupport.stream(json.path("tables").spliterator(), false).map(Table::of).toList();
            return new BackupRecord(text(json, "name"), Instant.parse(text(json, "made")), text(json, "by"),
                    text(json, "tag"), text(json, "database"), text(json, "server"),
                    json.path("server_number").asInt(), text(json, "image"), json.path("database_bytes").asLong(),
                    text(json, "file"), json.path("bytes").asLong(),
                    text(json, "sha256"), Duration.ofSeconds(json.path("seconds").asLong()), extensions, tables);
        } catch (DateTimeParseException e) {
            throw Problem.failed("the record of a backup has no time").found(text(json, "made")).because(e);
        }
    }

    /** The text of a record for another file of the same dump; everything else stays as it was written. */
    static String moved(String text, String name, String file, long bytes) {
        var moved = Json.replaced(text, Map.of("name", name, "file", file, "bytes", bytes));
        return moved.endsWith("\n") ? moved : moved + "\n";
    }

    private static String text(JsonNode json, String key) {
        return json.path(key).asText();
    }

    /** Of all tables together. */
    public long rows() {
        return tables.stream().filter(table -> table.name().contains(".")).mapToLong(Table::rows).sum();
    }

    /** How many tables, without the large objects. */
    public long count() {
        return tables.stream().filter(table -> table.name().contains(".")).count();
    }

    /** For JSON: what the record's file holds, and the rows of all tables. */
    public Map<String, Object> document() {
        var document = new LinkedHashMap<String, Object>();
        document.put("name", name);
        document.put("made", made.toString());
        document.put("by", by);
        document.put("release", tag);
        document.put("database", database);
        document.put("server", server);
        document.put("image", image);
        document.put("database_bytes", databaseBytes);
        document.put("file", file);
        document.put("bytes", bytes);
        document.put("sha256", sha256);
        document.put("seconds", took.toSeconds());
        document.put("extensions", extensions);
        document.put("rows", rows());
        document.put("tables", tables);
        return document;
    }
}
