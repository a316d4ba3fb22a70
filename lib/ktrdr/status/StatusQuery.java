package ktrdr.status;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.api.Backend;
import ktrdr.fleet.Fleet;
import ktrdr.health.HealthLog;
import ktrdr.health.ServiceChecks;
import ktrdr.health.WorkerChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.ssh.Ssh;

/** The questions of a status: one script on each node, and the requests over HTTP, all at once. */
record StatusQuery(Fleet fleet, Http http, boolean usage) {

    FleetStatus ask() {
        var inventory = fleet.inventory();
        var checks = new ServiceChecks(inventory, http);
        var time = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        var threads = Executors.newCachedThreadPool(Threads.daemons("status"));
        try {
            // the Compose files are read while connections are made
            var asking = CompletableFuture.supplyAsync(() -> services(checks, threads), threads);
            var targets = CompletableFuture.supplyAsync(checks::askTargets, threads);
            var alerts = CompletableFuture.supplyAsync(checks::alerts, threads);
            var workers = CompletableFuture.supplyAsync(this::workers, threads);
            var asked = fleet.each(this::gather);
            if (Thread.currentThread().isInterrupted()) throw Problem.interrupted("interrupted");
            var registered = workers.handle(StatusQuery::answered).join();
            var answers = read(asking).stream().flatMap(future -> future.join().stream()).toList();
            var scaled = ScaledFleet.of(inventory, asked.values());
            var said = said(scaled, registered.workers);
            return new FleetStatus(scaled.inventory(), time, scaled.nodes(), asked.problems(), answers,
                    registered.workers,
                    registered.problem.map(problem -> WorkerChecks.unknown(inventory, problem)), said,
                    targets.join().checks(scaled.inventory(), scaled::left), alerts.join(), scaled.chosen());
        } finally {
            threads.shutdownNow();
        }
    }

    /** What was asked; a Compose file that cannot be read is its {@link Problem}. */
    private static <T> T read(CompletableFuture<T> asking) {
        try {
            return asking.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Problem problem ? problem : e;
        }
    }

    private List<CompletableFuture<List<Check>>> services(ServiceChecks checks, Executor threads) {
        var inventory = fleet.inventory();
        var core = Stack.of(inventory, inventory.core());
        var services = core.services().stream().sorted()
                .map(service -> CompletableFuture.supplyAsync(() -> checks.core(core, List.of(service)), threads));
        var proofs = fleet.nodes().stream().map(node -> Stack.of(inventory, node))
                .flatMap(stack -> stack.proven().stream().map(service -> CompletableFuture
                        .supplyAsync(() -> checks.proofs(stack, List.of(service)), threads)));
        return Stream.concat(services, proofs).toList();
    }

    private NodeStatus gather(Node node, Ssh ssh) {
        var inventory = fleet.inventory();
        var stack = Stack.of(inventory, node);
        return NodeStatus.gather(ssh, stack,
                node.equals(FleetStatus.backupNode(inventory)) ? FleetStatus.backups(inventory) : "", usage);
    }

    /** Those that the backend knows; empty without a backend. */
    private Optional<List<Backend.Worker>> workers() {
        var inventory = fleet.inventory();
        return Stack.of(inventory, inventory.core()).service(Part.BACKEND)
                .map(service -> new Backend(inventory, http).workers());
    }

    private record Registered(Optional<List<Backend.Worker>> workers, Optional<Problem> problem) {}

    private static Registered answered(Optional<List<Backend.Worker>> workers, Throwable failure) {
        if (failure == null) return new Registered(workers, Optional.empty());
        if (failure.getCause() instanceof Problem problem)
            return new Registered(Optional.empty(), Optional.of(problem));
        throw new IllegalStateException(failure);
    }

    /** What containers log about failing checks, by the ids of the checks: a second round, to the nodes concerned. */
    private Map<String, String> said(ScaledFleet scaled, Optional<List<Backend.Worker>> registered) {
        var names = fleet.nodes().stream().map(Node::name).toList();
        var whole = fleet.of(scaled.inventory(), scaled.inventory().nodes().stream()
                .filter(node -> names.contains(node.name())).toList());
        var containers = new LinkedHashMap<Node, List<Docker.Container>>();
        scaled.nodes().forEach((node, status) -> containers.put(node, status.containers()));
        var said = new LinkedHashMap<>(HealthLog.ask(whole, containers));
        registered.ifPresent(workers -> said.putAll(Unregistered.ask(whole, scaled.nodes(), workers)));
        return said;
    }
}
