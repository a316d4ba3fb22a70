package ktrdr.operations;

import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.cli.Cli;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code operations start dummy}. */
@Command(name = "dummy", header = "Start a harmless operation of 200 s on the backend; not followed.")
final class StartDummy implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin StartOptions options;

    @Override
    public Exit call() {
        return options.start(common, Kind.dummy);
    }
}
