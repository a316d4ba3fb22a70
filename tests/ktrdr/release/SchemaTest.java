package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.release.Schema.State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SchemaTest {
    private static final String HISTORY =
            "a1 -> b2 (head), create_checkpoints_table\n<base> -> a1, create_operations_table\n";
    @TempDir Path folder;

    private static String said(int exit, String text) {
        return exit + " " + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Schema schema(String history, String database) {
        return Schema.parse(
                Facts.parse("revisions sha256:1\t" + said(0, history) + "\nschema\t" + database + "\nend\tyes\n"));
    }

    @ParameterizedTest
    @CsvSource({"is b2,SAME", "is a1,BEHIND", "is,BEHIND", "is c3,UNKNOWN", "off,OPEN", "silent FATAL: no,OPEN"})
    void the_database_is_compared_with_what_the_image_knows(String database, State state) {
        assertEquals(state, schema(HISTORY, database).state());
    }

    @Test
    void a_history_with_branches_and_merges_is_read() {
        var revisions = Schema.Revisions.parse(0, """
                b2, c3 -> d4 (head) (mergepoint), merge
                a1 -> c3, one side
                a1 -> b2, other side
                <base> -> a1 (branchpoint), first
                """);
        assertEquals(List.of("d4", "c3", "b2", "a1"), revisions.known());
        assertEquals(List.of("d4"), revisions.heads());
    }

    @Test
    void an_image_with_several_heads_has_no_target_and_is_told() {
        var branched = "b2 -> c3 (head), one\nb2 -> e5 (head), other\na1 -> b2 (branchpoint), x\n<base> -> a1, y\n";
        assertTrue(schema(branched, "is b2").severalHeads());
        assertEquals("c3, e5", schema(branched, "is b2").head());
        assertEquals("deploy a release whose migrations are merged: this one has several heads",
                schema(branched, "is b2").check(Fixtures.core(), "sha-1").fix());
        assertFalse(schema(HISTORY, "is a1").severalHeads());
        // both revisions are present after a manual `alembic upgrade heads`
        assertEquals(State.SAME, schema(branched, "is c3\te5").state());
    }

    @Test
    void what_is_printed_beside_the_history_is_passed_over() {
        assertEquals(List.of("b2"), Schema.Revisions.parse(0, "/app/x.py:1: UserWarning: something -> else\n" + HISTORY)
                .heads());
    }

    @Test
    void an_image_without_alembic_or_migrations_counts_as_older() {
        assertFalse(Schema.Revisions.parse(127, "exec: \"alembic\": executable file not found in $PATH").alembic());
        assertFalse(Schema.Revisions.parse(255, "  FAILED: No 'script_location' key found in configuration.")
                .alembic());
        assertFalse(Schema.Revisions.parse(0, "").alembic());
        assertEquals(State.NO_ALEMBIC,
                Schema.parse(Facts.parse("revisions x\t" + said(127, "") + "\nschema\tis b2\nend\tyes\n")).state());
    }

    @Test
    void what_alembic_complains_of_is_told() {
        var problem = assertThrows(Problem.class,
                () -> Schema.Revisions.parse(1,
                        "Traceback (most recent call last):\n  File \"x\"\nModuleNotFoundError: No module named "
                                + "'torch'"));
        assertEquals("exit code 1: ModuleNotFoundError: No module named 'torch'", problem.details().get("found"));
    }

    @Test
    void the_check_names_what_differs_and_the_way_to_mend_it() {
        assertTrue(schema(HISTORY, "is b2").check(Fixtures.core(), "sha-1").ok());
        assertEquals("jbang deploy@ktrdr core backend --tag sha-1",
                schema(HISTORY, "is").check(Fixtures.core(), "sha-1").fix());
        assertEquals("no schema of alembic's", schema(HISTORY, "is").check(Fixtures.core(), "sha-1").found());
        assertEquals("a1, which is older", schema(HISTORY, "is a1").check(Fixtures.core(), "sha-1").found());
        assertEquals("c3, which a newer release made",
                schema(HISTORY, "is c3").check(Fixtures.core(), "sha-1").found());
    }

    /** Runs the query with a stand-in for docker: an image that prints its migrations, and a database. */
    private Facts ask(String psql, boolean keep) throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), """
                echo "$*" >>'%s/docker'
                case "$1 $2" in
                  'image inspect') echo sha256:abc ;;
                  'run --rm') printf 'a1 -> b2 (head), x\\n' ;;
                  'inspect --format') echo true ;;
                  'exec ktrdr-db') %s ;;
                esac""".formatted(folder, psql));
        Files.createDirectories(folder.resolve(".ktrdr"));
        var script = Facts.SAY + Sh.let("directory", folder.toString())
                + Schema.question(Fixtures.core(), "ktrdr", List.of("'an image'"), keep) + "say end yes\n";
        return Facts.parse(LocalCommand.command("sh", "-eu")
                .env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH")).input(script).must().out());
    }

    private long runs() throws IOException {
        return Files.readString(folder.resolve("docker")).lines().filter(line -> line.startsWith("run ")).count();
    }

    @Test
    void reads_an_images_revisions_offline_and_caches_them() throws IOException {
        assertEquals(State.SAME, Schema.parse(ask("echo b2", true)).state());
        assertTrue(Files.readString(folder.resolve("docker"))
                .contains("run --rm --network none --entrypoint alembic sha256:abc history"));
        assertEquals(State.SAME, Schema.parse(ask("echo b2", true)).state());
        assertEquals(1, runs());
    }

    @Test
    void a_look_alone_keeps_nothing() throws IOException {
        ask("echo b2", false);
        ask("echo b2", false);
        assertEquals(2, runs());
        assertFalse(Files.exists(folder.resolve(".ktrdr/revisions")));
    }

    @Test
    void a_missing_table_means_no_revision_and_a_refusal_is_an_error() throws IOException {
        assertEquals(List.of(), Schema.parse(ask("echo 'ERROR:  42P01' >&2; exit 1", false)).database().revisions());
        assertEquals("ERROR: 28P01", Schema.parse(ask("echo 'ERROR:  28P01' >&2; exit 2", false)).database().error()
                .replaceAll(" +", " "));
    }
}
