package ktrdr.share;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import ktrdr.BuiltIn;
import ktrdr.CommandResult;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Mount;
import ktrdr.ssh.HeldScript;
import ktrdr.ssh.Ssh;

/**
 * Proves that the share is the same on all nodes: each client writes a file, the server and every other client read it,
 * as KTRDR's containers do (uid 999, gid 1500), and from a container if there is one. A server that has the share from
 * its host writes one too.
 *
 * The script that wrote a file waits for its end and removes it then, after an interrupt or a lost connection too.
 */
public final class NfsProof {
    private static final Duration LONGEST = Duration.ofMinutes(5);
    private final Fleet fleet;
    private final String token;
    private final Map<Node, HeldScript> running = new ConcurrentHashMap<>();

    private NfsProof(Fleet fleet) {
        var random = new byte[8];
        new SecureRandom().nextBytes(random);
        this.fleet = fleet;
        this.token = HexFormat.of().formatHex(random);
    }

    /**
     * The result of one client.
     *
     * @param written milliseconds until its file was on the server's disk; {@code container} the result of the same in
     *     a container
     * @param read node to milliseconds it took to read it there
     */
    public record Seen(Node writer, long written, String container, Map<String, Long> read) {}

    /** The results, and the nodes that failed. */
    public record Proven(List<Seen> seen, Map<Node, Problem> problems) {}

    /**
     * Runs the proof between these nodes; the node with the share's own folder only reads. Afterwards none of its files
     * is left.
     */
    public static Proven prove(Fleet fleet, List<Node> nodes) {
        return new NfsProof(fleet).run(nodes);
    }

    private Proven run(List<Node> nodes) {
        var problems = new LinkedHashMap<Node, Problem>();
        var clients = nodes.stream().filter(this::writes).toList();
        var seen = new ArrayList<Seen>();
        try {
            var written = fleet.each(clients::contains, (node, ssh) -> write(node, ssh));
            problems.putAll(written.problems());
            var wrote = List.copyOf(written.values().keySet());
            var read = fleet.each(nodes::contains, (node, ssh) -> read(node, ssh, wrote));
            read.problems().forEach(problems::putIfAbsent);
            written.values().forEach((node, facts) -> {
                var times = new LinkedHashMap<String, Long>();
                read.values().forEach((reader, took) -> {
                    if (took.containsKey(node.name())) times.put(reader.name(), took.get(node.name()));
                });
                seen.add(new Seen(node, Facts.number("written", facts.get("written")), facts.get("container"), times));
            });
        } finally {
            fleet.each(running::containsKey, (node, ssh) -> end(node, ssh)).problems().forEach(problems::putIfAbsent);
        }
        return new Proven(seen, problems);
    }

    private boolean writes(Node node) {
        return !fleet.inventory().exportsShare(node) || fleet.inventory().shareFromHost(node);
    }

    private String folder(Node node) {
        var folders = fleet.inventory().storage().folders();
        return Mount.path(fleet.inventory(), node) + (folders.isEmpty() ? "" : "/" + folders.get(0));
    }

    private String name(Node writer) {
        return ".ktrdr-proof-" + token + "-" + writer.name();
    }

    /** Starts the writer and waits until it reports that the file is there. */
    private Map<String, String> write(Node node, Ssh ssh) {
        var script = new HeldScript(lines -> ssh.run(writer(node), lines, LONGEST), "ready",
                result -> refused(node, result));
        running.put(node, script);
        return script.values();
    }

    private Problem refused(Node node, CommandResult result) {
        var path = Mount.path(fleet.inventory(), node);
        var who = ScriptExit.of(result) == ScriptExit.SHARE_CONTAINER ? "a container with uid 999 and group 1500"
                : "uid 999 with gid 1500";
        return Problem.failed(node.name() + ": " + who + " can't write to the share at " + path)
                .expected("folders of " + NfsFiles.OWNER + ", mode " + NfsFiles.MODE + ", on its server")
                .found(result).fix("docs/OPERATIONS.md, \"permission denied on the share\"");
    }

    private String writer(Node node) {
        var folders = fleet.inventory().storage().folders().stream()
                .map(folder -> Mount.path(fleet.inventory(), node) + "/" + folder).toList();
        return writer(token, folder(node), name(node), folders);
    }

    /** The script that writes {@code name} to the folder {@code share} and tries each of the folders. */
    static String writer(String token, String share, String name, List<String> folders) {
        return Sh.let("token", token) + Sh.let("share", share) + Sh.let("name", name) + "set -- " + Sh.words(folders)
                + "\n"
                + BuiltIn.lines("share/writer.sh");
    }

    private Map<String, Long> read(Node node, Ssh ssh, List<Node> writers) {
        var others = writers.stream().filter(writer -> !writer.equals(node)).toList();
        if (others.isEmpty()) return Map.of();
        var result = ssh.run(Sh.let("token", token) + Sh.let("share", folder(node)) + """
                for name in """ + " " + Sh.words(others.stream().map(this::name).toList()) + "; do\n" + """
                  start=$(date +%s%N)
                  code=0
                  found=$(timeout -k 2 60 setpriv --reuid 999 --regid 1500 --clear-groups cat "$share/$name") || code=$?
                  if [ "$code" = 1 ] && [ ! -e "$share/$name" ]; then printf 'missing\\t%s\\n' "$name"; continue; fi
                  [ "$code" = 0 ] || exit 1
                  [ "$found" = "$token" ] || { echo "$share/$name has other content: $found" >&2; exit 1; }
                  took=$((($(date +%s%N) - start) / 1000000))
                  owner=$(stat -c %u:%g "$share/$name")
                  [ "$owner" = 999:1500 ] || { echo "$share/$name belongs to $owner" >&2; exit 1; }
                  printf '%s\\t%s\\n' "$name" "$took"
                done
                """, LONGEST);
        if (!result.ok()) throw Problem.failed(node.name()
                + ": what another node wrote to the share can't be read here")
                .expected("the same files on every node, of " + NfsFiles.OWNER)
                .found(result).fix("docs/OPERATIONS.md, \"permission denied on the share\"");
        var missing = others.stream()
                .filter(writer -> result.out().lines().anyMatch(("missing\t" + name(writer))::equals)).map(Node::name)
                .toList();
        if (!missing.isEmpty()) throw elsewhere(node, missing);
        var times = new LinkedHashMap<String, Long>();
        result.out().lines().forEach(line -> others.stream().filter(writer -> line.startsWith(name(writer) + "\t"))
                .forEach(writer ->
                        times.put(writer.name(), Facts.number(writer.name(), line.substring(line.indexOf('\t') + 1)))));
        return times;
    }

    private Problem elsewhere(Node node, List<String> writers) {
        var path = Mount.path(fleet.inventory(), node);
        return Problem.failed(node.name() + ": files that " + String.join(", ", writers)
                + " wrote to the share are not there")
                .expected("the same folder on every node").found("no such file below " + path)
                .fix("compare findmnt " + path + " with that of " + writers.get(0)
                        + "; where the host hands it in, mp0 of pct config ID");
    }

    private CommandResult end(Node node, Ssh ssh) {
        if (!running.get(node).ended()) ssh.must("rm -f " + Sh.quote("/run/" + name(node)));
        return running.get(node).result();
    }
}
