package ktrdr.ssh;

import com.hierynomus.sshj.userauth.certificate.Certificate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.HostKeyPin;
import ktrdr.inventory.Inventory;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.KeyType;
import net.schmizz.sshj.common.SSHRuntimeException;
import net.schmizz.sshj.transport.verification.HostKeyVerifier;

/**
 * Whether a host is who it says: its key against known_hosts files, in the format of sshd(8), "SSH_KNOWN_HOSTS FILE
 * FORMAT". What is not known is refused; the {@link Problem} that says why is kept for the caller.
 */
public final class HostKeys implements HostKeyVerifier {
    /** A key as it travels: its type, such as ssh-ed25519, and its bytes. */
    public record Key(String type, byte[] blob) {
        /** A key as sshj has it. */
        public static Key of(PublicKey key) {
            return new Key(KeyType.fromKey(key).toString(),
                    new Buffer.PlainBuffer().putPublicKey(key).getCompactData());
        }

        /** As {@code ssh-keygen -l} prints it, with the type in front. */
        String fingerprint() {
            return type + " " + HostKeyPin.fingerprint(blob);
        }

        boolean same(Key other) {
            return Arrays.equals(blob, other.blob);
        }
    }

    private record Line(Path file, int number, String marker, Key key) {
        String where() {
            return file + ", line " + number;
        }
    }

    private final String node;
    private final String host;
    private final Path file;
    private final List<Line> lines;
    private final Optional<HostKeyPin> pin;
    private final List<Path> files;
    private Supplier<List<Neighbour>> neighbours = List::of;
    private String at = "";
    private Problem refusal;

    /**
     * Another host of the fleet: the names and addresses that its key is known by, and the one key that it may show.
     */
    public record Neighbour(String node, List<String> hosts, int port, Optional<HostKeyPin> pin) {}

    /** The others of an inventory. */
    public static List<Neighbour> neighbours(Inventory inventory, Inventory.Node node) {
        return inventory.nodes().stream().filter(eachNode -> !eachNode.name().equals(node.name()))
                .map(eachNode -> new Neighbour(eachNode.name(),
                        Stream.concat(Stream.of(inventory.fqdn(eachNode), eachNode.host()), eachNode.address().stream())
                                .toList(),
                        eachNode.ssh().port().orElse(22), eachNode.ssh().hostKey())).toList();
    }

    /**
     * @param node how sentences call the host
     * @param host the name it is known by; {@code port} other than 22 makes that [host]:port
     * @param address what counts where that name is not known: that of the inventory, to which is connected
     * @param files those that exist are read, the first is the one to add to
     * @param pin the one key that the host may show; then of the files only what they revoke counts
     */
    public HostKeys(String node, String host, Optional<String> address, int port, List<Path> files,
            Optional<HostKeyPin> pin) {
        this.node = node;
        this.host = named(host, port);
        this.files = files;
        this.file = files.get(0);
        this.pin = pin;
        var byName = files.stream().flatMap(file -> read(file, this.host).stream()).toList();
        var byAddress = address.stream().map(text -> named(text, port))
                .flatMap(text -> files.stream().flatMap(file -> read(file, text).stream())).toList();
        boolean known = byName.stream().anyMatch(line -> !line.marker().equals("@revoked"));
        lines = Stream.concat(byName.stream(),
                byAddress.stream().filter(line -> !known || line.marker().equals("@revoked"))).toList();
    }

    private static String named(String host, int port) {
        return port == 22 ? host.toLowerCase(Locale.ROOT) : "[" + host.toLowerCase(Locale.ROOT) + "]:" + port;
    }

    /** The same, which knows the keys of other hosts too: a message about such a key names its host. */
    HostKeys among(Supplier<List<Neighbour>> others, String where) {
        neighbours = others;
        at = where;
        return this;
    }

    /** Why the key was refused; null while none was. */
    Problem refusal() {
        return refusal;
    }

    /** Whether a certificate of the host could be checked. */
    boolean hasAuthority() {
        return pin.isEmpty() && lines.stream().anyMatch(line -> line.marker().equals("@cert-authority"));
    }

    @Override
    public List<String> findExistingAlgorithms(String ignored, int port) {
        var algorithms = new LinkedHashSet<String>();
        if (hasAuthority())
            for (var type : KeyType.values()) if (type.getParent() != null) algorithms.add(type.toString());
        for (var type : types()) {
            if (type.equals("ssh-rsa")) algorithms.addAll(List.of("rsa-sha2-512", "rsa-sha2-256"));
            algorithms.add(type);
        }
        return List.copyOf(algorithms);
    }

    /** The types of the accepted keys. For a fingerprint without a type, a file may have the key, and so its type. */
    private List<String> types() {
        if (pin.isPresent() && pin.get().type().isPresent()) return List.of(pin.get().type().get());
        return lines.stream().filter(line -> line.marker().isEmpty()).map(Line::key)
                .filter(key -> pin.isEmpty() || pin.get().allows(key.blob())).map(Key::type).toList();
    }

    @Override
    public boolean verify(String ignored, int port, PublicKey publicKey) {
        refusal = publicKey instanceof Certificate<?> certificate ? certificate(certificate) : plain(Key.of(publicKey));
        return refusal == null;
    }

    private Problem plain(Key key) {
        for (var line : lines) if (line.marker().equals("@revoked") && line.key().same(key)) return revoked(line, key);
        if (pin.isPresent() && pin.get().allows(key.blob())) return null;
        if (pin.isPresent()) return other(key).orElseGet(() -> notPinned(key, pin.get()));
        var known = lines.stream().filter(line -> line.marker().isEmpty()).toList();
        if (known.stream().anyMatch(line -> line.key().same(key))) return null;
        return other(key).orElseGet(() -> known.isEmpty() ? unknown(key)
                : changed(key, known.stream().filter(line -> line.key().type().equals(key.type())).findFirst()
                        .orElse(known.get(0))));
    }

    /**
     * A problem if the key belongs to another host of the fleet, by the files or the inventory; empty if several have
     * it.
     */
    private Optional<Problem> other(Key key) {
        if (lines.stream().anyMatch(line -> line.key().same(key))) return Optional.empty();
        var theirs = neighbours.get().stream().filter(neighbour -> where(neighbour, key).isPresent()).toList();
        return theirs.size() == 1
                ? Optional.of(another(theirs.get(0).node(), key, where(theirs.get(0), key).orElseThrow()))
                : Optional.empty();
    }

    private Optional<String> where(Neighbour other, Key key) {
        if (other.pin().isPresent()) return other.pin().filter(hostKeyPin -> hostKeyPin.allows(key.blob()))
                .map(hostKeyPin -> "host_key of the node in the inventory");
        return other.hosts().stream()
                .flatMap(host -> files.stream().flatMap(path -> read(path, named(host, other.port())).stream()))
                .filter(line -> line.marker().isEmpty() && line.key().same(key)).map(Line::where).findFirst();
    }

    private Problem another(String other, Key key, String where) {
        return Problem.unreachable(node + ": the host that answers at " + at + " is " + other + ", not " + node
                + ", by the key that it shows; nothing was sent")
                .expected("the host key of " + node)
                .found(key.fingerprint() + ", which is that of " + other + " (" + where + ")")
                .fix("put the addresses of " + node + " and " + other
                        + " right in the inventory, or in DNS, which may be swapped; where "
                        + node + " was made as a copy of " + other
                        + ", give it host keys of its own: rm /etc/ssh/ssh_host_*; ssh-keygen -A");
    }

    private Problem certificate(Certificate<?> certificate) {
        try {
            var authority = Key.of(new Buffer.PlainBuffer(certificate.getSignatureKey()).readPublicKey());
            var own = Key.of(certificate.getKey());
            for (var line : lines)
                if (line.marker().equals("@revoked") && (line.key().same(own) || line.key().same(authority)))
                    return revoked(line, line.key());
            if (lines.stream()
                    .noneMatch(line -> line.marker().equals("@cert-authority")
                            && line.key().same(authority))) return plain(own);
            var name = host.replaceFirst("^\\[(.*)]:\\d+$", "$1");
            var wrong = KeyType.CertUtils.verifyHostCertificate(Key.of(certificate).blob(), certificate, name);
            return wrong == null ? null : invalid(wrong);
        } catch (Buffer.BufferException | SSHRuntimeException e) {
            return invalid("it cannot be read").because(e);
        }
    }

    private Problem unknown(Key key) {
        var line = host + " " + key.type() + " " + Base64.getEncoder().encodeToString(key.blob());
        return Problem.unreachable(node + ": the host key of " + host + " is not known")
                .expected("an entry for " + host + " in " + file).found(key.fingerprint())
                .fix("compare with `ssh-keygen -lf /etc/ssh/ssh_host_" + shortName(key) +
                        "_key.pub` on the host; when it is the same: "
                        + "echo " + Sh.quote(line) + " >> " + file);
    }

    private Problem notPinned(Key key, HostKeyPin pinned) {
        return Problem.unreachable(node + ": the host key of " + host
                + " is not the one that the inventory pins; this may be an attack, nothing was sent")
                .expected(pinned + " (host_key of the node in the inventory)").found(key.fingerprint())
                .fix("find out why; only when the host was reinstalled, or this is another key of the same host: put "
                        + "what `ssh-keygen -lf /etc/ssh/ssh_host_" + shortName(key)
                        + "_key.pub` prints on the host there, the type before it");
    }

    private Problem changed(Key key, Line known) {
        return Problem.unreachable(node + ": the host key of " + host
                + " has changed; this may be an attack, nothing was sent")
                .expected(known.key().fingerprint() + " (" + known.where() + ")").found(key.fingerprint())
                .fix("find out why; only when the host was reinstalled: ssh-keygen -R " + Sh.quote(host) + " -f "
                        + known.file());
    }

    private Problem revoked(Line line, Key key) {
        return Problem.unreachable(node + ": the host key of " + host + " is revoked")
                .expected("a key that is not marked @revoked")
                .found(key.fingerprint() + " (" + line.where() + ")")
                .fix("give the host a new key, or a new certificate");
    }

    private Problem invalid(String why) {
        return Problem.unreachable(node + ": the host certificate of " + host + " is not valid").found(why)
                .expected("a certificate that names the host, in its time, signed by the @cert-authority")
                .fix("have the host's key signed again");
    }

    private static String shortName(Key key) {
        return key.type().contains("ecdsa") ? "ecdsa" : key.type().contains("rsa") ? "rsa" : "ed25519";
    }

    private static List<Line> read(Path file, String host) {
        if (!Files.exists(file)) return List.of();
        try {
            var found = new ArrayList<Line>();
            var texts = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n");
            for (int i = 0; i < texts.length; i++) {
                var line = line(file, i + 1, texts[i].strip(), host);
                if (line != null) found.add(line);
            }
            return found;
        } catch (IOException e) {
            throw Problem.usage("the known hosts file " + file + " cannot be read").found(e.toString()).because(e);
        }
    }

    /** The line if it names the host; null for comments, other hosts and invalid lines, by the rules of ssh. */
    private static Line line(Path file, int number, String text, String host) {
        if (text.isEmpty() || text.startsWith("#")) return null;
        var words = text.split("\\s+");
        int at = words[0].startsWith("@") ? 1 : 0;
        if (words.length < at + 3 || !matches(words[at], host)) return null;
        try {
            var key = new Key(words[at + 1], Base64.getDecoder().decode(words[at + 2]));
            return new Line(file, number, at == 1 ? words[0] : "", key);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static boolean matches(String patterns, String host) {
        return patterns.startsWith("|1|") ? hashed(patterns, host)
                : SshConfig.matches(List.of(patterns.split(",")), host);
    }

    /** |1|salt|HMAC-SHA1(salt, host), both in base64. */
    private static boolean hashed(String pattern, String host) {
        var parts = pattern.split("\\|");
        if (parts.length != 4) return false;
        try {
            var mac = Mac.getInstance("HmacSHA1");
            mac.init(new SecretKeySpec(Base64.getDecoder().decode(parts[2]), "HmacSHA1"));
            return MessageDigest.isEqual(mac.doFinal(host.getBytes(StandardCharsets.UTF_8)),
                    Base64.getDecoder().decode(parts[3]));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            return false;
        }
    }
}
