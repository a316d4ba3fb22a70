package ktrdr;

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
}
