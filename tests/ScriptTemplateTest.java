import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Project;
import lab.Toolkit;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * `jbang init -t ktrdr@ktrdr` in an empty folder creates a script that runs. JBang is the real one, in its own home
 * with this catalog.
 */
@Tag("fleet")
class ScriptTemplateTest {
    @TempDir static Path folder;
    private static Path empty;

    @BeforeAll
    static void an_empty_folder() throws IOException {
        empty = Files.createDirectory(folder.resolve("empty"));
        assertEquals(0, jbang("catalog", "add", "--global", "--name", "ktrdr",
                Project.root().resolve("jbang-catalog.json").toString()).exit());
        assertEquals(0, jbang("init", "-t", "ktrdr@ktrdr", "mycheck.java").exit());
    }

    private static CommandResult jbang(String... words) {
        var argv = new ArrayList<>(List.of(Toolkit.jbang().toString()));
        argv.addAll(List.of(words));
        return LocalCommand.command(argv).directory(empty).env("JBANG_DIR", folder.resolve("jbang").toString())
                .env("KTRDR_INVENTORY", World.inventory().toString()).run();
    }

    @Test
    void it_is_short_and_asks_every_node_side_by_side() throws IOException {
        assertTrue(Files.readAllLines(empty.resolve("mycheck.java")).size() < 20);
        var ran = jbang("run", "mycheck.java");
        assertEquals(0, ran.exit(), ran.err());
        assertTrue(ran.out().matches("NODE +UP\ncore +up .*\nworkers-b +up .*\nworkers-c +up .*\n"), ran.out());
    }

    @Test
    void it_has_the_options_and_exit_codes_of_a_procedure() {
        var json = Json.read(jbang("run", "mycheck.java", "B", "-o", "json").out()).orElseThrow();
        assertEquals("[\"workers-b\"]", json.path("nodes").findValues("node").toString());
        assertTrue(json.path("ok").asBoolean() && json.path("nodes").get(0).path("up").asText().startsWith("up"),
                json.toString());
        var unknown = jbang("run", "mycheck.java", "workers-x");
        assertEquals(2, unknown.exit(), unknown.err());
        assertTrue(unknown.err().contains("there is no node workers-x"), unknown.err());
        assertTrue(jbang("run", "mycheck.java", "--help").out()
                .startsWith("How long each machine has been up.\nUsage: mycheck "));
    }
}
