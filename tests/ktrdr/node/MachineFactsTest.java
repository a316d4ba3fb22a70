package ktrdr.node;

import java.util.List;
import java.util.Map;
import ktrdr.Fixtures;
import ktrdr.Recorded;
import org.junit.jupiter.api.Test;

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
}
