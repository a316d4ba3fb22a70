package ktrdr.status;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.backup.BackupSchedule;
import ktrdr.health.HealthLog;
import ktrdr.health.ProofChecks;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.node.ContainerUsage;
import ktrdr.node.Docker;
import ktrdr.node.Occupant;
import ktrdr.release.Drift;
import ktrdr.release.Firewall;
import ktrdr.release.LockScripts;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/** What has to be true of one node that was reached, from the fleet's status. Pure. */
final class NodeStatusChecks {
    private static final double MEMORY_FULL = 0.95;
    private final FleetStatus fleet;
    private final Inventory inventory;
    private final Node node;
    private final NodeStatus status;

    NodeStatusChecks(FleetStatus fleet, Node node) {
        this.fleet = fleet;
        this.inventory = fleet.inventory();
        this.node = node;
        this.status = fleet.nodes().get(node);
    }

    List<Check> all() {
        var checks = new ArrayList<Check>();
        checks.add(memory());
        checks.addAll(stack());
        Occupant.parse(status.host().facts()).check(inventory, node).ifPresent(checks::add);
        scheduled().ifPresent(checks::add);
        firewall().ifPresent(checks::add);
        return checks;
    }

    /** The backups by a timer; empty if there is none and the inventory asks for none. */
    private Optional<Check> scheduled() {
        var last = fleet.backup().filter(NodeStatus.Backup::ours);
        var wanted = node.name().equals(inventory.core().name()) && fleet.has(Part.DATABASE)
                ? inventory.backup().schedule() : Optional.<String>empty();
        var there = status.schedule().map(BackupSchedule::at);
        if (wanted.isPresent() && !wanted.equals(there)) return Optional.of(check("backup", false,
                "a backup every day at " + wanted.get() + ", by backup.schedule in the inventory",
                there.map(at -> "a timer at " + at).orElse("no timer"), "jbang backup-db@ktrdr --schedule"));
        return status.schedule().map(schedule -> {
            // nothing is known of an unreachable storage server, which is reported already
            boolean known = fleet.nodes().containsKey(FleetStatus.backupNode(inventory));
            var wrong = schedule.wrong(status.clock(), known ? last.map(backup -> status.clock().minus(backup.age()))
                    : Optional.of(status.clock()));
            var found = last.map(backup -> backup.name() + ", " + Units.duration(backup.age()) + " old")
                    .orElse("no backup yet");
            return check("backup", wrong.isEmpty(), "a good backup a day, at " + schedule.at(),
                    wrong.map(why -> why + "; " + found).orElse(found),
                    "on " + node.name() + ": journalctl -u " + BackupSchedule.UNIT
                            + "; jbang backup-db@ktrdr makes one now");
        });
    }

    /**
     * Whether the rules of the packet filter match the inventory. After a change of a node's address the others block
     * that node until they are deployed to.
     */
    private Optional<Check> firewall() {
        if (inventory.firewall().isEmpty() || status.history().entries().isEmpty()) return Optional.empty();
        boolean same = new Templates(inventory).render(node, "").stream()
                .filter(file -> List.of(Firewall.RULES_V4, Firewall.RULES_V6).contains(file.path()))
                .allMatch(file -> file.sha256().equals(status.files().manifest().get(file.path())));
        return Optional.of(check("firewall", same,
                "packet filter rules for the nodes and addresses of the inventory",
                same ? "as in the inventory" : "rules of another inventory: they block a node whose address changed",
                node.role() == Role.CORE ? "jbang deploy@ktrdr core " + Stack.of(inventory, node)
                        .service(Part.PROMETHEUS).orElse("all")
                        : Stack.of(inventory, node).deploy()
                                + (node.role() == Role.WORKERS ? ", or workers all" : "")));
    }

    private Check memory() {
        var host = status.host();
        boolean ok = host.memory() <= 0 || host.memoryUsed() < host.memory() * MEMORY_FULL;
        return new Check(CheckId.ofNode(node, "memory"), node.name(), ok,
                "less than " + Math.round(100 * MEMORY_FULL) + " % in use", host.memoryWords(),
                "on " + node.name() + ": docker stats --no-stream", 0);
    }

    /** The memory of a container with a limit of its own. */
    private Check limit(ContainerUsage used) {
        return check(CheckId.ofNode(node, used.service(), "memory"), used.memory() < used.limit() * MEMORY_FULL,
                "less than " + Math.round(100 * MEMORY_FULL) + " % of its limit in use",
                Units.size(used.memory()) + " of " + Units.size(used.limit()),
                "jbang logs@ktrdr " + node.name() + " " + used.service());
    }

    private List<Check> stack() {
        var stack = Stack.of(inventory, node);
        var checks = new ArrayList<Check>();
        var target = stack.words();
        if (status.docker() && status.containers().isEmpty())
            checks.add(check("stack", false, "containers of " + stack.project(), "none", stack.deploy()));
        else if (status.docker()) ServiceChecks.containers(stack, fleet.services(node), status.containers())
                .forEach(found -> checks.add(HealthLog.told(found, fleet.said())));
        if (status.docker()) checks.addAll(ProofChecks.answered(stack, stack.services(), status.host().facts()));
        checks.add(deployment("jbang rollback@ktrdr " + target + ", or deploy again"));
        checks.add(lock());
        checks.addAll(drift(target));
        if (!stack.file().readers().isEmpty()) checks.add(mounts());
        for (var used : status.usage()) if (used.limit() > 0) checks.add(limit(used));
        return checks;
    }

    /**
     * Whether services that mount the toolkit's files have the current folder, or a folder that was replaced or
     * removed.
     */
    private Check mounts() {
        var stale = String.join(" ", status.files().stale());
        return check("mounts", stale.isEmpty(), "services that have the folder monitoring/ that is there",
                stale.isEmpty() ? "as expected" : stale.replace(" ", ", ")
                + ": the folder was replaced or removed since the start",
                "jbang deploy@ktrdr " + Stack.of(inventory, node).words() + " " + stale + " restarts them");
    }

    private List<Check> drift(String target) {
        var release = status.history().current();
        try {
            var drift = fleet.drift(node);
            return List.of(check("files", drift.files().isEmpty(), "the files as the toolkit wrote them",
                    found(drift.files()),
                            "jbang stage@ktrdr " + target
                                    + " --check shows what differs; without --check it restores them"),
                    check("services", drift.services().isEmpty(),
                            "the containers of the last release" + release.map(entry -> ", " + entry.tag()).orElse(""),
                            found(drift.services()),
                            release.map(entry ->
                                    mend(drift, "jbang rollback@ktrdr " + target + " --to " + entry.tag()
                                            + " restores them")).orElse("")));
        } catch (Problem damaged) {
            return List.of(check("files", false, "the files as the toolkit wrote them", damaged.sentence(),
                    damaged.fix()));
        }
    }

    /** Procedures leave other containers alone, so the operator has to remove these. */
    private String mend(Drift drift, String back) {
        var strays = status.strays(Stack.of(inventory, node)).stream().map(Docker.Container::name).toList();
        if (strays.isEmpty()) return back;
        var remove = "on " + node.name() + ", if it is not needed: docker rm -f " + String.join(" ", strays)
                + "; if it is, name it under `foreign` in the inventory";
        return strays.size() == drift.services().size() ? remove : back + "; " + remove;
    }

    private static String found(List<String> differing) {
        return differing.isEmpty() ? "as expected" : String.join("; ", differing);
    }

    private Check deployment(String fix) {
        var last = status.history().last();
        boolean ok = status.deploying() || !status.history().unproven();
        var found = last.map(entry -> status.history().unfinished().isEmpty()
                ? entry.outcome().word() + (entry.error().isEmpty() ? "" : ": " + entry.error())
                : entry.command() + (ok ? " is running" : " did not report its end") + ", started " + entry.time()
                        + " by " + entry.by())
                .orElse("nothing was deployed yet");
        return check("deployment", ok, "the last deployment succeeded or was rolled back", found, fix);
    }

    private Check lock() {
        var lock = status.lock();
        boolean ok = lock.holder().isEmpty() || lock.alive();
        return check("lock", ok, "free, or held by a run with a heartbeat", words(lock),
                "none needed: the next deployment takes it over");
    }

    /** "free", or who holds it and how long ago the last sign was. */
    static String words(LockScripts.LockState lock) {
        return lock.holder()
                .map(owner -> lock.words(owner)
                        + (lock.age() < 0 ? "; no heartbeat" : "; last heartbeat " + lock.age() + " s "
                        + "ago")).orElse("free");
    }

    private Check check(String what, boolean ok, String expected, String found, String fix) {
        return check(CheckId.ofNode(node, what), ok, expected, found, fix);
    }

    private static Check check(CheckId id, boolean ok, String expected, String found, String fix) {
        return new Check(id, id.node(), ok, expected, found, fix, 0);
    }
}
