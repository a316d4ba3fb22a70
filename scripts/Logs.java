///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Logs of many containers on many nodes in the order of time, once or followed

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

@Command(name = "logs", header = "Logs of many containers on many nodes in the order of time, once or followed.",
        description = {"",
                "The first word is a node (id, name or host), core, workers or all. Each later one is a service where "
                        + "the nodes before it have such a one, "
                + "else a node. One script on each node reads all of its containers side by side, stopped ones too; "
                + "nothing is changed, and no lock is taken.", ""},
        footer = {"", "Examples:",
            "  jbang logs@ktrdr core                                    the last 200 lines of each container of core",
            "  jbang logs@ktrdr core backend -f                         and what comes, until Ctrl-C",
            "  jbang logs@ktrdr all -f --grep 'ERROR|Traceback'         of the whole fleet",
            "  jbang logs@ktrdr B C backtest-worker-1 --since 1h30m     of one worker on two nodes",
            "  jbang logs@ktrdr workers --since 2026-01-01T10:00:00Z -o json | jq -r .line",
            "", "Exit codes: 0 all was shown; 1 there is no container of a service, or a log could not be read; 2 "
                    + "wrong usage or inventory;",
            "3 a node could not be reached; 130 interrupted."})
public class Logs implements Callable<Exit> {
    private static final int TAIL = 200;

    @Mixin Cli.Common common;
    @Parameters(arity = "1..*", paramLabel = "core|workers|all|NODE|SERVICE",
            description = "Nodes, core, workers or all; then services, else all of theirs.") List<String> words;
    @Option(names = {"-f", "--follow"},
            description = "Go on with what comes, also from containers that are replaced or restarted.") boolean follow;
    @Option(names = "--tail", paramLabel = "N",
            description = "Lines of each container, or all (default: 200; all with --since or --grep).") String tail;
    @Option(names = "--since", paramLabel = "T",
            description = "Since so long, as 10m or 1h30m, by the node's clock; or since a day or a time of UTC, as "
                    + "2026-01-01 or 2026-01-01T10:00:00Z.") String since;
    @Option(names = "--grep", paramLabel = "REGEX",
            description = "Only lines in which this is found; a regular expression of Java.") String grep;
    @Option(names = {"-t", "--timestamps"}, description = "The time in front of each line, UTC.") boolean times;
    @Option(names = "--raw", description = "Escape sequences as they are, instead of shown and harmless.") boolean raw;

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
        throw Problem.usage("--tail is no number of lines").expected("a number of at least 0, or all").found(tail);
    }

    /** As docker takes it. */
    private String since() {
        if (since == null) return "";
        try {
            if (!since.matches("\\d{4}-.*")) return Units.duration(since).toMillis() + "ms";
            var time = since.length() == 10 ? Units.date(since).atStartOfDay(ZoneOffset.UTC).toInstant()
                    : Units.instant(since);
            if (time.isAfter(Instant.now().plus(Duration.ofHours(1)))) throw Problem.usage(
                    "--since has not come yet, and there is no log of it").expected("a time that is over")
                    .found(time.toString());
            return time.toString();
        } catch (DateTimeException e) {
            throw noTime();
        } catch (Problem problem) {
            throw problem.sentence().startsWith("this is no") ? noTime() : problem;
        }
    }

    private Problem noTime() {
        return Problem.usage("--since is no time")
                .expected("a duration such as 10m or 1h30m, a day such as 2026-01-01, or a time such as "
                        + "2026-01-01T10:00:00Z (UTC without a zone)").found(since);
    }

    private Predicate<String> filter() {
        if (grep == null) return text -> true;
        try {
            return Pattern.compile(grep).asPredicate();
        } catch (PatternSyntaxException e) {
            throw Problem.usage("--grep is no regular expression: " + e.getDescription())
                    .expected("one of Java, as in java.util.regex.Pattern").found(grep);
        }
    }
}
