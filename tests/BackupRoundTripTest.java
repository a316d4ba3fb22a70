import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import ktrdr.Project;
import ktrdr.Sh;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A backup of a database with every kind of object is restored into another database by plain pg_restore. */
@Tag("fleet")
class BackupRoundTripTest {
    private static final String FOLDER = "/srv/ktrdr-shared/backup-zoo";
    private static final String PSQL = "docker exec -i ktrdr-db psql -X -Atq -v ON_ERROR_STOP=1 -U ktrdr ";
    @TempDir static Path inventories;

    @BeforeAll
    static void a_zoo() throws IOException {
        Aftermath.someRelease();
        gone();
        World.on("core", "mkdir " + FOLDER + "; " + PSQL
                + "-d postgres -c 'CREATE DATABASE zoo' -c 'CREATE DATABASE zoo_restored'");
        psql("-d zoo -v bars=20000", Files.readString(Project.root().resolve("tests/lab/postgres/zoo.sql")));
        World.inventory(inventories, "/srv/ktrdr-shared/db-backups", FOLDER, "database: {name: ktrdr",
                "database: {name: zoo");
    }

    @AfterAll
    static void gone() {
        World.on("core", "rm -rf " + FOLDER + "; " + PSQL +
                "-d postgres -c 'DROP DATABASE IF EXISTS zoo WITH (FORCE)' -c 'DROP DATABASE IF EXISTS zoo_restored "
                + "WITH (FORCE)' -c 'DROP DATABASE IF EXISTS zoo_many WITH (FORCE)'"
                + " -c 'DROP ROLE IF EXISTS zoo_owner' -c 'DROP ROLE IF EXISTS zoo_reader'");
    }

    private static String psql(String where, String sql) {
        return World.on("core", "printf '%s' " + Sh.quote(sql) + " | " + PSQL + where);
    }

    private static String measured(String database) throws IOException {
        return psql("-d " + database, Files.readString(Project.root().resolve("templates/backup/measure.sql")));
    }

    @Test
    void a_manual_restore_equals_its_record_and_accepts_new_rows() throws IOException {
        var ran = with("backup-db");
        assertEquals(0, ran.exit(), ran::toString);
        World.on("core", "cat $(ls " + FOLDER
                + "/*.dump.zst | tail -n 1) | docker exec -i ktrdr-db sh -c 'zstd -q -dc | pg_restore -e -U ktrdr -d "
                + "zoo_restored'");
        assertEquals(World.on("core", "sed -n 's/^    {\"table\"/{\"table\"/; s/,$//; /^{\"table\"/p' $(ls " + FOLDER
                + "/*.json | tail -n 1)"), measured("zoo_restored"));
        assertEquals("20001",
                psql("-d zoo_restored", "INSERT INTO bars (symbol, at) VALUES ('S1', now()) RETURNING id"));
        assertEquals("505", psql("-d zoo_restored", "SELECT nextval('midway')"));
        assertEquals("50|50|zoo_owner|it's owned|t",
                psql("-d zoo_restored",
                        "SELECT (SELECT count(*) FROM latest), (SELECT count(*) FROM counted), tableowner, "
                + "obj_description('\"Second Schema\".owned'::regclass), has_table_privilege('zoo_reader', '\"Second "
                + "Schema\".owned', 'SELECT') FROM pg_tables WHERE tablename = 'owned'"));
        assertEquals("nothing", psql("-d zoo_restored", "INSERT INTO parent VALUES (3) RETURNING said"));
    }

    /**
     * Each transaction adds a row and moves one from debit to credit. A consistent copy is balanced and has the row
     * count that it records.
     */
    @Test
    void five_million_rows_are_backed_up_as_of_one_moment() {
        psql("-d zoo", "CREATE TABLE many (n bigint PRIMARY KEY, v int); INSERT INTO many SELECT i, i % 1000 FROM "
                + "generate_series(1, 5000000) i; "
                + "CREATE TABLE debit (v bigint); CREATE TABLE credit (v bigint); INSERT INTO debit VALUES (0); "
                + "INSERT INTO credit VALUES (0); REVOKE TEMPORARY ON DATABASE zoo FROM PUBLIC; GRANT CREATE ON "
                + "DATABASE zoo TO zoo_reader");
        World.on("core", "docker exec -d ktrdr-db psql -X -q -U ktrdr -d zoo -c \"DO 'BEGIN FOR i IN 1..100000 LOOP "
                + "INSERT INTO many VALUES (5000000 + i, 0); UPDATE debit SET v = v - 1; "
                + "UPDATE credit SET v = v + 1; COMMIT; PERFORM pg_sleep(0.01); END LOOP; END'\"");
        try {
            var made = with("backup-db");
            assertEquals(0, made.exit(), made::toString);
        } finally {
            psql("-d zoo", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %' AND pid <> "
                    + "pg_backend_pid()");
        }
        var ran = with("restore-db", "latest", "--into", "zoo_many");
        assertEquals(0, ran.exit(), ran::toString);
        var restored = psql("-d zoo_many",
                "SELECT debit.v + credit.v, (SELECT count(*) FROM many) - 5000000 - credit.v, credit.v FROM debit, "
                        + "credit").split("\\|");
        assertEquals("0 0", restored[0] + " " + restored[1]);
        assertEquals("t|f|t",
                psql("-d zoo_many",
                        "SELECT has_database_privilege('zoo_reader', 'zoo_many', 'CREATE'), "
                                + "has_database_privilege('zoo_reader', 'zoo_many', 'TEMPORARY'), "
                + "has_database_privilege('zoo_reader', 'zoo_many', 'CONNECT')"));
        var now = Long.parseLong(psql("-d zoo", "SELECT v FROM credit"));
        assertTrue(Long.parseLong(restored[2]) > 0 && Long.parseLong(restored[2]) < now,
                restored[2] + " of " + now + " transactions");
        psql("-d zoo", "DROP TABLE many, debit, credit");
    }

    private static Ran with(String... words) {
        return ktrdr(words).env("KTRDR_INVENTORY", inventories.resolve("inventory.yaml").toString()).run();
    }

    @Test
    void values_that_change_places_between_rows_are_told() throws IOException {
        var before = measured("zoo");
        psql("-d zoo", "UPDATE bars x SET close = y.close FROM bars y WHERE x.id IN (1, 2) AND y.id = 3 - x.id");
        assertNotEquals(before, measured("zoo"));
    }

    @Test
    void a_column_named_as_the_alias_hides_no_other() throws IOException {
        var before = measured("zoo");
        psql("-d zoo", "UPDATE alias_as_text SET other = '{\"a\": 1}' WHERE ktrdr_row = 1");
        assertNotEquals(before, measured("zoo"));
    }
}
