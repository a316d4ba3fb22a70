package ktrdr.inventory;

import java.util.Optional;

/**
 * How a node's workers run.
 *
 * @param backtest what one of that type may use; {@code training} of the other
 * @param image theirs without a tag where the node has one of its own
 * @param unconfined whether without AppArmor; {@code gpu} whether its one training worker has a GPU
 */
public record Running(Limit backtest, Limit training, Optional<String> image, boolean unconfined, boolean gpu) {
    /** What a worker may use: processors, of which a node may have fewer, and bytes of memory. */
    public record Limit(double cpus, long memory) {}
}
