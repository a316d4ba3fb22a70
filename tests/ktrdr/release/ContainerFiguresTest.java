package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Project;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Container metrics, collected by a real shell from simulated /proc and /sys/fs/cgroup with both cgroup versions. The
 * practice fleet has only one version.
 */
class ContainerFiguresTest {
    private static final Path SCRIPT = Project.root().resolve("templates/metrics/containers.sh");
    @TempDir Path world;

    @BeforeEach
    void a_worker_and_one_on_the_hosts_network() throws IOException {
        docker("""
                case $1 in
                  ps) echo 1 2 ;;
                  inspect)
                    echo '71 backtest-worker-1 ghcr.io/k/ktrdr-backend:sha-1 3 2026-01-02T03:04:05.678901234Z \
                ktrdr-workers_default unless-stopped healthy WORLD/our stack'
                    echo '72 ktrdr-node-exporter prom/node-exporter:v1.8.2 0 2026-01-02T03:04:05Z host always none '
                    while read -r line; do echo "$line"; done <WORLD/more ;;
                esac
                """.replace("WORLD", world.toString()));
        write("more", "");
        Files.createDirectories(world.resolve("our stack/.ktrdr"));
        for (var pid : List.of("71", "72")) write("proc/" + pid + "/net/dev", """
                Inter-|   Receive                                                |  Transmit
                 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo \
                colls carrier compressed
                    lo:     999       9    0    0    0     0          0         0      999       9    0    0    0     \
                0       0          0
                  eth0:    1200      10    0    0    0     0          0         0      340       5    0    0    0     \
                0       0          0
                """);
    }

    private void write(String path, String text) throws IOException {
        var file = world.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void docker(String script) throws IOException {
        Fixtures.program(world.resolve("bin/docker"), script);
    }

    private CommandResult run() throws IOException {
        Files.createDirectories(world.resolve("out"));
        return LocalCommand.command("sh", SCRIPT.toString(), world.resolve("out").toString())
                .env("PATH", world.resolve("bin") + ":" + System.getenv("PATH"))
                .env("KTRDR_PROC", world.resolve("proc").toString())
                .env("KTRDR_CGROUPS", world.resolve("cgroup").toString()).run();
    }

    private String series() throws IOException {
        return Files.readString(world.resolve("out/containers.prom"));
    }

    /** The value of one series of the worker. */
    private String worker(String name, String more) throws IOException {
        var start = name + "{name=\"backtest-worker-1\",image=\"ghcr.io/k/ktrdr-backend:sha-1\"" + more + "} ";
        return series().lines().filter(line -> line.startsWith(start)).map(line -> line.substring(start.length()))
                .collect(Collectors.joining(","));
    }

    private void second() throws IOException {
        write("proc/71/cgroup", "0::/system.slice/docker-1.scope\n");
        write("proc/72/cgroup", "0::/system.slice/docker-2.scope\n");
        for (var text : List.of("1", "2")) {
            write("cgroup/system.slice/docker-" + text + ".scope/cpu.stat",
                    "usage_usec 12000345\nuser_usec 10000000\n");
            write("cgroup/system.slice/docker-" + text + ".scope/memory.current", "5000\n");
            write("cgroup/system.slice/docker-" + text + ".scope/memory.stat",
                    "anon 3000\nfile 2000\ninactive_file 1500\n");
        }
    }

    @Test
    void control_groups_of_version_2() throws IOException {
        second();
        var ran = run();
        assertEquals("0 ", ran.exit() + " " + ran.out() + ran.err());
        assertEquals("12.000345", worker("container_cpu_usage_seconds_total", ""));
        assertEquals("5000 3500",
                worker("container_memory_usage_bytes", "") + " " + worker("container_memory_working_set_bytes", ""));
        assertEquals("1200 340", worker("container_network_receive_bytes_total", ",interface=\"eth0\"") + " "
                + worker("container_network_transmit_bytes_total", ",interface=\"eth0\""));
        assertEquals("3 1767323045",
                worker("ktrdr_container_restarts_total", "") + " " + worker("container_start_time_seconds", ""));
        assertTrue(Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(worker("container_last_seen", "")))
                < 10);
    }

    @Test
    void what_docker_is_to_keep_running_runs_or_does_not() throws IOException {
        second();
        var stopped = "0 %s a:1 0 2026-01-02T03:04:05Z none %s %s %s\n";
        var ours = world.resolve("our stack").toString();
        write("more", stopped.formatted("mcp", "unless-stopped", "none", ours)
                + stopped.formatted("tables", "no", "none", ours)
                + stopped.formatted("mcp-before-takeover", "always", "none", ours)
                + stopped.formatted("theirs", "always", "none", world.resolve("elsewhere"))
                + "73 sick a:1 0 2026-01-02T03:04:05Z none always unhealthy " + ours + "\n");
        assertEquals(0, run().exit());
        assertEquals(List.of("backtest-worker-1 1", "mcp 0", "sick 0"), series().lines()
                .filter(line -> line.startsWith("ktrdr_container_up{"))
                .map(line -> line.replaceAll(".*name=\"([^\"]*)\".*\\} ", "$1 ")).sorted().toList());
        assertFalse(series().contains("container_last_seen{name=\"mcp\""), this::said);
    }

    @Test
    void control_groups_of_version_1() throws IOException {
        for (var text : List.of("1", "2")) {
            write("proc/7" + text + "/cgroup", "12:pids:/docker/" + text + "\n4:memory:/docker/" + text
                    + "\n2:cpu,cpuacct:/docker/" + text + "\n0::/\n");
            write("cgroup/cpu,cpuacct/docker/" + text + "/cpuacct.usage", "1500000001\n");
            write("cgroup/memory/docker/" + text + "/memory.usage_in_bytes", "7000\n");
            write("cgroup/memory/docker/" + text + "/memory.stat",
                    "cache 10\ninactive_file 1\ntotal_inactive_file 9000\n");
        }
        assertEquals(0, run().exit());
        assertEquals("1.500000001", worker("container_cpu_usage_seconds_total", ""));
        // the cache can exceed the usage: both are read at different moments
        assertEquals("7000 0",
                worker("container_memory_usage_bytes", "") + " " + worker("container_memory_working_set_bytes", ""));
    }

    @Test
    void groups_series_by_name_and_skips_the_hosts_network() throws IOException {
        second();
        run();
        var names = series().lines()
                .map(line -> line.replaceFirst("^# TYPE (\\S+) (counter|gauge)$", "$1").replaceFirst("\\{.*", ""))
                .toList();
        var runs = Stream.iterate(0, i -> i < names.size(), i -> i + 1)
                .filter(i -> i == 0 || !names.get(i).equals(names.get(i - 1))).map(names::get).toList();
        assertEquals(List.copyOf(new TreeSet<>(names)), runs);
        assertTrue(series().contains("# TYPE container_last_seen gauge\n")
                && series().contains("# TYPE ktrdr_container_restarts_total counter\n"), this::said);
        assertFalse(series().contains("container_network_receive_bytes_total{name=\"ktrdr-node-exporter\""),
                this::said);
        assertTrue(series().contains("container_memory_usage_bytes{name=\"ktrdr-node-exporter\""), this::said);
    }

    private String said() {
        try {
            return series();
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void skips_an_ended_container_and_keeps_figures_without_docker() throws IOException {
        second();
        Files.delete(world.resolve("proc/72/cgroup"));
        assertEquals(0, run().exit());
        assertFalse(series().contains("ktrdr-node-exporter"), this::said);
        var before = series();
        docker("echo 'Cannot connect to the Docker daemon' >&2; exit 1\n");
        var ran = run();
        assertTrue(ran.exit() != 0 && ran.err().contains("Cannot connect"), ran::toString);
        assertEquals(before, series());
        assertEquals(List.of("containers.prom"), Stream.of(world.resolve("out").toFile().list()).toList());
    }

    @Test
    void no_container_is_no_series() throws IOException {
        docker(":\n");
        assertEquals(0, run().exit());
        assertEquals("", series());
    }
}
