package ktrdr.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import org.junit.jupiter.api.Test;

/** How arguments resolve to nodes and services, and which log content may go to a terminal. */
class LogChoiceTest {
    private static final Inventory INVENTORY = Fixtures.inventory();

    private static String of(String words) {
        var choice = LogChoice.of(INVENTORY, List.of(words.split(" ")));
        return choice.nodes().stream().map(Inventory.Node::name).toList() + " " + choice.services();
    }

    @Test
    void words_are_nodes_first_and_then_services_of_theirs() {
        assertEquals("[core] []", of("core"));
        assertEquals("[core] []", of("A"));
        assertEquals("[core] []", of("backend"));
        assertEquals("[core] [backend]", of("core backend"));
        assertEquals("[core] [backend]", of("backend backend"));
        assertEquals("[core, workers-b] []", of("B backend"));
        assertEquals("[core] [db, grafana]", of("core ktrdr-db grafana"));
        assertEquals("[core, workers-b] [db, backtest-worker-3]", of("core db B backtest-worker-3"));
        assertEquals("[workers-b, gpu] [training-worker-1]", of("workers training-worker-1"));
        assertEquals(INVENTORY.nodes().size(), LogChoice.of(INVENTORY, List.of("all")).nodes().size());
    }

    @Test
    void a_word_that_is_neither_is_told_with_the_nearest() {
        assertTrue(assertThrows(Problem.class, () -> of("core grafanna")).details().get("found")
                .endsWith("did you mean grafana?"));
        assertTrue(assertThrows(Problem.class, () -> of("core worker-b")).details().get("found")
                .endsWith("did you mean workers-b?"));
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> of("workers db")).exit());
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> of("grafana")).exit());
    }

    @Test
    void workers_of_a_fleet_that_has_none_are_not_everything() {
        var alone = Fixtures.inventory(Fixtures.INVENTORY.replaceAll("(?m)^  (workers-b|gpu): .*\n", ""));
        assertEquals("there are no workers nodes in " + alone.source(),
                assertThrows(Problem.class, () -> LogChoice.of(alone, List.of("workers"))).sentence());
        assertEquals("[core]", LogChoice.of(alone, List.of("all")).nodes().stream().map(Inventory.Node::name).toList()
                .toString());
    }

    @Test
    void what_would_steer_a_terminal_is_shown_and_does_nothing() {
        assertEquals("a\tb äöü 😀", Console.harmless("a\tb äöü 😀"));
        assertEquals("␛[2J␛]52;c;aGk=␇␍␈\\u007f\\u009b\\u202e",
                Console.harmless("\033[2J\033]52;c;aGk=\007\r\b\177\u009b\u202e"));
    }
}
