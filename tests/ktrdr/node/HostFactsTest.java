package ktrdr.node;

import java.util.List;
import java.util.Map;
import ktrdr.Recorded;
import org.junit.jupiter.api.Test;

/** What is asked of a node as a machine, word for word. */
class HostFactsTest {
    private static final HostFacts.Question QUESTION = new HostFacts.Question(List.of("backend.ktrdr.example"),
            Map.of("workers-b", "10.42.1.11"), List.of("10.42.1.10 8000"), "registry.example:5000", "/mnt/a share", true);

    @Test
    void the_script_is_as_it_was_recorded() {
        Recorded.same(HostFactsTest.class, "host-facts.sh", HostFacts.script(QUESTION));
    }

    @Test
    void names_alone_are_asked_for_without_the_network() {
        Recorded.same(HostFactsTest.class, "host-facts-names.sh", HostFacts.script(QUESTION.namesOnly()));
    }
}
