package ktrdr;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import ktrdr.fleet.Fleet;
import ktrdr.ssh.HostKeys;
import ktrdr.ssh.Ssh;
import ktrdr.ssh.SshRoute;
import ktrdr.ssh.SshTarget;
import lab.Wait;
import net.schmizz.sshj.common.Buffer;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.forward.AcceptAllForwardingFilter;
import org.apache.sshd.server.shell.ProcessShellFactory;

/**
 * An ssh server in this process with a real shell, a client home folder, and an optional breakable line between them.
 */
public final class SshPeer implements AutoCloseable {
    public final SshServer server = SshServer.setUpDefaultServer();
    public final Path home;
    public final KeyPair hostKey = ec("secp256r1");
    public final KeyPair clientKey = ec("secp256r1");
    public final List<PublicKey> allowed = new CopyOnWriteArrayList<>(List.of(clientKey.getPublic()));
    public Map<String, String> environment = Map.of();
    public Duration silence = Duration.ofSeconds(20);
    /** Whether the inventory sets the scale of workers nodes. */
    public boolean scaled = true;

    /** Starts the server. The home folder has its host key in known_hosts and an authorised key in ~/.ssh/id_ecdsa. */
    public SshPeer(Path folder) throws IOException {
        this(folder, "127.0.0.1");
    }

    /** Same, but on another address: 0.0.0.0 for all interfaces. */
    public SshPeer(Path folder, String address) throws IOException {
        home = folder.resolve("home");
        Files.createDirectories(home.resolve(".ssh"));
        server.setHost(address);
        server.setKeyPairProvider(KeyPairProvider.wrap(hostKey));
        server.setPublickeyAuthenticator((user, key, session) -> allowed.stream()
                .anyMatch(publicKey -> KeyUtils.compareKeys(publicKey, key)));
        server.setForwardingFilter(AcceptAllForwardingFilter.INSTANCE);
        server.setCommandFactory((channel, command) -> {
            // through a shell, as sshd runs commands
            var there = "PATH=" + Sh.quote(folder.toString()) + ":$PATH; exec " + command;
            return new ProcessShellFactory(there, "sh", "-c", there).createShell(channel);
        });
        server.start();
        privateKey("id_ecdsa", clientKey);
        knownHosts(known(hostKey.getPublic()));
    }

    public int port() {
        return server.getPort();
    }

    public SshRoute.Surroundings here() {
        return new SshRoute.Surroundings(home, environment, silence, home.resolve("ssh_config"));
    }

    public SshTarget target() {
        return target(port());
    }

    public SshTarget target(int port) {
        return SshTarget.named("workers-b", "127.0.0.1").port(port).user("root").build();
    }

    public Ssh connect() {
        return Ssh.connect(target(), here());
    }

    /** Connects through a breakable line, with a known_hosts entry for its port. */
    public Ssh connect(Line line) throws IOException {
        knownHosts(known(hostKey.getPublic()) + "[127.0.0.1]:" + line.port() + known(hostKey.getPublic())
                .replaceFirst("^\\S+", ""));
        return Ssh.connect(target(line.port()), here());
    }

    /**
     * A fleet of core and this many workers nodes, all on this server, which must listen on all addresses. The first
     * workers node uses another port; {@code more} is added to the inventory.
     */
    public Fleet fleet(int workers, int first, String more) {
        var inventory = Fixtures.inventory(inventory(workers, first, more));
        return new Fleet(inventory, inventory.nodes(), new Console(Console.Color.never, false));
    }

    /** The inventory of that fleet. */
    public String inventory(int workers, int first, String more) {
        var key = known(hostKey.getPublic()).replaceFirst("^\\S+", "");
        try {
            knownHosts("*" + key + "[*]:*" + key);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var ssh = "ssh: {user: root, port: %d, known_hosts: " + home.resolve(".ssh/known_hosts") + ", identity: "
                + home.resolve(".ssh/id_ecdsa") + ", connect_timeout: 5s}";
        return "domain: ktrdr.test\nresolve: inventory\n" + ssh.formatted(port())
                + "\nnodes:\n  core: {role: core, host: backend, address: 127.0.0.1}\n"
                + IntStream.range(0, workers)
                        .mapToObj(i -> "  w" + i + ": {role: workers, host: w" + i + ", address: 127.0." + (1 + i / 200)
                                + "." + (i % 200 + 1) + (scaled ? ", scale: 1" : "")
                        + (i == 0 ? ", " + ssh.formatted(first) : "") + "}\n").collect(Collectors.joining())
                + "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}\n" + more;
    }

    /** Puts a folder first in PATH, for example with a fake docker; temporary files go there too. */
    void programs(Path folder) {
        var place = Sh.quote(folder.toString());
        server.setCommandFactory((channel, command) -> {
            var there = "PATH=" + place + ":$PATH; TMPDIR=" + place + "; export TMPDIR; exec " + command;
            return new ProcessShellFactory(there, "sh", "-c", there).createShell(channel);
        });
    }

    /** Closes all connections, as in a network change. */
    void cut() {
        server.getActiveSessions().forEach(session -> session.close(true));
    }

    /** The known_hosts line of this server. */
    public String known(PublicKey key) {
        return "[127.0.0.1]:" + port() + " " + line(key) + "\n";
    }

    public void knownHosts(String text) throws IOException {
        Files.writeString(home.resolve(".ssh/known_hosts"), text);
    }

    /** A private key file in ssh-keygen format. */
    public Path privateKey(String name, KeyPair pair) throws IOException {
        var file = home.resolve(".ssh").resolve(name);
        try (var out = Files.newOutputStream(file)) {
            OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(pair, "test", null, out);
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
        return file;
    }

    /** Type and base64, as in a .pub file. */
    public static String line(PublicKey key) {
        return HostKeys.Key.of(key).type() + " "
                + Base64.getEncoder().encodeToString(new Buffer.PlainBuffer().putPublicKey(key).getCompactData());
    }

    public static KeyPair ec(String curve) {
        try {
            var generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec(curve));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs a local program and returns its output. */
    public static String sh(String... argv) throws IOException, InterruptedException {
        var process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var out = new String(process.getInputStream().readAllBytes());
        if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0)
            throw new IOException(String.join(" ", argv) + ": " + out);
        return out;
    }

    public static boolean has(String program) {
        return List.of(System.getenv("PATH").split(":")).stream()
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)))
                || Files.isExecutable(Path.of("/usr/sbin", program));
    }

    @Override
    public void close() throws IOException {
        server.stop(true);
    }

    /** A TCP proxy to a local port that can cut the connection after a number of bytes, or freeze silently. */
    public static final class Line implements AutoCloseable {
        private final ServerSocket entry = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final List<Socket> sockets = new CopyOnWriteArrayList<>();
        private volatile int lines;
        private volatile int frozen;
        private volatile long sent;
        private volatile int millis;
        private volatile long cutAt = Long.MAX_VALUE;

        public Line(int port) throws IOException {
            daemon(() -> {
                while (true) {
                    var from = entry.accept();
                    var to = new Socket(InetAddress.getLoopbackAddress(), port);
                    sockets.addAll(List.of(from, to));
                    int number = lines++;
                    daemon(() -> copy(number, from.getInputStream(), to.getOutputStream(), true));
                    daemon(() -> copy(number, to.getInputStream(), from.getOutputStream(), false));
                }
            });
        }

        public int port() {
            return entry.getLocalPort();
        }

        /** Bytes sent by the client so far. */
        public long sent() {
            return sent;
        }

        public void cutAt(long bytes) {
            cutAt = bytes;
        }

        /** Delays all data by this many milliseconds. */
        public void slow(int delay) {
            millis = delay;
        }

        /** Stops forwarding on the current connections; new connections work. */
        public void freeze() {
            frozen = lines;
        }

        private void copy(int number, InputStream in, OutputStream out, boolean counted) throws IOException {
            var buffer = new byte[4096];
            for (int count; (count = in.read(buffer)) >= 0; ) {
                if (number < frozen) continue;
                int pass = counted ? (int) Math.max(0, Math.min(count, cutAt - sent)) : count;
                if (millis > 0) Wait.millis(millis);
                out.write(buffer, 0, pass);
                if (counted) sent += pass;
                if (pass < count) close();
            }
            if (number >= frozen) close();
        }

        @Override
        public void close() throws IOException {
            for (var socket : sockets) socket.close();
        }

        private interface Work {
            void run() throws IOException;
        }

        private static void daemon(Work work) {
            var thread = new Thread(() -> {
                try {
                    work.run();
                } catch (IOException e) {
                    // the connection was cut
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
    }
}
