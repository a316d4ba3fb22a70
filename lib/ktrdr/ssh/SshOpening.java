package ktrdr.ssh;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import ktrdr.Console;
import ktrdr.Problem;

/**
 * Where the toolkit's own output begins. A host runs a command by the user's login shell, whose startup files may
 * print, ask, end it or put another program in its place; so may a forced command. What comes before the line of
 * {@link #command} is left out of both outputs, and nothing is sent to a shell that has not said it.
 */
final class SshOpening {
    private static final byte[] OUT = "\nktrdr-begins\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ERR = "\nktrdr-errors\n".getBytes(StandardCharsets.US_ASCII);
    private static final int KEPT = 2048;
    private final CountDownLatch decided = new CountDownLatch(1);
    private final StringBuilder beforeOut = new StringBuilder();
    private final StringBuilder beforeErr = new StringBuilder();
    private volatile boolean begun;

    /**
     * A command for any login shell, csh and fish too: one line, in which single quotes have nothing that means
     * something to one of them.
     *
     * @param shell what is to be run, of the same kind: one line without quotes, backslashes and exclamation marks
     */
    static String command(String shell) {
        // put together there, so that no echo of the command has it; that of standard error first, since the host may
        // have both in one
        return "sh -c 'k=ktrdr; printf \"\\n%s\\n\" $k-errors >&2; printf \"\\n%s\\n\" $k-begins; " + shell + "'";
    }

    /** The same for a script of many lines as the argument of a shell, with sudo in front or nothing. */
    static String command(String sudo, String script) {
        var bytes = Base64.getEncoder().encodeToString(script.getBytes(StandardCharsets.UTF_8));
        return command("s=$(printf %s " + bytes + " | base64 -d) || exit; exec " + sudo + "sh -c \"$s\"");
    }

    /** The standard output of the command from there on. */
    InputStream out(InputStream stream) {
        return new After(stream, OUT, beforeOut);
    }

    /** Its standard error from there on. */
    InputStream err(InputStream stream) {
        return new After(stream, ERR, beforeErr);
    }

    /** Waits until the shell has said that it runs the command, or its output has ended; whether that came in time. */
    boolean decided(long nanos) throws InterruptedException {
        return decided.await(nanos, TimeUnit.NANOSECONDS);
    }

    /** Whether it has said so. */
    boolean begun() {
        return begun;
    }

    /** The output before it, in one short line. */
    String before() {
        return Console.harmless(Console.brief(Problem.oneLine(text(beforeOut) + "\n" + text(beforeErr)), 400));
    }

    private static String text(StringBuilder before) {
        synchronized (before) {
            return before.toString().replace("\nktrdr-errors", "\n");
        }
    }

    private final class After extends FilterInputStream {
        private final byte[] line;
        private final StringBuilder before;
        private final boolean decides;
        private boolean open;

        After(InputStream in, byte[] line, StringBuilder before) {
            super(in);
            this.line = line;
            this.before = before;
            decides = line == OUT;
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            try {
                if (!open && !skip()) return -1;
            } finally {
                if (decides) decided.countDown();
            }
            return super.read(bytes, offset, length);
        }

        /** Reads up to the line and over it; whether it came. It may be the first one. */
        private boolean skip() throws IOException {
            var last = new byte[line.length];
            for (int number; (number = in.read()) >= 0; ) {
                System.arraycopy(last, 1, last, 0, last.length - 1);
                last[last.length - 1] = (byte) number;
                open = Arrays.equals(last, line);
                if (open) {
                    if (decides) begun = true;
                    return true;
                }
                keep((char) number);
            }
            return false;
        }

        private void keep(char one) {
            synchronized (before) {
                if (before.length() < KEPT) before.append(one);
            }
        }
    }
}
