import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import ktrdr.LocalCommand;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** status with a healthy fleet, and with faults. */
@Tag("fleet")
class StatusTest {
    private static final String TAG = "sha-1000001";
    private static final String STACK = "/opt/ktrdr-workers-b";
    @TempDir Path folder;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
        Aftermath.well();
    }

    private static Ran json(int exit) {
        var ran = ktrdr("status", "-o", "json").run();
        assertEquals(exit, ran.exit(), ran::toString);
        return ran;
    }

    /** Creates another run's lock, with a last heartbeat this many seconds ago. */
    private static void lock(String host, int seconds) {
        World.on(host, "mkdir -p /opt/ktrdr-" + host + "/.ktrdr/lock; cd /opt/ktrdr-" + host +
                "/.ktrdr/lock; id=$(jq -r .id ../deploying 2>/dev/null || echo x); echo $id >id\n"
                + "echo "
                + "'{\"id\":\"'$id'\",\"who\":\"karl@laptop\",\"since\":\"2026-01-01T10:00:00Z\",\"what\":\"deploy "
                + "all sha-9\"}' >owner\n"
                + "echo $(($(cut -d . -f 1 /proc/uptime) - " + seconds + ")) >beat");
    }

    private static void unlock(String host) {
        World.on(host, "rm -rf /opt/ktrdr-" + host + "/.ktrdr/lock");
    }

    @Test
    void a_fleet_that_is_well_ends_with_0_and_nothing_is_changed() {
        var before = World.everything();
        var ran = json(0);
        assertEquals(before, World.everything());
        var status = ran.json();
        assertTrue(status.path("ok").asBoolean(), ran::toString);
        assertEquals(List.of("core", "workers-b", "workers-c"), status.path("nodes").findValuesAsText("node"));
        for (var node : status.path("nodes")) {
            var host = node.path("node").asText();
            assertEquals(TAG, node.path("release").asText(), node::toString);
            assertEquals("{\"files\":[],\"services\":[],\"staged\":false}", node.path("drift").toString(), host);
            assertEquals(World.containers(host).size() - 1, node.path("containers").size(),
                    "all but node-exporter, which is none of the stack: " + host);
            assertTrue(World.history(host).strip()
                    .endsWith("\"outcome\":\"" + node.path("last").path("outcome").asText() + "\"}"), node::toString);
            assertTrue(node.path("memory_used_bytes").asLong() > 0 && node.path("disk_free_bytes").path("/").asLong()
                    > 0 && node.path("lock").isNull(), node::toString);
        }
        assertEquals(4, status.path("workers").path("workers-b").size(), ran::toString);
        assertEquals(2, status.path("workers").path("workers-c").size(), ran::toString);
        assertEquals("{\"up\":10,\"expected\":10}", status.path("targets").toString());
    }

    @Test
    void without_a_backup_it_says_so() {
        var ran = ktrdr("status").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.out().contains("no backup yet in /srv/ktrdr-shared/db-backups on core"), ran::toString);
    }

    private static JsonNode usage() {
        var ran = ktrdr("status", "--usage", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var all = new HashMap<String, JsonNode>();
        for (var node : ran.json().path("nodes")) for (var used : node.path("usage"))
            all.put(node.path("node").asText() + " " + used.path("service").asText(), used);
        assertEquals(11, all.size(), all::toString);
        assertTrue(all.get("core db").path("volumes_bytes").asLong() > 5_000_000, all::toString);
        assertTrue(all.values().stream()
                .allMatch(used -> used.path("memory_used_bytes").asLong() > 0 && used.path("log_bytes").asLong() > 0),
                all::toString);
        return all.get("workers-c training-worker-1");
    }

    @Test
    void shows_the_memory_cpu_and_disk_growth_of_a_container() {
        var before = usage();
        World.on("workers-c",
                "docker exec training-worker-1 sh -c 'head -c 30000000 /dev/zero >/tmp/eaten; for i in $(seq 2000); "
                        + "do echo eaten >/proc/1/fd/1; done'\n"
                + "docker exec -d training-worker-1 sh -c 'x=$(head -c 40000000 /dev/zero | tr \"\\0\" a); touch "
                + "/tmp/full; timeout 60 sh -c \"while :; do :; done\"'\n"
                + "until docker exec training-worker-1 test -e /tmp/full; do sleep 0.2; done");
        try {
            var after = usage();
            assertTrue(after.path("written_bytes").asLong() - before.path("written_bytes").asLong() >= 30_000_000,
                    () -> before + "\n" + after);
            assertTrue(after.path("memory_used_bytes").asLong() - before.path("memory_used_bytes").asLong()
                    >= 40_000_000, () -> before + "\n" + after);
            assertTrue(after.path("log_bytes").asLong() - before.path("log_bytes").asLong() >= 2000 * 6,
                    () -> before + "\n" + after);
            // on a busy machine it gets only part of a processor
            assertTrue(after.path("cpu_used").asDouble() > 0.1 + before.path("cpu_used").asDouble(),
                    () -> before + "\n" + after);
        } finally {
            World.on("workers-c",
                    "docker exec training-worker-1 sh -c 'rm -f /tmp/eaten /tmp/full'; pkill -f 'timeout 60 sh -c "
                            + "while'");
        }
    }

    @Test
    void the_newest_backup_is_told_with_its_age() {
        World.on("core", "cd /srv/ktrdr-shared/db-backups; printf 12345 >ktrdr-20260101.dump.gz; touch -d '3 hours "
                + "ago' ktrdr-20260101.dump.gz\n"
                + "touch ktrdr-20260101.dump.gz.sha256 ktrdr-20260101.json note.txt ktrdr-20260102.dump.gz");
        try {
            var backup = json(0).json().path("backup");
            assertEquals("ktrdr-20260101.dump.gz 5",
                    backup.path("file").asText() + " " + backup.path("bytes").asLong());
            assertEquals(3, Math.round(backup.path("age_seconds").asLong() / 3600.0));
        } finally {
            World.on("core", "cd /srv/ktrdr-shared/db-backups; rm -f ktrdr-20260101.* note.txt ktrdr-20260102.dump.gz");
        }
    }

    /** As if the run that has the lock had been killed during a deployment. */
    private static void unfinished() {
        World.on("workers-b",
                "cd " + STACK + "/.ktrdr; tail -n 1 releases.jsonl | sed "
                        + "'s/\"outcome\":\"[a-z-]*\"/\"outcome\":\"interrupted\"/' >deploying");
    }

    private static void finished() {
        World.on("workers-b", "rm -f " + STACK + "/.ktrdr/deploying");
        unlock("workers-b");
    }

    @Test
    void what_is_not_well_is_told_each_with_the_command_that_helps() {
        World.on("workers-c",
                "cp -p /opt/ktrdr-workers-c/.env.workers /root/kept; echo '# by hand' "
                        + ">>/opt/ktrdr-workers-c/.env.workers\n"
                + "image=$(docker inspect --format '{{.Image}}' backtest-worker-1)\n"
                + "docker create --name stray --label com.docker.compose.project=ktrdr-workers --label "
                + "com.docker.compose.service=stray $image >/dev/null");
        unfinished();
        lock("workers-b", 100);
        try {
            var failing = json(1).failing();
            assertEquals(Set.of("workers-b.deployment", "workers-b.lock", "workers-c.files", "workers-c.services"),
                    failing.keySet());
            assertTrue(failing.get("workers-b.deployment").contains("did not report its end"), failing::toString);
            assertEquals(".env.workers was changed", failing.get("workers-c.files"));
            assertEquals("stray is not part of the stack: the container stray", failing.get("workers-c.services"));
            refused(1, ktrdr("status").run(), "error: workers-b.deployment does not hold",
                    "jbang rollback@ktrdr workers B, or deploy again",
                    "error: workers-c.files does not hold", "jbang stage@ktrdr workers C --check",
                    "on workers-c, if it is not needed: docker rm -f stray");
        } finally {
            World.on("workers-c", "docker rm -f stray >/dev/null; mv /root/kept /opt/ktrdr-workers-c/.env.workers");
            finished();
        }
    }

    @Test
    void a_held_lock_and_a_running_deployment_are_shown_as_healthy() {
        unfinished();
        lock("workers-b", 2);
        try {
            var held = ktrdr("status").run();
            assertEquals(0, held.exit(), held::toString);
            assertTrue(held.out()
                    .contains("workers-b: karl@laptop since 2026-01-01T10:00:00Z: deploy all sha-9; last heartbeat "),
                    held::toString);
            assertTrue(held.out().lines().anyMatch(line -> line.matches("workers-b .* running .* held")),
                    held::toString);
        } finally {
            finished();
        }
    }

    @Test
    void a_node_that_is_frozen_makes_it_3_and_the_others_are_told() {
        World.pause("workers-c");
        try {
            var ran = refused(3, ktrdr("status").run(), "error: workers-c.ssh does not hold");
            assertTrue(ran.out().contains("workers-c  not reached") && ran.out().contains("backend answers"),
                    ran::toString);
        } finally {
            World.unpause("workers-c");
        }
    }

    @Test
    void without_a_terminal_each_refresh_is_one_line_plus_a_summary() throws Exception {
        var said = folder.resolve("said");
        var watch = ktrdr("status", "--watch", "--interval", "1s").processBuilder().redirectErrorStream(true)
                .redirectOutput(said.toFile()).start();
        await(said, "  ok  ");
        World.on("workers-c", "docker stop -t 1 training-worker-1 >/dev/null");
        try {
            await(said, "NOT WELL");
            // Prometheus scrapes every 15 s
            await(said, "9 of 10 targets");
        } finally {
            World.on("workers-c", "docker start training-worker-1 >/dev/null");
            Aftermath.noMisses();
        }
        await(said, "10 of 11 containers", "11 of 11 containers, 6 of 6 workers, 10 of 10 targets");
        World.signal(watch.pid(), "TERM");
        assertTrue(watch.waitFor(20, TimeUnit.SECONDS));
        var text = Files.readString(said);
        assertEquals(130, watch.exitValue(), text);
        assertTrue(text.lines().filter(line -> line.matches("\\d{4}-.*Z  (ok|NOT WELL)  3 of 3 nodes, .*")).count() > 3,
                text);
        assertTrue(text.lines()
                .anyMatch(line ->
                        line.matches("workers-c training-worker-1 container +\\S+Z exited, last exit code \\d+, "
                                + ".*running.*")), text);
        assertTrue(text.lines()
                .anyMatch(line ->
                        line.matches("target workers-c.training-worker-1 +\\S+Z went down(, \\S+Z came up)?")), text);
        assertFalse(text.contains("\033"), text);
    }

    /** Waits until the file has each of these words, in this order. */
    private static void await(Path file, String... words) throws Exception {
        int from = 0;
        for (var word : words) {
            int start = from;
            Wait.until(() -> Files.exists(file) && Files.readString(file).indexOf(word, start) >= 0,
                    () -> "no \"" + word + "\" in " + read(file));
            from = Files.readString(file).indexOf(word, from);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** A terminal of 30 lines and 100 columns with a shell that runs the watch and prints its exit code. */
    private Process terminal(Path said) throws IOException {
        var command = ktrdr("status", "--watch", "--interval", "1s").processBuilder();
        var words = String.join(" ", command.command().stream().map(word -> "'" + word + "'").toList());
        var script = "trap : INT; stty rows 30 cols 100; tty >" + folder.resolve("tty") + "; " + words
                + "; echo code $?; stty -a";
        return command.command("script", "-qfec", script, "/dev/null").redirectErrorStream(true)
                .redirectOutput(said.toFile()).start();
    }

    private static void press(Process terminal, String key) throws IOException {
        terminal.getOutputStream().write(key.getBytes(StandardCharsets.US_ASCII));
        terminal.getOutputStream().flush();
    }

    @Test
    void a_terminal_is_redrawn_in_place_and_q_ends_the_watch() throws Exception {
        var said = folder.resolve("said");
        var terminal = terminal(said);
        await(said, "\033[?1049h", "checks hold");
        var size = LocalCommand.command("stty", "-F", Files.readString(folder.resolve("tty")).strip(), "rows", "12",
                "cols", "40").must();
        assertTrue(size.ok());
        await(said, "\033[2J", "\033[12;1H… ");
        press(terminal, "q");
        assertTrue(terminal.waitFor(20, TimeUnit.SECONDS));
        var text = Files.readString(said);
        ended(text, 0);
        var drawn = text.substring(text.indexOf("\033[12;1H… "), text.lastIndexOf("\033[?25h"));
        assertTrue(Arrays.stream(drawn.split("\033\\[\\d+;1H"))
                .allMatch(line -> line.replace("\033[K", "").length() <= 40), drawn);
    }

    @Test
    void ctrl_c_ends_it_with_130_and_gives_the_terminal_back() throws Exception {
        var said = folder.resolve("said");
        var terminal = terminal(said);
        await(said, "\033[?1049h", "checks hold");
        press(terminal, "\u0003");
        assertTrue(terminal.waitFor(20, TimeUnit.SECONDS));
        ended(Files.readString(said), 130);
    }

    private static void ended(String text, int code) {
        var after = text.substring(text.lastIndexOf("\033[?1049l"));
        assertTrue(after.contains("code " + code), after);
        assertTrue(text.contains("\033[?25h\033[?1049l") && after.contains("watched for "), text);
        assertTrue(after.matches("(?s).*[^-]icanon.*[^-]echo .*"), after);
    }

    @Test
    void refreshing_without_a_pause_is_wrong_usage() {
        refused(2, ktrdr("status", "--watch", "--interval", "1ms").run(), "500ms or more");
    }
}
