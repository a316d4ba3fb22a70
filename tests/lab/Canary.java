package lab;

import java.io.IOException;
import java.util.Set;

/**
 * A fake secret that is put into each of the places that a {@link Watch} inspects, to prove that the watch finds
 * secrets there.
 */
public final class Canary {
    public static final String VALUE = "canary-that-is-to-be-seen-95f3c1";
    /** What the watch must report about it. */
    public static final Set<String> SEEN = Set.of("core:/tmp/canary has the canary",
            "core:/var/cache/canary was written and has a secret", "something was sent to 10.99.0.1",
            "the argument list of sh has the canary", "the environment of sleep has the canary",
            "the wire has the canary");
    private static final String FILE = "/var/cache/canary";

    private Canary() {}

    /** Exposes it; {@link #gone} removes the file that stays until the end of the watch. */
    public static void seenBy(Watch watch) throws IOException {
        World.on("core", "echo '" + VALUE + "' >" + FILE + "\necho '" + VALUE + "' >/tmp/canary");
        var arguments = new ProcessBuilder("sh", "-c", "sleep 60; :", VALUE).start();
        var environment = new ProcessBuilder("sleep", "60");
        environment.environment().put("CANARY", VALUE);
        var sleeping = environment.start();
        int before = watch.looks();
        Wait.until(() -> watch.looks() >= before + 2, () -> "the watch does not look");
        arguments.descendants().forEach(ProcessHandle::destroy);
        arguments.destroy();
        sleeping.destroy();
        World.on("core", "rm /tmp/canary");
        World.on("workers-b", "printf 'Authorization: Basic %s\\n' \"$(printf 'admin:%s' '" + VALUE +
                "' | base64)\" | curl -s -o /dev/null -H @- http://10.42.1.10:9090/-/healthy\n"
                + "ping -c 1 -W 1 10.99.0.1 >/dev/null || :");
    }

    public static void gone() {
        World.on("core", "rm -f " + FILE);
    }
}
