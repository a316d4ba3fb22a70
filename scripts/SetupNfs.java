///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Share a folder over NFS with every node, and prove that it works

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.share.NfsProof;
import ktrdr.share.NfsReport;
import ktrdr.share.NfsSetup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "setup-nfs", header = "Share a folder over NFS with every node, and prove that it works.",
        description = {"",
            "Sets up the NFS server on the node named by storage.server (or none, if that is a host outside the "
                    + "fleet) and the mount on every other node. Then each node writes a file that all others read. "
                    + "Other lines in fstab and exports stay as they are.",
            "",
            "A node with `storage: {from: host}` gets the share from its host: its folder is checked, and no NFS is "
                    + "set up there.",
            ""},
        footer = {"", "Examples:",
            "  jbang setup-nfs@ktrdr            every node; a second run changes nothing",
            "  jbang setup-nfs@ktrdr B          one more node, and the server",
            "  jbang setup-nfs@ktrdr --check    report differences, change nothing",
            "  jbang setup-nfs@ktrdr --dry-run  show what would be done, with a diff of each file",
            "",
            "Exit codes: 0 set up and proven; 1 something failed or differs; 2 wrong usage or inventory; 3 a node "
                    + "could not be reached."})
public class SetupNfs implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Parameters(paramLabel = "NODE", arity = "0..*",
            description = "Nodes to set up, always with the server (default: all).") List<String> names = List.of();
    @Option(names = "--check",
            description = "Report differences (exit code 1) and change nothing.") boolean check;

    public static void main(String... args) {
        Cli.main(new SetupNfs(), args);
    }

    @Override
    public Exit call() {
        try (var fleet = fleet()) {
            if (fleet.inventory().storage().clients().equals("*"))
                common.console().note(
                        "warning: storage.clients is \"*\": every host that reaches the server may write to the "
                                + "share, also as root");
            var setup = new NfsSetup(fleet, common.console());
            setup.gather();
            var report = new NfsReport(setup, common);
            if (check) return report.checks();
            if (change.dryRun) return report.plan();
            setup.apply();
            return report.done(prove(fleet, setup));
        }
    }

    /** The nodes asked for; the server is always among them, since it has to let them in. */
    private Fleet fleet() {
        var inventory = common.inventory();
        if (inventory.storage().server().isEmpty()) throw Problem.usage("this fleet has no share")
                .expected("`storage: {server: NODE}` in " + inventory.source());
        if (names.isEmpty()) return common.fleet(List.of());
        var nodes = new ArrayList<>(names);
        inventory.storageNode().map(Node::name).ifPresent(nodes::add);
        return common.fleet(nodes);
    }

    private NfsProof.Proven prove(Fleet fleet, NfsSetup setup) {
        var ready = setup.plans().keySet().stream().filter(node -> !setup.problems().containsKey(node)).toList();
        try (var step = common.console().step("share", "prove")) {
            var outcome = NfsProof.prove(fleet, ready);
            if (outcome.problems().isEmpty() && !outcome.seen().isEmpty())
                step.done(outcome.seen().size() + " wrote, all others read; the files are removed");
            return outcome;
        }
    }
}
