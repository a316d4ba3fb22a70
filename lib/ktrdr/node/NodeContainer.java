package ktrdr.node;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.Facts;

/**
 * Any container on a node, of any project or none, and the ports of the node that it publishes while it runs.
 *
 * @param project of Compose; empty if Compose did not start it
 * @param folder from which Compose started it, if it exists and is not the stack's; else empty
 */
public record NodeContainer(String name, String project, Set<Integer> ports, String folder) {
    private static final Pattern PUBLISHED = Pattern.compile(":(\\d{1,5})(?:-(\\d{1,5}))?->");
    /** The most ports of one range that are read. */
    private static final int RANGE = 1000;

    public NodeContainer(String name, String project, Set<Integer> ports) {
        this(name, project, ports, "");
    }

    /**
     * Shell lines that report each container of the node as a fact {@code beside}, and what {@link Occupant} reads.
     * They need the function {@code say}, those of {@link Occupant.Marks#tools}, and the stack's folder as
     * {@code directory}.
     */
    public static final String SCRIPT = """
            here=$(cd -P "$directory" 2>/dev/null && pwd) || here=$directory
            docker ps -a --format '{{.Names}}|{{.Label "PROJECT"}}|{{.Ports}}|{{.Label "WORKING_DIR"}}' | while IFS= \
            read -r line; do
              folder=${line##*|}
              project=${line#*|}
              occupied "${line%%|*}" "${project%%|*}" "$folder"
              # by another path the same one
              case $folder in "$here") folder= ;; /*) folder=$(cd -P "$folder" 2>/dev/null && pwd) || folder= ;; *) \
            folder= ;; esac
              [ "$folder" != "$here" ] || folder=
              say beside "${line%|*}|$folder"
            done
            """.replace("PROJECT", Docker.PROJECT).replace("WORKING_DIR", Docker.FOLDER);

    /** The answer of {@link #SCRIPT}. */
    public static List<NodeContainer> parse(Facts facts) {
        return facts.all("beside").stream().map(line -> line.split("\\|", 4)).filter(parts -> parts.length > 2)
                .map(parts -> new NodeContainer(parts[0], parts[1], ports(parts[2]), parts.length > 3 ? parts[3] : ""))
                .toList();
    }

    /** Of "0.0.0.0:8000-8001->8000-8001/tcp, [::]:8000->8000/tcp". */
    private static Set<Integer> ports(String published) {
        var ports = new TreeSet<Integer>();
        PUBLISHED.matcher(published).results().forEach(range -> {
            int first = Integer.parseInt(range.group(1));
            int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
            for (int port = first; port <= Math.min(last, first + RANGE); port++) ports.add(port);
        });
        return ports;
    }
}
