package ktrdr.deploy;

import java.util.Map;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;

/**
 * What is exchanged beside the containers, because they get it in their environment and something else keeps it too,
 * such as a password. Without it they get the secrets of the provider on every way.
 */
public interface RolloutExchange {
    /** What containers get, of what the provider has. */
    default Secrets given(Secrets fetched) {
        return fetched;
    }

    /** What those of a node that ran before get, to run again. */
    default Secrets former(Node node, Secrets given) {
        return given;
    }

    /** Does it, when all is known and pulled and no container is replaced yet. When it throws, nothing is exchanged. */
    default void begin() {}

    /** Takes it back, before the first of what ran before is put back; a second time it does nothing. */
    default void back() {}

    /** Puts aside what runs on a node and is not ours, right before ours takes its place. */
    default void aside(Node node) {}

    /** Whether what ran on a node before is aside, so that it is {@link #restore} that goes back. */
    default boolean restores(Node node) {
        return false;
    }

    /** Puts back what was put aside, in the place of whatever of ours is there. */
    default void restore(Node node) {}

    /** Puts back what was put aside on a node, where something was; answers whether. */
    default boolean restored(Node node) {
        if (!restores(node)) return false;
        restore(node);
        return true;
    }

    /**
     * Hears that a node was proven healthy; what is not good all the same is a {@link Problem}, and the node goes back.
     */
    default void proven(Node node) {}

    /** What it means for a node, for machines. */
    default Map<String, Object> document(Node node) {
        return Map.of();
    }

    /** Whether all nodes have to end alike: then those done are put back also when the run is interrupted. */
    default boolean together() {
        return false;
    }
}
