package suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/** Every test class is in exactly one room. */
class RoomsTest {
    private static List<String> listed() {
        return Rooms.names().stream().flatMap(room -> Rooms.classes(room).orElseThrow().stream()).toList();
    }

    @Test
    void each_test_class_is_in_a_room_and_no_room_lists_a_missing_one() throws IOException {
        try (var files = Files.walk(Project.root().resolve("tests"))) {
            var there = files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith("Test.java"))
                    .map(name -> name.replace(".java", "")).collect(Collectors.toCollection(TreeSet::new));
            var listed = new TreeSet<>(listed());
            var without = new TreeSet<>(there);
            without.removeAll(listed);
            listed.removeAll(there);
            assertEquals("without a room: [], gone: []", "without a room: " + without + ", gone: " + listed);
        }
    }

    @Test
    void no_class_is_in_two_rooms() {
        assertEquals(new TreeSet<>(listed()).size(), listed().size());
    }

    @Test
    void they_are_listed_in_order_with_their_classes() {
        var lines = Rooms.table().lines();
        assertEquals(Rooms.names().size() + 1, lines.size());
        var suite = "suite       EveryProcedureTest FleetClassesTest LaneTest PassCatalogTest ResultsTest RoomsTest "
                + "TestNamesTest TimeTableTest WaitTest";
        assertTrue(lines.contains(suite), () -> String.join("\n", lines));
    }

    @Test
    void a_class_of_any_package_is_known_by_its_own_name_alone() {
        assertTrue(Rooms.has("backup", "ktrdr.BackupTimerTest") && Rooms.has("backup", "BackupTimerTest"));
        assertFalse(Rooms.has("backup", "ktrdr.MyBackupTimerTest"));
        assertFalse(Rooms.has("deploy", "BackupTest"));
    }
}
