///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES Completion.java
//DESCRIPTION All procedures as one command: jbang app install ktrdr@ktrdr, then ktrdr deploy core all

import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(name = "ktrdr", header = "Run a KTRDR fleet by procedures.", mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "PROCEDURE", commandListHeading = "%nProcedures:%n",
        subcommands = {VerifyInfra.class, SetupDns.class, SetupNfs.class, Stage.class, Deploy.class, Verify.class,
            Rollback.class, Restart.class, Takeover.class, Retire.class, Scale.class, Status.class, Operations.class,
            Logs.class, Run.class, BackupDb.class, RestoreDb.class, RotateSecret.class, Console.class, Lab.class,
            Quickstart.class, Completion.class},
        footer = {"", "Examples:", "  ktrdr status                              the fleet on one screen",
            "  ktrdr deploy core all --tag sha-3f2c9ab   a release to core",
                "  ktrdr deploy --help                       all about one"})
public class Ktrdr implements Callable<Exit> {
    @Spec CommandSpec spec;

    public static void main(String... args) {
        Cli.main(new Ktrdr(), args);
    }

    @Override
    public Exit call() {
        throw Problem.usage("ktrdr: no procedure given")
                .expected("one of " + String.join(", ", spec.subcommands().keySet()))
                .fix("ktrdr --help");
    }
}
