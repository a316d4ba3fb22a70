package ktrdr;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows under headings, as wide as they need to be; {@link Console} prints it. */
public final class Table {
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

    /** Whether it has no row. */
    public boolean isEmpty() {
        return rows.isEmpty();
    }

    /** The lines of the table without colour: headings first, two spaces between columns, nothing after the last. */
    public List<String> lines() {
        var all = new ArrayList<List<String>>();
        all.add(columns.stream().map(String::toUpperCase).toList());
        all.addAll(rows);
        var widths = new int[columns.size()];
        for (var row : all)
            for (int i = 0; i < row.size(); i++) widths[i] = Math.max(widths[i], width(row.get(i)));
        return all.stream().map(row -> line(row, widths)).toList();
    }

    private static String line(List<String> row, int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < row.size(); i++) {
            line.append(row.get(i));
            if (i < row.size() - 1) line.append(" ".repeat(widths[i] - width(row.get(i)) + 2));
        }
        return line.toString().stripTrailing();
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }
}
