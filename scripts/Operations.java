///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION List, show, start, follow, cancel and resume KTRDR's operations

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.operations.OperationsDesk;
import ktrdr.operations.StartCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "operations", header = "List, show, start, follow, cancel and resume KTRDR's operations.",
        mixinStandardHelpOptions = true,
        subcommands = {Operations.Listing.class, Operations.Show.class, StartCommand.class, Operations.Follow.class,
                Operations.Cancel.class, Operations.Resume.class},
        description = {"",
            "Uses only the backend's API, over HTTP. A started operation is followed to its end, with the node and "
                    + "worker that run it.",
            ""},
        footer = {"", "Examples:",
            "  jbang operations@ktrdr list --active",
            "  jbang operations@ktrdr start data AAPL 1d --start-date 2024-01-01",
            "  jbang operations@ktrdr start training STRATEGY --symbols AAPL,MSFT --timeframes 1d",
            "  jbang operations@ktrdr start backtest STRATEGY AAPL 1d --start-date 2024-01-01 --end-date 2024-06-30 "
                    + "--model-path models/STRATEGY",
            "  jbang operations@ktrdr follow ID        Ctrl-C asks whether to cancel it or leave it running",
            "  jbang operations@ktrdr resume ID        a cancelled or failed operation, from its last checkpoint",
            "  jbang operations@ktrdr show ID -o json  for machines: \"backend\" is the backend's own document",
            "",
            "Exit codes: 0 completed, or cancelled as asked; 1 failed, was cancelled or is unknown; 2 wrong usage or "
                    + "inventory; 3 the backend does not answer;",
            "130 interrupted: the message says whether it goes on or was cancelled."})
public class Operations implements Callable<Exit> {
    public static void main(String... args) {
        Cli.main(new Operations(), args);
    }

    @Override
    public Exit call() {
        throw Problem.usage("operations: no subcommand given").expected("list, show, start, follow, cancel or resume")
                .fix("operations --help");
    }

    /** What an operation can be. */
    static final class Statuses extends ArrayList<String> {
        Statuses() {
            super(List.of("pending", "resuming", "running", "completed", "failed", "cancelled"));
        }
    }

    @Command(name = "list", header = "List the newest operations that the backend knows.",
            description = "The backend lists the operations in its memory: its own, those of its workers, and those "
                    + "requested by id since its start. `show ID` finds all others.")
    static class Listing implements Callable<Exit> {
        /** As the backend has it. */
        private static final int MOST = 1000;

        @Mixin Cli.Common common;
        @Option(names = "--status", paramLabel = "S", defaultValue = "",
                description = "One of ${COMPLETION-CANDIDATES}.", completionCandidates = Statuses.class) String status;
        @Option(names = "--type", paramLabel = "T", defaultValue = "",
                description = "Such as backtesting, training, data_load, dummy.") String type;
        @Option(names = "--active", description = "Only operations that have not ended.") boolean active;
        @Option(names = "--limit", paramLabel = "N", defaultValue = "10",
                description = "Maximum number (default: ${DEFAULT-VALUE}).") int limit;

        @Override
        public Exit call() {
            if (limit < 1 || limit > MOST) throw Problem.usage("invalid --limit")
                    .expected("a number from 1 to " + MOST).found(String.valueOf(limit));
            try (var desk = OperationsDesk.open(common)) {
                return desk.list(status, type, active, limit);
            }
        }
    }

    @Command(name = "show", header = "Show all details of an operation, and the worker that runs it.")
    static class Show implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Parameters(paramLabel = "ID") String id;

        @Override
        public Exit call() {
            try (var desk = OperationsDesk.open(common)) {
                return desk.show(id);
            }
        }
    }

    @Command(name = "follow", header = "Follow an operation to its end; Ctrl-C asks whether to cancel it.")
    static class Follow implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Parameters(paramLabel = "ID") String id;

        @Override
        public Exit call() {
            try (var desk = OperationsDesk.open(common)) {
                return desk.follow(id);
            }
        }
    }

    @Command(name = "cancel", header = "Cancel an operation, and prove it.")
    static class Cancel implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Parameters(paramLabel = "ID") String id;

        @Override
        public Exit call() {
            try (var desk = OperationsDesk.open(common)) {
                return desk.cancel(id);
            }
        }
    }

    @Command(name = "resume", header = "Resume an operation from its last checkpoint, and follow it.")
    static class Resume implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Parameters(paramLabel = "ID") String id;
        @Option(names = "--no-follow", description = "Resume it and stop.") boolean noFollow;

        @Override
        public Exit call() {
            try (var desk = OperationsDesk.open(common)) {
                desk.resume(id);
                return noFollow ? desk.show(id) : desk.follow(id);
            }
        }
    }
}
