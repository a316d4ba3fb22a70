package ktrdr.ssh;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import ktrdr.LocalCommand;
import ktrdr.Problem;

/**
 * The settings of one host in ssh_config(5) files: line by line, the first value found wins, IdentityFile adds up, and
 * a Match is evaluated with what is known up to its line. Keywords that are not named in {@link Entry} are ignored.
 */
public final class SshLookup {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /**
     * What counts of a host's settings; tokens such as %h and ~ are not expanded yet.
     *
     * @param proxyCommand given, but not supported: connecting reports that
     */
    public record Entry(Optional<String> hostName, Optional<String> user, Optional<Integer> port,
            List<String> identityFiles, boolean identitiesOnly, Optional<String> identityAgent,
            Optional<String> proxyJump, Optional<String> proxyCommand, List<String> knownHosts,
            Optional<String> hostKeyAlias) {}

    private final Path home;
    private final String host;
    private final Optional<String> user;
    private final Optional<Integer> port;
    private final Map<String, List<String>> first = new HashMap<>();
    private final List<String> identities = new ArrayList<>();
    private boolean last;
    private boolean once;
    private boolean active;

    /** Of a host as it was typed; user and port if they are given outside of the files. */
    SshLookup(Path home, String host, Optional<String> user, Optional<Integer> port) {
        this.home = home;
        this.host = host;
        this.user = user;
        this.port = port;
    }

    /** A Match final has all of it read once more. */
    Entry of(List<List<SshConfig.Line>> files) {
        pass(files);
        if (once) {
            last = true;
            pass(files);
        }
        return new Entry(one("hostname"), one("user"), one("port").map(SshLookup::port), List.copyOf(identities),
                one("identitiesonly").map("yes"::equalsIgnoreCase).orElse(false),
                one("identityagent"), one("proxyjump"), one("proxycommand"),
                first.getOrDefault("userknownhostsfile", List.of()), one("hostkeyalias"));
    }

    private void pass(List<List<SshConfig.Line>> files) {
        for (var file : files) {
            active = true;
            lines(file, true);
        }
    }

    /** @param reached whether an Include that counts names the file */
    private void lines(List<SshConfig.Line> lines, boolean reached) {
        for (var line : lines)
            switch (line.keyword()) {
                case "host" -> active = reached && SshConfig.exactly(line.values(), host);
                // as ssh has it, also where the block around it does not count: its commands are not run then
                case "match" -> active = reached && match(line);
                case "include" -> {
                    boolean outside = active;
                    for (var file : line.included()) {
                        lines(file, outside);
                        active = outside;
                    }
                }
                case "identityfile" -> {
                    if (active && !identities.contains(line.values().get(0))) identities.add(line.values().get(0));
                }
                default -> {
                    if (active) first.putIfAbsent(line.keyword(), line.values());
                }
            }
    }

    private Optional<String> one(String keyword) {
        return Optional.ofNullable(first.get(keyword)).map(values -> String.join(" ", values));
    }

    private static int port(String text) {
        if (text.matches("\\d{1,5}") && Integer.parseInt(text) > 0 && Integer.parseInt(text) < 65536)
            return Integer.parseInt(text);
        throw Problem.usage("invalid port in the ssh config").expected("a number from 1 to 65535").found(text);
    }

    /** Criteria and their values in pairs, a value also behind an =; all have to hold. */
    private boolean match(SshConfig.Line line) {
        var words = new ArrayList<String>();
        for (var word : line.values()) {
            var parts = word.matches("!?[a-z]+=.*") && words.size() % 2 == 0 ? word.split("=", 2) : new String[] {word};
            words.addAll(List.of(parts));
            // these have no value: an empty one keeps the pairs
            if (List.of("all", "final", "canonical").contains(parts[0].toLowerCase(Locale.ROOT).replaceFirst("^!", ""))
                    && words.size() % 2 == 1) words.add("");
        }
        if (words.size() % 2 == 1) throw wrong(line, "no value of " + words.get(words.size() - 1));
        boolean holds = true;
        for (int i = 0; i < words.size(); i += 2) {
            var name = words.get(i).toLowerCase(Locale.ROOT);
            boolean negated = name.startsWith("!");
            holds &= holds(line, negated ? name.substring(1) : name, words.get(i + 1), holds) != negated;
        }
        return holds;
    }

    private boolean holds(SshConfig.Line line, String name, String value, boolean soFar) {
        if (name.equals("final")) once = true;
        var patterns = List.of(value.split(","));
        return switch (name) {
            case "all" -> true;
            case "final", "canonical" -> last;
            case "host" -> SshConfig.matches(patterns, hostName());
            case "originalhost" -> SshConfig.matches(patterns, host);
            case "user" -> SshConfig.exactly(patterns, userName());
            case "localuser" -> SshConfig.exactly(patterns, System.getProperty("user.name"));
            case "exec" -> soFar && succeeds(value);
            case "localnetwork" -> patterns.stream().anyMatch(SshLookup::local);
            case "tagged" -> SshConfig.matches(patterns, one("tag").orElse(""));
            case "sessiontype" -> SshConfig.matches(patterns, "exec");
            // version is OpenSSH's own, and command is typed by a user: neither applies here
            case "version", "command" -> false;
            default -> throw wrong(line, name);
        };
    }

    private boolean succeeds(String command) {
        return LocalCommand.command("sh", "-c", SshConfig.expand(command, home, Map.of(), tokens()))
                .timeout(PATIENCE).run().ok();
    }

    private static Problem wrong(SshConfig.Line line, String found) {
        return Problem.usage("the ssh config has a Match that is not understood: " + line.where())
                .expected("all, final, canonical, host, originalhost, user, localuser, exec, localnetwork, tagged, "
                        + "sessiontype, version or command").found(found);
    }

    private String hostName() {
        return one("hostname").map(name -> SshConfig.expand(name, home, Map.of(), Map.of('h', host))).orElse(host);
    }

    private String userName() {
        return user.or(() -> one("user")).orElse(System.getProperty("user.name"));
    }

    private Map<Character, String> tokens() {
        var tokens = new HashMap<Character, String>(Map.of('h', hostName(), 'n', host, 'r', userName(), 'u',
                System.getProperty("user.name"), 'd', home.toString(),
                'p', port.map(String::valueOf).or(() -> one("port")).orElse("22"), 'k',
                one("hostkeyalias").orElse(host)));
        var here = LocalCommand.command("uname", "-n").run().out().strip();
        tokens.put('l', here);
        tokens.put('L', here.replaceFirst("\\..*", ""));
        return tokens;
    }

    /** Whether this machine has an address of a network such as 10.0.0.0/8. */
    private static boolean local(String network) {
        try {
            var parts = network.split("/", 2);
            var wanted = InetAddress.getByName(parts[0].matches("[0-9a-fA-F.:]+") ? parts[0] : "").getAddress();
            int bits = parts.length == 2 ? Integer.parseInt(parts[1]) : wanted.length * 8;
            return NetworkInterface.networkInterfaces().flatMap(NetworkInterface::inetAddresses)
                    .map(InetAddress::getAddress).anyMatch(own -> same(own, wanted, bits));
        } catch (UnknownHostException | SocketException | NumberFormatException e) {
            return false;
        }
    }

    private static boolean same(byte[] one, byte[] other, int bits) {
        if (one.length != other.length || bits > one.length * 8) return false;
        for (int i = 0; i < bits; i++) if (((one[i / 8] ^ other[i / 8]) >> 7 - i % 8 & 1) != 0) return false;
        return true;
    }
}
