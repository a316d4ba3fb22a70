///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Prove that the system works, by checks and a sample operation

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
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.verify.Failover;
import ktrdr.verify.Verification;
import ktrdr.verify.VerifyReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "verify", header = "Prove that the system works, by checks and a sample operation.",
        description = {"",
            "Checks the containers and their release on every node, the health of every service, the database and "
                    + "its port from every workers node, each worker by its address, each Prometheus target, and "
                    + "Grafana's data sources. Then runs a sample operation (`sample` in the inventory) and checks "
                    + "its trace in Jaeger, its result, and that every node sees what the others write to the share. "
                    + "Only the sample operation changes anything.",
            ""},
        footer = {"", "Examples:",
            "  jbang verify@ktrdr                       all checks",
            "  jbang verify@ktrdr --quick               without the sample operation and the share",
            "  jbang verify@ktrdr --quick --wait 60s    repeat until all checks hold, for at most a minute",
            "  jbang verify@ktrdr --report verify.html  also write the result as a page",
            "  jbang verify@ktrdr --failover            kill a busy worker, prove that the system recovers, and "
                    + "start it again",
            "  jbang verify@ktrdr -o json               for machines: {\"ok\": …, \"causes\": …, \"checks\": "
                    + "[{\"id\", \"node\", \"ok\", \"expected\", \"found\", …}]}",
            "",
            "Exit codes: 0 all checks hold; 1 a check failed; 2 wrong usage or inventory; 3 a node could not be "
                    + "reached; 130 interrupted."})
public class Verify implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Option(names = "--quick", description = "Only checks that take a few seconds.") boolean quick;
    @Option(names = "--wait", paramLabel = "D", defaultValue = "0s",
            description = "Repeat failed checks for this long; with --failover, wait this long for a locked "
                    + "node.") Duration wait;
    @Option(names = "--report", paramLabel = "FILE",
            description = "Write a self-contained HTML page: fleet, checks, times.") Path report;
    @Option(names = "--failover",
            description = "Kill a busy worker, and prove that the backend notices, others take over, and the worker "
                    + "comes back.") boolean failover;
    @Option(names = {"-y", "--yes"}, description = "With --failover: do not ask first.") boolean yes;
    @Option(names = "--guard", paramLabel = "D", defaultValue = "5m",
            description = "With --failover: the node restarts the worker by itself after this time, if this run is "
                    + "killed (default: ${DEFAULT-VALUE}).") Duration guard;

    public static void main(String... args) {
        Cli.main(new Verify(), args);
    }

    @Override
    public Exit call() {
        if (failover && (quick || report != null)) throw Problem.usage("--failover is a separate proof")
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
        Stack.of(common.inventory(), common.inventory().core()).needed(Part.BACKEND);
        if (!yes) common.console().confirm(Failover.QUESTION);
        try (var fleet = common.running(false);
                var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5));
                var locks = common.locks(fleet, "verify --failover", wait)) {
            return common.checks(Failover.run(fleet, locks, http, common.console(), guard), Map.of());
        }
    }
}
