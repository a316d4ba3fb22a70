package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import ktrdr.release.Templates.NodeFile;

/** Temporary local folders for a measurement. */
final class Folders {
    private Folders() {}

    /** A new, empty folder. */
    static Path make() {
        try {
            return Files.createTempDirectory("ktrdr-bench");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the files of a node into a folder, as they belong on the node. */
    static void write(Path folder, List<NodeFile> files) {
        try {
            for (var file : files) {
                var path = folder.resolve(file.path());
                Files.createDirectories(path.getParent());
                Files.setPosixFilePermissions(Files.writeString(path, file.content()),
                        PosixFilePermissions.fromString("rw-r--r--"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes the folder with its content. */
    static void delete(Path folder) {
        try (var all = Files.walk(folder)) {
            for (var path : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
