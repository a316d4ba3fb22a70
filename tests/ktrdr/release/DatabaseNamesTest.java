package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Database and role names from the inventory and the secrets, checked against a running server with databases ktrdr and
 * postgres and role owner.
 */
class DatabaseNamesTest {
    @TempDir Path folder;
    private String ready = "exit 0";
    private String roles = "owner";

    /** The server's answer for a database, as this role or as its own. */
    private Schema.Database ask(String database, String role) throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), """
                case $1 in
                  inspect) echo true ;;
                  exec)
                    while [ "$1" != ktrdr-db ]; do shift; done
                    shift
                    export POSTGRES_USER=owner POSTGRES_DB=ktrdr
                    exec "$@" ;;
                esac""");
        Fixtures.program(folder.resolve("bin/pg_isready"), ready);
        Fixtures.program(folder.resolve("bin/psql"), """
                while [ $# -gt 0 ]; do
                  case $1 in -U) user=$2 ;; -d) database=$2 ;; -c) sql=$2 ;; esac
                  shift
                done
                case " %s " in *" $user "*) ;; *) echo "FATAL:  la role n'existe pas" >&2; exit 2 ;; esac
                case $database:$sql in
                  template1:*pg_database*) printf 'database ktrdr\\ndatabase postgres\\n' ;;
                  template1:*pg_roles*) printf 'owner\\npg_monitor\\n' ;;
                  ktrdr:*) echo b2 ;;
                  *) echo "FATAL:  la base n'existe pas" >&2; exit 2 ;;
                esac""".formatted(roles));
        var secrets = role.isEmpty() ? ""
                : Sh.let("KTRDR_DB_USER", role) + "with_secrets() { (export KTRDR_DB_USER; exec \"$@\"); }\n";
        var script = Facts.SAY + secrets + Schema.question(Fixtures.core(), database, !role.isEmpty(), List.of(), false)
                + "say end yes\n";
        var said = LocalCommand.command("sh", "-eu").env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"))
                .input(script).must().out();
        return Schema.parse(Facts.parse(said)).database();
    }

    private Problem problem(String database, String role) throws IOException {
        return ask(database, role).names().problem(Fixtures.core(), "").orElseThrow();
    }

    @Test
    void reads_an_existing_database_without_a_problem() throws IOException {
        assertEquals(List.of("b2"), ask("ktrdr", "owner").revisions());
        assertTrue(ask("ktrdr", "owner").names().problem(Fixtures.core(), "").isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"other,owner", "other,stranger", "KTRDR,owner", "ktrdr2,''"})
    void a_missing_database_is_told_with_the_existing_ones(String database, String role) throws IOException {
        var problem = problem(database, role);
        assertEquals("core: the running server has no database " + database, problem.sentence());
        assertEquals("no such database; the server has ktrdr, postgres", problem.details().get("found"));
        assertTrue(problem.details().get("to do").startsWith("`database: {name: ktrdr}` in the inventory"),
                problem.details()::toString);
    }

    @Test
    void a_role_that_it_has_not_is_told_without_its_name() throws IOException {
        var problem = problem("ktrdr", "stranger");
        assertEquals("core: the running server has no role with the name in db_username", problem.sentence());
        assertFalse(problem.toString().contains("stranger") || problem.details().toString().contains("stranger"));
    }

    @Test
    void a_wrong_role_of_the_container_does_not_block_the_right_one() throws IOException {
        roles = "other";
        assertEquals(List.of("b2"), ask("ktrdr", "other").revisions());
    }

    @Test
    void a_server_that_is_not_ready_or_refuses_is_no_missing_database() throws IOException {
        ready = "exit 1";
        assertTrue(ask("other", "owner").names().problem(Fixtures.core(), "").isEmpty());
        ready = "exit 0";
        roles = "nobody";
        assertTrue(ask("other", "owner").names().problem(Fixtures.core(), "").isEmpty());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"ktrdr, postgres|alter database ktrdr rename to other",
            "KTRDR, postgres|alter database \\\"KTRDR\\\" rename to other",
        "ktrdr, ktrdr_replaced_20260101_000000, postgres|alter database ktrdr rename to other",
            "postgres|create database other", "a, b|create database other"})
    void what_to_do_names_the_one_database_that_can_be_meant(String there, String command) {
        var names = new DatabaseNames("other", List.of(there.split(", ")), true);
        assertTrue(names.fix("ktrdr-db").contains(command), () -> names.fix("ktrdr-db"));
        assertEquals(command.contains("rename"), names.fix("ktrdr-db").contains("rename"),
                () -> names.fix("ktrdr-db"));
    }

    @Test
    void quotes_special_names_in_the_sql_commands_of_the_fix() {
        var fix = new DatabaseNames("my-Data", List.of("ktrdr"), true).fix("ktrdr-db");
        assertTrue(fix.contains("rename to \\\"my-Data\\\"") && fix.contains("create database \\\"my-Data\\\""), fix);
    }

    @Test
    void suggests_redeploying_a_release_with_another_database_name() {
        var problem = new DatabaseNames("former", List.of("ktrdr"), true)
                .problem(Fixtures.core(), "sha-1").orElseThrow();
        assertEquals("a database former, as sha-1 was deployed with", problem.details().get("expected"));
        assertEquals("jbang deploy@ktrdr core all --tag sha-1, which has the name that the inventory has now",
                problem.details().get("to do"));
    }
}
