package ktrdr.release;

import java.util.Map;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;

/**
 * The scale of workers nodes for which the inventory gives none: what was deployed there last is what counts, so that
 * {@code scale} survives the next deployment.
 *
 * @param inventory with the scale that runs; 1 where nothing was deployed yet, and where a node could not be asked
 * @param unknown nodes that could not be asked, and why
 */
public record DeployedScale(Inventory inventory, Map<Node, Problem> unknown) {

    /**
     * Asks the nodes of a whole fleet that have no scale, side by side; no node is asked where the inventory gives all
     * of them.
     */
    public static DeployedScale of(Fleet fleet) {
        var inventory = fleet.inventory();
        var asked = fleet.each(node -> node.role() == Inventory.Role.WORKERS && node.given().isEmpty(),
                (node, ssh) -> of(History.of(ssh, inventory, node)));
        var adopted = inventory;
        for (var entry : asked.values().entrySet())
            if (entry.getValue().isPresent()) adopted = adopted.with(entry.getKey().withScale(entry.getValue().get()));
        return new DeployedScale(adopted, asked.problems());
    }

    /** The highest number that a worker of the last good release has; empty where nothing was deployed. */
    public static Optional<Integer> of(History history) {
        return history.current()
                .map(entry -> entry.images().keySet().stream().mapToInt(Inventory.Worker::number).max().orElse(0))
                .filter(scale -> scale > 0);
    }

    /**
     * The inventory for what writes Prometheus' targets: a node whose scale nobody knows would lose some of its own, so
     * that it is a {@link Problem}.
     */
    public Inventory known() {
        unknown.entrySet().stream().findFirst().ifPresent(entry -> {
            throw Problem.unreachable(entry.getKey().name()
                    + ": how many workers it runs is not in the inventory, and it could not be asked; Prometheus "
                    + "would lose their targets")
                    .found(entry.getValue().sentence())
                    .fix("give it `scale: 1`, 2 or 3 in " + inventory.source()
                            + ", or run this again when it can be reached");
        });
        return inventory;
    }
}
