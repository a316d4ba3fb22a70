package ktrdr.status;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.api.FiringAlert;
import ktrdr.api.WorkerRoster;
import ktrdr.fleet.Fleet;
import ktrdr.health.HealthLog;
import ktrdr.health.ScrapeTargets;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.node.Mount;
import ktrdr.release.Drift;
import ktrdr.release.Stack;
import ktrdr.report.Check;

/**
 * The whole fleet at a moment: from one script on each node, and from requests over HTTP at the same time.
 *
 * @param time when it was asked, UTC
 * @param nodes that answered, in the order of the inventory; {@code unreached} the others
 * @param services checks of core's services over HTTP
 * @param registered workers known to the backend; empty if it does not answer, and then {@code unknown} has the check
 * @param said ids of checks to what containers log about them: workers that are up but unknown to the backend ({@link
 *     Unregistered#ask}), and health checks that fail ({@link HealthLog#ask})
 * @param targets checks of Prometheus' targets
 * @param alerts that fire; empty if Prometheus does not answer
 * @param chosen nodes that run another scale than the inventory's on purpose, by name, in words; {@code inventory} has
 *     the running scale
 */
public record FleetStatus(Inventory inventory, Instant time, Map<Node, NodeStatus> nodes, Map<Node, Problem> unreached,
        List<Check> services, Optional<List<Backend.Worker>> registered, Optional<Check> unknown,
        Map<String, String> said, List<Check> targets, Optional<List<FiringAlert>> alerts, Map<String, String> chosen) {
    /**
     * Prometheus scrapes its targets every 15 s; a target scraped before its container could answer is down until then.
     */
    private static final Duration YOUNG = Duration.ofMinutes(2);

    /**
     * Looks at every node of the fleet and at core's services, all at once. A thread that is interrupted meanwhile gets
     * a {@link Problem}.
     */
    public static FleetStatus look(Fleet fleet, Http http) {
        return look(fleet, http, false);
    }

    /** The same; with {@code usage} also what each container uses. */
    public static FleetStatus look(Fleet fleet, Http http, boolean usage) {
        return new StatusQuery(fleet, http, usage).ask();
    }

    /** The node that lists backups: the storage server, or core if that is not a node. */
    static Node backupNode(Inventory inventory) {
        return inventory.storageNode().orElse(inventory.core());
    }

    /** The folder of the backups on that node. */
    static String backups(Inventory inventory) {
        return Mount.folder(inventory, backupNode(inventory), inventory.backup().directory());
    }

    /** The workers of the inventory with what the backend says of each. */
    public WorkerRoster roster() {
        return WorkerRoster.of(inventory, registered.orElse(List.of()));
    }

    /** The newest backup; empty if there is none, or its node was not reached. */
    public Optional<NodeStatus.Backup> backup() {
        return Optional.ofNullable(nodes.get(backupNode(inventory))).flatMap(NodeStatus::backup);
    }

    /**
     * How a node differs from what was deployed to it; empty during a deployment. A damaged list of the toolkit's files
     * is a {@link Problem}.
     */
    Drift drift(Node node) {
        var status = nodes.get(node);
        var stack = Stack.of(inventory, node);
        return status.deploying() || !status.docker() ? Drift.NONE
                : Drift.of(stack, status.history(), status.files(), status.containers(), status.strays(stack));
    }

    /** The services that a node should run, and other services of the toolkit that run there. */
    List<String> services(Node node) {
        return Stream.concat(Stack.of(inventory, node).services().stream(),
                nodes.get(node).containers().stream().map(Docker.Container::service)).distinct().toList();
    }

    /** Whether the node of this worker's address was reached, and no container runs there. */
    boolean gone(String endpoint) {
        return gone(inventory, nodes, endpoint);
    }

    static boolean gone(Inventory inventory, Map<Node, NodeStatus> nodes, String endpoint) {
        for (var node : nodes.keySet())
            for (var worker : inventory.workersOf(node.full()))
                if (worker.endpointUrl().equals(endpoint) && nodes.get(node).docker()) return Docker.service(
                        nodes.get(node).containers(), worker.name()).filter(Docker.Container::running).isEmpty();
        return false;
    }

    /**
     * Whether a target is down that Prometheus may not have asked since its container could answer, or not at all yet.
     */
    public static boolean due(Check target, Instant time, Map<Node, NodeStatus> nodes) {
        if (target.ok() || !target.what().target()) return false;
        if (target.found().startsWith(ScrapeTargets.NOT_ASKED)) return true;
        return nodes.entrySet().stream().filter(at -> at.getKey().name().equals(target.node()))
                .flatMap(at -> at.getValue().containers().stream()).anyMatch(container ->
                target.what().subject().equals(container.service()) && container.healthy()
                        && Instant.parse(container.startedAt()).isAfter(time.minus(YOUNG)));
    }

    /** Whether core's stack has a service that is this part. */
    boolean has(Part part) {
        return Stack.of(inventory, inventory.core()).service(part).isPresent();
    }

    /** Whether the container of a part of core began a short time ago. */
    public boolean young(Part part) {
        var service = Stack.of(inventory, inventory.core()).service(part).orElse("");
        return Optional.ofNullable(nodes.get(inventory.core())).flatMap(at -> Docker.service(at.containers(), service))
                .filter(Docker.Container::running)
                .filter(container -> Instant.parse(container.startedAt()).isAfter(time.minus(YOUNG))).isPresent();
    }

    /**
     * Everything that has to be true of a healthy fleet. A target that Prometheus scrapes within seconds passes, with a
     * note.
     */
    public List<Check> checks() {
        return checks(false);
    }

    /** The same; with {@code asked} a check that is due within seconds fails until it holds. */
    public List<Check> checks(boolean asked) {
        return new StatusChecks(this).all(asked);
    }

    /** 0 when all is well, 3 when a node was not reached, else 1. */
    public Exit exit() {
        return Check.allOk(checks()) ? Exit.OK
                : unreached.values().stream().map(Problem::exit).reduce(Exit.FAILED, Exit::and);
    }
}
