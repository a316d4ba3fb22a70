import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The inventory or the secrets name a database or user other than the running PostgreSQL's: procedures check that
 * before any change.
 */
@Tag("fleet")
class DatabaseNameTest {
    private static final String TAG = "sha-1000001";
    private static final String REFUSED = "error: core: the running server has no database other";
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
        // a restore of another class keeps what it replaced, which would be named too
        World.on("core", "docker exec ktrdr-db sh -c 'psql -U ktrdr -d ktrdr -Atc "
                + "\"select datname from pg_database\" | grep _replaced_ | xargs -r -n 1 dropdb -U ktrdr'");
    }

    @AfterAll
    static void back() {
        Aftermath.someRelease();
    }

    private Path other() throws IOException {
        return World.inventory(folder, "database: {name: ktrdr", "database: {name: other");
    }

    private static Ran run(Path inventory, String... words) {
        var all = new ArrayList<>(List.of(words));
        all.addAll(List.of("-i", inventory.toString()));
        return ktrdr(all.toArray(String[]::new)).run();
    }

    private static Ran run(Path inventory, String words) {
        return run(inventory, words.split(" "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"core all", "core backend", "core db", "core backend --schema keep",
            "core all --skip-checks", "core all --dry-run", "all", "workers B", "workers all --dry-run"})
    void a_deployment_that_would_bring_another_name_is_refused(String words) throws IOException {
        var before = World.everything();
        refused(1, run(other(), "deploy " + words + " --tag " + TAG), REFUSED,
                "no such database; the server has ktrdr, postgres", "`database: {name: ktrdr}` in the inventory");
        assertEquals(before, World.everything());
    }

    @Test
    void a_role_that_the_server_has_not_is_refused_without_its_name() throws IOException {
        var secrets = World.secretsWith(folder.resolve("secrets.json"), "db_username", "stranger");
        var inventory = World.inventory(folder, "file: " + World.secrets(), "file: " + secrets);
        var before = World.everything();
        for (var words : List.of("core all", "core backend", "core db")) {
            var ran = run(inventory, "deploy " + words + " --tag " + TAG);
            refused(1, ran, "error: core: the running server has no role with the name in db_username");
            assertTrue(!ran.toString().contains("stranger"), ran::toString);
        }
        assertEquals(before, World.everything());
    }

    @Test
    void what_touches_neither_database_nor_backend_goes_on() throws IOException {
        assertEquals(0, run(other(), "deploy core grafana --tag " + TAG + " --dry-run").exit());
    }

    @Test
    void a_stopped_database_is_not_asked_and_the_deployment_starts_it() {
        World.on("core", "docker stop -t 5 ktrdr-db >/dev/null");
        var ran = ktrdr("deploy", "core", "all", "--tag", TAG).run();
        assertEquals(0, ran.exit(), ran::toString);
    }

    @Test
    void verify_backups_and_restores_say_the_same() throws IOException {
        var verified = run(other(), "verify --quick");
        refused(1, verified, "db.query does not hold", "no such database; the server has ktrdr, postgres",
                "`database: {name: ktrdr}` in the inventory");
        refused(1, run(other(), "backup-db"), "the database other does not answer", "which has ktrdr, postgres");
        assertEquals(0, ktrdr("backup-db").run().exit());
        var before = World.sql("select string_agg(datname, ' ' order by datname) from pg_database");
        refused(1, run(other(), "restore-db latest --yes"),
                "core: there is no database other, and core was deployed with another", "ktrdr, which exists");
        refused(1, run(other(), "restore-db --drop-old --yes"), "core: there is no database other");
        assertEquals(before, World.sql("select string_agg(datname, ' ' order by datname) from pg_database"));
    }

    /** Renames the database to the inventory's name with the command from the error message, and deploys. */
    private static void renamed(Path inventory) {
        var refused = run(inventory, "deploy all --tag " + TAG);
        var command = Pattern.compile("until it is deployed: (docker exec .*?'); or").matcher(refused.err());
        assertTrue(command.find(), refused::toString);
        World.on("core", command.group(1));
        var ran = run(inventory, "deploy all --tag " + TAG);
        assertEquals(0, ran.exit(), ran::toString);
    }

    @Test
    void the_suggested_command_renames_the_database_with_its_rows() throws IOException {
        World.sql("create table kept as select 7 as seven");
        var inventory = other();
        try {
            renamed(inventory);
            assertEquals("7",
                    World.on("core", "docker exec ktrdr-db psql -U ktrdr -d other -Atqc 'select seven from kept'"));
            assertEquals(0, run(inventory, "verify --quick").exit());
        } finally {
            renamed(World.inventory());
            World.sql("drop table kept");
        }
    }
}
