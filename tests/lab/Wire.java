package lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;

/**
 * Captures the traffic between this machine and the hosts of the practice fleet, and between the hosts: whole packets
 * of their bridge, in a file.
 */
final class Wire implements AutoCloseable {
    private static final String LAST = "end-of-the-watch";
    private final Process tcpdump;
    private final Path packets;

    private Wire(Process tcpdump, Path packets) {
        this.tcpdump = tcpdump;
        this.packets = packets;
    }

    /** Starts the capture; installs tcpdump if it is missing. */
    static Wire tap(Path folder) {
        Machine.ensure(new Console(Console.Color.never, false), Map.of("tcpdump", "tcpdump"),
                "what is sent between the hosts is read");
        var bridge = World.bridge();
        var packets = folder.resolve("packets.pcap");
        try {
            var tcpdump = new ProcessBuilder("tcpdump", "-i", bridge, "-nn", "-s", "0", "-B", "32768",
                    "--immediate-mode", "-U", "-Z", "root", "-w", packets.toString()).start();
            var said = new BufferedReader(new InputStreamReader(tcpdump.getErrorStream()));
            for (var line = said.readLine(); line == null || !line.contains("listening on"); line = said.readLine())
                if (line == null) throw new AssertionError("tcpdump does not listen on " + bridge);
            return new Wire(tcpdump, packets);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The file with the packets, in which unencrypted content is plain. */
    Path file() {
        return packets;
    }

    /** Ends the capture once earlier packets are in the file: a ping with a unique payload comes last. */
    @Override
    public void close() {
        World.on("core", "ping -c 1 -p " + HexFormat.of().formatHex(LAST.getBytes(StandardCharsets.US_ASCII))
                + " 10.42.1.11 >/dev/null");
        for (int looks = 0; looks < 100 && carried(Set.of(LAST)).isEmpty(); looks++) Services.pause();
        World.signal(tcpdump.pid(), "INT");
        tcpdump.onExit().join();
    }

    /** Which of these words were sent unencrypted. It does not read compressed bodies, TLS or ssh. */
    Set<String> carried(Set<String> words) {
        return new TreeSet<>(LocalCommand.command("grep", "-aoFf", "-", packets.toString()).env("LC_ALL", "C")
                .input(String.join("\n", words)).run().out().lines().toList());
    }

    /**
     * The destinations of packets outside of the hosts' own network: address and port, without replies to outside
     * requests, broadcast and multicast.
     */
    Set<String> foreign() {
        return LocalCommand.command(List.of("tcpdump", "-nn", "-q", "-r", packets.toString(),
                "ip and src net 10.42.1.0/24 and not dst net 10.42.1.0/24 and not multicast and not broadcast"))
                .must().out().lines().map(line -> line.replaceFirst(".* > (\\S+):.*", "$1"))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
