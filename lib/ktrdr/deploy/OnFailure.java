package ktrdr.deploy;

/**
 * What happens to the other nodes when one fails: they are left as they are, those done are rolled back too, or the
 * rest goes on.
 */
public enum OnFailure {
    stop, revert, continue_;

    /** As on the command line. */
    @Override
    public String toString() {
        return name().replace("_", "");
    }
}
