package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Recorded scripts and answers, in files next to the tests that use them. */
public final class Recorded {
    private Recorded() {}

    /** The text of the recorded file with this name. */
    public static String text(Class<?> test, String name) {
        try {
            return Files.readString(file(test, name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asserts that a text equals the recorded file; on failure, explains how to update the file. */
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
