package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Row order, and tables as documents. */
class TableTest {
    private final Table table = Table.of("node", "size").row("core", "2 KB").row("workers-b", "1 GB")
            .row("workers-c", "3 KB").row("gpu", "1 GB");

    @Test
    void sorts_rows_descending_by_a_column_and_keeps_ties_in_order() {
        assertEquals(List.of("NODE       SIZE", "workers-b  1 GB", "gpu        1 GB", "workers-c  3 KB",
                "core       2 KB"), table.descending("size", Units::size).lines());
        assertThrows(IllegalArgumentException.class, () -> table.descending("weight", Units::size));
    }

    @Test
    void a_checks_finding_is_shown_whole_over_several_lines() {
        var answer = "backend.ktrdr.test is 10.0.0.99 for the server 10.0.0.2, and 10.0.0.10 in the inventory, since "
                + "the zone has it twice";
        var found = Check.table(
                List.of(new Check(CheckId.ofNode("core", "dns"), "core", false, "10.0.0.10", answer, "", 0)));
        var line = "core  dns    FAILED        " + answer;
        assertEquals(line, found.lines().get(1));
        assertEquals(line, found.lines(line.length()).get(1));
        assertEquals(List.of("NODE  CHECK          TOOK  FOUND",
                "core  dns    FAILED        backend.ktrdr.test is 10.0.0.99 for the server",
                "                           10.0.0.2, and 10.0.0.10 in the inventory, since the",
                "                           zone has it twice"), found.lines(80));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 20, 40, 60, 79, 80, 120, 200})
    void loses_nothing_at_any_width_and_fits_where_there_is_room(int wide) {
        var releases = Table.of("node", "release", "since", "by", "outcome", "healthy", "drift", "lock")
                .row("core", "sha-3f2c9ab", "2026-11-02 10:15:30", "somebody@a-laptop.example", "deployed, 5 services",
                        "5 of 5", "none", "free")
                .row("workers-b", "sha-3f2c9ab", "-", "-", "failed, and the release before it runs again", "4 of 4",
                        "2 files", "a@b since 10:15");
        var lines = releases.lines(wide);
        if (wide >= 80) assertEquals(List.of(), lines.stream().filter(line -> line.length() > wide).toList());
        if (wide >= 120) assertTrue(String.join("\n", lines).matches("(?s).*sha-3f2c9ab .*sha-3f2c9ab .*"),
                String.join("\n", lines));
        assertEquals(letters(releases.lines()), letters(lines));
    }

    /** All characters except spaces, sorted, so that line breaks do not matter. */
    private static String letters(List<String> lines) {
        return String.join("", lines).chars().filter(number -> number != ' ').sorted().mapToObj(Character::toString)
                .collect(Collectors.joining());
    }

    @Test
    void a_word_without_end_is_broken_and_never_within_a_character() {
        assertEquals(List.of("ab", "cd", "e"), Table.wrapped("abcde", 2));
        assertEquals(List.of("\uD83D\uDE00", "\uD83D\uDE00"), Table.wrapped("\uD83D\uDE00\uD83D\uDE00", 1));
        assertEquals(List.of("a", "bcd", "e"), Table.wrapped("a bcde", 3));
        assertEquals(List.of(""), Table.wrapped("", 3));
    }

    @Test
    void a_row_is_an_object_for_machines() {
        assertEquals(List.of(Map.of("node", "core", "size", "-")),
                Table.of("node", "size").row("core", null).document());
    }
}
