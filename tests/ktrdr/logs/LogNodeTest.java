package ktrdr.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Recorded;
import ktrdr.Sh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log script, run by a real shell with a stand-in for docker, and its parsed answer. */
class LogNodeTest {
    private static final String AT = "2026-01-01T10:00:00.";
    @TempDir Path folder;
    private final List<String> told = new ArrayList<>();
    private final LogNode node = new LogNode("b", new LogNode.Listener() {
        @Override
        public void line(LogMerge.Line line) {
            told.add(line.service() + " " + line.text());
        }

        @Override
        public void docker(String service, String text) {
            told.add("docker " + service + " " + text);
        }

        @Override
        public void listed(Set<String> services) {
            told.add("listed " + services.stream().sorted().toList());
        }

        @Override
        public void live() {
            told.add("live");
        }
    });

    private static LogScript script(List<String> services, boolean follow, Map<String, String> resumed) {
        return new LogScript("ktrdr-workers", services, "200", "", follow, resumed);
    }

    /** Runs the script with a stand-in docker that has these two logs, and forwards its output. */
    private void run(LogScript script, String text, String two) throws IOException {
        Files.writeString(folder.resolve("one"), text);
        Files.writeString(folder.resolve("two"), two);
        Fixtures.program(folder.resolve("docker"), """
                case $1 in
                  ps) printf 'two worker-2\\none worker-1\\n' ;;
                  logs) for id; do :; done; echo "$*" >>%1$s/asked; cat "%1$s/$id"; [ "$id" = one ] || echo 'it \
                cannot be read' >&2 ;;
                esac
                """.formatted(folder));
        LocalCommand.command("sh", "-s")
                .input("PATH=" + folder + ":$PATH; TMPDIR=" + folder + "; export TMPDIR\n" + Sh.whole(script.text()))
                .must().out().lines().forEach(node::accept);
        try (var left = Files.list(folder)) {
            assertEquals(0, left.filter(Files::isDirectory).count(), "its folder is gone");
        }
    }

    @Test
    void the_logs_of_a_node_come_in_order_with_what_docker_said() throws IOException {
        run(script(List.of(), false, Map.of()), AT + "100000000Z a\n" + AT + "300000000Z c\tc  \n",
                AT + "200000000Z b\n" + AT + "400000000Z \n");
        assertEquals(List.of("listed [worker-1, worker-2]", "worker-1 a", "worker-2 b", "worker-1 c\tc  ", "worker-2 ",
                "docker worker-2 it cannot be read"), told);
        assertTrue(Files.readString(folder.resolve("asked")).contains("logs --timestamps --tail 200 one"));
    }

    @Test
    void removes_the_folder_of_a_killed_script_on_the_next_run() throws IOException {
        // no process has this number
        Files.createDirectories(folder.resolve("ktrdr-logs.99999999.abcdef/one.busy"));
        run(script(List.of(), false, Map.of()), "", "");
    }

    @Test
    void only_the_services_asked_for_are_read() throws IOException {
        run(script(List.of("worker-1"), false, Map.of()), AT + "100000000Z a\n", AT + "200000000Z b\n");
        assertEquals(List.of("listed [worker-1, worker-2]", "worker-1 a"), told);
    }

    @Test
    void joins_a_line_that_was_split_and_keeps_its_characters_whole() throws IOException {
        var stamp = AT + "100000000Z ";
        var long1 = "ä".repeat(8192);
        run(script(List.of("worker-1"), false, Map.of()), stamp + long1 + stamp + long1 + stamp + "end\n", "");
        assertEquals("worker-1 " + long1 + long1 + "end", told.get(1));
    }

    @Test
    void a_line_without_an_end_is_cut_at_64_ki_characters() throws IOException {
        run(script(List.of("worker-1"), false, Map.of()), AT + "1Z " + "x".repeat(100_000) + "\n" + AT + "2Z b\n", "");
        assertEquals("worker-1 " + "x".repeat(65_536) + "… 34 KB more", told.get(1));
        assertEquals("worker-1 b", told.get(2));
    }

    @Test
    void resumes_after_a_cut_and_repeats_no_line() throws IOException {
        node.accept(AT + "000000000Z\tone\t@\tworker-1");
        node.accept(AT + "100000000Z\tone\t\ta");
        node.accept(AT + "200000000Z\tone\t\tb");
        node.accept(AT + "300000000Z\tone\t+\tof this only a piece");
        assertEquals(Map.of("one", AT + "10Z"), node.resume());
        node.accept(AT + "900000000Z\tone\t@\tworker-1");
        node.accept(AT + "900000000Z\ttwo\t*\tworker-2");
        node.accept(AT + "900000000Z\t\t~\t");
        node.accept(AT + "900000000Z\tone\t>\t" + AT + "10Z");
        for (var line : List.of("100000000Z\tone\t\ta", "200000000Z\tone\t\tb", "300000000Z\tone\t\tc",
                "100000000Z\ttwo\t\tnew")) node.accept(AT + line);
        assertEquals(List.of("worker-1 a", "worker-1 b", "live", "worker-1 c", "worker-2 new"), told);
        assertEquals(Map.of("one", AT + "20Z", "two", AT + "10Z"), node.resume());
    }

    @Test
    void what_is_no_line_of_the_answer_is_refused() {
        assertThrows(Problem.class, () -> node.accept("bash: docker: command not found"));
        assertThrows(Problem.class, () -> node.accept("t\tid\t?\ttext"));
        assertThrows(Problem.class, () -> node.accept("t\tunknown\t\ttext"));
    }

    @Test
    void the_script_is_clean_under_shellcheck() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        for (var resumed : List.of(Map.<String, String>of(), Map.of("id", "2026-01-01T10:00:00.01Z"))) {
            var said = LocalCommand.command("shellcheck", "-S", "warning", "-")
                    .input("#!/bin/sh\nset -eu\n" + script(List.of("db"), true, resumed).text()).run();
            assertTrue(said.ok(), said.out());
        }
    }

    @Test
    void the_scripts_are_as_they_were_recorded() {
        var followed = new LogScript("ktrdr", List.of("db"), "10", "90s", true, Map.of());
        Recorded.same(LogNodeTest.class, "logs-followed.sh", followed.text());
        var resumed = new LogScript("ktrdr", List.of(), "all", "", true, Map.of("id", "2026-01-01T10:00:00.01Z"));
        Recorded.same(LogNodeTest.class, "logs-resumed.sh", resumed.text());
    }
}
