package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.api.OperationsApi;
import ktrdr.backup.BackupRecord;
import ktrdr.drain.WorkerStops;
import ktrdr.fleet.Fleet;
import ktrdr.health.HealthLog;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Role;
import ktrdr.inventory.Secrets;
import ktrdr.node.Registry;
import ktrdr.release.History;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * A deployment over several nodes, phase by phase: {@link #plan}, {@link #look}, {@link #pull}, {@link #apply}.
 *
 * Nodes are planned and pulled for side by side, and nothing is stopped anywhere before every node has what it needs.
 * Then core is replaced, and the workers nodes one after another, so that the first is the proof for the next. If only
 * core's list of workers changes, core comes last. {@link OnFailure} says what happens to the others when a node fails.
 */
public final class Rollout {
    /**
     * How a rollout goes about it.
     *
     * @param timeout for health
     * @param waitIdle how long busy workers, and the backend, may finish their operations
     * @param back whether the previous release is put back when a node fails
     * @param parallel workers nodes all at once
     * @param skipChecks to go on when disk, Compose or the share fail their checks
     * @param rollback the releases to go back to, by node; empty for a new release
     * @param schema what is done about the database's schema; empty if the release stays, and the schema with it
     */
    public record Options(Duration timeout, Duration waitIdle, boolean back, OnFailure onFailure, boolean parallel,
            Optional<Map<Node, History.Entry>> rollback, boolean skipChecks, Optional<Migration.Choice> schema) {

        /** Of a run that keeps the release, stops at the first failure and leaves it as it is. */
        public static Options keeping(Duration timeout, Duration waitIdle) {
            return new Options(timeout, waitIdle, false, OnFailure.stop, false, Optional.empty(), false,
                    Optional.empty());
        }

        /** The same, with all workers nodes at once, or one after another. */
        public Options parallel(boolean all) {
            return new Options(timeout, waitIdle, back, onFailure, all, rollback, skipChecks, schema);
        }

        /** The same, but all nodes get back what they had when one fails. */
        public Options reverting() {
            return new Options(timeout, waitIdle, true, OnFailure.revert, parallel, rollback, skipChecks, schema);
        }
    }

    /** How a node ended: {@code untouched} if it was not changed. */
    public enum Outcome { deployed, returned, failed, unreachable, untouched }

    private final Fleet fleet;
    private final Console console;
    private final Options options;
    private final RolloutExchange exchange;
    private final ServiceChecks checks;
    private final RolloutContext context;
    private final Map<Node, NodeRollout> nodes = new LinkedHashMap<>();
    private final RolloutOutcomes outcomes = new RolloutOutcomes();
    private final Pins pins = new Pins();
    private LocalImages local = LocalImages.none();

    /** A rollout that works on a node under the node's lock only. */
    public Rollout(Fleet fleet, NodeLocks locks, Http http, Console console, Options options,
            RolloutExchange exchange) {
        this.fleet = fleet;
        this.console = console;
        this.options = options;
        this.checks = new ServiceChecks(fleet.inventory(), http);
        this.context = new RolloutContext(fleet, locks, http, console, options, exchange, new RolloutProgress());
        this.exchange = exchange;
    }

    /** Takes images from this machine instead of the registry. */
    public void carrying(LocalImages images) {
        local = images;
    }

    /** Sets the backup that was made for this run, so that a migration makes none of its own. */
    public void backedUp(Optional<BackupRecord> made) {
        context.progress().backedUp(made.map(BackupRecord::file).orElse(""));
    }

    /** The plan of each node; nodes without a plan are not in it. */
    public Map<Node, NodePlan> plans() {
        var plans = new LinkedHashMap<Node, NodePlan>();
        nodes.forEach((node, nodeRollout) -> plans.put(node, nodeRollout.plan()));
        return plans;
    }

    /** The failed nodes, and why. */
    public Map<Node, Problem> problems() {
        return outcomes.problems();
    }

    /** The services of a node whose containers were replaced or made. */
    public Set<String> recreated(Node node) {
        return nodes.containsKey(node) ? nodes.get(node).fresh() : Set.of();
    }

    /** The outcome of the operations whose workers were stopped while busy, as documents. */
    public List<Map<String, Object>> stoppedAtWork(Node node) {
        return nodes.containsKey(node) ? nodes.get(node).ended().stream().map(WorkerStops.Ended::document).toList()
                : List.of();
    }

    /** How long the backend gave no good answer, if it was replaced. */
    public Optional<Duration> gap() {
        return nodes.values().stream().flatMap(nodeRollout -> nodeRollout.gap().stream()).findFirst();
    }

    /** The exchange of a node, as fields of its document. */
    Map<String, Object> exchanged(Node node) {
        return exchange.document(node);
    }

    /** The outcome of a node. */
    public Outcome outcome(Node node) {
        return outcomes.of(node);
    }

    /** Gathers facts and plans each node. A node with nothing to do is left alone. */
    public void plan(BiFunction<Stack, Ssh, NodePlan> planner) {
        var planned = fleet.each((node, ssh) -> {
            try (var step = console.step(node.name(), "check")) {
                var plan = planner.apply(Stack.of(fleet.inventory(), node), ssh);
                Installation.untouchable(fleet.inventory(), plan.stack(), plan.facts()).ifPresent(problem -> {
                    throw problem;
                });
                local.prove(plan);
                if (!options.skipChecks()) plan.obstacles().stream().findFirst().ifPresent(problem -> {
                    throw problem;
                });
                var facts = plan.facts();
                step.done("docker " + facts.docker() + ", compose " + facts.compose() + ", " + Units.size(facts.free())
                        + " free");
                return plan;
            }
        });
        outcomes.keep(planned);
        var lost = LostWorkers.ask(checks, planned.values().values());
        planned.values().forEach((node, plan) -> {
            if (!plan.done() && !plan.staging().files().isEmpty())
                nodes.put(node, new NodeRollout(context, plan.restart() ? plan : restarting(plan, lost)));
        });
        planned.values().values().stream().filter(plan -> !plan.staging().files().isEmpty())
                .forEach(plan -> plan.staging().refuseUnknownVariables());
    }

    private NodePlan restarting(NodePlan plan, LostWorkers lost) {
        var found = lost.of(plan);
        if (!found.isEmpty()) console.note(plan.stack().node().name(), "lost",
                String.join(", ", found) + " up, and not registered with the backend");
        return plan.restarting(found);
    }

    /** The secrets that this rollout needs, and no others: the registry's token only for images that are its own. */
    public Set<Secrets.Field> secretsNeeded() {
        var registry = Registry.of(fleet.inventory());
        var needed = plans().values().stream().flatMap(plan -> plan.secrets().stream())
                .collect(Collectors.toCollection(TreeSet::new));
        if (Stream.concat(plans().values().stream().flatMap(plan -> plan.pulled().stream()),
                Pins.open(plans().values()).stream()).anyMatch(registry::has)) needed.add(Secrets.Field.GHCR_TOKEN);
        return needed;
    }

    /** The secrets that only a rollback would need. */
    Set<Secrets.Field> secretsBefore() {
        return plans().values().stream().flatMap(plan -> plan.secretsBefore().stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Whether to go on with the nodes that have no problem. */
    public boolean goesOn() {
        var problems = problems();
        var core = fleet.inventory().core();
        // no node of a fleet without a core is needed by the others
        boolean lost = core.role() == Role.CORE && problems.containsKey(core);
        return !outcomes.interrupted() && (problems.isEmpty() || options.onFailure() == OnFailure.continue_)
                && !lost && !nodes.isEmpty();
    }

    /** Finds out exactly what would be done, and what would fail, before anything is pulled anywhere. */
    public void look(Secrets secrets) {
        outcomes.keep(local.ask(fleet, open()));
        local.pinned(open()).forEach((node, plan) -> nodes.put(node, new NodeRollout(context, plan)));
        var open = open();
        outcomes.keep(pins.ask(fleet, open, secrets));
        pins.pinned(open).forEach((node, plan) -> {
            if (plan != open.get(node)) nodes.put(node, new NodeRollout(context, plan));
        });
        outcomes.keep(fleet.each(this::open, (node, ssh) -> {
            try (var step = console.step(node.name(), "look")) {
                nodes.get(node).look(secrets, local.and(pins, node, nodes.get(node).plan()));
                var preview = nodes.get(node).preview().orElseThrow();
                step.done(preview.outcome());
                var unhealthy = preview.plan().unhealthy();
                if (!unhealthy.isEmpty()) console.note(node.name(), "health",
                        HealthLog.words(unhealthy, HealthLog.ask(ssh, unhealthy)) + " unhealthy, recreated");
                preview.rescaled().ifPresent(text -> console.note(node.name(), "scale", text));
                var cut = nodes.get(node).atWork();
                if (!cut.isEmpty()) console.note(node.name(), "busy",
                        "the backend itself, which is stopped: " + BackendDrain.words(cut)
                                + (options.waitIdle().isZero() ? "; --wait-idle 10m lets it finish" : ""));
                return node;
            }
        }));
    }

    /** The preview of each node, as far as known. */
    public Map<Node, PlanPreview> previews() {
        var previews = new LinkedHashMap<Node, PlanPreview>();
        nodes.forEach((node, nodeRollout) -> nodeRollout.preview().ifPresent(preview -> previews.put(node, preview)));
        return previews;
    }

    /** The operations that the backend itself ran at the look, and that end with it; none if it is not stopped. */
    public List<OperationsApi.Operation> atWork(Node node) {
        return nodes.containsKey(node) ? nodes.get(node).atWork() : List.of();
    }

    /**
     * Waits, at most this long, until the workers of a node that will be stopped are idle; answers those still busy,
     * each with its operation.
     */
    public Map<String, String> drain(Node node, Duration patience) {
        return nodes.containsKey(node) ? nodes.get(node).drain(patience) : Map.of();
    }

    private Map<Node, NodePlan> open() {
        var open = plans();
        open.keySet().removeIf(node -> !open(node));
        return open;
    }

    /** Pulls what is missing, or sends what only this machine has, on all nodes at once. */
    public void pull(Secrets secrets) {
        var pull = new ImagePull(Registry.of(fleet.inventory()), secrets, console);
        outcomes.keep(fleet.each(this::open, (node, ssh) -> {
            var plan = nodes.get(node).plan();
            boolean sent = local.sent(node, plan, ssh, console);
            if (pull.pulled(plan, ssh) || sent) nodes.get(node).pulled();
            return plan;
        }));
    }

    private boolean open(Node node) {
        return nodes.containsKey(node) && !problems().containsKey(node);
    }

    /** Replaces core, or the first node of a fleet without one, then the others, and proves each. */
    public void apply(Secrets secrets) {
        exchange.begin();
        var core = fleet.inventory().core();
        var others = fleet.nodes().stream().filter(node -> !node.equals(core) && open(node)).toList();
        boolean last = open(core) && plans().get(core).services().isEmpty()
                && others.stream().anyMatch(node -> !plans().get(node).services().isEmpty());
        if (open(core) && !last) apply(List.of(core), secrets);
        if (options.parallel() && goesOn()) apply(others, secrets);
        else for (var node : others) if (goesOn()) apply(List.of(node), secrets);
        if (last && goesOn()) apply(List.of(core), secrets);
        boolean ended = problems().isEmpty() && !outcomes.interrupted();
        if (exchange.together() ? !ended : options.onFailure() == OnFailure.revert && !problems().isEmpty()
                && !outcomes.interrupted()) revert(secrets);
    }

    private void apply(List<Node> some, Secrets secrets) {
        boolean core = some.contains(fleet.inventory().core());
        var serving = core ? serving(fleet.nodes().size() > 1) : Set.<CheckId>of();
        outcomes.keep(fleet.each(some::contains, (node, ssh) -> {
            nodes.get(node).run(secrets, serving);
            outcomes.deployed(node);
            return node;
        }));
    }

    /**
     * The check ids of the workers that a new backend has to have again: those that serve now. If workers are deployed
     * next, their own deployment waits for them.
     */
    private Set<CheckId> serving(boolean workersFollow) {
        if (workersFollow) return Set.of();
        return checks.workers(fleet.inventory().workerNodes()).stream().filter(Check::ok).map(Check::what)
                .collect(Collectors.toSet());
    }

    private void revert(Secrets secrets) {
        var core = fleet.inventory().core();
        if (problems().isEmpty()) outcomes.problem(core, Problem.interrupted("interrupted between two nodes"));
        var cause = problems().values().iterator().next();
        try {
            exchange.back();
        } catch (Problem left) {
            outcomes.problem(core, left);
            return;
        }
        var done = new ArrayList<>(fleet.nodes().stream().filter(node -> outcome(node) == Outcome.deployed).toList());
        outcomes.reverted(fleet.each(done::contains, (node, ssh) -> {
            nodes.get(node).revert(secrets, Set.of());
            return node;
        }));
        if (!done.isEmpty()) console.note(done.stream().map(Node::name).collect(Collectors.joining(", ")), "revert",
                "because of: " + cause.sentence());
    }
}
