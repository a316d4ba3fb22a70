package ktrdr.cli;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import ktrdr.Table;

/** The end of a help text, where its examples are, for a terminal that is narrower than they are. Pure. */
final class HelpFooter {
    /** A command, and after two spaces or more what it is for. */
    private static final Pattern EXAMPLE = Pattern.compile("(?<command>  \\S.*?)(?<gap> {2,})(?<purpose>\\S.*)");
    /** A purpose needs so many characters next to its command; with fewer it goes below it. */
    private static final int BESIDE = 24;
    private static final String BELOW = "      ";

    private HelpFooter() {}

    /** The lines, each ended, in so many columns: a purpose goes on below itself, any other line at the margin. */
    static String text(List<String> lines, int wide) {
        return lines.stream().flatMap(line -> one(line, wide).stream()).map(line -> line + System.lineSeparator())
                .collect(Collectors.joining());
    }

    private static List<String> one(String line, int wide) {
        var example = EXAMPLE.matcher(line);
        if (line.length() <= wide || !example.matches()) return Table.wrapped(line, wide);
        var beside = example.group("command") + example.group("gap");
        if (wide - beside.length() >= BESIDE) return hanging(beside, example.group("purpose"), wide);
        return Stream.concat(Stream.of(example.group("command")),
                hanging(BELOW, example.group("purpose"), wide).stream()).toList();
    }

    private static List<String> hanging(String first, String text, int wide) {
        var indented = Table.wrapped(text, Math.max(1, wide - first.length()));
        return IntStream.range(0, indented.size())
                .mapToObj(i -> (i == 0 ? first : " ".repeat(first.length())) + indented.get(i)).toList();
    }
}
