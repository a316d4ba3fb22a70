package ktrdr;

/** The exit codes every script keeps to. */
public enum Exit {
    OK(0), FAILED(1), USAGE(2), UNREACHABLE(3), LOCKED(4), ROLLED_BACK(5), INTERRUPTED(130);

    public final int code;

    Exit(int code) {
        this.code = code;
    }

    /** The exit of a code; an unknown code is a failure. */
    public static Exit of(int code) {
        return java.util.Arrays.stream(values()).filter(exit -> exit.code == code).findFirst().orElse(FAILED);
    }

    /** The graver of two outcomes of one run: an unreachable node outweighs a failed one, success weighs nothing. */
    public Exit and(Exit other) {
        return code >= other.code ? this : other;
    }
}
