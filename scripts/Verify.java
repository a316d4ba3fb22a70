///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Prove that the system works: services, workers, targets, a sample operation with its trace and result

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.LocalCommand;
import ktrdr.OutputFile;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.report.Check;
import ktrdr.verify.Failover;
import ktrdr.verify.Verification;
import ktrdr.verify.VerifyReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "verify",
        header = "Prove that the system works: services, workers, targets, a sample operation with its trace and "
                + "result.",
        description = {"",
                "Containers on every node and their release, the health of every service, a query to the database and "
                        + "its port from every workers node, each worker of "
                + "the inventory by its address, each Prometheus target, Grafana's data sources; a sample operation "
                + "(`sample` in the inventory), its trace in Jaeger, its result, "
                + "and that every node sees what the others write to the share. Apart from the sample operation "
                + "nothing is changed.", ""},
        footer = {"", "Examples:",
            "  jbang verify@ktrdr                        all of it",
            "  jbang verify@ktrdr --quick                without the sample operation and the share",
            "  jbang verify@ktrdr --quick --wait 60s     until all hold, for a minute at most",
            "  jbang verify@ktrdr --report verify.html   and a page to look at or to send on",
            "  jbang verify@ktrdr --failover             kill a worker at work, and prove that the system copes; it "
                    + "is started again",
            "  jbang verify@ktrdr -o json                for machines: {\"ok\": …, \"causes\": …, \"checks\": "
                    + "[{\"id\", \"node\", \"ok\", \"expected\", \"found\", …}]}",
            "", "Exit codes: 0 all hold; 1 one does not; 2 wrong usage or inventory; 3 a node could not be reached; "
                    + "130 interrupted."})
public class Verify implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Option(names = "--quick", description = "Only what takes no longer than a few seconds.") boolean quick;
    @Option(names = "--wait", paramLabel = "D", defaultValue = "0s",
            description = "Check again for so long while something does not hold yet; with --failover, wait for "
                    + "whoever is at work on a node.") Duration wait;
    @Option(names = "--report", paramLabel = "FILE",
            description = "Write a page to look at, which needs nothing beside it: fleet, checks, times.") Path report;
    @Option(names = "--failover",
            description = "Kill a worker at work, prove that the backend notices, that others take over, and that it "
                    + "comes back.") boolean failover;
    @Option(names = {"-y", "--yes"}, description = "With --failover: do not ask before.") boolean yes;
    @Option(names = "--guard", paramLabel = "D", defaultValue = "5m",
            description = "With --failover: after so long the node starts the worker by itself, should this run be "
                    + "killed (default: ${DEFAULT-VALUE}).") Duration guard;

    public static void main(String... args) {
        Cli.main(new Verify(), args);
    }

    @Override
    public Exit call() {
        if (failover && (quick || report != null)) throw Problem.usage("--failover is a proof of its own")
                .expected("verify --failover, without --quick and --report");
        if (failover) return failover();
        if (quick) common.looking();
        var page = Optional.ofNullable(report).map(OutputFile::at);
        var started = Instant.now();
        try (var fleet = common.running(false);
                var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5));
                var verification = new Verification(fleet, http, common.console())) {
            var found = quick ? verification.quick(wait) : verification.full(wait);
            page.ifPresent(file ->
                    file.write(VerifyReport.of(found.status(), found.checks(), started, Instant.now(),
                            LocalCommand.VERSION, common.console()::mask).html()));
            var exit = common.checks("verify", found.checks(), found.unreached(), found.document(), found.problems(),
                    Check.table(found.checks()));
            if (!common.json()) found.remarks().forEach(common.console()::note);
            return exit;
        }
    }

    private Exit failover() {
        if (!yes) common.console().confirm(Failover.QUESTION);
        try (var fleet = common.running(false);
                var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5));
                var locks = common.locks(fleet, "verify --failover", wait)) {
            return common.checks(Failover.run(fleet, locks, http, common.console(), guard), Map.of());
        }
    }
}
