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

/** {@code operations start data}. */
@Command(name = "data", header = "Load market data through the broker's host service.")
final class StartData implements Callable<Exit> {
    enum Mode { tail, backfill, full }

    @Mixin Cli.Common common;
    @Mixin StartOptions options;
    @Parameters(index = "0", paramLabel = "SYMBOL") String symbol;
    @Parameters(index = "1", paramLabel = "TIMEFRAME", description = "Such as 1d or 1h.") String timeframe;
    @Option(names = "--start-date", paramLabel = "YYYY-MM-DD") LocalDate from;
    @Option(names = "--end-date", paramLabel = "YYYY-MM-DD") LocalDate to;
    @Option(names = "--mode", paramLabel = "tail|backfill|full",
            description = "Newer, older or all of it (default: tail).", defaultValue = "tail") Mode mode;

    @Override
    public Exit call() {
        return options.start(common, Kind.data, "symbol", symbol, "timeframe", timeframe, "mode", mode,
                "start_date", from, "end_date", to);
    }
}
