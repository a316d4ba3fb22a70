package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
    @TempDir Path folder;

    private List<String> names() throws IOException {
        try (var all = Files.list(folder)) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void checking_the_path_leaves_nothing_and_writing_one_file_only() throws IOException {
        var file = OutputFile.at(folder.resolve("report.html"));
        assertEquals(List.of(), names());
        file.write("<p>ü</p>");
        assertEquals(List.of("report.html"), names());
        assertEquals("<p>ü</p>", Files.readString(folder.resolve("report.html")));
        assertEquals("rw-r--r--",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("report.html"))));
    }

    @Test
    void what_is_there_stays_until_it_is_replaced() throws IOException {
        var path = Files.writeString(folder.resolve("report.html"), "before");
        var file = OutputFile.at(path);
        assertEquals("before", Files.readString(path));
        file.write("after");
        assertEquals("after", Files.readString(path));
    }

    @Test
    void a_link_stays_one() throws IOException {
        var path = Files.writeString(folder.resolve("report.html"), "before");
        var link = Files.createSymbolicLink(folder.resolve("link"), path);
        OutputFile.at(link).write("after");
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("after", Files.readString(path));
    }

    @Test
    void a_place_where_nothing_can_be_written_is_wrong_usage() throws IOException {
        Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("none/file"));
        for (var path : List.of(folder.resolve("none/report.html"), folder, Path.of("/dev/null"),
                Path.of("/proc/report.html"), folder.resolve("x".repeat(300)))) {
            var problem = assertThrows(Problem.class, () -> OutputFile.at(path), path::toString);
            assertEquals(Exit.USAGE, problem.exit());
            assertTrue(problem.sentence().startsWith(path.toString()), problem::sentence);
        }
        assertEquals(List.of("dangling"), names());
    }
}
