package ktrdr.deploy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import ktrdr.Problem;
import ktrdr.deploy.Rollout.Outcome;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;

/** How the nodes of a rollout ended so far. */
final class RolloutOutcomes {
    private final Map<Node, Problem> problems = new LinkedHashMap<>();
    private final Map<Node, Outcome> outcomes = new ConcurrentHashMap<>();
    private boolean interrupted;

    /** The failed nodes, and why. */
    Map<Node, Problem> problems() {
        return problems;
    }

    Outcome of(Node node) {
        return outcomes.getOrDefault(node, Outcome.untouched);
    }

    boolean interrupted() {
        return interrupted;
    }

    void deployed(Node node) {
        outcomes.put(node, Outcome.deployed);
    }

    void problem(Node node, Problem problem) {
        problems.put(node, problem);
    }

    /** Notes which nodes failed in a phase, and whether it was interrupted. */
    void keep(Fleet.Outcomes<?> phase) {
        problems.putAll(phase.problems());
        phase.problems().forEach((node, problem) -> outcomes.put(node, switch (problem.exit()) {
            case UNREACHABLE -> Outcome.unreachable;
            case ROLLED_BACK -> Outcome.returned;
            case INTERRUPTED -> Outcome.untouched;
            default -> Outcome.failed;
        }));
        interrupted |= Thread.interrupted();
    }

    /** Notes which nodes have their previous release again after the failure of another. */
    void reverted(Fleet.Outcomes<?> phase) {
        phase.values().keySet().forEach(node -> outcomes.put(node, Outcome.returned));
        problems.putAll(phase.problems());
        phase.problems().keySet().forEach(node -> outcomes.put(node, Outcome.failed));
    }
}
