package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import lab.Wait;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShTest {
    private static final List<String> NASTY = List.of("", " ", "'", "''", "\"", "\\", "\\'", "$HOME", "$(id)", "`id`",
            "a b", "a\nb", "\n", "-n",
            "*", "~", "!x", "#", ";", "&", "|", "<>", "{", "}", "]", "%s", "\\n", "\t", "é…漢\uD83D\uDE00",
            "\u0001\u007f", "a'\\''b", "EOF\n}\n");

    private record Ended(int exit, String out) {}

    @TempDir
    Path folder;

    /** The result of a shell whose input ends early, as when a connection is cut. */
    private static Ended sh(byte[] input) throws IOException, InterruptedException {
        var process = new ProcessBuilder("sh", "-s").redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try (var stdin = process.getOutputStream()) {
            stdin.write(input);
        }
        var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        return new Ended(process.exitValue(), out);
    }

    private static Ended sh(String script) throws IOException, InterruptedException {
        return sh(script.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void any_text_is_one_word() throws Exception {
        for (var text : NASTY) assertEquals(text, sh("printf %s " + Sh.quote(text)).out());
        assertEquals(NASTY.size() + "", sh("set -- " + Sh.words(NASTY) + "\necho $#").out().strip());
    }

    @Test
    void any_text_is_the_value_of_a_variable() throws Exception {
        for (var text : NASTY) assertEquals(text, sh(Sh.let("it", text) + "printf %s \"$it\"").out());
    }

    @Test
    void a_NUL_is_refused_and_so_is_a_name_that_is_none() {
        assertThrows(Problem.class, () -> Sh.quote("a\0b"));
        assertThrows(IllegalArgumentException.class, () -> Sh.let("a;id", "x"));
    }

    @Test
    void a_whole_script_stops_at_the_first_failure_without_stdin() throws Exception {
        assertEquals(new Ended(1, "a\n"), sh(Sh.whole("echo a\nfalse\necho b")));
        assertEquals(new Ended(0, "done\n"), sh(Sh.whole("cat\necho done")));
        assertEquals(0, sh(Sh.whole("true # a comment at the end")).exit());
    }

    @Test
    void a_script_cut_anywhere_does_nothing() throws Exception {
        var mark = folder.resolve("mark");
        var script = "touch " + Sh.quote(mark.toString()) + "\nexit 0\n}\ntouch " + Sh.quote(mark.toString()) + "\n";
        for (var whole : List.of(Sh.whole("touch " + Sh.quote(mark.toString()) + "\necho 'it''s'"),
                Sh.tethered(script))) {
            var bytes = whole.getBytes(StandardCharsets.UTF_8);
            int last = whole.lastIndexOf("\n}");
            for (int cut = 0; cut <= last; cut += cut > 250 && cut < last - 20 ? 7 : 1) {
                sh(Arrays.copyOf(bytes, cut));
                assertFalse(Files.exists(mark), "cut after " + cut + " bytes");
            }
        }
    }

    @Test
    void a_tethered_script_runs_while_its_input_is_open() throws Exception {
        var ended = tethered("echo one; echo two; exit 7", 1_000);
        assertEquals(new Ended(7, "one\ntwo\n"), ended);
    }

    @Test
    void a_tethered_script_and_its_children_end_with_its_input() throws Exception {
        var mark = folder.resolve("mark");
        long started = System.nanoTime();
        var ended = tethered("trap 'echo trapped; exit 9' TERM\n(sleep 4; touch " + mark + ") & \nwait", 300);
        assertEquals(new Ended(9, "trapped\n"), ended);
        Wait.millis(4_500 - (System.nanoTime() - started) / 1_000_000);
        assertFalse(Files.exists(mark));
    }

    @Test
    void nothing_of_a_tethered_script_is_in_argv_or_the_environment() throws Exception {
        var ended = tethered(
                "word=geheim''nis\nset -f\nfor pid in $PPID $$; do tr '\\0' ' ' </proc/$pid/cmdline; tr '\\0' ' ' "
                        + "</proc/$pid/environ; done", 1_000);
        assertTrue(ended.out().contains("sh -s"));
        assertFalse(ended.out().contains("geheim"));
    }

    /** Variables that shell startup files, /etc/environment or a service manager may set for every command. */
    private static final Map<String, String> POLLUTED = Map.ofEntries(Map.entry("IMAGE_TAG", "sha-2000002"),
            Map.entry("COMPOSE_PROJECT_NAME", "other"),
            Map.entry("COMPOSE_FILE", "other.yml"), Map.entry("COMPOSE_PROFILES", "x"),
            Map.entry("COMPOSE_ENV_FILES", "/x"), Map.entry("DOCKER_HOST", "tcp://127.0.0.1:1"),
            Map.entry("DOCKER_CONTEXT", "other"), Map.entry("DOCKER_CONFIG", "/x"),
            Map.entry("DOCKER_DEFAULT_PLATFORM", "linux/arm64"), Map.entry("TMPDIR", "/not there"),
            Map.entry("CDPATH", "/usr"), Map.entry("BASH_ENV", "/dev/stdin"), Map.entry("ENV", "/x"),
            Map.entry("IFS", "x"), Map.entry("POSIXLY_CORRECT", "1"),
            Map.entry("BASH_FUNC_docker%%", "() { echo not docker; }"), Map.entry("two\nlines", "IMAGE_TAG=x"),
            Map.entry("XIMAGE", "a\nIMAGE_TAG=x"));

    private static void pollute(ProcessBuilder process) {
        process.environment().putAll(POLLUTED);
        process.environment()
                .putAll(Map.of("HOME", "/home/it's", "LANG", "C.UTF-8", "PATH", "/opt/odd/bin:/usr/bin:/bin",
                        "https_proxy", "http://me:it's@proxy:3128"));
    }

    private static Set<String> names(String environment) {
        return environment.lines().map(line -> line.replaceFirst("=.*", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void a_script_gets_the_toolkits_environment_not_the_hosts() throws Exception {
        var process = new ProcessBuilder("sh", "-s").redirectErrorStream(true);
        pollute(process);
        var ended = tethered(process, "env; echo \"mask $(umask)\"; cd /; tr '\\0' '\\n' <\"/proc/$PPID/cmdline\"",
                2_000);
        var made = names(ended.out());
        made.removeIf(POLLUTED::containsKey);
        for (var name : POLLUTED.keySet())
            if (!name.equals("DOCKER_CONTEXT")) assertFalse(ended.out().contains("\n" + name + "="), ended.out());
        for (var line : List.of("HOME=/home/it's", "LANG=C.UTF-8", "https_proxy=http://me:it's@proxy:3128",
                "DOCKER_CONTEXT=default", "mask 0022"))
            assertTrue(ended.out().lines().toList().contains(line), ended.out());
        var path = ended.out().lines().filter(line -> line.startsWith("PATH=")).findFirst().orElseThrow();
        assertTrue(path.startsWith("PATH=/opt/odd/bin:/usr/bin:/bin:") && path.contains(":/usr/sbin"), path);
        assertTrue(Set.of("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "SUDO_USER",
                "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "https_proxy", "PWD", "OLDPWD", "SHLVL", "_",
                "mask 0022", "sh", "-s", "/bin/sh")
                .containsAll(made), made::toString);
    }

    @Test
    void a_secret_of_the_hosts_proxy_is_in_no_argument() throws Exception {
        var process = new ProcessBuilder("sh", "-s").redirectErrorStream(true);
        pollute(process);
        var ended = tethered(process,
                "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c 'me:it.s@pro[x]y' || :", 2_000);
        assertEquals("0\n", ended.out());
    }

    /** The script is an argument; its standard input carries data. */
    @Test
    void a_script_with_an_input_of_its_own_has_that_environment_too() throws Exception {
        var process = new ProcessBuilder("sh", "-c", Sh.alone("env; echo it''s; cat")).redirectErrorStream(true);
        pollute(process);
        var running = process.start();
        running.getOutputStream().write("bytes\n".getBytes(StandardCharsets.UTF_8));
        running.getOutputStream().close();
        var out = new String(running.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(out.endsWith("its\nbytes\n") && out.contains("HOME=/home/it's\n")
                && out.contains("DOCKER_CONTEXT=default\n"), out);
        for (var name : POLLUTED.keySet())
            if (!name.equals("DOCKER_CONTEXT")) assertFalse(("\n" + out).contains("\n" + name + "="), out);
        assertEquals(0, running.waitFor());
    }

    private static Ended tethered(String script, long openMillis) throws IOException, InterruptedException {
        return tethered(new ProcessBuilder("sh", "-s").redirectErrorStream(true), script, openMillis);
    }

    private static Ended tethered(ProcessBuilder shell, String script, long openMillis)
            throws IOException, InterruptedException {
        var process = shell.start();
        process.getOutputStream().write(Sh.tethered(script).getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        process.waitFor(openMillis, TimeUnit.MILLISECONDS);
        process.getOutputStream().close();
        var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        return new Ended(process.exitValue(), out);
    }
}
