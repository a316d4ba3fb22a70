package ktrdr.inventory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Utf8;

/**
 * The secrets of a deployment: fetched once from the inventory's provider, kept in memory, sent on standard input.
 *
 * They are read from 1Password's {@code op}, from the environment, from a file that only its owner can read, or from a
 * command that prints JSON. What is fetched is masked by the {@link Console} from then on.
 */
public final class Secrets {
    /**
     * A field of the secret store, the variable the compose files know it by, and whether showing it would give
     * something away. Those that the toolkit knows are here; an inventory may name others for stacks of its own.
     */
    public record Field(String name, String variable, boolean concealed) implements Comparable<Field> {
        public static final Field DB_USERNAME = new Field("db_username", "KTRDR_DB_USER", false);
        public static final Field DB_PASSWORD = new Field("db_password", "KTRDR_DB_PASSWORD", true);
        public static final Field JWT_SECRET = new Field("jwt_secret", "KTRDR_AUTH_JWT_SECRET", true);
        public static final Field GRAFANA_PASSWORD = new Field("grafana_password", "GF_SECURITY_ADMIN_PASSWORD", true);
        public static final Field GHCR_TOKEN = new Field("ghcr_token", "REGISTRY_TOKEN", true);
        public static final Field ALERT_WEBHOOK_URL = new Field("alert_webhook_url", "KTRDR_ALERT_WEBHOOK_URL", true);
        public static final Field ALERT_MAIL_PASSWORD =
                new Field("alert_mail_password", "KTRDR_ALERT_MAIL_PASSWORD", true);
        public static final Field ALERT_TELEGRAM_TOKEN =
                new Field("alert_telegram_token", "KTRDR_ALERT_TELEGRAM_TOKEN", true);
        /** All of them. */
        public static final List<Field> KNOWN = List.of(DB_USERNAME, DB_PASSWORD, JWT_SECRET, GRAFANA_PASSWORD,
                GHCR_TOKEN, ALERT_WEBHOOK_URL, ALERT_MAIL_PASSWORD, ALERT_TELEGRAM_TOKEN);

        /** A variable of a stack of one's own; the name of a user is shown. */
        static Field own(String variable, String name) {
            return new Field(name, variable, !name.equals(DB_USERNAME.name));
        }

        /** In the order above, then by variable. */
        @Override
        public int compareTo(Field other) {
            return Comparator.<Field>comparingInt(field -> KNOWN.contains(field) ? KNOWN.indexOf(field) : KNOWN.size())
                    .thenComparing(Field::variable).compare(this, other);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** The fewest that KTRDR takes (ktrdr/config/settings.py). */
    private static final int JWT_CHARACTERS = 32;
    /** How the name of a variable with a secret ends, as a regular expression that awk has too. */
    public static final String NAMES = "(PASSWORD|SECRET|TOKEN|WEBHOOK_URL)";
    /** NAME=value and NAME: value, in a list or a diff too; a reference such as ${NAME:?…} is not a value. */
    private static final Pattern ASSIGNED = Pattern.compile("^([+-]?\\s*(?:- |export )?[\"']?[A-Z_]*"
            + NAMES.replace("(", "(?:") + "[\"']?\\s*+[=:]\\s*+)(?!\\$\\{).+");
    private final Map<Field, String> values;

    private Secrets(Map<Field, String> values) {
        this.values = values;
    }

    /**
     * Asks the provider for these fields and no others. A field that is missing or blank is a {@link Problem} that
     * names it.
     */
    public static Secrets fetch(Inventory inventory, Set<Field> wanted, Map<String, String> environment,
            Console console) {
        return fetch(inventory, wanted, Set.of(), environment, console);
    }

    /** The same, with fields that are taken where the provider has them and not missed where it has not. */
    public static Secrets fetch(Inventory inventory, Set<Field> wanted, Set<Field> welcome,
            Map<String, String> environment, Console console) {
        var asked = new TreeSet<Field>();
        asked.addAll(wanted);
        asked.addAll(welcome);
        // an unavailable provider must not stop a procedure that needs no secret
        var found = asked.isEmpty() ? Map.<String, String>of() : found(inventory.secrets(), asked, environment);
        var values = new TreeMap<Field, String>();
        var missing = new ArrayList<String>();
        for (var field : asked) {
            var value = found.get(inventory.secrets().fields().getOrDefault(field.name(), field.name()));
            if (value != null && !value.isBlank()) values.put(field, value);
            else if (wanted.contains(field)) missing.add(field.name());
        }
        if (!missing.isEmpty()) throw missing(missing, inventory, found.keySet());
        values.forEach((field, value) -> {
            if (field.concealed()) console.secret(value);
            refuseInvalid(field, value, inventory.source());
        });
        return new Secrets(values);
    }

    private static Map<String, String> found(SecretsSettings settings, Set<Field> asked,
            Map<String, String> environment) {
        return switch (settings.provider()) {
            case ENV -> fromEnvironment(settings, asked, environment);
            case FILE -> fields(readFile(settings.file().orElseThrow()), settings.file().orElseThrow().toString());
            case COMMAND -> fields(LocalCommand.command(settings.command()).timeout(PATIENCE).must().out(),
                    "the secrets command");
            case ONEPASSWORD -> fields(LocalCommand.command("op", "item", "get", settings.item(), "--vault",
                    settings.vault(), "--format", "json").timeout(PATIENCE).must().out(), "op");
        };
    }

    private static Problem missing(List<String> missing, Inventory inventory, Set<String> found) {
        var provider = inventory.secrets().provider().name().toLowerCase().replace("onepassword", "1password");
        return Problem.usage("the secret " + String.join(", ", missing) + " is missing or blank")
                .expected("a value from the provider " + provider + " of " + inventory.source())
                .found("fields: " + (found.isEmpty() ? "none" : String.join(", ", found)));
    }

    private static void refuseInvalid(Field field, String value, Path source) {
        if (value.matches("(?s).*[\\n\\r\\x00].*"))
            throw Problem.usage("the secret " + field + " has a line break or a NUL in it")
                    .expected("one line of text").fix("write it again where " + source + " says, under secrets");
        // Java reads bytes that are invalid in the locale as U+FFFD, and sends half a character as a question mark
        if (value.codePoints().anyMatch(codePoint -> codePoint == 0xfffd
                || Character.getType(codePoint) == Character.SURROGATE))
            throw Problem.usage("the secret " + field + " has a character that could not be read").expected("UTF-8")
                    .fix("run it with LC_ALL=C.UTF-8, or write it again where " + source + " says");
        if (field == Field.JWT_SECRET && value.codePointCount(0, value.length()) < JWT_CHARACTERS)
            throw Problem.usage("the secret jwt_secret has fewer than " + JWT_CHARACTERS + " characters")
                    .expected("as many or more: with fewer KTRDR's backend does not start")
                    .fix("make one with: openssl rand -base64 48, and write it where " + source
                            + " says, under secrets");
    }

    /** The same, but for these values, which the console masks from then on too. */
    public Secrets with(Map<Field, String> others, Console console) {
        var all = new TreeMap<Field, String>();
        all.putAll(values);
        all.putAll(others);
        others.forEach((field, value) -> {
            if (field.concealed()) console.secret(value);
        });
        return new Secrets(all);
    }

    /** The value of a field; null if it was not asked for. */
    public String get(Field field) {
        return values.get(field);
    }

    /**
     * Shell lines that define {@code with_secrets}, which runs a command with these fields in its environment; no other
     * command of the script has them in its own. For the standard input of a remote shell, never for its arguments.
     */
    public String shell(Set<Field> fields) {
        var lines = new StringBuilder();
        var known = fields.stream().sorted().filter(values::containsKey).toList();
        for (var field : known) lines.append(Sh.let(field.variable(), values.get(field)));
        var names = known.stream().map(field -> field.variable()).collect(Collectors.joining(" "));
        return lines + function(names);
    }

    /**
     * The shell function {@code with_secrets}, for a script in which these are known.
     *
     * @param exported names, or assignments, for {@code export}; it would list all variables where there are none
     */
    public static String function(String exported) {
        return "with_secrets() { (" + Sh.NO_PROXIES + "; " + (exported.isEmpty() ? "" : "export " + exported + "; ")
                + "exec \"$@\"); }\n";
    }

    /** The shell line that hands the registry's token to a script that logs in; empty where it was not asked for. */
    public String registry() {
        return Sh.let(Field.GHCR_TOKEN.variable(), values.getOrDefault(Field.GHCR_TOKEN, ""));
    }

    /**
     * A line of a file, or of a diff, without the values of keys that are named like a secret: a user may have written
     * one there by hand.
     */
    public static String concealed(String line) {
        return ASSIGNED.matcher(line).replaceFirst("$1••••");
    }

    /** No value: so that none is ever printed by accident. */
    @Override
    public String toString() {
        return "Secrets" + values.keySet();
    }

    private static Map<String, String> fromEnvironment(SecretsSettings settings, Set<Field> wanted,
            Map<String, String> environment) {
        var found = new LinkedHashMap<String, String>();
        for (var field : wanted) {
            var name = settings.fields().getOrDefault(field.name(), field.name());
            var value = environment.get(settings.prefix() + name.toUpperCase());
            if (value != null) found.put(name, value);
        }
        return found;
    }

    private static String readFile(Path file) {
        try {
            var mode = Files.getPosixFilePermissions(file);
            if (PosixFilePermissions.toString(mode).endsWith("------"))
                return Utf8.text(Files.readAllBytes(file), file.toString());
            throw Problem.usage("the secrets file " + file + " can be read by others").expected("mode 0600")
                    .found(PosixFilePermissions.toString(mode)).fix("chmod 600 " + Sh.quote(file.toString()));
        } catch (IOException e) {
            throw Problem.usage("the secrets file " + file + " cannot be read").found(e.getClass().getSimpleName())
                    .fix("check secrets.file in the inventory").because(e);
        }
    }

    /**
     * Label to value, of 1Password's item shape or of a flat object. The text is never part of a problem: it is all
     * secrets.
     */
    private static Map<String, String> fields(String text, String source) {
        var document = Json.read(text).orElseThrow(() ->
                Problem.usage(source + " returned invalid JSON")
                        .expected("{\"db_password\": \"…\", …}, or an item of op with fields[]"));
        var found = new LinkedHashMap<String, String>();
        if (document.path("fields").isArray())
            document.path("fields")
                    .forEach(field -> found.put(field.path("label").asText(), field.path("value").asText()));
        else document.properties().forEach(entry -> found.put(entry.getKey(), entry.getValue().asText()));
        return found;
    }
}
