package runbook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import ktrdr.Project;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every block of commands in README.md and OPERATIONS.md has a test or is marked as untested; each kind is counted. */
class BlocksTest {
    private static List<Block> read(String... lines) {
        return Block.of("page.md", List.of(lines));
    }

    @Test
    void reads_a_blocks_heading_commands_exit_code_and_output() {
        var blocks = read("# Page", "## locked", "```sh exit=4", "jbang deploy@ktrdr core all", "```", "It says:",
                "```text", "error: locked", "```", "```sh on=core", "uptime", "```");
        assertEquals(2, blocks.size());
        assertEquals("page.md:3 (locked)", blocks.get(0).toString());
        assertEquals(4, blocks.get(0).exit());
        assertEquals("jbang deploy@ktrdr core all", blocks.get(0).commands());
        assertEquals(Optional.of("error: locked"), blocks.get(0).output());
        assertEquals(Optional.of("core"), blocks.get(1).host());
        assertEquals(Optional.empty(), blocks.get(1).output());
    }

    @Test
    void what_could_hide_a_command_from_its_test_is_a_mistake() {
        assertThrows(IllegalArgumentException.class, () -> read("", "    jbang status@ktrdr"));
        assertThrows(IllegalArgumentException.class, () -> read("```", "jbang status@ktrdr", "```"));
        assertThrows(IllegalArgumentException.class, () -> read("```sh skipped", "jbang status@ktrdr", "```"));
        assertThrows(IllegalArgumentException.class, () -> read("```sh", "jbang status@ktrdr"));
        assertThrows(IllegalArgumentException.class, () -> read("```text", "all is well", "```"));
    }

    @Test
    void times_sizes_and_widths_count_for_nothing_and_words_do() {
        assertEquals(Optional.empty(), Promised.missing("core  up  3.0 s\nbackup 12 MB of 2026-01-01T10:00:00Z",
                "core up     12 min 3 s\nbackup 9.1 GB of 2026-11-26T01:02:03Z\n"));
        assertEquals(Optional.of("core  down"), Promised.missing("core  down", "core up"));
        assertEquals(Optional.of("two"), Promised.missing("one\ntwo", "one"));
        assertEquals(Optional.of("nothing after \"one\", but there is \"two\""), Promised.missing("one", "one\ntwo"));
    }

    @Test
    void an_ellipsis_is_anything_in_a_line_and_any_lines() {
        assertEquals(Optional.empty(), Promised.missing("one\n…\nfour … six", "one\ntwo\nthree\nfour five six"));
        assertEquals(Optional.empty(), Promised.missing("…\nlast", "last"));
        assertEquals(Optional.of("four"), Promised.missing("one\n…\nfour", "one\ntwo"));
    }

    @ParameterizedTest
    @CsvSource({"README.md, 3, 1, 0", "docs/OPERATIONS.md, 55, 5, 4"})
    void every_named_test_exists_and_the_block_counts_match(
            String page, int all, int elsewhere, int byHand) {
        var root = Project.root();
        var blocks = Block.of(root.resolve(page));
        for (var block : blocks) {
            if (block.test().isEmpty()) continue;
            var source = root.resolve("tests/" + block.test().get() + ".java");
            assertTrue(Files.exists(source), block + ": there is no " + source);
        }
        assertEquals(all, blocks.size(), page);
        assertEquals(elsewhere, blocks.stream().filter(block -> block.test().isPresent()).count(), page);
        assertEquals(byHand, blocks.stream().filter(Block::byHand).count(), page);
    }
}
