package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.api.DowntimeProbe;
import ktrdr.api.OperationsApi;
import ktrdr.drain.WorkerStops;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.DatabaseNames;
import ktrdr.release.History;
import ktrdr.release.OwnContainers;
import ktrdr.report.CheckId;

/** The deployment of one node, up to its proof and its entry in the history. {@link NodeRollback} is the way back. */
final class NodeRollout {
    /** How long the answer of a node to the look counts. */
    private static final Duration FRESH = Duration.ofSeconds(30);
    private final RolloutContext context;
    private final NodePlan plan;
    private final Node node;
    private final DeployJournal journal;
    private final Migration migration;
    private final ContainerReplacement containers;
    private final NodeRollback rollback;
    private final List<WorkerDrain> drains = new ArrayList<>();
    private Optional<Duration> gap = Optional.empty();
    private Optional<PlanPreview> preview = Optional.empty();
    private Optional<List<OperationsApi.Operation>> atWork = Optional.empty();

    NodeRollout(RolloutContext context, NodePlan plan) {
        this.context = context;
        this.plan = plan;
        this.node = plan.stack().node();
        this.journal = new DeployJournal(context.fleet(), context.locks(), context.console(), plan,
                context.options().rollback().map(chosen -> chosen.get(node)));
        this.migration = new Migration(context, plan, journal);
        this.containers = new ContainerReplacement(context, node);
        this.rollback = new NodeRollback(context, plan, journal, migration, containers, this::drain);
    }

    NodePlan plan() {
        return plan;
    }

    /** Finds out exactly what the deployment would do, before anything is changed. */
    void look(Secrets secrets, Map<String, Registry.Manifest> manifests) {
        var fleet = context.fleet();
        var under = context.locks().held() ? context.locks().under(node) : "";
        boolean withCore = fleet.nodes().contains(fleet.inventory().core());
        if (!withCore) plan.newDatabase().ifPresent(name -> DatabaseNames.prove(fleet, name, plan.tag()));
        if (!context.options().skipChecks()) PlanPreview.proveRoom(plan, manifests);
        preview = Optional.of(PlanPreview.look(plan, fleet.ssh(node), under, secrets, manifests, migration));
        if (plan.service(Part.BACKEND).filter(preview.get().stopped()::contains).isPresent())
            atWork = backend().running();
    }

    /** Finds out what only an image on the node can tell. */
    void pulled() {
        migration.imageIsThere();
    }

    Optional<PlanPreview> preview() {
        return preview;
    }

    private BackendDrain backend() {
        return new BackendDrain(context.fleet().inventory(), context.http(), context.console());
    }

    /** The operations that a backend which would be stopped ran at the look; none if it did not answer. */
    List<OperationsApi.Operation> atWork() {
        return atWork.orElse(List.of());
    }

    /** See {@link WorkerDrain#await}. */
    Map<String, String> drain(Duration patience) {
        return drain().await(patience);
    }

    private WorkerDrain drain() {
        var stops = new WorkerStops(context.fleet(), context.locks(), context.http(), context.console(), node);
        var drain = new WorkerDrain(stops, context.console(), preview.orElseThrow(), context.options().waitIdle());
        drains.add(drain);
        return drain;
    }

    /** The services whose containers were replaced or made. */
    Set<String> fresh() {
        return containers.fresh();
    }

    /** The outcome of the operations whose workers were stopped while busy. */
    List<WorkerStops.Ended> ended() {
        return drains.stream().flatMap(drain -> drain.ended().stream()).toList();
    }

    /** How long the backend gave no good answer, if it was replaced. */
    Optional<Duration> gap() {
        return gap;
    }

    /**
     * Brings the node to its revision and proves it. A failure is a {@link Problem}. If containers may have been
     * changed by then, the previous release is put back first, and the exit code says so.
     */
    void run(Secrets secrets, Set<CheckId> workersBefore) {
        journal.start();
        if (!plan.restart()) rollback.findTarget();
        if (settled()) return;
        try (var meter = DowntimeProbe.meter(() -> new Backend(context.fleet().inventory(), context.http()).health()
                .status().equals("ok"), plan.has(Part.BACKEND), this::away)) {
            forward(secrets, workersBefore);
        } catch (RuntimeException e) {
            // from here on nothing is to be stopped half way
            Thread.interrupted();
            throw rollback.failed(e instanceof Problem why ? why
                    : Problem.failed(node.name() + ": something unexpected went wrong: " + e).because(e), secrets,
                    workersBefore);
        }
        journal.end(outcome(), containers.now().images(), "");
    }

    /**
     * Whether the node is up to date and that is proven without a wait. Then no deployment begins, and the entry is
     * written as the lock is released. Otherwise the node gets a full deployment, which waits and can be rolled back.
     */
    private boolean settled() {
        var seen = preview.flatMap(PlanPreview::seen);
        if (seen.isEmpty() || !migration.settled()) return false;
        var found = ContainerState.of(plan.facts());
        var gate = gate(plan, found);
        // what another node got since then may have changed this one too
        boolean fresh = !context.progress().changed() && System.nanoTime() - seen.get().at() < FRESH.toNanos();
        Facts facts;
        try {
            facts = fresh ? seen.get().facts() : gate.ask();
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            return false;
        }
        if (!gate.holds(facts, this::same)) return false;
        var own = new OwnContainers(plan.stack(), plan.facts().history());
        containers.now(new ContainerState(own.of(Docker.containers(facts)), found.digests()));
        journal.endLater(outcome(), containers.now().images());
        return true;
    }

    private HealthGate gate(NodePlan proven, ContainerState made) {
        return new HealthGate(context.fleet(), context.http(), context.console(), proven, context.options().timeout(),
                made);
    }

    private void same() {
        files();
        migration.tell();
        untouched();
    }

    private void untouched() {
        context.console().note(node.name(), "up", plan.outcome(Set.of(), List.of(), List.of()));
    }

    private History.Ending outcome() {
        if (plan.restart()) return History.Ending.RESTARTED;
        return context.options().rollback().isPresent() ? History.Ending.ROLLED_BACK : History.Ending.DEPLOYED;
    }

    private void away(Duration away) {
        if (freshBackend() && !away.isZero()) gap = Optional.of(away);
    }

    private boolean freshBackend() {
        return plan.service(Part.BACKEND).filter(fresh()::contains).isPresent();
    }

    private void forward(Secrets secrets, Set<CheckId> workersBefore) {
        context.exchange().aside(node);
        if (!plan.restart()) files();
        // a backend that did not answer at the look is not waited for now
        if (atWork.isPresent()) backend().drain(context.options().waitIdle());
        if (plan.stack().core()) core(secrets);
        else drained(secrets, false);
        gate(plan, containers.now()).await(freshBackend() ? workersBefore : Set.of());
        context.exchange().proven(node);
    }

    private void core(Secrets secrets) {
        var begin = journal.begin();
        if (migration.waits()) {
            var database = plan.part(plan.service(Part.DATABASE).stream().toList(), List.of());
            containers.up(database, apply(database).text(secrets, begin, false, ""));
            begin = "";
            migration.databaseIsThere();
        }
        boolean migrated = migration.run(secrets, begin);
        // Compose would recreate a container that was brought up with others and is now brought up alone
        if (migrated && preview.flatMap(PlanPreview::seen).isPresent()) {
            containers.now(ContainerState.of(plan.facts()));
            untouched();
        } else if (plan.stack().drained()) drained(secrets, migrated || begin.isEmpty());
        else containers.up(plan, apply(plan).text(secrets, migrated ? "" : begin, true, ""));
    }

    private void drained(Secrets secrets, boolean begun) {
        drain().replace((part, unless, stop) -> {
            // the deployment begins with its first part
            var begin = unless + (!begun && containers.now().containers().isEmpty() ? journal.begin() : "");
            boolean last = part.whole() || !begin.isEmpty();
            return containers.up(part, apply(part).text(secrets, begin, last, stop));
        });
    }

    private ApplyScript apply(NodePlan part) {
        return new ApplyScript(part, context.options().rollback().isPresent());
    }

    private void files() {
        context.console().note(node.name(), "files", plan.staging().outcome());
        plan.staging().remarks().forEach(remark -> context.console().note(node.name(), "files", remark));
    }

    /** Goes back from a release that was proven here, because another node failed. */
    void revert(Secrets secrets, Set<CheckId> workersBefore) {
        rollback.revert(secrets, workersBefore);
    }
}
