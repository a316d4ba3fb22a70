package ktrdr.inventory;

import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;

/** A worker and the node that runs it. */
public record Place(Node node, Worker worker) {
    /** "workers-b backtest-worker-1". */
    public String words() {
        return node.name() + " " + worker.name();
    }
}
