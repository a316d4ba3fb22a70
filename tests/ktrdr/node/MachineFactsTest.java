package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Recorded;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The exact script that gathers a node's machine facts, and its answers. */
class MachineFactsTest {
    private static final MachineFacts.Question QUESTION = new MachineFacts.Question(List.of("backend.ktrdr.example"),
            Map.of("workers-b", "10.42.1.11"), List.of("10.42.1.10 8000"), "registry.example:5000", "/mnt/a share",
            true, Fixtures.MARKS);

    @Test
    void the_script_is_as_it_was_recorded() {
        Recorded.same(MachineFactsTest.class, "host-facts.sh", MachineFacts.script(QUESTION));
    }

    @Test
    void names_alone_are_asked_for_without_the_network() {
        Recorded.same(MachineFactsTest.class, "host-facts-names.sh", MachineFacts.script(QUESTION.namesOnly()));
    }

    /** Docker Engine 26.1 prints an empty line for a container that it does not know. */
    @Test
    void a_container_that_ends_while_it_is_asked_for_is_left_out(@TempDir Path bin) throws IOException {
        Fixtures.program(bin.resolve("docker"), "case $1 in ps) echo 1 ;; inspect) echo; exit 1 ;; esac\n");
        var said = LocalCommand.command("sh", "-c", Facts.SAY + PublishedPorts.SCRIPT + "published; say end yes")
                .env("PATH", bin + ":" + System.getenv("PATH")).env("DOCKER_HOST", "unix:///elsewhere").must().out();
        assertEquals(Map.of(), PublishedPorts.parse(Facts.parse(said)));
    }
}
