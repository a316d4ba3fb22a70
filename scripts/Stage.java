///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Put the files of a deployment on the nodes, without deploying

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.cli.NodeChoice;
import ktrdr.deploy.NodePlanner;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.FileChanges;
import ktrdr.release.FileChangesScript;
import ktrdr.release.NodeLocks;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.StageReport;
import ktrdr.release.StageReport.Purpose;
import ktrdr.release.Templates;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "stage", header = "Put the files of a deployment on the nodes, without deploying.",
        description = {"",
            "Compose file, env file and monitoring files are rendered from the inventory, checked by Compose, "
                    + "promtool and amtool on the node, then renamed into place together. Only files that differ are "
                    + "written; no container is touched.",
            ""},
        footer = {"", "Examples:",
            "  jbang stage@ktrdr all --check                  differences on the nodes, with a diff; exit code 1 if "
                    + "there are any",
            "  jbang stage@ktrdr workers B --tag sha-3f2c9ab  one node, with another release in its env file",
            "  jbang stage@ktrdr core --dry-run               show what would be written",
            "",
            "Exit codes: 0 all files are in place; 1 failed, or --check found a difference; 2 wrong usage or "
                    + "inventory; 3 a node could not be reached; 4 a node is locked by another run."})
public class Stage implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin NodeChoice where;
    @Option(names = "--check",
            description = "Only compare; exit code 1 if a file differs from what would be rendered.") boolean check;
    @Option(names = "--tag", paramLabel = "TAG",
            description = "The release of the env files; else the one in each file, else sha-<commit> of the current "
                    + "KTRDR checkout.") String tag;

    public static void main(String... args) {
        Cli.main(new Stage(), args);
    }

    @Override
    public Exit call() {
        var whole = common.running(where.core());
        var inventory = whole.inventory();
        var asked = Optional.ofNullable(tag).map(ReleaseTag::tag);
        try (var fleet = whole.of(inventory, where.nodes(inventory, "stage"))) {
            FileChanges.proveTemplates(inventory, fleet.nodes());
            var looked = look(fleet, NodeLocks.none(fleet, question(fleet, asked)), asked, true);
            boolean settled = looked.values().values().stream().allMatch(FileChanges::settled);
            return purpose() != Purpose.write || settled ? report(fleet, looked, looked.problems(), Set.of())
                    : write(fleet, asked);
        }
    }

    private Purpose purpose() {
        return check ? Purpose.check : change.dryRun ? Purpose.show : Purpose.write;
    }

    private Exit report(Fleet fleet, Fleet.Outcomes<FileChanges> looked, Map<Node, Problem> problems,
            Set<Node> changed) {
        return new StageReport(purpose(), fleet.nodes(), looked.values(), problems, changed).report(common);
    }

    /** Under the nodes' locks, and after another look: another run may have changed files since the first one. */
    private Exit write(Fleet fleet, Optional<String> asked) {
        try (var locks = change.locks(fleet, common, "stage " + where.words(), question(fleet, asked))) {
            var looked = look(fleet, locks, asked, false);
            var plans = looked.values();
            var applied = fleet.each(plans::containsKey, (node, ssh) -> apply(plans.get(node), locks));
            var problems = new LinkedHashMap<>(looked.problems());
            problems.putAll(applied.problems());
            return report(fleet, looked, problems, applied.values().entrySet().stream().filter(Map.Entry::getValue)
                    .map(Map.Entry::getKey).collect(Collectors.toSet()));
        }
    }

    private Function<Node, String> question(Fleet fleet, Optional<String> asked) {
        return node -> FileChanges.look(common.inventory(), Stack.of(fleet.inventory(), node), asked, List.of());
    }

    private Fleet.Outcomes<FileChanges> look(Fleet fleet, NodeLocks locks, Optional<String> asked, boolean told) {
        var looked = fleet.each((node, ssh) -> {
            try (var step = common.console().step(node.name(), "look")) {
                var plan = plan(Stack.of(fleet.inventory(), node), locks, asked);
                if (told) step.done(plan.tag() + ": " + (plan.differs() ? plan.outcome() : "all as rendered"));
                return plan;
            }
        });
        looked.values().values().forEach(FileChanges::refuseUnknownVariables);
        return looked;
    }

    private FileChanges plan(Stack stack, NodeLocks locks, Optional<String> asked) {
        var facts = StackFacts.parse(stack, locks.looked(stack.node()));
        NodePlanner.proveOurs(common.inventory(), stack, facts);
        var release = asked.or(() -> FileChanges.staged(stack, facts))
                .or(() -> ReleaseTag.ofCheckout(Path.of("").toAbsolutePath())).orElseThrow(ReleaseTag::missing);
        var plan = FileChanges.plan(stack, release, new Templates(common.inventory()).render(stack.node(), release),
                facts);
        plan.obstacles().stream().findFirst().ifPresent(problem -> {
            throw problem;
        });
        return plan;
    }

    /** Writes the files; whether any changed. */
    private boolean apply(FileChanges plan, NodeLocks locks) {
        var node = plan.stack().node();
        if (plan.settled()) return false;
        try (var step = common.console().step(node.name(), "files")) {
            var result = locks.last(node, new FileChangesScript(plan).alone());
            if (!result.ok()) throw NodeLocks.refused(node, result).or(() -> FileChangesScript.failure(plan, result))
                    .orElseGet(() -> Problem.failed(node.name() + ": putting the files in place ended with exit code "
                            + result.exit()).found(result));
            step.done(plan.outcome());
            FileChangesScript.checked(result.out()).forEach(how -> common.console().note(node.name(), "files", how));
        }
        return plan.differs();
    }
}
