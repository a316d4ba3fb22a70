package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgressLinesTest {
    @Test
    void hands_on_what_is_listened_for_and_keeps_the_rest() {
        var heard = new ArrayList<String>();
        var lines = new ProgressLines().on("step", heard::add);
        for (var line : List.of("step\tload", "no tab", "dropped\ta", "dropped\tb\tc", "step\tswap"))
            lines.accept(line);
        assertEquals(List.of("load", "swap"), heard);
        assertEquals(List.of("a", "b\tc"), lines.all("dropped"));
        assertEquals(Optional.of("b\tc"), lines.last("dropped"));
        assertEquals(List.of(), lines.all("step"));
        assertEquals(Optional.empty(), lines.last("no tab"));
    }

    @Test
    void a_value_that_is_not_a_number_counts_as_none() {
        var lines = new ProgressLines();
        lines.accept("total\tmany");
        assertEquals(-1, lines.number("total"));
        lines.accept("total\t7");
        assertEquals(7, lines.number("total"));
        assertEquals(-1, lines.number("read"));
    }
}
