package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.api.Backend;
import ktrdr.api.DowntimeProbe;
import ktrdr.api.OperationsApi;
import ktrdr.drain.WorkerStops;
import ktrdr.fleet.Fleet;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.DatabaseNames;
import ktrdr.release.FileChanges;
import ktrdr.release.FileChangesScript;
import ktrdr.release.History;
import ktrdr.release.NodeLocks;
import ktrdr.release.Revision;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.CheckId;

/** The deployment of one node up to its proof and its note in the history; and the way back where that fails. */
final class NodeRollout {
    /** How long what ran before has at least to get healthy again. */
    private static final Duration BACK = Duration.ofSeconds(120);
    /** How long what a node said with the look counts. */
    private static final Duration FRESH = Duration.ofSeconds(30);

    /**
     * What all nodes of a rollout share; the backup is the one made for it, null before there is one, empty where there
     * was nothing to keep.
     */
    record RolloutContext(Fleet fleet, NodeLocks locks, Http http, ServiceChecks checks, Console console,
            Rollout.Options options, RolloutExchange exchange, AtomicBoolean changed, AtomicReference<String> backup) {}

    private final RolloutContext tools;
    private final NodePlan plan;
    private final Node node;
    private final DeployJournal journal;
    private final Migration migration;
    private final Set<String> fresh = new TreeSet<>();
    /** Whether what runs may be another thing than what one would go back to. */
    private boolean touched;
    private Map<String, List<String>> digests = Map.of();
    private List<Docker.Container> after = List.of();
    private Optional<Revision> previous = Optional.empty();
    private Optional<Duration> gap = Optional.empty();
    private Optional<PlanPreview> preview = Optional.empty();
    private final List<WorkerStops.Ended> ended = new ArrayList<>();
    private Optional<List<OperationsApi.Operation>> atWork = Optional.empty();

    NodeRollout(RolloutContext tools, NodePlan plan) {
        this.tools = tools;
        this.plan = plan;
        this.node = plan.stack().node();
        this.journal = new DeployJournal(tools, plan);
        this.migration = new Migration(tools, plan, journal);
    }

    NodePlan plan() {
        return plan;
    }

    /** Finds out what it would do exactly, before anything is done. */
    void look(Secrets secrets, Map<String, Registry.Manifest> manifests) {
        var under = tools.locks.held() ? tools.locks.under(node) : "";
        boolean withCore = tools.fleet.nodes().contains(tools.fleet.inventory().core());
        if (!withCore) plan.newDatabase().ifPresent(name -> DatabaseNames.prove(tools.fleet, name, plan.tag()));
        preview = Optional.of(PlanPreview.look(plan, tools.fleet.ssh(node), under, secrets, manifests,
                tools.options.skipChecks(), migration));
        if (preview.get().stopped().contains("backend")) atWork = backend().running();
    }

    /** Finds out what only an image that is there can tell. */
    void pulled() {
        migration.imageIsThere();
    }

    Optional<PlanPreview> preview() {
        return preview;
    }

    private BackendDrain backend() {
        return new BackendDrain(tools.fleet.inventory(), tools.http, tools.console);
    }

    /**
     * What the backend that would be stopped was at when it was looked; empty where it is not stopped, or did not
     * answer.
     */
    List<OperationsApi.Operation> atWork() {
        return atWork.orElse(List.of());
    }

    /** See {@link WorkerDrain#await}. */
    Map<String, String> drain(Duration patience) {
        return new WorkerDrain(tools, preview.orElseThrow()).await(patience);
    }

    /** The services whose containers were replaced or made. */
    Set<String> fresh() {
        return fresh;
    }

    /** What came of the operations whose workers were stopped at work. */
    List<WorkerStops.Ended> ended() {
        return ended;
    }

    /** How long the backend gave no good answer, where it was replaced. */
    Optional<Duration> gap() {
        return gap;
    }

    /**
     * Brings the node to its revision and proves it. A failure is a {@link Problem}; when containers may have been
     * touched by then, what ran before is put back first, and its exit code says so.
     */
    void run(Secrets secrets, Set<CheckId> workersBefore) {
        journal.start();
        previous = plan.restart() ? Optional.empty() : previous();
        if (settled()) return;
        try (var meter = DowntimeProbe.meter(() -> new Backend(tools.fleet.inventory(), tools.http).health().status()
                .equals("ok"), plan.services().contains("backend"), this::away)) {
                    forward(secrets, workersBefore);
                } catch (RuntimeException e) {
            // from here on nothing is to be stopped half way
            Thread.interrupted();
            throw failed(e instanceof Problem why ? why
                    : Problem.failed(node.name() + ": something unexpected went wrong: " + e).because(e), secrets,
                    workersBefore);
        }
        journal.end(outcome(), Docker.images(after, digests), "");
    }

    /**
     * Whether nothing is to be done and all is proven at first sight. Then that was all: nothing is begun, and it is
     * noted as the lock is given back. Else the node goes the way of every deployment, which waits, and knows the way
     * back.
     */
    private boolean settled() {
        var seen = preview.flatMap(PlanPreview::seen);
        if (seen.isEmpty() || !migration.settled()) return false;
        var gate = new HealthGate(tools, plan, tools.options.timeout(), plan.facts().containers(),
                plan.facts().digests());
        // what another node was given since may have changed this one too
        boolean fresh = !tools.changed.get() && System.nanoTime() - seen.get().at() < FRESH.toNanos();
        Facts facts;
        try {
            facts = fresh ? seen.get().facts() : gate.ask();
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            return false;
        }
        if (!gate.holds(facts, this::same)) return false;
        after = Docker.containers(facts);
        digests = plan.facts().digests();
        journal.endLater(outcome(), Docker.images(after, digests));
        return true;
    }

    private void same() {
        files();
        migration.tell();
        tools.console.note(node.name(), "up", plan.outcome(Set.of(), List.of(), List.of()));
    }

    private History.Ending outcome() {
        if (plan.restart()) return History.Ending.RESTARTED;
        return tools.options.rollback().isPresent() ? History.Ending.ROLLED_BACK : History.Ending.DEPLOYED;
    }

    private void away(Duration away) {
        if (fresh.contains("backend") && !away.isZero()) gap = Optional.of(away);
    }

    private void forward(Secrets secrets, Set<CheckId> workersBefore) {
        tools.exchange.aside(node);
        if (!plan.restart()) files();
        // one that did not answer when it was looked is not waited for now
        if (atWork.isPresent()) backend().drain(tools.options.waitIdle());
        if (plan.stack().core()) {
            var begin = journal.begin();
            if (migration.waits()) {
                var database = plan.part(List.of("db"), List.of());
                up(database, new ApplyScript(database).text(secrets, begin, false, ""));
                begin = "";
                migration.databaseIsThere();
            }
            boolean migrated = migration.run(secrets, begin);
            // Compose would make a container anew that was brought up with others and is now brought up alone
            if (migrated && preview.flatMap(PlanPreview::seen).isPresent()) stays();
            else up(plan, new ApplyScript(plan).text(secrets, migrated ? "" : begin, true, ""));
        }
        // a part after the first finds it begun
        else workers(secrets);
        new HealthGate(tools, plan, tools.options.timeout(), after, digests)
                .await(fresh.contains("backend") ? workersBefore : Set.of());
        tools.exchange.proven(node);
    }

    private void stays() {
        after = plan.facts().containers();
        digests = plan.facts().digests();
        tools.console.note(node.name(), "up", plan.outcome(Set.of(), List.of(), List.of()));
    }

    private void workers(Secrets secrets) {
        var drain = new WorkerDrain(tools, preview.orElseThrow());
        try {
            drain.replace((part, unless, stop) -> up(part, secrets, unless + (after.isEmpty() ? journal.begin() : ""),
                    stop));
        } finally {
            ended.addAll(drain.ended());
        }
    }

    private void files() {
        tools.console.note(node.name(), "files", plan.staging().outcome());
        plan.staging().remarks().forEach(remark -> tools.console.note(node.name(), "files", remark));
    }

    private boolean up(NodePlan part, Secrets secrets, String begin, String stop) {
        return up(part, new ApplyScript(part).text(secrets, begin, part.whole() || !begin.isEmpty(), stop));
    }

    /** Whether it was done; see {@link WorkerDrain.Up}. */
    private boolean up(NodePlan part, String script) {
        tools.changed.set(true);
        touched = true;
        try (var step = tools.console.step(node.name(), "up")) {
            var result = tools.fleet.ssh(node)
                    .run(tools.locks.under(node) + script, tools.options.timeout().plusMinutes(2));
            if (ScriptExit.of(result) == ScriptExit.AT_WORK) return false;
            if (!result.ok()) throw part.upFailed(result).stderr(result.err());
            digests = Docker.digests(FileChangesScript.told("digest", result.out()).stream()
                    .collect(Collectors.toMap(line -> line.split(" ")[0],
                            line -> line.substring(line.indexOf(' ') + 1))));
            after = Docker.containers(FileChangesScript.rest(result.out()));
            var replaced = part.replaced(after);
            fresh.addAll(replaced);
            FileChangesScript.told("metrics", result.out())
                    .forEach(why -> tools.console().note(node.name(), "metrics", why));
            FileChangesScript.checked(result.out()).forEach(how -> tools.console.detail(node.name(), "files", how));
            step.done(part.outcome(replaced, FileChangesScript.told("reloaded", result.out()),
                    FileChangesScript.told("restarted", result.out())));
            new Reread(tools, part).prove(result.out());
            return true;
        }
    }

    /**
     * What to go back to: what is there, unless nobody proved it; then the last release that ended well, as far as its
     * files were kept.
     */
    private Optional<Revision> previous() {
        var facts = plan.facts();
        boolean broken = facts.history().unproven() || facts.containers().stream()
                .filter(container -> plan.stack().services().contains(container.service()))
                .anyMatch(container -> !container.running() || container.health().equals("unhealthy"));
        touched = broken;
        if (!broken) return Revision.there(plan.stack(), facts, plan.revision().files());
        return facts.history().current()
                .flatMap(entry -> NodePlanner.kept(plan.stack(), tools.fleet.ssh(node), entry)
                        .map(files -> Revision.of(plan.stack(), entry, files)));
    }

    /** What to say of a failure, after what can be done about it was done. */
    private Problem failed(Problem why, Secrets secrets, Set<CheckId> workersBefore) {
        if (plan.restart()) {
            why.with("its log", journal.keepLogs(plan.services()))
                    .with("now", "left as it is: it is the release that ran before");
            journal.end(History.Ending.FAILED, Map.of(), why.sentence());
            return why;
        }
        if (tools.exchange.restores(node)) return restored(why);
        StackFacts facts;
        try {
            facts = again(previous.map(Revision::files).orElse(List.of()));
            if (!journal.begun(facts)) return why;
        } catch (Problem gone) {
            return gone.exit() == Exit.LOCKED ? gone : lost(why, gone);
        }
        why.with("its log", journal.keepLogs(plan.services()));
        if (!tools.options.back() || previous.isEmpty()) {
            journal.end(History.Ending.FAILED, Docker.images(facts.containers(), facts.digests()), why.sentence());
            return why.with("now", tools.options.back() ? "left as it is: nothing ran before that one could go back to"
                    : "left as it is, as --no-rollback says");
        }
        tools.console.note(node.name(), "back", "to " + previous.get().tag() + ": "
                + why.sentence().replaceFirst("^" + Pattern.quote(node.name() + ": "), ""));
        try {
            back(previous.get(), facts, secrets, workersBefore);
            journal.returned(Docker.images(facts.containers(), facts.digests()), Docker.images(after, digests),
                    why.sentence());
            return why.returned()
                    .fix("mend the cause, then run it again; " + node.name() + " runs " + previous.get().tag()
                            + " as before");
        } catch (Problem second) {
            journal.end(History.Ending.FAILED, Docker.images(facts.containers(), facts.digests()), why.sentence());
            // an interrupt that is no more than that leaves nothing half done
            return why.unfinished().with("the way back", second.sentence() + " " + second.found())
                    .fix("look at " + node.name() + ", then: " + rollback());
        }
    }

    /** What ran before was not ours: whoever put it aside puts it back. */
    private Problem restored(Problem why) {
        var now = why.sentence();
        if (!tools.options.back())
            return why.with("now", "left as it is, as --no-rollback says; what ran before is kept aside");
        tools.console.note(node.name(), "back",
                "to what ran before: " + now.replaceFirst("^" + Pattern.quote(node.name() + ": "), ""));
        try {
            why.with("its log", journal.keepLogs(plan.services()));
            tools.exchange.restore(node);
            journal.end(History.Ending.RETURNED, Map.of(), now);
            return why.returned().fix("mend the cause, then run it again; " + node.name() + " runs what it ran before");
        } catch (Problem second) {
            return why.unfinished().with("the way back", second.sentence() + " " + second.found())
                    .fix(Installation.command(node) + " --back");
        }
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

    /** Puts a revision in the place of what failed, and proves it healthy. */
    private void back(Revision to, StackFacts facts, Secrets secrets, Set<CheckId> workersBefore) {
        long started = System.nanoTime();
        tools.exchange.back();
        var way = NodePlan.plan(plan.stack(), to, replaced(to), facts);
        if (!way.pulls().isEmpty()) throw Problem.failed(node.name() + ": " + String.join(", ", way.pulls())
                + " is not on the node any more").fix(rollback());
        migration.back(to, secrets);
        // else what runs on core is what ran, and Compose might make it anew all the same; workers were told to stop by
        // then
        after = facts.containers();
        digests = facts.digests();
        if (touched || !plan.stack().core()) up(way, tools.exchange.former(node, secrets), "", settle(way, facts));
        // a short time for the new release is no short time for the old one
        var patience = tools.options.timeout().compareTo(BACK) > 0 ? tools.options.timeout() : BACK;
        new HealthGate(tools, way, patience, after, digests).await(workersBefore);
        tools.console.note(node.name(), "back", to.tag() + " runs again, healthy, after "
                + Units.duration(Duration.ofNanos(System.nanoTime() - started)));
    }

    /** See {@link WorkerDrain#back}. */
    private String settle(NodePlan way, StackFacts facts) {
        if (plan.stack().core()) return "";
        var drain = new WorkerDrain(tools, preview.orElseThrow());
        var stop = drain.back(way, facts);
        ended.addAll(drain.ended());
        return stop;
    }

    /** Looks at the node again, over a new connection where the old one was lost. */
    private StackFacts again(List<NodeFile> files) {
        return Threads.insist(() -> {
            // behind whatever of ours is still ending there
            NodeLocks.refused(node, tools.fleet.ssh(node).run(tools.locks.under(node))).ifPresent(refused -> {
                throw refused;
            });
            var asked = previous.map(to -> NodePlan.asked(to, replaced(to))).orElse(List.of());
            return FileChanges.gather(plan.stack(), tools.fleet.ssh(node), files, asked);
        }, problem -> tools.console.detail(node.name(), "back", problem.sentence()));
    }

    /** Goes back from a release that was proven here, because others failed. */
    void revert(Secrets secrets, Set<CheckId> workersBefore) {
        if (tools.exchange.restored(node)) return;
        var to = previous.orElseThrow(
                () -> Problem.failed(node.name() + ": nothing ran before that one could go back to"));
        var facts = again(to.files());
        tools.locks.settle(node);
        back(to, facts, secrets, workersBefore);
        journal.reverted(Docker.images(after, digests), to);
    }
}
