package ktrdr.share;

import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Mount;

/**
 * The files of the share on nodes: a line of fstab(5), a file of exports(5), a file for the mount's systemd unit. Pure.
 */
public final class NfsFiles {
    /** The uid that KTRDR's images run as, and the group that may write to the share. */
    public static final String OWNER = "999:1500";
    static final String UID = OWNER.replaceAll(":.*", "");
    static final String GID = OWNER.replaceAll(".*:", "");
    public static final String MODE = "2775";
    static final String EXPORTS = "/etc/exports.d/ktrdr.exports";
    static final String FSTAB = "/etc/fstab";
    public static final String MARK = "# The share of KTRDR. This line and the next are written by setup-nfs.";
    private static final String BY = "# Written by setup-nfs of the ktrdr toolkit; what is changed here is lost.\n";
    private static final String EXPORT_OPTIONS = "(rw,sync,no_subtree_check,no_root_squash)";
    /**
     * It is mounted on first use, and tried again on each use until it is there, so that the server may start later.
     */
    private static final String MOUNT_OPTIONS = "_netdev,nofail,x-systemd.automount,x-systemd.mount-timeout=30s";

    private NfsFiles() {}

    /**
     * A file before and after a change, one character per byte.
     *
     * @param before empty if the file is missing
     */
    public record Edit(String path, Optional<String> before, String after) {
        /**
         * The shell function of {@link #replace}: it replaces a file only if that did not change since it was gathered,
         * else the script ends with {@link ScriptExit#CHANGED}.
         */
        public static final String REPLACE = ScriptExit.numbers("""
                beside=
                trap '[ -z "$beside" ] || rm -f "$beside"' EXIT
                replace() {
                  if [ "$2" = none ]; then [ ! -e "$1" ] || exit $CHANGED; else [ "$(base64 <"$1" | tr -d '\\n')" = \
                "$2" ] || exit $CHANGED; fi
                  mkdir -p "$(dirname "$1")"
                  beside=$(dirname "$1")/.$(basename "$1").ktrdr-new
                  printf %s "$3" | base64 -d >"$beside"
                  if [ "$2" = none ]; then chmod 644 "$beside"; else chown --reference="$1" "$beside" && chmod \
                --reference="$1" "$beside"; fi
                  sync "$beside"
                  mv -f "$beside" "$1"
                  beside=
                }
                """);

        /** Whether the file would change. */
        public boolean changes() {
            return !before.equals(Optional.of(after));
        }

        /** The change as a unified diff; empty if there is none. */
        public List<String> diff() {
            var old = before.map(text -> text.lines().toList()).orElse(List.of());
            return UnifiedDiffUtils.generateUnifiedDiff(before.isPresent() ? path : "/dev/null", path, old,
                    DiffUtils.diff(old, after.lines().toList()), 2);
        }

        /** A call of the shell function {@link #REPLACE}. */
        public String replace() {
            return "replace " + Sh.quote(path) + " " + (before.isPresent() ? Sh.quote(base64(before.get())) : "none")
                    + " " + Sh.quote(base64(after)) + "\n";
        }

        private static String base64(String bytes) {
            return Base64.getEncoder().encodeToString(bytes.getBytes(StandardCharsets.ISO_8859_1));
        }
    }

    /** What clients mount: the server's address if the inventory resolves names, else its full name. */
    static String source(Inventory inventory) {
        var storage = inventory.storage();
        var host = inventory.storageNode().map(node -> inventory.resolve() == Inventory.Resolve.INVENTORY
                ? node.address().orElse(inventory.fqdn(node)) : inventory.fqdn(node)).orElse(storage.server());
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + storage.export();
    }

    /** The options that this node mounts the share with. */
    public static String options(Inventory inventory, Node node) {
        return node.share().options().orElse(inventory.storage().options());
    }

    private static String line(Inventory inventory, Node node) {
        return source(inventory) + " " + inventory.storage().mount() + " nfs " + MOUNT_OPTIONS + ","
                + options(inventory, node) + " 0 0";
    }

    /** The table with the toolkit's line: in its old place, else at the end. Every other line stays as it is. */
    public static String fstab(Inventory inventory, Node node, String before) {
        var lines = new ArrayList<>(Arrays.asList(before.split("\n", -1)));
        int mark = lines.indexOf(MARK);
        if (mark < 0) return before + (before.isEmpty() || before.endsWith("\n") ? "" : "\n") + MARK + "\n"
                + line(inventory, node) + "\n";
        if (ours(lines, mark + 1)) lines.set(mark + 1, line(inventory, node));
        else lines.add(mark + 1, line(inventory, node));
        return String.join("\n", lines);
    }

    private static boolean ours(List<String> lines, int index) {
        return index > 0 && index < lines.size() && lines.get(index - 1).equals(MARK)
                && lines.get(index).matches("\\S+ \\S+ nfs _netdev,.* 0 0");
    }

    /** The toolkit's line, of this inventory or of an older one: what it mounts, and where. */
    record Managed(String source, String mount) {}

    static Optional<Managed> managed(String fstab) {
        var lines = fstab.lines().toList();
        int line = lines.indexOf(MARK) + 1;
        return ours(lines, line)
                ? Optional.of(new Managed(lines.get(line).split(" ")[0], lines.get(line).split(" ")[1]))
                : Optional.empty();
    }

    /** Another line for this path. */
    static Optional<String> foreign(String fstab, String path) {
        var lines = fstab.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            var fields = lines.get(i).strip().split("[ \t]+");
            if (fields.length > 1 && !fields[0].startsWith("#") && trimmed(fields[1]).equals(path) && !ours(lines, i))
                return Optional.of(lines.get(i));
        }
        return Optional.empty();
    }

    /** Whether this node has to run an NFS server: it has the share, and a client mounts it by NFS. */
    public static boolean serves(Inventory inventory, Node node) {
        return inventory.exportsShare(node) && !clients(inventory).isEmpty();
    }

    /** The clients of the export: every other node that mounts it, by its address, or those in storage.clients. */
    static Set<String> clients(Inventory inventory) {
        var asked = inventory.storage().clients();
        if (!asked.equals("fleet")) return new LinkedHashSet<>(List.of(asked.split(",")));
        var clients = new LinkedHashSet<String>();
        inventory.nodes().stream().filter(node -> !inventory.exportsShare(node) && !inventory.shareFromHost(node))
                .forEach(node -> clients.add(node.address().orElse(inventory.fqdn(node))));
        return clients;
    }

    /** The file of exports. It has no line without a client: a line without clients would allow all hosts. */
    public static String exports(Inventory inventory) {
        var clients = clients(inventory);
        if (clients.isEmpty()) return BY;
        return BY + inventory.storage().export() + clients.stream().map(client -> " " + client + EXPORT_OPTIONS)
                .reduce("", String::concat) + "\n";
    }

    /** Another file that exports this path, which would give access to more clients. */
    static Optional<String> foreignExport(Map<String, String> files, String path) {
        for (var file : files.entrySet()) {
            if (file.getKey().equals(EXPORTS)) continue;
            for (var line : file.getValue().replace("\\\n", " ").lines().toList()) {
                var first = line.strip().split("[ \t]+")[0].replace("\"", "");
                if (!first.startsWith("#") && trimmed(first).equals(path)) return Optional.of(file.getKey());
            }
        }
        return Optional.empty();
    }

    private static String trimmed(String path) {
        return path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    }

    static String dropInPath(String mount) {
        return "/etc/systemd/system/" + Mount.unit(mount) + ".mount.d/ktrdr.conf";
    }

    /**
     * Without it, five uses within ten seconds while the server refuses leave a bare folder at the path for good
     * (systemd.unit(5)).
     */
    static String dropIn() {
        return BY + "[Unit]\nStartLimitIntervalSec=0\n";
    }
}
