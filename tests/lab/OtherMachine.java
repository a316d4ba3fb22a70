package lab;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Console;
import ktrdr.LocalCommand;

/**
 * A machine next to this one for a second practice fleet: the same files, but its own networks, processes, {@code
 * /run}, {@code /dev/shm} and cache. The cache begins with this fleet's images and registry. It reaches nothing
 * outside, and ends with the process that made it.
 */
public final class OtherMachine implements AutoCloseable {
    private static final String START = """
            ip link set lo up
            mount -t tmpfs -o mode=755 tmpfs /run
            mkdir /run/lock
            mount -t tmpfs -o mode=1777 tmpfs /dev/shm
            mount --bind "$2" "$1"
            echo up
            exec cat
            """;
    /** Images never change, so they can be copied while containers run; the mounts of containers are left out. */
    private static final String COPY = """
            mkdir -p "$2/docker/volumes"
            cp -ax "$1/docker/image" "$1/docker/overlay2" "$2/docker"
            cp -ax "$1/docker/volumes/$3" "$2/docker/volumes"
            """;
    private final Path files;
    private final Process holder;

    private OtherMachine(Path files, Process holder) {
        this.files = files;
        this.holder = holder;
    }

    /** Creates one; empty if this machine does not allow it, or the running engine is not the practice fleet's own. */
    public static Optional<OtherMachine> open(Console console) {
        var cache = Engine.cache();
        if (!Machine.installs() || !Engine.running(console).map(Engine::own).orElse(false)) return Optional.empty();
        var files = cache.resolveSibling("lab-2");
        Engine.deleteTree(files);
        try (var step = console.step("fleet", "second")) {
            step.now("copies the images of the first");
            LocalCommand.command("sh", "-euc", COPY, "sh", cache.toString(), files.toString(), Services.VOLUME).must();
            var holder = NetworkNamespace.held(List.of("unshare", "--net", "--mount", "--propagation", "private",
                    "--pid",
                    "--fork", "--mount-proc", "--kill-child", "sh", "-euc", START, "sh", cache.toString(),
                    files.toString()));
            if (holder.isPresent()) step.done("a machine beside this one, with the images of the first fleet");
            else Engine.deleteTree(files);
            return holder.map(process -> new OtherMachine(files, process));
        }
    }

    /** The prefix of a command that runs there, in the current folder. */
    public List<String> within() {
        var first = holder.children().findFirst().orElseThrow(() -> new IllegalStateException("the machine is gone"));
        return List.of("nsenter", "--target", String.valueOf(first.pid()), "--net", "--mount", "--pid", "--",
                "env", "--chdir=" + Path.of("").toAbsolutePath());
    }

    /** Environment variables for commands that run there. */
    public Map<String, String> environment() {
        return Map.of("KTRDR_LAB", files.resolve("state").toString());
    }

    @Override
    public void close() {
        holder.destroy();
        holder.onExit().join();
        Engine.deleteTree(files);
    }
}
