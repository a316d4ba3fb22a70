package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Where procedures put files of a moment on a host: what is there later, and was not when this was made, was left by
 * somebody.
 */
public final class Leftovers {
    /** The lock of a run that was killed is there until another run takes it over. */
    private static final String LOCK = "/\\.ktrdr/lock(/|$)|^/run/lock/ktrdr-(core|workers)\\.at$";
    /** Folders of the system's and of Docker's own, and what watches. */
    private static final String OTHERS =
            "^/run/(docker|containerd|systemd|udev|user|log|sudo|mount|credentials)/|^/run/(utmp|reached)$|^/tmp/"
                    + "runc-process|^/dev/shm/(watch|words)\\.";
    private final Map<String, String> before;

    private Leftovers(Map<String, String> before) {
        this.before = before;
    }

    /** What is there now is not looked at. */
    public static Leftovers since(List<String> hosts) {
        return new Leftovers(hosts.stream()
                .collect(Collectors.toMap(host -> host, host -> World.on(host, look(OTHERS) + "look\n"))));
    }

    /**
     * Files and folders of a moment: in memory, in folders for temporary ones, beside those that they were to replace,
     * and in the database's container.
     */
    private static String look(String others) {
        return """
                look() {
                  {
                    find /tmp /var/tmp /dev/shm /run -mindepth 1
                    ls -d /opt/*/.ktrdr/lock /etc/systemd/system/*.new* || :
                    find /opt/ktrdr-* /srv/ktrdr-shared -name '.*.??????' -o -name '*.new*' -o -name '.ktrdr-proof*'
                    docker exec ktrdr-db find /tmp -mindepth 1 | sed 's/^/ktrdr-db:/' || :
                    docker ps -a --format '{{.Names}}' | grep -E '%s|^ktrdr-probe' || :
                  } 2>/dev/null | grep -vE '%s' | sort -u || :
                }
                """.formatted(Underway.PASSING_NAME, others);
    }

    /**
     * Asserts that none of these paths, which may be patterns, is there: what works for a run ends within seconds of
     * it.
     */
    public static void gone(String host, String... paths) {
        assertEquals("", World.on(host, """
                for i in $(seq 150); do
                  left=$(ls -d %s 2>/dev/null || :)
                  [ -n "$left" ] || exit 0
                  sleep 0.1
                done
                printf '%%s\\n' "$left"
                """.formatted(String.join(" ", paths))), () -> "on " + host);
    }

    /** Asserts that nothing is left on a host by a run that ended, however it did. */
    public void none(String host, String run) {
        assertEquals("", left(host, OTHERS), () -> "on " + host + " after " + run);
    }

    /** The same of one that was killed: it leaves its lock, and a container that took another's place half way. */
    public void noneButLock(String host, String run) {
        assertEquals("", left(host, OTHERS + "|" + LOCK + "|" + Underway.PASSING_NAME),
                () -> "on " + host + " after " + run);
    }

    /** What was cut from us is given ten seconds by the node before it is killed. */
    private String left(String host, String others) {
        return World.on(host, look(others) + "before='" + before.get(host) + "'\n" + """
                for i in $(seq 75); do
                  left=$(look | grep -vxF "$before" || :)
                  [ -n "$left" ] || exit 0
                  sleep 0.2
                done
                printf '%s\\n' "$left"
                """);
    }
}
