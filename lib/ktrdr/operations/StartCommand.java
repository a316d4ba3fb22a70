package ktrdr.operations;

import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import picocli.CommandLine.Command;

/** The command {@code start} of {@code operations}, with a subcommand for each type of operation. */
@Command(name = "start", header = "Start an operation and follow it to its end.", mixinStandardHelpOptions = true,
        subcommands = {StartDummy.class, StartBacktest.class, StartTraining.class, StartData.class})
public final class StartCommand implements Callable<Exit> {
    @Override
    public Exit call() {
        throw Problem.usage("operations start: no type given").expected("dummy, backtest, training or data")
                .fix("operations start --help");
    }
}
