package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which container the scripts on core take as the database. */
class RenamedDatabaseTest {
    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        // containers with Compose's labels | expected container
        "ktrdr-db|ktrdr-db", "renamed-db|renamed-db", "''|ktrdr-db",
        // Compose renames the previous container for a moment while it recreates it
        "3f2c9ab_ktrdr-db ktrdr-db|ktrdr-db", "ktrdr-db 3f2c9ab_ktrdr-db|ktrdr-db"})
    void it_is_found_by_its_label_where_it_was_renamed(String labelled, String meant) throws IOException {
        Fixtures.program(folder.resolve("docker"), """
                case "$*" in
                  *project=ktrdr-core*service=db*) printf '%s\\n' LABELLED ;;
                  *) exit 1 ;;
                esac""".replace("LABELLED", labelled));
        var said = LocalCommand.command("sh", "-eu", "-c", 
                Docker.container("ktrdr-core", "db", "ktrdr-db") + "printf %s \"$container\"")
                .env("PATH", folder + ":" + System.getenv("PATH")).must().out().strip();
        assertEquals(meant, said);
    }
}
