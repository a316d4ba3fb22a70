package standin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The table of operations in the database of KTRDR_DB_*, as far as the stand-in backend writes to it: an operation is
 * recorded before it starts, or does not start. Accessed by psql, so that the schema is the one that migrations made.
 */
public interface Store {
    /** The backend without a database, as in its tests: all is in memory. */
    Store NONE = (sql, values) -> {};

    /** The revision that renames a column: see the stand-in's alembic. */
    String RENAMED = "e1a0000000d4";

    /**
     * Runs SQL with {@code :'name'} for a value and COLUMN for the status column; a rejection by the database is an
     * IOException with its message.
     */
    void run(String sql, Map<String, String> values) throws IOException;

    /** The database of the settings; none if they name no host. */
    static Store of(Map<String, String> env) {
        // a tag whose migration renames a column has code that uses the new name; other tags use the old one
        var column = env.getOrDefault("KTRDR_STANDIN_REVISIONS", "").contains(RENAMED) ? "state" : "status";
        return env.getOrDefault("KTRDR_DB_HOST", "").isBlank() ? NONE
                : (sql, values) -> psql(env, sql.replace("COLUMN", column), values);
    }

    /** Records an operation that starts. */
    default void started(String id, String type) throws IOException {
        run("insert into operations (operation_id, operation_type, COLUMN) values (:'id', :'type', 'running');",
                Map.of("id", id, "type", type));
    }

    /** Records how an operation ended, if the table still exists. */
    default void ended(String id, String status) {
        try {
            run("update operations set COLUMN = :'status', completed_at = now() where operation_id = :'id';",
                    Map.of("id", id, "status", status));
        } catch (IOException lost) {
            System.err.println("ERROR: " + id + " could not be noted as " + status + ": " + lost.getMessage());
        }
    }

    private static void psql(Map<String, String> env, String sql, Map<String, String> values) throws IOException {
        var words = new ArrayList<>(List.of("psql", "-w", "-X", "-Atq", "-v", "ON_ERROR_STOP=1", "-h",
                env.get("KTRDR_DB_HOST"),
                "-p", env.getOrDefault("KTRDR_DB_PORT", "5432"), "-U", env.getOrDefault("KTRDR_DB_USER", "ktrdr"), "-d",
                env.getOrDefault("KTRDR_DB_NAME", "ktrdr")));
        values.forEach((name, value) -> words.addAll(List.of("-v", name + "=" + value)));
        var builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().put("PGPASSWORD", env.getOrDefault("KTRDR_DB_PASSWORD", ""));
        builder.environment().put("PGCONNECT_TIMEOUT", "5");
        var process = builder.start();
        try (var in = process.getOutputStream()) {
            in.write(sql.getBytes(StandardCharsets.UTF_8));
        }
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            if (process.waitFor() != 0) throw new IOException(said.lines().findFirst().orElse("psql failed")
                    .replaceFirst("^psql:.*?ERROR:  ", ""));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
