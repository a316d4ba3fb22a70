///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/library.java
// without the second compiler what is sent to this machine, or from it, is ten times slower: it alone has the fast AES
//RUNTIME_OPTIONS -XX:+UseSerialGC -XX:-CreateCoredumpOnCrash -XX:ErrorFile=/dev/null
//DESCRIPTION Back up the database, and verify the backup

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.backup.BackupDownload;
import ktrdr.backup.BackupFolder;
import ktrdr.backup.BackupReport;
import ktrdr.backup.BackupSchedule;
import ktrdr.backup.BackupTimer;
import ktrdr.backup.RestoreScript;
import ktrdr.cli.Cli;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "backup-db", header = "Back up the database, and verify the backup.",
        description = {"",
            "Writes pg_dump's custom format, compressed, a record of each table's rows and content, and checksums of "
                    + "both. The backup appears only after its checksum is verified on disk and its table of "
                    + "contents is read; older backups are removed after that.",
            ""},
        footer = {"", "Examples:",
            "  jbang backup-db@ktrdr                      a backup into the folder that the inventory names",
            "  jbang backup-db@ktrdr --keep 7             then keep only the newest 7 backups",
            "  jbang backup-db@ktrdr --to ktrdr.dump.zst  into a file on this machine; nothing is written on core",
            "  jbang backup-db@ktrdr --list               the existing backups, and when each was verified",
            "  jbang backup-db@ktrdr --schedule 02:00     core makes one every day by itself; `off` ends that",
            "  jbang backup-db@ktrdr --verify latest      restore the newest in a container, and compare",
            "  jbang backup-db@ktrdr --list -o json | jq -r '.backups[0].file'",
            "",
            "Exit codes: 0 a new backup exists; 1 failed, and earlier backups are unchanged; 2 wrong usage or "
                    + "inventory;",
            "3 core could not be reached; 4 another backup or restore is running; 130 interrupted."})
public class BackupDb implements Callable<Exit> {
    @Mixin Cli.Common common;
    @ArgGroup Instead instead = new Instead();
    @Option(names = "--keep", paramLabel = "N",
            description = "Keep the newest N backups (default: backup.keep in the inventory).") Integer keep;
    @Option(names = {"-n", "--dry-run"}, description = "Show what would be done, and stop.") boolean dryRun;
    @Option(names = {"-y", "--yes"}, description = "Do not ask before a file is replaced.") boolean yes;

    /** At most one of them, in the place of a backup into the folder. */
    static class Instead {
        @Option(names = "--to", paramLabel = "FILE",
                description = "Write to this file on this machine, with FILE.json and FILE.sha256; nothing is "
                        + "removed.") Path to;
        @Option(names = "--schedule", arity = "0..1", fallbackValue = "", paramLabel = "HH:MM|off",
                description = "Schedule a daily backup on core, at this time of its clock (default: backup.schedule "
                        + "in the inventory), or end that.") String schedule;
        @Option(names = "--verify", paramLabel = "FILE|latest",
                description = "Restore a backup in a separate container, compare it with its record, and note the "
                        + "result; a backup in the folder, or a file on this machine.") String verify;
        @Option(names = "--list", description = "List the existing backups, newest first.") boolean list;

        /** The option that was given; empty for none. */
        String given() {
            return list ? "--list" : to != null ? "--to" : verify != null ? "--verify" : schedule != null
                    ? "--schedule" : "";
        }
    }

    public static void main(String... args) {
        Cli.main(new BackupDb(), args);
    }

    @Override
    public Exit call() {
        checkKeep();
        var file = instead.to == null ? null : BackupDownload.at(instead.to);
        if (file != null && !dryRun && !yes && !file.present().isEmpty())
            common.console().confirm("Replace " + file.present().stream().map(Path::toString)
                    .collect(Collectors.joining(", ")) + "?");
        var inventory = common.inventory();
        if (!instead.list && !"off".equals(instead.schedule)) BackupFolder.proveDatabase(inventory);
        try (var fleet = common.fleet(List.of(inventory.core().name()))) {
            var core = fleet.ssh(inventory.core());
            var backups = new BackupFolder(inventory, core, common.console());
            if (instead.schedule != null) return schedule(core);
            if (instead.list) return BackupReport.listed(common, backups.look());
            if (instead.verify != null) return verify(new RestoreScript(inventory, core, common.console()), backups);
            return file != null ? stream(backups, file) : make(backups);
        }
    }

    private void checkKeep() {
        if (keep != null && keep < 1)
            throw Problem.usage("invalid --keep").expected("a number of at least 1").found(keep.toString());
        if (keep != null && !instead.given().isEmpty())
            throw Problem.usage("--keep is for a backup into the folder of the inventory")
                    .found("--keep with " + instead.given());
    }

    private Exit make(BackupFolder backups) {
        var folder = backups.look();
        var retention = keep != null ? new BackupFolder.Retention(keep, common.inventory().backup().days())
                : BackupFolder.Retention.of(common.inventory());
        var core = common.inventory().core().name();
        if (dryRun) return BackupReport.planned(common, common.inventory(), folder, retention);
        var made = backups.make(retention, LocalCommand.whoAndWhere());
        made.removed().forEach(name -> common.console().note(core, "keep", name + " removed"));
        return common.report(BackupReport.document(core, folder.path() + "/" + made.record().file(), made.record(),
                made.removed()), BackupReport.table(made.record()));
    }

    private Exit stream(BackupFolder backups, BackupDownload file) {
        if (dryRun) return BackupReport.planned(common, file);
        var record = backups.stream(file, LocalCommand.whoAndWhere());
        return common.report(BackupReport.document("", file.path().toString(), record, List.of()),
                BackupReport.table(record));
    }

    private Exit schedule(Ssh core) {
        var at = instead.schedule.isEmpty() ? BackupTimer.time(common.inventory()) : BackupTimer.time(instead.schedule);
        var timer = BackupTimer.look(common.inventory(), core, at);
        if (dryRun && !common.json()) timer.diff().forEach(common.console()::print);
        var now = dryRun ? Optional.<BackupSchedule>empty() : timer.apply(core);
        common.report(timer.document(now));
        timer.differs(common.inventory()).ifPresent(common.console()::note);
        common.console().note(timer.words(dryRun) + now.flatMap(BackupSchedule::next)
                .map(next -> "; the next at " + next).orElse(""));
        return Exit.OK;
    }

    private Exit verify(RestoreScript restore, BackupFolder backups) {
        var chosen = BackupFolder.ChosenBackup.of(backups, instead.verify);
        if (dryRun) {
            common.console().note("would be restored in a container: " + chosen.record().name());
            return common.report(Document.of("restore-plan", Exit.OK).with("database", null)
                    .with("backup", chosen.record().document()));
        }
        var done = chosen.restored(restore::verify);
        chosen.local().ifPresent(file -> done.verified().ifPresent(file::verified));
        return common.report(Document.of("restore", Exit.OK).with("database", null)
                .with(RestoreScript.document(chosen.record(), done)));
    }
}
