package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Invocation;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Mount;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parsing a node's list of backups, and receiving a backup as a stream. */
class BackupFolderTest {
    private static final String DUMP = "ktrdr-20260101T120000Z-sha-1.dump.zst";
    private static final Instant NOW = Instant.parse("2026-01-01T15:20:00Z");
    private static final Inventory INVENTORY = Fixtures.inventory();
    @TempDir Path folder;

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String dump(String record, long bytes, String verified, String name) {
        return "dump\t" + bytes + " " + base64(record) + " " + verified + " " + name + "\n";
    }

    private static BackupListing look(String facts) {
        return BackupListing.parse(INVENTORY, facts + "end\tyes\n");
    }

    private BackupProgress said() {
        var nothing = new PrintStream(new ByteArrayOutputStream());
        var console = new Console(Invocation.into(nothing, nothing), Console.Color.never, false);
        return new BackupProgress(Stack.of(INVENTORY, INVENTORY.core()), console, console.step("core", "backup"));
    }

    @Test
    void lists_the_newest_backup_first_and_marks_incomplete_ones() {
        var older = BackupRecordTest.TEXT.replace("20260101T12", "20251231T12")
                .replace("2026-01-01T12", "2025-12-31T12");
        var found = look("free\t5000000000\nincomplete\tktrdr-20260101T130000Z-x.dump.gz\n"
                + dump(older, 1_000_000, "2025-12-31T18:20:00Z", DUMP.replace("20260101", "20251231"))
                + dump(BackupRecordTest.TEXT, 1_000_000, "never", DUMP) + dump(BackupRecordTest.TEXT, 999_999, "never",
                        DUMP) + dump("{", 1, "never", "ktrdr-20260102T000000Z-y.dump.gz"));
        assertEquals(List.of(
                "BACKUP                                 AGE         SIZE    ROWS  TABLES  DATABASE  VERIFIED",
                DUMP + "  3 h 20 min  1.0 MB  23    2       5.0 MB    never",
                DUMP.replace("20260101", "20251231") + "  1 d 3 h     1.0 MB  23    2       5.0 MB    21 h 0 min ago"),
                BackupReport.table(found, NOW).lines());
        assertEquals(List.of("ktrdr-20260101T120000Z-sha-1.dump.zst", "ktrdr-20260101T130000Z-x.dump.gz",
                "ktrdr-20260102T000000Z-y.dump.gz"), found.incomplete());
        assertTrue(BackupReport.incomplete(found).startsWith("incomplete backups: " + DUMP + ", "));
        assertEquals(List.of(DUMP.replace("20260101", "20251231")),
                found.surplus(new BackupFolder.Retention(2, 0), NOW));
        assertEquals(List.of(), found.surplus(new BackupFolder.Retention(3, 2), NOW));
        assertEquals(List.of(DUMP.replace("20260101", "20251231")),
                found.surplus(new BackupFolder.Retention(0, 1), NOW));
        assertEquals(2, found.surplus(new BackupFolder.Retention(1, 0), NOW).size());
        var json = Json.parse(Json.line(BackupReport.document(found, NOW)), "it");
        assertEquals("12000 null 23", json.at("/backups/0/age_seconds").asText() + " " + json.at("/backups/0/verified")
                .asText() + " " + json.at("/backups/0/rows").asText());
        assertEquals("2025-12-31T18:20:00Z", json.at("/backups/1/verified").asText());
    }

    @Test
    void refuses_a_missing_folder_and_a_truncated_answer() {
        assertTrue(assertThrows(Problem.class, () -> look("")).sentence()
                .contains("there is no folder " + BackupFolder.directory(INVENTORY)));
        assertThrows(Problem.class, () -> BackupListing.parse(INVENTORY, "free\t1\n"));
        assertTrue(assertThrows(Problem.class,
                () -> look("mount\t" + Mount.path(INVENTORY, INVENTORY.core()) + "\t1\t\t\n")).sentence()
                .contains("the share is missing"));
    }

    @Test
    void joins_a_record_in_pieces_and_ignores_foreign_lines() {
        var said = said();
        var whole = base64(BackupRecordTest.TEXT);
        for (var line : List.of("pg_dump: warning: record\tof something", "written\t1000", "removed\told.dump.gz",
                "record\t" + whole.substring(0, 101), "record\t" + whole.substring(101))) said.accept(line);
        assertEquals("ktrdr-20260101T120000Z-sha-1", said.record(new CommandResult(0, "", "")).name());
        assertEquals(BackupRecordTest.TEXT, said.text());
    }

    @Test
    void what_failed_is_said_and_another_one_at_work_is_a_lock() {
        var said = said();
        said.accept("failed\tthe container ktrdr-db does not run");
        var problem = assertThrows(Problem.class, () -> said.record(new CommandResult(1, "", "noise")));
        assertEquals(Exit.FAILED + " the container ktrdr-db does not run",
                problem.exit() + " " + problem.details().get("found"));
        assertEquals(Exit.LOCKED, assertThrows(Problem.class, () -> said.record(new CommandResult(75, "", "")))
                .exit());
        assertThrows(Problem.class, () -> said().record(new CommandResult(0, "", "")));
    }

    private List<String> names() throws IOException {
        try (var all = Files.list(folder)) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static final String BODY = "PGDMP and what follows";

    private static String record() {
        return BackupRecordTest.TEXT.replace("SUM", new Templates.NodeFile("", BODY, "").sha256())
                .replace("\"bytes\": 1000000", "\"bytes\": 0");
    }

    private static void send(BackupDownload file, String body) throws IOException {
        file.stream(bytes -> {}).write(body.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void writes_a_stream_to_a_private_file_with_record_and_checksum() throws IOException {
        try (var file = BackupDownload.at(folder.resolve("mine.dump.zst"))) {
            send(file, BODY);
            assertEquals(1, names().size(), "nothing has a name before it is whole");
            var record = file.place(record());
            assertEquals("mine mine.dump.zst " + BODY.length(),
                    record.name() + " " + record.file() + " " + record.bytes());
        }
        assertEquals(List.of("mine.dump.zst", "mine.dump.zst.json", "mine.dump.zst.sha256"), names());
        assertEquals(BODY, Files.readString(folder.resolve("mine.dump.zst")));
        assertTrue(LocalCommand.command("sha256sum", "-c", "mine.dump.zst.sha256").directory(folder).must().out()
                .contains("mine.dump.zst.json: OK"));
        for (var name : names()) assertEquals("rw-------",
                java.nio.file.attribute.PosixFilePermissions
                        .toString(Files.getPosixFilePermissions(folder.resolve(name))), name);
    }

    @Test
    void a_stream_that_is_not_what_was_sent_leaves_what_was_there() throws IOException {
        Files.writeString(folder.resolve("mine"), "before");
        try (var file = BackupDownload.at(folder.resolve("mine"))) {
            assertEquals(List.of(folder.resolve("mine").toRealPath()), file.present());
            send(file, BODY.replace('P', 'p'));
            assertTrue(assertThrows(Problem.class, () -> file.place(record())).sentence()
                    .contains("what came over the connection is not what the database sent"));
        }
        try (var file = BackupDownload.at(folder.resolve("mine"))) {
            send(file, BODY);
            try (var all = Files.list(folder)) {
                Files.writeString(all.filter(path -> path.toString().endsWith(".making")).findFirst().orElseThrow(),
                        BODY.replace('P', 'p'));
            }
            assertTrue(assertThrows(Problem.class, () -> file.place(record())).sentence()
                    .contains("what is on the disk is not what the database sent"));
        }
        assertEquals(List.of("mine"), names());
        assertEquals("before", Files.readString(folder.resolve("mine")));
    }

    @Test
    void a_dump_gets_no_name_where_its_record_gets_none() throws IOException {
        Files.createDirectories(folder.resolve("mine.json/in-the-way"));
        try (var file = BackupDownload.at(folder.resolve("mine"))) {
            send(file, BODY);
            var refused = assertThrows(Problem.class, () -> file.place(record()));
            assertTrue(refused.sentence().contains("could not be written"), refused::sentence);
        }
        assertEquals(List.of("mine.json"), names());
    }

    @Test
    void removes_leftovers_of_a_killed_run_but_not_files_in_progress() throws IOException {
        try (var other = BackupDownload.at(folder.resolve("mine"));
                var file = BackupDownload.at(folder.resolve("mine"))) {
            send(other, BODY);
            var writing = names();
            Files.writeString(folder.resolve(".mine123.making"), BODY);
            Files.createSymbolicLink(folder.resolve(".mine456.making"),
                    Files.writeString(folder.resolve("precious"), ""));
            send(file, BODY);
            assertTrue(names().containsAll(writing) && !names().contains(".mine123.making"), names()::toString);
            other.place(record());
            file.place(record());
        }
        assertEquals(List.of(".mine456.making", "mine", "mine.json", "mine.sha256", "precious"), names());
    }

    @Test
    void refuses_an_ending_that_names_another_compression() throws IOException {
        try (var file = BackupDownload.at(folder.resolve("mine.gz"))) {
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> send(file, BODY)).exit());
        }
        assertEquals(List.of(), names());
        for (var path : List.of(folder, folder.resolve("none/mine"), folder.resolve("two\nlines")))
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> BackupDownload.at(path)).exit());
    }
}
