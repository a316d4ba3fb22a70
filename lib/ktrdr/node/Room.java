package ktrdr.node;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.BuiltIn;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Units;

/**
 * The folders of a node that the toolkit and Docker write to in addition to the stack's own. With /run full or
 * read-only, or no space in /tmp, a container starts but no command runs in it, not even its health check: a deployment
 * would replace all containers, and neither they nor a rollback would become healthy.
 */
public final class Room {
    /** Each of them must have room for so much: a start of some containers needs less. */
    static final long BYTES = 4 << 20;
    /**
     * The folder of locks, on Debian a file system of 5 MB, gets files of some bytes; two runs that check at once must
     * not fill it.
     */
    private static final long LOCKS = 64 << 10;
    private Room() {}

    /**
     * Shell lines that report a fact {@code room} for each of these folders that cannot be written to, with {@code say}
     * defined; they look into that of Docker after {@link MachineFacts#engine}.
     */
    public static String script() {
        return BuiltIn.lines("node/room.sh").replace("BYTES", String.valueOf(BYTES))
                .replace("LOCKS", String.valueOf(LOCKS));
    }

    /** The answer: folder to why it cannot be written to. */
    public static Map<String, String> parse(Facts facts) {
        return new TreeMap<>(facts.under("room"));
    }

    /** "/tmp: No space left on device; /run: Read-only file system". */
    public static String words(Map<String, String> full) {
        return full.entrySet().stream().map(entry -> entry.getKey() + ": " + entry.getValue())
                .collect(Collectors.joining("; "));
    }

    /** What is expected of these folders. */
    public static String expected() {
        return Units.size(BYTES) + " can be written to each folder that Docker and this toolkit need, "
                + Units.size(LOCKS) + " to /run/lock";
    }

    /** What to do about folders that are full or cannot be written to. */
    public static String fix(String node, Map<String, String> full) {
        return "on " + node + ": df -h " + String.join(" ", full.keySet()) + "; df -i "
                + String.join(" ", full.keySet()) + "; then free space, or remount it read-write";
    }

    /** Why no container may be touched on a node. */
    public static Optional<Problem> problem(String node, Map<String, String> full) {
        return full.isEmpty() ? Optional.empty()
                : Optional.of(Problem.failed(node + ": nothing can be written to " + String.join(", ", full.keySet()))
                        .expected(expected())
                .found(words(full)).fix(fix(node, full) + "; nothing was changed"));
    }
}
