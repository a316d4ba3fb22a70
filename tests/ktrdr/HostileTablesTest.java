package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import ktrdr.api.Backend;
import ktrdr.api.FiringAlert;
import ktrdr.api.OperationsApi;
import ktrdr.api.Prometheus;
import ktrdr.backup.BackupFolder;
import ktrdr.backup.BackupListing;
import ktrdr.backup.BackupRecord;
import ktrdr.backup.BackupReport;
import ktrdr.deploy.NodePlanner;
import ktrdr.node.Database;
import ktrdr.release.History;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.shell.ValueText;
import ktrdr.status.StatusChanges;
import ktrdr.status.StatusFixtures;
import ktrdr.status.StatusReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Terminal tables with hostile text from nodes, files and services: each row stays one line, nothing controls the
 * terminal, and no text is lost. {@link HostilePagesTest} covers status and operations.
 */
class HostileTablesTest {
    private static final Instant NOW = Instant.parse("2026-01-02T00:00:00Z");
    private static final String LONG = "long " + "x".repeat(4096) + "\u001b[2J";
    private static final List<String> HOSTILE = Stream.concat(HostilePagesTest.HOSTILE.stream(),
            Stream.of("a\rb", LONG)).toList();
    @TempDir Path folder;

    /** Puts each hostile text into a table and expects it there; {@code shown} gives the expected form. */
    private static void isText(Function<String, Table> table) {
        isText(table, said -> said);
    }

    private static void isText(Function<String, Table> table, Function<String, String> shown) {
        int rows = table.apply("x").lines().size();
        for (var said : HOSTILE) {
            var lines = table.apply(said).lines();
            assertEquals(rows, lines.size(), said);
            isOneLine(lines);
            var wanted = Console.harmless(shown.apply(said)).strip();
            assertTrue(lines.stream().anyMatch(line -> line.contains(wanted)), () -> wanted + " in " + lines);
        }
    }

    private static void isOneLine(List<String> lines) {
        for (var line : lines) assertTrue(line.equals(Console.harmless(line)) && line.lines().count() <= 1, line);
    }

    private static History.Entry entry(String said) {
        return History.Entry.of("1" + said, "sha" + said, History.Ending.DEPLOYED).time(said + "2026")
                .by("karl" + said, "laptop" + said).command("deploy" + said).target("core")
                .services(List.of("backend" + said)).seconds(10).error(said).build();
    }

    /** The table of {@code rollback --list}. */
    @Test
    void releases_of_a_node() {
        isText(said -> NodePlanner.table(Map.of(StatusFixtures.CORE,
                new History(List.of(entry("x"), entry(said)), Optional.of(entry(said))))), said -> "sha" + said + "  ");
    }

    /** Hostile text in the history file on the node, read by the toolkit's script. */
    @Test
    void releases_as_the_file_of_a_node_has_them() throws IOException {
        var said = "\u001b[2J\u202e|<script>\r\u0007";
        Files.writeString(Files.createDirectories(folder.resolve(".ktrdr")).resolve("releases.jsonl"),
                entry(said).json() + "\n");
        var answer = LocalCommand.command("sh", "-euc",
                Facts.SAY + Sh.let("directory", folder.toString()) + History.script() + "say end yes\n").must().out();
        var lines = NodePlanner.table(Map.of(StatusFixtures.CORE, History.parse(Facts.parse(answer)))).lines();
        assertEquals(2, lines.size());
        isOneLine(lines);
        assertTrue(lines.get(1).contains("sha" + Console.harmless(said)), lines.get(1));
    }

    private static BackupRecord record(String said) {
        return new BackupRecord("ktrdr-" + said, NOW, "karl@" + said, "sha" + said, "ktrdr" + said, "15" + said, 150008,
                said, 1, "ktrdr-" + said, 4, said, Duration.ofSeconds(1), Map.of(said, said),
                List.of(new BackupRecord.Table("public." + said, 1, said)));
    }

    private static BackupListing backups(String said) {
        return new BackupListing("/srv/" + said, List.of(new BackupFolder.Backup(record(said), Optional.of(NOW))),
                List.of(said), 1);
    }

    @Test
    void backups_of_the_database() {
        isText(said -> BackupReport.table(backups(said), NOW), said -> "ktrdr-" + said);
        isText(said -> BackupReport.table(record(said)), said -> "ktrdr-" + said);
        isText(said -> BackupReport.plan(Fixtures.core(), backups(said), List.of("ktrdr-" + said)),
                said -> "ktrdr-" + said);
    }

    /** File names that a file system allows, listed by the script of {@code backup-db --list}. */
    @Test
    void backups_as_the_folder_of_a_node_has_them() throws IOException {
        var names = Stream.of("\u001b[2J", "\u202egnp.exe", "\u009b2J", "|", "<script>", "a\rb", "a\tb", "a\nb",
                "  a  b  ", "$(reboot)", "`reboot`", "-rf", "\u0007", "x".repeat(150))
                .map(said -> "ktrdr-20260101T000000Z-" + said).toList();
        for (var name : names) {
            Files.writeString(folder.resolve(name + ".dump.gz"), "dump");
            Files.writeString(folder.resolve(name + ".dump.gz.sha256"), "");
            var fields = record("x").document();
            fields.put("file", name + ".dump.gz");
            Files.writeString(folder.resolve(name + ".json"), Json.line(fields));
        }
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "backup: {directory: " + folder + "}\n");
        var answer = LocalCommand.command("sh", "-euc", BackupListing.script(inventory)).must().out();
        var found = BackupListing.parse(inventory, answer);
        var lines = BackupReport.table(found, NOW).lines();
        isOneLine(lines);
        isOneLine(Console.lineByLine(BackupReport.incomplete(found)).lines().toList());
        // script output is line-based, so it omits names with line or field separators
        var whole = names.stream().filter(name -> name.matches("[^\r\n\t]*")).toList();
        for (var name : whole) assertTrue(lines.stream().anyMatch(line -> line.contains(Console.harmless(name))),
                () -> name + " in " + lines);
        assertEquals(whole.size() + 1, lines.size());
    }

    @Test
    void rows_of_the_database_and_their_columns() {
        isText(said -> new Database.Rows(List.of("a", "b"), List.of(List.of(said, "c"), List.of("d", said))).table());
        isText(said -> new Database.Rows(List.of(said, "b"), List.of(List.of("a", "c"))).table(), String::toUpperCase);
    }

    @Test
    void checks_changes_and_alerts() {
        isText(said -> Check.table(
                List.of(new Check(CheckId.ofNode("core", said), "core", true, said, said, said, 1))));
        isText(said -> {
            var changes = new StatusChanges();
            var before = StatusFixtures.fleet();
            changes.add(before);
            changes.add(StatusFixtures.alerts(before, new FiringAlert(said, said, said, said, said, said)));
            return changes.table();
        }, said -> new FiringAlert(said, said, said, said, said, said).words());
        isText(said -> new StatusReport(StatusFixtures.alerts(StatusFixtures.fleet(),
                new FiringAlert("a" + said, said, said, said, said, said))).tables()[5], said -> "a" + said);
    }

    /** Console output of values, including tables of lists. */
    @Test
    void values_at_the_console() {
        var values = new ArrayList<Function<String, Object>>();
        values.add(said -> List.of(new Backend.Worker("w", "training" + said, said, said, said, Optional.empty())));
        values.add(said -> List.of(new OperationsApi.Operation("op" + said, "type" + said, said, said, said, 1, said, 1,
                said, said)));
        values.add(said -> List.of(new Prometheus.Series("up", Map.of("job", said), 1)));
        for (var value : values) {
            int rows = ValueText.words(value.apply("x")).split("\n", -1).length;
            for (var said : HOSTILE) {
                var lines = List.of(ValueText.words(value.apply(said)).split("\n", -1));
                assertEquals(rows, lines.size(), said);
                isOneLine(lines);
            }
        }
    }

    @Test
    void a_long_word_is_there_whole() {
        assertTrue(LONG.getBytes(StandardCharsets.UTF_8).length > 4096);
        assertTrue(BackupReport.table(record(LONG)).lines().get(1).contains("x".repeat(4096)));
    }
}
