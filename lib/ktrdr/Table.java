package ktrdr;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Rows under headings, as wide as they need to be; {@link Console} prints it. */
public final class Table {
    /** What a column keeps at least of a word that is longer, in characters; and the spaces between two columns. */
    private static final int LEAST = 8;
    private static final int GAP = 2;
    private final List<String> columns;
    private final List<List<String>> rows = new ArrayList<>();

    private Table(List<String> columns) {
        this.columns = columns;
    }

    /** A table without rows; headings are shown in capitals. */
    public static Table of(String... columns) {
        return new Table(List.of(columns));
    }

    /** One row; a value that is null shows as a dash. Fewer values than columns leave the rest empty. */
    public Table row(Object... values) {
        rows.add(Arrays.stream(values).map(value -> value == null ? "-" : value.toString()).toList());
        return this;
    }

    /**
     * The same rows, those first whose text in this column has the greatest value; a column that it does not have is a
     * defect of the caller.
     */
    public Table descending(String column, ToDoubleFunction<String> value) {
        int at = columns.indexOf(column);
        if (at < 0) throw new IllegalArgumentException("there is no column " + column + " in " + columns);
        rows.sort(Comparator.comparingDouble((List<String> row) -> value.applyAsDouble(row.get(at))).reversed());
        return this;
    }

    /** The same for machines: a row is an object, its texts by their headings. */
    public List<Map<String, String>> document() {
        var documents = new ArrayList<Map<String, String>>();
        for (var row : rows) {
            var document = new LinkedHashMap<String, String>();
            for (int i = 0; i < row.size(); i++) document.put(columns.get(i), row.get(i));
            documents.add(document);
        }
        return documents;
    }

    /** Whether it has no row. */
    public boolean isEmpty() {
        return rows.isEmpty();
    }

    /**
     * The lines of the table without colour, {@link Console#harmless}: headings first, two spaces between columns,
     * nothing after the last.
     */
    public List<String> lines() {
        return lines(Integer.MAX_VALUE);
    }

    /**
     * The same for a terminal of so many columns: a text that has no room for all of it goes on below itself, so that
     * nothing is cut.
     */
    public List<String> lines(int wide) {
        var all = new ArrayList<List<String>>();
        all.add(columns.stream().map(String::toUpperCase).map(Console::harmless).toList());
        rows.forEach(row -> all.add(row.stream().map(Console::harmless).toList()));
        var widths = longest(all, Table::width);
        var words = longest(all, text -> Arrays.stream(text.split(" ")).mapToInt(Table::width).max().orElse(0));
        shrink(widths, words, wide, GAP);
        // a table that is a little too wide is closer together rather than with broken words
        int gap = width(widths, GAP) <= wide ? GAP : 1;
        shrink(widths, Arrays.stream(words).map(word -> Math.min(word, LEAST)).toArray(), wide, gap);
        return all.stream().flatMap(row -> lines(row, widths, gap)).toList();
    }

    private int[] longest(List<List<String>> all, ToIntFunction<String> measure) {
        var longest = new int[columns.size()];
        for (var row : all)
            for (int i = 0; i < row.size(); i++) longest[i] = Math.max(longest[i], measure.applyAsInt(row.get(i)));
        return longest;
    }

    /** Takes from the widest column that still has more than its least, until all fit or none has. */
    private static void shrink(int[] widths, int[] least, int wide, int gap) {
        for (int over = width(widths, gap) - wide; over > 0; over--) {
            var widest = IntStream.range(0, widths.length).filter(i -> widths[i] > least[i]).boxed()
                    .max(Comparator.comparingInt(i -> widths[i]));
            if (widest.isEmpty()) return;
            widths[widest.get()]--;
        }
    }

    private static int width(int[] widths, int gap) {
        return Arrays.stream(widths).map(width -> width + gap).sum() - gap;
    }

    private static Stream<String> lines(List<String> row, int[] widths, int gap) {
        var cells = IntStream.range(0, row.size()).mapToObj(i -> wrapped(row.get(i), widths[i])).toList();
        int high = cells.stream().mapToInt(List::size).max().orElse(0);
        return IntStream.range(0, high).mapToObj(at -> IntStream.range(0, cells.size())
                .mapToObj(i -> padded(at < cells.get(i).size() ? cells.get(i).get(at) : "", widths[i] + gap))
                .collect(Collectors.joining()).stripTrailing());
    }

    private static String padded(String text, int wide) {
        return text + " ".repeat(Math.max(0, wide - width(text)));
    }

    /**
     * A text in lines of at most so many characters, broken at spaces, and within a word only where it alone is longer.
     */
    public static List<String> wrapped(String text, int wide) {
        if (width(text) <= wide) return List.of(text);
        var lines = new ArrayList<String>();
        var rest = text;
        while (width(rest) > wide) {
            int end = rest.offsetByCodePoints(0, Math.max(1, wide));
            int space = rest.lastIndexOf(' ', end);
            int cut = space > 0 && !rest.substring(0, space).isBlank() ? space : end;
            lines.add(rest.substring(0, cut).stripTrailing());
            rest = rest.substring(cut).stripLeading();
        }
        if (!rest.isEmpty()) lines.add(rest);
        return lines;
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }
}
