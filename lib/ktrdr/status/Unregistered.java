package ktrdr.status;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Sh;
import ktrdr.api.Backend;
import ktrdr.fleet.Fleet;
import ktrdr.health.WorkerChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.node.Docker;
import ktrdr.release.Stack;
import ktrdr.report.Check;

/**
 * Workers that are up but unknown to the backend: it gives them no work, and nothing else shows it. Their own log has
 * the reason.
 */
final class Unregistered {
    /** A worker writes a line about it every ten seconds, among others. */
    private static final int LINES = 400;

    private Unregistered() {}

    /**
     * What each of them logged about it: the id of its check to the last line of its log about registration, empty if
     * there is no such line. A node that no longer answers has no entries.
     */
    static Map<String, String> ask(Fleet fleet, Map<Node, NodeStatus> nodes, List<Backend.Worker> registered) {
        var lost = new LinkedHashMap<Node, List<Worker>>();
        nodes.forEach((node, status) -> {
            var workers = lost(fleet.inventory(), node, status.containers(), registered);
            if (!workers.isEmpty()) lost.put(node, workers);
        });
        var said = new LinkedHashMap<String, String>();
        if (lost.isEmpty()) return said;
        var asked = fleet.each(lost::containsKey, (node, ssh) -> Facts.parse(
                ssh.must(question(Stack.of(fleet.inventory(), node), lost.get(node)))));
        asked.values().forEach((node, facts) -> lost.get(node).forEach(worker ->
                said.put(WorkerChecks.registered(node, worker.name()).text(), facts.get("log " + worker.name()))));
        return said;
    }

    private static List<Worker> lost(Inventory inventory, Node node, List<Docker.Container> containers,
            List<Backend.Worker> registered) {
        var unknown = WorkerChecks.registered(inventory, List.of(node), registered, 0).stream()
                .filter(WorkerChecks::lost).map(Check::what).collect(Collectors.toSet());
        return inventory.workersOf(node).stream()
                .filter(worker -> unknown.contains(WorkerChecks.registered(node, worker.name()))
                && Docker.service(containers, worker.name()).filter(Docker.Container::healthy).isPresent())
                .toList();
    }

    private static String question(Stack stack, List<Worker> workers) {
        return Facts.SAY + workers.stream()
                .map(worker -> "said=$(\n" + Docker.logTail(stack.container(worker.name()), LINES) + ")\nsay "
                        + Sh.quote("log " + worker.name())
                + " \"$(printf '%s\\n' \"$said\" | grep -i regist | tail -n 1)\"\n").collect(Collectors.joining())
                + "say end yes\n";
    }

    /** The check of such a worker, with what its log says. */
    static Check told(Inventory inventory, Check check, Optional<String> log) {
        return log.map(line -> new Check(check.what(), check.node(), false, check.expected(),
                check.found() + ", though it is up; its log "
                + (line.isEmpty() ? "does not mention it: something may keep polling its /health"
                        : "says: " + line),
                "jbang restart@ktrdr " + inventory.lookup().words(inventory.node(check.node())), check.seconds()))
                .orElse(check);
    }
}
