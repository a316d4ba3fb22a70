package ktrdr.inventory;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Problem;
import ktrdr.Yaml;

/**
 * An inventory is shared and kept in git: what looks like a secret in it is refused before anything else is read of it,
 * by its place and never by its value.
 */
final class InventorySecrets {
    private static final Pattern NAME =
            Pattern.compile("(?i)(?:.*[_-])?(?:passwords?|passwd|passphrases?|secrets?|token|api[_-]?keys?|"
                    + "private[_-]?keys?|access[_-]?keys?|credentials?|alert_webhook_url)");
    /** Of a secret's field, how the provider calls it. */
    private static final List<String> NAMES_OF_FIELDS = List.of("secrets.fields", "secrets.variables");
    /** A public digest or key, at the end of an image or as a pinned host key. */
    private static final Pattern PUBLIC = Pattern.compile(
            "SHA256:[A-Za-z0-9+/]{43}=?|@sha256:[0-9a-f]{64}$|(?:ssh-|ecdsa-)[a-z0-9-]+\\s+AAAA[A-Za-z0-9+/]+={0,2}");
    /** The forms of well-known tokens, as their issuers publish them for secret scanners. */
    private static final Map<Pattern, String> FORMS = new LinkedHashMap<>();

    static {
        form("-----BEGIN [A-Z ]*PRIVATE KEY", "a private key");
        form("\\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})", "a token of GitHub");
        form("\\bglpat-[A-Za-z0-9_-]{20}", "a token of GitLab");
        form("\\bdckr_[po]at_[A-Za-z0-9_-]{16,}", "a token of Docker");
        form("\\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\\.slack\\.com/services/T", "a token of Slack");
        form("\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b", "a key of AWS");
        form("\\bops_eyJ[A-Za-z0-9]{10,}", "a token of 1Password");
        form("\\b\\d{8,10}:[A-Za-z0-9_-]{35}", "a token of a Telegram bot");
        form("\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.", "a signed token (JWT)");
        form("://[^/@\\s:]+:[^/@\\s]+@", "an address with a password in it");
    }

    private final Path file;
    private final Map<String, String> found = new LinkedHashMap<>();

    private InventorySecrets(Path file) {
        this.file = file;
    }

    private static void form(String pattern, String name) {
        FORMS.put(Pattern.compile(pattern), name);
    }

    /** Throws a {@link Problem} of usage that lists every place, if there is one. */
    static void refuse(Path file, Yaml.Mapping tree) {
        var secrets = new InventorySecrets(file);
        secrets.look("", tree);
        if (secrets.found.isEmpty()) return;
        var problem = Problem.usage(file + " holds what looks like " + (secrets.found.size() == 1 ? "a secret"
                : secrets.found.size() + " secrets") + ", so it was not read")
                .expected("secrets where `secrets` says, and none in the inventory");
        secrets.found.forEach(problem::with);
        throw problem.fix(
                "remove it and store it where `secrets` says; if others have the file, or it was in git, change the "
                        + "secret: jbang rotate-secret@ktrdr");
    }

    private void look(String path, Yaml.Item item) {
        if (item instanceof Yaml.Sequence list) list.values().forEach(eachItem -> look(path, eachItem));
        else if (item instanceof Yaml.Scalar scalar) value(path, scalar.text() == null ? "" : scalar.text())
                .ifPresent(what -> note(scalar.place(), path, "this looks like " + what));
        else if (item instanceof Yaml.Mapping mapping) mapping.values().forEach((key, value) -> {
            // a key may be what it should only name
            var secret = value("", key);
            var at = (path.isEmpty() ? "" : path + ".") + (secret.isPresent() ? "…" : key);
            if (secret.isPresent()) note(mapping.keys().get(key), at, "this looks like " + secret.get());
            else if (NAME.matcher(key).matches() && !NAMES_OF_FIELDS.contains(path) && holds(value))
                note(mapping.keys().get(key), at, "a key of this name is for a secret");
            else look(at, value);
        });
    }

    /** A node or a section may have any name. */
    private static boolean holds(Yaml.Item value) {
        return value instanceof Yaml.Sequence list ? !list.values().isEmpty()
                : value instanceof Yaml.Scalar scalar && scalar.text() != null && !scalar.text().isBlank();
    }

    private void note(Yaml.Place place, String path, String what) {
        found.merge(place.at(file), path + ": " + what, (text, other) -> text + "\n" + other);
    }

    /** What a value looks like, where that is a secret. */
    private static Optional<String> value(String path, String text) {
        var known = FORMS.entrySet().stream().filter(form -> form.getKey().matcher(text).find())
                .map(Map.Entry::getValue).findFirst();
        if (known.isPresent()) return known;
        // 1Password calls its items and vaults by words of chance too
        if (path.equals("secrets.item") || path.equals("secrets.vault")) return Optional.empty();
        var rest = path.endsWith(".host_key") || path.startsWith("images.") ? PUBLIC.matcher(text).replaceAll("")
                : text;
        return Stream.of(rest.split("[^A-Za-z0-9+]+")).anyMatch(InventorySecrets::random)
                ? Optional.of("a password, or another word of chance") : Optional.empty();
    }

    /** Whether a word is long, and goes from letters to digits and from small to capital so often as no name does. */
    private static boolean random(String word) {
        if (word.length() < 20) return false;
        int turns = 0;
        for (int i = 1; i < word.length(); i++) if (kind(word.charAt(i)) != kind(word.charAt(i - 1))) turns++;
        return turns * 5 >= word.length() * 2;
    }

    private static int kind(char letter) {
        return Character.isDigit(letter) ? 0 : Character.isUpperCase(letter) ? 1 : Character.isLowerCase(letter) ? 2
                : 3;
    }
}
