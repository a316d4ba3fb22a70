package ktrdr.node;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Table;
import ktrdr.fleet.FleetNode;

/**
 * SQL on KTRDR's database, by psql inside its container: no password travels. Every transaction is read-only
 * (default_transaction_read_only), unless {@link #writing} is asked for.
 */
public final class Database {
    /** What a query answered, as text; what is null there is "null". */
    public record Rows(List<String> columns, List<List<String>> rows) {
        /** The same to be printed. */
        public Table table() {
            var table = Table.of(columns.toArray(String[]::new));
            rows.forEach(row -> table.row(row.toArray()));
            return table;
        }
    }

    private final FleetNode core;
    private final String container;
    private final boolean readOnly;

    /** @param container shell lines that define {@code container}: see {@link Docker#container} */
    public Database(FleetNode core, String container) {
        this(core, container, true);
    }

    private Database(FleetNode core, String container, boolean readOnly) {
        this.core = core;
        this.container = container;
        this.readOnly = readOnly;
    }

    /** The same database, where a query may change something. */
    public Database writing() {
        return new Database(core, container, false);
    }

    /** Runs one statement. What PostgreSQL refuses is a {@link Problem} with its words. */
    public Rows query(String statement) {
        var result = core.run(script(container, statement, readOnly));
        if (result.ok()) return parse(result.out());
        var problem = Problem.failed(core + ": the query failed").found(said(result));
        throw result.err().contains("read-only transaction")
                ? problem.fix("db.writing().query(…), if the statement should change data") : problem;
    }

    /** The script of one statement, which goes to psql on standard input; its answer is CSV. */
    public static String script(String container, String statement, boolean readOnly) {
        return Sh.let("statement", statement) + Sh.let("options",
                "-c default_transaction_read_only=" + (readOnly ? "on" : "off")) + container + """
                        printf '%s\\n' "$statement" | docker exec -i -e PGOPTIONS="$options" "$container" sh -c '
                          exec psql -w -X -q --csv -P null=null -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d \
                        "$POSTGRES_DB" -f -'
                        """;
    }

    /** PostgreSQL's own words of a script that failed. */
    public static String said(CommandResult result) {
        return result.lastWords().replaceFirst("^psql:<stdin>:\\d+: ERROR: +", "");
    }

    /** A table as CSV (RFC 4180), its headings first. */
    public static Rows parse(String csv) {
        var lines = new ArrayList<List<String>>();
        var line = new ArrayList<String>();
        var field = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < csv.length(); i++) {
            char c = csv.charAt(i);
            if (c == '"' && quoted && i + 1 < csv.length() && csv.charAt(i + 1) == '"') field.append(csv.charAt(++i));
            else if (c == '"') quoted = !quoted;
            else if (quoted || c != ',' && c != '\n') field.append(c);
            else {
                line.add(field.toString());
                field.setLength(0);
                if (c == '\n') {
                    lines.add(List.copyOf(line));
                    line.clear();
                }
            }
        }
        if (lines.isEmpty()) return new Rows(List.of(), List.of());
        // of several statements the widest gives the number of columns
        var columns = new ArrayList<>(lines.get(0));
        int width = lines.stream().mapToInt(List::size).max().orElse(0);
        columns.addAll(Collections.nCopies(width - columns.size(), ""));
        return new Rows(List.copyOf(columns), List.copyOf(lines.subList(1, lines.size())));
    }
}
