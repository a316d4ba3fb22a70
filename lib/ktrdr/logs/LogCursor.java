package ktrdr.logs;

import java.util.HashMap;
import java.util.Map;

/**
 * How far the log of a container is known, so that reading continues there without a lost or repeated line.
 *
 * Lines of standard output and standard error may be slightly out of order. So reading starts again at the hundredth of
 * a second before that of the last line, and known lines are skipped.
 */
final class LogCursor {
    /** Characters of a time up to the hundredth of a second. */
    private static final int HUNDREDTH = 22;
    private final String start;
    private String before = "";
    private String now = "";
    private String latest = "";
    private Map<String, Integer> linesBefore = new HashMap<>();
    private Map<String, Integer> linesNow = new HashMap<>();
    private Map<String, Integer> repeats = Map.of();

    /** @param start the time to read from until there is a line; empty for all */
    LogCursor(String start) {
        this.start = start;
    }

    /** The time to continue from, that time included; empty for all. */
    String since() {
        if (now.isEmpty()) return start;
        return (before.isEmpty() || now.compareTo(before) < 0 ? now : before) + "Z";
    }

    /** Lines from {@link #since} on may come again from now on. */
    void again() {
        var known = new HashMap<>(linesBefore);
        linesNow.forEach((line, count) -> known.merge(line, count, Integer::sum));
        repeats = known;
    }

    /** Whether a line is new; it is known from then on. */
    boolean fresh(String time, String text) {
        var key = time + ' ' + text.hashCode();
        if (!repeats.isEmpty()) {
            int count = repeats.getOrDefault(key, 0);
            if (count > 0) {
                repeats.put(key, count - 1);
                return false;
            }
            if (time.compareTo(latest) > 0) repeats = Map.of();
        }
        remember(time, key);
        return true;
    }

    private void remember(String time, String key) {
        var hundredth = time.length() < HUNDREDTH ? time : time.substring(0, HUNDREDTH);
        if (!hundredth.equals(now)) {
            before = now;
            linesBefore = linesNow;
            now = hundredth;
            linesNow = new HashMap<>();
        }
        linesNow.merge(key, 1, Integer::sum);
        if (time.compareTo(latest) > 0) latest = time;
    }
}
