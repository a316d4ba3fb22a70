package ktrdr;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Why a container ended: the line of its log that an operator looks for. Other lines may follow it, such as a server's
 * shutdown messages; the lines of a traceback come before it.
 */
public final class LastWords {
    /** How many lines of a log to look at. */
    public static final int LINES = 200;
    /** The most that are shown. */
    public static final int SHOWN = 10;
    private static final int OF_AN_EXCEPTION = 5;
    /**
     * The line in which Python or Java names an exception: "a.b.SomeError: why", "Caused by: a.b.SomeException: why".
     */
    private static final Pattern EXCEPTION = Pattern.compile(
            "^(?:Caused by: |Exception in thread \"[^\"]*\" )?(?:\\w+\\.)*[A-Z]\\w*(?:Error|Exception|Exit)(?::.*)?$");
    /** What is not a part of what an exception says any more. */
    private static final Pattern AFTER = Pattern.compile("^(?:Traceback .*|\\s+at .*|\\s+File \".*"
            + "|(?:\\S+ )?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL)\\b.*)?$");
    private static final Pattern COMPLAINT = Pattern.compile("(?i).*\\b(?:error|fatal|critical|panic|exception|refused"
            + "|denied|cannot|could not|no such|missing|must be)\\b.*");

    private LastWords() {}

    /**
     * The exception that came last, with what it says; else the last line that complains of something; else the last
     * lines.
     *
     * @param log the end of a log, without its secrets
     */
    public static String of(String log) {
        var lines = log.strip().lines().map(String::stripTrailing).toList();
        for (int i = lines.size() - 1; i >= 0; i--) {
            if (!EXCEPTION.matcher(lines.get(i)).matches()) continue;
            var more = lines.subList(i + 1, lines.size()).stream().takeWhile(line -> !AFTER.matcher(line).matches());
            return lines.get(i) + more.limit(OF_AN_EXCEPTION - 1).map(line -> "\n" + line)
                    .collect(Collectors.joining());
        }
        for (int i = lines.size() - 1; i >= 0; i--)
            if (COMPLAINT.matcher(lines.get(i)).matches()) return lines.get(i);
        return lines(String.join("\n", lines), SHOWN);
    }

    /** So many lines from the end of a text. */
    public static String lines(String text, int count) {
        var lines = text.strip().split("\n");
        return String.join("\n", List.of(lines).subList(Math.max(0, lines.length - count), lines.length));
    }
}
