package ktrdr;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An error for the user: one sentence, what was expected, what was found, and how to fix it.
 *
 * <pre>throw Problem.failed("core: the backend was not healthy within 120 s")
 *        .expected("GET http://…/api/v1/health with \"status\": \"ok\"").found("connection refused")
 *        .fix("jbang logs@ktrdr core backend");</pre>
 *
 * It carries its exit code and no secret. {@link Cli} prints it; in a script without it, {@link Uncaught} does.
 */
public final class Problem extends RuntimeException {
    static {
        Uncaught.told();
    }

    private static final String EXPECTED = "expected";
    private static final String FOUND = "found";
    private static final String FIX = "to do";
    private final Exit exit;
    private final Map<String, String> details = new LinkedHashMap<>();
    private String stderr = "";

    private Problem(Exit exit, String sentence) {
        // whatever a service put into it
        super(oneLine(sentence));
        this.exit = exit;
    }

    /** Several lines as one. */
    public static String oneLine(String text) {
        return Arrays.stream(text.split("\n")).map(String::strip).filter(line -> !line.isEmpty())
                .collect(Collectors.joining("; "));
    }

    /** Something checked or tried did not hold (exit 1). */
    public static Problem failed(String sentence) {
        return new Problem(Exit.FAILED, sentence);
    }

    /** Wrong usage or a wrong inventory (exit 2): nothing was tried. */
    public static Problem usage(String sentence) {
        return new Problem(Exit.USAGE, sentence);
    }

    /** A node, the registry or the backend could not be reached (exit 3). */
    public static Problem unreachable(String sentence) {
        return new Problem(Exit.UNREACHABLE, sentence);
    }

    /** A node is locked by another run (exit 4): nothing was changed. */
    public static Problem locked(String sentence) {
        return new Problem(Exit.LOCKED, sentence);
    }

    /** The run was interrupted, and nothing was left unfinished (exit 130). */
    public static Problem interrupted(String sentence) {
        return new Problem(Exit.INTERRUPTED, sentence);
    }

    /** The same, of a run after which what was there before is back (exit 5). */
    public Problem returned() {
        return as(Exit.ROLLED_BACK);
    }

    /** The same, of a run that left something half done, whatever ended it (exit 1). */
    public Problem unfinished() {
        return as(Exit.FAILED);
    }

    /** The same, of others too, which its sentence tells. */
    public Problem alsoOf(String others) {
        return as(exit, sentence() + ", and the same of " + others);
    }

    private Problem as(Exit other) {
        return as(other, sentence());
    }

    private Problem as(Exit other, String sentence) {
        var same = new Problem(other, sentence);
        same.details.putAll(details);
        same.stderr = stderr;
        return same.because(this);
    }

    /** What should have been. */
    public Problem expected(String text) {
        return with(EXPECTED, text);
    }

    /** What was there instead. */
    public Problem found(String text) {
        return with(FOUND, text);
    }

    /** What a script that failed had to say. */
    public Problem found(CommandResult result) {
        return found(result.lastWords()).stderr(result.err());
    }

    /** The command or page that helps. */
    public Problem fix(String text) {
        return with(FIX, text);
    }

    /** One more labelled detail, printed under the sentence in the order given; a null or empty text adds nothing. */
    public Problem with(String label, String text) {
        if (text != null && !text.isBlank()) details.put(label, text.strip());
        return this;
    }

    /** The whole standard error of a failed script, for machines; {@link #found} shows its end to the user. */
    public Problem stderr(String text) {
        stderr = text;
        return this;
    }

    /** The exception that it comes from, for a stack trace; the first one given stays. */
    public Problem because(Throwable cause) {
        if (getCause() == null) initCause(cause);
        return this;
    }

    /** The exit code that a run ends with by it. */
    public Exit exit() {
        return exit;
    }

    /** The first line of the message. */
    public String sentence() {
        return getMessage();
    }

    /** For the user, without colour: the sentence first, then a line for each line of its details. */
    public List<String> lines() {
        var lines = new ArrayList<>(List.of("error: " + sentence()));
        int width = details.keySet().stream().mapToInt(String::length).max().orElse(0);
        details.forEach((label, text) -> {
            var labelled = "  " + label + " ".repeat(width - label.length() + 2) + text;
            // a carriage return alone begins no line
            lines.addAll(List.of(labelled.replace("\r\n", "\n").replace("\n", "\n" + " ".repeat(width + 4))
                    .split("\n")));
        });
        return lines;
    }

    /** For machines, with the same keys whatever the problem; the node is empty if the problem is not of a node. */
    public Map<String, Object> document(String node) {
        var other = new LinkedHashMap<>(details);
        var document = new LinkedHashMap<String, Object>();
        document.put("node", node);
        document.put("message", sentence());
        document.put("expected", expected());
        document.put("found", found());
        document.put("fix", fix());
        other.keySet().removeAll(Set.of(EXPECTED, FOUND, FIX));
        document.put("details", other);
        document.put("stderr", stderr);
        document.put("exit", exit.code);
        return document;
    }

    /** The expected value; empty if not given. */
    public String expected() {
        return details.getOrDefault(EXPECTED, "");
    }

    /** The value found; empty if not given. */
    public String found() {
        return details.getOrDefault(FOUND, "");
    }

    /** The command or page that helps; empty if not given. */
    public String fix() {
        return details.getOrDefault(FIX, "");
    }

    /** The command or page that helps, or this one if not given. */
    public String fixOr(String otherwise) {
        return details.getOrDefault(FIX, otherwise);
    }

    /** The value found, for a place with little room; the sentence if not given. */
    public String foundOrSentence() {
        return details.getOrDefault(FOUND, sentence());
    }

    /** The sentence and what was there, in one line. */
    public String sentenceAndFound() {
        return sentence() + (found().isEmpty() ? "" : ": " + found());
    }

    /** Label to text, in the order they were added. */
    public Map<String, String> details() {
        return Collections.unmodifiableMap(details);
    }
}
