package ktrdr.fleet;

import ktrdr.CommandResult;
import ktrdr.inventory.Inventory.Node;

/**
 * One node of a fleet, for scripts and for the console: {@code core.run("docker ps")}.
 *
 * The connection is the fleet's: opened on first use, kept, and opened again after it was lost.
 */
public record FleetNode(Fleet fleet, Node node) {
    /**
     * Runs a script under {@code set -eu}; any exit code is an answer. A node that is not reached is a {@link Problem}.
     */
    public CommandResult run(String script) {
        return fleet.ssh(node).run(script);
    }

    /**
     * Runs a script and answers its standard output; an exit code other than 0 is a {@link Problem} with its last
     * words.
     */
    public String must(String script) {
        return fleet.ssh(node).must(script);
    }

    /** The node's name. */
    @Override
    public String toString() {
        return node.name();
    }
}
