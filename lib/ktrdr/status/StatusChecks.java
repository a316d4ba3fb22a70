package ktrdr.status;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import ktrdr.health.MachineChecks;
import ktrdr.health.ScrapeTargets;
import ktrdr.health.ServiceChecks;
import ktrdr.health.WorkerChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.MachineFacts;
import ktrdr.report.Check;

/** What has to be true of a fleet, from its status. Pure. */
final class StatusChecks {
    private final FleetStatus status;
    private final Inventory inventory;

    StatusChecks(FleetStatus status) {
        this.status = status;
        this.inventory = status.inventory();
    }

    /** With {@code asked} a check that is due within seconds fails until it holds. */
    List<Check> all(boolean asked) {
        var checks = new ArrayList<Check>();
        var hosts = new LinkedHashMap<Node, MachineFacts>();
        status.nodes().forEach((node, at) -> hosts.put(node, at.host()));
        for (var node : inventory.nodes()) {
            var problem = status.unreached().get(node);
            if (problem != null) checks.add(Check.unreached(node.name(), problem, "ssh " + inventory.fqdn(node)));
            else if (status.nodes().containsKey(node)) {
                checks.addAll(new MachineChecks(inventory).vitals(node, hosts));
                checks.addAll(new NodeStatusChecks(status, node).all());
            }
        }
        checks.addAll(new ReleaseImages(inventory, status.nodes()).checks());
        checks.addAll(status.services());
        checks.addAll(workers());
        status.targets().forEach(target -> checks.add(
                !asked && FleetStatus.due(target, status.time(), status.nodes()) ? due(target) : followed(target)));
        checks.addAll(ServiceChecks.critical(inventory, status.alerts().orElse(List.of())));
        return checks;
    }

    private List<Check> workers() {
        var checks = new ArrayList<Check>();
        var registered = status.registered();
        status.unknown().ifPresent(checks::add);
        registered.ifPresent(workers -> {
            WorkerChecks.registered(inventory, inventory.workerNodes(), workers, 0).forEach(check -> checks.add(
                    Unregistered.told(inventory, check, Optional.ofNullable(status.said().get(check.id())))));
            checks.addAll(WorkerChecks.gpus(inventory, inventory.workerNodes(), workers));
            checks.addAll(WorkerChecks.extras(inventory, workers, status.time(), status::gone));
        });
        return checks;
    }

    private static Check due(Check target) {
        return new Check(target.what(), target.node(), true, target.expected(),
                target.found() + "; Prometheus scrapes it within 15 s", target.fix(), target.seconds());
    }

    /**
     * A deployment of core writes Prometheus' configuration from the inventory, and only {@code scale} writes a chosen
     * scale there. If it does not know such workers, that is not an error of the node.
     */
    private Check followed(Check target) {
        boolean missing = !target.ok() && target.found().equals(ScrapeTargets.NOT_KNOWN);
        if (!missing || !status.chosen().containsKey(target.node())) return target;
        var node = inventory.node(target.node());
        return new Check(target.what(), target.node(), true, target.expected(), target.found() + ": jbang scale@ktrdr "
                + node.id() + " " + node.scale() + " updates Prometheus", target.fix(), target.seconds());
    }
}
