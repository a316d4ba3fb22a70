import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import lab.Aftermath;
import lab.Faults;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Failed and interrupted restores: the database is complete, stopped containers run again, and no file of the restore
 * is left on core.
 */
@Tag("fleet")
class RestoreFaultsTest {
    private static final String FOLDER = "/srv/ktrdr-shared/db-backups";
    private static final String RUNNING =
            "docker ps --format '{{.Names}}' | grep -e ktrdr- -e worker | sort | tr '\\n' ' '";
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    @TempDir static Path here;
    private static String others;
    private static String name;
    private static String file;
    private List<String> running;

    @BeforeAll
    static void there_is_a_backup_on_core_and_one_here_and_a_row_after_them() {
        Aftermath.settle();
        others = World.on("core", "ls " + FOLDER + "; echo none");
        World.sql("CREATE SCHEMA faults; CREATE TABLE faults.bars(id bigint PRIMARY KEY, symbol text); INSERT INTO "
                + "faults.bars SELECT i, 'S' || i % 7 FROM generate_series(1, 5000) i");
        file = here.resolve("mine.dump.zst").toString();
        for (var words : List.of(List.of("backup-db"), List.of("backup-db", "--to", file))) {
            var ran = ktrdr(words.toArray(String[]::new)).run();
            assertEquals(0, ran.exit(), ran::toString);
        }
        name = World.on("core", "cd " + FOLDER + "; ls -t ktrdr-*.json | head -n 1").replaceFirst("\\.json$", "");
        later();
    }

    @AfterAll
    static void nothing_of_it_is_left() {
        World.sql("DROP SCHEMA IF EXISTS faults CASCADE");
        World.on("core", "cd " + FOLDER + "; ls | grep -vxF '" + others
                + "' | xargs -r rm -f; docker exec ktrdr-db dropdb --if-exists -U ktrdr faults_beside");
        World.sql("DROP ROLE IF EXISTS \"faults' Owner\", faults_group, faults_reader");
    }

    /** Adds a row that no backup has. */
    private static void later() {
        World.sql("INSERT INTO faults.bars VALUES (0, 'later')");
    }

    private static String rows() {
        return World.sql("SELECT count(*), count(*) FILTER (WHERE symbol = 'later') FROM faults.bars; SELECT oid, "
                + "datname FROM pg_database WHERE datname LIKE 'ktrdr%' ORDER BY datname");
    }

    @BeforeEach
    void what_runs() {
        // removes leftovers of a failed test
        World.on("core", "docker start ktrdr-backend >/dev/null; docker exec -u root ktrdr-db sh -c 'rm -f "
                + "/tmp/ktrdr-restore*'");
        running = now();
    }

    private static List<String> now() {
        return HOSTS.stream().map(host -> World.on(host, RUNNING)).toList();
    }

    /** A node needs some time to clean up after its connection has ended. */
    @AfterEach
    void all_runs_again_and_nothing_is_left() {
        HOSTS.forEach(World::awaitIdle);
        Wait.until(() -> running.equals(now()), () -> "before " + running + ", now " + now());
        assertEquals("", World.on("core", """
                left() {
                  ls -d /var/tmp/ktrdr-pushed.* /run/ktrdr-restore.* 2>/dev/null || :
                  docker exec ktrdr-db sh -c 'ls -d /tmp/ktrdr-restore*' 2>/dev/null || :
                  docker exec ktrdr-db psql -U ktrdr -d postgres -Atqc "SELECT datname FROM pg_database WHERE datname \
                LIKE '%_restoring'"
                }
                for i in $(seq 20); do
                  [ -n "$(left)" ] || exit 0
                  sleep 0.2
                done
                left
                """));
        World.on("core", "cd " + FOLDER + "; sha256sum -c --quiet " + name + ".dump.zst.sha256");
    }

    /** The step's command on the host waits, then the toolkit's process is killed. The arguments are a sh pattern. */
    @ParameterizedTest(name = "{0}, of a backup {1}")
    @CsvSource(quoteCharacter = '"', value = {
        "push,     here,    core,      cat,       '>/var/tmp/ktrdr-pushed',             old",
        "workers,  here,    workers-b, docker,    'stop ',                              old",
        "checksum, here,    core,      sha256sum, '-c --quiet mine',                    old",
        "checksum, on core, core,      sha256sum, '-c --quiet ktrdr-2',                 old",
        "contents, here,    core,      docker,    '-C -l',                              old",
        "stop,     here,    core,      docker,    'stop ktrdr-backend',                 old",
        "create,   here,    core,      docker,    '-C -L',                              old",
        "load,     here,    core,      docker,    '--section=pre-data',                 old",
        "load,     on core, core,      docker,    '--section=pre-data',                 old",
        "indexes,  here,    core,      docker,    '--section=post-data',                old",
        "compare,  here,    core,      docker,    ' -Atq '*' sh ktrdr_restoring',       old",
        "swap,     here,    core,      docker,    'kept=ktrdr_replaced',                old",
        "start,    here,    core,      docker,    'start ktrdr-backend',                new"})
    void a_restore_killed_at_any_step_leaves_a_whole_database(String step, String from, String host, String program,
            String asked, String expected) {
        var before = rows();
        try (var waiting = Faults.waits(host, program, asked);
                var run = ktrdr("restore-db", from.equals("here") ? file : name, "--yes").start()) {
            run.awaitAsked(host);
            run.kill();
            // the host's cleanup uses the stand-in, which must not be removed while a shell opens it
            all_runs_again_and_nothing_is_left();
        } finally {
            // a killed run's lock expires only after half a minute; another test covers that
            for (var text : HOSTS) World.on(text, "rm -rf /opt/ktrdr-*/.ktrdr/lock");
        }
        if (expected.equals("old")) {
            assertEquals(before, rows(), step);
            return;
        }
        assertEquals("5000|0",
                World.sql("SELECT count(*), count(*) FILTER (WHERE symbol = 'later') FROM faults.bars"),
                step);
        assertEquals(0, ktrdr("restore-db", "--drop-old", "--yes").run().exit());
        later();
    }

    /** The file is complete when the connection is cut, so its size proves nothing. */
    @Test
    void a_push_that_is_cut() {
        var before = rows();
        try (var waiting = Faults.waits("core", "cat", "'>/var/tmp/ktrdr-pushed'");
                var run = ktrdr("restore-db", file, "--yes").start()) {
            run.awaitAsked("core");
            Faults.cut("core");
            refused(3, run.end(), "error: core: the connection was lost", "is as it was");
            all_runs_again_and_nothing_is_left();
        } finally {
            World.on("core", "rm -rf /opt/ktrdr-*/.ktrdr/lock");
        }
        assertEquals(before, rows());
    }

    private static void databaseIsBack() {
        World.on("core", "docker start ktrdr-db >/dev/null; for i in $(seq 300); do docker exec ktrdr-db pg_isready "
                + "-q -h 127.0.0.1 && exit 0; sleep 0.1; done; exit 1");
    }

    /**
     * The partly loaded database is removed once the server is back. A backup in between would report the running
     * restore.
     */
    @Test
    void a_database_that_is_restarted_while_it_loads() {
        var before = rows();
        try (var restarted = Faults.before("core", "docker", "'--section=pre-data'",
                "cp /run/lock/ktrdr-backup /run/under-way; /usr/bin/docker restart -t 0 ktrdr-db")) {
            var ran = refused(1, ktrdr("restore-db", name, "--yes").run(), "core: nothing was restored",
                    "is as it was");
            assertFalse(ran.err().contains("left behind"), ran::toString);
        }
        var under = World.on("core", "cat /run/under-way; rm /run/under-way");
        assertTrue(under.matches("the restore of " + name + " by \\S+, begun at [0-9:]{8}Z,"), under);
        databaseIsBack();
        assertEquals(before, rows());
    }

    @Test
    void a_lost_database_leaves_a_named_copy_that_drop_old_removes() {
        try (var stopped = Faults.before("core", "docker", "'--section=pre-data'",
                "/usr/bin/docker stop -t 0 ktrdr-db")) {
            refused(1, ktrdr("restore-db", name, "--into", "faults_beside").run(), "core: nothing was restored",
                    "left behind", "ktrdr_restoring, half of it restored", "jbang restore-db@ktrdr --drop-old");
        } finally {
            databaseIsBack();
        }
        var would = ktrdr("restore-db", "--drop-old", "--dry-run").run();
        assertTrue(would.err().matches("(?s).*would be dropped: [^\n]*\\bktrdr_restoring\n"), would::toString);
        var dropped = ktrdr("restore-db", "--drop-old", "--yes").run();
        assertEquals(0, dropped.exit(), dropped::toString);
        assertTrue(dropped.err().matches("(?s).*core +drop +[^\n]*ktrdr_restoring.*"), dropped::toString);
    }

    /** PostgreSQL loses its row statistics in a crash, as after a reset. */
    @Test
    void tells_the_rows_to_be_replaced_even_without_statistics() {
        World.sql("CREATE TABLE faults.many AS SELECT i, md5(i::text) FROM generate_series(1, 200000) i; DELETE FROM "
                + "faults.many WHERE i % 2 = 0; SELECT pg_stat_reset()");
        try {
            var said = ktrdr("restore-db", name, "--dry-run").run();
            assertTrue(said.err().matches("(?s).*core +replaces ktrdr: \\d+ tables, about 1[01]\\d{4} rows, .*"),
                    said::toString);
        } finally {
            World.sql("DROP TABLE faults.many");
        }
    }

    /** pg_restore surrounds PostgreSQL's message with its own. */
    @Test
    void an_index_that_cannot_be_built_quotes_the_database() {
        World.sql("CREATE FUNCTION faults.once(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $f$ SELECT $1 / CASE "
                + "WHEN current_setting('application_name') LIKE 'ktrdr-restore%' THEN 0 ELSE 1 END $f$;"
                + "CREATE INDEX once_index ON faults.bars (faults.once(id))");
        var backup = here.resolve("index.dump.zst").toString();
        try {
            assertEquals(0, ktrdr("backup-db", "--to", backup).run().exit());
        } finally {
            World.sql("DROP INDEX faults.once_index; DROP FUNCTION faults.once(bigint)");
        }
        refused(1, ktrdr("restore-db", backup, "--into", "faults_beside").run(),
                "the indexes could not be made: pg_restore: error: could not execute query: ERROR:  division by zero");
    }

    private static final String ROLES = """
            CREATE ROLE "faults' Owner" LOGIN; CREATE ROLE faults_group; CREATE ROLE faults_reader; GRANT \
            faults_group TO "faults' Owner";
            CREATE TABLE faults.owned AS SELECT 1 AS one;
            ALTER TABLE faults.owned OWNER TO "faults' Owner";
            GRANT USAGE ON SCHEMA faults TO faults_group, faults_reader;
            SET ROLE "faults' Owner";
            GRANT SELECT ON faults.owned TO faults_reader WITH GRANT OPTION;
            SET ROLE faults_reader;
            GRANT SELECT ON faults.owned TO faults_group;
            RESET ROLE;
            ALTER DEFAULT PRIVILEGES FOR ROLE "faults' Owner" IN SCHEMA faults GRANT INSERT ON TABLES TO \
            faults_group;
            ALTER ROLE faults_reader IN DATABASE ktrdr SET work_mem = '7MB';
            """;

    @Test
    void roles_that_are_gone_come_with_what_they_own_and_may_do() {
        World.sql(ROLES);
        var backup = here.resolve("roles.dump.zst").toString();
        assertEquals(0, ktrdr("backup-db", "--to", backup).run().exit());
        for (var role : List.of("\"faults' Owner\"", "faults_reader", "faults_group"))
            World.sql("DROP OWNED BY " + role + "; DROP ROLE " + role);
        var ran = ktrdr("restore-db", backup, "--into", "faults_beside").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals("faults' Owner|t|t|t|t|t|work_mem=7MB",
                World.on("core", "docker exec -i ktrdr-db psql -U ktrdr -d faults_beside -Atq <<'SQL'\n" + """
                        SELECT tableowner, (SELECT rolcanlogin FROM pg_roles WHERE rolname = tableowner), \
                        pg_has_role(tableowner, 'faults_group', 'USAGE'),
                          has_table_privilege('faults_reader', 'faults.owned', 'SELECT WITH GRANT OPTION'), \
                        has_table_privilege('faults_group', 'faults.owned', 'SELECT'),
                          EXISTS (SELECT FROM pg_default_acl WHERE defaclacl::text LIKE '%faults_group=a%'),
                          (SELECT setconfig[1] FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase \
                        WHERE \
                        datname = 'faults_beside')
                        FROM pg_tables WHERE tablename = 'owned';
                        SQL
                        docker exec ktrdr-db dropdb -U ktrdr faults_beside
                        """));
    }

    /**
     * Scripts log in through the container's own socket. If that requires a password, they have none and must not wait
     * for one. A trial restore has its own server.
     */
    @Test
    void a_database_that_asks_for_a_password() {
        var before = rows();
        try (var asking = Faults.databasePassword()) {
            for (var run : List.of(ktrdr("restore-db", name, "--yes"),
                    ktrdr("restore-db", file, "--into", "faults_beside"), ktrdr("restore-db", "--drop-old", "--yes")))
                refused(1, run.run(), "error: core: the database does not answer", "no password supplied",
                        "pg_hba.conf");
            var verified = ktrdr("backup-db", "--verify", name).run();
            assertEquals(0, verified.exit(), verified::toString);
        }
        assertEquals(before, rows());
    }
}
