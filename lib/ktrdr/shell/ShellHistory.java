package ktrdr.shell;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import ktrdr.OutputFile;

/**
 * What JShell keeps from one console to the next, its lines above all: a file of properties that only its owner reads.
 */
final class ShellHistory {
    private final Path file;
    private final Map<String, String> values = new HashMap<>();

    /** @param environment with XDG_STATE_HOME (the XDG base directory specification) or HOME */
    ShellHistory(Map<String, String> environment) {
        var state = environment.getOrDefault("XDG_STATE_HOME", "");
        file = (state.isBlank() ? Path.of(environment.getOrDefault("HOME", "/"), ".local/state") : Path.of(state))
                .resolve("ktrdr/console.properties");
        var read = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            read.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            // the first console has no history, and a broken history starts empty
        }
        read.stringPropertyNames().forEach(name -> values.put(name, read.getProperty(name)));
    }

    /** To be read and changed by JShell. */
    Map<String, String> values() {
        return values;
    }

    /** Writes it whole; a console whose history cannot be kept has still done its work. */
    void save() {
        try {
            Files.createDirectories(file.getParent());
            var written = new Properties();
            written.putAll(values);
            var text = new StringWriter();
            written.store(text, null);
            OutputFile.put(file, text.toString(), "rw-------");
        } catch (IOException e) {
            // not reported: at the end of a console it would not help
        }
    }
}
