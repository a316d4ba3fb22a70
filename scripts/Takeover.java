///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Take over an installation that was made by hand or another tool

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.backup.BackupFolder;
import ktrdr.cli.Cli;
import ktrdr.deploy.InstallationTakeover;
import ktrdr.deploy.NodePlanner;
import ktrdr.deploy.Rollout;
import ktrdr.deploy.RolloutCommand;
import ktrdr.deploy.RolloutRun;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.release.FileChanges;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Stack;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "takeover", header = "Take over an installation that was made by hand or another tool.",
        description = {"",
            "After a backup, and once every image is on the nodes, it stops each node's containers and keeps them "
                    + "aside. It copies the data of database, Prometheus and Grafana, and deploys the release in "
                    + "their place. If that does not get healthy, or a row is missing, it starts the old "
                    + "installation again.",
            ""},
        footer = {"", "Examples:",
            "  jbang takeover@ktrdr --dry-run               show what would be replaced, copied and left alone on "
                    + "every node",
            "  jbang takeover@ktrdr --tag sha-3f2c9ab       the whole fleet, core first",
            "  jbang takeover@ktrdr core --tag sha-3f2c9ab  only core",
            "  jbang takeover@ktrdr B --back                go back to the old installation",
            "  jbang takeover@ktrdr --drop-old              remove the old installation, with its volumes",
            "",
            "Exit codes: 0 taken over; 1 failed; 2 wrong usage or inventory; 3 a node could not be reached; 4 a node "
                    + "is locked by another run;",
            "5 failed, and the old installation runs again; 130 interrupted before anything was changed."})
public class Takeover implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin RolloutCommand rolling;
    @Parameters(paramLabel = "NODE",
            description = "Nodes by id, name or host (default: all).") List<String> names = List.of();
    @Option(names = "--tag", paramLabel = "TAG",
            description = "The release; else sha-<commit> of the current KTRDR checkout.") String tag;
    @Option(names = "--back",
            description = "Go back to the old installation, also after an interrupted takeover. Data written since "
                    + "is lost.") boolean back;
    @Option(names = "--drop-old",
            description = "Remove the old installation after a successful takeover, with the volumes that were "
                    + "copied.") boolean dropOld;

    public static void main(String... args) {
        Cli.main(new Takeover(), args);
    }

    @Override
    public Exit call() {
        if (back && dropOld) throw Problem.usage("--back and --drop-old exclude each other").expected("one of them");
        if (back || dropOld) return afterwards();
        var release = tag != null ? ReleaseTag.tag(tag) : ReleaseTag.ofCheckout(Path.of("").toAbsolutePath())
                .orElseThrow(ReleaseTag::missing);
        var whole = common.running(true);
        var inventory = whole.inventory();
        var nodes = names.isEmpty() ? inventory.nodes() : inventory.nodes().stream()
                .filter(node -> names.stream().map(inventory::node).anyMatch(node::equals)).toList();
        FileChanges.proveTemplates(inventory, nodes);
        try (var fleet = whole.of(inventory, nodes);
                var locks = change.locks(fleet, common, ("takeover " + String.join(" ", names)).strip() + " " + release,
                        node -> look(inventory, node, release))) {
            var taking = new InstallationTakeover(fleet, locks, common.console());
            return new RolloutRun(common, fleet, locks, rolling.options(Optional.empty(), true), "taken over")
                    .exchanging(taking).before(rollout -> prepare(taking, fleet, release, rollout))
                    .run(change.dryRun, (stack, ssh) -> {
                        var plan = taking.plan(stack, ssh, locks.looked(stack.node()), release);
                        if (!common.json()) taking.describe(stack.node()).forEach(common.console()::print);
                        return plan;
                    });
        }
    }

    /** Confirms it, proves what can be proven before, and backs the database up. */
    private void prepare(InstallationTakeover taking, Fleet fleet, String release, Rollout rollout) {
        change.confirm(common.console(), "what runs on " + words(taking.nodes().stream().toList())
                + " would be stopped, put aside and replaced by " + release + ". Go on?");
        taking.nodes().forEach(taking::prove);
        var core = fleet.inventory().core();
        boolean database = Stack.of(fleet.inventory(), core).service(Part.DATABASE).isPresent();
        if (database && taking.nodes().contains(core)) rollout.backedUp(Optional.of(
                new BackupFolder(fleet.inventory(), fleet.ssh(core), common.console())
                        .make(BackupFolder.Retention.NONE, InstallationTakeover.by()).record()));
    }

    private static String look(Inventory inventory, Node node, String release) {
        return NodePlanner.look(inventory, Stack.of(inventory, node), List.of(), Optional.of(release));
    }

    private static String words(List<Node> nodes) {
        return nodes.stream().map(Node::name).sorted().collect(Collectors.joining(", "));
    }

    /** Restores or removes the old installation that a takeover kept. */
    private Exit afterwards() {
        var what = back ? "--back" : "--drop-old";
        try (var fleet = common.fleet(names); var locks = change.locks(fleet, common, "takeover " + what)) {
            var taking = new InstallationTakeover(fleet, locks, common.console());
            var kept = taking.kept();
            if (kept.isEmpty()) common.console().note("no old installation on " + words(fleet.nodes()));
            kept.forEach((node, eachKept) -> {
                if (dropOld) eachKept.refuseUnfinished(node);
                common.console().note(node.name(), "aside", eachKept.words());
            });
            var done = new ArrayList<Map<String, Object>>();
            if (!kept.isEmpty() && !change.dryRun) {
                change.confirm(common.console(),
                        back ? "the current installation would be removed, with all data written since. Continue?"
                                : "all of it would be removed. Continue?");
                kept.forEach((node, eachKept) ->
                        done.add(Document.fields("node", node.name(), "ok", true, "outcome",
                                end(taking, node, eachKept))));
            }
            return common.report(Document.of("takeover", Exit.OK).with("nodes", done));
        }
    }

    private String end(InstallationTakeover taking, Node node, InstallationTakeover.Kept kept) {
        if (back) taking.restore(node);
        else taking.drop(node, kept);
        return back ? "returned" : "removed";
    }
}
