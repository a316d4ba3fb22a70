package ktrdr.status;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.Units;
import ktrdr.backup.BackupSchedule;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.node.Occupant;
import ktrdr.release.History;
import ktrdr.release.Stack;
import ktrdr.release.StackShare;
import ktrdr.report.Check;
import ktrdr.report.Repeated;

/** A {@link FleetStatus} as tables and lines for the user, and as JSON for machines. Pure. */
public final class StatusReport {
    /** How many failing checks a line names. */
    private static final int NAMED = 5;
    private final FleetStatus status;
    private final Inventory inventory;
    private final List<Check> checks;

    public StatusReport(FleetStatus status) {
        this.status = status;
        this.inventory = status.inventory();
        this.checks = status.checks();
    }

    /** What has to hold of the status, a check each. */
    public List<Check> checks() {
        return checks;
    }

    /** Machines, stacks, workers with their targets, what is of the fleet as a whole, and the alerts that fire. */
    public Table[] tables() {
        var machines = Table.of("node", "up", "load/cpu", "memory", "free on /", "docker", "share", "clock");
        var stacks = Table.of("node", "release", "since", "by", "outcome", "healthy", "restarts", "drift", "lock");
        var workers = Table.of("node", "available", "busy", "missing", "ghosts", "targets up");
        for (var node : inventory.nodes()) {
            var at = status.nodes().get(node);
            if (at == null) {
                machines.row(node.name(), "not reached");
                stacks.row(node.name(), "unknown");
            } else {
                machine(machines, node, at.host());
                stack(stacks, node, at);
            }
            workers.row(workers(node).toArray());
        }
        boolean ktrdr = status.has(Part.BACKEND) || status.has(Part.PROMETHEUS);
        return new Table[] {machines, stacks, ktrdr ? workers : Table.of(), usage(), fleet(), alerts()};
    }

    private void machine(Table table, Node node, MachineFacts host) {
        var share = host.free(host.share().path());
        table.row(node.name(), Units.duration(host.uptime()), String.format("%.2f", host.load()), host.memoryWords(),
                size(host.free("/")),
                status.nodes().get(node).docker() ? size(host.free(host.facts().get("docker-root"))) : "DOWN",
                !new StackShare(inventory, node).there() ? "" : share < 0 ? "AWAY" : size(share),
                Math.abs(host.skew()) < 0.05 ? "same" : String.format("%+.1f s", host.skew()));
    }

    /**
     * What containers use against what they may, and what has grown since each was created; no rows where that was not
     * asked for.
     */
    private Table usage() {
        var table = Table.of("node", "service", "memory", "cpu", "written", "log", "volumes", "restarts", "since");
        status.nodes().forEach((node, at) -> at.usage().forEach(used -> table.row(node.name(), used.service(),
                Units.size(used.memory()) + " of " + Units.size(limit(used.limit(), at.host().memory()))
                        + (used.limit() > 0 ? "" : ", the node's"),
                String.format("%.2f of %s", used.cpu(),
                        used.cpus() > 0 ? String.format("%.1f", used.cpus()) : at.host().cpus() + ", the node's"),
                Units.size(used.layer()), Units.size(used.log()), size(used.volumes()), used.restarts(),
                minutes(used.since()))));
        return table;
    }

    private static long limit(long own, long ofNode) {
        return own > 0 ? own : Math.max(0, ofNode);
    }

    private static String size(long bytes) {
        return bytes < 0 ? "?" : Units.size(bytes);
    }

    private void stack(Table table, Node node, NodeStatus at) {
        var stack = Stack.of(inventory, node);
        var since = at.history().lastGood();
        var services = status.services(node);
        long healthy = at.containers().stream().filter(stack::well).count();
        var release = stack.release(at.containers());
        table.row(node.name(), release.isEmpty() ? "none" : release,
                since.map(entry -> minutes(entry.time())).orElse("-"),
                since.map(History.Entry::by).orElse("-"), last(at), healthy + " of " + services.size(),
                at.containers().stream().mapToInt(Docker.Container::restarts).sum(), drift(node),
                at.lock().holder().isEmpty() ? "free" : at.lock().alive() ? "held" : "STALE");
    }

    /** A time as ISO 8601 has it, to the minute: "2026-02-11 09:30Z". */
    public static String minutes(String time) {
        return time.replaceFirst("^(\\d{4}-\\d\\d-\\d\\d)T(\\d\\d:\\d\\d).*", "$1 $2Z");
    }

    private static String last(NodeStatus at) {
        if (at.history().unfinished().isPresent()) return at.deploying() ? "running" : "UNFINISHED";
        return at.history().last().map(entry -> entry.outcome().word()).orElse("-");
    }

    String drift(Node node) {
        try {
            return status.drift(node).words();
        } catch (Problem damaged) {
            return "unknown";
        }
    }

    private List<Object> workers(Node node) {
        var row = new ArrayList<Object>(List.of(node.name()));
        var roster = status.roster();
        boolean core = node.role() == Role.CORE;
        boolean known = status.registered().isPresent();
        var unknown = status.has(Part.BACKEND) ? "?" : "";
        row.add(core ? "" : known ? roster.count(node, "available") : unknown);
        row.add(core ? "" : known ? roster.count(node, "busy") : unknown);
        row.add(core ? "" : known ? roster.missing(node) : unknown);
        row.add(core ? "" : known ? roster.ghostsOn(inventory.fqdn(node)) : unknown);
        var targets = targets().stream().filter(check -> check.node().equals(node.name())).toList();
        row.add(targets.isEmpty() && !status.has(Part.PROMETHEUS) ? "" : share(targets));
        return row;
    }

    /** One for each target; none when Prometheus does not answer. */
    List<Check> targets() {
        return checks.stream().filter(check -> check.what().target()).toList();
    }

    static long holding(List<Check> checks) {
        return checks.stream().filter(Check::ok).count();
    }

    /** "3 of 4", or "?" where nothing is known. */
    private static String share(List<Check> checks) {
        return checks.isEmpty() ? "?" : holding(checks) + " of " + checks.size();
    }

    private Table fleet() {
        var table = Table.of("fleet", "");
        if (!status.services().isEmpty()) table.row("services",
                status.services().stream().map(check -> check.what().subject() + (check.ok() ? " answers" : " FAILED"))
                .collect(Collectors.joining(", ")));
        status.nodes().forEach((node, at) -> {
            var beside = beside(node, at);
            if (!beside.isEmpty()) table.row("beside", node.name() + ": " + beside);
            if (at.lock().holder().isPresent())
                table.row("lock", node.name() + ": " + NodeStatusChecks.words(at.lock()));
        });
        if (!status.has(Part.DATABASE)) return table;
        return table.row("backup",
                backup() + schedule()
                        .map(schedule -> "; " + schedule.next().map(next -> "the next at " + minutes(next.toString()))
                .orElse("none scheduled")).orElse(""));
    }

    /** What else runs on a node, of which the toolkit looks after nothing: "mcp running; project media (2 running)". */
    private String beside(Node node, NodeStatus at) {
        var stack = Stack.of(inventory, node);
        var words = at.foreign(stack).stream().map(container -> container.service() + " " + container.state());
        var projects = at.projects(stack).entrySet().stream().map(project -> "project " + project.getKey() + " ("
                + project.getValue().stream().collect(Collectors.groupingBy(Occupant.Other::state, TreeMap::new,
                        Collectors.counting())).entrySet().stream()
                        .map(state -> state.getValue() + " " + state.getKey()).collect(Collectors.joining(", ")) + ")");
        return Stream.concat(words, projects).collect(Collectors.joining("; "));
    }

    /** A row for each; none where none firing. */
    private Table alerts() {
        var table = Table.of("alert", "severity", "node", "since", "");
        status.alerts().orElse(List.of())
                .forEach(alert -> table.row(alert.name(), alert.severity(), alert.node(), minutes(alert.since()),
                        alert.summary()));
        return table;
    }

    Optional<BackupSchedule> schedule() {
        return Optional.ofNullable(status.nodes().get(inventory.core())).flatMap(NodeStatus::schedule);
    }

    private String backup() {
        var node = FleetStatus.backupNode(inventory);
        var place = FleetStatus.backups(inventory) + " on " + node.name();
        if (!status.nodes().containsKey(node)) return "unknown: " + node.name() + " was not reached";
        return status.backup()
                .map(found -> found.name() + ", " + Units.size(found.size()) + ", " + Units.duration(found.age())
                        + " old")
                .orElse("no backup yet in " + place);
    }

    /** What the operator should know although no check fails. */
    public List<String> remarks() {
        var remarks = new ArrayList<>(status.chosen().values());
        for (var node : status.nodes().keySet())
            if (drift(node).equals("staged")) remarks.add(node.name() + ": files were staged and not deployed yet");
        var strangers = status.roster().strangers(inventory);
        if (!strangers.isEmpty()) remarks.add("registered with the backend but not in the inventory: "
                + strangers.stream()
                        .map(worker -> worker.type() + " worker at " + worker.endpointUrl() + ", " + worker.status())
                        .distinct().sorted().collect(Collectors.joining("; ")));
        return remarks;
    }

    /**
     * One problem per cause. Failures are grouped: checks of one kind on one node, all effects of a node that was not
     * reached, and equal problems of many nodes.
     */
    public List<Problem> problems() {
        var groups = new LinkedHashMap<String, List<Check>>();
        var gone = status.unreached().keySet().stream().map(Node::name).toList();
        for (var check : checks) {
            var group = gone.contains(check.node()) ? check.node() : check.node() + kind(check);
            if (!check.ok()) groups.computeIfAbsent(group, none -> new ArrayList<>()).add(check);
        }
        return Repeated.once(inventory.nodes(), groups.values().stream().map(StatusReport::problem).toList());
    }

    private static String kind(Check check) {
        return check.what().target() ? " target"
                : " " + (check.what().is("container", "registered") ? check.what().kind() : check.id());
    }

    private static Problem problem(List<Check> group) {
        var first = group.get(0);
        var problem = first.problem(first.id() + " does not hold");
        return group.size() == 1 ? problem
                : problem.with("as well", group.stream().skip(1).map(Check::id).collect(Collectors.joining(", ")));
    }

    /** One line, for a log: the time, whether all is well, the counts, and what is not well. */
    public String line() {
        var failing = checks.stream().filter(check -> !check.ok()).map(Check::id).toList();
        return status.time() + "  " + (failing.isEmpty() ? "ok" : "NOT WELL") + "  " + status.nodes().size() + " of "
                + inventory.nodes().size() + " nodes, "
                + share(ofKind("container")) + " containers"
                + (status.has(Part.BACKEND) ? ", " + share(ofKind("registered")) + " workers" : "")
                + (status.has(Part.PROMETHEUS) ? ", " + share(targets()) + " targets" : "")
                + (failing.isEmpty() ? "" : "; " + failing.stream().limit(NAMED).collect(Collectors.joining(", ")))
                + (failing.size() > NAMED ? " and " + (failing.size() - NAMED) + " more" : "");
    }

    private List<Check> ofKind(String kind) {
        return checks.stream().filter(check -> check.what().is(kind)).toList();
    }

    /** For machines, without {@code ok} and {@code checks}; docs/reference/status.md describes it. */
    public Map<String, Object> document() {
        return new StatusDocument(status, this).fields();
    }

    /** The whole status as one line of JSON. */
    public String json() {
        return Json.line(Check.document("status", checks, status.unreached(), document()));
    }
}
