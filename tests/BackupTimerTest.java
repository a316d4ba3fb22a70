import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scheduled backups on core, in this test's own folder. */
@Tag("fleet")
class BackupTimerTest {
    private static final String FOLDER = "/srv/ktrdr-shared/db-backups/of-the-timer";
    private static final String UNITS =
            "ls /etc/systemd/system/ktrdr-backup.* /usr/local/lib/ktrdr /var/lib/systemd/timers 2>/dev/null | grep "
                    + "ktrdr-backup";
    private static final String INACTIVE =
            "until [ \"$(systemctl is-active ktrdr-backup.service)\" = inactive ]; do sleep 0.1; done";
    @TempDir Path folder;
    private String inventory;

    @BeforeAll
    static void a_release_runs() {
        Aftermath.someRelease();
    }

    @BeforeEach
    void a_database_with_a_table_and_no_timer() {
        inventory = World.inventory(folder, "directory: /srv/ktrdr-shared/db-backups, keep: 30",
                "directory: " + FOLDER + ", keep: 2").toString();
        World.on("core", "mkdir -p " + FOLDER);
        World.sql("create table timer_words (word text); insert into timer_words values ('told'), ('kept')");
        assertEquals("", World.on("core", UNITS + " || :"), "a timer is there already");
    }

    @AfterEach
    void nothing_stays() {
        run("backup-db", "--schedule", "off");
        World.sql("drop table timer_words");
        World.on("core", "rm -rf " + FOLDER);
    }

    private Ran run(String... words) {
        return ktrdr(words).env("KTRDR_INVENTORY", inventory).run();
    }

    private Ran good(String... words) {
        var ran = run(words);
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    private static String start() {
        return World.on("core",
                "systemctl start ktrdr-backup.service 2>/dev/null && echo good || systemctl is-failed "
                        + "ktrdr-backup.service");
    }

    private static List<String> dumps() {
        return Arrays.stream(World.on("core", "cd " + FOLDER + "; ls | grep 'dump.zst$' || :").split("\n"))
                .filter(name -> !name.isEmpty()).toList();
    }

    /**
     * The service's last lines. The sync is needed: a unit's last output can reach the journal after the unit has
     * ended.
     */
    private static String journal(int lines) {
        return World.on("core", "journalctl --sync; journalctl -u ktrdr-backup --no-pager -o cat -n " + lines);
    }

    /** Changes with every write, even if the files' content stays the same. */
    private static String units() {
        return World.on("core",
                "stat -c '%n %Y %i %a' /etc/systemd/system/ktrdr-backup.* /usr/local/lib/ktrdr/backup-db; systemctl "
                        + "show -p ActiveEnterTimestampMonotonic ktrdr-backup.timer");
    }

    @Test
    void a_timer_makes_good_backups_and_status_shows_a_failure() {
        it_is_written_once_and_only_after_a_preview();
        its_backup_is_good_and_status_names_the_next_one();
        of_timer_and_operator_at_once_only_one_makes_a_backup();
        a_failure_is_told_and_what_was_good_stays();

        var changed = good("backup-db", "--schedule", "03:30");
        assertTrue(changed.err().contains("03:30"), changed::toString);
        assertTrue(World.on("core", "systemctl list-timers --no-pager").contains(" 03:30:00 "));
        a_run_that_was_missed_is_made_up();
        nothing_of_it_is_left_when_it_is_off();
    }

    private void it_is_written_once_and_only_after_a_preview() {
        var planned = good("backup-db", "--schedule", "02:00", "--dry-run");
        assertTrue(planned.out().contains("+OnCalendar=*-*-* 02:00:00"), planned::toString);
        assertEquals("", World.on("core", UNITS + " || :"));

        var said = good("backup-db", "--schedule", "02:00");
        assertTrue(said.err().contains("every day at 02:00 by its clock"), said::toString);
        var timers = World.on("core", "systemctl list-timers --no-pager");
        assertTrue(timers.lines()
                .anyMatch(line -> line.matches(".* 02:00:00 .*ktrdr-backup.timer +ktrdr-backup.service")), timers);
        var before = units();
        var again = good("backup-db", "--schedule", "02:00");
        assertTrue(again.err().contains("already every day at 02:00"), again::toString);
        assertEquals(before, units());
    }

    private void its_backup_is_good_and_status_names_the_next_one() {
        assertEquals("good", start());
        assertEquals(1, dumps().size());
        World.on("core", "cd " + FOLDER
                + "; sha256sum -c --quiet ktrdr-*.sha256; grep -q '\"by\": \"timer\"' ktrdr-*.json; grep -q "
                + "'public.timer_words\", \"rows\": 2' ktrdr-*.json");
        var journal = journal(20);
        assertTrue(journal.contains("backup " + dumps().get(0).replace(".dump.zst", "") + " is good"), journal);
        assertTrue(journal.lines().noneMatch(line -> line.length() > 200), journal);
        var seen = run("status", "-o", "json");
        assertFalse(seen.failing().containsKey("core.backup"), seen::toString);
        var status = seen.json();
        assertEquals(dumps().get(0), status.path("backup").path("file").asText());
        assertTrue(status.path("next_backup").asText().matches(".*T\\d\\d:00:00Z"), status::toString);
    }

    private void nothing_of_it_is_left_when_it_is_off() {
        good("backup-db", "--schedule", "off");
        assertEquals("", World.on("core", UNITS + " || :"));
        assertFalse(World.on("core", "systemctl list-timers --all --no-pager; systemctl --failed --no-pager")
                .contains("ktrdr-backup"));
        assertEquals(2, dumps().size());
        var nothing = good("backup-db", "--schedule", "off");
        assertTrue(nothing.err().contains("nothing to remove"), nothing::toString);
    }

    /** As after a boot: the timer starts, and its stamp says that the last run was two days ago. */
    private void a_run_that_was_missed_is_made_up() {
        var before = dumps().get(1);
        World.on("core", "systemctl stop ktrdr-backup.timer; touch -d '2 days ago' "
                + "/var/lib/systemd/timers/stamp-ktrdr-backup.timer; systemctl start ktrdr-backup.timer;"
                + " for i in $(seq 150); do [ \"$(ls " + FOLDER + " | grep 'dump.zst$' | tail -n 1)\" = " + before +
                " ] || exit 0; sleep 0.2; done; echo no run was made up >&2; exit 1");
        World.on("core", INACTIVE);
    }

    /** A lock on the table keeps the first backup waiting until the second has met it. */
    private void of_timer_and_operator_at_once_only_one_makes_a_backup() {
        try (var locked = Faults.lockedTable("timer_words");
                var person = ktrdr("backup-db").env("KTRDR_INVENTORY", inventory).start()) {
            World.awaitDump();
            assertEquals("good", start(), "to find another at work is no failure");
            var journal = journal(5);
            assertTrue(journal.matches("(?s).*a backup by \\S+, begun at [0-9:]{8}Z, is under way\n.*"),
                    journal);
            locked.close();
            assertEquals(0, person.end().exit());
        }
        assertEquals(2, dumps().size());
        var before = dumps();
        try (var locked = Faults.lockedTable("timer_words")) {
            World.on("core", "systemctl start --no-block ktrdr-backup.service");
            World.awaitDump();
            refused(4, run("backup-db"), "a backup by timer, begun at ", "journalctl -fu ktrdr-backup");
        }
        World.on("core", INACTIVE);
        assertEquals("success", World.on("core", "systemctl show --value -p Result ktrdr-backup.service"));
        assertEquals(before.get(1), dumps().get(0), "the timer's is there, and the oldest went");
        World.on("core", "cd " + FOLDER + "; sha256sum -c --quiet ktrdr-*.sha256");
    }

    private void a_failure_is_told_and_what_was_good_stays() {
        var before = dumps();
        World.on("core", "docker stop -s INT ktrdr-db >/dev/null");
        try {
            assertEquals("failed", start());
            var ran = run("status", "-o", "json");
            assertEquals(1, ran.exit(), ran::toString);
            assertTrue(ran.failing().getOrDefault("core.backup", "")
                    .startsWith("the last run of ktrdr-backup.service failed (exit-code)"), ran::toString);
            refused(1, run("status"), "error: core.backup does not hold", "journalctl -u ktrdr-backup",
                    "jbang backup-db@ktrdr");
        } finally {
            World.on("core", "docker start ktrdr-db >/dev/null; until docker exec ktrdr-db pg_isready -q; do sleep "
                    + "0.2; done");
        }
        assertEquals(before, dumps());
        World.on("core", "cd " + FOLDER + "; sha256sum -c --quiet ktrdr-*.sha256");
    }

    @Test
    void a_deployment_with_backup_makes_one_first_or_is_refused() {
        var planned = good("deploy", "core", "jaeger", "--backup", "--dry-run");
        assertTrue(planned.err().contains("would be made before"), planned::toString);
        assertEquals(List.of(), dumps());
        good("deploy", "core", "jaeger", "--backup");
        assertEquals(1, dumps().size());
        World.on("core", "rm -rf " + FOLDER);
        var before = World.history("core");
        var ran = refused(1, run("deploy", "core", "jaeger", "--backup"), "no backup was made", "there is no folder",
                "nothing was changed");
        assertEquals(before, World.history("core"), ran::toString);
        good("deploy", "core", "jaeger", "--no-backup");
        refused(2, run("deploy", "workers", "B", "--tag", "sha-1000001", "--backup"),
                "workers B: the database is on core");
    }
}
