package ktrdr.node;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;

/**
 * What is at a path of a node: the share, a bare folder that looks like it, or an automount that does not mount.
 *
 * <pre>var mount = Mount.parse(factNamed("mount"));  // of the answer of Mount.script(Mount.path(inventory, node))
 *Mount.wrong(inventory, node, mount).ifPresent(…);  // would a container write next to the share?</pre>
 *
 * @param type of the file system, such as nfs4; empty if nothing is mounted
 * @param source what is mounted, such as backend:/srv/share; {@code options} as the kernel has them
 * @param said what systemd says of an automount that does not mount, or that the server is silent
 */
public record Mount(String path, Kind kind, String type, String source, List<String> options, String said) {
    /** A mount; a local folder; nothing; or a mount that should be there and cannot be used. */
    public enum Kind { MOUNT, FOLDER, NOTHING, FAILED }

    /** A mount on first use takes some seconds where the server has just come up. */
    private static final int TOUCH_SECONDS = 20;

    /** Where the share is on a node: the export itself on its server, the mount elsewhere. */
    public static String path(Inventory inventory, Node node) {
        var storage = inventory.storage();
        return inventory.exportsShare(node) ? storage.export() : storage.mount();
    }

    /** A folder that the inventory names as the storage server sees it, as this node sees it. */
    public static String folder(Inventory inventory, Node node, String folder) {
        var storage = inventory.storage();
        return !inventory.exportsShare(node) && folder.startsWith(storage.export() + "/")
                ? storage.mount() + folder.substring(storage.export().length()) : folder;
    }

    /**
     * A script that uses the path, so that an automount mounts, and prints one fact: {@code mount}, a tab, and what
     * {@link #parse} reads. It ends within half a minute, also where the server does not answer.
     */
    public static String script(String path) {
        return script(path, TOUCH_SECONDS);
    }

    /** The same, with another patience in seconds for a server that does not answer. */
    public static String script(String path, int seconds) {
        return Sh.let("mount_path", path) + Sh.let("mount_unit", unit(path)) + "mount_limit=" + seconds + "\n" + """
                mount_code=0
                # a path that ends in a dot is entered, which stat alone is careful not to do
                timeout -k 2 "$mount_limit" ls -d "$mount_path/." >/dev/null 2>&1 || mount_code=$?
                mount_line=$(awk -v path="$mount_path" '$2 == path { line = $0 } END { print line }' /proc/self/mounts)
                case $mount_line in
                  '' | *' autofs '*)
                    mount_said=$(systemctl show -p Id -p ActiveState -p Result "$mount_unit.automount" \
                "$mount_unit.mount" 2>/dev/null | tr '\\n' ' ' || :)
                    ;;
                  *)
                    mount_said=
                    case $mount_code in 124 | 137) mount_said="no answer within $mount_limit s" ;; esac
                    ;;
                esac
                printf 'mount\\t%s\\t%s\\t%s\\t%s\\n' "$mount_path" "$mount_code" "$mount_line" "$mount_said"
                """;
    }

    /**
     * Lines after those of {@link #script}: a fact {@code no-folder} for each folder of the share that containers mount
     * one by one and that is not there.
     */
    public static String missing() {
        return "[ \"$mount_code\" != 0 ] || for folder in data models strategies; do [ -d \"$mount_path/$folder\" ] "
                + "|| say no-folder \"$folder\"; done\n";
    }

    /** What systemd calls the units of a path, without their ending (systemd.unit(5), "string escaping"). */
    public static String unit(String path) {
        var unit = new StringBuilder();
        var name = path.replaceAll("/+", "/").replaceAll("^/|/$", "");
        for (char letter : name.toCharArray())
            unit.append(letter == '/' ? "-"
                    : String.valueOf(letter).matches("[A-Za-z0-9:_]") || letter == '.' && unit.length() > 0
                    ? String.valueOf(letter) : String.format("\\x%02x", (int) letter));
        return name.isEmpty() ? "-" : unit.toString();
    }

    /** The value of the fact that {@link #script} prints. Another form is a {@link Problem}. */
    public static Mount parse(String value) {
        var parts = value.split("\t", -1);
        if (parts.length != 4 || !parts[1].matches("\\d{1,3}"))
            throw Problem.failed("a node returned an invalid mount").expected("path, code, mount, systemd")
                    .found(value);
        boolean entered = parts[1].equals("0");
        var units = units(parts[3]);
        if (parts[2].isEmpty()) {
            boolean failed = units.stream().anyMatch(unit -> unit.automount() && unit.state().equals("failed"));
            var kind = failed ? Kind.FAILED : entered ? Kind.FOLDER : Kind.NOTHING;
            return new Mount(parts[0], kind, "", "", List.of(), failed ? words(units) : "");
        }
        var line = parts[2].split(" ");
        if (line.length < 4)
            throw Problem.failed("a node returned an invalid line of /proc/self/mounts").found(parts[2]);
        boolean automount = line[2].equals("autofs");
        var said = automount ? words(units) : entered ? "" : parts[3].isEmpty() ? "it cannot be entered" : parts[3];
        return new Mount(parts[0], automount || !entered ? Kind.FAILED : Kind.MOUNT, line[2], unescaped(line[0]),
                List.of(line[3].split(",")), said);
    }

    private record Unit(String id, String state, String result) {
        boolean automount() {
            return id.endsWith(".automount");
        }
    }

    /** Of {@code systemctl show}: name=value, an empty line (two blanks by now) between one unit and the next. */
    private static List<Unit> units(String said) {
        var units = new ArrayList<Unit>();
        for (var block : said.strip().split(" {2,}")) {
            Map<String, String> values = new LinkedHashMap<>();
            for (var word : block.split(" "))
                if (word.contains("=")) values.put(word.replaceFirst("=.*", ""), word.replaceFirst("[^=]*=", ""));
            if (values.containsKey("Id")) units.add(new Unit(values.get("Id"), values.getOrDefault("ActiveState", ""),
                    values.getOrDefault("Result", "")));
        }
        return units;
    }

    private static String words(List<Unit> units) {
        var words = units.stream().filter(unit -> !unit.result().isEmpty() && !unit.result().equals("success"))
                .map(unit -> unit.id() + " " + unit.state() + ", " + unit.result()).toList();
        return words.isEmpty() ? "the automount mounted nothing" : String.join("; ", words);
    }

    /** The kernel writes blanks and backslashes of a name as three octal digits. */
    private static String unescaped(String text) {
        return text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
    }

    /** Whether it is an NFS mount that can be used. */
    public boolean nfs() {
        return kind == Kind.MOUNT && nfsType();
    }

    private boolean nfsType() {
        return type.matches("nfs4?");
    }

    /** In words, for a table: "nfs4 from backend:/srv/share", and what is out of the ordinary about it. */
    public String words() {
        return switch (kind) {
            case MOUNT -> type + " from " + source + (nfsType() ? "" : ", not NFS: mounted by other means") + limits();
            case FOLDER -> "a local folder, nothing is mounted";
            case NOTHING -> "no such folder";
            case FAILED -> said;
        };
    }

    /** The same for a node of the inventory, which may be meant to have it from its host. */
    public String words(Inventory inventory, Node node) {
        return kind == Kind.MOUNT && inventory.shareFromHost(node)
                ? type + " from " + source + ", from its host" + limits() : words();
    }

    private boolean readOnly() {
        return options.contains("ro");
    }

    private String limits() {
        return readOnly() ? ", read-only" : "";
    }

    /** Whether this source is the share of the inventory, under any name or the address of its server. */
    public static boolean isOurs(Inventory inventory, String source) {
        var storage = inventory.storage();
        var hosts = new ArrayList<>(List.of(storage.server()));
        inventory.storageNode().ifPresent(node -> {
            hosts.addAll(List.of(node.host(), inventory.fqdn(node)));
            node.aliases().forEach(alias -> hosts.addAll(List.of(alias, alias + "." + inventory.domain())));
            node.address().ifPresent(address -> hosts.add(address.contains(":") ? "[" + address + "]" : address));
        });
        var asked = source.length() > 1 && source.endsWith("/") ? source.substring(0, source.length() - 1) : source;
        return hosts.stream().anyMatch(host -> asked.equalsIgnoreCase(host + ":" + storage.export()));
    }

    /**
     * What is wrong with it as the node's share, as {@link #path} names it; empty if a container may write there. On
     * the server the export has to be a folder. Elsewhere it has to be a mount: if it is NFS, the fleet's share;
     * another type is accepted, since a container may have got the share from the host it runs on ({@link #words}
     * tells). Where the inventory says that a node has it from its host it has to be a mount, whatever is mounted.
     */
    public static Optional<Problem> wrong(Inventory inventory, Node node, Mount mount) {
        if (mount.kind() == Kind.MOUNT && mount.readOnly()) return Optional.of(readOnly(inventory, node, mount));
        if (inventory.shareFromHost(node)) return notHandedIn(node, mount);
        boolean server = inventory.exportsShare(node);
        var fix = "jbang setup-nfs@ktrdr " + node.name();
        return switch (mount.kind()) {
            case FAILED -> Optional.of(mount.nfsType()
                    ? Problem.failed(node.name() + ": the share at " + mount.path() + " does not answer")
                            .expected(mount.source() + " answers")
                            .found(mount.said()).fix("check that its server is up; " + fix + " --check")
                    : Problem.failed(node.name() + ": the share at " + mount.path() + " does not mount")
                            .expected(expected(inventory))
                            .found(mount.said()).fix(fix));
            case NOTHING -> Optional.of(Problem.failed(node.name() + ": the share is missing")
                    .expected(server ? "the folder " + mount.path() : expected(inventory) + " at " + mount.path())
                    .found(mount.words()).fix(fix));
            case FOLDER -> server ? Optional.empty()
                    : Optional.of(Problem.failed(node.name() + ": nothing is mounted at " + mount.path()
                    + ": a worker would write to a local folder").expected(expected(inventory)).found(mount.words())
                    .fix(fix));
            case MOUNT -> server || !mount.nfsType() || isOurs(inventory, mount.source()) ? Optional.empty()
                    : Optional.of(Problem.failed(node.name() + ": another share is mounted at " + mount.path())
                            .expected(expected(inventory))
                            .found(mount.words())
                            .fix("unmount it and take it out of the node's fstab, or correct storage in the "
                                    + "inventory"));
        };
    }

    private static Optional<Problem> notHandedIn(Node node, Mount mount) {
        var asHost = "the share, mounted at " + mount.path() + " by the host of this node";
        var fix = handIn(mount.path()) + ", then pct reboot ID";
        return switch (mount.kind()) {
            case FAILED -> Optional.of(
                    Problem.failed(node.name() + ": the share at " + mount.path() + " does not answer")
                    .expected(asHost).found(mount.said())
                    .fix("on the host of this node: check that the server of " + mount.source() + " is up"));
            case NOTHING -> Optional.of(Problem.failed(node.name() + ": the share is missing").expected(asHost)
                    .found(mount.words()).fix(fix));
            case FOLDER -> Optional.of(Problem.failed(node.name() + ": nothing is mounted at " + mount.path()
                    + ": a container would write to a local folder").expected(asHost).found(mount.words()).fix(fix));
            case MOUNT -> Optional.empty();
        };
    }

    private static Problem readOnly(Inventory inventory, Node node, Mount mount) {
        var problem = Problem.failed(node.name() + ": the share at " + mount.path() + " is read-only")
                .expected("a mount that containers may write to")
                .found(mount.words(inventory, node));
        return problem.fix(mount.nfsType() && !inventory.shareFromHost(node)
                ? "take ro out of storage.options in the inventory, or of the node's fstab, and umount "
                + mount.path() + "; then jbang setup-nfs@ktrdr " + node.name()
                : handIn(mount.path()) + " without ro=1, then pct reboot ID");
    }

    /** What the operator does on the host of a node, so that it has the share at this path. */
    public static String handIn(String path) {
        return "on the Proxmox host: pct set ID --mp0 FOLDER,mp=" + path;
    }

    private static String expected(Inventory inventory) {
        var storage = inventory.storage();
        return "a mount of " + inventory.storageNode().map(inventory::fqdn).orElse(storage.server()) + ":"
                + storage.export();
    }
}
