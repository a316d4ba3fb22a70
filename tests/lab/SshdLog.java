package lab;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The log of each host's sshd from a moment on: the practice fleet's sshd logs every connection, and every command that
 * is started over one.
 */
public final class SshdLog {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private final Map<String, String> cursors = new LinkedHashMap<>();

    private SshdLog() {
        for (var host : HOSTS) cursors.put(host,
                World.on(host, "journalctl --sync; journalctl -q -n 1 -o export | sed -n 's/^__CURSOR=//p'"));
    }

    /** Starts at the current end of the log. */
    public static SshdLog fromNow() {
        return new SshdLog();
    }

    /** "connections/commands" by host. */
    public Map<String, String> counts() {
        var counts = new LinkedHashMap<String, String>();
        cursors.forEach((host, cursor) ->
                counts.put(host, World.on(host,
                        "journalctl --sync; journalctl -q --after-cursor='" + cursor + "' -o cat -u ssh >/tmp/noted; "
                + "echo \"$(grep -c '^Accepted publickey' /tmp/noted)/$(grep -c '^Starting session' /tmp/noted)\"; rm "
                + "/tmp/noted")));
        return counts;
    }
}
