package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The files of {@code templates/} as the toolkit has them, whatever folder an inventory names under {@code templates:}.
 * Each is read when it is asked for, and once: a lock is given back by the same words in the end.
 */
public final class BuiltIn {
    private static final Map<String, String> READ = new ConcurrentHashMap<>();

    private BuiltIn() {}

    /** The text of a file, by its path in {@code templates/}. */
    public static String text(String path) {
        return READ.computeIfAbsent(path, BuiltIn::read);
    }

    /**
     * The lines of a file that become a part of a script on a node: without its head, which ends with the first empty
     * line and tells readers and shellcheck what the lines need; and with the numbers of {@link ScriptExit}.
     */
    public static String lines(String path) {
        var text = text(path);
        return ScriptExit.numbers(text.substring(text.indexOf("\n\n") + 2));
    }

    private static String read(String path) {
        try (var built = BuiltIn.class.getResourceAsStream("/templates/" + path)) {
            if (built == null) throw Problem.failed("the template " + path + " is not in the toolkit")
                    .fix("run it again with jbang --fresh");
            return new String(built.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
