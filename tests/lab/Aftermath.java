package lab;

import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lab.Toolkit.Ran;

/** What must hold after every deployment, however it ended, checked from outside. */
public final class Aftermath {
    public static final String OLDER = "sha-1000001";
    public static final String NEWER = "sha-2000002";
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    /** How many containers of a release each host runs: core the backend, the others their workers. */
    private static final Map<String, Integer> RUN = Map.of("core", 1, "workers-b", 4, "workers-c", 2);
    private static final String HISTORY = "/opt/ktrdr-%s/.ktrdr/releases.jsonl";
    /** Hashes of the older release's files and of its image on each host, as a deployment left them. */
    private static final Map<String, String> FOUND = new ConcurrentHashMap<>();
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Aftermath() {}

    /**
     * The part of {@link World#everything} that a run without changes leaves as it was: all except the history, which
     * may get a record.
     */
    public static String still(String everything) {
        return everything.lines().filter(line -> !line.contains("/releases.jsonl")).collect(Collectors.joining("\n"));
    }

    /** The release that runs on a host; if several run, all of them, separated by blanks. */
    public static String release(String host) {
        return World.on(host,
                "docker ps -a --format '{{.Image}}' | sed -n 's|.*/ktrdr-backend:||p' | sort -u | tr '\\n' ' '")
                .strip();
    }

    /** The good release that the host does not run. Deploying it spares the test from restoring what it found. */
    public static String another(String host) {
        return release(host).equals(OLDER) ? NEWER : OLDER;
    }

    /**
     * For tests that may follow a failed one: deploys the older release if the host runs no good release or has
     * leftovers.
     */
    public static void settle() {
        for (var host : HOSTS) if (!settled(host)) older(host);
    }

    /** For tests that need any release: deploys the older one if the fleet has none yet. */
    public static void someRelease() {
        if (World.on("core", "docker inspect --format '{{.State.Running}}' ktrdr-db 2>/dev/null || :").isEmpty())
            restore();
    }

    /** For the tests that follow: the older release runs everywhere. */
    public static void restore() {
        for (var host : HOSTS) if (!release(host).equals(OLDER) || !settled(host)) older(host);
    }

    /**
     * For classes that begin or end with a fleet that is deployed and nothing else: the older release runs everywhere,
     * with all its services, and exactly the files and the image of its first deployment. To see that takes less time
     * than a deployment that finds nothing to do.
     */
    public static void deployed() {
        if (HOSTS.stream().allMatch(host -> release(host).equals(OLDER) && settled(host) && healthy(host)
                && filesAndImage(host).equals(FOUND.get(host)))) return;
        var ran = ktrdr("deploy", "all", "--tag", OLDER, "--wait", "2m").run();
        assertEquals(0, ran.exit(), ran::toString);
        for (var host : HOSTS) FOUND.put(host, filesAndImage(host));
    }

    private static boolean healthy(String host) {
        var services = World.on(host, "docker ps -a --filter label=com.docker.compose.project=ktrdr-"
                + host.replaceFirst("-.*", "") + " --format '{{.Status}}'").lines().toList();
        return services.size() == (host.equals("core") ? 5 : RUN.get(host))
                && services.stream().allMatch(status -> status.endsWith("(healthy)"));
    }

    /** A failed test may also have left another image under the release's tag. */
    private static String filesAndImage(String host) {
        return World.on(host, "cd /opt/ktrdr-" + host
                + "; find . -path ./.ktrdr -prune -o -type f -exec sha256sum {} + | sort -k 2")
                + World.image(host, OLDER);
    }

    /**
     * Waits for a health check, a scrape or a registration that a fault or a previous class delays by seconds. Tests of
     * a healthy fleet begin with it.
     */
    public static void well() {
        var well = ktrdr("verify", "--quick", "--wait", "90s").run();
        assertEquals(0, well.exit(), well::toString);
        noMisses();
    }

    /**
     * Waits until the backend counts no missed health check of an available worker. A restarted worker keeps those of
     * its outage until the next check, and with the third one it is unavailable.
     */
    public static void noMisses() {
        Wait.until(() -> {
            for (var worker : JSON.readTree(World.workers()))
                if (worker.path("status").asText().equals("available")
                        && worker.required("health_check_failures").asInt() > 0) return false;
            return true;
        }, World::workers);
    }

    private static boolean settled(String host) {
        var release = release(host);
        return List.of(OLDER, NEWER).contains(release) && found(host).equals(proven(host, release))
                && left(host, 1).isEmpty()
                && World.on(host, "[ ! -s " + HISTORY.formatted(host) + " ] || echo yes").equals("yes");
    }

    private static void older(String host) {
        var what = host.equals("core") ? List.of("core", "all") : List.of("workers", host);
        deployed(ktrdr("deploy", what.get(0), what.get(1), "--tag", OLDER, "--wait", "2m").run(), host, OLDER);
    }

    /**
     * Asserts that a host runs a release and nothing else: every container of it is running, healthy, and uses the
     * image that the tag names on that host.
     */
    public static void runs(String host, String tag, Ran ran) {
        assertEquals(proven(host, tag), found(host), () -> host + " after\n" + ran);
    }

    private static List<String> proven(String host, String tag) {
        return Collections.nCopies(RUN.get(host), tag + " running healthy");
    }

    private static List<String> found(String host) {
        return World.on(host, """
                docker ps -aq --no-trunc | xargs -r docker inspect --format '{{.Config.Image}} {{.Image}} \
                {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' | sort | {
                  known=
                  while read -r image its state; do
                    case $image in */ktrdr-backend:*) ;; *) continue ;; esac
                    [ "$image" = "$known" ] || named=$(docker image inspect --format '{{.Id}}' "$image" || :)
                    known=$image
                    echo "${image##*:} $state $([ "$its" = "$named" ] || echo from another image)"
                  done
                }
                """).lines().map(String::strip).toList();
    }

    /**
     * Asserts that a deployment left nothing on a host: lock, login, half-written files, containers under a temporary
     * name, invalid records.
     */
    public static void clean(String host, Ran ran) {
        // the node kills a disconnected script after ten seconds
        assertEquals("", left(host, 75), () -> host + " after\n" + ran);
        history(host);
    }

    private static String left(String host, int looks) {
        return World.on(host, """
                left() {
                  ls -d /opt/*/.ktrdr/lock /dev/shm/ktrdr.* /opt/*/.ktrdr-new.* 2>/dev/null || :
                  docker ps -a --format '{{.Names}}' | grep -E '%s' || :
                }
                for i in $(seq %d); do
                  [ -n "$(left)" ] || exit 0
                  sleep 0.2
                done
                left
                """.formatted(Underway.PASSING_NAME, looks));
    }

    /** The records of a host's deployments, oldest first; fails on a line that is not a JSON object. */
    public static List<JsonNode> history(String host) {
        var records = new ArrayList<JsonNode>();
        for (var line : World.on(host, "cat " + HISTORY.formatted(host)).split("\n")) {
            try {
                records.add(JSON.readTree(line));
                assertTrue(records.get(records.size() - 1).isObject(), line);
            } catch (JsonProcessingException e) {
                throw new AssertionError(host + ": a line of releases.jsonl is no JSON: " + line, e);
            }
        }
        return records;
    }

    /** Asserts that a run reports the state of a node, in JSON and in plain words. */
    public static void told(Ran ran, String node, String outcome) {
        assertTrue(ran.err().lines().anyMatch((node + ": " + outcome)::equals),
                () -> "no \"" + node + ": " + outcome + "\" in\n" + ran);
    }

    /** Asserts that an error names a node and the fix. */
    public static void complained(Ran ran, String node) {
        assertTrue(Pattern.compile("(?m)^error: " + node + ": .*\n(  .*\n)*?  to do +\\S").matcher(ran.err()).find(),
                () -> "no error of " + node + " with what to do in\n" + ran);
    }

    /** Asserts that a node was rolled back, verified and left clean: exit code, output and world. */
    public static void returned(Ran ran, String node, String tag) {
        assertEquals(5, ran.exit(), ran::toString);
        told(ran, node, "returned");
        assertTrue(Pattern.compile("(?m)^" + node + " +back +" + tag + ".*\\bhealthy\\b").matcher(ran.err()).find(),
                () -> "no line about the way back of " + node + " in\n" + ran);
        runs(node, tag, ran);
        clean(node, ran);
    }

    /** Asserts that a node runs the requested release, as a run with exit code 0 claims. */
    public static void deployed(Ran ran, String node, String tag) {
        assertEquals(0, ran.exit(), ran::toString);
        runs(node, tag, ran);
        clean(node, ran);
    }

    /** For a moment in which both outcomes are right: the new release or the previous one, each with its exit code. */
    public static void deployedOrReturned(Ran ran, String node, String after, String before) {
        if (ran.exit() == 0) deployed(ran, node, after);
        else returned(ran, node, before);
    }
}
