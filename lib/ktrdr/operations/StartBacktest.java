package ktrdr.operations;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.cli.Cli;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code operations start backtest}. */
@Command(name = "backtest", header = "Test a trained model on past data, on a worker.")
final class StartBacktest implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin StartOptions options;
    @Parameters(index = "0", paramLabel = "STRATEGY") String strategy;
    @Parameters(index = "1", paramLabel = "SYMBOL") String symbol;
    @Parameters(index = "2", paramLabel = "TIMEFRAME", description = "Such as 1d or 1h.") String timeframe;
    @Option(names = "--start-date", paramLabel = "YYYY-MM-DD", required = true) LocalDate from;
    @Option(names = "--end-date", paramLabel = "YYYY-MM-DD", required = true) LocalDate to;
    @Option(names = "--model-path", paramLabel = "PATH", required = true,
            description = "The trained model, as in `show` of its training; of an absolute path, the part after "
                    + "/models/.") String model;
    @Option(names = "--initial-capital", paramLabel = "AMOUNT") BigDecimal capital;

    @Override
    public Exit call() {
        return options.start(common, Kind.backtest, "strategy_name", strategy, "symbol", symbol, "timeframe",
                timeframe, "start_date", from, "end_date", to,
                "model_path", model, "initial_capital", capital == null ? null : capital.toPlainString());
    }
}
