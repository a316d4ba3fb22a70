package ktrdr;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a run of a procedure is started with: variables, standard input, where it prints, and which of its streams are a
 * terminal.
 *
 * The folder that relative paths begin at is the process's own.
 */
public record Invocation(Map<String, String> environment, InputStream in, PrintStream out, PrintStream err,
        boolean outIsTerminal, boolean errIsTerminal) {
    /** That of this process. */
    public static Invocation ofProcess() {
        return new Invocation(System.getenv(), System.in, System.out, System.err, isTerminal(1), isTerminal(2));
    }

    /** A run without a terminal that reads and prints elsewhere, as a program does that starts procedures by itself. */
    public static Invocation of(Map<String, String> environment, InputStream in, PrintStream out, PrintStream err) {
        return new Invocation(environment, in, out, err, false, false);
    }

    /** A run that prints elsewhere, without a terminal; the rest is as in this process. */
    public static Invocation into(OutputStream out, OutputStream err) {
        return of(System.getenv(), System.in, utf8(out), utf8(err));
    }

    private static PrintStream utf8(OutputStream stream) {
        return stream instanceof PrintStream print ? print : new PrintStream(stream, true, StandardCharsets.UTF_8);
    }

    /**
     * Whether file descriptor 1 or 2 of this process is a pipe, whose reader may go; taken for one where there is no
     * /proc.
     */
    static boolean isPipe(int descriptor) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString()
                    .matches("(pipe|socket):.*");
        } catch (IOException | RuntimeException e) {
            return true;
        }
    }

    /**
     * Whether file descriptor 1 or 2 of this process is a terminal; by /proc if there is one, else by
     * {@link System#console}.
     */
    private static boolean isTerminal(int descriptor) {
        try {
            var target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | RuntimeException e) {
            return System.console() != null;
        }
    }
}
