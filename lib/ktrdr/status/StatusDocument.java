package ktrdr.status;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import ktrdr.api.FiringAlert;
import ktrdr.api.WorkerRoster;
import ktrdr.backup.BackupSchedule;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory;
import ktrdr.node.ContainerUsage;
import ktrdr.node.MachineFacts;
import ktrdr.release.History;
import ktrdr.release.Stack;
import ktrdr.report.Document;

/** The fields of a {@link FleetStatus} as JSON; docs/reference/status.md describes them. Pure. */
final class StatusDocument {
    private final FleetStatus status;
    private final Inventory inventory;
    private final StatusReport report;

    StatusDocument(FleetStatus status, StatusReport report) {
        this.status = status;
        this.inventory = status.inventory();
        this.report = report;
    }

    /** All of it, without {@code ok} and {@code checks}. */
    Map<String, Object> fields() {
        var roster = status.roster();
        var targets = report.targets();
        return fields("time", status.time().toString(), "nodes",
                inventory.nodes().stream().map(this::document).toList(),
                "workers", status.registered().isEmpty() ? null : byName(roster),
                "ghosts", roster.ghosts().stream()
                        .map(ghost -> fields("url", ghost.endpointUrl(), "type", ghost.type(), "status",
                                ghost.status())).toList(),
                "targets", targets.isEmpty() ? null
                        : fields("up", StatusReport.holding(targets), "expected", targets.size()),
                "backup", status.backup()
                        .map(found -> fields("file", found.name(), "bytes", found.size(), "age_seconds",
                                found.age().toSeconds())).orElse(null),
                "next_backup", report.schedule().flatMap(BackupSchedule::next).map(Object::toString).orElse(null),
                "alerts", status.alerts().map(all -> all.stream().map(FiringAlert::document).toList()).orElse(null),
                "remarks", report.remarks());
    }

    private static Map<String, Map<String, String>> byName(WorkerRoster roster) {
        var byName = new LinkedHashMap<String, Map<String, String>>();
        roster.states().forEach((node, workers) -> byName.put(node.name(), workers));
        return byName;
    }

    private Map<String, Object> document(Node node) {
        var document = fields("node", node.name(), "reached", status.nodes().containsKey(node));
        if (status.nodes().containsKey(node)) {
            document.putAll(machine(status.nodes().get(node).host()));
            document.putAll(stack(node, status.nodes().get(node)));
            var usage = status.nodes().get(node).usage();
            if (!usage.isEmpty()) document.put("usage", usage.stream().map(StatusDocument::usage).toList());
        }
        return document;
    }

    private static Map<String, Object> machine(MachineFacts host) {
        var free = new TreeMap<String, Long>();
        host.facts().under("disk").keySet().forEach(path -> free.put(path, host.free(path)));
        return fields("uptime_seconds", host.uptime().toSeconds(), "load_per_cpu",
                Math.round(100 * host.load()) / 100.0, "memory_used_bytes", host.memoryUsed(),
                "memory_bytes", host.memory(), "disk_free_bytes", free, "clock_skew_seconds", host.skew());
    }

    private Map<String, Object> stack(Node node, NodeStatus at) {
        var stack = Stack.of(inventory, node);
        return fields("release", stack.release(at.containers()), "deployed",
                at.history().lastGood().map(StatusDocument::entry).orElse(null),
                "last", at.history().last().map(StatusDocument::entry).orElse(null), "unfinished",
                at.history().unfinished().isPresent(),
                "containers",
                at.containers().stream()
                        .map(container -> fields("service", container.service(), "image", container.image(), "state",
                                container.state(), "healthy", stack.well(container),
                        "restarts", container.restarts(), "started", container.startedAt())).toList(),
                "foreign", at.foreign(stack).stream().map(container -> fields("service", container.service(),
                        "container", container.name(), "state", container.state())).toList(),
                "projects", at.projects(stack),
                "lock", at.lock().holder()
                        .map(owner -> fields("by", owner.who(), "since", owner.since(), "what", owner.what(),
                                "last_sign_seconds", at.lock().age(),
                        "alive", at.lock().alive())).orElse(null),
                "drift", report.drift(node).equals("unknown") ? null : status.drift(node));
    }

    private static Map<String, Object> usage(ContainerUsage used) {
        return fields("service", used.service(), "since", used.since(), "restarts", used.restarts(),
                "memory_used_bytes", used.memory(), "memory_limit_bytes", used.limit() > 0 ? used.limit() : null,
                "cpu_used", Math.round(1000 * used.cpu()) / 1000.0, "cpu_limit", used.cpus() > 0 ? used.cpus() : null,
                "written_bytes", used.layer(), "log_bytes", used.log(), "volumes_bytes",
                used.volumes() < 0 ? null : used.volumes());
    }

    private static Map<String, Object> entry(History.Entry entry) {
        return fields("release", entry.tag(), "time", entry.time(), "by", entry.by(), "command", entry.command(),
                "outcome", entry.outcome().word(),
                "reason", entry.error());
    }

    private static Map<String, Object> fields(Object... pairs) {
        return Document.fields(pairs);
    }
}
