package ktrdr.logs;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import ktrdr.Problem;
import ktrdr.Units;

/**
 * The answer of one node to a {@link LogScript}: joins pieces to lines, skips repeated lines, and keeps how far each
 * container is known. Pure.
 */
public final class LogNode {
    private static final int LONGEST = 64 << 10;

    /** A container, its current line, and how far it is known. */
    private static final class Log {
        private final String service;
        private final LogCursor cursor;
        private final StringBuilder begun = new StringBuilder();
        private long cut;

        private Log(String service, String start) {
            this.service = service;
            this.cursor = new LogCursor(start);
        }
    }

    /** Receives what a node answers. */
    public interface Listener {
        /** A line of a container's log. */
        void line(LogMerge.Line line);

        /** What docker said about a container. */
        void docker(String service, String text);

        /** All present containers are known. */
        void listed(Set<String> services);

        /** All of the past was sent. */
        void live();
    }

    private final String node;
    private final Listener listener;
    private final Map<String, Log> logs = new HashMap<>();
    private final Set<String> there = new TreeSet<>();

    public LogNode(String node, Listener listener) {
        this.node = node;
        this.listener = listener;
    }

    /** The time to continue from, for each container that was there. */
    Map<String, String> resume() {
        var resume = new TreeMap<String, String>();
        logs.forEach((id, log) -> resume.put(id, log.cursor.since()));
        return resume;
    }

    /** Accepts a line of the answer. */
    public void accept(String line) {
        var piece = LogScript.Piece.parse(line);
        switch (piece.kind()) {
            case THERE -> found(piece, piece.time());
            case NEW -> found(piece, "");
            case AGAIN -> log(piece).cursor.again();
            case DOCKER -> listener.docker(log(piece).service, piece.text());
            case LISTED -> listener.listed(Set.copyOf(there));
            case LIVE -> listener.live();
            case ALIVE -> { }
            case MORE -> append(log(piece), piece.text());
            default -> end(log(piece), piece);
        }
    }

    private void found(LogScript.Piece piece, String start) {
        there.add(piece.text());
        var log = logs.computeIfAbsent(piece.id(), unknown -> new Log(piece.text(), start));
        // the beginning of a line that was cut off comes again
        log.begun.setLength(0);
        log.cut = 0;
    }

    private Log log(LogScript.Piece piece) {
        var log = logs.get(piece.id());
        if (log == null) throw Problem.failed(node + ": a line of an unknown container").found(piece.id());
        return log;
    }

    private static void append(Log log, String text) {
        int room = Math.min(text.length(), LONGEST - log.begun.length());
        log.begun.append(text, 0, room);
        log.cut += text.length() - room;
    }

    private void end(Log log, LogScript.Piece piece) {
        var text = piece.text();
        if (log.begun.length() > 0) {
            append(log, text);
            text = log.begun.toString();
            if (log.cut > 0) text += "… " + Units.size(log.cut) + " more";
            log.begun.setLength(0);
            log.cut = 0;
        }
        if (log.cursor.fresh(piece.time(), text))
            listener.line(new LogMerge.Line(piece.time(), node, log.service, text));
    }
}
