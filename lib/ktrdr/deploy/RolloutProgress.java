package ktrdr.deploy;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** How far a rollout has come, as far as one node has to know it of the others. */
final class RolloutProgress {
    private final AtomicBoolean changed = new AtomicBoolean();
    private String backup;

    /** Notes that a node is changed from now on. */
    void change() {
        changed.set(true);
    }

    /** Whether any node may have been changed. */
    boolean changed() {
        return changed.get();
    }

    /** Notes the backup that was made for this rollout; empty if there was nothing to keep. */
    synchronized void backedUp(String made) {
        backup = made;
    }

    /** That backup, which is made now if there is none yet. */
    synchronized String backup(Supplier<String> make) {
        if (backup == null) backup = make.get();
        return backup;
    }
}
