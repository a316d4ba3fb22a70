package ktrdr.operations;

import java.time.LocalDate;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.cli.Cli;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code operations start training}. */
@Command(name = "training", header = "Train a model by a strategy, on a worker; it is saved on the share.")
final class StartTraining implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin StartOptions options;
    @Parameters(index = "0", paramLabel = "STRATEGY") String strategy;
    @Option(names = "--symbols", paramLabel = "S,S",
            description = "Default: those of the strategy.") String symbols;
    @Option(names = "--timeframes", paramLabel = "T,T",
            description = "Such as 1d,1h (default: those of the strategy).") String timeframes;
    @Option(names = "--start-date", paramLabel = "YYYY-MM-DD") LocalDate from;
    @Option(names = "--end-date", paramLabel = "YYYY-MM-DD") LocalDate to;

    @Override
    public Exit call() {
        return options.start(common, Kind.training, "strategy_name", strategy, "symbols", symbols, "timeframes",
                timeframes, "start_date", from, "end_date", to);
    }
}
