import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;
import lab.Aftermath;
import lab.Machine;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where procedures connect to, at kernel level: strace records every attempt of the JVM and its child processes,
 * including failed ones and name lookups. {@link SecretsWatchTest} covers what nodes send elsewhere.
 */
@Tag("fleet")
class ConnectionsTest {
    /** An internet address and port, in IPv4 or IPv6 notation. */
    private static final Pattern ADDRESS =
            Pattern.compile("sin6?_port=htons\\((\\d+)\\).*?(?:inet_addr\\(|AF_INET6, )\"(?:::ffff:)?([^\"]+)\"");
    private static final Pattern SOCKET = Pattern.compile("sun_path=@?\"([^\"]*)\"");
    /** ssh, and core's published services: workers and the database are reached inside their containers. */
    private static final Pattern NODES =
            Pattern.compile("10\\.42\\.1\\.1[0-2] 22|10\\.42\\.1\\.10 (8000|3000|9090|16686)");
    /**
     * The C library asks this local socket for the user's name before it reads /etc/passwd. Without that service, its
     * lookups elsewhere appear in the trace.
     */
    private static final Pattern NAMES_OF_USERS = Pattern.compile("/var/run/nscd/socket");
    @TempDir Path folder;

    @BeforeAll
    static void strace_is_there() {
        Machine.ensure(new Console(Console.Color.never, false), Map.of("strace", "strace"),
                "connections are looked at");
    }

    /** Prefix that traces a command, on a machine whose own name no resolver knows. */
    private static String[] traced(Path noted) {
        return new String[] {"unshare", "--uts", "sh", "-c", "hostname laptop.of-nobody.test; exec \"$@\"", "sh",
            "strace", "-f", "-qq", "--seccomp-bpf", "-s", "200", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e",
                "signal=none", "-o", noted.toString()};
    }

    /** Runs a procedure that succeeds, and returns its connection attempts: address and port, or path. */
    private Set<String> tried(String... words) throws IOException {
        return tried(0, words);
    }

    private Set<String> tried(int worst, String... words) throws IOException {
        // JBang's one-time build is not part of a run
        assertEquals(0, ktrdr(words[0], "--help").run().exit());
        var noted = folder.resolve("calls");
        var ran = ktrdr(words).under(traced(noted)).run();
        assertTrue(ran.exit() <= worst, ran::toString);
        return places(noted);
    }

    private static Set<String> places(Path noted) throws IOException {
        var places = new TreeSet<String>();
        for (var line : Files.readAllLines(noted)) {
            ADDRESS.matcher(line).results().forEach(match -> places.add(match.group(2) + " " + match.group(1)));
            SOCKET.matcher(line).results().forEach(match -> places.add(match.group(1)));
        }
        return places;
    }

    private static Set<String> foreign(Set<String> tried) {
        return tried.stream().filter(text -> !NODES.matcher(text).matches() && !NAMES_OF_USERS.matcher(text).matches())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void procedures_connect_to_nodes_and_to_nothing_else() throws IOException {
        var all = new TreeSet<String>();
        // the backend and Prometheus may still miss what other tests removed
        all.addAll(tried(1, "status"));
        all.addAll(tried(1, "verify", "--quick"));
        all.addAll(tried("logs", "core", "--tail", "1"));
        all.addAll(tried("deploy", "core", "prometheus", "--tag", Aftermath.OLDER));
        all.addAll(tried("backup-db", "--list"));
        all.addAll(tried("rotate-secret", "ghcr_token"));
        assertEquals(Set.of(), foreign(all));
        // proves that the trace recorded connections
        assertTrue(all.contains("10.42.1.10 22") && all.contains("10.42.1.10 8000") && all.contains("10.42.1.12 22"),
                all::toString);
    }

    @Test
    void what_needs_no_node_connects_to_nothing() throws IOException {
        for (var words : List.of(List.of("setup-dns", "--format", "hosts"), List.of("completion", "bash"))) {
            var all = tried(words.toArray(String[]::new));
            assertEquals(Set.of(), all.stream().filter(text -> !NAMES_OF_USERS.matcher(text).matches())
                    .collect(Collectors.toSet()));
        }
    }

    @Test
    void a_name_that_is_looked_up_is_seen() throws IOException {
        var noted = folder.resolve("calls");
        var words = new ArrayList<>(List.of(traced(noted)));
        words.addAll(List.of("getent", "ahosts", "somewhere.of-nobody.test"));
        LocalCommand.command(words).run();
        assertTrue(places(noted).stream().anyMatch(place -> place.endsWith(" 53")),
                () -> "no question to a DNS server in " + noted);
    }
}
