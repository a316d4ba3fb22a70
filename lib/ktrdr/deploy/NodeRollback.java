package ktrdr.deploy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.release.FileChanges;
import ktrdr.release.History;
import ktrdr.release.NodeLocks;
import ktrdr.release.Revision;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.CheckId;

/**
 * The way back of a node whose deployment failed, or whose proven release is reverted because another node failed: the
 * previous release is put back and proven healthy.
 */
final class NodeRollback {
    /** The least time that the previous release gets to become healthy. */
    private static final Duration LEAST_PATIENCE = Duration.ofSeconds(120);
    private final RolloutContext context;
    private final NodePlan plan;
    private final Node node;
    private final DeployJournal journal;
    private final Migration migration;
    private final ContainerReplacement containers;
    private final Supplier<WorkerDrain> drains;
    private Optional<Revision> previous = Optional.empty();

    NodeRollback(RolloutContext context, NodePlan plan, DeployJournal journal, Migration migration,
            ContainerReplacement containers, Supplier<WorkerDrain> drains) {
        this.context = context;
        this.plan = plan;
        this.node = plan.stack().node();
        this.journal = journal;
        this.migration = migration;
        this.containers = containers;
        this.drains = drains;
    }

    /**
     * Finds what to go back to: what runs, unless it is unproven or unhealthy; then the last release that ended well,
     * if its files were kept.
     */
    void findTarget() {
        var facts = plan.facts();
        boolean broken = facts.history().unproven() || facts.containers().stream()
                .filter(container -> plan.stack().services().contains(container.service()))
                .anyMatch(container -> plan.stack().once(container.service()) ? !plan.stack().well(container)
                        : !container.running() || container.health().equals("unhealthy"));
        containers.touched(broken);
        previous = !broken ? Revision.there(plan.stack(), facts, plan.revision().files())
                : facts.history().current()
                        .flatMap(entry -> NodePlanner.kept(plan.stack(), context.fleet().ssh(node), entry)
                                .map(files -> Revision.of(plan.stack(), entry, files)));
    }

    /** Goes back as far as possible and needed; answers the failure with the outcome of that. */
    Problem failed(Problem why, Secrets secrets, Set<CheckId> workersBefore) {
        if (plan.restart()) return restartFailed(why);
        if (context.exchange().restores(node)) return restored(why);
        StackFacts facts;
        try {
            facts = facts(previous.map(Revision::files).orElse(List.of()));
            if (!journal.begun(facts)) return why;
        } catch (Problem gone) {
            return gone.exit() == Exit.LOCKED ? gone : lost(why, gone);
        }
        why.with("its log", journal.keepLogs(plan.services()));
        if (!context.options().back() || previous.isEmpty()) return left(why, facts);
        tell("to " + previous.get().tag(), why);
        try {
            back(previous.get(), facts, secrets, workersBefore);
            journal.returned(images(facts), containers.now().images(), why.sentence());
            return why.returned().fix("fix the cause, then run it again; " + node.name() + " runs "
                    + previous.get().tag() + " as before");
        } catch (Problem second) {
            journal.end(History.Ending.FAILED, images(facts), why.sentence());
            return stuck(why, second).fix("look at " + node.name() + ", then: " + rollback());
        }
    }

    private Problem restartFailed(Problem why) {
        why.with("its log", journal.keepLogs(plan.services()))
                .with("now", "left as it is: the release did not change");
        journal.end(History.Ending.FAILED, Map.of(), why.sentence());
        return why;
    }

    private Problem left(Problem why, StackFacts facts) {
        journal.end(History.Ending.FAILED, images(facts), why.sentence());
        return why.with("now", context.options().back()
                ? "left as it is: there is no previous release to go back to"
                : "left as it is, as --no-rollback says");
    }

    /** Of an installation that another tool made: {@link RolloutExchange} puts it back. */
    private Problem restored(Problem why) {
        var now = why.sentence();
        if (!context.options().back())
            return why.with("now", "left as it is, as --no-rollback says; the previous installation is kept aside");
        tell("to the previous installation", why);
        try {
            why.with("its log", journal.keepLogs(plan.services()));
            context.exchange().restore(node);
            journal.end(History.Ending.RETURNED, Map.of(), now);
            return why.returned()
                    .fix("fix the cause, then run it again; " + node.name() + " runs the previous installation");
        } catch (Problem second) {
            return stuck(why, second).fix(Installation.command(node) + " --back");
        }
    }

    private void tell(String where, Problem why) {
        context.console().note(node.name(), "back",
                where + ": " + why.sentence().replaceFirst("^" + Pattern.quote(node.name() + ": "), ""));
    }

    private static Problem stuck(Problem why, Problem second) {
        // Problem.unfinished turns a mere interrupt into a failure: the node is in between
        return why.unfinished().with("the way back", second.sentence() + " " + second.found());
    }

    private static Map<String, Docker.Image> images(StackFacts facts) {
        return ContainerState.of(facts).images();
    }

    private String rollback() {
        return "jbang rollback@ktrdr " + plan.stack().words();
    }

    private Problem lost(Problem why, Problem gone) {
        return Problem.unreachable(why.sentence()).expected(why.expected()).found(why.found())
                .with("then", gone.sentence())
                .fix("once " + node.name() + " answers again: " + rollback() + ", or the same deployment once more");
    }

    /** The services of a revision that the deployment replaced or removed. */
    private List<String> replaced(Revision to) {
        return Stream.concat(plan.services().stream(), plan.retired().stream()).filter(to.images()::containsKey)
                .toList();
    }

    /** Replaces what failed by a revision, and proves that healthy. */
    private void back(Revision to, StackFacts facts, Secrets secrets, Set<CheckId> workersBefore) {
        long started = System.nanoTime();
        context.exchange().back();
        var way = NodePlan.plan(plan.stack(), to, replaced(to), facts);
        if (!way.pulls().isEmpty()) throw Problem.failed(node.name() + ": " + String.join(", ", way.pulls())
                + " is not on the node any more").fix(rollback());
        migration.back(to, secrets);
        containers.now(ContainerState.of(facts));
        // an untouched core still runs the previous release, and Compose might recreate it; workers may be stopped
        if (containers.touched() || plan.stack().working()) containers.up(way, new ApplyScript(way, true)
                .text(context.exchange().former(node, secrets), "", way.whole(), settle(way, facts)));
        // a short time for the new release is not a short time for the previous one
        var timeout = context.options().timeout();
        var patience = timeout.compareTo(LEAST_PATIENCE) > 0 ? timeout : LEAST_PATIENCE;
        new HealthGate(context.fleet(), context.http(), context.console(), way, patience, containers.now())
                .await(workersBefore);
        context.console().note(node.name(), "back", to.tag() + " runs again, healthy, after "
                + Units.duration(Duration.ofNanos(System.nanoTime() - started)));
    }

    /** See {@link WorkerDrain#back}. */
    private String settle(NodePlan way, StackFacts facts) {
        return plan.stack().working() ? drains.get().back(way, facts) : "";
    }

    /** The facts of the node now, over a new connection if the old one was lost. */
    private StackFacts facts(List<NodeFile> files) {
        return Threads.insist(() -> {
            // after a script of this run that is still ending there
            NodeLocks.refused(node, context.fleet().ssh(node).run(context.locks().under(node))).ifPresent(refused -> {
                throw refused;
            });
            var asked = previous.map(to -> NodePlan.asked(to, replaced(to))).orElse(List.of());
            return FileChanges.gather(plan.stack(), context.fleet().ssh(node), files, asked);
        }, problem -> context.console().detail(node.name(), "back", problem.sentence()));
    }

    /** See {@link NodeRollout#revert}. */
    void revert(Secrets secrets, Set<CheckId> workersBefore) {
        if (context.exchange().restored(node)) return;
        var to = previous.orElseThrow(
                () -> Problem.failed(node.name() + ": there is no previous release to go back to"));
        var facts = facts(to.files());
        context.locks().settle(node);
        back(to, facts, secrets, workersBefore);
        journal.reverted(containers.now().images(), to);
    }
}
