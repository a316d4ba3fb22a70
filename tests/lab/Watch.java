package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.LocalCommand;

/**
 * Whether marked secrets appear where they must not, while the watch is open. It scans processes' arguments and
 * environments and temporary files ten or more times a second, the network, and finally every written file.
 *
 * The hosts' processes are visible on this machine, and their files are below /proc/PID/root: one watcher sees all. It
 * searches for the secrets in plain and in base64. docs/reference/secrets.md lists what is allowed.
 */
public final class Watch implements AutoCloseable {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    /** Programs with secrets in their environment, because Compose and containers get them that way. */
    private static final Set<String> ALLOWED = Set.of("sh", "dash", "bash", "docker", "docker-compose", "dockerd",
            "containerd", "containerd-shim", "runc", "runc:[2:INIT]", "runc:[1:CHILD]", "exe");
    /**
     * Docker's own records of a container, also passed to runc when a health check starts; and the registry's login
     * during a pull, in memory.
     */
    private static final Pattern DOCKERS =
            Pattern.compile("/var/lib/docker/containers/[0-9a-f]{64}/config\\.v2\\.json|/var/lib/containerd/.*/"
                    + "meta\\.db|/run/(docker|containerd)/.*|/tmp/runc-process\\d+");
    private static final Pattern LOGIN = Pattern.compile("/dev/shm/ktrdr\\.[^/]+/(said|config\\.json.*)");
    /** Folders of a host whose files may be gone before the final scan. */
    private static final List<String> PASSING = List.of("tmp", "dev/shm", "opt", "run/lock");
    private static final int SMALL = 1 << 20;
    /** A text to search for, and the name of its secret. */
    private final Map<String, String> words = new LinkedHashMap<>();
    private final Set<String> seen = new ConcurrentSkipListSet<>();
    private final Map<String, Path> roots;
    private final Path stamp;
    private final Path provider;
    private final Wire wire;
    private final Thread looking;
    private volatile boolean over;
    private volatile int looks;

    private Watch(Map<String, String> secrets, Path folder, Path provider) throws IOException {
        this.provider = provider;
        secrets.forEach((name, value) -> forms(value).forEach(form -> words.put(form, name)));
        roots = HOSTS.stream()
                .collect(Collectors.toMap(host -> host,
                        host -> Path.of("/proc", World.docker("inspect", "--format", "{{.State.Pid}}",
                                "ktrdr-lab-" + host).strip(), "root")));
        stamp = Files.createFile(folder.resolve("stamp"));
        for (var root : roots.values()) Files.writeString(root.resolve("dev/shm/watch.stamp"), "");
        wire = Wire.tap(folder);
        looking = new Thread(this::look, "watch");
        looking.start();
    }

    /**
     * Starts to watch.
     *
     * @param secrets name to value
     * @param folder for its notes, which hold no secrets
     * @param provider the folder in memory that the secrets come from
     */
    public static Watch over(Map<String, String> secrets, Path folder, Path provider) throws IOException {
        return new Watch(secrets, folder, provider);
    }

    /** A secret in plain, and in base64 within a longer text, at each of the three possible alignments. */
    static Stream<String> forms(String secret) {
        return Stream.concat(Stream.of(secret), Stream.of(0, 1, 2).map(before -> {
            var text = Base64.getEncoder().withoutPadding()
                    .encodeToString((" ".repeat(before) + secret).getBytes(StandardCharsets.UTF_8));
            int bits = 8 * (before + secret.getBytes(StandardCharsets.UTF_8).length);
            return text.substring((8 * before + 5) / 6, bits / 6);
        }));
    }

    /** How often it scanned all processes. */
    public int looks() {
        return looks;
    }

    /** The findings so far, without the secrets themselves. */
    public Set<String> seen() {
        return new TreeSet<>(seen);
    }

    /** Records the names of the secrets in a text. */
    public void read(String where, String text) {
        words.forEach((word, name) -> {
            if (text.contains(word)) seen.add(where + " has " + name);
        });
    }

    private void look() {
        while (!over) {
            try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
                processes.filter(path -> path.getFileName().toString().matches("\\d+")).forEach(this::process);
                for (var host : HOSTS) for (var folder : PASSING) passing(host, folder);
                looks++;
                Thread.sleep(30);
            } catch (IOException | UncheckedIOException gone) {
                // the folder was removed while it was read
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void process(Path process) {
        var name = read(process.resolve("comm")).strip();
        read("the argument list of " + name, read(process.resolve("cmdline")));
        // reads the location first: a process that ends a moment later must not count as outside of containers
        if (!ALLOWED.contains(name) && outsideContainers(process))
            read("the environment of " + name, read(process.resolve("environ")));
    }

    /** Not in a container of the stack, two levels down: secrets are allowed there. */
    private static boolean outsideContainers(Path process) {
        var groups = read(process.resolve("cgroup"));
        return !groups.isEmpty() && groups.lines()
                .noneMatch(line -> line.matches(".*/docker/[0-9a-f]{64}/.*(docker[/-])[0-9a-f]{64}.*"));
    }

    private void passing(String host, String folder) throws IOException {
        var root = roots.get(host);
        try (Stream<Path> files = Files.walk(root.resolve(folder), 5)) {
            for (var file : files.toList()) {
                var path = "/" + root.relativize(file);
                if (Files.isRegularFile(file) && Files.size(file) < SMALL && !LOGIN.matcher(path).matches()
                        && !DOCKERS.matcher(path).matches()) read(host + ":" + path, read(file));
            }
        }
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        } catch (IOException gone) {
            return "";
        }
    }

    /**
     * Ends it with a scan of the network traffic and of every file that was written during the watch, on this machine
     * and on each host.
     */
    @Override
    public void close() {
        over = true;
        try {
            looking.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        wire.close();
        for (var word : wire.carried(words.keySet())) seen.add("the wire has " + words.get(word));
        for (var address : wire.foreign()) seen.add("something was sent to " + address);
        written(LocalCommand.command("sh", "-eu")
                .input(written(stamp, List.of(provider.toString(), wire.file().toString(), State.SECRETS.toString(),
                        Engine.cache().toString()))).must().out(), "here");
        HOSTS.parallelStream()
                .forEach(host -> written(World.on(host,
                        written(Path.of("/dev/shm/watch.stamp"), List.of()) + "rm /dev/shm/watch.stamp\n"), host));
    }

    private void written(String found, String where) {
        found.lines().filter(file -> !file.isBlank() && !DOCKERS.matcher(file).matches())
                .forEach(file -> seen.add(where + ":" + file + " was written and has a secret"));
    }

    /** A script that prints the files with a secret that were written since; the change time cannot be set back. */
    private String written(Path since, List<String> but) {
        var prune = Stream.concat(but.stream(), Stream.of("/proc", "/sys", "*/overlay2/*/merged", "*/words.secrets"))
                .map(path -> "-path '" + path + "'").collect(Collectors.joining(" -o "));
        return "words=$(mktemp -d /dev/shm/words.XXXXXX)/words.secrets\ntrap 'rm -rf \"${words%/*}\"' EXIT\ncat "
                + ">\"$words\" <<'WORDS'\n" + String.join("\n", words.keySet()) + "\nWORDS\n"
                + "find / \\( " + prune + " \\) -prune -o -type f -cnewer " + since +
                " -print0 2>/dev/null | xargs -0 -r grep -lFs -f \"$words\" || :\n";
    }
}
