package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;

/** The backup script in a local shell, with a fake docker that serves a tiny database. */
class BackupScriptTest extends BackupScriptRun {
    private static final List<String> FOREIGN = List.of("notes.txt", "other.dump.gz", "ktrdr-20200101.dump",
            "ktrdr-20200101T000000Z-x.sql.gz", "aktrdr-20200101T000000Z-x.dump.gz");
    private void foreign() throws IOException {
        for (var name : FOREIGN) Files.writeString(backups.resolve(name), "foreign");
        Files.createDirectory(backups.resolve("ktrdr-20200101T000000Z-folder.dump.gz"));
    }

    @Test
    void a_backup_is_its_dump_sums_and_record() throws IOException {
        var result = run(backups.toString(), 0, 0);
        assertEquals(0, result.exit(), result.err());
        var dump = dumps().get(0);
        assertEquals(List.of(dump, dump + ".sha256", "ktrdr-20260601T120000Z-sha-1.json"), names());
        assertTrue(LocalCommand.command("sha256sum", "-c", dump + ".sha256").directory(backups).run().ok());
        var record = BackupRecord.parse(Files.readString(backups.resolve("ktrdr-20260601T120000Z-sha-1.json")));
        assertEquals(dump + " " + Files.size(backups.resolve(dump)) + " 2 karl@laptop",
                record.file() + " " + record.bytes() + " " + record.rows() + " " + record.by());
    }

    @Test
    void removes_a_killed_runs_leftover_folder_but_not_a_young_one() throws IOException {
        var left = Files.createTempDirectory(Path.of("/run"), "ktrdr-backup.");
        var young = Files.createTempDirectory(Path.of("/run"), "ktrdr-backup.");
        try {
            Files.writeString(left.resolve("dump.err"), "");
            Files.setLastModifiedTime(left, FileTime.from(Instant.now().minus(Duration.ofMinutes(3))));
            assertEquals(0, run(backups.toString(), 0, 0).exit());
            assertTrue(Files.notExists(left) && Files.exists(young), left + " " + young);
        } finally {
            Files.delete(young);
        }
    }

    @Test
    void keeps_so_many_backups_and_removes_no_partial_or_foreign_ones() throws IOException {
        foreign();
        var whole = new ArrayList<String>();
        for (var stamp : List.of("20260101T000000Z", "20260102T000000Z", "20260103T000000Z")) whole.add(old(stamp, 1));
        var unsummed = old("20260104T000000Z", 1);
        Files.delete(backups.resolve(unsummed + ".sha256"));
        var unrecorded = old("20260105T000000Z", 1);
        Files.delete(backups.resolve(unrecorded.replace(".dump.gz", ".json")));
        var before = new ArrayList<>(names());
        var result = run(backups.toString(), 2, 0);
        assertEquals(0, result.exit(), result.err());
        assertEquals(List.of(whole.get(1), whole.get(0)), out().lines().filter(line -> line.startsWith("removed\t"))
                .map(line -> line.substring(8)).toList());
        before.removeIf(name -> name.startsWith("ktrdr-20260101T") || name.startsWith("ktrdr-20260102T"));
        assertEquals(before, names().stream().filter(name -> !name.startsWith("ktrdr-20260601T")).toList());
    }

    @Test
    void what_is_too_old_goes_but_never_the_newest() throws IOException {
        var young = old("20260102T000000Z", 1);
        old("20260101T000000Z", 4);
        assertEquals(0, run(backups.toString(), 0, 3).exit());
        assertEquals(2, dumps().size(), () -> "the new one and " + young);
        assertTrue(dumps().contains(young));
        for (var name : dumps())
            Files.setLastModifiedTime(backups.resolve(name), FileTime.from(Instant.now().minus(Duration.ofDays(9))));
        assertEquals(0, run(backups.toString(), 1, 1).exit());
        assertEquals(1, dumps().size());
        assertTrue(dumps().get(0).startsWith("ktrdr-20260601T120000Z-sha-1_again."),
                "of two of one second the later one counts as newer");
    }

    @Test
    void neither_the_newest_by_its_name_goes_nor_the_one_just_made() throws IOException {
        var future = old("20990101T000000Z", 50);
        old("20260101T000000Z", 50);
        assertEquals(0, run(backups.toString(), 1, 1).exit());
        assertEquals(2, dumps().size());
        assertTrue(dumps().contains(future) && dumps().get(0).startsWith("ktrdr-20260601T120000Z-sha-1.dump."),
                () -> "the one just made and " + future);
    }

    @Test
    void a_backup_that_failed_removes_nothing_and_leaves_nothing() throws IOException {
        for (var fault : List.of("broken", "unreadable", "stopped")) {
            foreign();
            for (var stamp : List.of("20260101T000000Z", "20260102T000000Z")) old(stamp, 50);
            var before = names();
            mark(fault);
            var result = run(backups.toString(), 1, 1);
            assertEquals(1, result.exit(), fault + result.err());
            assertTrue(out().contains("failed\t"
                    + (fault.equals("broken") ? "the dump of ktrdr broke off: server closed the connection"
                    : fault.equals("stopped") ? "the container ktrdr-db does not run"
                    : "the table of contents of the backup cannot be read")), out());
            assertEquals(before, names(), fault);
            Files.delete(folder.resolve(fault));
            Files.delete(backups.resolve("ktrdr-20200101T000000Z-folder.dump.gz"));
        }
    }

    private String series(String name) throws IOException {
        return Files.readAllLines(folder.resolve(".ktrdr/metrics/backup.prom")).stream()
                .filter(line -> line.startsWith("ktrdr_backup_" + name + " ")).map(line -> line.split(" ")[1])
                .reduce((text, other) -> text + " twice " + other).orElse("none");
    }

    @Test
    void what_was_made_and_what_failed_is_left_for_whoever_collects() throws IOException {
        Files.createDirectory(folder.resolve(".ktrdr"));
        long before = Instant.now().getEpochSecond();
        Files.writeString(folder.resolve("tables"), "3");
        assertEquals(0, run(backups.toString(), 0, 0).exit());
        assertEquals("6 " + Files.size(backups.resolve(dumps().get(0))) + " none",
                series("rows") + " " + series("size_bytes") + " " + series("last_failure_timestamp_seconds"));
        var success = series("last_success_timestamp_seconds");
        assertTrue(Long.parseLong(success) >= before && Long.parseLong(series("duration_seconds")) < 60, success);
        assertEquals("rw-r--r--",
                PosixFilePermissions
                        .toString(Files.getPosixFilePermissions(folder.resolve(".ktrdr/metrics/backup.prom"))));
        assertEquals("rwxr-xr-x",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(".ktrdr/metrics"))));
        mark("broken");
        assertEquals(1, run(backups.toString(), 0, 0).exit());
        assertTrue(Long.parseLong(series("last_failure_timestamp_seconds")) >= before);
        assertEquals(success + " 6", series("last_success_timestamp_seconds") + " " + series("rows"));
        // a backup sent elsewhere does not count as a backup of this node
        Files.delete(folder.resolve(".ktrdr/metrics/backup.prom"));
        run("", 0, 0);
        assertFalse(Files.exists(folder.resolve(".ktrdr/metrics/backup.prom")));
    }

    @Test
    void a_backup_is_good_where_its_series_cannot_be_written() throws IOException {
        Files.createDirectories(folder.resolve(".ktrdr/metrics/backup.prom/in-the-way"));
        var result = run(backups.toString(), 0, 0);
        assertEquals(0, result.exit(), result.err());
        assertTrue(out().contains("metrics\t" + folder.resolve(".ktrdr/metrics/backup.prom") + " could not be written"),
                out());
        assertEquals(1, dumps().size());
    }

    @Test
    void a_folder_that_is_not_there_is_not_made() throws IOException {
        assertEquals(1, run(folder.resolve("none").toString(), 1, 0).exit());
        assertTrue(out().contains("failed\tthere is no folder " + folder.resolve("none") + " for backups"), out());
        assertFalse(Files.exists(folder.resolve("none")));
    }

    @Test
    void a_dump_on_standard_output_is_read_while_it_passes() throws IOException {
        old("20260101T000000Z", 50);
        var before = names();
        var result = run("", 0, 0);
        assertEquals(0, result.exit(), result.err());
        var record = BackupRecord.parse(told(result));
        assertEquals(record.sha256(), LocalCommand.command("sha256sum", folder.resolve("out").toString()).must().out()
                .split(" ")[0]);
        assertEquals(before, names());
        mark("unreadable");
        var unreadable = run("", 0, 0);
        assertEquals(1, unreadable.exit());
        assertTrue(unreadable.err().contains("failed\tthe table of contents of the backup cannot be read"),
                unreadable.err());
    }

    @Test
    void a_record_of_many_tables_comes_in_lines_of_a_bounded_length() throws IOException {
        Files.writeString(folder.resolve("tables"), "3000");
        var result = run("", 0, 0);
        assertEquals(0, result.exit(), result.err());
        assertEquals(3000, BackupRecord.parse(told(result)).count());
        assertTrue(result.err().lines().allMatch(line -> line.length() < 10_000));
    }

    @Test
    void a_link_swapped_in_for_its_folder_diverts_no_write() throws IOException {
        var victim = Files.writeString(folder.resolve("victim"), "precious\n");
        var elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        Files.createSymbolicLink(elsewhere.resolve("ktrdr-20260601T120000Z-sha-1.json"), victim);
        var docker = folder.resolve("bin/docker");
        var swap = "for making in " + backups + "/.making.*; do [ -L \"$making\" ] || { mv \"$making\" " + folder
                + "/aside && ln -s " + elsewhere + " \"$making\"; }; done 2>/dev/null; ";
        Files.writeString(docker, Files.readString(docker).replace("*pg_restore*) ", "*pg_restore*) " + swap));
        var result = run(backups.toString(), 0, 0);
        assertTrue(Files.exists(folder.resolve("aside")), "the link was not put there");
        assertEquals("precious\n", Files.readString(victim), result::err);
        assertEquals(1, elsewhere.toFile().list().length);
    }

    @Test
    void series_are_not_written_through_a_link() throws IOException {
        var victim = Files.writeString(folder.resolve("victim"), "precious\n");
        Files.createSymbolicLink(Files.createDirectories(folder.resolve(".ktrdr/metrics")).resolve("backup.new"),
                victim);
        assertEquals(0, run(backups.toString(), 0, 0).exit());
        assertEquals("precious\n", Files.readString(victim));
        assertTrue(Files.isRegularFile(folder.resolve(".ktrdr/metrics/backup.prom")));
    }

    @Test
    void who_has_a_lock_that_is_waited_for_is_said_once() throws IOException {
        for (var directory : List.of(backups.toString(), "")) {
            mark("locked");
            var result = run(directory, 0, 0);
            assertEquals(0, result.exit(), result.err());
            var said = directory.isEmpty() ? result.err() : out();
            assertEquals(List.of("waiting\twaits for a lock on t1 that process 7 has: psql"),
                    said.lines().filter(line -> line.startsWith("waiting\t")).toList(), said);
            Files.delete(folder.resolve("locked"));
        }
    }

    @Test
    void gives_up_counting_rows_when_a_lock_blocks_it_too_long() throws IOException {
        mark("locked");
        mark("uncounted");
        lockWait = 1;
        var result = run(backups.toString(), 0, 0);
        assertFalse(Files.exists(folder.resolve("uncounted")), "its session was ended");
        assertEquals(1, result.exit(), result.err());
        assertTrue(out().contains(
                "failed\tcounting the rows of ktrdr broke off after 1 s: it waits for a lock on t1 that process 7 "
                        + "has: psql"), out());
        assertEquals(List.of(), names());
    }

    /** Another run holds the lock, with its description or without one, as in earlier versions. */
    @Test
    void what_is_under_way_is_named() throws IOException {
        for (var other : List.of("the restore of ktrdr-x by karl@laptop, begun at 12:00:03Z,",
                "a backup by timer, begun at 02:00:00Z,", "")) {
            var held = LocalCommand.command("sh", "-euc",
                    "exec 7>/run/lock/ktrdr-backup; flock 7; echo \"$1\" >/run/lock/ktrdr-backup; exec sh -s",
                    "sh",
                    other)
                    .env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"))
                    .input(Sh.whole("(exec 7>&-\n"
                            + BackupFolder.script(Fixtures.inventory(), backups.toString(),
                            BackupFolder.Retention.NONE, "karl@laptop") + "\n)")).run();
            assertEquals(75, held.exit(), held::err);
            var failed = (other.isEmpty() ? "a backup or a restore" : other) + " is under way";
            assertTrue(held.out().contains("failed\t" + failed + "\n"), held::out);
            var fix = BackupFolder.busy("core", failed).details().get("to do");
            assertEquals(other.contains("timer"), fix.contains("journalctl"), fix);
        }
    }

    @Test
    void a_running_backup_names_its_operator_and_start_time() throws IOException {
        var docker = folder.resolve("bin/docker");
        Files.writeString(docker, Files.readString(docker).replace("*pg_restore*) ",
                "*pg_restore*) cat /run/lock/ktrdr-backup >FOLDER/holder; ".replace("FOLDER", folder.toString())));
        assertEquals(0, run(backups.toString(), 0, 0).exit());
        assertTrue(Files.readString(folder.resolve("holder"))
                .matches("a backup by karl@laptop, begun at \\d\\d:\\d\\d:\\d\\dZ,\n"));
        assertEquals("", Files.readString(Path.of("/run/lock/ktrdr-backup")), "what ended is not under way");
    }

    /** The relevant pg_restore error is neither the first nor the last line. */
    @Test
    void of_what_failed_postgres_own_words_are_told() throws IOException {
        var work = Files.createDirectories(folder.resolve("work"));
        for (var said : List.of(
                "pg_restore: while PROCESSING TOC:\npg_restore: from TOC entry 9; 1 2 INDEX x\npg_restore: error: "
                        + "could not execute query: ERROR:  could not create unique index \"x\"\n"
                        + "DETAIL:  Key (id)=(1) is duplicated.\nCommand was: CREATE UNIQUE INDEX x ON t USING "
                        + "btree\n  (id,\n  at\n);\n\n\npg_restore: error: a worker process died unexpectedly\n",
                "pg_restore: error: could not execute query: server closed the connection unexpectedly\n\tThis "
                        + "probably means the server terminated abnormally\n\tbefore or while processing the request.\n"
                        + "Command was: CREATE INDEX x\n  ON t;\n\n\n",
                "psql: error: connection to server on socket \"/run/s\" failed: FATAL:  the database system is "
                        + "shutting down\n",
                "zstd: not what it was\nand no error of PostgreSQL\n")) {
            Files.writeString(work.resolve("index.err"), said);
            var words = LocalCommand.command("sh", "-eu").env("work", work.toString())
                    .input(new Templates(Fixtures.inventory()).read("backup/common.sh") + "\nwords\n").must().out();
            var expected = said.contains("duplicated")
                    ? "could not create unique index \"x\" DETAIL:  Key (id)=(1) is duplicated."
                    : said.contains("closed") ? "server closed the connection unexpectedly" : said.contains("FATAL")
                    ? "FATAL:  the database system is shutting down"
                    : "zstd: not what it was and no error of PostgreSQL";
            assertTrue(words.contains(expected), words);
            assertFalse(words.contains("Command was") || words.contains("a worker process"), words);
        }
    }

    @Test
    void the_script_is_clean_shell() throws IOException {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-s", "sh", "-")
                .input("set -eu\n"
                        + BackupFolder.script(Fixtures.inventory(), "/b", BackupFolder.Retention.NONE, "karl")).run();
        assertTrue(said.ok(), said::out);
        var listed = LocalCommand.command("shellcheck", "-S", "warning", "-s", "sh", "-")
                .input("set -eu\n" + BackupListing.script(Fixtures.inventory())).run();
        assertTrue(listed.ok(), listed::out);
    }
}
