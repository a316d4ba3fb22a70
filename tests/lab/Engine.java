package lab;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;

/**
 * The Docker engine that runs the practice fleet: the one that answers on this machine, or the lab's own, which is
 * installed (Debian, Ubuntu) and started with a data root in the user's cache.
 */
public final class Engine {
    private static final Path RUN = Path.of("/run/ktrdr-lab");
    private static final String OWN_HOST = "unix://" + RUN.resolve("docker.sock");
    /**
     * Docker leaves its bridge and its packet rules behind; the earlier settings are saved before it starts and
     * restored at the end.
     */
    private static final String NOTE_NETWORK = """
            [ -e "$1" ] || { cat /proc/sys/net/ipv4/ip_forward; iptables -S FORWARD | sed -n 's/^-P FORWARD //p'; } \
            >"$1"
            """;
    private static final String RESTORE_NETWORK = """
            ip link delete docker0 2>/dev/null || :
            [ -s "$1" ] || exit 0
            { read -r forward; read -r policy; } <"$1"
            iptables-save | grep -vi docker | iptables-restore
            iptables -P FORWARD "$policy"
            printf '%s\\n' "$forward" >/proc/sys/net/ipv4/ip_forward
            """;
    private static final String UNMOUNT = """
            awk -v at="$1/" 'index($2, at) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r mount; do \
            umount -l "$mount"; done
            """;
    private static final Duration SHORT = Duration.ofSeconds(20);
    private final Console console;
    private final Optional<String> host;
    private final Path config = cache().resolve("config");

    private Engine(Console console, Optional<String> host) {
        this.console = console;
        this.host = host;
    }

    /** The engine that answers now: the machine's, else the lab's own. */
    public static Optional<Engine> running(Console console) {
        return List.of(Optional.<String>empty(), Optional.of(OWN_HOST)).stream().map(host -> new Engine(console, host))
                .filter(Engine::answers).findFirst();
    }

    /** The engine that answers, or else the lab's own, installed and started. */
    public static Engine ensure(Console console) {
        return running(console).orElseGet(() -> {
            var own = new Engine(console, Optional.of(OWN_HOST));
            install(console, Map.of("dockerd", "docker.io iptables"));
            own.start();
            return own;
        });
    }

    /** Whether the engine was started for the practice fleet alone. */
    boolean own() {
        return host.isPresent();
    }

    /** Where built images and downloads are kept between labs. */
    static Path cache() {
        var cache = System.getenv("XDG_CACHE_HOME");
        return (cache == null || cache.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache))
                .resolve("ktrdr/lab");
    }

    /** A docker command on this engine; it ignores the user's own docker settings and logins. */
    public LocalCommand.Command docker(String... words) {
        return docker(List.of(words));
    }

    public LocalCommand.Command docker(List<String> words) {
        return command(concat(List.of("docker"), words));
    }

    /** A command that calls docker, set to use this engine. */
    LocalCommand.Command command(List<String> argv) {
        var command = LocalCommand.command(argv);
        environment().forEach(command::env);
        return command;
    }

    /** The same as a process that keeps running. */
    ProcessBuilder process(String... words) {
        var builder = new ProcessBuilder(concat(List.of("docker"), List.of(words)));
        builder.environment().putAll(environment());
        return builder;
    }

    /** The variables by which a docker command uses it. */
    public Map<String, String> environment() {
        var environment = new HashMap<>(Map.of("DOCKER_CONFIG", config.toString(), "DOCKER_BUILDKIT", "0"));
        host.ifPresent(own -> environment.put("DOCKER_HOST", own));
        return environment;
    }

    /** Whether an object exists: {@code container}, {@code image}, {@code network} or {@code volume}. */
    boolean has(String kind, String name) {
        return docker(kind, "inspect", name).timeout(SHORT).run().ok();
    }

    /** An existing container: its state in Docker's words, and its start time. */
    record Found(String state, String since) {}

    /** The existing ones among these containers, by name. */
    Map<String, Found> found(List<String> containers) {
        return docker(concat(List.of("container", "inspect", "--format",
                "{{.Name}} {{.State.Status}} {{.State.StartedAt}}"), containers)).run().out().lines()
                .filter(line -> !line.isBlank()).map(line -> line.substring(1).split(" "))
                .collect(Collectors.toMap(row -> row[0], row -> new Found(row[1], row[2].replaceFirst("\\..*", "Z"))));
    }

    /**
     * The state of a container, empty if there is none. A container that was never started is removed: its files may be
     * missing.
     */
    String found(String container) {
        var state = found(List.of(container)).getOrDefault(container, new Found("", "")).state();
        if (!state.equals("created")) return state;
        docker("rm", "-f", "-v", container).must();
        return "";
    }

    private boolean answers() {
        try {
            return docker("version", "--format", "{{.Server.Version}}").timeout(SHORT).run().ok();
        } catch (Problem noDocker) {
            return false;
        }
    }

    static void install(Console console, Map<String, String> packageOf) {
        Machine.install(console, Machine.missing(packageOf), "no Docker engine answers here",
                Problem.failed("no Docker engine answers on this machine")
                        .expected("a running Docker engine, or root on Debian or Ubuntu to install one")
                        .fix("install and start Docker, and let " + System.getProperty("user.name") + " use it"));
    }

    /** Starts the lab's own engine so that it outlives this command. */
    private void start() {
        var log = new File(cache().toFile(), "dockerd.log");
        try (var step = console.step("machine", "engine")) {
            Files.createDirectories(RUN);
            Files.createDirectories(cache());
            Files.deleteIfExists(RUN.resolve("docker.pid"));
            network(NOTE_NETWORK);
            new ProcessBuilder("setsid", "dockerd", "--data-root", cache().resolve("docker").toString(), "--host",
                    OWN_HOST,
                    "--exec-root", RUN.resolve("exec").toString(), "--pidfile", RUN.resolve("docker.pid").toString())
                    .redirectErrorStream(true).redirectOutput(log).redirectInput(new File("/dev/null")).start();
            long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (!answers()) {
                if (System.nanoTime() > deadline)
                    throw Problem.failed("the Docker engine of the lab did not start within 60 s").fix("see " + log);
                Services.pause();
            }
            step.done("own engine started, data in " + cache());
        } catch (IOException e) {
            throw Problem.failed("the Docker engine of the lab could not be started").found(e.getMessage()).because(e);
        }
    }

    /** Stops the lab's own engine, if that is in use; {@code purge} also removes its images. */
    void stop(boolean purge) {
        if (host.isPresent()) stopOwn();
        else if (purge) {
            var images = docker("images", "-q", "ktrdr-lab/*").must().out().lines().distinct().toList();
            if (!images.isEmpty()) docker(concat(List.of("rmi", "-f"), images)).run();
            docker("volume", "rm", "-f", Images.DOWNLOADS, Services.VOLUME).run();
        }
    }

    private void stopOwn() {
        try {
            var process = ProcessHandle.of(Long.parseLong(Files.readString(RUN.resolve("docker.pid")).strip()));
            process.ifPresent(ProcessHandle::destroy);
            process.ifPresent(running -> running.onExit().orTimeout(60, TimeUnit.SECONDS).join());
        } catch (IOException | NumberFormatException e) {
            console.detail("the engine's pid is not known: " + e.getMessage());
        }
        network(RESTORE_NETWORK);
        deleteTree(RUN);
    }

    private static void network(String script) {
        LocalCommand.command("sh", "-euc", script, "sh", RUN.resolve("network").toString()).must();
    }

    /** What remains of the engine or in it after {@link #stop}. */
    static List<String> remains(Console console) {
        var remains = new ArrayList<String>();
        if (Files.exists(RUN)) remains.add(RUN.toString());
        running(console).ifPresent(engine -> List.of("ps -a", "network ls", "volume ls").forEach(list ->
                engine.docker(concat(List.of(list.split(" ")), List.of("-q", "--filter", "name=ktrdr-lab"))).must()
                        .out().lines().forEach(remains::add)));
        return remains;
    }

    static <T> List<T> concat(List<T> first, List<T> second) {
        var all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    /**
     * Deletes a folder with its contents. Mounts that a killed build left there are unmounted first, so what is mounted
     * survives.
     */
    static void deleteTree(Path folder) {
        if (!Files.exists(folder)) return;
        LocalCommand.command("sh", "-euc", UNMOUNT, "sh", folder.toAbsolutePath().toString()).must();
        try (var all = Files.walk(folder)) {
            for (var file : all.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
