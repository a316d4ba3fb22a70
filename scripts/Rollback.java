///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Go back to an earlier release: images, configuration and scale

import java.util.Optional;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.cli.Cli;
import ktrdr.cli.NodeChoice;
import ktrdr.deploy.NodePlanner;
import ktrdr.deploy.RolloutCommand;
import ktrdr.deploy.RolloutRun;
import ktrdr.fleet.Fleet;
import ktrdr.release.History;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Stack;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "rollback", header = "Go back to an earlier release: images, configuration and scale.",
        description = {"",
            "Without --to it restores the last successful release before the current one; if the last deployment "
                    + "failed and was not rolled back, the last successful one. It uses the same images, by digest, "
                    + "and pulls none that a node still has. Data is never touched.",
            ""},
        footer = {"", "Examples:",
            "  jbang rollback@ktrdr core            the core stack, to the previous release",
            "  jbang rollback@ktrdr workers B --to sha-3f2c9ab",
            "  jbang rollback@ktrdr all --list      what was deployed to each node, and how it ended",
            "  jbang rollback@ktrdr core --dry-run  show what would be done, with a diff of each file",
            "",
            "Exit codes: 0 rolled back; 1 failed, or nothing to roll back to; 2 wrong usage or inventory; 3 a node "
                    + "could not be reached; 4 a node is locked by another run;",
            "5 failed, and the changes were rolled back; 130 interrupted before anything was changed."})
public class Rollback implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin RolloutCommand rolling;
    @Mixin NodeChoice where;
    @Option(names = "--to", paramLabel = "TAG", description = "The release to go back to.") String to;
    @Option(names = "--list", description = "Show the history and stop.") boolean list;

    public static void main(String... args) {
        Cli.main(new Rollback(), args);
    }

    @Override
    public Exit call() {
        var whole = common.running(false);
        var inventory = whole.inventory();
        var tag = Optional.ofNullable(to).map(ReleaseTag::tag);
        try (var fleet = whole.of(inventory, where.nodes(inventory, "rollback"))) {
            if (list) return list(fleet);
            try (var locks = change.locks(fleet, common,
                    "rollback " + where.words() + tag.map(" --to "::concat).orElse(""))) {
                var chosen = fleet.each(
                        (node, ssh) -> choose(Stack.of(inventory, node), History.of(ssh, inventory, node),
                                tag));
                chosen.problems().values().stream().filter(problem -> problem.exit() != Exit.UNREACHABLE)
                        .findFirst()
                        .ifPresent(problem -> {
                            throw problem;
                        });
                NodePlanner.different(chosen.values())
                        .ifPresent(where -> common.console()
                                .note("fleet", "to",
                                        "different releases: " + where + "; --to TAG selects one for all"));
                return new RolloutRun(common, fleet, locks,
                        rolling.options(Optional.of(chosen.values()), true), "rolled back").run(change.dryRun,
                                (stack, ssh) -> NodePlanner.rollback(stack, ssh,
                                        Optional.ofNullable(chosen.values().get(stack.node()))
                                                .orElseThrow(() -> chosen.problems().get(stack.node()))));
            }
        }
    }

    private History.Entry choose(Stack stack, History history, Optional<String> tag) {
        var entry = NodePlanner.target(stack, history, tag);
        common.console().note(stack.node().name(), "to",
                entry.tag() + ", deployed " + entry.time() + " by " + entry.by());
        return entry;
    }

    private Exit list(Fleet fleet) {
        var found = fleet.each((node, ssh) -> History.of(ssh, fleet.inventory(), node));
        var table = NodePlanner.table(found.values());
        var documents = found.values().entrySet().stream()
                .map(entry -> Document.fields("node", entry.getKey().name(), "releases",
                        entry.getValue().all().stream().map(History.Entry::forMachines).toList())).toList();
        common.report(Document.of("releases", found.exit()).with("nodes", documents).errors(found.problems()), table);
        common.problems(found.problems());
        if (table.isEmpty() && !common.json()) common.console().note("nothing was deployed yet");
        return found.exit();
    }
}
