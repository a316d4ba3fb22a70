package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import ktrdr.api.Prometheus;
import ktrdr.inventory.AlertSettings;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets;
import ktrdr.logs.LogChoice;
import ktrdr.node.Database;
import ktrdr.node.Dns;
import ktrdr.release.LockScripts;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.release.TextfileMetrics;
import ktrdr.share.NfsFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each kind of value with each text of {@link Biting}: it arrives unchanged, or is refused with a one-line error and
 * exit code 2. BitingFleetTest does the same on real machines.
 */
class BitingValuesTest {
    private static final List<String> FIELDS = List.of("db_username", "db_password", "jwt_secret", "grafana_password",
            "ghcr_token", "alert_webhook_url", "alert_mail_password", "alert_telegram_token");
    @TempDir Path folder;
    private int arrived;
    private int refused;

    /** Double-quoted and ASCII only. */
    private static String yaml(String text) {
        return Json.line(text).chars()
                .mapToObj(number -> number < 127 ? Character.toString(number) : String.format("\\u%04x", number))
                .collect(Collectors.joining());
    }

    private static String inventory(String place, String value) {
        var lines = new LinkedHashMap<>(Map.of("domain", "ktrdr.test", "nodes",
                "{core: {role: core, host: h}, w: {role: workers}}", "images", "{backend: b}"));
        lines.put(place.substring(0, place.indexOf(':')),
                place.substring(place.indexOf(':') + 2).replace("VALUE", yaml(value)));
        return lines.entrySet().stream().map(line -> line.getKey() + ": " + line.getValue() + "\n")
                .collect(Collectors.joining());
    }

    /** The result, or empty if the value was refused with a one-line error and exit code 2. */
    private <T> Optional<T> tried(Supplier<T> what) {
        try {
            var made = what.get();
            arrived++;
            return Optional.of(made);
        } catch (Problem problem) {
            refused++;
            assertEquals(Exit.USAGE, problem.exit(), problem::sentence);
            assertFalse(problem.sentence().isBlank() || problem.sentence().contains("\n"), problem::sentence);
            return Optional.empty();
        }
    }

    private void count(int least) {
        assertTrue(arrived > 0 && refused > 0 && arrived + refused >= least,
                arrived + " arrived, " + refused + " refused");
    }

    @Test
    void each_inventory_value_arrives_intact_or_is_refused() throws IOException {
        var all = new ArrayList<String>();
        for (var place : InventoryValues.all().entrySet())
            for (var text : Biting.all()) {
                var read = tried(() -> Inventory.read(written(inventory(place.getKey(), text))));
                if (read.isEmpty()) continue;
                var value = place.getValue().apply(read.get());
                // relative paths resolve against the inventory's folder
                assertTrue(value.equals(text) || place.getKey().matches(".*(identity|known_hosts|file|templates).*")
                        && value.endsWith(Path.of(text.replaceFirst("^~", "")).toString()),
                        place.getKey() + " has " + text + " as " + value);
                if (!place.getKey().matches("(templates|secrets|ssh|sample|tracing).*"))
                    landed(place.getKey(), read.get());
                all.add(value);
            }
        count(4_000);
        // also through a shell
        var script = "for word in " + Sh.words(all) + "; do printf '%s\\0' \"$word\"; done\n";
        assertEquals(String.join("\0", all) + "\0", Files.readString(output(script)));
    }

    private Path written(String inventory) {
        try {
            return Files.writeString(folder.resolve("inventory.yaml"), inventory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path output(String script) {
        var out = folder.resolve("out");
        LocalCommand.command("sh", "-c", "exec sh -s >\"$1\"", "sh", out.toString()).input(Sh.whole(script)).must();
        return out;
    }

    private static void landed(String place, Inventory inventory) {
        for (var node : inventory.nodes()) {
            for (var file : new Templates(inventory).render(node, "sha-1")) {
                if (file.path().startsWith(".env")) file.content().lines().filter(line -> !line.startsWith("#"))
                        .forEach(line -> assertTrue(line.matches("[A-Z_]+=[A-Za-z0-9._/:@,-]*"),
                                () -> place + ": " + line));
                if (file.path().matches("monitoring/(prometheus|alertmanager)\\.yml"))
                    described(place, inventory, Yaml.parse(file.content(), file.path()));
            }
            if (!inventory.exportsShare(node)) assertEquals(6, NfsFiles.fstab(inventory, node, "").lines().skip(1)
                    .findFirst().orElseThrow().split("\\s").length, place);
        }
        assertTrue(NfsFiles.exports(inventory).lines().skip(1)
                .allMatch(line -> line.matches("/\\S+( [^ ()]+\\([a-z_,]+\\))+")),
                () -> place + ": " + NfsFiles.exports(inventory));
        if (inventory.addresses().values().stream().noneMatch(Optional::isEmpty))
            for (var format : Dns.Format.values()) assertTrue(Dns.records(inventory, format).stream()
                    .allMatch(line -> line.startsWith("#") || line.matches("[\\x20-\\x7e]+")), place);
        inventory.nodes().forEach(node -> assertEquals(node, inventory.node(node.name()), place));
        inventory.nodes().forEach(node -> assertEquals(node, inventory.node(node.id()), place));
        assertTrue((inventory.fqdn(inventory.core()).length()) <= 253, place);
    }

    /** Job names are unique, and the mail user is unchanged. */
    private static void described(String place, Inventory inventory, Yaml.Mapping file) {
        if (file.values().get("scrape_configs") instanceof Yaml.Sequence jobs) {
            var names = jobs.values().stream()
                    .map(job -> ((Yaml.Scalar) ((Yaml.Mapping) job).values().get("job_name")).text()).toList();
            assertEquals(names.stream().distinct().toList(), names, place);
        }
        if (!(file.values().get("receivers") instanceof Yaml.Sequence receivers)) return;
        inventory.alerts().flatMap(AlertSettings::mail).flatMap(AlertSettings.Mail::user).ifPresent(user -> {
            var mails = (Yaml.Sequence) ((Yaml.Mapping) receivers.values().get(0)).values().get("email_configs");
            assertEquals(user, ((Yaml.Scalar) ((Yaml.Mapping) mails.values().get(0)).values().get("auth_username"))
                    .text());
        });
    }

    @Test
    void each_secret_of_each_provider_arrives_intact_or_is_refused() throws IOException {
        var console = new Console(Console.Color.never, false);
        var fields = Set.copyOf(Secrets.Field.KNOWN);
        var print = " sh -c 'printf \"%s\\0\" " + fields.stream().map(field -> "\"$" + field.variable() + "\"")
                .collect(Collectors.joining(" ")) + "'\n";
        for (var text : Biting.all()) {
            var environment = FIELDS.stream()
                    .collect(Collectors.toMap(field -> "KTRDR_SECRET_" + field.toUpperCase(), field -> text));
            var shell = new StringBuilder();
            for (var settings : List.of("{provider: env}", "{provider: file, file: " + file(text, false) + "}",
                    "{provider: command, command: [cat, " + file(text, false) + "]}",
                    "{provider: command, command: [cat, " + file(text, true) + "]}")) {
                var inventory = Fixtures.inventory(Fixtures.INVENTORY + "secrets: " + settings + "\n");
                tried(() -> Secrets.fetch(inventory, fields, environment, console))
                        .ifPresent(secrets -> shell.append(secrets.shell(fields)).append("with_secrets")
                                .append(print));
            }
            var times = shell.toString().split("with_secrets\\(\\)", -1).length - 1;
            assertTrue(times == 0 || times == 4, text + " " + times);
            if (times > 0)
                assertEquals((text + "\0").repeat(8 * times), Files.readString(output(shell.toString())), text);
        }
        count(400);
    }

    /** Secrets as a JSON object, or as a 1Password item. */
    private Path file(String text, boolean item) throws IOException {
        var fields = FIELDS.stream()
                .map(field -> item ? "{\"label\": \"" + field + "\", \"value\": " + yaml(text) + "}"
                        : "\"" + field + "\": " + yaml(text)).collect(Collectors.joining(", "));
        var file = Files.writeString(folder.resolve("secrets" + item),
                item ? "{\"fields\": [" + fields + "]}" : "{" + fields + "}");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void each_word_of_a_command_line_is_what_it_was_or_is_refused() {
        var inventory = Fixtures.inventory();
        var words = new LinkedHashMap<String, Function<String, Object>>();
        words.put("tag", ReleaseTag::tag);
        words.put("node", inventory::node);
        words.put("workers node", inventory::workersNode);
        words.put("node of logs", word -> LogChoice.of(inventory, List.of(word)));
        words.put("service of logs", word -> LogChoice.of(inventory, List.of("B", word)));
        words.put("service", word -> Stack.of(inventory, inventory.core()).services(List.of(word)));
        for (var word : words.entrySet())
            for (var text : Biting.all()) tried(() -> word.getValue().apply(text))
                    .ifPresent(made -> assertTrue(made.equals(text) || made instanceof LogChoice,
                            word.getKey() + " " + text));
        assertTrue(arrived + refused >= 700, arrived + " arrived, " + refused + " refused");
    }

    @Test
    void each_name_of_a_file_is_that_of_the_file_that_is_written() throws IOException {
        for (var text : Biting.all()) {
            Path asked;
            try {
                asked = folder.resolve("a" + text.replace('/', '_'));
            } catch (InvalidPathException none) {
                continue;
            }
            tried(() -> OutputFile.at(asked)).ifPresent(file -> {
                file.write(text.replaceAll("\\p{Cs}", ""));
                assertTrue(Files.isRegularFile(asked), text);
            });
        }
        count(100);
    }

    @Test
    void each_statement_and_each_answer_of_the_database_is_as_it_was() throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), "exec cat");
        var container = Fixtures.core().database();
        var script = Biting.LINES.stream().map(text -> Database.script(container, "select '" + text + "'", true))
                .collect(Collectors.joining("printf '\\0'\n", "PATH=" + folder.resolve("bin") + ":$PATH\n", ""));
        assertEquals(Biting.LINES.stream().map(text -> "select '" + text + "'\n").collect(Collectors.joining("\0")),
                Files.readString(output(script)));
        for (var text : Biting.LINES) {
            var row = List.of(text, "x" + text, "");
            var csv = row.stream().map(eachText -> "\"" + eachText.replace("\"", "\"\"") + "\"")
                    .collect(Collectors.joining(","));
            assertEquals(List.of(row), Database.parse("a,b,c\n" + csv + "\n").rows());
        }
    }

    @Test
    void series_labels_are_valid_for_promql_and_textfile_collector() {
        for (var text : Biting.all()) {
            var words = new Prometheus.Series("up", Map.of("job", text), 1).words();
            var inside = words.substring(8, words.length() - 2);
            assertEquals(text, inside.translateEscapes(), words);
            assertFalse(inside.replaceAll("\\\\[\\\\\"n]", "").matches("(?s).*[\"\\\\\\n].*"), words);
            assertEquals(words.substring(2),
                    TextfileMetrics.series("", Map.of("job", text), 1).replaceFirst(" 1$", ""));
        }
    }

    @Test
    void each_text_of_the_history_and_of_a_lock_is_as_it_was() throws IOException {
        var owners = Biting.LINES.stream().map(text -> new LockScripts.Owner("1", text, Instant.EPOCH.toString(), text))
                .toList();
        var said = Files.readString(output(owners.stream()
                .map(owner -> "printf '%s\\n' " + Sh.quote(owner.json()) + "\n").collect(Collectors.joining())));
        assertEquals(owners, said.lines().map(LockScripts.Owner::of).toList());
    }

    @Test
    void no_secret_is_shown_whatever_it_is_and_however_it_is_written() {
        for (var text : Biting.LINES) {
            var secret = "qzqz" + text + "zq";
            var out = new ByteArrayOutputStream();
            var console = new Console(Invocation.into(out, out), Console.Color.never, true);
            console.secret(secret);
            console.print(secret);
            console.print(Json.pretty(Map.of("a", secret)));
            console.print(Table.of("a").row(secret));
            console.note("core", "up", secret);
            console.problem(Problem.failed(secret).found(secret).with("its log", "a\n" + secret));
            console.step("core", "up").done(secret);
            assertFalse(out.toString(StandardCharsets.UTF_8).contains("zq"), () -> text + " in " + out);
        }
    }

    @Test
    void shell_quoting_and_secrets_refuse_broken_characters() {
        assertThrows(Problem.class, () -> Sh.quote("a\ud800"));
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "secrets: {provider: env}\n");
        var problem = assertThrows(Problem.class,
                () -> Secrets.fetch(inventory, Set.of(Secrets.Field.DB_PASSWORD),
                        Map.of("KTRDR_SECRET_DB_PASSWORD", "p\ufffd\ufffdss"),
                        new Console(Console.Color.never, false)));
        assertEquals("the secret db_password has a character that could not be read", problem.sentence());
    }

    @Test
    void a_carriage_return_in_what_a_problem_found_begins_no_line() {
        assertEquals(List.of("error: no", "  found  a\rerror: b", "         c"),
                Problem.failed("no").found("a\rerror: b\nc").lines());
    }
}
