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
import java.util.concurrent.TimeUnit;
import lab.Wait;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShTest {
    private static final List<String> NASTY = List.of("", " ", "'", "''", "\"", "\\", "\\'", "$HOME", "$(id)", "`id`", "a b", "a\nb", "\n", "-n",
            "*", "~", "!x", "#", ";", "&", "|", "<>", "{", "}", "]", "%s", "\\n", "\t", "é…漢\uD83D\uDE00", "\u0001\u007f", "a'\\''b", "EOF\n}\n");

    private record Ended(int exit, String out) {}

    @TempDir
    Path folder;

    /** What a shell of this machine makes of an input that ends, as when a connection is cut. */
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
    void a_whole_script_stops_at_the_first_failure_and_has_no_standard_input() throws Exception {
        assertEquals(new Ended(1, "a\n"), sh(Sh.whole("echo a\nfalse\necho b")));
        assertEquals(new Ended(0, "done\n"), sh(Sh.whole("cat\necho done")));
        assertEquals(0, sh(Sh.whole("true # a comment at the end")).exit());
    }

    @Test
    void a_script_cut_anywhere_does_nothing() throws Exception {
        var mark = folder.resolve("mark");
        var script = "touch " + Sh.quote(mark.toString()) + "\nexit 0\n}\ntouch " + Sh.quote(mark.toString()) + "\n";
        for (var whole : List.of(Sh.whole("touch " + Sh.quote(mark.toString()) + "\necho 'it''s'"), Sh.tethered(script))) {
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
        var ended = tethered("word=geheim''nis\nset -f\nfor pid in $PPID $$; do tr '\\0' ' ' </proc/$pid/cmdline; tr '\\0' ' ' </proc/$pid/environ; done", 1_000);
        assertTrue(ended.out().contains("sh -s"));
        assertFalse(ended.out().contains("geheim"));
    }

    private static Ended tethered(String script, long openMillis) throws IOException, InterruptedException {
        var process = new ProcessBuilder("sh", "-s").redirectErrorStream(true).start();
        process.getOutputStream().write(Sh.tethered(script).getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        process.waitFor(openMillis, TimeUnit.MILLISECONDS);
        process.getOutputStream().close();
        var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        return new Ended(process.exitValue(), out);
    }
}
