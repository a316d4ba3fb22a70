package ktrdr.ssh;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Problem;
import ktrdr.inventory.HostKeyPin;

/**
 * How a target is reached, with everything its ssh config and the defaults add; what the target says itself wins.
 *
 * @param node how sentences call it
 * @param connectTo a name or an address
 * @param knownAs the name its host key is looked up under
 * @param addressToo what it is looked up under where the name is not known: the address of the inventory, by which it
 *     is connected to
 * @param pin the one key that it may show, where the target says so of any of its names
 * @param jump hosts in between, the nearest first, as ProxyJump has them
 * @param timeout for each of connecting, exchanging keys and logging in
 */
public record SshRoute(String node, String connectTo, String knownAs, Optional<String> addressToo, int port,
        String user, SshLogin.Keys keys, List<Path> knownHosts, Optional<HostKeyPin> pin, Optional<String> jump,
        Duration timeout) {
    /**
     * Where this process stands.
     *
     * @param silence after this long without a sign of life a peer is dead; keep-alives are sent four times as often
     * @param system the ssh config of the machine, read after the user's
     */
    public record Surroundings(Path home, Map<String, String> environment, Duration silence, Path system) {
        static Surroundings here() {
            return new Surroundings(Path.of(System.getProperty("user.home")), System.getenv(), Duration.ofSeconds(20),
                    Path.of("/etc/ssh/ssh_config"));
        }
    }

    /** As in "root@core.example". */
    String login() {
        return user + "@" + knownAs + (port == 22 ? "" : " port " + port);
    }

    /** As in "core.example (10.0.0.1) port 22". */
    String peer() {
        return knownAs + (connectTo.equals(knownAs) ? "" : " (" + connectTo + ")") + " port " + port;
    }

    /** Looks the target up in its ssh config. A ProxyCommand, which is not obeyed, is a {@link Problem}. */
    static SshRoute to(SshTarget target, Surroundings here) {
        // as with ssh -F, a named file is the only one
        var config = target.config().map(file -> SshConfig.read(file, here.home()))
                .orElseGet(() -> SshConfig.read(here.home().resolve(".ssh/config"), here.system(), here.home()));
        var entry = config.lookup(target.host(), target.user(), target.port());
        var hostName = entry.hostName()
                .map(name -> SshConfig.expand(name, here.home(), Map.of(), Map.of('h', target.host())))
                .orElse(target.host());
        var user = target.user().or(entry::user).orElse(System.getProperty("user.name"));
        int port = target.port().or(entry::port).orElse(22);
        var expand = new Expand(here, Map.of('h', hostName, 'n', target.host(), 'r', user, 'p', String.valueOf(port),
                'd', here.home().toString(), 'u', System.getProperty("user.name")));
        var keys = new SshLogin.Keys(agent(entry, expand), target.identity().map(path -> expand.path(path.toString())),
                entry.identityFiles().stream().filter(SshRoute::given).map(expand::path).toList(), here.home(),
                entry.identitiesOnly());
        var addressToo = target.address()
                .filter(address -> entry.hostKeyAlias().isEmpty() && !address.equals(hostName));
        return new SshRoute(target.name(), target.address().orElse(hostName), entry.hostKeyAlias().orElse(hostName),
                addressToo, port, user, keys,
                knownHosts(target, entry, expand), pin(target, hostName), jump(target, entry), target.connectTimeout());
    }

    private static Optional<HostKeyPin> pin(SshTarget target, String hostName) {
        return Stream.of(target.host(), hostName, target.address().orElse(hostName))
                .map(name -> target.hostKeys().get(name.toLowerCase(Locale.ROOT))).filter(Objects::nonNull).findFirst();
    }

    private record Expand(Surroundings here, Map<Character, String> tokens) {
        Path path(String text) {
            return Path.of(SshConfig.expand(text, here.home(), here.environment(), tokens));
        }
    }

    private static boolean given(String text) {
        return !text.equalsIgnoreCase("none");
    }

    private static Optional<String> jump(SshTarget target, SshLookup.Entry entry) {
        var jump = target.jump().or(entry::proxyJump).filter(SshRoute::given);
        if (jump.isEmpty() && target.address().isEmpty() && entry.proxyCommand().filter(SshRoute::given).isPresent())
            throw Problem.usage(target.name() + ": the ssh config reaches " + target.host() + " by a ProxyCommand")
                    .expected("ProxyJump, or a direct way")
                    .fix("write ProxyJump in the ssh config, or `jump` under `ssh` in the inventory");
        return jump;
    }

    private static Optional<Path> agent(SshLookup.Entry entry, Expand expand) {
        var environment = expand.here().environment();
        var socket = entry.identityAgent().filter(text -> !text.equals("SSH_AUTH_SOCK"))
                .or(() -> Optional.ofNullable(environment.get("SSH_AUTH_SOCK")));
        return socket.filter(SshRoute::given).map(text -> text.startsWith("$") && !text.startsWith("${")
                ? environment.getOrDefault(text.substring(1), "") : text).filter(text -> !text.isBlank())
                .map(expand::path);
    }

    private static List<Path> knownHosts(SshTarget target, SshLookup.Entry entry, Expand expand) {
        if (target.knownHosts().isPresent()) return List.of(expand.path(target.knownHosts().get().toString()));
        var files = new ArrayList<Path>();
        entry.knownHosts().forEach(text -> files.add(expand.path(text)));
        if (files.isEmpty()) files.add(expand.here().home().resolve(".ssh/known_hosts"));
        files.add(Path.of("/etc/ssh/ssh_known_hosts"));
        return files;
    }
}
