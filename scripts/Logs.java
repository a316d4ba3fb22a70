///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Show logs of many containers in the order of time

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.cli.Cli;
import ktrdr.logs.LogChoice;
import ktrdr.logs.LogPrinter;
import ktrdr.logs.LogReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "logs", header = "Show logs of many containers in the order of time.",
        description = {"",
            "The first word is a node (id, name or host), core, workers or all. Each later word is a service, if the "
                    + "nodes before it have one of that name, else a node. One script on each node reads all of its "
                    + "containers at once, stopped ones too. It changes nothing and takes no lock.",
            ""},
        footer = {"", "Examples:",
            "  jbang logs@ktrdr core                             the last 200 lines of each container of core",
            "  jbang logs@ktrdr core backend -f                  also new lines, until Ctrl-C",
            "  jbang logs@ktrdr all -f --grep 'ERROR|Traceback'  matching lines of the whole fleet",
            "  jbang logs@ktrdr B C backtest-worker-1 --since 1h30m  one worker on each of two nodes",
            "  jbang logs@ktrdr workers --since 2026-01-01T10:00:00Z -o json | jq -r .line",
            "",
            "Exit codes: 0 all logs were shown; 1 a service has no container, or a log could not be read; 2 wrong "
                    + "usage or inventory;",
            "3 a node could not be reached; 130 interrupted."})
public class Logs implements Callable<Exit> {
    private static final int TAIL = 200;

    @Mixin Cli.Common common;
    @Parameters(arity = "1..*", paramLabel = "core|workers|all|NODE|SERVICE",
            description = "Nodes, core, workers or all; then services (default: all services).") List<String> words;
    @Option(names = {"-f", "--follow"},
            description = "Also show new lines, even from containers that are replaced or restarted.") boolean follow;
    @Option(names = "--tail", paramLabel = "N",
            description = "Lines of each container, or all (default: 200; all with --since or --grep).") String tail;
    @Option(names = "--since", paramLabel = "T",
            description = "Start this long ago, such as 10m or 1h30m by the node's clock; or at a day or time in "
                    + "UTC, such as 2026-01-01 or 2026-01-01T10:00:00Z.") String since;
    @Option(names = "--grep", paramLabel = "REGEX",
            description = "Only lines that match this regular expression (Java syntax).") String grep;
    @Option(names = {"-t", "--timestamps"}, description = "Show the time of each line, in UTC.") boolean times;
    @Option(names = "--raw", description = "Print escape sequences unchanged, instead of making them visible and "
            + "harmless.") boolean raw;

    public static void main(String... args) {
        Cli.main(new Logs(), args);
    }

    @Override
    public Exit call() {
        common.lines();
        var query = new LogReader.Query(List.of(), tail(), since(), follow, filter());
        var choice = LogChoice.of(common.looking(), words);
        var printer = new LogPrinter(common, new LogPrinter.Style(times, raw), choice.places(common.inventory()));
        try (var fleet = common.fleet(common.inventory(), choice.nodes())) {
            return new LogReader(fleet, query.of(choice.services()), common.console(), printer).read();
        }
    }

    private String tail() {
        if (tail == null) return since == null && grep == null ? String.valueOf(TAIL) : "all";
        if (tail.equals("all") || tail.matches("\\d{1,9}")) return tail;
        throw Problem.usage("invalid --tail").expected("a number of at least 0, or all").found(tail);
    }

    /** As docker takes it. */
    private String since() {
        if (since == null) return "";
        try {
            if (!since.matches("\\d{4}-.*")) return Units.duration(since).toMillis() + "ms";
            var time = since.length() == 10 ? Units.date(since).atStartOfDay(ZoneOffset.UTC).toInstant()
                    : Units.instant(since);
            if (time.isAfter(Instant.now().plus(Duration.ofHours(1)))) throw Problem.usage(
                    "--since is in the future").expected("a time in the past")
                    .found(time.toString());
            return time.toString();
        } catch (DateTimeException e) {
            throw noTime();
        } catch (Problem problem) {
            throw problem.sentence().startsWith("invalid") ? noTime() : problem;
        }
    }

    private Problem noTime() {
        return Problem.usage("invalid --since")
                .expected("a duration such as 10m or 1h30m, a day such as 2026-01-01, or a time such as "
                        + "2026-01-01T10:00:00Z (UTC without a zone)").found(since);
    }

    private Predicate<String> filter() {
        if (grep == null) return text -> true;
        try {
            return Pattern.compile(grep).asPredicate();
        } catch (PatternSyntaxException e) {
            throw Problem.usage("--grep is not a regular expression: " + e.getDescription())
                    .expected("Java syntax, as in java.util.regex.Pattern").found(grep);
        }
    }
}
