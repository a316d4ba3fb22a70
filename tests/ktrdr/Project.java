package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the project's files are: the folder of jbang-catalog.json, here or above. */
public final class Project {
    private Project() {}

    public static Path root() {
        for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent())
            if (Files.exists(at.resolve("jbang-catalog.json")) && Files.isDirectory(at.resolve("lib/ktrdr"))) return at;
        throw new IllegalStateException("not inside the project");
    }

    /** What the front door sets a variable to, such as the version of JBang that it fetches. */
    public static String frontDoor(String variable) {
        try (var lines = Files.lines(root().resolve("ktrdr"))) {
            return lines.filter(line -> line.startsWith(variable + "="))
                    .map(line -> line.replaceFirst(".*=(\\S+).*", "$1")).findFirst().orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
