package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import standin.Backend;
import standin.Pace;
import standin.Store;

/**
 * The stand-ins and the database schema: the stand-in alembic, and the backend without tables. The fleet tests run both
 * on PostgreSQL.
 */
class StandinSchemaTest {
    private static final Map<String, String> ENV = Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET",
            "x".repeat(32));
    @TempDir Path folder;

    /** Runs the stand-in alembic with a fake psql that answers each query with the next line. */
    private CommandResult alembic(String revisions, String answers, String... words) throws IOException {
        Fixtures.program(folder.resolve("psql"),
                "echo \"$*\" >>'" + folder + "/words'\ncat >>'" + folder + "/asked'\nline=$(sed -n 1p '" + folder
                        + "/answers')\nsed -i 1d '" + folder + "/answers'\nprintf '%s\\n' \"$line\"");
        LocalCommand.command("sh", "-c", "printf '%s' \"$1\" >\"$2/answers\"", "sh", answers, folder.toString()).must();
        var all = new ArrayList<>(List.of("sh", Project.root().resolve("tests/lab/standin/alembic").toString()));
        all.addAll(List.of(words));
        return LocalCommand.command(all).env("PATH", folder + ":" + System.getenv("PATH"))
                .env("KTRDR_STANDIN_REVISIONS", revisions).run();
    }

    @Test
    void heads_and_history_need_no_database() throws IOException {
        assertEquals("e1a0000000b2 (head)\n", alembic("e1a0000000a1 e1a0000000b2", "", "heads").out());
        assertEquals("e1a0000000a1 -> e1a0000000b2 (head), create_checkpoints_table\n<base> -> e1a0000000a1, "
                + "create_operations_table\n", alembic("e1a0000000a1 e1a0000000b2", "", "history").out());
        assertTrue(folder.resolve("asked").toFile().length() == 0);
    }

    @Test
    void an_upgrade_of_several_revisions_is_one_transaction() throws IOException {
        assertEquals(0, alembic("e1a0000000a1 e1a0000000b2", "f\n\n", "upgrade", "head").exit());
        var asked = Files.readString(folder.resolve("asked"));
        var last = asked.substring(asked.indexOf("create table if not exists alembic_version"));
        assertTrue(last.contains("create table operations (") && last.contains("create table operation_checkpoints (")
                && last.contains("insert into alembic_version values ('e1a0000000b2')"), asked);
        // one psql call with its single-transaction option, after the query for the current revision
        var words = Files.readAllLines(folder.resolve("words"));
        assertEquals(2, words.size());
        assertTrue(words.get(1).contains(" -1 "), words::toString);
    }

    @Test
    void with_several_heads_there_is_no_one_to_go_to() throws IOException {
        var branched = "e1a0000000a1 e1a0000000b2 e1a0000000c3 e1a0000000e5";
        assertEquals("e1a0000000c3 (head)\ne1a0000000e5 (head)\n", alembic(branched, "", "heads").out());
        assertTrue(alembic(branched, "", "history").out()
                .contains("e1a0000000b2 -> e1a0000000e5 (head), add_kind_of_operations\ne1a0000000b2 -> e1a0000000c3 "
                        + "(head), add_priority_of_operations\n"
                + "e1a0000000a1 -> e1a0000000b2 (branchpoint), "));
        var ran = alembic(branched, "", "upgrade", "head");
        assertEquals(255, ran.exit(), ran::toString);
        assertTrue(ran.out().contains("FAILED: Multiple head revisions are present for given argument 'head'"),
                ran::toString);
        assertFalse(Files.exists(folder.resolve("asked")), "it asked the database");
    }

    @ParameterizedTest
    @ValueSource(strings = {"current", "upgrade head", "downgrade e1a0000000a1"})
    void alembic_fails_when_the_schema_is_newer_than_the_image(String command) throws IOException {
        var ran = alembic("e1a0000000a1 e1a0000000b2", "t\ne1a0000000c3\n", command.split(" "));
        assertEquals(255, ran.exit(), ran::toString);
        assertTrue(ran.out().contains("FAILED: Can't locate revision identified by 'e1a0000000c3'"), ran::toString);
    }

    @Test
    void a_revision_that_the_image_does_not_have_is_no_target() throws IOException {
        var ran = alembic("e1a0000000a1 e1a0000000b2", "t\ne1a0000000b2\n", "downgrade", "e1a0000000c3");
        assertEquals(255, ran.exit(), ran::toString);
    }

    @Test
    void an_image_of_before_all_migrations_has_no_such_command() throws IOException {
        assertEquals(127, alembic("", "", "history").exit());
    }

    private static String post(Backend backend, String path, String body) throws Exception {
        var answer = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + backend.port() + path))
                        .POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private static String get(Backend backend, String path) throws Exception {
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + backend.port() + path)).build(),
                        BodyHandlers.ofString()).body();
    }

    @Test
    void without_tables_the_backend_is_healthy_but_starts_nothing() throws Exception {
        Store none = (sql, values) -> {
            throw new IOException("relation \"operations\" does not exist");
        };
        try (var backend = new Backend(0, ENV, Pace.REAL, none)) {
            assertTrue(get(backend, "/api/v1/health").contains("ok"));
            var dummy = post(backend, "/api/v1/dummy/start", "");
            assertTrue(dummy.startsWith("200 ") && dummy.contains("\"success\":false") && dummy.contains("DUMMY-001"),
                    dummy);
            assertTrue(dummy.contains("relation \\\"operations\\\" does not exist"), dummy);
            var backtest = post(backend, "/api/v1/backtests/start",
                    "{\"strategy_name\":\"s\",\"symbol\":\"A\",\"timeframe\":\"1d\",\"start_date\":\"2024-01-01\","
                            + "\"end_date\":\"2024-02-01\"}");
            assertTrue(backtest.startsWith("500 ") && backtest.contains("Failed to start backtest"), backtest);
            var download = post(backend, "/api/v1/data/acquire/download",
                    "{\"symbol\":\"A\",\"timeframe\":\"1d\",\"mode\":\"tail\"}");
            assertTrue(download.startsWith("500 "), download);
            assertTrue(get(backend, "/api/v1/operations").contains("\"total_count\":0"));
        }
    }

    @Test
    void an_operation_is_in_the_database_before_it_is_started() throws Exception {
        var noted = new ArrayList<String>();
        try (var backend = new Backend(0, ENV, Pace.REAL,
                (sql, values) -> noted.add(values.getOrDefault("type", values.get("status"))))) {
            assertTrue(post(backend, "/api/v1/dummy/start", "").contains("operation_id"));
            assertEquals(List.of("dummy"), noted);
        }
    }
}
