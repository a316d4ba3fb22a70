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
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.Mount;
import ktrdr.release.Drift;
import ktrdr.release.Stack;
import ktrdr.report.Check;

/**
 * How the whole fleet is at a moment: one script on each node, the requests over HTTP beside it.
 *
 * @param time when it was asked, UTC
 * @param nodes that answered, in the order of the inventory; {@code unreached} the others
 * @param services checks of core's services over HTTP
 * @param registered who the backend knows; empty when it does not answer, {@code unknown} has the check then
 * @param said the ids of checks to what containers say of it: of workers that are up and that the backend does not know
 *     ({@link Unregistered#ask}), and of health checks that fail ({@link HealthLog#ask})
 * @param targets checks of Prometheus' targets
 * @param alerts that fire; empty when Prometheus does not tell
 * @param chosen nodes whose scale is another than the inventory's on purpose, by name, in words: {@code inventory} has
 *     the one that runs
 */
public record FleetStatus(Inventory inventory, Instant time, Map<Node, NodeStatus> nodes, Map<Node, Problem> unreached,
        List<Check> services, Optional<List<Backend.Worker>> registered, Optional<Check> unknown,
        Map<String, String> said, List<Check> targets, Optional<List<FiringAlert>> alerts, Map<String, String> chosen) {
    /**
     * Prometheus asks its targets every 15 s; one that was asked before its container could answer is down until then.
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

    /** Where backups can be seen: on the storage server, or on core when that is no node. */
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

    /** The newest backup; empty where there is none, or its node was not reached. */
    public Optional<NodeStatus.Backup> backup() {
        return Optional.ofNullable(nodes.get(backupNode(inventory))).flatMap(NodeStatus::backup);
    }

    /**
     * How a node differs from what was deployed to it; while a deployment goes on nothing is said. A damaged list of
     * our files is a {@link Problem}.
     */
    Drift drift(Node node) {
        var status = nodes.get(node);
        return status.deploying() || !status.docker() ? Drift.NONE
                : Drift.of(Stack.of(inventory, node), status.history(), status.files(), status.containers(),
                        status.strays());
    }

    /** What a node is meant to run, and what of ours runs there beside it. */
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

    /** Whether the container of a service of core began a short time ago. */
    public boolean young(String service) {
        return Optional.ofNullable(nodes.get(inventory.core())).flatMap(at -> Docker.service(at.containers(), service))
                .filter(Docker.Container::running)
                .filter(container -> Instant.parse(container.startedAt()).isAfter(time.minus(YOUNG))).isPresent();
    }

    /** Everything that has to be true for all to be well; what is due within seconds holds, and says so. */
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
