package ktrdr.deploy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Units;
import ktrdr.api.OperationsApi;
import ktrdr.backup.BackupRecord;
import ktrdr.drain.WorkerStops;
import ktrdr.fleet.Fleet;
import ktrdr.health.HealthLog;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
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
 * Then core is replaced, and the workers nodes one after another, so that the first is the proof for the next; a core
 * that is only told of workers is told after they came and before they go. What becomes of the others when a node fails
 * is {@link OnFailure}.
 */
public final class Rollout {
    private static final Duration PULL = Duration.ofMinutes(30);
    /**
     * A worker tries for a quarter of a minute as it starts, and after that every ten seconds, if it was not asked for
     * its health for thirty.
     */
    private static final Duration REGISTERED = Duration.ofSeconds(60);

    /**
     * What becomes of the other nodes when one fails: they are left as they are, those done are put back too, or the
     * rest goes on.
     */
    public enum OnFailure { stop, revert, continue_;

        /** As it is typed. */
        @Override
        public String toString() {
            return name().replace("_", "");
        }
    }

    /**
     * @param timeout for health
     * @param back whether what ran before is put back when a node fails
     * @param parallel workers nodes side by side
     * @param waitIdle for workers at work
     * @param skipChecks to go on where disk, Compose or the share are not as they should be
     * @param rollback the releases that are gone back to, by node; empty for new ones
     * @param schema what is done about the database's schema; empty where the release stays and so does that
     */
    public record Options(Duration timeout, boolean back, boolean parallel, OnFailure onFailure, Duration waitIdle,
            boolean skipChecks, Optional<Map<Node, History.Entry>> rollback, Optional<Migration.Choice> schema) {

        /** Those of a run that keeps the release. */
        public Options(Duration timeout, boolean back, boolean parallel, OnFailure onFailure, Duration waitIdle,
                boolean skipChecks, Optional<Map<Node, History.Entry>> rollback) {
                    this(timeout, back, parallel, onFailure, waitIdle, skipChecks, rollback, Optional.empty());
                }
    }

    /** How a node ended: {@code untouched} where it runs what it ran before without having been replaced. */
    public enum Outcome { deployed, returned, failed, unreachable, untouched }

    private final Fleet fleet;
    private final Console console;
    private final Options options;
    private final RolloutExchange exchange;
    private final NodeRollout.RolloutContext tools;
    private final Map<Node, NodeRollout> nodes = new LinkedHashMap<>();
    private final Map<Node, Problem> problems = new LinkedHashMap<>();
    private final Pins pins = new Pins();
    private final Map<Node, Outcome> outcomes = new ConcurrentHashMap<>();
    private boolean interrupted;

    /** A rollout that works on a node under the node's lock only. */
    public Rollout(Fleet fleet, NodeLocks locks, Http http, Console console, Options options,
            RolloutExchange exchange) {
                this.fleet = fleet;
                this.console = console;
                this.options = options;
                this.tools = new NodeRollout.RolloutContext(fleet, locks, http,
                        new ServiceChecks(fleet.inventory(), http),
                        console, options, exchange, new AtomicBoolean(), new AtomicReference<>());
                this.exchange = exchange;
            }

    /** Tells of the backup that was made for this run, so that a migration needs none of its own. */
    public void backedUp(Optional<BackupRecord> made) {
        tools.backup().set(made.map(BackupRecord::file).orElse(""));
    }

    /** What each node takes; nodes that could not be planned for are not in it. */
    public Map<Node, NodePlan> plans() {
        var plans = new LinkedHashMap<Node, NodePlan>();
        nodes.forEach((node, nodeRollout) -> plans.put(node, nodeRollout.plan()));
        return plans;
    }

    /** The nodes that did not make it, and why. */
    public Map<Node, Problem> problems() {
        return problems;
    }

    /** The services of a node whose containers were replaced or made. */
    public Set<String> recreated(Node node) {
        return nodes.containsKey(node) ? nodes.get(node).fresh() : Set.of();
    }

    /** What came of the operations whose workers were stopped at work on a node, for machines. */
    public List<Map<String, Object>> stoppedAtWork(Node node) {
        return nodes.containsKey(node) ? nodes.get(node).ended().stream().map(WorkerStops.Ended::document).toList()
                : List.of();
    }

    /** How long the backend gave no good answer, where it was replaced. */
    public Optional<Duration> gap() {
        return nodes.values().stream().flatMap(nodeRollout -> nodeRollout.gap().stream()).findFirst();
    }

    /** What the exchange means for a node, for machines. */
    Map<String, Object> exchanged(Node node) {
        return exchange.document(node);
    }

    /** What became of a node. */
    public Outcome outcome(Node node) {
        return outcomes.getOrDefault(node, Outcome.untouched);
    }

    /** Gathers facts, and decides what each node takes. A node that takes nothing at all is left alone. */
    public void plan(BiFunction<Stack, Ssh, NodePlan> planner) {
        var planned = fleet.each((node, ssh) -> {
            try (var step = console.step(node.name(), "check")) {
                var plan = planner.apply(Stack.of(fleet.inventory(), node), ssh);
                Installation.untouchable(fleet.inventory(), plan.stack(), plan.facts()).ifPresent(problem -> {
                    throw problem;
                });
                if (!options.skipChecks()) plan.obstacles().stream().findFirst().ifPresent(problem -> {
                    throw problem;
                });
                var facts = plan.facts();
                step.done("docker " + facts.docker() + ", compose " + facts.compose() + ", " + Units.size(facts.free())
                        + " free");
                return plan;
            }
        });
        keep(planned);
        var unknown = unknown(planned.values().values());
        planned.values().forEach((node, plan) -> {
            if (!plan.done() && !plan.staging().files().isEmpty())
                nodes.put(node, new NodeRollout(tools, plan.restart() ? plan : plan.restarting(lost(plan, unknown))));
        });
        planned.values().values().stream().filter(plan -> !plan.staging().files().isEmpty())
                .forEach(plan -> plan.staging().refuseUnknownVariables());
    }

    /**
     * The checks of workers that the backend does not know, asked once for all nodes with workers that had their time
     * to register.
     */
    private Set<CheckId> unknown(Collection<NodePlan> plans) {
        var nodes = plans.stream().filter(plan -> !plan.restart() && !up(plan).isEmpty())
                .map(plan -> plan.stack().node().full()).toList();
        if (nodes.isEmpty()) return Set.of();
        return tools.checks().workers(nodes).stream().filter(ServiceChecks::lost).map(Check::what)
                .collect(Collectors.toSet());
    }

    /** The workers of a plan that are up and yet not registered: left as they are they would never be. */
    private List<String> lost(NodePlan plan, Set<CheckId> unknown) {
        var node = plan.stack().node();
        var lost = up(plan).stream().filter(service -> unknown.contains(ServiceChecks.registered(node, service)))
                .toList();
        if (!lost.isEmpty())
            console.note(node.name(), "lost", String.join(", ", lost) + " up, and not registered with the backend");
        return lost;
    }

    /**
     * The workers of a plan that are up for long enough to be known: healthy, since one registers before it answers.
     */
    static List<String> up(NodePlan plan) {
        if (plan.stack().core()) return List.of();
        return plan.facts().containers().stream().filter(container -> container.healthy() && settledIn(container))
                .map(Docker.Container::service).filter(plan.services()::contains).toList();
    }

    private static boolean settledIn(Docker.Container container) {
        return Instant.parse(container.startedAt()).isBefore(Instant.now().minus(REGISTERED));
    }

    /**
     * The secrets that this rollout needs, and no others: the registry's token only where something has to be pulled.
     */
    public Set<Secrets.Field> secretsNeeded() {
        var needed = plans().values().stream().flatMap(plan -> plan.secrets().stream())
                .collect(Collectors.toCollection(TreeSet::new));
        if (plans().values().stream().anyMatch(plan -> !plan.pulls().isEmpty()) || !Pins.open(plans().values())
                .isEmpty()) needed.add(Secrets.Field.ghcr_token);
        return needed;
    }

    /** Those that only a way back would need. */
    Set<Secrets.Field> secretsBefore() {
        return plans().values().stream().flatMap(plan -> plan.secretsBefore().stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Whether nodes that have no problem are to be gone on with. */
    public boolean goesOn() {
        return !interrupted && (problems.isEmpty() || options.onFailure() == OnFailure.continue_)
                && !problems.containsKey(fleet.inventory().core()) && !nodes.isEmpty();
    }

    /** Finds out what would be done exactly, and what would go wrong, before anything is pulled anywhere. */
    public void look(Secrets secrets) {
        var open = plans();
        open.keySet().removeIf(node -> !open(node));
        keep(pins.ask(fleet, open, secrets));
        pins.pinned(open).forEach((node, plan) -> {
            if (plan != open.get(node)) nodes.put(node, new NodeRollout(tools, plan));
        });
        keep(fleet.each(this::open, (node, ssh) -> {
            try (var step = console.step(node.name(), "look")) {
                nodes.get(node).look(secrets, pins.manifests(nodes.get(node).plan()));
                var preview = nodes.get(node).preview().orElseThrow();
                step.done(preview.outcome());
                var unhealthy = preview.plan().unhealthy();
                if (!unhealthy.isEmpty()) console.note(node.name(), "health",
                        HealthLog.words(unhealthy, HealthLog.ask(ssh, unhealthy)) + " unhealthy, made anew");
                preview.rescaled().ifPresent(text -> console.note(node.name(), "scale", text));
                var cut = nodes.get(node).atWork();
                if (!cut.isEmpty()) console.note(node.name(), "at work",
                        "the backend itself, which is stopped: " + BackendDrain.words(cut)
                                + (options.waitIdle().isZero() ? "; --wait-idle 10m lets it finish" : ""));
                return node;
            }
        }));
    }

    /** What each node would get, as far as that was found out. */
    public Map<Node, PlanPreview> previews() {
        var previews = new LinkedHashMap<Node, PlanPreview>();
        nodes.forEach((node, nodeRollout) -> nodeRollout.preview().ifPresent(preview -> previews.put(node, preview)));
        return previews;
    }

    /**
     * The operations that the backend itself was at when it was looked, and that end with it; none where it is not
     * stopped.
     */
    public List<OperationsApi.Operation> atWork(Node node) {
        return nodes.containsKey(node) ? nodes.get(node).atWork() : List.of();
    }

    /**
     * Waits so long for the workers of a node that will be stopped to be idle; answers those that are still at work
     * then, each with its operation.
     */
    public Map<String, String> drain(Node node, Duration patience) {
        return nodes.containsKey(node) ? nodes.get(node).drain(patience) : Map.of();
    }

    /** Pulls what is missing, on all nodes at once. */
    public void pull(Secrets secrets) {
        keep(fleet.each(this::open, (node, ssh) -> {
            var plan = nodes.get(node).plan();
            try (var step = console.step(node.name(), "pull")) {
                if (plan.pulls().isEmpty()) {
                    step.done("nothing: all images are there");
                    return plan;
                }
                step.now(plan.pulls().size() + " images");
                pull(plan, ssh, secrets);
                step.done(Pins.pulledAs(plan).entrySet().stream()
                        .map(entry -> entry.getValue().isEmpty() ? entry.getKey() : entry.getValue())
                        .map(Rollout::shortImage).collect(Collectors.joining(", ")));
            }
            nodes.get(node).pulled();
            return plan;
        }));
    }

    private boolean open(Node node) {
        return nodes.containsKey(node) && !problems.containsKey(node);
    }

    private void pull(NodePlan plan, Ssh ssh, Secrets secrets) {
        var images = fleet.inventory().images();
        var node = plan.stack().node().name();
        var result = ssh.run(secrets.registry()
                + Docker.pull(images.registry(), images.username(), Pins.pulledAs(plan)), PULL);
        if (result.ok()) return;
        var said = LastWords.lines(result.err(), 3);
        throw new Registry(images.registry(), images.username()).failure(node, result)
                .orElseGet(() -> switch (ScriptExit.of(result)) {
                    case NOT_PULLED ->
                            Problem.failed(node + ": " + result.out().strip().replace("\n", ", ")
                                    + " could not be pulled")
                            .found(said)
                            .fix(said.contains("no space left")
                                    ? "make room there: docs/OPERATIONS.md, \"disk full\"; nothing was changed"
                                    : "is there such a tag in the registry? Nothing was changed");
                    default -> Problem.failed(node + ": pulling images failed").found(said).fix("nothing was changed");
                });
    }

    /** Replaces core, then the workers nodes, and proves each. */
    public void apply(Secrets secrets) {
        exchange.begin();
        var core = fleet.inventory().core();
        var workers = fleet.nodes().stream().filter(node -> node.role() == Role.WORKERS && open(node)).toList();
        boolean last = open(core) && plans().get(core).services().isEmpty()
                && workers.stream().anyMatch(node -> !plans().get(node).services().isEmpty());
        if (open(core) && !last) apply(List.of(core), secrets);
        if (options.parallel() && goesOn()) apply(workers, secrets);
        else for (var node : workers) if (goesOn()) apply(List.of(node), secrets);
        if (last && goesOn()) apply(List.of(core), secrets);
        boolean ended = problems.isEmpty() && !interrupted;
        if (exchange.together() ? !ended
                : options.onFailure() == OnFailure.revert && !problems.isEmpty() && !interrupted) revert(secrets);
    }

    private void apply(List<Node> some, Secrets secrets) {
        boolean core = some.contains(fleet.inventory().core());
        var serving = core ? serving(fleet.nodes().size() > 1) : Set.<CheckId>of();
        keep(fleet.each(some::contains, (node, ssh) -> {
            nodes.get(node).run(secrets, serving);
            outcomes.put(node, Outcome.deployed);
            return node;
        }));
    }

    /**
     * The workers, as ids of checks, that a new backend has to have again: those that serve now. Where workers are
     * deployed next, they are waited for then.
     */
    private Set<CheckId> serving(boolean workersFollow) {
        if (workersFollow) return Set.of();
        return tools.checks().workers(fleet.inventory().workers()).stream().filter(Check::ok).map(Check::what)
                .collect(Collectors.toSet());
    }

    private void revert(Secrets secrets) {
        var core = fleet.inventory().core();
        if (problems.isEmpty()) problems.put(core, Problem.interrupted("interrupted between two nodes"));
        var cause = problems.values().iterator().next();
        try {
            exchange.back();
        } catch (Problem left) {
            problems.put(core, left);
            return;
        }
        var done = new ArrayList<>(fleet.nodes().stream().filter(node -> outcome(node) == Outcome.deployed).toList());
        var reverted = fleet.each(done::contains, (node, ssh) -> {
            nodes.get(node).revert(secrets, Set.of());
            return node;
        });
        reverted.values().keySet().forEach(node -> outcomes.put(node, Outcome.returned));
        problems.putAll(reverted.problems());
        reverted.problems().keySet().forEach(node -> outcomes.put(node, Outcome.failed));
        if (!done.isEmpty()) console.note(done.stream().map(Node::name).collect(Collectors.joining(", ")), "revert",
                "because of: " + cause.sentence());
    }

    private void keep(Fleet.Outcomes<?> some) {
        problems.putAll(some.problems());
        some.problems().forEach((node, problem) -> outcomes.put(node, switch (problem.exit()) {
            case UNREACHABLE -> Outcome.unreachable;
            case ROLLED_BACK -> Outcome.returned;
            case INTERRUPTED -> Outcome.untouched;
            default -> Outcome.failed;
        }));
        interrupted |= Thread.interrupted();
    }

    private static String shortImage(String image) {
        return image.substring(image.lastIndexOf('/') + 1).replaceFirst("(@sha256:.{12}).*", "$1");
    }
}
