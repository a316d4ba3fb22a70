import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bench.Case;
import bench.Looking;
import bench.Starting;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.status.ReportFixtures;
import org.junit.jupiter.api.Test;

/** Every benchmark has two named sides, can be selected by name, and is described in the documentation. */
class BenchTest {
    private static TreeSet<String> names() {
        return Case.ALL.stream().map(Case::name).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void each_is_named_once_and_its_sides_are_two() {
        assertEquals(Case.ALL.size(), names().size());
        for (var eachCase : Case.ALL) {
            assertNotEquals(eachCase.ours(), eachCase.theirs(), eachCase.name());
            for (var words : List.of(eachCase.ours(), eachCase.theirs(), eachCase.what()))
                assertFalse(words.isBlank(), eachCase.name());
        }
    }

    @Test
    void each_can_be_asked_for_and_is_measured_by_something() {
        assertEquals(names(), new TreeSet<>(new BenchOptions.Names()));
        assertEquals(names(), new TreeSet<>(new bench().benchmarks.keySet()));
    }

    @Test
    void the_documented_table_has_exactly_one_row_per_benchmark() throws IOException {
        var page = Files.readString(Project.root().resolve("CONTRIBUTING.md"));
        var section = page.substring(page.indexOf("\n## Bench\n"), page.indexOf("\n## Pictures\n"));
        var rows = section.lines().filter(line -> line.startsWith("| `")).toList();
        assertEquals(String.join("\n", Case.ALL.stream().map(Case::row).toList()), String.join("\n", rows));
    }

    @Test
    void starts_are_measured_of_procedures_and_after_edits_that_exist() {
        var usage = LocalCommand.command(Project.root().resolve("ktrdr").toString(), "--help").run().out();
        for (var procedure : Starting.procedures(Project.root()))
            assertTrue(usage.contains("\n  " + procedure + " "), procedure + " is not in\n" + usage);
        for (var file : Starting.EDITED) assertTrue(Files.exists(Project.root().resolve(file)), file);
    }

    @Test
    void every_playbook_is_where_it_is_looked_for() throws IOException {
        try (var files = Files.list(Project.root().resolve("tests/bench"))) {
            var books = files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".yml")).toList();
            assertFalse(books.isEmpty());
            for (var book : books) assertNotNull(Case.class.getResource("/bench/" + book),
                    book + " is not among the //FILES of tests/bench.java");
        }
    }

    @Test
    void the_compared_script_asks_every_node_and_is_valid_shell() {
        var inventory = ReportFixtures.inventory();
        var script = Looking.statusScript(inventory);
        for (var node : inventory.nodes())
            assertEquals(2, script.lines()
                    .filter(line -> line.contains("HostKeyAlias=" + inventory.fqdn(node) + "'")
                            && line.matches(".*(df -h|compose -p).*")).count());
        var read = LocalCommand.command("sh", "-n").input(script).run();
        assertTrue(read.ok(), read::err);
    }
}
