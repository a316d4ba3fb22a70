package ktrdr;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * The one place that prints: results on standard output, progress on standard error, secrets on neither.
 *
 * On a terminal the steps under way share one line that refreshes; elsewhere each line is printed once, when it is
 * done. Every line passes {@link #mask}. Safe to use from many threads.
 */
public final class Console implements AutoCloseable {
    /** When to colour: on a terminal unless NO_COLOR is set, always, or never. */
    public enum Color { auto, always, never }

    static final int WIDTH = 100;
    private static final long MIN_LINE = 1_000_000_000L;
    private static final long MAX_LINE = 10 * MIN_LINE;
    /** Cyan, yellow, green, magenta, blue, and their bright ones. */
    private static final int[] HUES = {36, 33, 32, 35, 34, 96, 93, 92, 95, 94};
    private final PrintStream out;
    private final PrintStream err;
    private final boolean verbose;
    private final boolean colorOut;
    private final boolean colorErr;
    private final boolean live;
    private final boolean outIsTerminal;
    private final SecretMask secrets = new SecretMask();
    private final StatusLine status;
    private volatile boolean asked;

    public Console(Color color, boolean verbose) {
        this(Invocation.ofProcess(), color, verbose);
    }

    public Console(Invocation invocation, Color color, boolean verbose) {
        this.out = invocation.out();
        this.err = invocation.err();
        this.verbose = verbose;
        var environment = invocation.environment();
        boolean dumb = "dumb".equals(environment.get("TERM"));
        boolean wanted = color == Color.auto && environment.get("NO_COLOR") == null && !dumb;
        this.colorOut = color == Color.always || wanted && invocation.outIsTerminal();
        this.colorErr = color == Color.always || wanted && invocation.errIsTerminal();
        this.live = invocation.errIsTerminal() && !dumb;
        this.outIsTerminal = invocation.outIsTerminal() && !dumb;
        this.status = new StatusLine(err, live, line -> mask(harmless(line)), this);
    }

    /**
     * Masks this value as •••• from now on, also in base64, in JSON and without blanks around it. A value of fewer than
     * four characters stays visible: it would mask half of every line.
     */
    public void secret(String value) {
        secrets.add(value);
    }

    /** A text with every known secret in it as ••••. */
    public String mask(String text) {
        return secrets.mask(text);
    }

    /** The first line of a text, cut to a width, never within a character. */
    public static String brief(String text, int width) {
        return SafeText.brief(text, width);
    }

    /** A line of the result, or several, on standard output; {@link #harmless}. */
    public void print(String text) {
        printed(lineByLine(text));
    }

    private synchronized void printed(String line) {
        status.clear();
        out.println(mask(line));
        out.flush();
        status.show();
    }

    /**
     * A line of the result from one of many places, whose name in front has a colour of its own on a terminal. The line
     * is printed as it is: who asks for that has seen to it.
     */
    public void print(String place, int which, String line) {
        printed((colorOut ? "\033[" + HUES[Math.floorMod(which, HUES.length)] + "m" + place + "\033[0m" : place)
                + line);
    }

    /** Whether the reader of the output is gone, as when the other end of a pipe was closed. */
    public synchronized boolean unheard() {
        return out.checkError();
    }

    /**
     * Whether the reader of messages is gone: standard error is a pipe, and its other end has been
     * closed.
     */
    public synchronized boolean untold() {
        return err.checkError() && Invocation.isPipe(2);
    }

    /** A line from elsewhere, safe to print: what would steer a terminal is visible and does nothing. */
    public static String harmless(String text) {
        return SafeText.harmless(text);
    }

    /** The same for several lines. */
    public static String lineByLine(String text) {
        return SafeText.lineByLine(text);
    }

    /** A table of the result, on standard output, headings dim. */
    public void print(Table table) {
        var lines = outIsTerminal ? table.lines(FullScreen.size().columns()) : table.lines();
        for (int i = 0; i < lines.size(); i++)
            printed(i == 0 && colorOut ? "\033[2m" + lines.get(i) + "\033[0m" : lines.get(i));
    }

    /** A line about the run, on standard error; {@link #harmless}. */
    public void note(String text) {
        noted(lineByLine(text));
    }

    private synchronized void noted(String line) {
        status.clear();
        err.println(mask(line));
        err.flush();
        status.show();
    }

    /** A line about the run in the columns of steps, for what took no time: {@code note("core", "files", "4 same")}. */
    public void note(String where, String what, String text) {
        note(columns(where, what, text));
    }

    private static String columns(String where, String what, String text) {
        return String.format("%-10s %-8s %s", where, what, text);
    }

    /** A line about the run that only --verbose shows. */
    public void detail(String line) {
        if (verbose) note(line);
    }

    /** The sentence of a problem and its details, on standard error. */
    public void problem(Problem problem) {
        var lines = problem.lines();
        var sentence = harmless(lines.get(0));
        noted(colorErr ? sentence.replaceFirst("^error:", "\033[31merror:\033[0m") : sentence);
        lines.subList(1, lines.size()).forEach(this::note);
    }

    /** The same, only with --verbose. */
    public void detail(String where, String what, String text) {
        detail(columns(where, what, text));
    }

    /** Whether --verbose was given. */
    public boolean verbose() {
        return verbose;
    }

    /** Whether the user can be asked: standard input and standard error are terminals. */
    public boolean interactive() {
        return live && System.console() != null;
    }

    /** Asks before a destructive step; a no is a {@link Problem}, and so is a run without a terminal. */
    public void confirm(String question) {
        if (!interactive()) throw Problem.usage(question + " Cannot ask for confirmation: not a terminal")
                .fix("run it again with --yes, or on a terminal");
        var answer = System.console().readLine("%s [y/N] ", harmless(question));
        if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).startsWith("y"))
            throw Problem.failed("not done: the answer was no");
    }

    /**
     * Asks for one of these keys, also after Ctrl-C; see {@link FullScreen#press}. The caller carries the answer out
     * before the program ends.
     */
    public Optional<Character> ask(String question, String keys, Duration patience) {
        if (!interactive()) return Optional.empty();
        asked = true;
        synchronized (this) {
            status.clear();
            err.print(mask(harmless(question)) + " ");
            err.flush();
        }
        var key = FullScreen.press(keys, patience);
        note(key.map(String::valueOf).orElse(""));
        return key;
    }

    /** Whether the user was asked, so that the answer has to be carried out. */
    public boolean asked() {
        return asked;
    }

    /**
     * The terminal that the result goes to, for drawing on it; empty if the result goes elsewhere. Print nothing else
     * until it is closed.
     */
    public Optional<FullScreen> terminal() {
        return outIsTerminal ? FullScreen.open(out, line -> mask(harmless(line))) : Optional.empty();
    }

    /** Starts a step, such as {@code step("core", "pull")}; close it, or call done or failed once. */
    public Step step(String where, String what) {
        var step = new Step(where, what);
        synchronized (this) {
            status.add(step, step::words);
        }
        return step;
    }

    /** Something that takes time, with its outcome as one line: where, what, outcome, seconds. */
    public final class Step implements AutoCloseable {
        private final String where;
        private final String what;
        private final long started = System.nanoTime();
        private volatile String now = "";
        private long told = started;
        private double toldPercentage;

        private Step(String where, String what) {
            this.where = where;
            this.what = what;
        }

        /** What is going on at this moment; shown on a terminal only. */
        public void now(String text) {
            this.now = brief(mask(text), WIDTH);
        }

        /**
         * How far it is, of 100: a bar on a terminal; elsewhere a line for every ten percent, or when ten seconds have
         * passed, one a second at most.
         */
        public void progress(double percentage, String text) {
            now(Units.bar(percentage) + " " + text);
            long since = System.nanoTime() - told;
            boolean calm = since < MIN_LINE || percentage - toldPercentage < 10 && since < MAX_LINE;
            if (live || calm) return;
            told = System.nanoTime();
            toldPercentage = percentage;
            note(where, what, Math.round(percentage) + " % " + text);
        }

        /** Ends the step with its outcome, such as "4 same". */
        public void done(String outcome) {
            finish(outcome, "");
        }

        /** Ends the step with why it failed, in red. */
        public void failed(String outcome) {
            finish(outcome, "\033[31m");
        }

        /** Ends the step without a line, where neither done nor failed was said. */
        @Override
        public void close() {
            synchronized (Console.this) {
                status.remove(this);
                if (status.isEmpty()) status.clear();
            }
        }

        private void finish(String outcome, String style) {
            synchronized (Console.this) {
                if (!status.remove(this)) return;
                var line = harmless(columns(where, what, String.format("%-68s %7s", outcome, seconds())));
                noted(colorErr && !style.isEmpty() ? style + line + "\033[0m" : line);
            }
        }

        private String words() {
            return where + " " + what + " " + seconds() + (now.isEmpty() ? "" : " " + now);
        }

        private String seconds() {
            return String.format("%.1f s", Duration.ofNanos(System.nanoTime() - started).toMillis() / 1000.0);
        }
    }

    @Override
    public synchronized void close() {
        status.close();
        out.flush();
        err.flush();
    }
}
