package ktrdr.backup;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.Waiting;
import ktrdr.api.Backend;
import ktrdr.api.DowntimeProbe;
import ktrdr.drain.WorkerPause;
import ktrdr.fleet.Fleet;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * Replaces the database by a backup: stops all writers on every node, swaps the two, starts the writers and waits until
 * the backend knows them again.
 */
public final class DatabaseReplacement {
    private static final Duration ASK = Duration.ofMillis(200);
    private static final Duration HEALTH = Duration.ofMinutes(2);
    private static final Duration ENDING = Duration.ofMinutes(1);
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Http http;
    private final Console console;
    private final Node core;
    private final Stack stack;

    public DatabaseReplacement(Fleet fleet, NodeLocks locks, Http http, Console console) {
        this.fleet = fleet;
        this.locks = locks;
        this.http = http;
        this.console = console;
        this.core = fleet.inventory().core();
        this.stack = Stack.of(fleet.inventory(), core);
    }

    /**
     * The result.
     *
     * @param away how long the backend did not answer; empty if it did not run before
     */
    public record Replaced(RestoreScript.Done done, Optional<Duration> away) {}

    /**
     * Restores a backup that is on core. Whatever goes wrong, all stopped containers are started again, and a
     * {@link Problem} says which database is in use.
     */
    public Replaced run(RestoreScript.Source source) {
        var before = registered();
        var backend = new Backend(fleet.inventory(), http);
        var gap = DowntimeProbe.start(() -> stack.service(Part.BACKEND).isPresent()
                && backend.health().status().equals("ok"), ASK);
        RestoreScript.Done done;
        try (var held = WorkerPause.take(fleet, fleet.nodes().stream()
                .filter(node -> locked(node) && !node.equals(core)).toList(), locks, http, console)) {
            if (held.cut()) console.note(core.name(), "restore",
                    "what workers saved of their work is in the database that is replaced, and can be resumed "
                            + "only if this fails");
            done = new RestoreScript(fleet.inventory(), fleet.ssh(core), console)
                    .run(RestoreScript.Mode.replace, source, "", locks.under(core));
        } catch (Problem problem) {
            gap.stop();
            if (problem.exit() == Exit.INTERRUPTED) ended();
            throw problem;
        }
        if (done.away()) await(before);
        var away = gap.stop();
        return new Replaced(done, done.away() ? Optional.of(away) : Optional.empty());
    }

    private boolean locked(Node node) {
        try {
            return fleet.ssh(node).open();
        } catch (Problem unreached) {
            return false;
        }
    }

    /** The checks of workers that pass now. */
    private Set<CheckId> registered() {
        return workers().stream().filter(Check::ok).map(Check::what).collect(Collectors.toSet());
    }

    private List<Check> workers() {
        return new ServiceChecks(fleet.inventory(), http).workers(fleet.inventory().workerNodes());
    }

    private void await(Set<CheckId> before) {
        var waiting = new Waiting(HEALTH, 300, "interrupted while waiting for health; the database is restored");
        try (var step = console.step("fleet", "health")) {
            var left = waiting.until(() -> look(before).stream().filter(check -> !check.ok()).toList(), List::isEmpty,
                    failing -> step.now("waiting for "
                            + failing.stream().map(Check::id).collect(Collectors.joining(", "))));
            if (!left.isEmpty()) throw left.get(0).problem("the database is restored, but " + left.get(0).id()
                    + " did not hold within " + Units.duration(HEALTH));
            var parts = Stream.of(Part.BACKEND, Part.DATABASE).map(stack::service).flatMap(Optional::stream);
            step.done(parts.collect(Collectors.joining(", ")) + ", " + before.size() + " of " + before.size()
                    + " workers registered again");
        }
    }

    private List<Check> look(Set<CheckId> before) {
        var checks = new ServiceChecks(fleet.inventory(), http);
        var found = new ArrayList<>(checks.core(stack, stack.service(Part.BACKEND).stream().toList()));
        found.add(checks.database(fleet.ssh(core)));
        // a backend that does not answer knows no workers either: one problem is enough
        if (Check.allOk(found)) found.addAll(containers());
        if (Check.allOk(found) && !before.isEmpty()) found.addAll(workers().stream()
                .filter(check -> before.contains(check.what()) || check.what().ofFleet("workers")).toList());
        return found;
    }

    /** Checks of the containers that are still starting: a worker registers before it is healthy. */
    private List<Check> containers() {
        var found = new ArrayList<Check>();
        fleet.each(this::locked, (node, ssh) -> {
            var stack = Stack.of(fleet.inventory(), node);
            var starting = Docker.containers(ssh.must(Docker.containersOf(stack.project()))).stream()
                    .filter(container -> container.running() && container.health().equals("starting")).toList();
            return ServiceChecks.containers(stack, starting.stream().map(Docker.Container::service).toList(), starting);
        }).values().values().forEach(found::addAll);
        return found;
    }

    /** Waits until the interrupted script on core has cleaned up there. */
    private void ended() {
        try {
            Threads.uninterrupted(() -> fleet.ssh(core).run(locks.under(core), ENDING));
        } catch (Problem unknown) {
            stack.service(Part.BACKEND).ifPresent(service -> console.note(core.name(), service,
                    "is started again by the node itself; it did not answer"));
        }
    }
}
