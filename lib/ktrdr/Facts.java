package ktrdr;

import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a gathering script answered: a line for each fact, its name, a tab, its value. A name may have a subject after a
 * space, as "disk /srv" has, and may come several times.
 */
public final class Facts {
    /** The shell function by which a script says a fact; a value is one line, tabs and newlines in it become spaces. */
    public static final String SAY = """
            say() {
              case $2 in
                *[[:cntrl:]]*) printf '%s\\t%s\\n' "$1" "$(printf %s "$2" | tr '\\n\\t\\r' '   ')" ;;
                *) printf '%s\\t%s\\n' "$1" "$2" ;;
              esac
            }
            """;

    private final Map<String, List<String>> values = new LinkedHashMap<>();

    private Facts() {}

    /**
     * Reads an answer. A line of another form, or an answer without its last fact {@code end}, is a {@link Problem}:
     * the answer is incomplete.
     */
    public static Facts parse(String answer) {
        var facts = new Facts();
        for (var line : answer.lines().toList()) {
            int tab = line.indexOf('\t');
            if (tab < 1) throw Problem.failed("a node returned an invalid fact").expected("name, tab, value")
                    .found(Console.brief(line, 200));
            facts.values.computeIfAbsent(line.substring(0, tab), name -> new ArrayList<>())
                    .add(line.substring(tab + 1));
        }
        if (!facts.values.containsKey("end")) throw Problem.failed("a node answered only a part of the facts")
                .found(answer.isBlank() ? "nothing" : facts.values.size() + " facts, the last one missing");
        return facts;
    }

    /** The value of a fact, empty if it was not reported. */
    public String get(String name) {
        return values.getOrDefault(name, List.of("")).get(0);
    }

    /** Every value of a fact, in the order answered; empty if the node did not report it. */
    public List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    /** A whole number of at least 0; -1 where the fact was not said. Anything else is a {@link Problem}. */
    public long number(String name) {
        var text = get(name);
        return text.isEmpty() ? -1 : number(name, text);
    }

    /** A whole number of at least 0 that a node said; anything else is a {@link Problem}. */
    public static long number(String name, String text) {
        if (text.matches("\\d{1,18}")) return Long.parseLong(text);
        throw Problem.failed("a node answered something else than a number for " + name)
                .found(Console.brief(text, 100));
    }

    /** What a node said in base64 (RFC 4648); anything else is a {@link Problem}. */
    public static byte[] bytes(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw Problem.failed("a node answered something else than base64").expected("letters, digits, + and /")
                    .found(Console.brief(base64, 100)).because(e);
        }
    }

    /** Subject to value of the facts "name subject", in the order they were said. */
    public Map<String, String> under(String name) {
        var under = new LinkedHashMap<String, String>();
        values.forEach((key, all) -> {
            if (key.startsWith(name + " ")) under.put(key.substring(name.length() + 1), all.get(0));
        });
        return under;
    }
}
