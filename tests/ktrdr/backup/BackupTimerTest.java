package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Recorded;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The requirements of the backup timer, and the interpretation of systemd's answers. */
class BackupTimerTest {
    private static final String BARE =
            "user\troot\nsystemd\tyes\nfolder\tyes\nzone\tEurope/Athens\nstate\t \nreload\tno no\n";
    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private final Inventory inventory = Fixtures.inventory();
    @TempDir Path folder;

    private BackupTimer plan(String at, String answer) {
        return BackupTimer.plan(inventory, BackupTimer.time(at), Facts.parse(answer + "end\tyes\n"));
    }

    /** Core's answer after this timer is applied. */
    private static String applied(BackupTimer timer) {
        var answer = new StringBuilder(BARE.replace("state\t ", "state\tenabled active"));
        for (var edit : timer.edits())
            answer.append("file ").append(edit.path())
                    .append(edit.path().equals(BackupTimer.SCRIPT) ? "\t700 " : "\t644 ")
                    .append(Base64.getEncoder().encodeToString(edit.after().getBytes(StandardCharsets.ISO_8859_1)))
                    .append('\n');
        return answer.toString();
    }

    @Test
    void a_bare_core_gets_three_files_and_a_second_run_has_no_effect() {
        var first = plan("02:00", BARE);
        assertEquals(List.of("/usr/local/lib/ktrdr/backup-db", "/etc/systemd/system/ktrdr-backup.service",
                "/etc/systemd/system/ktrdr-backup.timer"), first.changed());
        assertTrue(first.diff().containsAll(List.of("+OnCalendar=*-*-* 02:00:00", "+Persistent=true", "+Type=oneshot",
                "+SuccessExitStatus=75")), first.diff()::toString);
        assertTrue(first.applyScript().contains("systemctl enable -q --now ktrdr-backup.timer"));
        var second = plan("02:00", applied(first));
        assertTrue(second.settled());
        assertEquals(List.of(), second.diff());
        assertFalse(second.applyScript().matches("(?s).*systemctl (enable|daemon-reload|stop).*"), second::applyScript);
        assertTrue(second.words(false).contains("already every day at 02:00 by its clock (Europe/Athens)"),
                () -> second.words(false));
    }

    @Test
    void another_time_changes_only_the_timer_and_is_no_missed_run() {
        var changed = plan("14:30", applied(plan("02:00", BARE)));
        assertEquals(List.of("/etc/systemd/system/ktrdr-backup.timer"), changed.changed());
        assertTrue(changed.diff().containsAll(List.of("-OnCalendar=*-*-* 02:00:00", "+OnCalendar=*-*-* 14:30:00")),
                changed.diff()::toString);
        assertTrue(changed.applyScript().contains("rm -f /var/lib/systemd/timers/stamp-ktrdr-backup.timer"));
    }

    @ParameterizedTest
    @CsvSource({"enabled active, enabled inactive", "enabled active, disabled active", "reload\tno no, reload\tyes no",
            "\t700 , \t600 "})
    void a_timer_that_does_not_run_as_its_files_say_is_put_right(String before, String after) {
        var timer = plan("02:00", applied(plan("02:00", BARE)).replace(before, after));
        assertEquals(List.of(), timer.changed());
        assertFalse(timer.settled());
        assertTrue(timer.applyScript().contains("chmod 700")
                && timer.applyScript().contains("systemctl enable -q --now"), timer::applyScript);
    }

    @Test
    void off_removes_all_of_it_and_says_so_where_there_is_nothing() {
        var off = plan("off", applied(plan("02:00", BARE)));
        assertEquals(3, off.changed().size());
        assertTrue(off.diff().contains("-OnCalendar=*-*-* 02:00:00"), off.diff()::toString);
        assertTrue(off.applyScript().contains("systemctl disable -q --now ktrdr-backup.timer"));
        var nothing = plan("off", BARE);
        assertTrue(nothing.settled() && !nothing.applyScript().contains("disable"));
        assertEquals("core: there is no timer for backups, nothing to remove", nothing.words(false));
    }

    @Test
    void warns_if_the_inventory_has_another_time() {
        var scheduled = Fixtures.inventory(Fixtures.INVENTORY + "backup: {schedule: \"02:00\"}\n");
        assertEquals(Optional.empty(), plan("02:00", BARE).differs(scheduled));
        for (var at : List.of("14:30", "off"))
            assertTrue(plan(at, BARE).differs(scheduled).orElseThrow().startsWith("the inventory says 02:00: "));
        assertEquals(Optional.empty(), plan("14:30", BARE).differs(inventory));
    }

    @ParameterizedTest
    @ValueSource(strings = {"2:00", "24:00", "02:60", "02:00:00", "noon", "", "OFF", "02:00 UTC"})
    void a_time_is_two_digits_of_hours_and_of_minutes(String asked) {
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> BackupTimer.time(asked)).exit());
    }

    @ParameterizedTest
    @CsvSource({"systemd\tyes, without systemd", "user\troot, only root can", "folder\tyes, no folder for backups"})
    void a_core_that_can_have_no_timer_is_told_in_a_sentence(String missing, String words) {
        var sentence = assertThrows(Problem.class,
                () -> plan("02:00", BARE.replace(missing, missing.startsWith("user") ? "user\tkarl" : "other\tyes")))
                .sentence();
        assertTrue(sentence.startsWith("core: ") && sentence.contains(words), sentence);
    }

    @Test
    void the_scripts_are_clean_under_shellcheck() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        for (var script : List.of(BackupTimer.lookScript(inventory), plan("02:00", BARE).applyScript(),
                plan("off", applied(plan("02:00", BARE))).applyScript()))
            clean("info", "set -eu\n" + script);
        clean("warning", BackupTimer.script(inventory));
    }

    private static void clean(String severity, String script) {
        var result = LocalCommand.command("shellcheck", "--shell=sh", "--severity=" + severity, "-").input(script)
                .run();
        assertTrue(result.ok(), result::out);
    }

    /** Runs the service's script with a fake backup step that has this output and exit code. */
    private CommandResult ran(String says, int code) throws IOException {
        var whole = BackupTimer.script(inventory);
        int make = whole.indexOf("container=");
        var file = Files.writeString(folder.resolve("backup-db"),
                whole.substring(0, make) + says + "exit " + code + "\n");
        assertTrue(file.toFile().setExecutable(true));
        return LocalCommand.command(file.toString()).run();
    }

    @Test
    void journals_sentences_and_returns_the_backups_exit_code() throws IOException {
        var good = ran("printf "
                + "'database\\t7000\\nwritten\\t10\\nwritten\\t20\\nbackup\\tktrdr-1\\nrecord\\tabc\\nremoved\\t"
                + "ktrdr-0\\n'\n", 0);
        assertEquals("0 the database has 7000 bytes on its disk\nbackup ktrdr-1 is good\nbackup ktrdr-0 is removed "
                + "by retention\n", good.exit() + " " + good.out());
        var busy = ran("printf 'failed\\tanother backup is being made\\n'\n", 75);
        assertEquals("75 another backup is being made\nnothing was done: only one may run at a time\n",
                busy.exit() + " " + busy.out());
        var failed = ran("printf 'failed\\tthe container does not run\\n'\n", 1);
        assertEquals("1 the container does not run\n<3>no backup was made, and the earlier ones are as they were\n",
                failed.exit() + " " + failed.out());
    }

    private static Optional<BackupSchedule> said(String... changes) {
        var answer = "timer-at\t02:00\ntimer-written\t1767139200\ntimer-state\tactive\ntimer-next\t1767405600000\n"
                + "timer-ended\t1767319200000\ntimer-result\tsuccess\nend\tyes\n";
        for (int i = 0; i < changes.length; i += 2) answer = answer.replace(changes[i], changes[i + 1]);
        return BackupSchedule.parse(Facts.parse(answer));
    }

    private static Optional<Instant> hoursAgo(int hours) {
        return Optional.of(NOON.minusSeconds(3600L * hours));
    }

    @Test
    void a_timer_that_does_its_work_is_well() {
        var schedule = said().orElseThrow();
        assertEquals(Instant.parse("2026-01-03T02:00:00Z"), schedule.next().orElseThrow());
        assertEquals(Optional.empty(), schedule.wrong(NOON, hoursAgo(10)));
        assertEquals(Optional.empty(), BackupSchedule.parse(Facts.parse("end\tyes\n")));
    }

    @Test
    void a_run_that_failed_is_told_until_there_is_a_backup_after_it() {
        var failed = said("success", "exit-code").orElseThrow();
        assertEquals(Optional.of("the last run of ktrdr-backup.service failed (exit-code) at 2026-01-02T02:00:00Z"),
                failed.wrong(NOON, hoursAgo(11)));
        assertTrue(failed.wrong(NOON, Optional.empty()).isPresent());
        assertEquals(Optional.empty(), failed.wrong(NOON, hoursAgo(9)));
        // a successful run, and a failed run right after it
        var at = Instant.parse("2026-01-02T02:00:00.412Z");
        var soon = said("success", "exit-code", "1767319200000", "1767319200900").orElseThrow();
        assertTrue(soon.wrong(NOON, Optional.of(at)).isPresent());
        assertEquals(Optional.empty(), soon.wrong(NOON, Optional.of(at.plusSeconds(1))));
    }

    @Test
    void a_timer_that_was_stopped_or_brings_no_backups_is_told() {
        assertEquals(Optional.of("ktrdr-backup.timer is not active"),
                said("active", "inactive").orElseThrow().wrong(NOON, hoursAgo(1)));
        assertEquals(Optional.empty(), said().orElseThrow().wrong(NOON, hoursAgo(25)));
        assertEquals(Optional.of("the newest is 1 d 3 h old"), said().orElseThrow().wrong(NOON, hoursAgo(27)));
        assertEquals(Optional.of("there is none"), said().orElseThrow().wrong(NOON, Optional.empty()));
        // a timer enabled today could not have made a backup yet
        assertEquals(Optional.empty(), said("1767139200", "1767344400").orElseThrow().wrong(NOON, Optional.empty()));
    }

    /**
     * The host's systemd may set DOCKER_HOST for every unit: `systemctl set-environment`, or DefaultEnvironment in
     * system.conf.
     */
    @Test
    void the_units_have_an_environment_of_their_own() {
        var inventory = Fixtures.inventory();
        var figures = new Templates(inventory).render(inventory.core(), "none").stream()
                .filter(file -> file.path().equals(NodeMetrics.SERVICE)).findFirst().orElseThrow().content();
        var plan = BackupTimer.plan(inventory, Optional.of("02:00"),
                Facts.parse("systemd\tyes\nuser\troot\nfolder\tyes\nstate\tdisabled inactive\nend\tyes\n"));
        var backup = plan.edits().stream().filter(edit -> edit.path().endsWith(".service")).findFirst().orElseThrow()
                .after();
        for (var unit : List.of(figures, backup)) {
            // systemd.syntax(7): a backslash at the end of a line continues it
            assertTrue(unit.replaceAll("\\\\\n *", "").contains("\nExecStart=" + Sh.UNIT + " /"), unit);
        }
    }

    @Test
    void what_is_around_the_script_of_backups_is_as_it_was_recorded() {
        var script = BackupTimer.script(inventory);
        var rest = BackupFolder.script(inventory, BackupFolder.directory(inventory),
                BackupFolder.Retention.of(inventory), "timer");
        var begin = script.substring(0, script.indexOf("\n" + rest.lines().findFirst().orElseThrow() + "\n") + 1);
        Recorded.same(BackupTimerTest.class, "timer.sh", begin);
    }
}
