package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;

/** Valid answers and files with realistic and deliberate damage. */
public final class Mutants {
    /**
     * A fixed seed makes failures reproducible: a new failure comes from a code change, not from chance. The long run
     * tries more cases.
     */
    public static final String SEED = "4711";
    private static final int SLOW_SECONDS = 5;
    private static final Pattern VALUE =
            Pattern.compile("\"(?:[^\"\\\\]++|\\\\.)*+\"|-?\\b\\d+(?:\\.\\d+)?\\b|\\b(?:true|false|null|yes|no)\\b");
    private static final List<String> FRAGMENTS = List.of("", " ", "\t", "\n", "\r\n", "\0", "\uFEFF", "\u202E",
            "\u001B[2J", "\"", "'", "`", "\\", "$", "$$", "${HOME}", "%", "%s", "&a", "*a", "<<: *a", "!!binary ",
            "!x ", "---\n",
            "...\n", "? ", "- ", "#", "{", "}", "[", "]", ":", ": ", ",", "|", ">", "-", "--help", "null", "true", "~",
            "0", "-1", "1e999", "NaN", "99999999999999999999999999", "2147483648",
            "\"\"", "\"1\"", "[]", "{}", "[1]", "{\"a\": 1}", "\uD800", "ü", "日本", "😀", "../../etc/passwd",
            "a".repeat(5000), "[".repeat(3000), "{\"a\":".repeat(2000), "- ".repeat(2000), "0x7fffffff", "1_000",
            "2026-01-01", "yes", "\t\t\t");

    private enum Kind {
        CUT, INSERT, DELETE, REPLACE_VALUE, REPEAT_LINE, DROP_LINE, SWAP_LINES
    }

    /** @param at relative position in the text, from 0 to 1 */
    private record Damage(Kind kind, double at, String fragment, int length) {
        String of(String text) {
            int place = (int) (at * text.length());
            switch (kind) {
                case CUT:
                    return text.substring(0, place);
                case INSERT:
                    return text.substring(0, place) + fragment + text.substring(place);
                case DELETE:
                    return text.substring(0, place) + text.substring(Math.min(text.length(), place + length));
                case REPLACE_VALUE:
                    var values = VALUE.matcher(text);
                    if (!values.find(place) && !values.find(0)) return text + fragment;
                    return text.substring(0, values.start()) + fragment + text.substring(values.end());
                default:
                    return lines(text);
            }
        }

        private String lines(String text) {
            var lines = new ArrayList<>(List.of(text.split("\n", -1)));
            int line = Math.min(lines.size() - 1, (int) (at * lines.size()));
            switch (kind) {
                case REPEAT_LINE:
                    lines.add(line, lines.get(line));
                    break;
                case DROP_LINE:
                    lines.remove(line);
                    break;
                default:
                    Collections.swap(lines, line, length % lines.size());
            }
            return String.join("\n", lines);
        }
    }

    private Mutants() {}

    /** These texts, each damaged one to four times. */
    public static Arbitrary<String> of(String... whole) {
        var damage = Combinators.combine(Arbitraries.of(Kind.values()), Arbitraries.doubles().between(0, 1),
                Arbitraries.of(FRAGMENTS), Arbitraries.integers().between(1, 40)).as(Damage::new);
        return Combinators.combine(Arbitraries.of(whole), damage.list().ofMinSize(1).ofMaxSize(4))
                .as((text, damages) -> {
                    var damaged = text;
                    for (var eachDamage : damages) damaged = eachDamage.of(damaged);
                    return damaged;
                });
    }

    /**
     * Runs a reader on damaged input. It must return or throw a {@link Problem}, both in time. Any other exception
     * fails the test.
     */
    public static void calm(Runnable reads) {
        long started = System.nanoTime();
        try {
            reads.run();
        } catch (Problem problem) {
            assertEquals(1, problem.sentence().split("\n").length, problem::sentence);
            assertTrue(Set.of(Exit.FAILED, Exit.USAGE, Exit.UNREACHABLE).contains(problem.exit()),
                    problem.exit() + ": " + problem.sentence());
        }
        assertTrue(System.nanoTime() - started < SLOW_SECONDS * 1_000_000_000L,
                "it took longer than " + SLOW_SECONDS + " s");
    }
}
