package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Scripts and answers as they were recorded once, in files beside the tests that hold them. */
public final class Recorded {
    private Recorded() {}

    /** The text of the file of this name beside a test. */
    public static String text(Class<?> test, String name) {
        try {
            return Files.readString(file(test, name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Holds that a text is that of such a file; where it is not, says how it becomes that. */
    public static void same(Class<?> test, String name, String text) {
        try {
            var file = file(test, name);
            var recorded = Files.exists(file) ? Files.readString(file) : "";
            if (recorded.equals(text)) return;
            var now = Files.writeString(Files.createTempFile("ktrdr-", "-" + name), text);
            assertEquals(recorded, text, "where the change is meant: cp " + now + " " + file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path file(Class<?> test, String name) {
        return Project.root().resolve("tests/" + test.getPackageName().replace('.', '/') + "/" + name);
    }
}
