package ktrdr;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Durations, sizes and times as people write and read them. */
public final class Units {
    private static final Pattern DURATION = Pattern.compile("(?:\\d+(?:ms|d|h|m|s))+");
    private static final Pattern PART = Pattern.compile("(\\d+)(ms|d|h|m|s)");
    private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kKMGT]i?)?B?");
    private static final Map<String, Long> MILLIS = Map.of("ms", 1L, "s", 1000L, "m", 60_000L, "h", 3_600_000L, "d",
            86_400_000L);
    private static final String PREFIXES = "KMGT";

    private Units() {}

    /** {@code 500ms}, {@code 10s}, {@code 2m}, {@code 1h30m}, {@code 7d}; anything else is a {@link Problem}. */
    public static Duration duration(String text) {
        if (!DURATION.matcher(text).matches())
            throw Problem.usage("invalid duration: " + text)
                    .expected("a number with ms, s, m, h or d, such as 90s or 1h30m").found(text);
        try {
            long millis = 0;
            for (var part : PART.matcher(text).results().toList())
                millis = Math.addExact(millis,
                        Math.multiplyExact(Long.parseLong(part.group(1)), MILLIS.get(part.group(2))));
            return Duration.ofMillis(millis);
        } catch (ArithmeticException | NumberFormatException e) {
            throw Problem.usage("this duration is too long: " + text);
        }
    }

    /** {@code 2024-01-31}; anything else is a {@link Problem}. */
    public static LocalDate date(String text) {
        try {
            return LocalDate.parse(text);
        } catch (DateTimeParseException e) {
            throw Problem.usage("invalid date: " + text).expected("year, month and day, such as 2024-01-31")
                    .found(text);
        }
    }

    /**
     * {@code 20GB} (10^9 bytes each), {@code 20GiB} (2^30), {@code 512MB}, or plain bytes; anything else is a
     * {@link Problem}.
     */
    public static long size(String text) {
        var match = SIZE.matcher(text.strip());
        if (!match.matches())
            throw Problem.usage("invalid size: " + text)
                    .expected("a number with KB, MB, GB, TB or KiB, MiB, GiB, TiB, such as 20GB").found(text);
        var unit = match.group(2) == null ? "" : match.group(2).toUpperCase();
        int power = unit.isEmpty() ? 0 : PREFIXES.indexOf(unit.charAt(0)) + 1;
        double bytes = Double.parseDouble(match.group(1)) * Math.pow(unit.endsWith("I") ? 1024 : 1000, power);
        if (bytes >= Long.MAX_VALUE) throw Problem.usage("this size is too large: " + text);
        return Math.round(bytes);
    }

    /** Bytes in decimal units: "71 GB", "1.5 GB", "212 MB", "0 B". */
    public static String size(long bytes) {
        double value = bytes;
        int power = 0;
        while (value >= 999.5 && power < PREFIXES.length()) {
            value /= 1000;
            power++;
        }
        var unit = power == 0 ? "B" : PREFIXES.charAt(power - 1) + "B";
        return (value < 9.95 && power > 0 ? String.format("%.1f", value) : String.valueOf(Math.round(value))) + " "
                + unit;
    }

    /** "0.4 s", "27.3 s", "120 s", "2 min 5 s", "3 h 20 min", "4 d 2 h". */
    public static String duration(Duration time) {
        double seconds = time.toMillis() / 1000.0;
        if (seconds == 120 || seconds < 120) return seconds == Math.rint(seconds) && seconds >= 1
                ? Math.round(seconds) + " s" : String.format("%.1f s", seconds);
        if (time.toHours() < 1) return time.toMinutes() + " min " + time.toSecondsPart() + " s";
        if (time.toDays() < 1) return time.toHours() + " h " + time.toMinutesPart() + " min";
        return time.toDays() + " d " + time.toHoursPart() + " h";
    }

    /** Percent as a bar of 20 characters and a number: "[####················]  20 %". */
    public static String bar(double percentage) {
        int full = (int) Math.round(Math.max(0, Math.min(100, percentage)) / 5);
        return "[" + "#".repeat(full) + "·".repeat(20 - full) + String.format("] %3d %%", Math.round(percentage));
    }

    /** A time as ISO 8601 writes it; without a zone it is UTC. Another text is a {@link DateTimeParseException}. */
    public static Instant instant(String text) {
        return OffsetDateTime.parse(text.matches(".*(Z|[+-]\\d\\d:\\d\\d)") ? text : text + "Z").toInstant();
    }

    /** The same; empty for another text. */
    public static Optional<Instant> instantIn(String text) {
        try {
            return Optional.of(instant(text));
        } catch (DateTimeParseException none) {
            return Optional.empty();
        }
    }
}
