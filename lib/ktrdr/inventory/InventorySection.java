package ktrdr.inventory;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.DidYouMean;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.Yaml;

/**
 * One mapping of the inventory, read key by key. What is wrong is noted with its place and the reading goes on with a
 * default, so that one run reports every mistake.
 */
final class InventorySection {
    /** A mistake: its place in the file, the path of its key, and what is wrong with it. */
    record Mistake(Yaml.Place place, String path, String text) {}

    /** A form of text: what it is called in a sentence, and how it looks. */
    record Form(String name, Pattern pattern) {
        static Form of(String name, String pattern) {
            return new Form(name, Pattern.compile(pattern));
        }
    }

    static final Form HOST = Form.of("a host name of letters, digits and hyphens",
            "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?");
    static final Form DOMAIN = Form.of("a domain such as ktrdr.home.mynerd.place",
            "(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,"
                    + "61}[A-Za-z0-9])?)*");
    static final Form ADDRESS = Form.of("an IPv4 or IPv6 address",
            "((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(\\.(?!$)|$)){4}|(" +
                    "H:".repeat(7).replace("H", "[0-9A-Fa-f]{1,4}") + "([0-9A-Fa-f]{1,4}|:)|:(:[0-9A-Fa-f]{1,4}){7}"
            + "|(?=.*::)(?!.*::.*::|.*:::|:[^:]|.*[^:]:(%|$))([0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,"
                    + "4})(%[A-Za-z0-9]+)?");
    static final Form PLAIN_ADDRESS = Form.of(ADDRESS.name() + " without an interface",
            "(?!.*%)(" + ADDRESS.pattern() + ")");
    static final Form ABSOLUTE = Form.of("an absolute path of letters, digits, '.', '_' and '-', without . and ..",
            "(/(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+)+");
    static final Form WORD = Form.of("letters, digits, '.', '_' and '-', not in front",
            "(?!\\.{1,2}$)[A-Za-z0-9._][A-Za-z0-9._-]*");
    static final Form OPTIONS = Form.of("mount options with commas between", "[A-Za-z0-9._=,-]+");
    static final Form CLIENTS = Form.of("fleet, *, or addresses and networks with commas between",
            "fleet|\\*|[0-9A-Fa-f.:/]+(,[0-9A-Fa-f.:/]+)*");
    static final Form SCHEDULE = Form.of("daily, or a time of day such as 02:00", "daily|([01]\\d|2[0-3]):[0-5]\\d");
    static final Form TEXT = Form.of("text on one line", "[^\\p{Cc}\\p{Cs}\\u2028\\u2029]+");
    static final Form ITEM = Form.of("text on one line, without '-' in front", "(?!-)" + TEXT.pattern());
    static final Form URL =
            Form.of("an http or https address without user and query; put an address with a token into the secret "
                    + "alert_webhook_url",
            "https?://[A-Za-z0-9.-]+(:\\d{1,5})?(/[A-Za-z0-9._~/-]*)?");
    static final Form MAILBOX = Form.of("a mail address", "[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+");
    static final Form MAILBOXES = Form.of("mail addresses with commas between",
            MAILBOX.pattern() + "(, ?" + MAILBOX.pattern() + ")*");
    static final Form SMARTHOST = Form.of("a mail server with its port, such as mail.example.org:587",
            "[A-Za-z0-9.-]+:\\d{1,5}");
    static final Form USER = Form.of("a user without blanks, quotes and invisible characters", "[^'\"\\p{C}\\p{Z}]+");
    static final Form CHAT = Form.of("the number of a chat, such as -1001234567890", "-?[1-9]\\d{0,17}");
    static final Form REGISTRY = Form.of("a registry such as ghcr.io or registry:5000", "[A-Za-z0-9.-]+(:\\d{1,5})?");
    static final Form REPOSITORY =
            Form.of("an image without a tag, such as ghcr.io/kpiteira/ktrdr-backend (--tag sets the tag)",
            "([A-Za-z0-9.-]+(:\\d{1,5})?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*");
    static final Form IMAGE = Form.of(
            "an image with a fixed tag or digest, such as prom/prometheus:v2.53.0 (latest would change by itself)",
            "([A-Za-z0-9.-]+(:\\d{1,5})?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]{0,"
                    + "127}|@sha256:[0-9a-f]{64})");

    private final String path;
    private final Yaml.Mapping mapping;
    private final List<Mistake> mistakes;
    private final TreeSet<String> known = new TreeSet<>();

    InventorySection(String path, Yaml.Mapping mapping, List<Mistake> mistakes) {
        this.path = path;
        this.mapping = mapping;
        this.mistakes = mistakes;
    }

    String path() {
        return path;
    }

    boolean has(String key) {
        known.add(key);
        return mapping.values().containsKey(key);
    }

    /** The place of an existing key. */
    Yaml.Place place(String key) {
        return mapping.keys().get(key);
    }

    /** Notes every key that was never asked for. To be called last. */
    void end() {
        mapping.values().keySet().stream().filter(key -> !known.contains(key)).forEach(key -> mistakes.add(new Mistake(
                mapping.keys().get(key), at(key),
                "unknown key" + DidYouMean.of(key, known).map(near -> ", did you mean " + near + "?").orElse(".")
                + " Allowed: " + String.join(", ", known))));
    }

    /** A key that has to be there. */
    String required(String key, Form form) {
        if (has(key)) return text(key, form).orElse("");
        mistakes.add(new Mistake(mapping.place(), at(key), "is missing, expected " + form.name()));
        return "";
    }

    Optional<String> text(String key, Form form) {
        if (!has(key)) return Optional.empty();
        if (!(mapping.values().get(key) instanceof Yaml.Scalar scalar) || scalar.text() == null)
            return wrong(key, form.name());
        return form.pattern().matcher(scalar.text()).matches() ? Optional.of(scalar.text()) : wrong(key, form.name());
    }

    String text(String key, Form form, String otherwise) {
        return text(key, form).orElse(otherwise);
    }

    int number(String key, int least, int most, int otherwise) {
        var digits = text(key, Form.of("a whole number from " + least + " to " + most, "\\d{1,9}"));
        if (digits.isEmpty()) return otherwise;
        int value = Integer.parseInt(digits.get());
        if (value >= least && value <= most) return value;
        wrong(key, "a whole number from " + least + " to " + most);
        return otherwise;
    }

    boolean flag(String key, boolean otherwise) {
        return text(key, Form.of("true or false", "true|false")).map(Boolean::parseBoolean).orElse(otherwise);
    }

    long size(String key, String otherwise) {
        return text(key, TEXT).map(text -> parsed(key, () -> Units.size(text), 0L))
                .orElseGet(() -> Units.size(otherwise));
    }

    Duration duration(String key, Duration otherwise) {
        return text(key, TEXT).map(text -> parsed(key, () -> Units.duration(text), otherwise)).orElse(otherwise);
    }

    /** A path; relative ones are relative to the folder given, ~ is the user's home. */
    Optional<Path> path(String key, Path folder) {
        try {
            return text(key, TEXT).map(text -> text.equals("~") || text.startsWith("~/")
                    ? Path.of(System.getProperty("user.home") + text.substring(1)) : folder.resolve(text));
        } catch (InvalidPathException e) {
            return wrong(key, "a path of characters that the locale has (LC_ALL=C.UTF-8 has all)").map(Path::of);
        }
    }

    /** A pinned host key. */
    Optional<HostKeyPin> hostKey(String key) {
        var text = text(key, TEXT);
        var pin = text.flatMap(HostKeyPin::of);
        if (text.isPresent() && pin.isEmpty()) wrong(key, HostKeyPin.FORM);
        return pin;
    }

    List<String> list(String key, Form form, List<String> otherwise) {
        if (!has(key)) return otherwise;
        if (!(mapping.values().get(key) instanceof Yaml.Sequence sequence)) {
            wrong(key, "a list");
            return otherwise;
        }
        var texts = new ArrayList<String>();
        for (var item : sequence.values()) {
            if (item instanceof Yaml.Scalar scalar && scalar.text() != null && form.pattern().matcher(scalar.text())
                    .matches()) texts.add(scalar.text());
            else mistakes.add(new Mistake(item.place(), at(key), "expected " + form.name() + ", found " + words(item)));
        }
        return List.copyOf(texts);
    }

    /** The section under a key; an empty one if it is missing. */
    InventorySection section(String key) {
        if (has(key) && mapping.values().get(key) instanceof Yaml.Mapping inner)
            return new InventorySection(at(key), inner, mistakes);
        if (mapping.values().containsKey(key)) wrong(key, "keys with values");
        return new InventorySection(at(key), new Yaml.Mapping(mapping.place(), Map.of(), Map.of()), mistakes);
    }

    /** The sections under a key, each under its own name. */
    Map<String, InventorySection> sections(String key) {
        var inner = section(key);
        var sections = new LinkedHashMap<String, InventorySection>();
        inner.mapping.values().keySet().forEach(name -> sections.put(name, inner.section(name)));
        return sections;
    }

    /** Plain values under a key, whatever they are called. */
    Map<String, String> values(String key) {
        var inner = section(key);
        var values = new LinkedHashMap<String, String>();
        inner.mapping.values().keySet()
                .forEach(name -> inner.text(name, TEXT).ifPresent(value -> values.put(name, value)));
        return values;
    }

    /** Notes a mistake at a key of this section, or at the section itself where it is not there. */
    void mistake(String key, String text) {
        mistakes.add(new Mistake(mapping.values().containsKey(key) ? mapping.values().get(key).place()
                : mapping.place(), at(key), text));
    }

    private <T> T parsed(String key, java.util.function.Supplier<T> parse, T otherwise) {
        try {
            return parse.get();
        } catch (Problem problem) {
            wrong(key, problem.expected().isEmpty() ? "another value" : problem.expected());
            return otherwise;
        }
    }

    private Optional<String> wrong(String key, String expected) {
        var item = mapping.values().get(key);
        mistakes.add(new Mistake(item.place(), at(key), "expected " + expected + ", found " + words(item)));
        return Optional.empty();
    }

    private static String words(Yaml.Item item) {
        if (item instanceof Yaml.Mapping) return "keys with values";
        if (item instanceof Yaml.Sequence) return "a list";
        var text = ((Yaml.Scalar) item).text();
        if (text == null || text.isEmpty()) return "nothing";
        return text.length() > 80 ? text.substring(0, 80) + "…" : text.replaceAll("\\p{Cntrl}", "?");
    }

    private String at(String key) {
        return path.isEmpty() || key.isEmpty() ? path + key : path + "." + key;
    }
}
