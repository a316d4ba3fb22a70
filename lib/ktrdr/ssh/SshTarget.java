package ktrdr.ssh;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import ktrdr.Problem;
import ktrdr.inventory.HostKeyPin;
import ktrdr.inventory.SshSettings;
import ktrdr.inventory.Inventory.Sudo;

/**
 * The host to connect to. What is empty comes from the ssh config, then from ssh's defaults.
 *
 * <pre>var target = SshTarget.named("core", "backend.example").user("root").port(2222).build();
 *var asRoot = target.toBuilder().sudo(Sudo.ALWAYS).build();</pre>
 *
 * @param name the host's name in messages, such as workers-b
 * @param host looked up in the ssh config, known_hosts and DNS
 * @param address connect here instead of to the host's address in DNS
 * @param identity a private key file, or a public one to choose a key of the agent by
 * @param knownHosts instead of ~/.ssh/known_hosts
 * @param config instead of ~/.ssh/config
 * @param sudo whether scripts run as root
 * @param jump jump hosts as in ProxyJump: user@host:port, separated by commas
 * @param connectTimeout for connecting, for the exchange of keys and for each try to log in
 * @param hostKeys pinned keys by host name or address, for this host and its jump hosts; known_hosts decides for others
 * @param neighbours the other hosts of the fleet: a message names the host that answers in this host's place
 */
public record SshTarget(String name, String host, Optional<String> address, Optional<Integer> port,
        Optional<String> user, Optional<Path> identity, Optional<Path> knownHosts, Optional<Path> config, Sudo sudo,
        Optional<String> jump, Duration connectTimeout, Map<String, HostKeyPin> hostKeys,
        Supplier<List<HostKeys.Neighbour>> neighbours) {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Pattern TYPED = Pattern.compile(
            "(?:ssh://)?(?:([^@]+)@)?(?:\\[([^]]+)]|([^:@\\s]+|[0-9A-Fa-f:.%]+))(?::(\\d{1,5}))?");

    /** As typed: host, user@host, user@host:port; an IPv6 address with a port in brackets. */
    public static SshTarget of(String text) {
        var matcher = TYPED.matcher(text);
        if (!matcher.matches()) throw Problem.usage("`" + text + "` is not a host to connect to")
                .expected("user@host:port, as in root@backend");
        var host = matcher.group(2) != null ? matcher.group(2) : matcher.group(3);
        var target = named(host, host);
        Optional.ofNullable(matcher.group(1)).ifPresent(target::user);
        Optional.ofNullable(matcher.group(4)).map(Integer::valueOf).ifPresent(target::port);
        return target.build();
    }

    /** A target with this name in messages, this host, and ssh's defaults. */
    public static Builder named(String name, String host) {
        return new Builder(name, host);
    }

    /** A builder that starts with the values of this target. */
    public Builder toBuilder() {
        var copy = new Builder(name, host);
        copy.address = address;
        copy.port = port;
        copy.user = user;
        copy.identity = identity;
        copy.knownHosts = knownHosts;
        copy.config = config;
        copy.sudo = sudo;
        copy.jump = jump;
        copy.connectTimeout = connectTimeout;
        copy.hostKeys = hostKeys;
        copy.neighbours = neighbours;
        return copy;
    }

    /** A jump host on the way to this target, reached with the target's keys and known hosts. */
    SshTarget jumpHost(String text) {
        var hop = of(text);
        return new SshTarget(name + ", jump host " + hop.host, hop.host, Optional.empty(), hop.port, hop.user, identity,
                knownHosts, config, Sudo.NEVER, Optional.empty(), connectTimeout, hostKeys, List::of);
    }

    /** Collects the values of a target; each method sets one and returns this builder. */
    public static final class Builder {
        private final String name;
        private final String host;
        private Optional<String> address = Optional.empty();
        private Optional<Integer> port = Optional.empty();
        private Optional<String> user = Optional.empty();
        private Optional<Path> identity = Optional.empty();
        private Optional<Path> knownHosts = Optional.empty();
        private Optional<Path> config = Optional.empty();
        private Sudo sudo = Sudo.NEVER;
        private Optional<String> jump = Optional.empty();
        private Duration connectTimeout = CONNECT_TIMEOUT;
        private Map<String, HostKeyPin> hostKeys = Map.of();
        private Supplier<List<HostKeys.Neighbour>> neighbours = List::of;

        private Builder(String name, String host) {
            this.name = name;
            this.host = host;
        }

        /** All that the inventory's {@code ssh} section sets: user, port, files, sudo, jump hosts and timeout. */
        public Builder settings(SshSettings ssh) {
            user = ssh.user();
            port = ssh.port();
            identity = ssh.identity();
            knownHosts = ssh.knownHosts();
            jump = ssh.jump();
            return sudo(ssh.sudo()).connectTimeout(ssh.connectTimeout());
        }

        /** The address to connect to instead of the one in DNS. */
        public Builder address(String value) {
            address = Optional.of(value);
            return this;
        }

        /** The port. */
        public Builder port(int value) {
            port = Optional.of(value);
            return this;
        }

        /** The user. */
        public Builder user(String value) {
            user = Optional.of(value);
            return this;
        }

        /** The key file. */
        public Builder identity(Path value) {
            identity = Optional.of(value);
            return this;
        }

        /** The file of known hosts. */
        public Builder knownHosts(Path value) {
            knownHosts = Optional.of(value);
            return this;
        }

        /** The ssh config. */
        public Builder config(Path value) {
            config = Optional.of(value);
            return this;
        }

        /** Whether scripts run as root. */
        public Builder sudo(Sudo value) {
            sudo = value;
            return this;
        }

        /** The jump hosts. */
        public Builder jump(String value) {
            jump = Optional.of(value);
            return this;
        }

        /** The time limit of each step of connecting. */
        public Builder connectTimeout(Duration value) {
            connectTimeout = value;
            return this;
        }

        /** The pinned host keys. */
        public Builder hostKeys(Map<String, HostKeyPin> value) {
            hostKeys = value;
            return this;
        }

        /** The other hosts of the fleet. */
        public Builder neighbours(Supplier<List<HostKeys.Neighbour>> value) {
            neighbours = value;
            return this;
        }

        /** The target. */
        public SshTarget build() {
            return new SshTarget(name, host, address, port, user, identity, knownHosts, config, sudo, jump,
                    connectTimeout, hostKeys, neighbours);
        }
    }
}
