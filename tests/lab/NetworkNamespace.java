package lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import ktrdr.LocalCommand;

/**
 * A network namespace as a separate machine, with nothing but loopback; only root can make one. It ends at the latest
 * with the process that made it.
 */
public final class NetworkNamespace implements AutoCloseable {
    /** Addresses work at once, without duplicate detection: no other machine can have them. */
    private static final String START =
            "ip link set lo up; echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; echo up; exec cat";
    private static final String LISTEN = """
            import socket, sys
            held = [socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=50) \
            for port in sys.argv[1:]]
            print("up", flush=True)
            sys.stdin.read()
            """;
    private static final String ASK = """
            import socket, sys
            for place in sys.argv[1:]:
                try:
                    socket.create_connection(place.split(" "), 0.5).close()
                    print(place)
                except TimeoutError:
                    pass
            """;
    private final long pid;
    private final List<String> cables = new ArrayList<>();
    private final List<Process> held = new ArrayList<>();

    private NetworkNamespace(long pid) {
        this.pid = pid;
    }

    /** Creates one. */
    public static NetworkNamespace open() {
        var holder = held(List.of("unshare", "--net", "sh", "-euc", START)).orElseThrow();
        var namespace = new NetworkNamespace(holder.pid());
        namespace.held.add(holder);
        return namespace;
    }

    /**
     * A process that has reported that it is up, and ends with its standard input, even if this JVM is killed; empty if
     * it ended before that.
     */
    static Optional<Process> held(List<String> words) {
        try {
            var process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            var said = new BufferedReader(new InputStreamReader(process.getInputStream())).readLine();
            return Optional.ofNullable(said).map(up -> process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The namespace of this program. */
    public static NetworkNamespace ours() {
        return new NetworkNamespace(ProcessHandle.current().pid());
    }

    /** The prefix of a command that runs in it. */
    public String[] within() {
        return new String[] {"nsenter", "--target", Long.toString(pid), "--net", "--"};
    }

    private List<String> within(Stream<String> words) {
        return Stream.concat(Stream.of(within()), words).toList();
    }

    /** A command to run in it. */
    public LocalCommand.Command command(String... argv) {
        return LocalCommand.command(within(Stream.of(argv)));
    }

    /** Runs these lines in it and returns their output. */
    public String sh(String script) {
        return command("sh", "-euc", script).must().out().strip();
    }

    /** A cable between a device here and one of another namespace, both up. */
    public void link(String device, NetworkNamespace other, String theirs) {
        sh("ip link add " + device + " type veth peer name " + theirs + " netns " + other.pid + "\nip link set "
                + device + " up");
        other.sh("ip link set " + theirs + " up");
        cables.add(device);
    }

    /** Listens at these TCP ports over IPv4 and IPv6 until it is closed. */
    public void listen(int... ports) {
        held.add(held(within(Stream.concat(Stream.of("python3", "-c", LISTEN),
                IntStream.of(ports).mapToObj(Integer::toString)))).orElseThrow());
    }

    /**
     * Those of these places, "address port", that accept a connection; the others must time out: a refused connection
     * is an error.
     */
    public List<String> reaches(List<String> places) {
        return LocalCommand.command(within(Stream.concat(Stream.of("python3", "-c", ASK), places.stream()))).must()
                .out().lines().toList();
    }

    /** Processes in it keep running, without a cable. */
    @Override
    public void close() {
        cables.forEach(device -> sh("ip link del " + device));
        held.forEach(Process::destroy);
    }
}
