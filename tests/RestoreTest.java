import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Restores that replace the database, that go next to it, and as a trial, on the practice fleet. */
@Tag("fleet")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RestoreTest {
    private static final String FOLDER = "/srv/ktrdr-shared/db-backups";
    private static final String RUNNING =
            "docker ps --format '{{.Names}}' | grep -e ktrdr- -e worker | sort | tr '\\n' ' '";
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private static String others;
    private static String name;

    @BeforeAll
    static void there_is_a_backup_and_rows_after_it() {
        Aftermath.settle();
        others = World.on("core", "ls " + FOLDER + "; echo none");
        World.sql("""
                CREATE SCHEMA restored;
                CREATE TABLE restored.bars(id bigserial PRIMARY KEY, symbol text NOT NULL, at timestamptz, twice \
                bigint GENERATED ALWAYS AS (volume * 2) STORED, volume bigint);
                INSERT INTO restored.bars(symbol, at, volume) SELECT 'Ω' || i % 7, timestamptz '2024-02-29 12:00+02' \
                + i * interval '1 min', i FROM generate_series(1, 300000) i;
                CREATE INDEX ON restored.bars(symbol, at);
                CREATE VIEW restored.newest AS SELECT max(at) AS at FROM restored.bars;
                CREATE FUNCTION restored.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
                CREATE ROLE restored_reader;
                GRANT USAGE ON SCHEMA restored TO restored_reader;
                GRANT SELECT ON restored.bars TO restored_reader;
                """);
        name = backup();
        World.sql("INSERT INTO restored.bars(symbol, volume) VALUES ('later', 1); DELETE FROM restored.bars WHERE id "
                + "<= 10;");
    }

    @AfterAll
    static void nothing_of_it_is_left() {
        World.sql("DROP SCHEMA IF EXISTS restored CASCADE;");
        World.on("core", "cd " + FOLDER + "; ls | grep -vxF '" + others
                + "' | xargs -r rm -f; docker exec ktrdr-db sh -c 'dropdb --if-exists -U ktrdr restored_beside; "
                + "dropdb --if-exists -U ktrdr restored_local; dropdb --if-exists -U ktrdr restored_wrong; dropdb "
                + "--if-exists -U ktrdr restored_timescale'");
        ktrdr("restore-db", "--drop-old", "--yes").run();
        World.sql("DROP ROLE IF EXISTS restored_reader");
    }

    private static String backup() {
        var ran = ktrdr("backup-db", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        return World.on("core", "cd " + FOLDER + "; ls -t ktrdr-*.json | head -n 1").replaceFirst("\\.json$", "");
    }

    /** All databases except PostgreSQL's own, and the test's rows: equal if nothing was changed. */
    private static String databases() {
        return World.sql("SELECT oid, datname FROM pg_database WHERE datname LIKE 'ktrdr%' ORDER BY datname; SELECT "
                + "count(*), sum(id), max(symbol) FROM restored.bars;");
    }

    private static List<String> running() {
        return new ArrayList<>(HOSTS.stream().map(host -> World.on(host, RUNNING)).toList());
    }

    private static long registered() {
        return World.workers().split("\"status\": ?\"available\"", -1).length - 1;
    }

    /** A changed copy of the backup under another name. Checksums are recomputed unless they are the damage. */
    private static String changed(String other, String change, boolean sums) {
        World.on("core", "cd " + FOLDER + "; for f in " + name + ".dump.zst " + name + ".json; do cp \"$f\" \"" +
                other + "${f#" + name + "}\"; done; sed 's/" + name + "/" + other
                + "/' " + name + ".dump.zst.sha256 >" + other + ".dump.zst.sha256; sed -i 's/" + name + "/" + other +
                "/' " + other + ".json\n"
                + "sums() { sha256sum " + other + ".dump.zst " + other + ".json >" + other +
                ".dump.zst.sha256; }; sums\n" + change + (sums ? "\nsums" : ""));
        return other;
    }

    @Test
    @Order(1)
    void beside_the_database_it_is_equal_and_nothing_else_is_touched() {
        var before = databases() + World.everything("core");
        var ran = ktrdr("restore-db", name + ".dump.zst", "--into", "restored_beside", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(before, databases() + World.everything("core"));
        assertEquals("300000|0|t", World.on("core", "docker exec ktrdr-db psql -U ktrdr -d restored_beside -Atc "
                + "\"SELECT count(*), count(*) FILTER (WHERE symbol = 'later'), "
                + "has_table_privilege('restored_reader', 'restored.bars', 'SELECT') FROM restored.bars\""));
        refused(1, ktrdr("restore-db", name, "--into", "restored_beside").run(),
                "there is a database restored_beside already");
        assertEquals("restored_beside",
                World.on("core", "docker exec ktrdr-db psql -U ktrdr -Atc \"SELECT datname FROM pg_database WHERE "
                        + "datname = 'restored_beside'\""));
        World.on("core", "docker exec ktrdr-db dropdb -U ktrdr restored_beside");
    }

    @Test
    @Order(2)
    void it_is_verified_in_a_container_that_goes() {
        var before = databases() + World.everything("core");
        var volumes = World.on("core", "docker volume ls -q");
        var ran = ktrdr("backup-db", "--verify", "latest", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(World.on("core", "cat " + FOLDER + "/" + name + ".dump.zst.verified"),
                ran.json().path("verified").asText());
        assertEquals(before, databases() + World.everything("core"));
        assertEquals(volumes, World.on("core", "docker volume ls -q"));
    }

    @Test
    @Order(3)
    void refuses_damaged_or_too_new_backups_and_spares_the_database() {
        var before = databases() + World.everything("core");
        var flipped = changed("ktrdr-20000101T000000Z-flipped",
                "dd if=/dev/urandom of=ktrdr-20000101T000000Z-flipped.dump.zst bs=1 count=64 seek=5000 conv=notrunc "
                        + "2>/dev/null", false);
        var truncated = changed("ktrdr-20000101T000000Z-truncated",
                "truncate -s -1 ktrdr-20000101T000000Z-truncated.dump.zst", false);
        var newer = changed("ktrdr-20000101T000000Z-newer",
                "sed -i 's/\"server_number\": [0-9]*/\"server_number\": 990001/' ktrdr-20000101T000000Z-newer.json",
                true);
        var other = changed("ktrdr-20000101T000000Z-other",
                "sed -i 's/\"rows\": 300000/\"rows\": 300001/' ktrdr-20000101T000000Z-other.json", true);
        try {
            refused(1, ktrdr("restore-db", flipped, "--into", "restored_wrong").run(), "damaged", flipped);
            refused(1, ktrdr("restore-db", truncated, "--into", "restored_wrong").run(),
                    "there is no whole backup " + truncated);
            refused(1, ktrdr("backup-db", "--verify", flipped).run(), "the backup is not proven", "damaged");
            refused(1, ktrdr("restore-db", newer, "--into", "restored_wrong").run(), "the server is the older 17.");
            refused(1, ktrdr("restore-db", other, "--into", "restored_wrong").run(), "restored.bars", "300001",
                    "\"rows\": 300000", "is as it was");
        } finally {
            World.on("core", "rm -f " + FOLDER + "/ktrdr-2000*");
        }
        assertEquals(before, databases() + World.everything("core"));
    }

    @Test
    @Order(3)
    void restores_and_verifies_a_local_file_and_leaves_none_on_core(@TempDir Path here) throws IOException {
        var file = here.resolve("mine.dump.zst");
        assertEquals(0, ktrdr("backup-db", "--to", file.toString()).run().exit());
        var before = databases() + World.everything("core");
        var rows = World.sql("SELECT count(*) FROM restored.bars");
        var ran = ktrdr("restore-db", file.toString(), "--into", "restored_local").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(rows,
                World.on("core", "docker exec ktrdr-db psql -U ktrdr -d restored_local -Atc 'SELECT count(*) FROM "
                        + "restored.bars'; docker exec ktrdr-db dropdb -U ktrdr restored_local"));
        var verified = ktrdr("backup-db", "--verify", file.toString(), "-o", "json").run();
        assertEquals(0, verified.exit(), verified::toString);
        assertEquals(verified.json().path("verified").asText(), Files.readString(here.resolve("mine.dump.zst.verified"))
                .strip());
        Files.write(file, new byte[64], StandardOpenOption.APPEND);
        refused(1, ktrdr("restore-db", file.toString(), "--yes").run(), "is damaged, or was changed");
        assertEquals(before, databases() + World.everything("core"));
        assertEquals("", World.on("core", "ls -d /var/tmp/ktrdr-pushed.* 2>/dev/null || :"));
    }

    @Test
    @Order(4)
    void unasked_nothing_is_replaced() {
        var before = databases() + World.everything("core");
        refused(2, ktrdr("restore-db", "latest").run(), "would be replaced by " + name, "--yes");
        refused(1, ktrdr("restore-db", "ktrdr-none", "--yes").run(), "there is no whole backup ktrdr-none");
        assertEquals(before, databases() + World.everything("core"));
    }

    @Test
    @Order(6)
    void the_place_of_the_database_is_taken_and_all_runs_again() {
        var running = running();
        var training = World.train("workers-b", 5005);
        World.sql("DROP OWNED BY restored_reader; DROP ROLE restored_reader; ALTER DATABASE ktrdr SET work_mem = "
                + "'5MB';");
        Ran ran = ktrdr("restore-db", name, "--yes", "--wait", "1m", "-o", "json").run();
        for (var found : List.of(ktrdr("verify", "--quick").run(), ktrdr("status").run()))
            assertEquals(0, found.exit(), found::toString);
        World.sql("ALTER DATABASE ktrdr RESET work_mem");
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals("300000|45000150000|Ω6|1",
                World.sql("SELECT count(*), sum(id), max(symbol), restored.one() FROM restored.bars"), ran::toString);
        assertEquals("300001", World.sql("SELECT nextval('restored.bars_id_seq')"));
        assertEquals("t", World.sql("SELECT has_table_privilege('restored_reader', 'restored.bars', 'SELECT')"));
        assertEquals(running, running());
        assertEquals(6, registered(), ran::toString);
        assertTrue(ran.err().contains("6 of 6 workers registered again"), ran::toString);
        assertTrue(ran.err()
                .contains("training-worker-1: operation " + training + " is cancelled, checkpoint at epoch ")
                && ran.err().contains("is in the database that is replaced"), ran::toString);
        var replaced = ran.json().path("replaced").asText();
        assertEquals("1",
                World.on("core", "docker exec ktrdr-db psql -U ktrdr -d " + replaced
                        + " -Atc \"SELECT count(*) FROM restored.bars WHERE symbol = 'later'\""));
        assertTrue(World.on("core", "ls " + FOLDER).contains(ran.json().path("safety_backup").asText() + ".dump.zst"),
                ran::toString);
        assertTrue(ran.json().path("backend_away_seconds").asDouble() > 0, ran::toString);
        for (var host : List.of("core", "workers-b")) Aftermath.clean(host, ran);
        var dropped = ktrdr("restore-db", "--drop-old", "--yes").run();
        assertTrue(dropped.exit() == 0 && dropped.err().contains(replaced), dropped::toString);
        assertEquals("ktrdr", World.sql("SELECT datname FROM pg_database WHERE datname LIKE 'ktrdr%'"));
    }

    /** A stand-in for the TimescaleDB extension: its two functions record their calls in a table. */
    @Test
    @Order(7)
    void the_hooks_of_timescaledb_are_called_where_the_backup_has_it() {
        var folder = "/usr/share/postgresql/17/extension/timescaledb";
        var script = """
                CREATE TABLE called(step text, tables int);
                CREATE FUNCTION timescaledb_pre_restore() RETURNS bool LANGUAGE sql AS $$INSERT INTO called SELECT \
                'pre', count(*) FROM pg_class WHERE relname = 'bars' RETURNING true$$;
                CREATE FUNCTION timescaledb_post_restore() RETURNS bool LANGUAGE sql AS $$INSERT INTO called SELECT \
                'post', count(*) FROM pg_class WHERE relname = 'bars' RETURNING true$$;
                """;
        World.on("core", "docker exec -i -u root ktrdr-db sh -c 'cat >" + folder +
                ".control' <<'E'\ndefault_version = '9.9.1'\nrelocatable = false\nschema = public\nE\n"
                + "docker exec -i -u root ktrdr-db sh -c 'cat >" + folder + "--9.9.0.sql; cp " + folder +
                "--9.9.0.sql " + folder + "--9.9.1.sql' <<'E'\n" + script + "E\n"
                + "docker exec ktrdr-db psql -q -U ktrdr -d ktrdr -c \"CREATE EXTENSION timescaledb VERSION '9.9.0'\"");
        try {
            var ran = ktrdr("restore-db", backup(), "--into", "restored_timescale").run();
            assertEquals(0, ran.exit(), ran::toString);
            assertEquals("post 1, pre 0, 9.9.0",
                    World.on("core", "docker exec ktrdr-db psql -U ktrdr -d restored_timescale -Atc "
                    + "\"SELECT string_agg(step || ' ' || tables, ', ' ORDER BY step) || ', ' || (SELECT extversion "
                    + "FROM pg_extension WHERE extname = 'timescaledb') FROM called\""));
        } finally {
            World.sql("DROP EXTENSION timescaledb");
            World.on("core", "docker exec -u root ktrdr-db sh -c 'rm -f " + folder + "*'");
        }
    }
}
