///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION List, show, start, follow, cancel and resume KTRDR's operations

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.api.OperationFollower;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.api.OperationsDesk;
import ktrdr.cli.Cli;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "operations", header = "List, show, start, follow, cancel and resume KTRDR's operations.",
        mixinStandardHelpOptions = true,
        subcommands = {Operations.Listing.class, Operations.Show.class, Operations.Start.class, Operations.Follow.class,
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

    private static OperationsDesk open(Cli.Common common) {
        return new OperationsDesk(common, common.running(false).inventory());
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
            if (limit < 1 || limit > MOST) throw Problem.usage(
                    "invalid --limit").expected("a number from 1 to " + MOST)
                    .found(String.valueOf(limit));
            try (var desk = open(common)) {
                var found = desk.operations().listWithWorkers(status, type, active, limit);
                var report = desk.report();
                var started = desk.backend().started();
                common.report(Document.of("operations", Exit.OK).with("operations", report.document(found))
                        .with("backend_started", started.map(Object::toString).orElse(null)), report.table(found));
                if (common.json()) return Exit.OK;
                if (found.isEmpty()) common.console().note("the backend lists no operations");
                common.console().note("this is what the backend has in memory"
                        + started.map(time -> ", since its start at " + time).orElse("")
                        + "; for an operation that ended before: jbang operations@ktrdr show ID");
                return Exit.OK;
            }
        }
    }

    @Command(name = "show", header = "Show all details of an operation, and the worker that runs it.")
    static class Show implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Parameters(paramLabel = "ID") String id;

        @Override
        public Exit call() {
            try (var desk = open(common)) {
                return desk.show(id);
            }
        }
    }

    @Command(name = "follow",
            header = "Follow an operation to its end; Ctrl-C asks whether to cancel it.")
    static class Follow implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Parameters(paramLabel = "ID") String id;

        @Override
        public Exit call() {
            try (var desk = open(common)) {
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
            try (var desk = open(common)) {
                desk.follower().cancel(id);
                return desk.show(id);
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
            try (var desk = open(common)) {
                var from = desk.operations().resume(id);
                var epoch = from.path("epoch").isNumber() ? "epoch " + from.path("epoch").asInt() : "its checkpoint";
                common.console().note("operation", "resume", id + " goes on from " + epoch + " of "
                        + from.path("created_at").asText("an unknown time") + "; its percentage starts again at 0");
                return noFollow ? desk.show(id) : desk.follow(id);
            }
        }
    }

    @Command(name = "start", header = "Start an operation and follow it to its end.", mixinStandardHelpOptions = true,
            subcommands = {Dummy.class, Backtest.class, TrainingStart.class, Data.class})
    static class Start implements Callable<Exit> {
        @Override
        public Exit call() {
            throw Problem.usage("operations start: no type given").expected("dummy, backtest, training or data")
                    .fix("operations start --help");
        }
    }

    /** The options of whatever is started. */
    static class Starting {
        @Option(names = "--set", paramLabel = "NAME=VALUE",
                description = "Another field of the request to the backend; may be repeated.") Map<String,
                        String> more = Map.of();
        @Option(names = "--no-follow", description = "Start it, print its id and stop.") boolean noFollow;
        @Option(names = {"-n", "--dry-run"}, description = "Show what would be sent, and stop.") boolean dryRun;

        Exit start(Cli.Common common, Kind kind, Object... fields) {
            var body = new LinkedHashMap<String, String>();
            for (int i = 0; i < fields.length; i += 2)
                if (fields[i + 1] != null) body.put((String) fields[i], fields[i + 1].toString());
            body.putAll(more);
            ktrdr.api.OperationsApi.complete(kind, body);
            try (var desk = open(common)) {
                if (dryRun) return wouldSend(common, desk.operations().url(kind), body);
                var id = desk.operations().start(kind, body);
                common.console().note("operation", kind.name(), id + " is started");
                if (!noFollow && kind != Kind.dummy) return desk.follow(id);
                if (!noFollow) common.console()
                        .note("operation", kind.name(), "it is not followed: it " + OperationFollower.GIVEN_UP);
                if (!common.json()) common.console().print(id);
                return common.report(Document.of("operation-started", Exit.OK).with("operation", id));
            }
        }

        private static Exit wouldSend(Cli.Common common, String url, Map<String, String> body) {
            var table = Table.of("field", "value");
            body.forEach(table::row);
            return common.report(Document.of("operation-plan", Exit.OK).with("post", url).with("body", body),
                    Table.of("post").row(url), table);
        }
    }

    @Command(name = "dummy", header = "Start a harmless operation of 200 s on the backend; not followed.")
    static class Dummy implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Mixin Starting starting;

        @Override
        public Exit call() {
            return starting.start(common, Kind.dummy);
        }
    }

    @Command(name = "training", header = "Train a model by a strategy, on a worker; it is saved on the share.")
    static class TrainingStart implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Mixin Starting starting;
        @Parameters(index = "0", paramLabel = "STRATEGY") String strategy;
        @Option(names = "--symbols", paramLabel = "S,S", description = "Default: those of the "
                + "strategy.") String symbols;
        @Option(names = "--timeframes", paramLabel = "T,T",
                description = "Such as 1d,1h (default: those of the strategy).") String timeframes;
        @Option(names = "--start-date", paramLabel = "YYYY-MM-DD") LocalDate from;
        @Option(names = "--end-date", paramLabel = "YYYY-MM-DD") LocalDate to;

        @Override
        public Exit call() {
            return starting.start(common, Kind.training, "strategy_name", strategy, "symbols", symbols, "timeframes",
                    timeframes, "start_date", from, "end_date", to);
        }
    }

    @Command(name = "backtest",
            header = "Test a trained model on past data, on a worker.")
    static class Backtest implements Callable<Exit> {
        @Mixin Cli.Common common;
        @Mixin Starting starting;
        @Parameters(index = "0", paramLabel = "STRATEGY") String strategy;
        @Parameters(index = "1", paramLabel = "SYMBOL") String symbol;
        @Parameters(index = "2", paramLabel = "TIMEFRAME", description = "Such as 1d or 1h.") String timeframe;
        @Option(names = "--start-date", paramLabel = "YYYY-MM-DD", required = true) LocalDate from;
        @Option(names = "--end-date", paramLabel = "YYYY-MM-DD", required = true) LocalDate to;
        @Option(names = "--model-path", paramLabel = "PATH", required = true,
                description = "The trained model, as in `show` of its training; of an absolute path, the part after "
                        + "/models/.") String model;
        @Option(names = "--initial-capital", paramLabel = "AMOUNT") java.math.BigDecimal capital;

        @Override
        public Exit call() {
            return starting.start(common, Kind.backtest, "strategy_name", strategy, "symbol", symbol, "timeframe",
                    timeframe, "start_date", from, "end_date", to,
                    "model_path", model, "initial_capital", capital == null ? null : capital.toPlainString());
        }
    }

    @Command(name = "data", header = "Load market data through the broker's host service.")
    static class Data implements Callable<Exit> {
        enum Mode { tail, backfill, full }

        @Mixin Cli.Common common;
        @Mixin Starting starting;
        @Parameters(index = "0", paramLabel = "SYMBOL") String symbol;
        @Parameters(index = "1", paramLabel = "TIMEFRAME", description = "Such as 1d or 1h.") String timeframe;
        @Option(names = "--start-date", paramLabel = "YYYY-MM-DD") LocalDate from;
        @Option(names = "--end-date", paramLabel = "YYYY-MM-DD") LocalDate to;
        @Option(names = "--mode", paramLabel = "tail|backfill|full",
                description = "Newer, older or all of it (default: tail).", defaultValue = "tail") Mode mode;

        @Override
        public Exit call() {
            return starting.start(common, Kind.data, "symbol", symbol, "timeframe", timeframe, "mode", mode,
                    "start_date", from, "end_date", to);
        }
    }
}
