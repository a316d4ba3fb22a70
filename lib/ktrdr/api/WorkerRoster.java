package ktrdr.api;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import ktrdr.api.Backend.Worker;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;

/**
 * The workers of the inventory and the backend's state of each, matched by their addresses. Pure.
 *
 * @param states of each node's workers by name: available, busy, or why it gets no work, such as "not registered"
 * @param ghosts other registrations: the backend forgets that of a replaced worker after some minutes
 */
public record WorkerRoster(Map<Node, Map<String, String>> states, List<Worker> ghosts) {

    /** The workers of the inventory, each with what is registered under its address, and the rest. */
    public static WorkerRoster of(Inventory inventory, List<Worker> registered) {
        var ghosts = new ArrayList<>(registered);
        var states = new LinkedHashMap<Node, Map<String, String>>();
        for (var node : inventory.workerNodes()) {
            var ofNode = new LinkedHashMap<String, String>();
            for (var worker : inventory.workersOf(node)) {
                var here = registered.stream()
                        .filter(eachWorker -> eachWorker.endpointUrl().equals(worker.endpointUrl())
                                && eachWorker.type().equals(worker.type())).toList();
                var best = here.stream().filter(Worker::serving).findFirst().or(() -> here.stream().findFirst());
                best.ifPresent(ghosts::remove);
                ofNode.put(worker.name(), best.map(Worker::status).orElse("not registered"));
            }
            states.put(node, ofNode);
        }
        return new WorkerRoster(states, List.copyOf(ghosts));
    }

    /** How many of a node's workers are in this state. */
    public long count(Node node, String state) {
        return states.getOrDefault(node, Map.of()).values().stream().filter(state::equals).count();
    }

    /** Of a node, those that get no work. */
    public long missing(Node node) {
        return states.getOrDefault(node, Map.of()).values().stream().filter(state -> !serves(state)).count();
    }

    /** Ghosts whose address is on this host. */
    public long ghostsOn(String host) {
        return ghosts.stream()
                .filter(ghost -> ghost.endpointUrl().matches("https?://" + Pattern.quote(host) + "(:.*)?")).count();
    }

    /**
     * Ghosts whose address is that of no worker of the inventory, so that they are more than what a replaced worker
     * left for some minutes.
     */
    public List<Worker> strangers(Inventory inventory) {
        return ghosts.stream().filter(ghost -> inventory.at(ghost.endpointUrl()).isEmpty()).toList();
    }

    /** Whether a worker in this state gets work, now or when it is done with what it has. */
    public static boolean serves(String state) {
        return new Worker("", "", "", state, "", Optional.empty()).serving();
    }
}
