package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The places where procedures put temporary files on a host: files that appeared there since the constructor ran are
 * leftovers.
 */
public final class Leftovers {
    /** The lock of a killed run stays until another run takes it over. */
    private static final String LOCK = "/\\.ktrdr/lock(/|$)|^/run/lock/ktrdr-(core|workers)\\.at$";
    /** Folders of the system and of Docker, and those of the watch. */
    private static final String OTHERS =
            "^/run/(docker|containerd|systemd|udev|user|log|sudo|mount|credentials)/|^/run/(utmp|reached)$|^/tmp/"
                    + "runc-process|^/dev/shm/(watch|words)\\.";
    private final Map<String, String> before;

    private Leftovers(Map<String, String> before) {
        this.before = before;
    }

    /** Ignores what exists now. */
    public static Leftovers since(List<String> hosts) {
        return new Leftovers(hosts.stream()
                .collect(Collectors.toMap(host -> host, host -> World.on(host, look(OTHERS) + "look\n"))));
    }

    /**
     * Temporary files and folders: in memory, in folders for temporary files, next to the files that they were to
     * replace, and in the database's container.
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

    /** Asserts that none of these paths, which may be patterns, exist: helpers of a run end within seconds of it. */
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

    /** Asserts that a run that ended, however it did, left nothing on a host. */
    public void none(String host, String run) {
        assertEquals("", left(host, OTHERS), () -> "on " + host + " after " + run);
    }

    /** The same for a killed run: it leaves its lock, and a container that is replacing another. */
    public void noneButLock(String host, String run) {
        assertEquals("", left(host, OTHERS + "|" + LOCK + "|" + Underway.PASSING_NAME),
                () -> "on " + host + " after " + run);
    }

    /** The node kills a disconnected script after ten seconds. */
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
