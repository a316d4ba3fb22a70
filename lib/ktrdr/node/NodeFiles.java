package ktrdr.node;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;

/**
 * The files of a stack as they are on a node. Content travels only where it is not what is wanted.
 *
 * @param files path under the stack's directory to what is there: at the paths asked about and at those that the
 *     toolkit wrote before
 * @param links path to target of symbolic links at such a path or above it; nothing behind them was looked at
 * @param odd path to kind of what is neither file nor link there, such as "directory"
 * @param manifest what the toolkit wrote: path to sha256
 * @param unread service to the time its staged configuration changed last, if it was not notified yet; seconds since
 *     1970
 * @param foreign other files in the directory, at most {@value #MOST}
 * @param stale the services whose container mounts another folder than the present one: see {@link StaleMounts}
 * @param full folders outside of the stack's that cannot be written to: see {@link Room}
 */
public record NodeFiles(Map<String, FileState> files, Map<String, String> links, Map<String, String> odd,
        Map<String, String> manifest, Map<String, Long> unread, List<String> foreign, Set<String> stale,
        Map<String, String> full) {

    /** Those of a node whose containers mount what is there. */
    public NodeFiles(Map<String, FileState> files, Map<String, String> links, Map<String, String> odd,
            Map<String, String> manifest, Map<String, Long> unread, List<String> foreign) {
        this(files, links, odd, manifest, unread, foreign, Set.of(), Map.of());
    }

    /** The toolkit's own folder on a node, under the stack's directory. */
    public static final String OURS = ".ktrdr";
    /** One line a file, as {@code sha256sum -c} reads it. */
    public static final String MANIFEST = OURS + "/files";
    public static final NodeFiles NONE = new NodeFiles(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), List.of());
    private static final int MOST = 50;

    /**
     * A file on a node.
     *
     * @param mode such as "644"; {@code owner} such as "0:0"; {@code size} in bytes
     * @param content empty if the hash is as wanted, or if the file is larger than a megabyte
     */
    public record FileState(String sha256, String mode, String owner, long size, Optional<String> content) {}

    /** Shell lines that print a fact a line with {@code say}, for a script whose {@code directory} is the stack's. */
    public static String script(Map<String, String> wanted) {
        var looks = new StringBuilder();
        wanted.forEach((path, hash) -> looks.append("look ").append(Sh.quote(hash)).append(' ').append(Sh.quote(path))
                .append('\n'));
        var known = wanted.keySet().stream().map(path -> " -o -path " + Sh.quote("./" + path))
                .collect(Collectors.joining());
        return Sh.let("newline", "\n") + Sh.let("wanted", "\n" + String.join("\n", wanted.keySet()) + "\n")
                + BuiltIn.lines("node/files.sh") + """
                files() {
                """ + looks + """
                  if [ -L .ktrdr ]; then
                    say "link .ktrdr" "$(readlink .ktrdr | encoded)"
                  else
                    for mark in .ktrdr/unread.*; do
                      [ ! -f "$mark" ] || say "unread ${mark#.ktrdr/unread.}" "$(stat -c %Z "$mark")"
                    done
                    [ ! -f .ktrdr/files ] || [ -L .ktrdr/files ] || written
                  fi
                """ + "  say foreign \"$(find . -xdev '(' -path ./.ktrdr -o -path './.ktrdr-new.*'" + known
                + " ')' -prune -o ! -type d -print | head -n " + MOST + " | encoded)\"\n" + """
                }
                if [ -d "$directory" ]; then
                  cd -P "$directory"
                  files
                  cd /
                fi
                """;
    }

    /** The facts of {@link #script}. What is not of their form is a {@link Problem}. */
    public static NodeFiles parse(Facts facts) {
        var files = new TreeMap<String, FileState>();
        var links = new TreeMap<String, String>();
        var unread = new TreeMap<String, Long>();
        var contents = facts.under("content");
        facts.under("file").forEach((path, value) -> files.put(path, found(value, contents.get(path))));
        facts.under("link").forEach((path, target) -> links.put(path, decode(target).strip()));
        facts.under("unread").keySet().forEach(service -> unread.put(service, facts.number("unread " + service)));
        var foreign = decode(facts.get("foreign")).lines().map(line -> line.replaceFirst("^\\./", "")).sorted()
                .toList();
        return new NodeFiles(files, links, facts.under("odd"), manifest(decode(facts.get("manifest"))), unread, foreign,
                new TreeSet<>(facts.under("stale").keySet()), Room.parse(facts));
    }

    private static FileState found(String value, String content) {
        var words = value.split(" ");
        if (words.length != 4) throw Problem.failed("a node returned an invalid file entry")
                .expected("hash, mode, owner, size").found(value);
        return new FileState(words[0], words[1], words[2], Facts.number("the size of a file", words[3]),
                Optional.ofNullable(content).map(NodeFiles::decode));
    }

    /**
     * Path to hash. The file lies on a node, so a path that leads out of its directory is a {@link Problem} and not
     * obeyed.
     */
    static Map<String, String> manifest(String text) {
        var manifest = new LinkedHashMap<String, String>();
        for (var line : text.lines().toList()) {
            var path = line.substring(Math.min(line.length(), 66));
            if (!line.matches("[0-9a-f]{64}  [A-Za-z0-9._/-]+") || path.startsWith("/") || path.contains("..")
                    || path.startsWith(OURS))
                throw Problem.failed("the list of the toolkit's files on a node, " + MANIFEST + ", is damaged")
                        .expected("lines of sha256sum, with paths inside the directory")
                        .found(Console.brief(line, 100))
                        .fix("remove that file on the node; the next run writes it again");
            manifest.put(path, line.substring(0, 64));
        }
        return manifest;
    }

    /** The text that a script sent in base64. */
    public static String decode(String base64) {
        return new String(Facts.bytes(base64), StandardCharsets.UTF_8);
    }
}
