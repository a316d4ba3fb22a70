///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Show the fleet's state on one screen

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.status.FleetStatus;
import ktrdr.status.StatusReport;
import ktrdr.status.StatusWatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "status", header = "Show the fleet's state on one screen.",
        description = {"",
            "The daily check: machines, releases, locks, workers, targets, drift, backup. It runs one script on each "
                    + "node and a few HTTP requests; it changes nothing and takes no lock. Problems are listed under "
                    + "the tables, with the next step.",
            ""},
        footer = {"", "Examples:",
            "  jbang status@ktrdr                           once",
            "  jbang status@ktrdr --watch                   refresh every 5 s until q or Ctrl-C, then list what "
                    + "changed",
            "  jbang status@ktrdr --watch --until 30m >log  one line per refresh, for half an hour",
            "  jbang status@ktrdr --usage                   also the resources that each container uses; takes a "
                    + "second longer",
            "  jbang status@ktrdr -o json                   for machines: {\"ok\": …, \"nodes\": […], \"workers\": "
                    + "…, \"checks\": […]}",
            "",
            "Exit codes: 0 no problem; 1 a problem; 2 wrong usage or inventory; 3 a node could not be reached; 130 "
                    + "interrupted.",
            "With --watch it is the exit code of the last refresh."})
public class Status implements Callable<Exit> {
    private static final Duration PATIENCE = Duration.ofSeconds(4);

    @Mixin Cli.Common common;
    @Option(names = "--usage",
            description = "Also show memory, CPU and disk of each container against its limits, and its growth since "
                    + "it was created.") boolean usage;
    @Option(names = "--watch", description = "Refresh until q, Ctrl-C or --until.") boolean watch;
    @Option(names = "--interval", paramLabel = "D",
            description = "Time between refreshes (default: 5s).") Duration interval;
    @Option(names = "--until", paramLabel = "D", description = "Stop watching after this time.") Duration until;

    public static void main(String... args) {
        Cli.main(new Status(), args);
    }

    @Override
    public Exit call() {
        if (!watch && (interval != null || until != null))
            throw Problem.usage("--interval and --until need --watch").expected("status --watch --interval 10s");
        if (interval != null && interval.toMillis() < 500)
            throw Problem.usage("--interval is too short").expected("500ms or more");
        common.looking();
        if (watch) common.lines();
        try (var fleet = common.running(false); var http = new Http(fleet.inventory().overrides(), PATIENCE)) {
            if (watch) return watch(fleet.lasting(), http);
            try (var step = common.console().step("fleet", "look")) {
                var status = FleetStatus.look(fleet.once(), http, usage);
                step.close();
                return report(status);
            }
        }
    }

    private Exit report(FleetStatus status) {
        var report = new StatusReport(status);
        var exit = common.checks("status", report.checks(), status.unreached(), report.document(), report.problems(),
                report.tables());
        if (!common.json()) report.remarks().forEach(common.console()::note);
        return exit;
    }

    private Exit watch(Fleet fleet, Http http) {
        var watched = new StatusWatch(common.console(), common.json(),
                Optional.ofNullable(interval).orElse(Duration.ofSeconds(5))).run(() -> {
                    fleet.retry();
                    return FleetStatus.look(fleet, http, usage);
                }, Optional.ofNullable(until));
        // what was drawn is gone from the terminal by now
        if (watched.drawn()) watched.last().ifPresent(this::report);
        var exit = watched.interrupted() ? Exit.INTERRUPTED : watched.last().map(FleetStatus::exit).orElse(Exit.OK);
        common.report(watched.changes().document(exit), watched.changes().table());
        common.console().note(watched.changes().summary());
        return exit;
    }
}
