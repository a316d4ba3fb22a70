///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/library.java
// without the second compiler what is sent to this machine, or from it, is ten times slower: it alone has the fast AES
//RUNTIME_OPTIONS -XX:+UseSerialGC -XX:-CreateCoredumpOnCrash -XX:ErrorFile=/dev/null
//DESCRIPTION Restore a backup, and compare it with its record

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.backup.BackupFolder;
import ktrdr.backup.BackupRecord;
import ktrdr.backup.DatabaseReplacement;
import ktrdr.backup.RestoreReport;
import ktrdr.backup.RestoreScript;
import ktrdr.cli.Cli;
import ktrdr.deploy.BackendDrain;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "restore-db", header = "Restore a backup, and compare it with its record.",
        description = {"",
            "Asks first, backs up the current database, stops backend and workers, and loads the backup into a new "
                    + "database. Only if each table matches the backup's record are the two swapped, by their names; "
                    + "a failure before that leaves the database unchanged. The previous database is kept until the "
                    + "next restore or --drop-old.",
            ""},
        footer = {"", "Examples:",
            "  jbang restore-db@ktrdr latest                    the newest backup; asks first",
            "  jbang restore-db@ktrdr ktrdr-20260101T020000Z-sha-3f2c9ab --yes",
            "  jbang restore-db@ktrdr ./ktrdr.dump.zst          a file on this machine, made by backup-db --to",
            "  jbang restore-db@ktrdr latest --into ktrdr_look  as another database; nothing else is touched",
            "  jbang restore-db@ktrdr latest --dry-run          show what would be replaced, and by what",
            "  jbang restore-db@ktrdr --drop-old                remove the database that the last restore replaced",
            "",
            "Exit codes: 0 restored; 1 refused or failed, and the database is unchanged; 2 wrong usage or inventory, "
                    + "or not confirmed;",
            "3 a node could not be reached; 4 a node is locked by another run, or another backup or restore is "
                    + "running; 130 interrupted, and the database is unchanged."})
public class RestoreDb implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Parameters(index = "0", arity = "0..1", paramLabel = "FILE|latest",
            description = "A backup in the backup folder, with or without its suffix, or the newest; or a file on "
                    + "this machine made by backup-db --to.") String file;
    @Option(names = "--into", paramLabel = "DB",
            description = "Restore into a new database of this name, and touch nothing else.") String into;
    @Option(names = "--drop-old",
            description = "Remove the databases that earlier restores replaced or left unfinished; with or without a "
                    + "restore.") boolean dropOld;

    public static void main(String... args) {
        Cli.main(new RestoreDb(), args);
    }

    @Override
    public Exit call() {
        if (file == null && !dropOld) throw Problem.usage("no backup named")
                .expected("restore-db FILE, restore-db latest, or --drop-old").fix("jbang backup-db@ktrdr --list");
        if (into != null && !into.matches("[a-z_][a-z0-9_]{0,62}")) throw Problem.usage("`" + into
                + "` is not a valid name for a database").expected("small letters, digits and _, at most 63");
        var inventory = common.inventory();
        BackupFolder.proveDatabase(inventory);
        boolean all = file != null && into == null;
        try (var fleet = common.fleet(all ? List.of() : List.of(inventory.core().name()))) {
            var restore = new RestoreScript(inventory, fleet.ssh(inventory.core()), common.console());
            var present = restore.present();
            if (file == null) return drop(restore, present);
            var backups = new BackupFolder(inventory, fleet.ssh(inventory.core()), common.console());
            var chosen = BackupFolder.ChosenBackup.of(backups, file);
            var report = new RestoreReport(inventory, common);
            report.announce(chosen.record(), present, Optional.ofNullable(into));
            var cut = all ? operationsCut(fleet, report) : "";
            if (change.dryRun) return report.planned(all ? inventory.database().name() : into, chosen.record());
            if (into != null) return report.restored(chosen.record(),
                    chosen.restored(source -> restore.run(RestoreScript.Mode.into, source, into, "")),
                    Map.of("database", into));
            confirm(fleet, chosen.record(), present, cut);
            return replace(fleet, chosen, report, present, backups);
        }
    }

    private Exit drop(RestoreScript restore, RestoreScript.Present present) {
        if (!present.kept().isEmpty() && !change.dryRun)
            change.confirm(common.console(), String.join(", ", present.kept()) + " would be removed. Continue?");
        var dropped = change.dryRun ? present.kept()
                : restore.run(RestoreScript.Mode.drop, RestoreScript.Source.NONE, "", "").dropped();
        if (change.dryRun)
            common.console().note("would be dropped: " + (dropped.isEmpty() ? "nothing" : String.join(", ", dropped)));
        return common.report(Document.of("databases", Exit.OK)
                .with(change.dryRun ? "would_remove" : "removed", dropped));
    }

    /** What the backend itself runs, which ends with it, as a sentence for the question; empty if it runs nothing. */
    private String operationsCut(Fleet fleet, RestoreReport report) {
        try (var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5))) {
            var running = new BackendDrain(fleet.inventory(), http, common.console()).running().orElse(List.of());
            if (running.isEmpty()) return "";
            report.note("at work", "the backend itself, which is stopped: " + BackendDrain.words(running));
            return " " + BackendDrain.words(running) + " on the backend itself would be cut.";
        }
    }

    private void confirm(Fleet fleet, BackupRecord backup, RestoreScript.Present present, String cut) {
        var unreached = fleet.each((node, ssh) -> ssh.name()).problems();
        common.problems(unreached);
        var writers = unreached.isEmpty() ? "" : " Workers on "
                + unreached.keySet().stream().map(Node::name).collect(Collectors.joining(", "))
                + " could not be stopped and may write meanwhile.";
        change.confirm(common.console(), "the database " + common.inventory().database().name() + " ("
                + present.words() + ") would be replaced by " + backup.name() + "." + writers + cut + " Continue?");
    }

    /** Backs the database up and replaces it, under the locks of all nodes. */
    private Exit replace(Fleet fleet, BackupFolder.ChosenBackup chosen, RestoreReport report,
            RestoreScript.Present present, BackupFolder backups) {
        var document = Document.fields("database", common.inventory().database().name());
        long started = System.nanoTime();
        try (var locks = change.locks(fleet, common, "restore-db " + chosen.record().name());
                var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5))) {
            if (present.holds()) document.put("safety_backup", backups.make(BackupFolder.Retention.NONE,
                    "restore-db by " + LocalCommand.whoAndWhere()).record().name());
            else report.note("backup", "no backup is made of the current database: " + present.words());
            var outcome = chosen.restored(new DatabaseReplacement(fleet, locks, http, common.console())::run);
            if (dropOld) new RestoreScript(common.inventory(), fleet.ssh(common.inventory().core()), common.console())
                    .run(RestoreScript.Mode.drop, RestoreScript.Source.NONE, "", "");
            var took = Duration.ofNanos(System.nanoTime() - started);
            document.put("seconds", took.toMillis() / 1000.0);
            outcome.away().ifPresent(away -> document.put("backend_away_seconds", away.toMillis() / 1000.0));
            var exit = report.restored(chosen.record(), outcome.done(), document);
            report.took(took, outcome.away());
            if (!dropOld) outcome.done().replaced().ifPresent(kept -> common.console()
                    .note("the previous database is kept as " + kept
                            + ": jbang restore-db@ktrdr --drop-old removes it"));
            return exit;
        }
    }
}
