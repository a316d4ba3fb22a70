import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/** docs/KTRDR.md: each fact names an existing test. */
class KtrdrFactsTest {
    private static final Pattern TEST = Pattern.compile("`(\\w+Test)\\.(\\w+)`");

    private static List<String[]> rows() throws IOException {
        return Files.readAllLines(Project.root().resolve("docs/KTRDR.md")).stream()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| fact |"))
                .map(line -> line.split("(?<!\\\\)\\|")).toList();
    }

    @Test
    void each_fact_has_a_place_and_a_test_that_there_is() throws IOException {
        assertTrue(rows().size() > 10, () -> "rows");
        for (var row : rows()) {
            assertEquals(4, row.length, () -> String.join("|", row));
            assertTrue(!row[2].isBlank() && TEST.matcher(row[3]).find(), () -> String.join("|", row));
            for (var test : TEST.matcher(row[3]).results().toList())
                assertTrue(ReliabilityTest.tests(test.group(1)).contains(test.group(1) + "." + test.group(2)),
                        () -> "there is no " + test.group());
        }
    }
}
