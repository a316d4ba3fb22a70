package ktrdr;

/** What a command answered: its exit code, and what it printed on standard output and standard error. */
public record CommandResult(int exit, String out, String err) {
    /** Whether the exit code is 0. */
    public boolean ok() {
        return exit == 0;
    }

    /**
     * The end of what it had to say, for a sentence: at most five lines of standard error, of standard output where
     * that is empty.
     */
    public String lastWords() {
        var lines = (err.isBlank() ? out : err).strip().split("\n");
        var text = String.join("\n",
                java.util.Arrays.asList(lines).subList(Math.max(0, lines.length - 5), lines.length));
        return text.length() > 1000 ? "…" + text.substring(text.length() - 1000) : text;
    }
}
