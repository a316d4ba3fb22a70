package ktrdr;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Rows under headings, as wide as they need to be; {@link Console} prints it. */
public final class Table {
    private static final int LEAST = 60;
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

    /** The same rows, those first whose text in this column has the greatest value; a column that it does not have is a defect of the caller. */
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

    /** The lines of the table without colour, {@link Console#harmless}: headings first, two spaces between columns, nothing after the last. */
    public List<String> lines() {
        return lines(Integer.MAX_VALUE);
    }

    /** The same for a terminal of so many columns: what does not fit of the last column is cut, but for its first {@value #LEAST} characters. */
    List<String> lines(int wide) {
        var all = new ArrayList<List<String>>();
        all.add(columns.stream().map(String::toUpperCase).map(Console::harmless).toList());
        rows.forEach(row -> all.add(row.stream().map(Console::harmless).toList()));
        var widths = new int[columns.size()];
        for (var row : all)
            for (int i = 0; i < row.size(); i++) widths[i] = Math.max(widths[i], width(row.get(i)));
        int last = columns.size() - 1;
        int room = Math.max(LEAST, wide - Arrays.stream(widths, 0, last).map(width -> width + 2).sum());
        return all.stream().map(row -> line(row, widths, row.size() > last ? Console.brief(row.get(last), room) : "")).toList();
    }

    private static String line(List<String> row, int[] widths, String last) {
        var line = new StringBuilder();
        for (int i = 0; i < Math.min(row.size(), widths.length - 1); i++) line.append(row.get(i)).append(" ".repeat(widths[i] - width(row.get(i)) + 2));
        return line.append(last).toString().stripTrailing();
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }
}
