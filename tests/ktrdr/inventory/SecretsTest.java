package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Invocation;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretsTest {
    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
    private final Console console = new Console(Invocation.into(shown, shown), Console.Color.never, true);
    @TempDir Path folder;

    private Secrets fetch(String settings, Map<String, String> environment) {
        return Secrets.fetch(Fixtures.inventory(Fixtures.INVENTORY + "secrets: " + settings + "\n"),
                Set.of(Secrets.Field.DB_PASSWORD), environment, console);
    }

    private Path file(String mode) throws IOException {
        var file = Files.writeString(folder.resolve("secrets.json"),
                "{\"db_password\": \"p4ss'word\", \"other\": \"x\"}");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    @Test
    void each_provider_gives_the_fields_asked_for() throws IOException {
        var file = file("rw-------");
        assertEquals("p4ss'word", fetch("{provider: file, file: " + file + "}", Map.of())
                .get(Secrets.Field.DB_PASSWORD));
        assertEquals("p4ss'word", fetch("{provider: command, command: [cat, " + file + "]}", Map.of())
                .get(Secrets.Field.DB_PASSWORD));
        assertEquals("e", fetch("{provider: env}", Map.of("KTRDR_SECRET_DB_PASSWORD", "e"))
                .get(Secrets.Field.DB_PASSWORD));
        var item = Files.writeString(folder.resolve("item.json"),
                "{\"fields\": [{\"label\": \"theirs\", \"type\": \"CONCEALED\", \"value\": \"v\"}]}");
        assertEquals("v", fetch("{provider: command, command: [cat, " + item + "], fields: {db_password: theirs}}",
                Map.of()).get(Secrets.Field.DB_PASSWORD));
    }

    @Test
    void a_file_that_others_can_read_is_refused() throws IOException {
        var file = file("rw-r--r--");
        var problem = assertThrows(Problem.class, () -> fetch("{provider: file, file: " + file + "}", Map.of()));
        assertEquals("the secrets file " + file + " can be read by others", problem.sentence());
    }

    @Test
    void a_missing_or_blank_field_is_named() {
        var problem = assertThrows(Problem.class,
                () -> fetch("{provider: env}", Map.of("KTRDR_SECRET_DB_PASSWORD", " ")));
        assertEquals("the secret db_password is missing or blank", problem.sentence());
    }

    @Test
    void what_is_not_one_line_of_text_is_refused() {
        for (var value : new String[] {"two\nlines", "ends\r", "a\0b"}) {
            var problem = assertThrows(Problem.class,
                    () -> fetch("{provider: env}", Map.of("KTRDR_SECRET_DB_PASSWORD", value)));
            assertEquals("the secret db_password has a line break or a NUL in it", problem.sentence());
        }
    }

    @Test
    void refuses_a_jwt_secret_that_the_backend_would_reject() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "secrets: {provider: env}\n");
        for (var value : List.of("insecure-dev-secret", "x".repeat(31), "\ud83d\udd11".repeat(31))) {
            var problem = assertThrows(Problem.class,
                    () -> Secrets.fetch(inventory, Set.of(Secrets.Field.JWT_SECRET),
                            Map.of("KTRDR_SECRET_JWT_SECRET", value), console));
            assertEquals("the secret jwt_secret has fewer than 32 characters", problem.sentence());
            assertEquals(Exit.USAGE, problem.exit());
        }
        assertEquals("x".repeat(32), Secrets.fetch(inventory, Set.of(Secrets.Field.JWT_SECRET),
                Map.of("KTRDR_SECRET_JWT_SECRET", "x".repeat(32)), console).get(Secrets.Field.JWT_SECRET));
    }

    @Test
    void what_was_fetched_is_masked_from_then_on() {
        var secrets = fetch("{provider: env}", Map.of("KTRDR_SECRET_DB_PASSWORD", "hunter2hunter2"));
        console.note("it is hunter2hunter2, in base64 aHVudGVyMmh1bnRlcjI=");
        console.problem(Problem.failed("no").found("hunter2hunter2"));
        console.print("hunter2hunter2");
        assertFalse(shown.toString().contains("hunter2"), shown.toString());
        assertFalse(shown.toString().contains("aHVudGVy"), shown.toString());
        assertFalse(secrets.toString().contains("hunter2"));
    }

    @Test
    void what_is_put_beside_it_is_masked_too() {
        var fetched = fetch("{provider: env}", Map.of("KTRDR_SECRET_DB_PASSWORD", "hunter2hunter2"));
        fetched.with(Map.of(Secrets.Field.DB_PASSWORD, "the-former-one"), console);
        console.note("it was the-former-one");
        assertFalse(shown.toString().contains("former"), shown.toString());
    }

    @Test
    void an_answer_that_is_no_json_is_not_shown() throws IOException {
        var file = Files.writeString(folder.resolve("secrets"), "hunter2hunter2");
        var problem = assertThrows(Problem.class,
                () -> fetch("{provider: command, command: [cat, " + file + "]}", Map.of()));
        assertFalse((problem.sentence() + problem.details() + problem.getCause()).contains("hunter2"));
    }

    @Test
    void a_stack_without_secrets_shows_nothing_of_its_environment() {
        assertEquals("done\n", LocalCommand.command("sh", "-s")
                .input("set -eu\n" + Secrets.function("") + "with_secrets echo done\n").run().out());
    }

    @Test
    void only_a_command_run_with_secrets_has_them_in_its_environment() {
        var shell = fetch("{provider: env}", Map.of("KTRDR_SECRET_DB_PASSWORD", "a'b $c"))
                .shell(Set.of(Secrets.Field.DB_PASSWORD));
        var said = LocalCommand.command("sh", "-s")
                .input("set -eu\n" + shell + "with_secrets env\necho --\nenv\nwith_secrets false || echo failed $?\n")
                .must().out().split("--");
        assertTrue(said[0].contains("KTRDR_DB_PASSWORD=a'b $c\n"), said[0]);
        assertFalse(said[1].contains("KTRDR_DB"), said[1]);
        assertTrue(said[1].contains("failed 1"), said[1]);
    }
}
