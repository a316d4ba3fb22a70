package ktrdr.inventory;

import java.util.ArrayList;
import java.util.List;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;

/** The fixed ports of KTRDR's workers, and with them the workers of a node: names, profiles and addresses. */
final class WorkerPorts {
    private static final int[] BACKTEST = {5003, 5004, 5007};
    /** The last one is that of the worker with a GPU, in the place of the first. */
    private static final int[] TRAINING = {5005, 5006, 5008, 5005};
    private static final String[] NUMBERS = {"1", "2", "3", "gpu"};
    private static final String[] PROFILES = {"", "scale-2", "scale-3", "gpu"};
    static final int MOST_BACKTEST = BACKTEST.length;
    static final int MOST_TRAINING = TRAINING.length;

    private WorkerPorts() {}

    static List<Worker> workers(Node node, String fqdn) {
        var workers = new ArrayList<Worker>();
        for (int i = 0; i < node.backtest(); i++) workers.add(worker("backtest", "backtesting", i, fqdn, BACKTEST[i]));
        int first = node.running().gpu() ? MOST_TRAINING - 1 : 0;
        for (int i = 0; i < node.training(); i++) {
            int index = (first + i) % MOST_TRAINING;
            workers.add(worker("training", "training", index, fqdn, TRAINING[index]));
        }
        return workers;
    }

    private static Worker worker(String kind, String type, int index, String fqdn, int port) {
        return new Worker(kind + "-worker-" + NUMBERS[index], type, port, PROFILES[index],
                "http://" + fqdn + ":" + port);
    }
}
