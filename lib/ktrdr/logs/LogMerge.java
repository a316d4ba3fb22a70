package ktrdr.logs;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Queue;

/**
 * Lines of many nodes as one stream in the order of their times.
 *
 * While a node sends its past, in order, no line goes out that may be younger than the node's next one. Later lines
 * arrive roughly in order: each waits a moment for older ones, and no longer, so that a clock ahead of the others does
 * not delay its lines for ever. The waiting lines of a node are bounded: a node that is {@link #full} should not be
 * read for a while. Pure, and for one thread at a time.
 */
public final class LogMerge {
    /** A line of a log; {@code time} is UTC with nine digits of a second. */
    public record Line(String time, String node, String service, String text) {}

    private static final class Held {
        private final long arrived;
        private final long order;
        /** Null after it went out. */
        private Line line;

        private Held(Line line, long arrived, long order) {
            this.line = line;
            this.arrived = arrived;
            this.order = order;
        }
    }

    private static final class Source {
        private final Queue<Held> past = new ArrayDeque<>();
        private boolean open = true;
        private long characters;
    }

    /** So many later lines may overtake a line of a node whose clock is ahead; then it goes out. */
    private static final int OVERTAKING = 1000;
    private static final Comparator<Held> ORDER = Comparator.<Held, String>comparing(held -> held.line.time())
            .thenComparingLong(held -> held.order);
    private final Map<String, Source> sources = new LinkedHashMap<>();
    private final PriorityQueue<Held> present = new PriorityQueue<>(ORDER);
    private final Queue<Held> arrivals = new ArrayDeque<>();
    private final long window;
    private final long limit;
    private long count;

    /**
     * @param nodes the past of each is waited for
     * @param window how long a line waits
     * @param limit characters of one node that may wait
     */
    LogMerge(Iterable<String> nodes, Duration window, long limit) {
        this.window = window.toNanos();
        this.limit = limit;
        nodes.forEach(node -> sources.put(node, new Source()));
    }

    /** Adds a line that arrived at a moment, by a clock in nanoseconds. */
    void add(Line line, long now) {
        var source = sources.get(line.node());
        var held = new Held(line, now, count++);
        source.characters += weight(line);
        if (source.open) {
            source.past.add(held);
        } else {
            present.add(held);
            arrivals.add(held);
        }
    }

    private static long weight(Line line) {
        return 100 + line.text().length();
    }

    /** A node has sent its past: further lines are in no order. */
    void live(String node) {
        sources.get(node).open = false;
    }

    /** Whether so much of a node waits that nothing should be added. */
    boolean full(String node) {
        return sources.get(node).characters >= limit;
    }

    boolean empty() {
        return present.isEmpty() && sources.values().stream().allMatch(source -> source.past.isEmpty());
    }

    /** The next line, if its turn has come. */
    Optional<Line> next(long now) {
        Source from = null;
        var first = overtaken() ? arrivals.peek() : present.peek();
        for (var source : sources.values()) {
            var head = source.past.peek();
            if (head == null && source.open) return Optional.empty();
            if (head != null && (first == null || ORDER.compare(head, first) < 0)) {
                first = head;
                from = source;
            }
        }
        if (first == null || from == null && patience(now) > 0) return Optional.empty();
        if (from == null) present.remove(first);
        else from.past.remove();
        var line = first.line;
        first.line = null;
        sources.get(line.node()).characters -= weight(line);
        return Optional.of(line);
    }

    /**
     * Whether too many lines have overtaken the line that waits longest, which are all later ones that have gone out.
     */
    private boolean overtaken() {
        forget();
        return arrivals.size() - present.size() > OVERTAKING;
    }

    private void forget() {
        while (!arrivals.isEmpty() && arrivals.peek().line == null) arrivals.remove();
    }

    /** Nanoseconds until the turn of a waiting line; 0 if it has come, {@link Long#MAX_VALUE} if no line waits. */
    long patience(long now) {
        forget();
        if (arrivals.isEmpty()) return Long.MAX_VALUE;
        if (sources.values().stream().anyMatch(source -> source.characters >= limit)) return 0;
        return Math.max(0, arrivals.peek().arrived + window - now);
    }
}
