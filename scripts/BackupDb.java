///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Make a backup of the database that is proven before it has a name

import java.util.List;
import java.util.concurrent.Callable;
import ktrdr.Backups;
import ktrdr.Cli;
import ktrdr.Exit;
import ktrdr.Local;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "backup-db", header = "Make a backup of the database that is proven before it has a name.",
        footer = {"", "Examples:",
            "  jbang backup-db@ktrdr             a backup into the folder that the inventory names",
            "", "Exit codes: 0 there is a new backup; 1 there is none, and the earlier ones are as they were; 2 wrong usage or inventory;",
            "3 core could not be reached; 4 another backup is being made; 130 interrupted."})
public class BackupDb implements Callable<Exit> {
    @Mixin Cli.Common common;

    public static void main(String... args) {
        Cli.main(new BackupDb(), args);
    }

    @Override
    public Exit call() {
        try (var fleet = common.fleet(List.of(common.inventory().core().name()))) {
            var inventory = common.inventory();
            var backups = new Backups(inventory, fleet.ssh(inventory.core()), common.console());
            var made = backups.make(new Backups.Retention(inventory.backup().keep(), 0), Local.whoAndWhere());
            common.report(made.record());
            return Exit.OK;
        }
    }
}
