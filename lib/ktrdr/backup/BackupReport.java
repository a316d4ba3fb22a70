package ktrdr.backup;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import ktrdr.Exit;
import ktrdr.Table;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Document;
import ktrdr.report.Reports;

/** Backups as tables for the user and documents for JSON. */
public final class BackupReport {
    private BackupReport() {}

    /** A backup that was just made. */
    public static Table table(BackupRecord record) {
        return Table.of("backup", "size", "rows", "tables", "took", "database")
                .row(record.file(), Units.size(record.bytes()), record.rows(), record.count(),
                Units.duration(record.took()), Units.size(record.databaseBytes()));
    }

    /** @param path the dump's, on the node or, where it is empty, on this machine */
    public static Document document(String node, String path, BackupRecord record, List<String> removed) {
        return Document.of("backup", Exit.OK).with("node", node).with("path", path).with("backup", record.document())
                .with("removed", removed);
    }

    /** All backups, by this clock. */
    public static Table table(BackupListing folder, Instant now) {
        var table = Table.of("backup", "age", "size", "rows", "tables", "database", "verified");
        for (var found : folder.backups()) {
            var record = found.record();
            table.row(record.file(), age(record.made(), now), Units.size(record.bytes()), record.rows(), record.count(),
                    Units.size(record.databaseBytes()),
                    found.verified().map(time -> age(time, now) + " ago").orElse("never"));
        }
        return table;
    }

    /** The age of a moment by this clock, in words. */
    public static String age(Instant since, Instant now) {
        return Units.duration(Duration.ofSeconds(seconds(since, now)));
    }

    private static long seconds(Instant since, Instant now) {
        return Math.max(0, Duration.between(since, now).toSeconds());
    }

    /** The same for JSON. */
    public static Document document(BackupListing folder, Instant now) {
        var document = Document.of("backups", Exit.OK).with("path", folder.path()).with("free_bytes", folder.free());
        document.with("backups", folder.backups().stream().map(found -> {
            var map = found.record().document();
            map.put("age_seconds", seconds(found.record().made(), now));
            map.put("verified", found.verified().map(Instant::toString).orElse(null));
            return map;
        }).toList());
        return document.with("incomplete", folder.incomplete());
    }

    /** The incomplete backups in one line; empty if there are none. */
    public static String incomplete(BackupListing folder) {
        var names = folder.incomplete();
        if (names.isEmpty()) return "";
        return "incomplete " + (names.size() == 1 ? "backup: " : "backups: ") + String.join(", ", names) + " in "
                + folder.path();
    }

    /** The plan of a backup into the folder, without making it. */
    public static Table plan(Stack core, BackupListing folder, List<String> surplus) {
        var table = Table.of("plan", "").row("backup of", "the database in the container "
                + core.container(core.needed(Part.DATABASE)) + " on " + core.node().name())
                .row("into", folder.path() + ", " + Units.size(folder.free()) + " free");
        folder.backups().stream().findFirst()
                .ifPresent(newest ->
                        table.row("the last one", newest.record().file() + ", " + Units.size(newest.record().bytes())));
        surplus.forEach(name -> table.row("then removed", name));
        return table;
    }

    /** Reports the plan of a backup into the folder. */
    public static Exit planned(Reports reports, Inventory inventory, BackupListing folder,
            BackupFolder.Retention retention) {
        var surplus = folder.surplus(retention, Instant.now());
        var core = Stack.of(inventory, inventory.core());
        return reports.report(Document.of("backup-plan", Exit.OK).with("node", core.node().name())
                .with("path", folder.path()).with("free_bytes", folder.free()).with("would_remove", surplus),
                plan(core, folder, surplus));
    }

    /** Reports the plan of a backup to a file of this machine. */
    public static Exit planned(Reports reports, BackupDownload file) {
        var replaced = file.present();
        return reports.report(Document.of("backup-plan", Exit.OK).with("node", "").with("path", file.path().toString())
                .with("would_replace", replaced.stream().map(Path::toString).toList()), Table.of("plan", "")
                .row("backup into", file.path()).row("replaced", replaced.isEmpty() ? "nothing" : replaced));
    }

    /** Reports all backups, and what is incomplete among them. */
    public static Exit listed(Reports reports, BackupListing folder) {
        var exit = reports.report(document(folder, Instant.now()), table(folder, Instant.now()));
        var incomplete = incomplete(folder);
        if (!incomplete.isEmpty()) reports.console().note(incomplete);
        if (folder.backups().isEmpty() && !reports.json())
            reports.console().note("no backup yet in " + folder.path());
        return exit;
    }
}
