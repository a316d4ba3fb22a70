package lab;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Project;

/**
 * The practice fleet as tests inspect and break it: through its Docker engine, never through the code under test.
 *
 * Hosts are core, workers-b and workers-c, and workers-d and gpuworker once they are added.
 */
public final class World {
    private static final Practice PRACTICE = new Practice(new Console(Console.Color.never, false),
            State.find(System.getenv(), Project.root()));

    /** Initialised by the first test, when the fleet is up. */
    private static final class Hosting {
        static final Engine ENGINE = PRACTICE.engine();
    }

    /** Read from the engine once: where the lab has its files, or will have them. */
    private static final class Where {
        static final State STATE = PRACTICE.state();
    }

    private static final String BACKEND = Services.REGISTRY + "/ktrdr-backend:";

    /** Whether a script that holds a node's lock runs: its lock file is open in some process. */
    static final String AT_WORK = "find /proc/[0-9]*/fd -lname '/run/lock/ktrdr*.busy' 2>/dev/null | grep -q .";

    private World() {}

    /** The lab's folder: inventory.yaml, id_ed25519, known_hosts. */
    public static Path folder() {
        return Where.STATE.folder();
    }

    public static Path inventory() {
        return Where.STATE.inventory();
    }

    /** The inventory with the added hosts, while there are any. */
    public static Path more() {
        return Where.STATE.more();
    }

    public static Path secrets() {
        return State.SECRETS;
    }

    /** Starts an operation of this length on the worker at this port of a host, by the worker's own API. */
    public static void occupy(String host, int port, String operation, Duration time) {
        var body = "{\"operation_id\": \"" + operation + "\", \"operation_type\": \"backtesting\", \"millis\": "
                + time.toMillis()
                + ", \"note\": true, \"parameters\": {\"model_path\": \"models/practice\"}}";
        on(host, "curl -fsS -X POST -H 'Content-Type: application/json' -d '" + body + "' http://localhost:" + port
                + "/operations/start");
    }

    /**
     * Starts an operation on the worker at this port of a host through the backend; operations that other workers get
     * are cancelled. Returns its id at the second step.
     */
    public static String work(String host, int port, String path, String body) {
        var api = "http://localhost:8000/api/v1";
        return on("core", "mine=; others=; for i in $(seq 30); do\n"
                // the backend marks a free worker as busy until the next health check
                + "id=$(curl -fsS -X POST -H 'Content-Type: application/json' -d '" + body + "' " + api + path +
                " | grep -oE 'op_[a-z0-9_]+' | head -n 1) || :\nif [ -z \"$id\" ]; then sleep 1; continue; fi\n"
                + "if curl -fsS " + api + "/workers | tr '{' '\\n' | grep -F '" + host + "." + domain() + ":" + port +
                "\"' | grep -q \"$id\"; then mine=$id; break; fi\nothers=\"$others $id\"\ndone\n"
                + "for id in $others; do curl -fsS -X DELETE " + api +
                "/operations/$id >/dev/null; done\n[ -n \"$mine\" ]\n"
                + "for i in $(seq 100); do curl -fsS " + api +
                "/operations/$mine | grep -qE 'Epoch ([2-9]|[0-9]{2})|Running' && break; sleep 0.2; done\necho "
                + "\"$mine\"");
    }

    /** A training with more epochs than a test waits for. */
    public static String train(String host, int port) {
        return work(host, port, "/trainings/start", "{\"strategy_name\": \"practice_900\"}");
    }

    private static String domain() {
        return "ktrdr.home.mynerd.place";
    }

    /** The backend's answer to a path of its API, with any status. */
    public static String backend(String path) {
        return on("core", "curl -sS http://localhost:8000/api/v1" + path);
    }

    /** The bridge of this machine that joins the hosts. */
    public static String bridge() {
        return "br-" + docker("network", "inspect", "--format", "{{.Id}}", "ktrdr-lab").substring(0, 12);
    }

    /** The secrets by name, but for the database's user. */
    public static Map<String, String> secretFields() {
        var fields = new LinkedHashMap<String, String>();
        try {
            new ObjectMapper().readTree(Files.readString(secrets())).properties()
                    .forEach(field -> fields.put(field.getKey(), field.getValue().asText()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        fields.remove("db_username");
        return fields;
    }

    /** The values of the secrets, but for the database's user. */
    public static List<String> secretValues() {
        return List.copyOf(secretFields().values());
    }

    /**
     * Writes the lab's secrets with another value for one of them into a file that no other user may read; the file
     * must be in memory, like the secrets.
     */
    public static Path secretsWith(Path file, String field, String value) {
        try {
            var secrets = (ObjectNode) new ObjectMapper().readTree(Files.readString(secrets()));
            Files.writeString(file, secrets.put(field, value).toString());
            return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A variant of the lab's inventory in another folder, by plain replacement: old, new, old, new … */
    public static Path inventory(Path folder, String... replacements) {
        return variant(inventory(), folder, replacements);
    }

    /** The same for another of the lab's inventories. */
    public static Path variant(Path inventory, Path folder, String... replacements) {
        try {
            var text = Files.readString(inventory);
            for (int i = 0; i < replacements.length; i += 2) {
                if (!text.contains(replacements[i]))
                    throw new IllegalArgumentException("not in the lab's inventory: " + replacements[i]);
                text = text.replace(replacements[i], replacements[i + 1]);
            }
            text = text.replace("identity: id_ed25519", "identity: " + folder().resolve("id_ed25519"))
                    .replace("known_hosts: known_hosts", "known_hosts: " + folder().resolve("known_hosts"));
            return Files.writeString(folder.resolve("inventory.yaml"), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Engine engine() {
        return Hosting.ENGINE;
    }

    /** A command of the engine that runs the hosts, such as {@code pause}. */
    public static String docker(String... words) {
        return Spent.on(Spent.What.docker, () -> Hosting.ENGINE.docker(words).must().out());
    }

    /** Runs a shell script on a host and returns its output. */
    public static String on(String host, String script) {
        return in("ktrdr-lab-" + host, script);
    }

    /** Runs a shell script in a container of the lab and returns its output. */
    static String in(String container, String script) {
        return Spent.on(Spent.What.docker, () -> HostShell.run(Hosting.ENGINE, container, script).strip());
    }

    /** Runs a shell script in the container of the lab's DNS server and registry. */
    public static String services(String script) {
        return in(Services.CONTAINER, script);
    }

    /** Unmounts the share, so that a bare folder is left; {@link #mountShare} mounts it again. */
    public static void unmountShare(String host) {
        on(host, "mkdir /mnt/kept; mount --bind /mnt/ktrdr-shared /mnt/kept; umount /mnt/ktrdr-shared");
    }

    public static void mountShare(String host) {
        on(host, "mount --bind /mnt/kept /mnt/ktrdr-shared; umount /mnt/kept; rmdir /mnt/kept");
    }

    /** Polls a shell condition on a host, this many times at this interval in seconds, and returns when it holds. */
    public static void await(String host, int times, String pause, String otherwise, String condition) {
        Spent.on(Spent.What.waiting,
                () -> on(host, "for i in $(seq " + times + "); do\n  if " + condition + "; then exit 0; fi\n  sleep "
                        + pause + "\ndone\necho '" + otherwise + "' >&2\nexit 1\n"));
    }

    /** Waits until the lab's DNS server has this address for workers-b. */
    public static void awaitDns(String address) {
        await("core", 100, "0.2", "workers-b has another address",
                "[ \"$(getent ahosts workers-b.ktrdr.home.mynerd.place | awk 'NR == 1 { print $1 }')\" = " + address
                        + " ]");
    }

    /** Waits until no script under a host's lock runs, nor any process that it left behind. */
    public static void awaitIdle(String host) {
        await(host, 300, "0.2", "a script is still at work", "! { " + AT_WORK + "; }");
    }

    /** Waits until the database is being dumped. */
    public static void awaitDump() {
        await("core", 200, "0.1", "no dump was begun", "docker exec ktrdr-db pgrep -x pg_dump >/dev/null");
    }

    /** Sends a signal to a process on this machine, such as INT. */
    public static void signal(long pid, String name) {
        LocalCommand.command("kill", "-s", name, String.valueOf(pid)).must();
    }

    public static void pause(String host) {
        docker("pause", "ktrdr-lab-" + host);
    }

    public static void unpause(String host) {
        docker("unpause", "ktrdr-lab-" + host);
    }

    /** Name to id and start time of every container on a host: equal when nothing was recreated or restarted. */
    public static Map<String, String> containers(String host) {
        var containers = new LinkedHashMap<String, String>();
        on(host, "ids=$(docker ps -aq); [ -z \"$ids\" ] || docker inspect --format '{{.Name}} {{.Id}} "
                + "{{.State.StartedAt}} {{.Config.Image}}' $ids | sort").lines()
                .forEach(line -> containers.put(line.split(" ", 2)[0].substring(1), line.split(" ", 2)[1]));
        return containers;
    }

    /**
     * Path, content hash and change time of every file of a stack, except the lock with its heartbeat, the history and
     * metrics of deployments, and the files that images printed.
     */
    public static String files(String host) {
        return on(host, "cd /opt/ktrdr-" + host
                + " 2>/dev/null || exit 0; find . -path ./.ktrdr/lock -prune -o -path ./.ktrdr/releases.jsonl -prune "
                + "-o -path ./.ktrdr/metrics -prune -o -path ./.ktrdr/revisions -prune -o -type f -exec sha256sum {} "
                + "+ -exec stat -c '%n %y %U %a' {} + | sort");
    }

    /** The raw history of deployments. */
    public static String history(String host) {
        return on(host, "cat /opt/ktrdr-" + host + "/.ktrdr/releases.jsonl 2>/dev/null || :");
    }

    /** For "nothing was changed": containers, files and images of a host. */
    public static String everything(String host) {
        return history(host) + "\n" + state(host);
    }

    /** The same without the history of deployments. */
    public static String state(String host) {
        return containers(host) + "\n" + files(host) + "\n"
                + on(host, "docker images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | grep -v "
                        + "'^ktrdr-probe:' | sort");
    }

    public static String everything() {
        return Spent.on(Spent.What.docker, () -> List.of("core", "workers-b", "workers-c").parallelStream()
                .map(World::everything).collect(Collectors.joining("\n")));
    }

    /** Removes a release's image from a host, so that a deployment has to pull it. */
    public static void forget(String host, String tag) {
        on(host, "docker image inspect " + BACKEND + tag + " >/dev/null 2>&1 || exit 0; docker rmi " + BACKEND + tag
                + " >/dev/null");
    }

    /** The id of a release's image on a host. */
    public static String image(String host, String tag) {
        return on(host, "docker image inspect --format '{{.Id}}' " + BACKEND + tag);
    }

    /** Removes everything of KTRDR from a host except images and the share: containers, volumes, files, timers. */
    public static void bare(String host) {
        on(host, """
                docker ps -aq | xargs -r docker rm -fv >/dev/null
                docker volume ls -q | xargs -r docker volume rm >/dev/null
                docker network prune -f >/dev/null
                systemctl disable -q --now ktrdr-containers.timer || :
                rm -rf /opt/ktrdr-* /etc/systemd/system/ktrdr-containers.*
                systemctl daemon-reload
                """);
    }

    /** Runs SQL inside the database's container. */
    public static String sql(String statement) {
        return on("core", "docker exec -i ktrdr-db psql -U ktrdr -d ktrdr -Atq -v ON_ERROR_STOP=1 <<'SQL'\n" + statement
                + "\nSQL\n");
    }

    /** The backend's list of registered workers, as JSON. */
    public static String workers() {
        return get("http://10.42.1.10:8000/api/v1/workers");
    }

    /** GET of a URL from this machine, by curl. */
    public static String get(String url) {
        return LocalCommand.command("curl", "-sS", "-m", "10", url).must().out();
    }
}
