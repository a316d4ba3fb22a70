package ktrdr;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The running steps in one line of a terminal that refreshes; nothing without a terminal. The caller holds the lock of
 * the console at every call: result and progress share the screen.
 */
final class StatusLine {
    private static final long REFRESH_MILLIS = 200;
    private final PrintStream err;
    private final boolean live;
    private final UnaryOperator<String> safe;
    private final Object lock;
    private final Map<Object, Supplier<String>> running = new LinkedHashMap<>();
    private Thread ticker;
    private boolean shown;

    StatusLine(PrintStream err, boolean live, UnaryOperator<String> safe, Object lock) {
        this.err = err;
        this.live = live;
        this.safe = safe;
        this.lock = lock;
    }

    void add(Object step, Supplier<String> words) {
        running.put(step, words);
        if (live && ticker == null) ticker = Threads.daemon("progress", this::refresh);
    }

    /** Whether the step was still running. */
    boolean remove(Object step) {
        return running.remove(step) != null;
    }

    boolean isEmpty() {
        return running.isEmpty();
    }

    void show() {
        if (!live || running.isEmpty()) return;
        var line = safe.apply(String.join(" · ", running.values().stream().map(Supplier::get).toList()));
        err.print("\r\033[K" + SafeText.brief(line, Console.WIDTH));
        err.flush();
        shown = true;
    }

    void clear() {
        if (shown) err.print("\r\033[K");
        shown = false;
    }

    void close() {
        running.clear();
        clear();
        if (ticker != null) ticker.interrupt();
    }

    private void refresh() {
        try {
            while (true) {
                Thread.sleep(REFRESH_MILLIS);
                synchronized (lock) {
                    show();
                }
            }
        } catch (InterruptedException e) {
            // closed
        }
    }
}
