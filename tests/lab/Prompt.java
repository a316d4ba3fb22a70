package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import ktrdr.Project;
import lab.Toolkit.Ran;

/**
 * Lines as a person types them in bash, in a folder where {@code ./ktrdr} is the front door and {@code jbang X@ktrdr}
 * runs the procedure X by it. The line's own quotes, pipes and redirections count; of a pipe all parts have to end
 * well.
 */
public final class Prompt {
    /** Set in the surroundings of a line that is only to be read: the file that the procedure's words go to. */
    private static final String WORDS = "PROMPT_WORDS";
    private final Path folder;
    private final Path inventory;

    private Prompt(Path folder, Path inventory) {
        this.folder = folder;
        this.inventory = inventory;
    }

    /** A prompt in this folder, which gets the two commands where it has them not yet. */
    public static Prompt at(Path folder) {
        return at(folder, World.inventory());
    }

    /** The same, with another inventory in its surroundings. */
    public static Prompt at(Path folder, Path inventory) {
        var prompt = new Prompt(folder, inventory);
        if (Files.exists(folder.resolve("ktrdr"))) return prompt;
        prompt.command(folder.resolve("bin/jbang"),
                "case $1 in *@ktrdr) ;; *) exec '" + Toolkit.jbang() + "' \"$@\" ;; esac\n");
        prompt.command(folder.resolve("ktrdr"), "");
        return prompt;
    }

    private void command(Path file, String before) {
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, "#!/bin/sh\n" + before + "procedure=${1%@ktrdr}; shift\n[ -z \"${" + WORDS +
                    ":-}\" ] || { printf '%s\\n' \"$procedure\" \"$@\" >\"$" + WORDS + "\"; exit; }\n"
                    + "exec '" + Project.root().resolve("ktrdr") + "' \"$procedure\" \"$@\"\n");
            if (!file.toFile().setExecutable(true))
                throw new IllegalStateException(file + " cannot be made executable");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The procedure that a line runs, and its arguments, as the shell hands them over; nothing is run. Empty where it
     * runs none.
     */
    public List<String> words(String line) {
        try {
            var file = Files.createTempFile(folder, "words", "");
            typed(line).env(WORDS, file.toString()).run();
            var words = Files.readAllLines(file);
            Files.delete(file);
            return words;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Ran run(String line) {
        return typed(line).run();
    }

    /**
     * Runs lines one after the other, as a block that is copied, until one does not end well; all that they print is
     * standard output. More than this time is a failure.
     */
    public Ran block(String lines, Duration limit) {
        return typed("set -eu\nexec 2>&1\n" + lines).within(limit).run();
    }

    /** Starts a line, which is one command: signals reach it, and not a shell that waits for it. */
    public Underway start(String line) {
        return typed("exec " + line).start();
    }

    private Toolkit typed(String line) {
        return Toolkit.command("bash", "-o", "pipefail", "-c", line).in(folder).env("KTRDR_INVENTORY",
                inventory.toString()).env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    }
}
