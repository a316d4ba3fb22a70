package ktrdr.node;

import ktrdr.BuiltIn;
import ktrdr.inventory.Secrets;

/**
 * The log of a container without the secrets that the container was given: they are masked on the node, before the log
 * leaves it or is kept, and no provider is asked.
 *
 * A secret is a variable of the container's environment whose name ends as a secret's does; each value is hidden as it
 * is, as JSON and as an address write it. Values under four characters would mask half of every line and are left. awk
 * asks Docker for the values by a pipe, so they are in no argument, environment or file.
 */
public final class LogMask {
    private LogMask() {}

    /**
     * Functions of awk, {@code learn(container)} and {@code shown(line)}: nothing of what was not learnt may be shown.
     */
    public static String awk() {
        return BuiltIn.lines("logs/mask.awk").replace("NAMES", Secrets.NAMES);
    }

    /**
     * Shell lines that define {@code masked CONTAINER}, which passes on a log of the container's; it fails and passes
     * on nothing where the container could not be asked.
     */
    public static String shell() {
        return "masked() {\n  LC_ALL=C awk -v id=\"$1\" '\n" + awk()
                + "BEGIN { if (!learn(id)) exit 1 }\n{ print shown($0) }\n'\n}\n";
    }
}
