package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Json;
import lab.Toolkit.Ran;

/** A pass through the procedures on the practice fleet, with checks of the fleet's state on the way. */
public final class Pass implements AutoCloseable {
    public static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    public static final String BACKUPS = "/srv/ktrdr-shared/db-backups";
    private static final Path JDK = Optional.ofNullable(System.getenv("KTRDR_PASS_JDK")).map(Path::of)
            .orElseGet(Jdk::newest);
    private final Path folder;
    private final Path inventory;
    private final Path secrets;

    private Pass(Path folder, Path inventory, Path secrets) {
        this.folder = folder;
        this.inventory = inventory;
        this.secrets = secrets;
    }

    /** Starts from hosts without anything of the toolkit, in a folder with an inventory of its own. */
    public static Pass fromBareHosts(Path folder) throws IOException {
        var memory = Files.createTempDirectory(Path.of("/dev/shm"), "ktrdr-pass");
        var secrets = Files.copy(World.secrets(), memory.resolve("secrets.json"));
        HOSTS.forEach(World::bare);
        World.on("core", "rm -rf " + BACKUPS + "/*");
        return new Pass(folder, World.inventory(folder, World.secrets().toString(), secrets.toString()), secrets);
    }

    /** A stand-in for the provider of secrets, in memory only. */
    public Path secrets() {
        return secrets;
    }

    /** Runs a procedure as a user types it, on the pass's JDK; asserts its exit code. */
    public Ran run(int exit, String procedure, String... words) {
        var all = Stream.concat(Stream.of(procedure), Stream.of(words)).toArray(String[]::new);
        var ran = Toolkit.ktrdr(all).asProcess().in(folder).env("JAVA_HOME", JDK.toString())
                .env("KTRDR_INVENTORY", inventory.toString()).run();
        assertEquals(exit, ran.exit(), ran::toString);
        return ran;
    }

    /** How many containers of each host run an image of KTRDR's backend with this tag. */
    public static Map<String, Long> running(String tag) {
        var running = new LinkedHashMap<String, Long>();
        for (var host : HOSTS) {
            var images = World.containers(host).values().stream();
            running.put(host, images.filter(image -> image.endsWith("/ktrdr-backend:" + tag)).count());
        }
        return running;
    }

    /** Tag and outcome of the last entry of a host's history. */
    public static String lastEntry(String host) {
        var entry = Json.read(World.history(host).lines().reduce((a, b) -> b).orElseThrow()).orElseThrow();
        return entry.path("tag").asText() + " " + entry.path("outcome").asText();
    }

    /** Leaves no secret and no backup. */
    @Override
    public void close() throws IOException {
        Files.delete(secrets);
        Files.delete(secrets.getParent());
        World.on("core", "rm -rf " + BACKUPS + "/*");
    }
}
