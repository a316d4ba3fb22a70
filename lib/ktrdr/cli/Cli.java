package ktrdr.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.StandardOutput;
import ktrdr.Units;
import ktrdr.api.FleetSession;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.AddedWorkers;
import ktrdr.release.DeployedScale;
import ktrdr.release.LockScripts;
import ktrdr.release.NodeLocks;
import ktrdr.report.Reports;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * The command line all scripts share: their common options, their exit codes, and the one place where an exception
 * becomes a sentence.
 */
public final class Cli {
    /**
     * The option in each of the forms that picocli takes: {@code -o json}, {@code -o=json}, {@code -ojson},
     * {@code --output json}, {@code --output=json}.
     */
    private static final Pattern OUTPUT = Pattern.compile("(?:--output|-o)|(?:--output=|-o=?)(?<value>.+)");

    private Cli() {}

    /** Runs a command and ends the process with its exit code, also after a signal: see {@link Shutdown}. */
    public static void main(Callable<Exit> command, String... args) {
        System.setOut(StandardOutput.OF_PROCESS);
        var invocation = Invocation.ofProcess();
        var line = line(command, invocation);
        var stopping = new Shutdown(() -> unfinished(line));
        stopping.exit(run(line, invocation, args));
    }

    private static boolean unfinished(CommandLine line) {
        return mixins(line, Common.class).anyMatch(Common::unfinished) || line.getSubcommands().values().stream()
                .anyMatch(Cli::unfinished);
    }

    /** Runs a command in this process and answers its exit code. */
    public static int run(Callable<Exit> command, String... args) {
        return run(command, Invocation.ofProcess(), args);
    }

    /**
     * The same with other variables and streams than this process has, for programs that start procedures and read what
     * they print.
     */
    public static int run(Callable<Exit> command, Invocation invocation, String... args) {
        return run(line(command, invocation), invocation, args);
    }

    /**
     * The command line of a command, with what all have in common: how durations and dates are written, and what
     * becomes of an exception.
     */
    public static CommandLine line(Callable<Exit> command) {
        return line(command, Invocation.ofProcess());
    }

    private static CommandLine line(Callable<Exit> command, Invocation invocation) {
        Locale.setDefault(Locale.ROOT);
        var line = new CommandLine(command)
                .setOut(new PrintWriter(invocation.out(), true))
                .setErr(new PrintWriter(invocation.err(), true))
                .registerConverter(Duration.class, Units::duration)
                .registerConverter(LocalDate.class, Units::date)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpWidth(110)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler((wrong, arguments) -> Failures.wrongUsage(wrong, arguments, invocation))
                .setExecutionExceptionHandler(
                        (exception, at, parsed) -> Failures.report(exception, common(at, invocation)));
        prepare(line, invocation);
        return line;
    }

    private static void prepare(CommandLine line, Invocation invocation) {
        line.getCommandSpec().version("ktrdr " + LocalCommand.VERSION);
        line.getHelpSectionMap().put(CommandLine.Model.UsageMessageSpec.SECTION_KEY_FOOTER,
                help -> HelpFooter.text(List.of(help.commandSpec().usageMessage().footer()),
                        help.commandSpec().usageMessage().width()));
        mixins(line, Common.class).forEach(common -> common.invocation = invocation);
        line.getSubcommands().values().forEach(below -> prepare(below, invocation));
    }

    private static int run(CommandLine line, Invocation invocation, String... args) {
        int code = line.execute(args);
        int ended = code == 0 ? result(line) : code;
        return StandardOutput.lost(invocation.out()).map(lost -> Failures.report(lost, new Common(invocation)))
                .filter(failed -> ended == 0).orElse(ended);
    }

    private static int result(CommandLine line) {
        var parsed = line.getParseResult();
        while (parsed != null && parsed.hasSubcommand()) parsed = parsed.subcommand();
        Object value = parsed == null ? null : parsed.commandSpec().commandLine().getExecutionResult();
        return value instanceof Exit exit ? exit.code : 0;
    }

    /** What a command line that could not be read wants standard output to get. */
    public static Output asked(String... arguments) {
        var words = Arrays.stream(arguments).takeWhile(word -> !word.equals("--")).toList();
        var asked = Output.text;
        for (int i = 0; i < words.size(); i++) {
            var found = OUTPUT.matcher(words.get(i));
            if (!found.matches()) continue;
            var value = found.group("value") != null ? found.group("value") : i + 1 < words.size() ? words.get(i + 1)
                    : "";
            asked = value.equalsIgnoreCase("json") ? Output.json : Output.text;
        }
        return asked;
    }

    private static Common common(CommandLine at, Invocation invocation) {
        for (var line = at; line != null; line = line.getParent()) {
            var common = mixins(line, Common.class).findFirst();
            if (common.isPresent()) return common.get();
        }
        return new Common(invocation);
    }

    private static <T> Stream<T> mixins(CommandLine line, Class<T> type) {
        return line.getMixins().values().stream().filter(type::isInstance).map(type::cast);
    }

    /** What standard output gets: tables for the user, or one JSON document. */
    public enum Output { text, json }

    /** The options every script has, and what they lead to: the console, the inventory, the fleet. */
    public static final class Common extends Reports {
        @Option(names = {"-i", "--inventory"}, paramLabel = "FILE",
                description = "The inventory; else $KTRDR_INVENTORY, inventory.yaml in this folder or one above, or "
                        + "in ~/.config/ktrdr/.")
        public Path inventoryFile;

        @Option(names = {"-o", "--output"}, paramLabel = "text|json", defaultValue = "text",
                description = "Form of the result: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
        Output output = Output.text;

        @Option(names = {"-v", "--verbose"}, description = "Show more about each step.")
        boolean verbose;

        @Option(names = "--color", paramLabel = "WHEN", defaultValue = "auto",
                description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}; NO_COLOR is obeyed).")
        Console.Color color = Console.Color.auto;

        @Option(names = "--forks", paramLabel = "N", defaultValue = "" + Fleet.FORKS,
                description = "Maximum number of nodes at once (default: ${DEFAULT-VALUE}).")
        int forks = Fleet.FORKS;

        @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
        boolean help;

        @Option(names = {"-V", "--version"}, versionHelp = true, description = "Show the version.")
        boolean version;

        private Invocation invocation;
        private volatile Console console;
        private static final String EXAMPLE =
                "this is the toolkit's example of an inventory, its hosts are not yours: describe your own in a copy "
                        + "without"
                + " its line `example: true`, and name that by -i FILE or KTRDR_INVENTORY, or put it at "
                + "~/.config/ktrdr/inventory.yaml";
        private Inventory inventory;
        /** What asked for the scale of nodes, for the work that follows. */
        private volatile NodeLocks locks;

        /** Of this process, until a command line says otherwise. */
        public Common() {
            this(Invocation.ofProcess());
        }

        Common(Invocation invocation) {
            this.invocation = invocation;
        }

        /** The variables and streams of this run. */
        public Invocation invocation() {
            return invocation;
        }

        /** The console of this run, as --color and --verbose want it. */
        @Override
        public Console console() {
            if (console == null) console = new Console(invocation, color, verbose);
            return console;
        }

        /** The fleet's inventory, found by {@link Inventory#find} and named once on standard error. */
        public Inventory inventory() {
            if (inventory == null) {
                inventory = AddedWorkers.in(Inventory.find(Optional.ofNullable(inventoryFile),
                        invocation.environment(), Path.of("").toAbsolutePath()));
                console().note("inventory " + inventory.source() + ", " + inventory.nodes().size() + " nodes");
                if (inventory.example()) console().note(EXAMPLE);
            }
            return inventory;
        }

        /**
         * Makes everything that follows log in as the read-only user ({@link Inventory#looking}): for procedures that
         * change nothing and read no secret.
         */
        public Inventory looking() {
            inventory = inventory().looking();
            return inventory;
        }

        /**
         * The whole fleet, for everything that counts workers: in its inventory a workers node without a scale has the
         * scale that runs there (see {@link DeployedScale}). The nodes that were asked for it stay connected:
         * {@link Fleet#of} uses their connections.
         *
         * @param targets whether Prometheus' targets are written from it; then a node that cannot be asked is a
         *     {@link Problem}, else it is reported and 1 is assumed
         */
        public Fleet running(boolean targets) {
            var asking = fleet(inventory(), inventory().nodes());
            var asked = DeployedScale.of(asking);
            inventory = targets ? asked.known() : asked.inventory();
            asked.unknown().forEach((node, problem) -> console().note(node.name(), "scale",
                    "is not in the inventory, and the node could not be asked: 1 is assumed"));
            return asking.of(inventory, inventory.nodes());
        }

        /** The nodes of these ids, names or hosts, or all of them where none is named; not connected yet. */
        public Fleet fleet(List<String> names) {
            var nodes = names == null || names.isEmpty() ? inventory().nodes()
                    : names.stream().map(inventory()::node).distinct().toList();
            return fleet(inventory(), nodes);
        }

        /** These nodes of an inventory, with the options of this run; not connected yet. */
        public Fleet fleet(Inventory inventory, List<Node> nodes) {
            return new Fleet(inventory, nodes, console()).atOnce(forks);
        }

        /**
         * What the console provides: every node, backend, operations, Prometheus, database; nothing is connected yet.
         */
        public FleetSession session() {
            return FleetSession.of(fleet(inventory(), inventory().nodes()));
        }

        /**
         * The locks of the fleet's reachable nodes, for what the command line says, after waiting so long for their
         * present owners.
         */
        public NodeLocks locks(Fleet fleet, String what, Duration wait) {
            return locks(fleet, what, wait, node -> "");
        }

        private NodeLocks locks(Fleet fleet, String what, Duration wait, Function<Node, String> look) {
            locks = NodeLocks.take(fleet, LockScripts.Owner.now(LocalCommand.whoAndWhere(),
                    what.strip().replaceAll(" +", " ")), wait, console(), look);
            return locks;
        }

        /**
         * Whether something is under way that may not be left half done: work on a node, or what the user was asked
         * about.
         */
        boolean unfinished() {
            return locks != null && locks.held() || console != null && console.asked();
        }

        /** Whether the result is one JSON document, and nothing else goes to standard output. */
        @Override
        public boolean json() {
            return output == Output.json;
        }
    }

    /** The options of scripts that change something. */
    public static final class Changing {
        @Option(names = {"-n", "--dry-run"},
                description = "Show what would be done, with a diff of each file, and stop.")
        public boolean dryRun;

        @Option(names = {"-y", "--yes"}, description = "Do not ask before a destructive step.")
        public boolean yes;

        @Option(names = "--wait", paramLabel = "D", defaultValue = "0s",
                description = "How long to wait for a node that is locked by another run.")
        Duration wait;

        /** The locks of the nodes that can be reached, for what the command line says; none for --dry-run. */
        public NodeLocks locks(Fleet fleet, Common common, String what) {
            return locks(fleet, common, what, node -> "");
        }

        /** The same, with a script that each node runs as its lock is taken, for {@link NodeLocks#looked}. */
        public NodeLocks locks(Fleet fleet, Common common, String what, Function<Node, String> look) {
            return dryRun ? NodeLocks.none(fleet, look) : common.locks(fleet, what, wait, look);
        }

        /** Asks before a destructive step; without a terminal and without --yes it refuses. */
        public void confirm(Console console, String question) {
            if (!yes) console.confirm(question);
        }
    }
}
