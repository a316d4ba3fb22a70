package ktrdr.share;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Mount;
import ktrdr.node.Occupant;
import ktrdr.ssh.Ssh;

/**
 * Sets up the share over the fleet: {@link #gather}, then {@link #apply}, the server first, then all clients in
 * parallel.
 *
 * A node that fails keeps its {@link #problems() problem}; without a server no client is changed.
 */
public final class NfsSetup {
    private final Fleet fleet;
    private final Console console;
    private final Map<Node, NfsPlan> plans = new LinkedHashMap<>();
    private final Map<Node, Problem> problems = new LinkedHashMap<>();
    private final Map<Node, List<String>> changed = new ConcurrentHashMap<>();

    public NfsSetup(Fleet fleet, Console console) {
        this.fleet = fleet;
        this.console = console;
    }

    /** What each node needs, those with a problem included. */
    public Map<Node, NfsPlan> plans() {
        return plans;
    }

    /** What blocks the setup, by node. */
    public Map<Node, Problem> problems() {
        return problems;
    }

    /** The steps that were made on a node. */
    public List<String> changed(Node node) {
        return changed.getOrDefault(node, List.of());
    }

    /** Examines every node, one round trip each, and decides. */
    public void gather() {
        var outcomes = fleet.each((node, ssh) -> {
            try (var step = console.step(node.name(), "look")) {
                var answer = ssh.must(NfsFacts.script(fleet.inventory(), node));
                Occupant.parse(Facts.parse(answer)).prove(fleet.inventory(), node);
                var plan = NfsPlan.plan(fleet.inventory(), node, NfsFacts.parse(answer));
                step.done((plan.server() ? "server, " : "client, ")
                        + plan.facts().mount().words(fleet.inventory(), node));
                return plan;
            }
        });
        plans.putAll(outcomes.values());
        problems.putAll(outcomes.problems());
        plans.forEach((node, plan) -> plan.obstacles().stream().findFirst()
                .ifPresent(problem -> problems.put(node, problem)));
    }

    /** Makes the needed changes. */
    public void apply() {
        var server = fleet.inventory().storageNode();
        server.ifPresent(node -> apply(Set.of(node)));
        var failed = server.filter(problems::containsKey);
        var clients = plans.values().stream().filter(plan -> !plan.server()).map(NfsPlan::node).toList();
        if (failed.isEmpty()) apply(Set.copyOf(clients));
        else clients.forEach(node ->
                problems.putIfAbsent(node, Problem.failed(node.name() + ": nothing was done, since the share's server "
                + failed.get().name() + " is not ready").fix("see " + failed.get().name())));
    }

    private void apply(Set<Node> nodes) {
        problems.putAll(fleet.each(node -> nodes.contains(node) && plans.containsKey(node)
                && !problems.containsKey(node),
                (node, ssh) -> apply(plans.get(node), ssh)).problems());
    }

    private NfsPlan apply(NfsPlan plan, Ssh ssh) {
        var node = plan.node();
        if (!plan.changes()) return plan;
        var begun = new CopyOnWriteArrayList<String>();
        var facts = new ConcurrentHashMap<String, String>();
        try (var step = console.step(node.name(), "set up")) {
            var result = ssh.run(plan.script(), line -> {
                var parts = line.split("\t", 2);
                if (parts.length == 2 && parts[0].equals("step")) begun.add(parts[1]);
                else if (parts.length == 2) facts.put(parts[0], parts[1]);
                step.now(begun.isEmpty() ? "" : begun.get(begun.size() - 1));
            });
            changed.put(node,
                    result.ok() ? List.copyOf(begun) : List.copyOf(begun.subList(0, Math.max(0, begun.size() - 1))));
            if (!result.ok()) throw failed(plan, begun.isEmpty() ? "nothing" : begun.get(begun.size() - 1), result);
            if (!plan.server()) mounted(plan, facts);
            step.done(String.join(", ", begun));
        }
        return plan;
    }

    private static Problem failed(NfsPlan plan, String step, CommandResult result) {
        var node = plan.node().name();
        return switch (ScriptExit.of(result)) {
            case CHANGED -> Problem.failed(node + ": a file changed while it was being set up")
                    .expected("no other run on the node").found("at step " + step)
                    .fix("run it again");
            case IN_USE -> Problem.failed(node + ": the share is in use, so its mount can't be changed")
                    .expected("no process with a file in " + plan.facts().mount().path())
                    .found(result).fix("stop what uses it (docker stop the workers of the node), then run it again");
            default -> Problem.failed(node + ": step " + step + " failed").expected(expected(plan, step)).found(result)
                    .fix("docs/OPERATIONS.md, setup-nfs");
        };
    }

    private static String expected(NfsPlan plan, String step) {
        return plan.steps().stream().filter(eachStep -> eachStep.name().equals(step)).map(NfsPlan.Step::expected)
                .findFirst().orElse("");
    }

    private static void mounted(NfsPlan plan, Map<String, String> facts) {
        Mount.wrong(plan.inventory(), plan.node(), Mount.parse(facts.getOrDefault("mount", ""))).ifPresent(problem -> {
            var storage = NfsFiles.source(plan.inventory());
            throw Problem.failed(problem.sentence()).expected(problem.expected()).found(problem.found())
                    .with("its unit", facts.get("journal"))
                    .fix("check that " + storage + " is exported to this node: docs/OPERATIONS.md, "
                            + "\"NFS mount failing\"");
        });
    }
}
