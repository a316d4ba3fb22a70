package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.fleet.Fleet;
import ktrdr.logs.LogReader;
import ktrdr.logs.LogScript;
import ktrdr.release.History;
import ktrdr.release.HistoryScripts;
import ktrdr.shell.JavaShell;
import ktrdr.ssh.Ssh;
import ktrdr.ssh.SshRoute;
import ktrdr.ssh.SshTarget;
import ktrdr.status.FleetStatus;
import ktrdr.status.StatusFixtures;
import ktrdr.status.StatusWatch;
import lab.Wait;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Procedures that run for hours, against a server in this process: many rounds must not hold more resources than a few.
 * {@code ./ktrdr test long} runs 20 times as many, or 2000.
 */
@Tag("quiet")
class LongRunTest {
    private static final int TIMES = Boolean.getBoolean("ktrdr.long") ? 20 : 1;
    /** Watch rounds, or console lines. */
    private static final int ROUNDS = TIMES > 1 ? 2000 : 40;
    private static final String FOLLOWED = """
            case $1 in
              ps) echo one worker-1 ;;
              events) exec sleep 1000 ;;
              logs) date -u +%Y-%m-%dT%H:%M:%S.%NZ\\ line; case $* in *--follow*) exec sleep 1000 ;; esac ;;
            esac""";
    @TempDir Path folder;
    private final Console console = new Console(
            Invocation.into(OutputStream.nullOutputStream(), OutputStream.nullOutputStream()), Console.Color.never,
            false);
    private final Set<Path> before = left().collect(Collectors.toSet());
    @Started("0.0.0.0") private SshPeer peer;

    @BeforeEach
    void start() throws IOException {
        peer.programs(Files.createDirectories(folder.resolve("bin")));
        docker("exit 1");
    }

    private void docker(String script) throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), script);
    }

    private static void await(Wait.Condition condition, String what) {
        Wait.until(condition, () -> what);
    }

    @Test
    void a_long_watch_over_changing_networks_does_not_grow(TestReporter told) throws IOException {
        int rounds = ROUNDS;
        var seen = new ArrayList<Footprint>();
        var watcher = Thread.currentThread();
        var round = new AtomicInteger();
        try (var services = new HttpPeer((head, out) -> {
            out.write(HttpPeer.whole(200, "{}".getBytes()));
            return true;
        }); var http = new Http(Map.of(), Duration.ofSeconds(4));
                var fleet = peer.fleet(2, peer.port(), "services: {backend: {port: " + services.port() + "}}\n")) {
            var watched = new StatusWatch(console, true, Duration.ofMillis(1)).run(() -> {
                fleet.retry();
                var status = FleetStatus.look(fleet, http);
                int now = round.incrementAndGet();
                if (now == 10 || now == rounds) seen.add(Footprint.of(peer));
                if (now % 7 == 0) peer.cut();
                if (now == rounds) watcher.interrupt();
                return status;
            }, Optional.empty());
            assertTrue(watched.interrupted());
            assertEquals(3, watched.last().orElseThrow().nodes().size(),
                    () -> watched.last().orElseThrow().unreached().toString());
        }
        told.publishEntry("after 10 rounds and after " + rounds, seen.toString());
        seen.get(1).noMoreThan(seen.get(0));
    }

    @Test
    void a_node_that_slows_down_leaves_nothing_behind_on_either_side(TestReporter told) throws InterruptedException {
        try (var fleet = peer.fleet(1, peer.port(), "")) {
            fleet.run("true");
            var before = Footprint.of(peer);
            int slow = 0;
            for (int i = 0; i < 30 * TIMES; i++) {
                double seconds = i / 10.0;
                slow += fleet.each((node, ssh) -> ssh.run("sleep " + (node.name().equals("core") ? 0 : seconds),
                        Duration.ofMillis(300))).problems().size();
            }
            assertTrue(slow > 20 * TIMES, "they were given up: " + slow);
            await(() -> ProcessHandle.current().descendants().count() <= before.children(),
                    "what was given up ends on the node");
            var after = Footprint.of(peer);
            told.publishEntry("before and after " + slow + " answers that were too slow", before + "; " + after);
            after.noMoreThan(before);
        }
    }

    @Test
    void following_a_log_through_many_cuts_leaks_no_memory_or_files(TestReporter told) throws Exception {
        int cuts = 5 * TIMES;
        docker(FOLLOWED);
        var seen = new ArrayList<Footprint>();
        var lines = new AtomicInteger();
        try (var fleet = peer.fleet(1, peer.port(), "")) {
            var reader = new Thread(
                    () -> new LogReader(fleet, new LogReader.Query(List.of(), "all", "", true, text -> true), console,
                            (time, node, service, text) -> {
                                lines.incrementAndGet();
                                return true;
                            }).read());
            reader.start();
            for (int cut = 0; cut <= cuts; cut++) {
                int before = lines.get();
                if (cut > 0) peer.cut();
                await(() -> lines.get() >= before + 2, "it reads on after cut " + before);
                if (cut == 1 || cut == cuts) {
                    await(() -> folders() == 2 && peer.server.getActiveSessions().size() == 2,
                            "the folders of scripts that were cut off are gone");
                    seen.add(Footprint.of(peer));
                }
            }
            reader.interrupt();
            reader.join();
            await(() -> folders() == 0, "nothing is left");
        }
        told.publishEntry("after 1 cut and after " + cuts, seen.toString());
        seen.get(1).noMoreThan(seen.get(0));
    }

    @Test
    void a_log_cut_at_any_moment_leaves_no_folder_on_the_node() throws Exception {
        docker("case $1 in ps) echo one worker-1 ;; *) exec sleep 1000 ;; esac");
        for (int i = 0; i < 40 * TIMES; i++) {
            var resumed = i % 2 == 0 ? Map.of("one", "2026-01-01T10:00:00.01Z") : Map.<String, String>of();
            var shell = new ProcessBuilder("sh", "-s").redirectError(ProcessBuilder.Redirect.DISCARD);
            shell.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
            var script = shell.start();
            try (var stdin = script.outputWriter()) {
                stdin.write(Sh.tethered(new LogScript("ktrdr", List.of(), "0", "", true, resumed).text()));
                stdin.flush();
                Thread.sleep(i * 37 % 400);
                if (i % 3 == 0) script.destroyForcibly();
                script.getInputStream().close();
            }
        }
        await(() -> folders() == 0, "nothing is left");
    }

    /**
     * How many log script folders were added since the start. The test cannot set their location, because scripts
     * ignore the environment.
     */
    private long folders() {
        return left().filter(path -> !before.contains(path)).count();
    }

    private static Stream<Path> left() {
        try (var files = Files.list(Path.of("/tmp"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("ktrdr-logs.")).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void many_console_lines_use_no_more_connections_than_a_few(TestReporter told) throws IOException {
        int lines = ROUNDS;
        var seen = new ArrayList<Footprint>();
        var source = new BufferedReader(new StringReader("core.run(\"true\")\n".repeat(lines + 1))) {
            private int read;

            @Override
            public String readLine() throws IOException {
                if (read == 5 || read == lines) seen.add(Footprint.of(peer));
                read++;
                return super.readLine();
            }
        };
        assertEquals(Exit.OK, new JavaShell(Fixtures.inventory(peer.inventory(0, 0, "")), console)
                .run("test", source, false));
        told.publishEntry("after 5 lines and after " + lines, seen.toString());
        // JShell keeps about 90 KiB per line
        seen.get(1).noMoreThan(seen.get(0), (8 << 20) + lines * (160L << 10));
    }

    @Test
    void each_node_has_one_connection_and_none_after_closing(TestReporter told) throws InterruptedException {
        int nodes = 15 * TIMES;
        var before = Footprint.of(peer);
        var inventory = Fixtures.inventory(peer.inventory(nodes - 1, peer.port(), "")
                .replace("connect_timeout: 5s", "connect_timeout: 60s"));
        try (var fleet = new Fleet(inventory, inventory.nodes(), console)) {
            for (int round = 0; round < 3; round++) assertEquals(Map.of(), fleet.run("true").problems());
            var during = Footprint.of(peer);
            told.publishEntry(nodes + " nodes", before + "; " + during);
            assertEquals(nodes, during.sessions());
        }
        await(() -> peer.server.getActiveSessions().isEmpty(), "the connections are closed on both sides");
    }

    @Test
    void a_log_of_gigabytes_passes_through_a_process_of_32_megabytes() throws Exception {
        long lines = 100_000L * TIMES * TIMES;
        // one line per microsecond
        docker("""
                case $1 in
                  ps) echo one db ;;
                  logs) yes "2026-01-01T $(printf %%0250d 7)" | head -n %d | awk '{
                      printf "%%s%%02d:%%02d:%%02d.%%06d000Z%%s\\n", substr($0, 1, 11), NR / 3.6e9 %% 24, NR / 6e7 %% \
                60, NR / 1e6 %% 60, NR %% 1e6, substr($0, 12) }' ;;
                esac""".formatted(lines));
        var inventory = Fixtures.file(peer.inventory(0, 0, ""));
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xmx32m",
                "-XX:+ExitOnOutOfMemoryError", "-cp",
                System.getProperty("java.class.path"), "Logs", "core", "--tail", "all", "-i", inventory.toString())
                .redirectError(folder.resolve("err").toFile()).start();
        try (var said = process.inputReader()) {
            assertEquals(lines, said.lines().count(), Files.readString(folder.resolve("err")));
        }
        assertEquals(0, process.waitFor());
    }

    @Test
    void a_history_of_100_000_lines_is_read_by_its_end(TestReporter told) throws IOException {
        Files.createDirectories(folder.resolve(".ktrdr"));
        try (var history = Files.newBufferedWriter(folder.resolve(".ktrdr/releases.jsonl"))) {
            var line = StatusFixtures.entry("run-", "sha-1", History.Ending.DEPLOYED,
                    List.of("backend", "db", "grafana", "jaeger", "prometheus")).json() + "\n";
            for (int i = 0; i < 100_000; i++) history.write(line.replace("run-", "run-" + i));
        }
        var said = LocalCommand.command("sh")
                .input(Sh.whole(Sh.let("directory", folder.toString()) + Facts.SAY + History.script()
                        + "say end yes\n")).must().out();
        told.publishEntry("answer", said.length() + " bytes of " + Files.size(folder.resolve(".ktrdr/releases.jsonl")));
        assertTrue(said.length() < 200_000, "what a node answers is as long as ever: " + said.length());
        var history = History.parse(Facts.parse(said));
        assertEquals(100, history.entries().size());
        assertEquals("run-99999", history.current().orElseThrow().id());
        var next = StatusFixtures.entry("next", "sha-next", History.Ending.DEPLOYED, List.of("backend"));
        LocalCommand.command("sh")
                .input(Sh.whole("cd " + Sh.quote(folder.toString()) + "\n" + HistoryScripts.end(next))).must();
        try (var all = Files.lines(folder.resolve(".ktrdr/releases.jsonl"))) {
            assertEquals(100_001, all.count(), "none is lost with the next");
        }
    }

    @Test
    void following_sends_signs_of_life_that_reveal_a_silent_death() throws IOException {
        docker("[ $1 != events ] || exec sleep 1000");
        Fixtures.program(folder.resolve("bin/sleep"), "[ $1 = 60 ] || exec /bin/sleep \"$@\"");
        var followed = Thread.currentThread();
        try (var ssh = peer.connect()) {
            assertThrows(Problem.class,
                    () -> ssh.run(new LogScript("ktrdr", List.of(), "0", "", true, Map.of()).text(), line -> {
                        if (LogScript.Piece.parse(line).kind() == LogScript.Kind.ALIVE) followed.interrupt();
                    }, Duration.ofSeconds(20)));
            assertTrue(Thread.interrupted(), "nothing was heard of it");
        }
    }

    /** A separate process that runs a script, waits for a line, and runs another script over the same connection. */
    static final class Sleeper {
        public static void main(String... args) throws IOException {
            var target = SshTarget.named("b", "127.0.0.1").port(Integer.parseInt(args[1])).user("root")
                    .connectTimeout(Duration.ofSeconds(60)).build();
            try (var ssh = Ssh.connect(target, new SshRoute.Surroundings(Path.of(args[0]), Map.of(),
                    Duration.ofSeconds(4), Path.of(args[0], "none")))) {
                System.out.print(ssh.must("echo before"));
                System.in.read();
                System.out.print(ssh.must("echo after"));
                System.in.read();
            }
        }
    }

    @Test
    void a_process_keeps_its_connections_after_a_pause() throws Exception {
        var sleeper = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp",
                System.getProperty("java.class.path"), Sleeper.class.getName(),
                peer.home.toString(), String.valueOf(peer.port())).redirectErrorStream(true).start();
        try (var said = sleeper.inputReader()) {
            assertEquals("before", said.readLine());
            SshPeer.sh("kill", "-STOP", String.valueOf(sleeper.pid()));
            // longer than the keepalive timeout of a connection
            Wait.millis(7000);
            SshPeer.sh("kill", "-CONT", String.valueOf(sleeper.pid()));
            sleeper.getOutputStream().write('\n');
            sleeper.getOutputStream().flush();
            assertEquals("after", said.readLine());
            assertEquals(1, peer.server.getActiveSessions().size());
        } finally {
            sleeper.destroyForcibly();
        }
    }
}
