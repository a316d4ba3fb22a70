package ktrdr.inventory;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the stack of one node has for itself.
 *
 * @param variables of its env file, on top of the template's
 * @param profiles of its Compose file that are on
 * @param workers that its Compose file adds to those that the inventory counts: none until that was read
 * @param counted the workers of its own Compose file that the inventory counts; empty until that was read
 */
public record NodeOwn(Map<String, String> variables, List<String> profiles, List<Inventory.Worker> workers,
        Optional<ScaledWorkers> counted) {

    NodeOwn with(List<Inventory.Worker> added, ScaledWorkers ofFile) {
        return new NodeOwn(variables, profiles, added, Optional.of(ofFile));
    }

    /** The workers that the inventory counts: the toolkit's where it has no file of its own. */
    public ScaledWorkers scaled() {
        return counted.orElseGet(ScaledWorkers::builtIn);
    }
}
