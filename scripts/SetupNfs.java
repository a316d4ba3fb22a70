///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Share a folder from the storage server with every node, and prove it

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.report.Check;
import ktrdr.report.Document;
import ktrdr.share.NfsPlan;
import ktrdr.share.NfsProof;
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
            if (check) return checked(setup);
            if (change.dryRun) return show(setup);
            setup.apply();
            return report(setup, prove(fleet, setup));
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

    private Exit checked(NfsSetup setup) {
        var checks = setup.plans().values().stream().flatMap(plan -> plan.checks().stream()).toList();
        var exit = worst(setup.problems()).and(Check.allOk(checks) ? Exit.OK : Exit.FAILED);
        common.report(Document.of("checks", exit).with("checks", checks).errors(setup.problems()), Check.table(checks));
        if (!common.json()) Check.failures(checks).forEach(common.console()::problem);
        common.problems(setup.problems());
        return exit;
    }

    private Exit show(NfsSetup setup) {
        var steps = Table.of("node", "step", "expected", "found");
        setup.plans().forEach((node, plan) -> plan.steps().stream().filter(step -> step.needed())
                .forEach(step -> steps.row(node.name(), step.name(), step.expected(), step.found())));
        var nodes = setup.plans().entrySet().stream()
                .map(entry -> document(entry.getKey(), setup.problems(), "would_change",
                entry.getValue().steps().stream().filter(NfsPlan.Step::needed).map(NfsPlan.Step::name).toList(), "diff",
                entry.getValue().diff())).toList();
        common.report(Document.of("nfs-plan", worst(setup.problems())).with("nodes", nodes).errors(setup.problems()),
                steps);
        if (!common.json())
            setup.plans().values().forEach(plan -> plan.diff().forEach(line -> common.console().print(line)));
        if (!common.json() && steps.isEmpty() && setup.problems().isEmpty())
            common.console().note("nothing would change");
        common.problems(setup.problems());
        return worst(setup.problems());
    }

    private Exit report(NfsSetup setup, NfsProof.Proven proof) {
        var problems = new LinkedHashMap<>(setup.problems());
        proof.problems().forEach(problems::putIfAbsent);
        var steps = Table.of("node", "step", "", "what");
        setup.plans().forEach((node, plan) -> plan.steps().forEach(step -> steps.row(node.name(), step.name(),
                setup.changed(node).contains(step.name()) ? "changed" : step.needed() ? "not done" : "same",
                step.expected())));
        var seen = Table.of("wrote", "took", "in a container", "read by");
        proof.seen().forEach(eachSeen -> seen.row(eachSeen.writer().name(), eachSeen.written() + " ms",
                eachSeen.container(), words(eachSeen.read())));
        long changed = setup.plans().keySet().stream().mapToLong(node -> setup.changed(node).size()).sum();
        var nodes = setup.plans().keySet().stream()
                .map(node -> document(node, problems, "changed", setup.changed(node))).toList();
        common.report(Document.of("nfs", worst(problems)).with("nodes", nodes)
                .with("proof", proof.seen().stream().map(eachSeen -> Document.fields("node", eachSeen.writer().name(),
                "written_seconds", eachSeen.written() / 1000.0, "container", eachSeen.container(), "read_seconds",
                seconds(eachSeen.read()))).toList()).errors(problems), steps, seen);
        common.problems(problems);
        common.console().note(changed + " changed"
                + (problems.isEmpty() ? "" : ", " + problems.size() + " nodes failed"));
        return worst(problems);
    }

    private static String words(Map<String, Long> read) {
        return String.join(", ",
                read.entrySet().stream().map(entry -> entry.getKey() + " in " + entry.getValue() + " ms").toList());
    }

    private static Map<String, Double> seconds(Map<String, Long> read) {
        var seconds = new LinkedHashMap<String, Double>();
        read.forEach((node, milliseconds) -> seconds.put(node, milliseconds / 1000.0));
        return seconds;
    }

    private static Map<String, Object> document(Node node, Map<Node, Problem> problems, Object... more) {
        var document = Document.fields("node", node.name(), "ok", !problems.containsKey(node));
        document.putAll(Document.fields(more));
        return document;
    }

    private static Exit worst(Map<Node, Problem> problems) {
        return problems.values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
    }
}
