package ktrdr;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What ~/.ssh/config says of a host, read as ssh_config(5) has it: the first value found wins, IdentityFile adds up.
 * {@code Match} blocks are passed over, except {@code Match all}; so is every keyword not named in {@link Entry}.
 */
final class SshConfig {
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
    private static final int MAX_DEPTH = 16;

    /**
     * What counts of a host's settings; tokens such as %h and ~ are not expanded yet.
     *
     * @param proxyCommand given, though not obeyed: whoever connects says so
     */
    record Entry(Optional<String> hostName, Optional<String> user, Optional<Integer> port, List<String> identityFiles,
            boolean identitiesOnly, Optional<String> identityAgent, Optional<String> proxyJump, Optional<String> proxyCommand,
            List<String> knownHosts, Optional<String> hostKeyAlias) {}

    private record Setting(List<String> patterns, String keyword, List<String> values) {}

    private final List<Setting> settings;

    private SshConfig(List<Setting> settings) {
        this.settings = settings;
    }

    /** A missing file is an empty one; an unreadable one is a {@link Problem}. */
    static SshConfig read(Path file, Path home) {
        var settings = new ArrayList<Setting>();
        read(file, home, List.of("*"), settings, 0);
        return new SshConfig(settings);
    }

    /** The settings of a host, by the name as typed. A port that is no number is a {@link Problem}. */
    Entry lookup(String host) {
        Map<String, List<String>> first = new HashMap<>();
        var identities = new ArrayList<String>();
        for (var setting : settings) {
            if (!matches(setting.patterns(), host)) continue;
            if (setting.keyword().equals("identityfile")) identities.add(setting.values().get(0));
            else first.putIfAbsent(setting.keyword(), setting.values());
        }
        return new Entry(one(first, "hostname"), one(first, "user"), one(first, "port").map(SshConfig::port), List.copyOf(identities),
                one(first, "identitiesonly").map("yes"::equalsIgnoreCase).orElse(false), one(first, "identityagent"),
                one(first, "proxyjump"), one(first, "proxycommand"), first.getOrDefault("userknownhostsfile", List.of()),
                one(first, "hostkeyalias"));
    }

    /** A host pattern list as ssh has it: * and ? stand for any characters, and a ! that matches rules the whole list out. */
    static boolean matches(List<String> patterns, String host) {
        boolean matched = false;
        for (var pattern : patterns) {
            boolean negated = pattern.startsWith("!");
            if (!glob(negated ? pattern.substring(1) : pattern, host)) continue;
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
        for (char c : pattern.toCharArray()) regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        return Pattern.compile(regex.toString(), Pattern.CASE_INSENSITIVE).matcher(host).matches();
    }

    private static Optional<String> one(Map<String, List<String>> settings, String keyword) {
        return Optional.ofNullable(settings.get(keyword)).map(values -> String.join(" ", values));
    }

    private static int port(String text) {
        if (text.matches("\\d{1,5}") && Integer.parseInt(text) > 0 && Integer.parseInt(text) < 65536) return Integer.parseInt(text);
        throw Problem.usage("the ssh config has a port that is none").expected("a number from 1 to 65535").found(text);
    }

    private static void read(Path file, Path home, List<String> outer, List<Setting> settings, int depth) {
        if (depth > MAX_DEPTH || !Files.exists(file)) return;
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw Problem.usage("the ssh config " + file + " cannot be read").found(e.toString()).because(e);
        }
        var patterns = outer;
        for (var line : lines) {
            var words = words(line);
            if (words.size() < 2) continue;
            var values = words.subList(1, words.size());
            switch (words.get(0).toLowerCase(Locale.ROOT)) {
                case "host" -> patterns = List.copyOf(values);
                case "match" -> patterns = values.equals(List.of("all")) ? List.of("*") : List.of();
                case "include" -> {
                    for (var included : values) for (var path : included(included, home)) read(path, home, patterns, settings, depth + 1);
                }
                default -> settings.add(new Setting(patterns, words.get(0).toLowerCase(Locale.ROOT), List.copyOf(values)));
            }
        }
    }

    /** {@code Keyword value}, {@code Keyword=value}, values in double quotes, # in front of a comment. */
    private static List<String> words(String line) {
        var text = line.strip();
        if (text.startsWith("#")) return List.of();
        var words = new ArrayList<String>();
        var matcher = WORD.matcher(text.replaceFirst("^(\\w+)\\s*=\\s*", "$1 "));
        while (matcher.find()) {
            if (matcher.group(2) != null && matcher.group(2).startsWith("#")) break;
            words.add(matcher.group(1) != null ? matcher.group(1) : matcher.group(2));
        }
        return words;
    }

    private static List<Path> included(String text, Path home) {
        var path = home.resolve(".ssh").resolve(expand(text, home, Map.of(), Map.of()));
        if (!text.contains("*") && !text.contains("?")) return List.of(path);
        if (!Files.isDirectory(path.getParent())) return List.of();
        try (var found = Files.newDirectoryStream(path.getParent(), path.getFileName().toString())) {
            var paths = new ArrayList<Path>();
            found.forEach(paths::add);
            return paths.stream().filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw Problem.usage("the files that the ssh config includes cannot be read").found(path.toString()).because(e);
        }
    }
}
