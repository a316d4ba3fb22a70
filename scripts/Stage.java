///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Put the files of a deployment in place on the nodes, without deploying

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
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
import ktrdr.release.Templates;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "stage", header = "Put the files of a deployment in place on the nodes, without deploying.",
        description = {"",
                "Compose file, env file and monitoring are rendered from the inventory, read by Compose, promtool and "
                        + "amtool on the node, then renamed "
                + "into place together. Only what differs is written, no container is touched.", ""},
        footer = {"", "Examples:",
            "  jbang stage@ktrdr all --check                  what differs on the nodes, with its diff; exit 1 if "
                    + "anything does",
            "  jbang stage@ktrdr workers B --tag sha-3f2c9ab  one node, the release in its env file changed",
            "  jbang stage@ktrdr core --dry-run               what it would write",
            "", "Exit codes: 0 all in place; 1 failed, or --check found a difference; 2 wrong usage or inventory; 3 a "
                    + "node could not be reached; 4 somebody else is at work there."})
public class Stage implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin NodeChoice where;
    @Option(names = "--check",
            description = "Only look: exit 1 where a file is not what would be rendered.") boolean check;
    @Option(names = "--tag", paramLabel = "TAG",
            description = "The release of the env files; else the one each names, else sha-<commit> of the KTRDR "
                    + "checkout one stands in.") String tag;

    private final Map<Node, String> outcomes = new ConcurrentHashMap<>();

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
            boolean write = !check && !change.dryRun && looked.values().values().stream()
                    .anyMatch(plan -> !plan.settled());
            return write ? write(fleet, asked) : report(fleet, looked.values(), looked.problems());
        }
    }

    private Fleet.Outcomes<FileChanges> look(Fleet fleet, NodeLocks locks, Optional<String> asked, boolean told) {
        var looked = fleet.each((node, ssh) -> plan(Stack.of(fleet.inventory(), node), locks, asked, told));
        looked.values().values().forEach(FileChanges::refuseUnknownVariables);
        looked.values().keySet().forEach(node -> outcomes.put(node, "same"));
        return looked;
    }

    /** Under the nodes' locks, and after another look: somebody may have been at work since the first one. */
    private Exit write(Fleet fleet, Optional<String> asked) {
        try (var locks = change.locks(fleet, common, "stage " + where.words(), question(fleet, asked))) {
            var looked = look(fleet, locks, asked, false);
            var problems = new LinkedHashMap<>(looked.problems());
            problems.putAll(fleet.each(looked.values()::containsKey,
                    (node, ssh) -> apply(looked.values().get(node), locks)).problems());
            return report(fleet, looked.values(), problems);
        }
    }

    private Function<Node, String> question(Fleet fleet, Optional<String> asked) {
        return node -> FileChanges.look(common.inventory(), Stack.of(fleet.inventory(), node), asked, List.of());
    }

    private FileChanges plan(Stack stack, NodeLocks locks, Optional<String> asked, boolean told) {
        try (var step = common.console().step(stack.node().name(), "look")) {
            var facts = StackFacts.parse(locks.looked(stack.node()));
            NodePlanner.proveOurs(common.inventory(), stack, facts);
            var release = asked.or(() -> FileChanges.staged(stack, facts))
                    .or(() -> ReleaseTag.ofCheckout(Path.of("").toAbsolutePath())).orElseThrow(ReleaseTag::missing);
            var plan = FileChanges.plan(stack, release, new Templates(common.inventory()).render(stack.node(), release),
                    facts);
            plan.obstacles().stream().findFirst().ifPresent(problem -> {
                throw problem;
            });
            if (told) step.done(plan.tag() + ": " + (plan.differs() ? plan.outcome() : "all as rendered"));
            return plan;
        }
    }

    private FileChanges apply(FileChanges plan, NodeLocks locks) {
        var node = plan.stack().node();
        if (plan.settled()) return done(plan, "same");
        try (var step = common.console().step(node.name(), "files")) {
            var result = locks.last(node, new FileChangesScript(plan).alone());
            if (!result.ok()) throw NodeLocks.refused(node, result).or(() -> FileChangesScript.failure(plan, result))
                    .orElseGet(() -> Problem.failed(node.name() + ": putting the files in place ended with exit code "
                            + result.exit()).found(result));
            step.done(plan.outcome());
            FileChangesScript.checked(result.out()).forEach(how -> common.console().note(node.name(), "files", how));
        }
        return done(plan, plan.differs() ? "changed" : "same");
    }

    private FileChanges done(FileChanges plan, String outcome) {
        outcomes.put(plan.stack().node(), outcome);
        return plan;
    }

    private Exit report(Fleet fleet, Map<Node, FileChanges> plans, Map<Node, Problem> problems) {
        boolean look = check || change.dryRun;
        var documents = new ArrayList<Map<String, Object>>();
        for (var node : fleet.nodes()) documents.add(document(node, Optional.ofNullable(plans.get(node)),
                Optional.ofNullable(problems.get(node)), look));
        var worst = problems.values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
        long different = look ? plans.values().stream().filter(FileChanges::differs).count()
                : outcomes.values().stream().filter("changed"::equals).count();
        var exit = check && different > 0 ? worst.and(Exit.FAILED) : worst;
        common.report(Document.of("stage", exit).with("nodes", documents).errors(problems));
        if (!common.json()) plans.forEach((node, plan) -> show(node, plan, look));
        common.problems(problems);
        common.console().note(fleet.nodes().size() + " nodes: " + different + (look ? " differ" : " changed")
                + (problems.isEmpty() ? ""
                        : ", failed: " + String.join(", ", problems.keySet().stream().map(Node::name).toList())));
        return exit;
    }

    private void show(Node node, FileChanges plan, boolean look) {
        var console = common.console();
        if (look) {
            console.print(node.name() + "  " + plan.tag() + "  " + plan.outcome());
            plan.shown(console.verbose()).forEach(console::print);
        }
        plan.remarks().forEach(remark -> console.print(node.name() + "  " + remark));
        if (!plan.unread().isEmpty())
            console.print(node.name() + "  " + String.join(", ", plan.unread()) + (look ? " would have" : " has")
                    + " a new configuration: the next deploy has it read");
    }

    private Map<String, Object> document(Node node, Optional<FileChanges> plan, Optional<Problem> problem,
            boolean look) {
                var document = new LinkedHashMap<String, Object>();
                document.put("node", node.name());
                document.put("ok", problem.isEmpty() && !(check && plan.filter(FileChanges::differs).isPresent()));
                document.put("outcome",
                        problem.map(eachProblem -> eachProblem.exit() == Exit.UNREACHABLE ? "unreachable" : "failed")
                        .orElseGet(() -> look ? plan.filter(FileChanges::differs).isPresent() ? "differs" : "same"
                                : outcomes.get(node)));
                plan.ifPresent(fileChanges -> {
                    document.putAll(fileChanges.document());
                    document.put("diff", fileChanges.diff());
                });
                return document;
            }
}
