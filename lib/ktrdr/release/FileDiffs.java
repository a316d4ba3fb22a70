package ktrdr.release;

import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Units;
import ktrdr.inventory.Secrets;
import ktrdr.node.NodeFiles;
import ktrdr.release.Templates.NodeFile;

/**
 * Unified diffs of files on a node. The toolkit's files have no secrets; those that an operator wrote into one are
 * masked.
 *
 * @param directory of the stack
 * @param there the files that are on the node
 * @param changed files that are written; {@code removed} paths of those that are removed
 */
record FileDiffs(String directory, NodeFiles there, List<NodeFile> changed, List<String> removed) {
    /** In lines: a Compose file that is new is shorter, a dashboard is longer. */
    private static final int LONG = 300;

    /** All lines. */
    List<String> all() {
        return each().flatMap(List::stream).toList();
    }

    /** The same, but of a long diff the file and the number of its lines. */
    List<String> brief() {
        return each().flatMap(lines -> lines.size() <= LONG ? lines.stream() : Stream.of(lines.get(0), lines.get(1),
                "@@ " + (lines.size() - 2) + " lines; --verbose shows them @@")).toList();
    }

    private Stream<List<String>> each() {
        var each = Stream.concat(changed.stream().map(file -> diff(file.path(), Optional.of(file))),
                removed.stream().map(path -> diff(path, Optional.empty())));
        return each.map(lines -> lines.stream().map(Secrets::concealed).toList());
    }

    private List<String> diff(String path, Optional<NodeFile> file) {
        var place = directory + "/" + path;
        var found = there.files().get(path);
        var old = found == null ? "/dev/null" : place;
        var now = file.isEmpty() ? "/dev/null" : place;
        if (file.isPresent() && found != null && found.sha256().equals(file.get().sha256()))
            return List.of("--- " + old, "+++ " + now, "mode " + found.mode() + ", owner " + found.owner()
                    + " -> mode " + file.get().mode() + ", owner 0:0");
        if (found != null && found.content().isEmpty())
            return List.of("--- " + old, "+++ " + now, Units.size(found.size()) + ", too large to show");
        var lines = new ArrayList<String>();
        var link = there.links().get(path);
        if (link != null) lines.add(place + " is a symbolic link to " + link + ", which stays as it is");
        var before = found == null ? List.<String>of() : lines(found.content().get());
        var after = file.map(nodeFile -> lines(nodeFile.content())).orElse(List.of());
        lines.addAll(UnifiedDiffUtils.generateUnifiedDiff(old, now, before, DiffUtils.diff(before, after), 2));
        return lines;
    }

    private static List<String> lines(String text) {
        if (text.isEmpty()) return List.of();
        var lines = new ArrayList<>(Arrays.asList(text.split("\n", -1)));
        if (text.endsWith("\n")) lines.remove(lines.size() - 1);
        else lines.add("\\ No newline at end of file");
        return lines;
    }
}
