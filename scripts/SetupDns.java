///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Print the fleet's DNS records, and check that every name resolves

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.cli.Cli;
import ktrdr.health.MachineChecks;
import ktrdr.inventory.Inventory;
import ktrdr.node.Dns;
import ktrdr.node.MachineFacts;
import ktrdr.report.Check;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "setup-dns", header = "Print the fleet's DNS records, and check that every name resolves.",
        description = {"",
            "Prints records and changes nothing: add them to your DNS server. --check resolves every name on this "
                    + "machine, on every node, and in a container on every node.",
            ""},
        footer = {"", "Examples:",
            "  jbang setup-dns@ktrdr          the records for every kind of server",
            "  jbang setup-dns@ktrdr --format dnsmasq >ktrdr.conf  ready for /etc/dnsmasq.d",
            "  jbang setup-dns@ktrdr --check  wrong, missing and different answers, place by place",
            "",
            "Exit codes: 0 all names resolve; 1 a name is wrong, missing or different somewhere; 2 wrong usage or "
                    + "inventory; 3 a node could not be reached."})
public class SetupDns implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Option(names = "--format", paramLabel = "FORMAT",
            description = "${COMPLETION-CANDIDATES} (default: all).") Dns.Format format;
    @Option(names = "--check", description = "Resolve every name everywhere, and print no records.") boolean check;

    public static void main(String... args) {
        Cli.main(new SetupDns(), args);
    }

    @Override
    public Exit call() {
        var inventory = common.inventory();
        return check ? check(inventory) : print(inventory);
    }

    private Exit print(Inventory inventory) {
        var records = new LinkedHashMap<Dns.Format, List<String>>();
        for (var eachFormat : format == null ? List.of(Dns.Format.values()) : List.of(format))
            records.put(eachFormat, Dns.records(inventory, eachFormat));
        common.report(Document.of("records", Exit.OK).with("records", records));
        if (!common.json()) records.forEach((eachFormat, lines) -> {
            if (format == null) common.console().print("## " + eachFormat);
            lines.forEach(common.console()::print);
            if (format == null) common.console().print("");
        });
        return Exit.OK;
    }

    private Exit check(Inventory inventory) {
        var infra = new MachineChecks(inventory);
        try (var fleet = common.fleet(List.of()).once(); var step = common.console().step("fleet", "resolve")) {
            var here = Dns.here(inventory);
            var gathered = fleet.each((node, ssh) -> MachineFacts.gather(ssh, infra.question(node).namesOnly()));
            var checks = new ArrayList<Check>();
            gathered.problems()
                    .forEach((node, problem) ->
                            checks.add(Check.unreached(node.name(), problem, "ssh " + inventory.fqdn(node))));
            checks.addAll(Dns.checks(inventory, infra.places(gathered.values(), here.join())));
            gathered.values().forEach((node, host) -> infra.container(node, host).stream().filter(check -> !check.ok())
                    .forEach(checks::add));
            step.close();
            return common.checks(checks, gathered.problems());
        }
    }
}
