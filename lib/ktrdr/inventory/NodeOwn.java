package ktrdr.inventory;

import java.util.List;
import java.util.Map;

/**
 * What the stack of one node has for itself.
 *
 * @param variables of its env file, on top of the template's
 * @param profiles of its Compose file that are on
 * @param workers of other types than KTRDR's two, which its Compose file adds: none until that was read
 */
public record NodeOwn(Map<String, String> variables, List<String> profiles, List<Inventory.Worker> workers) {

    NodeOwn with(List<Inventory.Worker> added) {
        return new NodeOwn(variables, profiles, added);
    }
}
