package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import ktrdr.Project;
import lab.Toolkit.Ran;

/**
 * Lines as a user types them in bash, in a folder where {@code ./ktrdr} is the front door and {@code jbang X@ktrdr}
 * runs procedure X through it. Quotes, pipes and redirections work; all parts of a pipe must succeed.
 */
public final class Prompt {
    /** Set in the environment of a line that is only parsed: the file for the procedure's words. */
    private static final String WORDS = "PROMPT_WORDS";
    /** A procedure with arguments of which none is quoted, and a comment. */
    private static final Pattern PLAIN =
            Pattern.compile("^(jbang [a-z-]+@ktrdr|\\./ktrdr [a-z-]+)[\\w ,.:@-]*( #.*)?$");
    private static final Pattern FILE = Pattern.compile("[\\w.-]+\\.[a-z]\\w*");
    private final Path folder;
    private final Path inventory;

    private Prompt(Path folder, Path inventory) {
        this.folder = folder;
        this.inventory = inventory;
    }

    /** A prompt in this folder, which gets the two commands if they are missing. */
    public static Prompt at(Path folder) {
        return at(folder, World.inventory());
    }

    /** The same, with another inventory in its environment. */
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
     * The procedure that a line runs, and its arguments as the shell passes them; nothing is run. Empty if it runs no
     * procedure.
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

    /** Runs a line; one that only runs a procedure needs no process of its own, see {@link Toolkit}. */
    public Ran run(String line) {
        return plain(line).orElseGet(() -> typed(line)).run();
    }

    /**
     * Runs lines in order, as a copied block, until one fails; all output goes to standard output. Fails after this
     * time, if it needs the shell.
     */
    public Ran block(String lines, Duration limit) {
        var plain = lines.lines().map(this::plain).toList();
        if (plain.stream().anyMatch(Optional::isEmpty))
            return typed("set -eu\nexec 2>&1\n" + lines).within(limit).run();
        var said = new StringBuilder();
        int exit = 0;
        for (var line : plain) {
            var ran = line.orElseThrow().together().run();
            said.append(ran.out());
            exit = ran.exit();
            if (exit != 0) break;
        }
        return new Ran(exit, said.toString(), "");
    }

    /** The procedure of a line that needs no shell but for its words, and no file of the folder. */
    private Optional<Toolkit> plain(String line) {
        if (!PLAIN.matcher(line).find()) return Optional.empty();
        var words = words(line);
        return words.isEmpty() || !Toolkit.inThisJvm(words.get(0)) || words.stream().anyMatch(Prompt::file)
                ? Optional.empty()
                : Optional.of(Toolkit.ktrdr(words.toArray(String[]::new)).env("KTRDR_INVENTORY", inventory.toString()));
    }

    private static boolean file(String word) {
        return word.contains("/") || FILE.matcher(word).matches();
    }

    /** Starts a line of one command: signals reach the command, not a shell that waits for it. */
    public Underway start(String line) {
        return typed("exec " + line).start();
    }

    private Toolkit typed(String line) {
        return Toolkit.command("bash", "-o", "pipefail", "-c", line).in(folder).env("KTRDR_INVENTORY",
                inventory.toString()).env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    }
}
