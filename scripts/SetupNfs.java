///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Share a folder from the storage server with every node, and prove it

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import ktrdr.Exit;
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

@Command(name = "setup-nfs", header = "Share a folder from the storage server with every node, and prove it.",
        description = {"",
                "Sets up the NFS server on the node that storage.server names (or none, where that is a host outside "
                        + "the fleet) and the mount on every "
                + "other node; then each writes a file that all others read. Lines of others in fstab and exports "
                + "stay as they are.", "",
            "A node with `storage: {from: host}` has the share from the host it runs on: there its folder is judged, "
                    + "and no NFS is set up.", ""},
        footer = {"", "Examples:",
            "  jbang setup-nfs@ktrdr             every node; a second run changes nothing",
            "  jbang setup-nfs@ktrdr B           one more node: it and the server",
            "  jbang setup-nfs@ktrdr --check     tell what differs, change nothing",
            "  jbang setup-nfs@ktrdr --dry-run   what would be done, with the diff of each file",
            "", "Exit codes: 0 set up and proven; 1 something failed, or differs; 2 wrong usage or inventory; 3 a "
                    + "node could not be reached."})
public class SetupNfs implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Parameters(paramLabel = "NODE", arity = "0..*",
            description = "Nodes to set up, and the server with them; else all.") List<String> names = List.of();
    @Option(names = "--check",
            description = "Tell what is not as it should be (exit 1) and change nothing.") boolean check;

    public static void main(String... args) {
        Cli.main(new SetupNfs(), args);
    }

    @Override
    public Exit call() {
        try (var fleet = fleet()) {
            if (fleet.inventory().storage().clients().equals("*"))
                common.console().note(
                        "warning: storage.clients is \"*\": whoever reaches the server may write to the share, as "
                                + "root too");
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
