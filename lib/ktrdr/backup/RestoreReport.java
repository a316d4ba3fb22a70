package ktrdr.backup;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import ktrdr.Exit;
import ktrdr.Table;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.report.Document;
import ktrdr.report.Reports;

/** A restore in words: what will be restored and what it replaces, then what was done. */
public record RestoreReport(Inventory inventory, Reports reports) {
    /**
     * The backup, and the database as it is now.
     *
     * @param into the new database; empty if the existing one is replaced
     */
    public void announce(BackupRecord backup, RestoreScript.Present present, Optional<String> into) {
        note("backup", backup.name() + ", " + BackupReport.age(backup.made(), Instant.now()) + " old, "
                + backup.count() + " tables, " + backup.rows() + " rows, " + Units.size(backup.bytes()));
        note(into.isEmpty() ? "replaces" : "next to", inventory.database().name() + ": " + present.words());
    }

    /** A line about core. */
    public void note(String what, String text) {
        reports.console().note(inventory.core().name(), what, text);
    }

    /** With {@code --dry-run}: the database that would be written, and the backup. */
    public Exit planned(String database, BackupRecord backup) {
        return reports.report(Document.of("restore-plan", Exit.OK).with("database", database)
                .with("backup", backup.document()));
    }

    /** The steps with their durations; {@code more} begins the document. */
    public Exit restored(BackupRecord backup, RestoreScript.Done done, Map<String, Object> more) {
        var table = Table.of("step", "took");
        done.seconds().forEach((step, seconds) -> table.row(step, seconds + " s"));
        return reports.report(Document.of("restore", Exit.OK).with(more).with(RestoreScript.document(backup, done)),
                table);
    }

    /** How long a replacement took, and how long the backend was away. */
    public void took(Duration took, Optional<Duration> away) {
        reports.console().note("restored in " + Units.duration(took)
                + away.map(time -> "; the backend was away for " + Units.duration(time)).orElse(""));
    }
}
