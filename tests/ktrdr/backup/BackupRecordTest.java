package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.List;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;

public class BackupRecordTest {
    /** In the format of the backup script. */
    public static final String TEXT = """
            {
              "name": "ktrdr-20260101T120000Z-sha-1",
              "made": "2026-01-01T12:00:00Z",
              "by": "karl@laptop",
              "tag": "sha-1",
              "database": "ktrdr",
              "server": "15.8",
              "server_number": 150008,
              "image": "timescale/timescaledb:latest-pg15",
              "database_bytes": 5000000,
              "file": "ktrdr-20260101T120000Z-sha-1.dump.zst",
              "bytes": 1000000,
              "sha256": "SUM",
              "seconds": 7,
              "extensions": { "plpgsql" : "1.0", "timescaledb" : "2.17.2" },
              "roles": ["CREATE ROLE ktrdr SUPERUSER LOGIN"],
              "tables": [
                {"table": "public.bars", "rows": 20, "hash": "-123456789012345678901234567890"},
                {"table": "public.file\\"s", "rows": 3, "hash": "0"},
                {"table": "large objects", "rows": 5, "hash": "7"}
              ]
            }
            """;

    @Test
    void all_of_it_is_read_and_large_objects_are_no_rows() {
        var record = BackupRecord.parse(TEXT);
        assertEquals("karl@laptop 150008 1000000 " + Duration.ofSeconds(7) + " 2.17.2",
                record.by() + " " + record.serverNumber() + " " + record.bytes() + " " + record.took() + " "
                + record.extensions().get("timescaledb"));
        assertEquals(List.of(23L, 2L), List.of(record.rows(), record.count()));
        assertEquals("-123456789012345678901234567890", record.tables().get(0).hash());
    }

    @Test
    void a_moved_record_differs_only_in_name_file_and_bytes() {
        var moved = BackupRecord.moved(TEXT, "my \"copy\"", "my \"copy\".dump", 7);
        var differing = moved.lines().filter(line -> !TEXT.lines().toList().contains(line)).toList();
        assertEquals(List.of("  \"name\": \"my \\\"copy\\\"\",", "  \"file\": \"my \\\"copy\\\".dump\",",
                "  \"bytes\": 7,"), differing);
        assertEquals(TEXT.lines().count(), moved.lines().count());
        assertEquals("my \"copy\".dump 7", BackupRecord.parse(moved).file() + " " + BackupRecord.parse(moved).bytes());
    }

    @Test
    void a_text_that_is_no_record_is_a_problem() {
        for (var text : List.of("", "half {", "{}", TEXT.replace("2026-01-01T12", "yesterday")))
            assertThrows(Problem.class, () -> BackupRecord.parse(text), text);
    }
}
