package ktrdr.deploy;

import java.util.Map;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;

/**
 * What a rollout exchanges along with the containers, such as a password that containers have in their environment and
 * another service keeps too. By default containers get the secrets of the provider, forward and back.
 */
public interface RolloutExchange {
    /** The secrets that containers get, from those of the provider. */
    default Secrets given(Secrets fetched) {
        return fetched;
    }

    /** The secrets that the previous containers of a node get, to run again. */
    default Secrets former(Node node, Secrets given) {
        return given;
    }

    /**
     * Exchanges it, after all images were pulled and before a container is replaced. If it throws, nothing is
     * exchanged.
     */
    default void begin() {}

    /** Undoes the exchange, before the first rollback of a node; a second call does nothing. */
    default void back() {}

    /** Puts aside another installation on a node, right before its containers are replaced. */
    default void aside(Node node) {}

    /** Whether an installation of the node is aside, so that {@link #restore} is its way back. */
    default boolean restores(Node node) {
        return false;
    }

    /** Puts back what was put aside, in place of the new containers. */
    default void restore(Node node) {}

    /** Puts back what was put aside on a node, if anything; answers whether it did. */
    default boolean restored(Node node) {
        if (!restores(node)) return false;
        restore(node);
        return true;
    }

    /** Is called when a node was proven healthy; a {@link Problem} rolls the node back. */
    default void proven(Node node) {}

    /** The fields that it adds to a node's document. */
    default Map<String, Object> document(Node node) {
        return Map.of();
    }

    /** Whether all nodes have to end alike: then those done are rolled back on an interrupt too. */
    default boolean together() {
        return false;
    }
}
