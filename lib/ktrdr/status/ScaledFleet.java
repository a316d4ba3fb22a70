package ktrdr.status;

import java.util.LinkedHashMap;
import java.util.Map;
import ktrdr.deploy.ScalePlan;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory;

/**
 * The nodes that answered, and the inventory with the scale that was chosen on them: a node may run another number of
 * workers than the inventory's on purpose, until the next deployment.
 *
 * @param asked the inventory as it was read
 * @param inventory with the chosen scales
 * @param chosen nodes with a chosen scale, by name, in words
 */
record ScaledFleet(Inventory asked, Inventory inventory, Map<Node, NodeStatus> nodes, Map<String, String> chosen) {

    static ScaledFleet of(Inventory asked, Map<Node, NodeStatus> answers) {
        var chosen = new LinkedHashMap<String, String>();
        var inventory = asked;
        for (var entry : answers.entrySet()) {
            var node = entry.getKey();
            var history = entry.getValue().history();
            var scale = ScalePlan.chosen(node, history);
            if (scale.isEmpty()) continue;
            chosen.put(node.name(), ScalePlan.chosenWords(asked, node, history, scale.get()));
            inventory = inventory.with(node.withScale(scale.get()));
        }
        var nodes = new LinkedHashMap<Node, NodeStatus>();
        for (var entry : answers.entrySet()) nodes.put(inventory.node(entry.getKey().name()), entry.getValue());
        return new ScaledFleet(asked, inventory, nodes, chosen);
    }

    /** Whether a worker at this address was taken away without a change of Prometheus' configuration. */
    boolean left(String address) {
        return !chosen.isEmpty() && FleetStatus.gone(asked, nodes, address);
    }
}
