package ktrdr.ssh;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import ktrdr.Problem;

/** Files such as ~/.ssh/config, read by the rules of ssh_config(5); {@link SshLookup} finds the settings of a host. */
public final class SshConfig {
    private static final int MAX_DEPTH = 16;

    /**
     * A line that is not a comment.
     *
     * @param keyword in lower case
     * @param included of Include: the lines of the files that it names
     */
    record Line(Path file, int number, String keyword, List<String> values, List<List<Line>> included) {
        String where() {
            return file + ", line " + number;
        }
    }

    private final Path home;
    private final List<List<Line>> files;

    private SshConfig(Path home, List<List<Line>> files) {
        this.home = home;
        this.files = files;
    }

    /** A missing file is an empty one; an unreadable one is a {@link Problem}. */
    public static SshConfig read(Path file, Path home) {
        return new SshConfig(home, List.of(lines(file, home.resolve(".ssh"), home, 0)));
    }

    /** The same of the user's and of the machine's: what the first says counts before what the second says. */
    static SshConfig read(Path file, Path system, Path home) {
        return new SshConfig(home, List.of(lines(file, home.resolve(".ssh"), home, 0),
                lines(system, system.toAbsolutePath().getParent(), home, 0)));
    }

    /**
     * The settings of a host, by the name as typed. An invalid port, and a Match that cannot be evaluated, are
     * {@link Problem}s.
     */
    public SshLookup.Entry lookup(String host) {
        return lookup(host, Optional.empty(), Optional.empty());
    }

    /** The same with an explicit user and port. */
    SshLookup.Entry lookup(String host, Optional<String> user, Optional<Integer> port) {
        return new SshLookup(home, host, user, port).of(files);
    }

    /**
     * A pattern list as ssh has it: * and ? stand for any characters, and a ! that matches rules the whole list out.
     */
    static boolean matches(List<String> patterns, String host) {
        return exactly(patterns.stream().map(pattern -> pattern.toLowerCase(Locale.ROOT)).toList(),
                host.toLowerCase(Locale.ROOT));
    }

    /** The same where capitals are other letters: names of users, and those behind Host. */
    static boolean exactly(List<String> patterns, String text) {
        boolean matched = false;
        for (var pattern : patterns) {
            boolean negated = pattern.startsWith("!");
            if (!glob(negated ? pattern.substring(1) : pattern, text)) continue;
            if (negated) return false;
            matched = true;
        }
        return matched;
    }

    /** Replaces a leading ~, ${NAME} of the environment, and the tokens given, such as 'h' for %h. */
    static String expand(String text, Path home, Map<String, String> environment, Map<Character, String> tokens) {
        var expanded = new StringBuilder();
        var start = text.equals("~") || text.startsWith("~/") ? home + text.substring(1) : text;
        for (int i = 0; i < start.length(); i++) {
            char c = start.charAt(i);
            if (c != '%' || i + 1 == start.length()) expanded.append(c);
            else if (start.charAt(++i) == '%') expanded.append('%');
            else expanded.append(tokens.getOrDefault(start.charAt(i), "%" + start.charAt(i)));
        }
        return Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}").matcher(expanded)
                .replaceAll(found -> Matcher.quoteReplacement(environment.getOrDefault(found.group(1), "")));
    }

    private static boolean glob(String pattern, String host) {
        var regex = new StringBuilder();
        for (char c : pattern.toCharArray())
            regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        return Pattern.compile(regex.toString()).matcher(host).matches();
    }

    /** @param base where the path of an Include begins that does not begin at the root */
    private static List<Line> lines(Path file, Path base, Path home, int depth) {
        if (depth > MAX_DEPTH || !Files.exists(file)) return List.of();
        var lines = new ArrayList<Line>();
        var texts = text(file).split("\n", -1);
        for (int i = 0; i < texts.length; i++) {
            var words = words(texts[i]);
            if (words.size() < 2) continue;
            var keyword = words.get(0).toLowerCase(Locale.ROOT);
            var values = List.copyOf(words.subList(1, words.size()));
            var included = new ArrayList<List<Line>>();
            if (keyword.equals("include"))
                for (var value : values)
                    for (var path : included(value, base, home)) included.add(lines(path, base, home, depth + 1));
            lines.add(new Line(file, i + 1, keyword, values, included));
        }
        return lines;
    }

    /** A comment may be in whatever encoding its writer had. */
    private static String text(Path file) {
        try {
            var bytes = Files.readAllBytes(file);
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            } catch (CharacterCodingException e) {
                return new String(bytes, StandardCharsets.ISO_8859_1);
            }
        } catch (IOException e) {
            throw Problem.usage("the ssh config " + file + " cannot be read").found(e.toString()).because(e);
        }
    }

    /**
     * {@code Keyword value}, {@code Keyword=value}; words in single or double quotes, \ in front of a quote, a blank or
     * itself, # in front of a comment.
     */
    private static List<String> words(String line) {
        var text = line.strip().replaceFirst("^(\\w+)\\s*=\\s*", "$1 ");
        var words = new ArrayList<String>();
        StringBuilder word = null;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote == 0 && Character.isWhitespace(c)) {
                if (word != null) words.add(word.toString());
                word = null;
                continue;
            }
            if (word == null) {
                if (c == '#') return words;
                word = new StringBuilder();
            }
            if (c == '\\' && i + 1 < text.length() && (quote == 0 ? "\\\"' " : "\\" + quote).indexOf(text.charAt(i + 1))
                    >= 0) word.append(text.charAt(++i));
            else if (quote == 0 && (c == '"' || c == '\'')) quote = c;
            else if (c == quote) quote = 0;
            else word.append(c);
        }
        if (word != null) words.add(word.toString());
        return words;
    }

    /** The files of an Include, as glob(7) has it in each part of the path. */
    private static List<Path> included(String text, Path base, Path home) {
        var path = base.resolve(expand(text, home, System.getenv(), Map.of())).toAbsolutePath();
        var found = List.of(path.getRoot());
        for (var part : path)
            found = found.stream().flatMap(folder -> children(folder, part.toString()).stream()).toList();
        return found.stream().filter(file -> !Files.isDirectory(file)).toList();
    }

    private static List<Path> children(Path folder, String part) {
        if (!part.matches(".*[*?\\[].*")) return List.of(folder.resolve(part));
        if (!Files.isDirectory(folder)) return List.of();
        var pattern = name(part);
        try (var found = Files.list(folder)) {
            return found.filter(file -> pattern.matcher(file.getFileName().toString()).matches()).sorted().toList();
        } catch (IOException e) {
            throw Problem.usage("the files that the ssh config includes cannot be read").found(folder.toString())
                    .because(e);
        }
    }

    /** A * or a ? takes no dot at the beginning; of [ ] a ! or a ^ turns the meaning. */
    private static Pattern name(String part) {
        var regex = new StringBuilder(part.startsWith(".") ? "" : "(?!\\.)");
        for (int i = 0; i < part.length(); i++) {
            char c = part.charAt(i);
            int end = c == '[' ? part.indexOf(']', i + 2) : -1;
            if (end > 0) {
                var set = part.substring(i + 1, end).replaceFirst("^[!^]", "");
                regex.append(part.charAt(i + 1) == '!' || part.charAt(i + 1) == '^' ? "[^" : "[")
                        .append(set.replaceAll("[\\[\\]\\\\&^]", "\\\\$0")).append(']');
                i = end;
            } else regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        }
        try {
            return Pattern.compile(regex.toString());
        } catch (java.util.regex.PatternSyntaxException e) {
            return Pattern.compile(Pattern.quote(part));
        }
    }
}
