package ktrdr.release;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.node.NodeFiles;
import ktrdr.release.Templates.NodeFile;

/**
 * The files of a release as they were, kept on the node under {@code .ktrdr/configurations/<hash>} for as long as a
 * rollback to it is possible. The hash is that of the list of the files with their hashes, so that releases with the
 * same files share one.
 */
public final class KeptFiles {
    private static final String PLACE = NodeFiles.OURS + "/configurations";

    private KeptFiles() {}

    /** In hex. */
    public static String hash(List<NodeFile> files) {
        return hash(files.stream().collect(Collectors.toMap(NodeFile::path, NodeFile::sha256)));
    }

    /** The same, of path to hash. */
    public static String hash(Map<String, String> files) {
        var list = files.entrySet().stream().map(file -> file.getValue() + "  " + file.getKey() + "\n").sorted()
                .collect(Collectors.joining());
        return new NodeFile("", list, "").sha256();
    }

    /**
     * Shell lines, run in the stack's directory, that keep the files as they are there; {@link ScriptExit#NOT_WRITTEN}
     * if the disk is full.
     */
    public static String save(List<NodeFile> files) {
        return Sh.let("snapshot", PLACE + "/" + hash(files)) + "if [ ! -d \"$snapshot\" ]; then\n"
                + Sh.let("place", PLACE) + ScriptExit.numbers("""
                          mkdir -p "$place" || exit $NOT_WRITTEN
                          new=
                        """) + Sh.atEnd("rm -rf \"$new\"") + Sh.folder("new", "\"$place\"/.new") + "  for path in "
                + Sh.words(files.stream().map(NodeFile::path).toList()) + "; do\n" + ScriptExit.numbers("""
                    case $path in */*) mkdir -p "$new/${path%/*}" ;; esac && cp -p "$path" "$new/$path" && sync \
                "$new/$path" || exit $NOT_WRITTEN
                  done
                  mv -T "$new" "$snapshot" || exit $NOT_WRITTEN
                fi
                """);
    }

    /** Shell lines that remove all but these, and leftovers of killed runs. */
    public static String keep(Collection<String> hashes) {
        return "for one in " + PLACE + "/* " + PLACE + "/.new.*; do\n  case ${one##*/} in "
                + hashes.stream().map(Sh::quote).collect(Collectors.joining(" | "))
                + ") ;; *) rm -rf \"$one\" ;; esac\ndone\n";
    }

    /** Shell lines that say the facts, for a script whose {@code directory} is the stack's. */
    public static String script(String hash) {
        return Sh.let("place", PLACE) + Sh.let("hash", hash) + """
                if [ -n "$hash" ] && cd "$directory/$place/$hash" 2>/dev/null; then
                  find . -type f | while IFS= read -r file; do say "snapshot ${file#./}" "$(stat -c %a "$file") \
                $(base64 <"$file" | tr -d '\\n')"; done
                  cd /
                fi
                """;
    }

    /** The files; empty if they are missing or changed. */
    public static Optional<List<NodeFile>> parse(Facts facts, String hash) {
        var files = new ArrayList<NodeFile>();
        facts.under("snapshot").forEach((path, value) -> {
            var words = value.split(" ", 2);
            files.add(new NodeFile(path, NodeFiles.decode(words.length > 1 ? words[1] : ""), words[0]));
        });
        return hash(files).equals(hash) ? Optional.of(List.copyOf(files)) : Optional.empty();
    }
}
