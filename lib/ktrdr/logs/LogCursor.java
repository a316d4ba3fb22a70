package ktrdr.logs;

import java.util.HashMap;
import java.util.Map;

/**
 * How far the log of a container is known, so that it can be read on from there with no line lost and none told twice.
 *
 * Lines of standard output and of standard error may be a little out of order, so what is asked for again reaches back
 * to the hundredth of a second before the one of the last line; what is known of it is remembered.
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

    /**
     * @param start a time from which nothing is known, for as long as there is no line; empty where nothing is known at
     * all
     */
    LogCursor(String start) {
        this.start = start;
    }

    /** The time to read on from, that time included; empty for all. */
    String since() {
        if (now.isEmpty()) return start;
        return (before.isEmpty() || now.compareTo(before) < 0 ? now : before) + "Z";
    }

    /** From here on lines from {@link #since} on may come again. */
    void again() {
        var known = new HashMap<>(linesBefore);
        linesNow.forEach((line, count) -> known.merge(line, count, Integer::sum));
        repeats = known;
    }

    /** Whether a line is one that was not there yet; it is known from then on. */
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
