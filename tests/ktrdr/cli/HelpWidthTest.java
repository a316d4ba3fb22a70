package ktrdr.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Output of --help at different terminal widths. */
class HelpWidthTest {
    private static final List<String> EXAMPLES = List.of("", "Examples:",
            "  jbang deploy@ktrdr workers B C        two nodes, at the commit of the current checkout",
            "  jbang stage@ktrdr workers B --tag sha-3f2c9ab --dry-run --parallel  one node, the release in its env "
                    + "file changed",
            "Exit codes: 0 all hold; 1 one does not");

    @Test
    void wraps_an_examples_purpose_below_itself_or_its_command() {
        assertEquals("""

                Examples:
                  jbang deploy@ktrdr workers B C        two nodes, at the commit of the current
                                                        checkout
                  jbang stage@ktrdr workers B --tag sha-3f2c9ab --dry-run --parallel
                      one node, the release in its env file changed
                Exit codes: 0 all hold; 1 one does not
                """, HelpFooter.text(EXAMPLES, 80));
    }

    @Test
    void where_there_is_room_a_line_is_as_it_was_written() {
        assertEquals(String.join("\n", EXAMPLES) + "\n", HelpFooter.text(EXAMPLES, 120));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 20, 80, 110})
    void no_word_is_lost(int wide) {
        var words = String.join("", EXAMPLES).replaceAll("\\s", "");
        assertEquals(words, HelpFooter.text(EXAMPLES, wide).replaceAll("\\s", ""));
        if (wide > 70) assertTrue(HelpFooter.text(EXAMPLES, wide).lines().allMatch(line -> line.length() <= wide));
    }
}
