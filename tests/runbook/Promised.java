package runbook;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The expected output of a page, compared with the actual output.
 *
 * Times, durations, sizes, digests, process ids and column widths differ from run to run and are ignored. {@code …}
 * matches anything within a line, and alone on a line any number of lines.
 */
public final class Promised {
    private static final String ANYTHING = "…";
    /** JBang's output while it builds a script for the first time. */
    private static final String JBANG = "[jbang] ";
    private static final List<Mask> MASKS = List.of(
            new Mask("\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:?\\d\\d(:?\\d\\d)?(\\.\\d+)?Z", "TIME"),
            new Mask("\\b\\d{8}T\\d{6}Z\\b", "TIME"), new Mask("\\bop_[a-z]+_\\w+", "ID"),
            new Mask("\\b(sha256:)?[0-9a-f]{12,64}\\b", "ID"), new Mask("SHA256:[\\w+/]+", "ID"),
            new Mask("\\d+(\\.\\d+)? (ms|s|min|h|d)( \\d+ (s|min|h))?\\b", "DURATION"),
            new Mask("\\d+(\\.\\d+)? (B|kB|MB|GB|TB)\\b", "SIZE"), new Mask("\\b\\d+\\.\\d+\\b", "NUMBER"));

    private record Mask(Pattern pattern, String name) {
        Mask(String pattern, String name) {
            this(Pattern.compile(pattern), name);
        }
    }

    private Promised() {}

    /** The first expected line that is missing at its position; empty if all match. */
    public static Optional<String> missing(String promised, String came) {
        var lines = came.lines().filter(line -> !line.startsWith(JBANG)).map(Promised::masked)
                .filter(line -> !line.isEmpty()).toList();
        int at = 0;
        boolean anywhere = false;
        for (var line : promised.strip().lines().filter(text -> !text.isBlank()).toList()) {
            if (line.strip().equals(ANYTHING)) {
                anywhere = true;
                continue;
            }
            var pattern = pattern(line);
            int found = at;
            while (anywhere && found < lines.size() && !pattern.matcher(lines.get(found)).matches()) found++;
            if (found >= lines.size() || !pattern.matcher(lines.get(found)).matches()) return Optional.of(line);
            at = found + 1;
            anywhere = false;
        }
        return anywhere || at == lines.size() ? Optional.empty()
                : Optional.of("nothing after \"" + (at == 0 ? "" : lines.get(at - 1)) + "\", but there is \""
                        + lines.get(at) + "\"");
    }

    private static Pattern pattern(String line) {
        return Pattern.compile(Arrays.stream(masked(line).split(ANYTHING, -1)).map(Pattern::quote)
                .collect(Collectors.joining(".*")));
    }

    private static String masked(String line) {
        var masked = line;
        for (var mask : MASKS) masked = mask.pattern().matcher(masked).replaceAll(mask.name());
        return masked.replaceAll("\\s+", " ").strip();
    }
}
