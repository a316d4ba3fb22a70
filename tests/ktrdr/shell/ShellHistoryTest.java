package ktrdr.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command history of the console. */
class ShellHistoryTest {
    @TempDir Path folder;

    @Test
    void history_persists_and_only_its_owner_can_read_it() throws IOException {
        var environment = Map.of("HOME", folder.toString());
        var first = new ShellHistory(environment);
        assertEquals(Map.of(), first.values());
        first.values().put("HISTORY_LINE_0", "core.run(\"a = b\")\nä");
        first.save();
        assertEquals(first.values(), new ShellHistory(environment).values());
        var file = folder.resolve(".local/state/ktrdr/console.properties");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        Files.writeString(file, "broken = \\u00");
        assertEquals(Map.of(), new ShellHistory(environment).values());
    }

    @Test
    void where_it_cannot_be_written_nothing_happens() throws IOException {
        Files.writeString(folder.resolve("ktrdr"), "a file");
        new ShellHistory(Map.of("XDG_STATE_HOME", folder.toString())).save();
    }
}
