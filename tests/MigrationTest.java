import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.Underway;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The database schema during deployments and rollbacks, checked in the database and its containers. */
@Tag("fleet")
class MigrationTest {
    /** The tags' schema revisions: the usual one, one that older code works with, and one that it does not. */
    private static final String USUAL = "e1a0000000b2";
    private static final String COMPATIBLE = "e1a0000000c3";
    private static final String OTHER = "e1a0000000d4";
    /** A revision with a slow migration, and its tag. */
    private static final String BACKFILLED = "e1a0000000c5";
    private static final String SLOW = "sha-8000008";
    private static final String AT_IT = "query like 'do $$ begin perform pg_sleep(8)%' and state = 'active'";
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-3000003";

    @BeforeEach
    void from_the_usual_state() {
        the_usual_schema_and_the_older_release();
    }

    @AfterAll
    static void the_usual_schema_and_the_older_release() {
        Aftermath.someRelease();
        if (!revision().equals(USUAL) || !backend().equals(OLDER)) deployed("--tag", OLDER, "--schema", "downgrade");
    }

    private static Ran backend(String... words) {
        var all = new ArrayList<>(List.of("deploy", "core", "backend"));
        all.addAll(List.of(words));
        return ktrdr(all.toArray(String[]::new)).run();
    }

    private static Ran deployed(String... words) {
        return good(backend(words));
    }

    private static Ran good(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    private static String revision() {
        return World.sql("select to_regclass('alembic_version') is not null").equals("t")
                ? World.sql("select version_num from alembic_version") : "";
    }

    private static String backend() {
        return World.containers("core").get("ktrdr-backend").replaceFirst(".*:", "");
    }

    private static String startDummy() {
        return World.on("core", "curl -sS -X POST localhost:8000/api/v1/dummy/start");
    }

    private static JsonNode last() throws IOException {
        var lines = World.history("core").lines().toList();
        return new ObjectMapper().readTree(lines.get(lines.size() - 1));
    }

    private static String schemaCheck() {
        for (var check : ktrdr("verify", "--quick", "-o", "json").run().json().path("checks"))
            if (check.path("id").asText().equals("db.schema"))
                return check.path("ok").asText() + " " + check.path("found").asText();
        return "no check";
    }

    private static void inOrder(String text, String... words) {
        int at = 0;
        for (var word : words) {
            int found = text.indexOf(word, at);
            assertTrue(found >= 0, () -> "no \"" + word + "\" after what comes before it in\n" + text);
            at = found + word.length();
        }
    }

    @Test
    void without_schema_the_backend_starts_nothing_until_a_redeploy() {
        World.sql("drop table alembic_version, operation_checkpoints, operations");
        assertTrue(World.get("http://10.42.1.10:8000/api/v1/health").contains("ok"));
        assertTrue(startDummy().contains("DUMMY-001"));
        assertEquals("false no schema of alembic's", schemaCheck());
        var before = World.containers("core");
        var ran = deployed("--tag", OLDER);
        inOrder(ran.err(), "nothing -> " + USUAL);
        assertEquals(before, World.containers("core"));
        assertEquals("true " + USUAL, schemaCheck());
        assertTrue(startDummy().contains("operation_id"));
    }

    @Test
    void a_database_that_the_deployment_itself_starts_gets_its_schema() throws IOException {
        World.on("core", "docker rm -f ktrdr-backend ktrdr-db >/dev/null; docker volume rm ktrdr-core_db-data "
                + ">/dev/null");
        var ran = good(ktrdr("deploy", "core", "all", "--tag", OLDER).run());
        inOrder(ran.err(), "nothing -> " + USUAL, " up ", "backend");
        assertEquals(USUAL, revision());
        assertEquals("nothing", last().at("/schema/from").asText());
        assertTrue(startDummy().contains("operation_id"));
    }

    @Test
    void migrates_after_a_backup_and_protects_the_schema_at_rollback() throws IOException {
        var ran = deployed("--tag", NEWER);
        inOrder(ran.err(), "backup ", "schema ", USUAL + " -> " + COMPATIBLE, "up ");
        assertEquals(COMPATIBLE, revision());
        var backup = last().at("/schema/backup").asText();
        assertTrue(World.on("core", "ls /srv/ktrdr-shared/db-backups").contains(backup), backup);
        assertEquals(USUAL + " " + COMPATIBLE,
                last().at("/schema/from").asText() + " " + last().at("/schema/to").asText());

        aRollbackAsksWhatBecomesOfTheSchema(backup);

        good(ktrdr("rollback", "core", "--schema", "keep").run());
        assertEquals(OLDER + " " + COMPATIBLE, backend() + " " + revision());
        assertTrue(startDummy().contains("operation_id"));
        assertEquals("false " + COMPATIBLE + ", which a newer release made", schemaCheck());
        theSchemaFollowsTheReleaseAlone();
    }

    private static void aRollbackAsksWhatBecomesOfTheSchema(String backup) {
        var before = World.everything("core");
        refused(1, ktrdr("rollback", "core").run(), OLDER + " does not know the schema of the database",
                COMPATIBLE + ", made by the deployment of " + NEWER,
                "--schema keep", "--schema downgrade", "jbang restore-db@ktrdr " + backup, "nothing was changed");
        var planned = good(ktrdr("rollback", "core", "--schema", "downgrade", "--dry-run").run());
        assertTrue(planned.out().contains("schema   " + COMPATIBLE + " -> " + USUAL
                + " by the newer release, after a backup"), planned::toString);
        assertEquals(before, World.everything("core"));
    }

    private static void theSchemaFollowsTheReleaseAlone() throws IOException {
        var containers = World.containers("core");
        var planned = deployed("--tag", NEWER, "--dry-run");
        assertTrue(planned.out().contains("schema   " + COMPATIBLE + ", as " + NEWER + " has it"), planned::toString);
        // the backend is up to date, so only the schema changes
        deployed("--tag", OLDER, "--schema", "downgrade");
        assertEquals(USUAL, revision());
        assertEquals(containers, World.containers("core"));
        planned = deployed("--tag", NEWER, "--dry-run", "-o", "json");
        assertEquals("{\"action\":\"upgrade\",\"from\":\"" + USUAL + "\",\"to\":\"" + COMPATIBLE + "\"}",
                planned.json().at("/nodes/0/schema").toString());
        assertEquals(USUAL, revision());
    }

    @Test
    void a_rollback_downgrades_a_schema_that_older_code_cannot_use() {
        deployed("--tag", "sha-4000004", "--no-backup");
        assertEquals(OTHER, revision());
        assertTrue(startDummy().contains("operation_id"));
        var ran = good(ktrdr("rollback", "core", "--schema", "downgrade").run());
        inOrder(ran.err(), "backup ", OTHER + " -> " + USUAL, "up ");
        assertEquals(OLDER + " " + USUAL, backend() + " " + revision());
        assertTrue(startDummy().contains("operation_id"));
    }

    @Test
    void a_failed_migration_leaves_the_older_release_on_its_schema() throws IOException {
        var before = World.containers("core");
        var ran = refused(5, backend("--tag", "sha-5000005"), "the schema of the database could not be migrated",
                "relation \"operation_types\" does not exist",
                "at " + USUAL + " as before", "made before it: jbang restore-db@ktrdr ktrdr-");
        assertEquals(before, World.containers("core"), ran::toString);
        assertEquals(USUAL, revision());
        assertEquals("returned", last().path("outcome").asText());
        assertFalse(World.on("core", "docker ps -a --format '{{.Names}}'").contains("ktrdr-migration"));
    }

    /** Starts a deployment with a slow migration, and returns once PostgreSQL runs its statement. */
    private static Underway migrating() {
        var run = ktrdr("deploy", "core", "backend", "--tag", SLOW, "--no-backup").start();
        Wait.until(Duration.ofMinutes(1),
                () -> run.running() && World.sql("select count(*) from pg_stat_activity where " + AT_IT).equals("1"),
                () -> "no migration was begun");
        return run;
    }

    private static String started() {
        return World.on("core", "docker inspect --format '{{.State.StartedAt}}' ktrdr-backend");
    }

    /** The older release serves as before: no abandoned database session blocks its writes. */
    private static void serves(Map<String, String> before) {
        assertEquals(before, World.containers("core"));
        assertTrue(World.on("core", "curl -sS -m 3 -X POST localhost:8000/api/v1/dummy/start")
                .contains("operation_id"));
        assertEquals(USUAL, revision());
        assertEquals("0", World.sql("select count(*) from pg_stat_activity where " + AT_IT));
        assertFalse(World.on("core", "docker ps -a --format '{{.Names}}'").contains("ktrdr-migration"));
    }

    @Test
    void a_migration_with_a_killed_container_is_undone_at_once() {
        var before = World.containers("core");
        var started = started();
        try (var run = migrating()) {
            World.on("core", "docker kill ktrdr-migration");
            refused(5, run.end(), "the schema of the database could not be migrated", "its container was killed",
                    "at " + USUAL + " as before");
        }
        serves(before);
        assertEquals(started, started(), "the way back restarted it");
    }

    @Test
    void a_migration_whose_connection_is_cut_is_undone() {
        var before = World.containers("core");
        var started = started();
        try (var run = migrating()) {
            Faults.cut("core");
            refused(5, run.end(), "core: the connection was lost while a script ran",
                    "core runs " + OLDER + " as before");
        }
        serves(before);
        assertEquals(started, started(), "the way back restarted it");
    }

    @Test
    void a_killed_migration_is_undone_and_the_next_run_completes_it() throws IOException {
        var before = World.containers("core");
        try (var run = migrating()) {
            run.kill();
        }
        Wait.until(Duration.ofSeconds(10), () -> World.sql("select count(*) from pg_stat_activity where " + AT_IT)
                .equals("0"), () -> "it goes on");
        Wait.until(Duration.ofSeconds(10), () -> !World.on("core", "docker ps -a --format '{{.Names}}'")
                .contains("ktrdr-migration"), () -> "its container is there still");
        serves(before);
        Faults.silent("core");
        var ran = deployed("--tag", SLOW, "--no-backup");
        inOrder(ran.err(), "taken over from ", USUAL + " -> " + BACKFILLED, "up ");
        assertEquals(SLOW + " " + BACKFILLED, backend() + " " + revision());
        assertEquals("deployed", last().path("outcome").asText());
        assertTrue(startDummy().contains("operation_id"));
    }

    @Test
    void refuses_a_release_with_several_migration_heads() {
        var before = World.history("core") + World.containers("core");
        refused(1, backend("--tag", "sha-9000009"), "the schema of sha-9000009 has several heads",
                "e1a0000000e5, " + COMPATIBLE + "; the database has " + USUAL,
                "alembic merge heads", "--schema keep", "nothing was changed");
        assertEquals(before, World.history("core") + World.containers("core"));
    }

    @Test
    void a_failure_after_its_migration_leaves_the_newer_schema() {
        var ran = refused(5, backend("--tag", "sha-6000006", "--timeout", "5s", "--no-backup"),
                "stays as sha-6000006 made it, which " + OLDER + " reads and writes");
        assertEquals(OLDER + " " + COMPATIBLE, backend() + " " + revision(), ran::toString);
        assertTrue(startDummy().contains("operation_id"));
    }

    @Test
    void an_image_without_alembic_is_deployed_without() {
        assertTrue(deployed("--tag", "sha-7000007").err().contains("sha-7000007 has no alembic: it is left as it is"));
        assertEquals("sha-7000007 " + USUAL, backend() + " " + revision());
        assertEquals("true sha-7000007 has no alembic", schemaCheck());
    }
}
