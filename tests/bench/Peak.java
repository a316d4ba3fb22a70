package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The peak memory of a process, as time(1) writes it to a file. */
record Peak(Path file) {
    /** The words to put before the command. */
    List<String> words() {
        return List.of("time", "-f", "%M", "-o", file.toString());
    }

    long mebibytes() {
        try {
            return Long.parseLong(Files.readString(file).strip()) / 1024;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
