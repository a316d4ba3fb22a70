package ktrdr.health;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.api.WorkerRoster;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/** Checks of the backend's registry of workers against the inventory. Pure. */
public final class WorkerChecks {
    /** How long the backend remembers a worker that does not answer, with a margin. */
    private static final Duration FORGOTTEN = Duration.ofSeconds(330);
    /** The backend polls each worker every few seconds, and notices within this time that a worker is gone. */
    private static final Duration NOTICED = Duration.ofMinutes(2);
    private static final String NOT_REGISTERED = "not registered";

    private WorkerChecks() {}

    /** The failed check of a backend that did not list its workers. */
    public static Check unknown(Inventory inventory, Problem problem) {
        var core = inventory.core().name();
        return new Check(CheckId.ofFleet("workers", "list"), core, false,
                "GET " + inventory.url(Part.BACKEND) + "/api/v1/workers answers",
                problem.foundOrSentence(), "on " + core + ": docker logs " + backend(inventory), 0);
    }

    /** A check for each worker of these nodes: the backend has it in its registry, and not as gone. */
    public static List<Check> registered(Inventory inventory, List<Node> nodes, List<Backend.Worker> registered,
            double seconds) {
        var checks = new ArrayList<Check>();
        for (var node : nodes)
            for (var worker : inventory.workersOf(node)) {
                var found = registered.stream()
                        .filter(eachWorker -> eachWorker.endpointUrl().equals(worker.endpointUrl())).toList();
                boolean ok = found.stream()
                        .anyMatch(eachWorker -> eachWorker.serving() && eachWorker.type().equals(worker.type()));
                checks.add(new Check(registered(node, worker.name()), node.name(), ok,
                        worker.type() + " worker at " + worker.endpointUrl() + ", available or busy", words(found),
                        "on " + node.name() + ": docker logs " + container(inventory, node, worker), seconds));
            }
        return checks;
    }

    private static String backend(Inventory inventory) {
        var core = Stack.of(inventory, inventory.core());
        return core.container(core.needed(Part.BACKEND));
    }

    private static String container(Inventory inventory, Node node, Inventory.Worker worker) {
        return Stack.of(inventory, node).container(worker.name());
    }

    /** The id of the check that a worker is registered. */
    public static CheckId registered(Node node, String worker) {
        return CheckId.ofNode(node, worker, "registered");
    }

    /** Whether this is the check of a worker that the backend does not know. */
    public static boolean lost(Check check) {
        return check.what().is("registered") && check.found().equals(NOT_REGISTERED);
    }

    /** A check for each worker of these nodes that should have a GPU: it reports one to the backend. */
    public static List<Check> gpus(Inventory inventory, List<Node> nodes, List<Backend.Worker> registered) {
        var checks = new ArrayList<Check>();
        for (var node : nodes)
            for (var worker : inventory.workersOf(node).stream().filter(Inventory.Worker::gpu).toList()) {
                var here = registered.stream()
                        .filter(eachWorker -> eachWorker.endpointUrl().equals(worker.endpointUrl())
                                && eachWorker.serving()).toList();
                var has = here.stream().map(Backend.Worker::gpu).filter(gpu -> !gpu.isEmpty()).findFirst();
                checks.add(new Check(CheckId.ofNode(node, worker.name(), "gpu"), node.name(), has.isPresent(),
                        "a GPU, by its capabilities in GET " + inventory.url(Part.BACKEND) + "/api/v1/workers",
                        has.orElse(here.isEmpty() ? NOT_REGISTERED : "none: it trains on the CPU"),
                        "on " + node.name() + ": docker exec " + container(inventory, node, worker)
                                + " nvidia-smi; its image, "
                        + inventory.workerImage(node) + ", needs CUDA; then jbang restart@ktrdr workers "
                                + node.id(), 0));
            }
        return checks;
    }

    /**
     * Two checks: every worker that serves is in the inventory, and no registration is of a worker that is gone. The
     * backend forgets a replaced or removed worker by itself, so until then that is not an error: see
     * {@link WorkerRoster}.
     *
     * @param gone whether the node of this address was reached, and runs no worker there
     */
    public static List<Check> extras(Inventory inventory, List<Backend.Worker> registered, Instant now,
            Predicate<String> gone) {
        var roster = WorkerRoster.of(inventory, registered);
        var serving = roster.strangers(inventory).stream().filter(Backend.Worker::serving).toList();
        // the backend learns that a worker was removed when it polls it the next time
        var removed = serving.stream().filter(worker -> gone.test(worker.endpointUrl())
                && worker.healthy().map(seen -> seen.isAfter(now.minus(NOTICED))).orElse(true)).toList();
        var unexpected = serving.stream().filter(worker -> !removed.contains(worker)).toList();
        var stale = stale(inventory, roster, now);
        int replaced = roster.ghosts().size() - unexpected.size() - stale.size() - removed.size();
        return List.of(extra(inventory, "unexpected", "no worker that serves and is not in the inventory", unexpected,
                removed.isEmpty() ? "none" : "only " + removed.size()
                        + " of removed workers, which the backend notices within a minute",
                "add the worker to inventory.yaml, or stop it: jbang scale@ktrdr"),
                extra(inventory, "ghosts", "no registration of a worker that is gone", stale,
                        replaced == 0 ? "none" : "only " + replaced + " of replaced workers",
                        "the backend forgets it after 5 minutes; to do so now, on " + inventory.core().name()
                                + ": docker restart " + backend(inventory)));
    }

    private static List<Backend.Worker> stale(Inventory inventory, WorkerRoster roster, Instant now) {
        var possible = inventory.workerNodes().stream().flatMap(node -> inventory.workersOf(node.full()).stream())
                .map(Inventory.Worker::endpointUrl).collect(Collectors.toSet());
        return roster.ghosts().stream().filter(ghost -> !ghost.serving()
                && (!possible.contains(ghost.endpointUrl())
                        || ghost.healthy().map(seen -> seen.isBefore(now.minus(FORGOTTEN))).orElse(false))).toList();
    }

    private static Check extra(Inventory inventory, String kind, String expected, List<Backend.Worker> extras,
            String none, String fix) {
        var found = extras.isEmpty() ? none : extras.stream()
                .map(worker -> worker.type() + " at " + worker.endpointUrl() + ", " + worker.status())
                .distinct().collect(Collectors.joining("; "));
        return new Check(CheckId.ofFleet("workers", kind), inventory.core().name(), extras.isEmpty(), expected, found,
                fix, 0);
    }

    private static String words(List<Backend.Worker> found) {
        if (found.isEmpty()) return NOT_REGISTERED;
        return found.stream().map(worker -> worker.type() + ", " + worker.status()).distinct()
                .collect(Collectors.joining("; "));
    }
}
