package ktrdr.share;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import ktrdr.BuiltIn;
import ktrdr.Facts;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Mount;
import ktrdr.release.OwnContainers;

/**
 * The share's state on a node, gathered in one round trip that changes nothing.
 *
 * Files are text of one character per byte (ISO 8859-1), so that lines of others are kept byte for byte.
 *
 * @param root whether the toolkit may change anything there
 * @param container what kind of container the node is, such as lxc; "none" for a machine. {@code privileged}: whether
 *     its root is the host's
 * @param kernel nfs and nfsd, as far as its kernel has them or can load them; {@code refused} those that the container
 *     may not use
 * @param packages the needed ones that are installed; {@code apt} whether more can be
 * @param mount at the share's path; on the server that of the export
 * @param fstab empty if missing; {@code point} the folder under the mount; {@code dropIn} the toolkit's file for its
 *     unit
 * @param exports every file of exports, by path; {@code exported} the clients that the server exports the share to now
 * @param service whether the server is enabled at boot, whether it runs
 * @param folders of the share on its server: owner and mode, "999:1500 2775"
 * @param hostOwner KTRDR's uid and gid on the host that a container runs on, such as 100999:101500; empty if it does
 *     not have them
 * @param deployed whether KTRDR was deployed to the node before
 */
public record NfsFacts(boolean root, String release, String container, boolean privileged, Set<String> kernel,
        Set<String> refused, Set<String> packages, boolean apt, Mount mount, String fstab, Optional<Point> point,
        Optional<String> dropIn, Map<String, String> exports, Set<String> exported, Set<String> service,
        Map<String, String> folders, String hostOwner, boolean deployed) {

    /**
     * The folder under the mount.
     *
     * @param mode in octal digits
     * @param immutable whether it is; {@code able} whether its file system and the node's rights allow that
     * @param entries names in it that the mount hides
     */
    public record Point(String mode, boolean immutable, boolean able, List<String> entries) {
        /** Whether a container cannot write there, and no user at all if the file system supports that. */
        public boolean closed() {
            return mode.equals("0") && (immutable || !able);
        }
    }

    /** The script that gathers; one line per fact: its name, a tab, its value. */
    public static String script(Inventory inventory, Node node) {
        var path = Mount.path(inventory, node);
        boolean server = inventory.exportsShare(node);
        return Facts.SAY + OwnContainers.marks(inventory).script() + Sh.let("path", path)
                + Sh.let("dropin", NfsFiles.dropInPath(path))
                + BuiltIn.lines("share/machine.sh") + """
                if [ "${container:-none}" != none ] && [ "$(id -u)" = 0 ]; then
                  for left in /run/ktrdr.*; do off "$left"; done
                """ + Sh.atEnd("off \"$dir\"; rmdir \"$dir\" 2>/dev/null || :") + Sh.folder("dir", "/run/ktrdr") + """
                fi
                for kind in nfs nfsd; do
                  [ -z "$dir" ] || probe "$kind"
                  if grep -qw "$kind" /proc/filesystems || modprobe -n -q "$kind" 2>/dev/null; then say kernel \
                "$kind"; fi
                done
                """ + Mount.script(path) + (server ? serverScript(inventory, node) : CLIENT) + "say end yes\n";
    }

    /** The mount point is examined in a mount namespace of its own, in which the mounts on it are removed. */
    private static final String CLIENT = """
            if [ -f /etc/fstab ]; then say fstab "$(base64 </etc/fstab | tr -d '\\n')"; fi
            if [ -f "$dropin" ]; then say dropin "$(base64 <"$dropin" | tr -d '\\n')"; fi
            capabilities=$(awk '/^CapEff/ { print $2 }' /proc/self/status)
            able=$((0x$capabilities >> 9 & 1))
            point=$(timeout -k 2 20 unshare --mount --propagation private sh -euc '
              while awk -v path="$1" "\\$2 == path { found = 1 } END { exit !found }" /proc/self/mounts; do umount -l \
            "$1"; done
              [ -d "$1" ] || exit 0
              printf "%s " "$(stat -c %a "$1")"
              if flags=$(lsattr -d "$1" 2>/dev/null); then printf "%s " "${flags%% *}"; else printf "none "; fi
              ls -A "$1" | head -n 3 | tr "\\n" "/"
            ' sh "$path" 2>/dev/null || echo unknown)
            say point "$able $point"
            """;

    private static String serverScript(Inventory inventory, Node node) {
        var folders = new ArrayList<>(List.of(inventory.storage().export()));
        inventory.storage().folders().forEach(folder -> folders.add(inventory.storage().export() + "/" + folder));
        return """
                for file in /etc/exports /etc/exports.d/*.exports; do
                  if [ -f "$file" ]; then say "exports $file" "$(base64 <"$file" | tr -d '\\n')"; fi
                done
                if systemctl is-enabled -q nfs-server.service 2>/dev/null; then say service enabled; fi
                if systemctl is-active -q nfs-server.service 2>/dev/null; then say service active; fi
                if command -v exportfs >/dev/null; then
                  exportfs -s 2>/dev/null | awk -v path="$path" '$1 == path { sub(/\\(.*/, "", $2); print \
                "exported\\t" ($2 == "<world>" ? "*" : $2) }'
                fi
                """ + "[ \"$mount_code\" != 0 ] || for folder in " + Sh.words(folders) + "; do\n" + """
                  if [ -d "$folder" ]; then say "folder $folder" "$(stat -c '%u:%g %a' "$folder")"; fi
                done
                outside() { awk -v id="$2" '$1 <= id && id < $1 + $3 { print $2 + id - $1 }' "/proc/self/$1"; }
                """ + "say host-owner \"$(outside uid_map " + NfsFiles.UID + "):$(outside gid_map " + NfsFiles.GID +
                ")\"\n"
                + Sh.let("directory", node.directory()) +
                "if [ -s \"$directory/.ktrdr/releases.jsonl\" ]; then say deployed yes; fi\n";
    }

    /** The answer of {@link #script}. Another form is a {@link Problem}. */
    public static NfsFacts parse(String answer) {
        var facts = Facts.parse(answer);
        var exports = new LinkedHashMap<String, String>();
        facts.under("exports").forEach((file, text) -> exports.put(file, decode(text)));
        return new NfsFacts(facts.number("uid") == 0, facts.get("release"), facts.get("container"),
                facts.get("privileged").equals("yes"),
                Set.copyOf(facts.all("kernel")), Set.copyOf(facts.all("refused")), Set.copyOf(facts.all("package")),
                facts.get("apt").equals("yes"),
                Mount.parse(facts.get("mount")), decode(facts.get("fstab")), point(facts.get("point")),
                facts.all("dropin").stream().findFirst().map(NfsFacts::decode), exports,
                Set.copyOf(facts.all("exported")), Set.copyOf(facts.all("service")),
                facts.under("folder"), facts.get("host-owner"), facts.get("deployed").equals("yes"));
    }

    /** "1 700 --------------e------- one/two/": able, mode, flags or none, and the first names. */
    private static Optional<Point> point(String value) {
        var words = value.split(" ", 4);
        if (words.length < 4) return Optional.empty();
        boolean flags = !words[2].equals("none");
        return Optional.of(new Point(words[1], flags && words[2].contains("i"), words[0].equals("1") && flags,
                words[3].isBlank() ? List.of() : List.of(words[3].split("/"))));
    }

    private static String decode(String base64) {
        return new String(Facts.bytes(base64), StandardCharsets.ISO_8859_1);
    }
}
