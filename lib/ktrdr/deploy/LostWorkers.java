package ktrdr.deploy;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.health.ServiceChecks;
import ktrdr.health.WorkerChecks;
import ktrdr.node.Docker;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * Workers that are up and that the backend does not know: without a restart they would never be registered.
 *
 * @param unknown the checks of workers that the backend does not know
 */
record LostWorkers(Set<CheckId> unknown) {
    /**
     * A worker tries for a quarter of a minute as it starts, and after that every ten seconds, if it was not asked for
     * its health for thirty.
     */
    private static final Duration REGISTERED = Duration.ofSeconds(60);

    /** Asks the backend once for all nodes with workers that had enough time to register. */
    static LostWorkers ask(ServiceChecks checks, Collection<NodePlan> plans) {
        var nodes = plans.stream().filter(plan -> !plan.restart() && !up(plan).isEmpty())
                .map(plan -> plan.stack().node().full()).toList();
        if (nodes.isEmpty()) return new LostWorkers(Set.of());
        return new LostWorkers(checks.workers(nodes).stream().filter(WorkerChecks::lost).map(Check::what)
                .collect(Collectors.toSet()));
    }

    /** Those of a plan. */
    List<String> of(NodePlan plan) {
        var node = plan.stack().node();
        return up(plan).stream().filter(service -> unknown.contains(WorkerChecks.registered(node, service))).toList();
    }

    /**
     * The workers of a plan that are up for long enough to be known: healthy, since one registers before it answers.
     */
    static List<String> up(NodePlan plan) {
        if (!plan.stack().working()) return List.of();
        return plan.facts().containers().stream().filter(container -> container.healthy() && settledIn(container))
                .map(Docker.Container::service).filter(plan.services()::contains).toList();
    }

    private static boolean settledIn(Docker.Container container) {
        return Instant.parse(container.startedAt()).isBefore(Instant.now().minus(REGISTERED));
    }
}
