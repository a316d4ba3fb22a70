///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Check that the machines are ready for KTRDR

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.LocalCommand;
import ktrdr.OutputFile;
import ktrdr.cli.Cli;
import ktrdr.health.MachineChecks;
import ktrdr.health.MachineRecord;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Dns;
import ktrdr.node.MachineFacts;
import ktrdr.node.Sudoers;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "verify-infra", header = "Check that the machines are ready for KTRDR.",
        description = {"",
            "Checks ssh, Docker, disk, memory, clock, names, network, ports and the registry, in one round trip to "
                    + "every node, on all nodes at once. One small container is started and removed, to prove that a "
                    + "container can start in an LXC. Its small image, ktrdr-probe, is kept for the next run; "
                    + "nothing else changes.",
            ""},
        footer = {"", "Examples:",
            "  jbang verify-infra@ktrdr                    every node, a table of checks",
            "  jbang verify-infra@ktrdr B C                two nodes",
            "  jbang verify-infra@ktrdr --record infra.md  also a record of nodes, versions and checks, in Markdown",
            "  jbang verify-infra@ktrdr B --sudoers        print the sudoers file for the node's user, if that is "
                    + "not root",
            "  jbang verify-infra@ktrdr -o json            for machines: docs/schemas/verify-infra.json lists the "
                    + "keys",
            "",
            "Exit codes: 0 all checks hold; 1 a check failed; 2 wrong usage or inventory; 3 a node could not be "
                    + "reached."})
public class VerifyInfra implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(paramLabel = "NODE",
            description = "Nodes by id, name or host (default: all).") List<String> names = List.of();
    @Option(names = "--record", paramLabel = "FILE",
            description = "Write the verification record to this file, as Markdown.") Path record;
    @Option(names = "--sudoers",
            description = "Print the rules that the nodes' user needs in /etc/sudoers.d, and do nothing "
                    + "else.") boolean sudoers;

    public static void main(String... args) {
        Cli.main(new VerifyInfra(), args);
    }

    @Override
    public Exit call() {
        var inventory = common.inventory();
        if (sudoers) return sudoers(inventory);
        var infra = new MachineChecks(inventory);
        var page = Optional.ofNullable(record).map(OutputFile::at);
        try (var fleet = common.fleet(names).once(); var step = common.console().step("fleet", "gather")) {
            var here = Dns.here(inventory);
            var gathered = fleet.each((node, ssh) -> MachineFacts.gather(ssh, infra.question(node)));
            var checks = new ArrayList<Check>();
            gathered.values().keySet()
                    .forEach(node -> checks.add(new Check(CheckId.ofNode(node, "ssh"), node.name(), true,
                            "a node that answers", "connected", "", 0)));
            gathered.problems()
                    .forEach((node, problem) ->
                            checks.add(Check.unreached(node.name(), problem, "ssh " + inventory.fqdn(node))));
            checks.addAll(infra.checks(gathered.values(), here.join()));
            checks.sort((a, b) -> Integer.compare(place(inventory, a), place(inventory, b)));
            step.done(gathered.values().size() + " of " + fleet.nodes().size() + " nodes answered");
            page.ifPresent(file -> {
                file.write(String.join("\n", MachineRecord.markdown(inventory, gathered.values(), checks, Instant.now(),
                        LocalCommand.whoAndWhere())) + "\n");
                common.console().note("record written to " + record);
            });
            return common.checks("verify-infra", checks, gathered.problems(),
                    Map.of("nodes", nodes(inventory, gathered.values())));
        }
    }

    private Exit sudoers(Inventory inventory) {
        var file = Sudoers.file(names.isEmpty() ? inventory.nodes() : names.stream().map(inventory::node).toList());
        if (!common.json()) common.console().print(file.stripTrailing());
        return common.report(Document.of("sudoers", Exit.OK).with("sudoers", file));
    }

    /** Nodes in the inventory's order, this machine last. */
    private static int place(Inventory inventory, Check check) {
        var names = inventory.nodes().stream().map(Node::name).toList();
        return names.contains(check.node()) ? names.indexOf(check.node()) : names.size();
    }

    private static List<Map<String, Object>> nodes(Inventory inventory, Map<Node, MachineFacts> facts) {
        var nodes = new ArrayList<Map<String, Object>>();
        facts.forEach((node, host) -> {
            var map = new LinkedHashMap<String, Object>();
            map.put("node", node.name());
            map.put("host", inventory.fqdn(node));
            for (var fact : List.of("os", "kernel", "virtual", "docker", "compose", "driver"))
                map.put(fact, host.facts().get(fact));
            map.put("cpus", host.cpus());
            map.put("memory_bytes", host.memory());
            map.put("clock_skew_seconds", host.skew());
            nodes.add(map);
        });
        return nodes;
    }
}
