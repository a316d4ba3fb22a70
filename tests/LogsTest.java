import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * logs with containers that write what the test dictates. They act as a worker that the fleet has room for but does not
 * run.
 */
@Tag("fleet")
class LogsTest {
    private static final String SERVICE = "training-worker-3";
    /** A leftover process or folder of the toolkit on the node. */
    private static final String LEFT =
            "pgrep -af 'docker (logs|events)' || :; find /tmp -maxdepth 1 -name 'tmp.*' -newer /opt/logs-test";
    /** Number of containers so far: each has its own secret. */
    private static int made;
    @TempDir Path folder;

    @BeforeAll
    static void two_containers_write() {
        for (var host : List.of("workers-b", "workers-c")) {
            World.on(host, "touch /opt/logs-test");
            make(host);
        }
    }

    @AfterAll
    static void they_are_gone() {
        for (var host : List.of("workers-b", "workers-c"))
            World.on(host, "docker rm -f logs-test >/dev/null 2>&1; rm -f /opt/logs-test");
    }

    private static void make(String host) {
        World.on(host, "docker rm -f logs-test >/dev/null 2>&1 || :\n"
                + "docker run -d --name logs-test -e KTRDR_DB_PASSWORD=hunter-" + ++made +
                " --label com.docker.compose.project=ktrdr-workers --label com.docker.compose.service=" + SERVICE
                + " --entrypoint sh $(docker inspect --format '{{.Image}}' backtest-worker-1) -c 'trap \"exit 0\" "
                + "TERM; while :; do sleep 0.2; done' >/dev/null");
    }

    /** Runs shell lines inside the container; {@code out} and {@code err} write to its log. */
    private static void inside(String host, String script) {
        World.on(host, "docker exec -i logs-test sh -eu <<'INSIDE'\nout() { printf '%s\\n' \"$1\" >/proc/1/fd/1; "
                + "}\nerr() { printf '%s\\n' \"$1\" >/proc/1/fd/2; }\n" + script + "\nINSIDE\n");
    }

    private static List<JsonNode> parse(String lines) {
        return lines.lines().map(line -> {
            try {
                return new ObjectMapper().readTree(line);
            } catch (java.io.IOException e) {
                throw new AssertionError(line, e);
            }
        }).toList();
    }

    private static List<String> texts(String lines, String beginning) {
        return parse(lines).stream().map(line -> line.path("line").asText()).filter(line -> line.startsWith(beginning))
                .toList();
    }

    private static void await(Path file, String word) {
        Wait.until(() -> end(file).contains(word), () -> "no \"" + word + "\" in " + file);
    }

    /** The last characters of a file that may be large. */
    private static String end(Path file) throws java.io.IOException {
        if (!Files.exists(file)) return "";
        try (var bytes = Files.newByteChannel(file)) {
            bytes.position(Math.max(0, bytes.size() - 16_000));
            return new String(java.nio.channels.Channels.newInputStream(bytes).readAllBytes(),
                    java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    @Test
    void lines_of_two_nodes_come_in_order_whatever_they_are() {
        for (int i = 0; i < 6; i++)
            inside(i % 2 == 0 ? "workers-b" : "workers-c", "out 'order " + i + "a'; sleep 0.1; err 'order " + i + "b'");
        inside("workers-b",
                "out \"long $(head -c 200000 /dev/zero | tr '\\0' x)\"; printf '\\033[2J\\033]0;evil\\007 "
                        + "order-escape\\n' >/proc/1/fd/1");
        inside("workers-c", "printf 'order without end' >/proc/1/fd/1; sleep 0.1; out ' but now'");
        var ran = ktrdr("logs", "workers", SERVICE, "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var lines = parse(ran.out());
        var times = lines.stream().map(line -> line.path("time").asText()).toList();
        assertEquals(times.stream().sorted().toList(), times);
        var order = lines.stream().filter(line -> line.path("line").asText().matches("order \\d."))
                .map(line -> line.path("node").asText() + " " + line.path("line").asText()).toList();
        var expected = IntStream.range(0, 6).boxed()
                .flatMap(i -> List.of("a", "b").stream()
                        .map(end -> (i % 2 == 0 ? "workers-b" : "workers-c") + " order " + i + end)).toList();
        assertEquals(expected, order);
        var huge = lines.stream().map(line -> line.path("line").asText()).filter(line -> line.startsWith("long"))
                .findFirst().orElseThrow();
        assertTrue(huge.matches("long x{65000,65531}… 134 KB more"),
                huge.substring(0, 20) + " … " + huge.substring(huge.length() - 40));
        assertTrue(ran.out().contains("order without end but now"), ran::toString);
        var shown = ktrdr("logs", "B", SERVICE, "--grep", "order-|order 4", "--color", "always").run();
        assertEquals(3, shown.out().lines().count(), shown::toString);
        assertTrue(shown.out().contains("\033[36mworkers-b " + SERVICE + "\033[0m | ␛[2J␛]0;evil␇ order-escape"),
                shown::toString);
    }

    @Test
    void tail_since_and_a_stopped_container() {
        // more lines than the default limit
        inside("workers-c",
                "out 'cut 1'; for i in $(seq 220); do out between; done; sleep 2; out 'cut 2'; out 'cut 3'; sleep 1.1");
        World.on("workers-c", "docker stop -t 1 logs-test >/dev/null");
        try {
            assertEquals(List.of("cut 3"),
                    texts(ktrdr("logs", "C", SERVICE, "--tail", "1", "-o", "json").run().out(), ""));
            assertEquals(List.of("cut 1"),
                    texts(ktrdr("logs", "C", SERVICE, "--grep", "cut 1", "-o", "json").run().out(), ""));
            var written = parse(ktrdr("logs", "C", SERVICE, "--grep", "cut 2", "-o", "json").run().out()).get(0)
                    .path("time").asText();
            assertEquals(List.of("cut 2", "cut 3"),
                    texts(ktrdr("logs", "C", SERVICE, "--since", written, "-o", "json").run().out(), ""));
            // Docker reads a duration to the second
            assertEquals(List.of(), texts(ktrdr("logs", "C", SERVICE, "--since", "1ms", "-o", "json").run().out(), ""));
        } finally {
            World.on("workers-c", "docker start logs-test >/dev/null");
        }
    }

    @Test
    void following_survives_restart_replacement_and_cut_without_loss() throws Exception {
        inside("workers-b", "for i in 0 1 2; do out \"step $i\"; done");
        var said = folder.resolve("out");
        var follow = ktrdr("logs", "workers", SERVICE, "-f", "-o", "json").processBuilder()
                .redirectError(folder.resolve("err").toFile()).redirectOutput(said.toFile()).start();
        await(said, "step 2");
        inside("workers-b", "out 'step 3'");
        World.on("workers-b", "docker restart -t 1 logs-test >/dev/null");
        // Docker reads stdout and stderr separately, so the order of simultaneous lines is undefined
        inside("workers-b", "out 'step 4'; sleep 0.1; err 'step 5'");
        await(said, "step 5");
        make("workers-b");
        inside("workers-b", "out 'step 6'");
        await(said, "step 6");
        World.on("workers-b", "pkill -f 'sshd.*@notty'");
        inside("workers-b", "out 'step 7'");
        await(folder.resolve("err"), "workers-b  logs     the connection was lost; connecting again");
        inside("workers-b", "out 'step 8'");
        World.on("workers-b", "docker kill logs-test >/dev/null; docker start logs-test >/dev/null");
        inside("workers-b", "out 'step 9'");
        await(said, "step 9");
        World.signal(follow.pid(), "INT");
        assertTrue(follow.waitFor(3, TimeUnit.SECONDS), "Ctrl-C ends it at once");
        assertEquals(130, follow.exitValue());
        assertEquals(IntStream.range(0, 10).mapToObj(i -> "step " + i).toList(), texts(Files.readString(said), "step"),
                () -> "what was told");
        for (var host : List.of("workers-b", "workers-c")) {
            var left = World.on(host, "for i in $(seq 30); do left=$(" + LEFT
                    + "); [ -n \"$left\" ] || exit 0; sleep 0.1; done; printf '%s' \"$left\"");
            assertEquals("", left, host);
        }
    }

    @Test
    void following_masks_the_secrets_of_old_and_new_containers() throws Exception {
        var said = folder.resolve("out");
        var follow = ktrdr("logs", "B", SERVICE, "-f").processBuilder().redirectError(folder.resolve("err").toFile())
                .redirectOutput(said.toFile()).start();
        inside("workers-b", "out \"former $KTRDR_DB_PASSWORD end\"");
        await(said, "former *** end");
        make("workers-b");
        inside("workers-b",
                "out \"next $KTRDR_DB_PASSWORD end\"; err \"{\\\"password\\\": \\\"$KTRDR_DB_PASSWORD\\\"}\"");
        await(said, "next *** end");
        await(said, "{\"password\": \"***\"}");
        World.signal(follow.pid(), "INT");
        assertTrue(follow.waitFor(3, TimeUnit.SECONDS), "Ctrl-C ends it at once");
        assertFalse(Files.readString(said).contains("hunter-"), () -> "a secret in what was told");
    }

    @Test
    void a_flood_is_shown_whole_in_little_memory() throws Exception {
        var said = folder.resolve("out");
        var follow = ktrdr("logs", "workers", SERVICE, "-f", "--tail", "0").env("JAVA_TOOL_OPTIONS", "-Xmx64m")
                .processBuilder()
                .redirectErrorStream(true).redirectOutput(said.toFile()).start();
        inside("workers-c", "for i in $(seq 40); do out \"ready $i\"; sleep 0.1; done");
        await(said, "ready");
        var line = IntStream.range(0, 40).mapToObj(i -> "flood").collect(Collectors.joining());
        inside("workers-c", "yes " + line + " | head -n 200000 >/proc/1/fd/1; out 'it is over'");
        await(said, "it is over");
        World.signal(follow.pid(), "INT");
        assertTrue(follow.waitFor(3, TimeUnit.SECONDS), "Ctrl-C ends it at once");
        try (var lines = Files.lines(said)) {
            assertEquals(200_000, lines.filter(shown -> shown.endsWith("| " + line)).count());
        }
        make("workers-c");
    }

    @Test
    void an_unreachable_node_exits_3_and_the_others_are_shown() {
        inside("workers-b", "out 'here'");
        var inventory = World.inventory(folder, "10.42.1.12", "10.42.1.99", "connect_timeout: 5s",
                "connect_timeout: 1s").toString();
        var ran = refused(3, ktrdr("logs", "workers", SERVICE, "-i", inventory).run(), "error: workers-c");
        assertTrue(ran.out().contains("workers-b " + SERVICE + " | here"), ran::toString);
    }

    @Test
    void a_service_without_a_container_makes_it_1_and_wrong_words_2() {
        var ran = refused(1, ktrdr("logs", "workers", "backtest-worker-3", "backtest-worker-1").run(),
                "error: there is no container of backtest-worker-3 on workers-b, workers-c");
        assertTrue(ran.out().contains("workers-c backtest-worker-1 | "), ran::toString);
        refused(2, ktrdr("logs", "B", "backtest-worker-11").run(), "did you mean backtest-worker-1?");
        refused(2, ktrdr("logs", "B", "--grep", "(").run(), "--grep is not a regular expression");
        assertFalse(ran.err().contains("unexpected"), ran::toString);
    }
}
