import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import ktrdr.backup.BackupFolder;
import ktrdr.inventory.Inventory;
import lab.Aftermath;
import lab.Faults;
import lab.Leftovers;
import lab.Toolkit.Ran;
import lab.Underway;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Interrupted and failed backups: good backups are kept, and nothing of a failed one is left. */
@Tag("fleet")
class BackupFaultsTest {
    private static final String FOLDER = "/srv/ktrdr-shared/db-backups";
    @TempDir Path here;

    @BeforeAll
    static void a_database_with_rows() {
        Aftermath.deployed();
        World.sql("DROP TABLE IF EXISTS candles; CREATE TABLE candles AS SELECT i AS id, 'S' || i AS symbol, now() AS "
                + "at FROM generate_series(1, 1000) i");
    }

    @AfterAll
    static void and_none() {
        World.sql("DROP TABLE candles");
        World.on("core", "rm -rf " + FOLDER + "/* " + FOLDER + "/.making.*");
    }

    /** Each test starts with exactly one good backup. */
    @BeforeEach
    void a_good_backup() {
        World.on("core", "rm -rf " + FOLDER + "/*");
        var ran = ktrdr("backup-db").run();
        assertEquals(0, ran.exit(), ran::toString);
    }

    /**
     * After every fault the good backup is unchanged, and the failed one left no file, no folder and no running dump.
     */
    @AfterEach
    void it_is_still_good_and_nothing_is_left_of_another() {
        World.on("core", "cd " + FOLDER + " && for sums in ktrdr-*.sha256; do sha256sum -c --quiet \"$sums\"; done");
        Leftovers.gone("core", FOLDER + "/.making.*", "/run/ktrdr-backup.*");
        assertEquals("0",
                World.on("core", "for i in $(seq 150); do left=$(docker exec ktrdr-db psql -U ktrdr -d ktrdr -Atqc "
                        + "\"select count(*) from pg_stat_activity where application_name like 'ktrdr-backup-%'\");"
                + " [ \"$left\" != 0 ] || break; sleep 0.1; done; echo \"$left\""));
    }

    private static List<String> dumps() {
        return World.on("core", "cd " + FOLDER + " && ls | grep 'dump\\.zst$' || :").lines().toList();
    }

    private static void nothingNew(int exit, Ran ran, String... words) {
        refused(exit, ran, words);
        assertEquals(1, dumps().size(), () -> dumps().toString());
    }

    /** Runs an action while a lock on the table keeps the dump waiting. */
    private static void halfWay(Happening happening) {
        try (var locked = Faults.lockedTable("candles"); var run = ktrdr("backup-db").start()) {
            World.awaitDump();
            happening.to(run);
        }
    }

    private interface Happening {
        void to(Underway run);
    }

    @Test
    void what_breaks_off_on_its_way_here_leaves_no_file() throws IOException {
        try (var locked = Faults.lockedTable("candles");
                var run = ktrdr("backup-db", "--to", here.resolve("cut.dump.zst").toString()).start()) {
            World.awaitDump();
            Faults.cut("core");
            refused(3, run.end(), "core: the connection was lost");
        }
        try (var files = Files.list(here)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void a_dump_that_is_killed() {
        halfWay(run -> {
            World.on("core", "docker exec ktrdr-db pkill -9 -x pg_dump");
            nothingNew(1, run.end(), "core: no backup was made", "the dump of ktrdr broke off", "are as they were");
        });
    }

    /**
     * The script logs in through the container's own socket. If that requires a password, the script has none and must
     * not wait for one.
     */
    @Test
    void a_database_that_asks_for_a_password() {
        try (var asking = Faults.databasePassword()) {
            nothingNew(1, ktrdr("backup-db").run(), "core: no backup was made", "no password supplied", "pg_hba.conf");
        }
    }

    @Test
    void a_database_that_is_restarted_half_way() {
        halfWay(run -> {
            World.on("core", "docker restart -t 5 ktrdr-db >/dev/null");
            nothingNew(1, run.end(), "core: no backup was made", "broke off");
            World.on("core", "for i in $(seq 300); do docker exec ktrdr-db pg_isready -q -h 127.0.0.1 && exit 0; "
                    + "sleep 0.1; done; exit 1");
        });
    }

    @Test
    void a_connection_that_is_cut() {
        halfWay(run -> {
            Faults.cut("core");
            nothingNew(3, run.end(), "core: the connection was lost");
        });
    }

    @Test
    void somebody_who_stops_it_and_one_who_kills_it() {
        halfWay(run -> {
            run.signal("INT");
            nothingNew(130, run.end(), "interrupted");
        });
        it_is_still_good_and_nothing_is_left_of_another();
        halfWay(run -> {
            run.kill();
            nothingNew(137, run.end());
        });
    }

    @Test
    void of_two_at_once_one_is_refused_and_the_other_goes_on() {
        try (var locked = Faults.lockedTable("candles"); var run = ktrdr("backup-db").start()) {
            World.awaitDump();
            nothingNew(4, ktrdr("backup-db").run(), "core: a backup by ", ", is under way");
            locked.close();
            assertEquals(0, run.end().exit());
            assertEquals(2, dumps().size());
        }
    }

    /** The dump produces no output while it waits, so the wait must be reported. */
    @Test
    void a_blocking_lock_is_named_and_not_awaited_forever() {
        try (var locked = Faults.lockedTable("candles"); var run = ktrdr("backup-db").start()) {
            run.await(ran -> ran.err()
                    .matches("(?s).*core +backup +waits for a lock on candles that process \\d+ has: ktrdr, psql, "
                            + "active, its transaction began at [0-9:]{8}Z; given up after 120 s\n.*"));
            locked.close();
            var ran = run.end();
            assertEquals(0, ran.exit(), ran::toString);
            World.on("core", "cd " + FOLDER + " && rm -f $(ls -t | head -n 3)");
        }
        try (var locked = Faults.lockedTable("candles")) {
            var script = BackupFolder.script(Inventory.read(World.inventory()), FOLDER, BackupFolder.Retention.NONE,
                    "karl@laptop").replace("lock_wait=120", "lock_wait=2");
            var said = World.on("core", "(" + script + "\n) || echo \"exit $?\"");
            assertTrue(said.contains(
                    "failed\tthe dump of ktrdr was given up after 2 s: it waits for a lock on candles that process ")
                    && said.endsWith("exit 1"), said);
        }
    }

    @Test
    void a_disk_that_is_full() {
        World.sql("CREATE TABLE noise AS SELECT md5(i::text) FROM generate_series(1, 20000) i");
        World.on("core", "mkdir /srv/kept && mount --bind " + FOLDER
                + " /srv/kept && mount -t tmpfs -o size=200k tmpfs " + FOLDER);
        try {
            refused(1, ktrdr("backup-db").run(), "core: no backup was made", "No space left on device");
            assertEquals("", World.on("core", "ls -A " + FOLDER));
        } finally {
            World.await("core", 200, "0.1", "something of the backup is still at work", "umount " + FOLDER);
            World.on("core", "umount /srv/kept; rmdir /srv/kept");
            World.sql("DROP TABLE noise");
        }
    }

    @Test
    void a_database_that_is_not_there_and_one_that_does_not_run() throws IOException {
        var other = World.inventory(here, "database: {name: ktrdr", "database: {name: other");
        nothingNew(1, ktrdr("backup-db", "-i", other.toString()).run(), "other does not answer",
                "database \"other\" does not exist");
        World.on("core", "docker stop -t 5 ktrdr-db >/dev/null");
        try {
            nothingNew(1, ktrdr("backup-db").run(), "the container ktrdr-db does not run");
        } finally {
            World.on("core", "docker start ktrdr-db >/dev/null; for i in $(seq 300); do docker exec ktrdr-db "
                    + "pg_isready -q -h 127.0.0.1 && exit 0; sleep 0.1; done; exit 1");
        }
    }

    @Test
    void a_folder_that_is_not_there() throws IOException {
        var other = World.inventory(here, "backup: {directory: /srv/ktrdr-shared/db-backups",
                "backup: {directory: /srv/nowhere");
        nothingNew(1, ktrdr("backup-db", "-i", other.toString()).run(), "there is no folder /srv/nowhere");
    }
}
