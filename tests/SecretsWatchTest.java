import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import ktrdr.Local;
import ktrdr.Project;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where secrets are seen during a deployment and after it, on both sides.
 *
 * The hosts' processes are processes of this machine too, so one watcher of /proc sees all of them.
 */
@Tag("fleet")
class SecretsWatchTest {
    /** Programs that hold secrets in their environment because that is how Compose and containers get them. */
    private static final Set<String> ALLOWED = Set.of("sh", "dash", "bash", "docker", "docker-compose", "dockerd", "containerd", "containerd-shim", "runc", "runc:[2:INIT]", "runc:[1:CHILD]", "exe");
    private static final List<String> SECRETS = World.secretValues();
    @TempDir Path folder;

    @AfterAll
    static void the_older_release_runs_everywhere() {
        assertEquals(0, ktrdr("deploy", "all", "--tag", "sha-1000001").run().exit());
    }

    @Test
    void no_secret_is_in_an_argument_list_an_environment_or_on_a_disk() throws Exception {
        for (var host : List.of("workers-b", "workers-c", "core")) World.forget(host, "sha-2000002");
        var seen = new TreeSet<String>();
        var log = Files.createTempFile("deploy", ".log");
        var deployment = ktrdr("deploy", "all", "--tag", "sha-2000002", "--verbose").processBuilder().redirectErrorStream(true).redirectOutput(log.toFile()).start();
        int rounds = watch(deployment, seen);
        var said = Files.readString(log);
        Files.delete(log);
        assertEquals(0, deployment.exitValue(), said);
        assertTrue(rounds > 30, "looked only " + rounds + " times");
        assertEquals(Set.of(), seen, "of " + rounds + " looks");
        SECRETS.forEach(secret -> assertTrue(!said.contains(secret), said));
        var backup = ktrdr("backup-db", "--to", folder.resolve("backup").toString()).processBuilder().redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        assertTrue(watch(backup, seen) > 3);
        assertEquals("0 []", backup.exitValue() + " " + seen, "of a backup");
        assertEquals("", onDisks());
    }

    private static int watch(Process process, Set<String> seen) throws Exception {
        int rounds = 0;
        for (; process.isAlive(); rounds++) {
            look(seen);
            Thread.sleep(60);
        }
        return rounds;
    }

    @Test
    void the_watcher_sees_a_secret_in_an_argument_list() throws Exception {
        var process = new ProcessBuilder("sh", "-c", "sleep 10; :", SECRETS.get(0)).start();
        var seen = new TreeSet<String>();
        look(seen);
        process.destroy();
        assertEquals(1, seen.size(), seen::toString);
    }

    /** One look at every process: secrets in any argument list, and in environments outside of containers and of ALLOWED programs. */
    private static void look(Set<String> seen) throws IOException {
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            for (var process : processes.filter(path -> path.getFileName().toString().matches("\\d+")).toList()) {
                var name = read(process.resolve("comm")).strip();
                if (holdsSecret(read(process.resolve("cmdline")))) seen.add(name + " has one in its arguments");
                // where it is comes first: a process that is gone a moment later must not count as one outside of containers
                if (!ALLOWED.contains(name) && outsideContainers(process) && holdsSecret(read(process.resolve("environ")))) seen.add(name + " has one in its environment");
            }
        }
    }

    /** Not in a container of the stack, two levels down: there the secrets are meant to be. */
    private static boolean outsideContainers(Path process) {
        var groups = read(process.resolve("cgroup"));
        return !groups.isEmpty() && groups.lines().noneMatch(line -> line.matches(".*/docker/[0-9a-f]{64}/.*(docker[/-])[0-9a-f]{64}.*"));
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        } catch (IOException gone) {
            return "";
        }
    }

    private static boolean holdsSecret(String text) {
        return SECRETS.stream().anyMatch(text::contains);
    }

    /** Files with a secret in them: everywhere on the hosts but in what Docker writes of a container for itself, to runc too when a health check starts, and where the toolkit ran. */
    private static String onDisks() throws IOException {
        var found = new ArrayList<String>();
        var words = String.join("\n", SECRETS);
        var here = new ArrayList<>(List.of("grep", "-rlFsI", "-f", "-"));
        for (var folder : List.of(Project.root().toString(), System.getProperty("user.home") + "/.jbang", System.getProperty("user.home") + "/.cache/ktrdr/start", System.getProperty("user.home") + "/.bash_history", "/tmp", "/var/log"))
            if (Files.exists(Path.of(folder))) here.add(folder);
        Local.command(here).input(words).run().out().lines().forEach(file -> found.add("here: " + file));
        for (var host : List.of("core", "workers-b", "workers-c"))
            World.on(host, "words=$(mktemp /dev/shm/words.XXXXXX)\ncat >\"$words\" <<'WORDS'\n" + words + "\nWORDS\n"
                    + "grep -rlFs --exclude-dir=overlay2 -f \"$words\" /etc /opt /root /home /var /srv /tmp /run /usr/local || true\n"
                    + "find /var/lib/docker/overlay2 -path '*/diff/*' -type f -newer /var/lib/docker/engine-id -exec grep -lFs -f \"$words\" {} + || true\n"
                    + "rm -f \"$words\"\n").lines()
                    .filter(file -> !file.matches("/var/lib/docker/containers/[0-9a-f]{64}/config\\.v2\\.json|/var/lib/containerd/.*/meta\\.db|/run/(docker|containerd)/.*|/tmp/runc-process\\d+")).forEach(file -> found.add(host + ": " + file));
        return String.join("\n", found);
    }
}
