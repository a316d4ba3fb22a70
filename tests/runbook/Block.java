package runbook;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A fenced block of commands in a page of docs, with its expected output: the {@code text} block that follows.
 *
 * The words after {@code sh} define how to run it: {@code exit=N}, {@code on=HOST} for a shell on that host,
 * {@code test=CLASS} if that test runs its commands, {@code by-hand} if no test can.
 *
 * @param line the line of its fence, from 1
 * @param heading the nearest heading above it
 */
public record Block(String page, int line, String heading, Map<String, String> words, String commands,
        Optional<String> output) {
    private static final String FENCE = "```";

    /**
     * The blocks of commands of a page, in order. A fence of any language other than sh, text, java and yaml is an
     * error of the page.
     */
    public static List<Block> of(Path page) {
        try {
            return of(page.getFileName().toString(), Files.readAllLines(page));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Block> of(String page, List<String> lines) {
        return new Reader(page, lines).read();
    }

    /** Reads the fences of a page from top to bottom. */
    private static final class Reader {
        private final String page;
        private final List<String> lines;
        private final List<Block> blocks = new ArrayList<>();
        private String heading = "";
        /** The block whose output may follow; null if there is none. */
        private Block open;

        Reader(String page, List<String> lines) {
            this.page = page;
            this.lines = lines;
        }

        List<Block> read() {
            for (int i = 0; i < lines.size(); i++) {
                var line = lines.get(i);
                if (line.startsWith("#")) heading = line.replaceFirst("^#+ *", "");
                if (line.startsWith("    ") && (i == 0 || lines.get(i - 1).isBlank()))
                    throw mistake(i, "an indented block has no test; fence it");
                if (!line.startsWith(FENCE)) continue;
                int end = i + 1;
                while (end < lines.size() && !lines.get(end).equals(FENCE)) end++;
                if (end == lines.size()) throw mistake(i, "a block that does not end");
                add(i, String.join("\n", lines.subList(i + 1, end)));
                i = end;
            }
            if (open != null) blocks.add(open);
            return blocks;
        }

        private void add(int at, String text) {
            var info = lines.get(at).substring(FENCE.length()).split(" ");
            switch (info[0]) {
                case "sh" -> {
                    if (open != null) blocks.add(open);
                    open = new Block(page, at + 1, heading, words(info), text, Optional.empty());
                }
                case "text" -> {
                    if (open == null) throw mistake(at, "output of no command");
                    blocks.add(new Block(page, open.line, open.heading, open.words, open.commands, Optional.of(text)));
                    open = null;
                }
                case "java", "yaml" -> { }
                default -> throw mistake(at, "a block of sh, text, java or yaml is expected, not " + lines.get(at));
            }
        }

        private IllegalArgumentException mistake(int at, String what) {
            return new IllegalArgumentException(page + ":" + (at + 1) + ": " + what);
        }
    }

    private static Map<String, String> words(String... info) {
        var words = new HashMap<String, String>();
        for (int i = 1; i < info.length; i++) {
            var parts = info[i].split("=", 2);
            if (!List.of("exit", "on", "test", "by-hand").contains(parts[0]))
                throw new IllegalArgumentException("exit=, on=, test= or by-hand is expected, not " + info[i]);
            words.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        return words;
    }

    public boolean byHand() {
        return words.containsKey("by-hand");
    }

    /** The test class that runs its commands. */
    public Optional<String> test() {
        return Optional.ofNullable(words.get("test"));
    }

    /** The host of the practice fleet on which it runs. */
    public Optional<String> host() {
        return Optional.ofNullable(words.get("on"));
    }

    public int exit() {
        return Integer.parseInt(words.getOrDefault("exit", "0"));
    }

    @Override
    public String toString() {
        return page + ":" + line + " (" + heading + ")";
    }
}
