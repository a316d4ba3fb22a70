package ktrdr;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The terminal as one screen of lines that is redrawn only where it changes, and keys as they are pressed.
 * {@link #close} leaves it as it was.
 *
 * Settings and size are read and set with stty(1); Ctrl-C still sends its signal.
 */
public final class FullScreen implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final String SETTINGS = "[0-9a-zA-Z:=-]+";

    /** Lines and columns. */
    public record Size(int rows, int columns) {}

    private final PrintStream out;
    private final UnaryOperator<String> mask;
    private final String settings;
    private final InputStream keys;
    private List<String> shown = List.of();
    private Size shownAt = new Size(0, 0);

    private FullScreen(PrintStream out, UnaryOperator<String> mask, String settings, InputStream keys) {
        this.out = out;
        this.mask = mask;
        this.settings = settings;
        this.keys = keys;
    }

    /** Takes over the terminal of this process; empty if it has none. Each drawn line passes {@code mask}. */
    static Optional<FullScreen> open(PrintStream out, UnaryOperator<String> mask) {
        try {
            var settings = stty("-g");
            if (!settings.ok() || !settings.out().strip().matches(SETTINGS)) return Optional.empty();
            var keys = new FileInputStream("/dev/tty");
            // a read ends after a fifth of a second, with a key or without
            stty("-icanon -echo min 0 time 2");
            out.print("\033[?1049h\033[?25l");
            out.flush();
            return Optional.of(new FullScreen(out, mask, settings.out().strip(), keys));
        } catch (IOException | Problem none) {
            return Optional.empty();
        }
    }

    /**
     * The first of these keys that is pressed at the terminal of this process, in lower case. Empty for Ctrl-C, which
     * is only a key here, for Ctrl-D and Enter, when none was pressed in time, and without a terminal.
     */
    static Optional<Character> press(String keys, Duration patience) {
        var settings = "";
        try (var terminal = new FileInputStream("/dev/tty")) {
            settings = stty("-g").out().strip();
            if (!settings.matches(SETTINGS)) return Optional.empty();
            stty("-icanon -echo -isig min 0 time 2");
            for (long now = System.nanoTime(), end = now + patience.toNanos(); now < end; now = System.nanoTime()) {
                int key = Character.toLowerCase(terminal.read());
                // a terminal that hung up answers at once
                if ("\003\004\n\r".indexOf(key) >= 0 || key < 0 && System.nanoTime() - now < 50_000_000)
                    return Optional.empty();
                if (key > 0 && keys.indexOf(key) >= 0) return Optional.of((char) key);
            }
        } catch (IOException | Problem gone) {
            // the terminal is gone
        } finally {
            if (settings.matches(SETTINGS)) stty(settings);
        }
        return Optional.empty();
    }

    private static CommandResult stty(String words) {
        return LocalCommand.command("sh", "-c", "stty " + words + " </dev/tty").timeout(PATIENCE).run();
    }

    /** The next key; empty when none was pressed within a fifth of a second. */
    public Optional<Character> key() {
        try {
            int key = keys.read();
            return key < 0 ? Optional.empty() : Optional.of((char) key);
        } catch (IOException e) {
            throw Problem.failed("the terminal cannot be read any more").found(e.getMessage()).because(e);
        }
    }

    /** The current size, which the user may change at any time. */
    public static Size size() {
        var words = new String[0];
        try {
            words = stty("size").out().strip().split(" ");
        } catch (Problem interrupted) {
            // Ctrl-C ends what would tell it too
        }
        boolean known = words.length == 2 && words[0].matches("[1-9]\\d{0,3}") && words[1].matches("[1-9]\\d{0,3}");
        return known ? new Size(Integer.parseInt(words[0]), Integer.parseInt(words[1])) : new Size(24, 80);
    }

    /**
     * Draws these lines in the place of those before: what does not fit is cut, and how many lines that are is said in
     * the last one.
     */
    public void draw(List<String> lines, Size size) {
        var frame = frame(lines.stream().map(mask).toList(), size);
        var changes = changes(size.equals(shownAt) ? shown : List.of(), frame);
        out.print(size.equals(shownAt) ? changes : "\033[2J" + changes);
        out.flush();
        shown = frame;
        shownAt = size;
    }

    /** The lines as they fit. */
    static List<String> frame(List<String> lines, Size size) {
        var frame = new ArrayList<String>();
        boolean all = lines.size() <= size.rows();
        for (var line : all ? lines : lines.subList(0, size.rows() - 1)) frame.add(Console.brief(line, size.columns()));
        if (!all) frame.add(Console.brief("… " + (lines.size() - size.rows() + 1) + " more lines", size.columns()));
        return frame;
    }

    /** What has to be printed for one frame to become the next. */
    static String changes(List<String> before, List<String> after) {
        var changes = new StringBuilder();
        for (int i = 0; i < Math.max(before.size(), after.size()); i++) {
            var line = i < after.size() ? after.get(i) : "";
            if (i >= before.size() && line.isEmpty() || i < before.size() && before.get(i).equals(line)) continue;
            changes.append("\033[").append(i + 1).append(";1H")
                    .append(line.startsWith("error:") ? "\033[31merror:\033[0m" + line.substring(6) : line)
                    .append("\033[K");
        }
        return changes.toString();
    }

    /** Gives the terminal back with its settings, also to a thread that is interrupted. */
    @Override
    public void close() {
        Threads.uninterrupted(() -> {
            try {
                out.print("\033[?25h\033[?1049l");
                out.flush();
                stty(settings);
                keys.close();
            } catch (IOException | Problem e) {
                // it is gone, and its settings with it
            }
        });
    }
}
