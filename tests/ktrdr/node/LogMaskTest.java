package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Biting;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.DeployJournal;
import ktrdr.inventory.Secrets;
import ktrdr.logs.LogMerge;
import ktrdr.logs.LogNode;
import ktrdr.logs.LogScript;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Masking of secrets that containers write into their logs. A real shell runs the scripts that show and keep logs, with
 * a stand-in for docker.
 */
class LogMaskTest {
    private static final String STAMP = "2026-01-01T10:00:00.100000000Z ";
    @TempDir Path folder;

    @BeforeEach
    void a_docker() throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), """
                echo "$*" >>FOLDER/asked
                case $1 in
                  ps) echo 'one backend' ;;
                  inspect) cat FOLDER/environment ;;
                  logs) cat FOLDER/log ;;
                esac
                """.replace("FOLDER", folder.toString()));
    }

    private String run(String script) {
        return LocalCommand.command("sh", "-s").env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"))
                .env("TMPDIR", folder.toString()).input(Sh.whole(script)).must().out();
    }

    /** The last log lines of a container with this environment, as displayed. */
    private List<String> shown(List<String> environment, String log) throws IOException {
        Files.write(folder.resolve("environment"), environment);
        Files.writeString(folder.resolve("log"), log);
        return run(Docker.logTail("one", 10)).lines().toList();
    }

    private static List<String> forms(String secret) {
        // Python, Go and JavaScript escape in lower case, Jackson in upper case
        var json = Pattern.compile("\\\\u00..").matcher(Json.line(secret))
                .replaceAll(found -> Matcher.quoteReplacement(found.group().toLowerCase()));
        var ascii = json.chars().mapToObj(number -> number < 128 ? Character.toString(number)
                : String.format("\\u%04x", number)).collect(Collectors.joining());
        var address = URLEncoder.encode(secret, StandardCharsets.UTF_8).replace("*", "%2A").replace("%7E", "~");
        return List.of(secret, json.substring(1, json.length() - 1), ascii.substring(1, ascii.length() - 1), address,
                address.replace("+", "%20"));
    }

    @Test
    void every_text_is_hidden_as_it_is_in_json_and_in_an_address() throws IOException {
        int cases = 0;
        for (var text : Biting.LINES) {
            // long enough to be masked, with letters found nowhere else in the line
            var secret = "qzqz" + text + "zq";
            var written = forms(secret).stream().map(form -> "before " + form + " after").toList();
            var lines = shown(List.of("PATH=/bin", "KTRDR_DB_PASSWORD=" + secret, "OTHER=before"),
                    String.join("\n", written) + "\n");
            assertEquals(written.stream().map(any -> "before *** after").toList(), lines, text);
            cases += written.size();
        }
        assertTrue(cases > 500, cases + " cases");
    }

    @Test
    void each_variable_that_is_called_a_secret_counts_and_no_other() throws IOException {
        var names = List.of("POSTGRES_PASSWORD", "DB_PASSWORD", "JWT_SECRET", "GF_SECURITY_ADMIN_PASSWORD",
                "KTRDR_ALERT_WEBHOOK_URL", "KTRDR_ALERT_TELEGRAM_TOKEN", "KTRDR_API_URL", "SECRET_NAME");
        var environment = names.stream().map(name -> name + "=value-of-" + name.toLowerCase().charAt(0) + name.length())
                .toList();
        var log = environment.stream().map(text -> text.replaceFirst(".*=", "")).collect(Collectors.joining("\n"));
        assertEquals(List.of("***", "***", "***", "***", "***", "***", "value-of-k13", "value-of-s11"),
                shown(environment, log));
        for (var field : Secrets.Field.KNOWN)
            if (field.concealed()) assertTrue(field.variable().matches(".*" + Secrets.NAMES), field.variable());
    }

    @Test
    void masks_the_longest_secret_first_and_skips_short_ones() throws IOException {
        var environment = List.of("A_SECRET=hunt", "B_SECRET=hunter22", "C_SECRET=abc", "D_SECRET=", "E_SECRET");
        assertEquals(List.of("it is *** and *** and abc"), shown(environment, "it is hunter22 and hunt and abc\n"));
    }

    @Test
    void shows_no_log_of_a_container_whose_secrets_are_unknown() throws IOException {
        Files.writeString(folder.resolve("log"), STAMP + "hunter22\n");
        assertEquals("", run(Docker.logTail("one", 10)));
        var said = run(new LogScript("ktrdr-core", List.of(), "200", "", false, Map.of()).text());
        assertTrue(said.contains("\tone\t!\tits secrets are unknown"), said);
        assertFalse(said.contains("hunter22"), said);
    }

    @Test
    void kept_failure_logs_mask_secrets_and_have_mode_600() throws IOException {
        Files.writeString(folder.resolve("environment"), "DB_PASSWORD=hunter22\n");
        Files.writeString(folder.resolve("log"),
                STAMP + "cannot log in with hunter22\n" + STAMP + "{\"password\": \"hunter22\"}\n");
        run(DeployJournal.keep(folder.toString(), ".ktrdr/failed/2026-01-01T100000Z", List.of("one", "two")));
        for (var name : List.of("one", "two")) {
            var kept = folder.resolve(".ktrdr/failed/2026-01-01T100000Z/" + name + ".log");
            assertEquals(List.of(STAMP + "cannot log in with ***", STAMP + "{\"password\": \"***\"}"),
                    Files.readAllLines(kept));
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(kept)));
        }
    }

    @Test
    void what_is_kept_of_failed_deployments_follows_no_link() throws IOException {
        Files.createDirectories(folder.resolve(".ktrdr"));
        Files.createSymbolicLink(folder.resolve(".ktrdr/failed"), Files.createDirectory(folder.resolve("elsewhere")));
        assertEquals(24, LocalCommand.command("sh", "-s")
                .input(Sh.whole(DeployJournal.keep(folder.toString(), ".ktrdr/failed/x", List.of("one")))).run()
                .exit());
        assertEquals(0, folder.resolve("elsewhere").toFile().list().length);
    }

    @Test
    void masks_a_secret_across_the_pieces_of_a_split_line() throws IOException {
        var line = "x".repeat(16_380) + "hunter22" + "y".repeat(100);
        var kept = STAMP + line.substring(0, 16_384) + STAMP + line.substring(16_384) + "\n";
        var hidden = "x".repeat(16_380) + "***" + "y".repeat(100);
        assertEquals(List.of(STAMP + hidden), shown(List.of("DB_PASSWORD=hunter22"), kept));
        var told = new ArrayList<String>();
        var node = new LogNode("core", new LogNode.Listener() {
            @Override
            public void line(LogMerge.Line line) {
                told.add(line.text());
            }

            @Override
            public void docker(String service, String text) {
                told.add("docker " + text);
            }

            @Override
            public void listed(Set<String> services) {}

            @Override
            public void live() {}
        });
        run(new LogScript("ktrdr-core", List.of(), "200", "", false, Map.of()).text()).lines().forEach(node::accept);
        assertEquals(List.of(hidden), told);
    }

    @Test
    void the_time_of_a_line_is_left_as_it_is() throws IOException {
        assertEquals(List.of(STAMP + "***-01"), shown(List.of("DB_PASSWORD=2026"), STAMP + "2026-01\n"));
    }

    @Test
    void no_secret_is_an_argument_of_docker_or_of_awk() throws IOException {
        Fixtures.program(folder.resolve("bin/awk"),
                "echo \"$*\" >>" + folder + "/asked\nenv >>" + folder + "/asked\nexec "
                        + LocalCommand.command("sh", "-c", "command -v awk").must().out().strip() + " \"$@\"");
        assertEquals(List.of("it is ***"), shown(List.of("DB_PASSWORD=hunter22"), "it is hunter22\n"));
        assertFalse(Files.readString(folder.resolve("asked")).contains("hunter22"));
        assertTrue(Files.readString(folder.resolve("asked")).contains("inspect --type container"), "it was asked");
    }
}
