package ktrdr.ssh;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.SocketFactory;
import ktrdr.Problem;
import ktrdr.Threads;
import net.schmizz.keepalive.KeepAliveRunner;
import net.schmizz.sshj.SSHClient;

/** From a {@link SshTarget} to an open, checked, logged-in connection, by way of as many hosts as it takes. */
final class SshConnect {
    /**
     * A connection in use: the last client and its wire, whom it is logged in as, and everything there is to close, in
     * that order.
     */
    record Link(SSHClient client, SshWire wire, String login, List<AutoCloseable> closing) {}

    private static final int MAX_JUMPS = 8;
    /** As many times the silence that is borne may a connection take until it is logged in, whatever is heard of it. */
    private static final int PATIENCE = 10;
    private final SshRoute.Surroundings here;
    private final List<AutoCloseable> closing = new ArrayList<>();

    private SshConnect(SshRoute.Surroundings here) {
        this.here = here;
    }

    static Link connect(SshTarget target, SshRoute.Surroundings here) {
        var connect = new SshConnect(here);
        try {
            return connect.connect(target, 0);
        } catch (RuntimeException e) {
            Ssh.close(connect.closing);
            throw e;
        }
    }

    private Link connect(SshTarget target, int depth) {
        if (depth > MAX_JUMPS)
            throw Problem.usage(target.name() + ": its jump hosts go in a circle, or are more than " + MAX_JUMPS);
        var route = SshRoute.to(target, here);
        Link via = null;
        if (route.jump().isPresent())
            for (var text : route.jump().get().split(",")) {
                var hop = target.jumpHost(text.strip());
                via = via == null ? connect(hop, depth + 1) : open(SshRoute.to(hop, here), via, hop.neighbours());
            }
        return open(route, via, target.neighbours());
    }

    private Link open(SshRoute route, Link via, Supplier<List<HostKeys.Neighbour>> neighbours) {
        var hostKeys = new HostKeys(route.node(), route.knownAs(), route.addressToo(), route.port(), route.knownHosts(),
                route.pin())
                .among(neighbours, route.connectTo());
        var wire = via == null ? direct(route) : through(route, via);
        closing.add(0, wire);
        // the wire's watch decides about silence: a slow host may go on as long as it sends something
        int millis = (int) route.timeout().multipliedBy(PATIENCE).toMillis();
        var client = new SSHClient(SshAlgorithms.config(hostKeys.hasAuthority()));
        client.setSocketFactory(only(wire));
        client.addHostKeyVerifier(hostKeys);
        client.getTransport().setTimeoutMs(millis);
        int seconds = (int) Math.max(1, here.silence().toSeconds() / 4);
        var keepAlive = (KeepAliveRunner) client.getConnection().getKeepAlive();
        keepAlive.setKeepAliveInterval(seconds);
        // the wire's watch decides, since a keep-alive cannot be sent while a write to a dead peer is stuck
        keepAlive.setMaxAliveCount(Integer.MAX_VALUE);
        closing.add(0, client);
        var login = new SshLogin(route.node(), route.user(), route.keys());
        try {
            // by address: sshj would look a name up again, and wait for a DNS that is not there yet
            client.connect(wire.getInetAddress().getHostAddress(), route.port());
            wire.hearWithin(here.silence().compareTo(route.timeout()) > 0 ? here.silence() : route.timeout());
            login.login(client, millis, route.login());
        } catch (IOException | RuntimeException e) {
            throw e instanceof Problem problem ? problem : hostKeys.refusal() != null ? hostKeys.refusal()
                    : failed(route, wire, client, login, e);
        }
        wire.hearWithin(here.silence());
        return new Link(client, wire, route.login(), closing);
    }

    private static Problem failed(SshRoute route, SshWire wire, SSHClient client, SshLogin login, Exception e) {
        var said = wire.firstWords();
        boolean ssh = said.startsWith("SSH-");
        // sshj's own watch may be the quicker one
        boolean silent = wire.expired() || Stream.<Throwable>iterate(e, Objects::nonNull, Throwable::getCause)
                .anyMatch(TimeoutException.class::isInstance);
        if (silent) return Problem.unreachable(route.node() + ": " + route.peer()
                + " accepted the connection and then said nothing more for "
                        + seconds(route)).found(ssh ? "" : said).because(e)
                .fix("look at sshd on the host, or for a full table of connections in between; where the way is that "
                        + "slow, give it longer: connect_timeout under ssh in the inventory");
        if (!ssh && !said.isEmpty()) return Problem.unreachable(route.node() + ": " + route.peer()
                + " is not an ssh server")
                .expected("SSH-2.0-…").found(said).fix("correct the port, or what listens there").because(e);
        var apart = NO_SETTLEMENT.matcher(String.valueOf(e.getMessage()));
        if (apart.find()) {
            var option = SETTINGS.getOrDefault(apart.group(1), apart.group(1));
            return Problem.unreachable(route.node() + ": " + route.peer() + " allows no algorithm that is spoken here")
                    .expected(option + " with one of " + spoken(apart.group(2)))
                    .found(spoken(apart.group(3))).fix("allow one of these in the host's sshd_config, " + option)
                    .because(e);
        }
        if (login.begun() && !client.getTransport().isAuthenticated()) return login.hungUp(client, route.login(), e);
        var during = !client.getTransport().isAuthenticated() && ssh ? " while connecting" : "";
        return Problem.unreachable(route.node() + ": " + route.peer() + " closed the connection" + during)
                .found(e.getMessage()).with("it said", SshLogin.banner(client))
                .fix("ssh -v -p " + route.port() + " " + route.user() + "@" + route.connectTo()).because(e);
    }

    /** sshj's message if two lists have nothing in common: of what, this side's, the host's. */
    private static final Pattern NO_SETTLEMENT =
            Pattern.compile("settlement of (?:Client2Server|Server2Client)?(\\w+): \\[(.*)] and \\[(.*)]");
    /** How sshd_config(5) calls these lists, where it does so in another way. */
    private static final Map<String, String> SETTINGS = Map.of("KeyExchangeAlgorithms", "KexAlgorithms",
            "CipherAlgorithms", "Ciphers", "MACAlgorithms", "MACs");

    /** Without the names that are no algorithms but announce extensions. */
    private static String spoken(String algorithms) {
        return algorithms.replaceAll(", (ext-info|kex-strict)-[^,]*", "");
    }

    private SshWire direct(SshRoute route) {
        long deadline = System.nanoTime() + route.timeout().toNanos();
        IOException last = null;
        for (var address : addresses(route)) {
            var socket = new Socket();
            try {
                socket.setTcpNoDelay(true);
                int left = (int) Math.max(1, (deadline - System.nanoTime()) / 1_000_000);
                socket.connect(new InetSocketAddress(address, route.port()), left);
                return new SshWire(socket.getInputStream(), socket.getOutputStream(), socket, address, route.port(),
                        route.timeout());
            } catch (IOException e) {
                Ssh.close(List.of(socket));
                last = e;
            }
        }
        throw noConnection(route, last);
    }

    private static Problem noConnection(SshRoute route, IOException e) {
        var text = e instanceof SocketTimeoutException ? "did not answer within " + seconds(route)
                : e instanceof NoRouteToHostException ? "cannot be reached: no route to host"
                : e instanceof ConnectException && e.getMessage().contains("refused") ? "refused the connection"
                : "cannot be reached: " + e.getMessage();
        var fix = text.startsWith("refused") ? "start sshd on the host, or correct the port"
                : "look whether the host is up: ping " + route.connectTo()
                + (e instanceof SocketTimeoutException
                        ? "; where the way is that slow, give it longer: connect_timeout under ssh in the inventory"
                        : "");
        return Problem.unreachable(route.node() + ": " + route.peer() + " " + text).fix(fix).because(e);
    }

    private static InetAddress[] addresses(SshRoute route) {
        var lookup = CompletableFuture.supplyAsync(() -> {
            try {
                return InetAddress.getAllByName(route.connectTo());
            } catch (UnknownHostException e) {
                return new InetAddress[0];
            }
        }, Threads.each("lookup"));
        try {
            var found = lookup.get(route.timeout().toMillis(), TimeUnit.MILLISECONDS);
            if (found.length > 0) return found;
            throw noName(route, "no address for it");
        } catch (TimeoutException | ExecutionException e) {
            throw noName(route, "no answer from DNS within " + seconds(route));
        } catch (InterruptedException e) {
            throw Threads.interrupted(route.node() + ": interrupted while connecting", e);
        }
    }

    private static Problem noName(SshRoute route, String found) {
        return Problem.unreachable(route.node() + ": the name " + route.connectTo() + " does not resolve")
                .expected("an address for it in DNS")
                .found(found)
                .fix("getent hosts " + route.connectTo()
                        + "; with `resolve: inventory` the inventory's addresses are used instead");
    }

    private static String seconds(SshRoute route) {
        return route.timeout().toMillis() / 1000.0 + " s";
    }

    private SshWire through(SshRoute route, Link via) {
        try {
            var tunnel = via.client().newDirectConnection(route.connectTo(), route.port());
            return new SshWire(tunnel.getInputStream(), tunnel.getOutputStream(), () -> {
                tunnel.getInputStream().close();
                // a jump host that is dead itself would keep us waiting for its answer
                Threads.each("close").execute(() -> Ssh.close(List.of(tunnel)));
            }, InetAddress.getByAddress(new byte[4]), route.port(), route.timeout());
        } catch (IOException e) {
            throw Problem.unreachable(route.node() + ": the jump host cannot connect to " + route.peer())
                    .found(e.getMessage())
                    .fix("from the jump host: nc -z " + route.connectTo() + " " + route.port()).because(e);
        }
    }

    private static SocketFactory only(Socket socket) {
        return new SocketFactory() {
            @Override
            public Socket createSocket() {
                return socket;
            }

            @Override
            public Socket createSocket(String host, int port) {
                return socket;
            }

            @Override
            public Socket createSocket(InetAddress host, int port) {
                return socket;
            }

            @Override
            public Socket createSocket(String host, int port, InetAddress local, int localPort) {
                return socket;
            }

            @Override
            public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
                return socket;
            }
        };
    }
}
