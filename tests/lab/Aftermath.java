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
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lab.Toolkit.Ran;

/** What has to be true after a deployment however it ended, looked at from outside. */
public final class Aftermath {
    public static final String OLDER = "sha-1000001";
    public static final String NEWER = "sha-2000002";
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private static final String HISTORY = "/opt/ktrdr-%s/.ktrdr/releases.jsonl";
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Aftermath() {}

    /**
     * What of {@link World#everything} has to be the same after a run that changed nothing: all but the history it may
     * be written into.
     */
    public static String still(String everything) {
        return everything.lines().filter(line -> !line.contains("/releases.jsonl")).collect(Collectors.joining("\n"));
    }

    /** The release that runs on a host; several with blanks between where it is a mixture. */
    public static String release(String host) {
        return World.on(host,
                "docker ps -a --format '{{.Image}}' | sed -n 's|.*/ktrdr-backend:||p' | sort -u | tr '\\n' ' '")
                .strip();
    }

    /**
     * The other one of the two good releases than the one that a host runs: to be deployed there, so that no test has
     * to put back what it found.
     */
    public static String another(String host) {
        return release(host).equals(OLDER) ? NEWER : OLDER;
    }

    /**
     * For tests that may follow one which failed: where a host runs no good release, or something is left on it, the
     * older one is deployed there.
     */
    public static void settle() {
        for (var host : HOSTS) if (!settled(host)) older(host);
    }

    /** For tests that need a release, whichever it is: where the fleet has none yet, the older one is deployed. */
    public static void someRelease() {
        if (World.on("core", "docker inspect --format '{{.State.Running}}' ktrdr-db 2>/dev/null || :").isEmpty())
            restore();
    }

    /** For what follows these tests: the older release runs everywhere. */
    public static void restore() {
        for (var host : HOSTS) if (!release(host).equals(OLDER) || !settled(host)) older(host);
    }

    /**
     * Waits for what a fault, or a class before this one, leaves for some seconds: a health check, a scrape, a
     * registration. Tests of what is asked of a well fleet begin with it.
     */
    public static void well() {
        var well = ktrdr("verify", "--quick", "--wait", "90s").run();
        assertEquals(0, well.exit(), well::toString);
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
     * Asserts that a host runs a release and nothing else: every container of it running, healthy, and from the image
     * that the tag is there.
     */
    public static void runs(String host, String tag, Ran ran) {
        assertEquals(proven(host, tag), found(host), () -> host + " after\n" + ran);
    }

    private static List<String> proven(String host, String tag) {
        return Collections.nCopies(host.equals("core") ? 1 : 4, tag + " running healthy");
    }

    private static List<String> found(String host) {
        return World.on(host, """
                docker ps -aq --no-trunc | while read -r id; do
                  docker inspect --format '{{.Config.Image}} {{.Image}} {{.State.Status}} {{if \
                .State.Health}}{{.State.Health.Status}}{{end}}' "$id" | {
                    read -r image its state
                    case $image in
                      */ktrdr-backend:*) echo "${image##*:} $state $([ "$its" = "$(docker image inspect --format \
                '{{.Id}}' "$image")" ] || echo from another image)" ;;
                    esac
                  }
                done
                """).lines().map(String::strip).toList();
    }

    /**
     * Asserts that nothing of a deployment is left on a host: lock, login, half-written files, containers under a
     * passing name, lines that are no record.
     */
    public static void clean(String host, Ran ran) {
        // what was cut from us is given ten seconds by the node before it is killed
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

    /** The records of a host's deployments, oldest first; a line that is no JSON object fails. */
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

    /** Asserts that a run says what became of a node, in the words of a script and in those of a person. */
    public static void told(Ran ran, String node, String outcome) {
        assertTrue(ran.err().lines().anyMatch((node + ": " + outcome)::equals),
                () -> "no \"" + node + ": " + outcome + "\" in\n" + ran);
    }

    /** Asserts that an error names a node and what to do about it. */
    public static void complained(Ran ran, String node) {
        assertTrue(Pattern.compile("(?m)^error: " + node + ": .*\n(  .*\n)*?  to do +\\S").matcher(ran.err()).find(),
                () -> "no error of " + node + " with what to do in\n" + ran);
    }

    /** Asserts that a node was put back, proven, and left clean: exit code, words and world. */
    public static void returned(Ran ran, String node, String tag) {
        assertEquals(5, ran.exit(), ran::toString);
        told(ran, node, "returned");
        assertTrue(Pattern.compile("(?m)^" + node + " +back +" + tag + ".*\\bhealthy\\b").matcher(ran.err()).find(),
                () -> "no line about the way back of " + node + " in\n" + ran);
        runs(node, tag, ran);
        clean(node, ran);
    }

    /** Asserts that a node runs what was asked for, as a run with exit code 0 claims. */
    public static void deployed(Ran ran, String node, String tag) {
        assertEquals(0, ran.exit(), ran::toString);
        runs(node, tag, ran);
        clean(node, ran);
    }

    /** For a moment in which both ends are right: the new release or the one before, each with its exit code. */
    public static void deployedOrReturned(Ran ran, String node, String after, String before) {
        if (ran.exit() == 0) deployed(ran, node, after);
        else returned(ran, node, before);
    }
}
