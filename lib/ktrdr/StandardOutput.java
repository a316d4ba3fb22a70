package ktrdr;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Standard output of this process, in UTF-8: it knows why it could not be written, which a PrintStream keeps to itself.
 */
public final class StandardOutput extends PrintStream {
    /** The one of this process. */
    public static final StandardOutput OF_PROCESS =
            new StandardOutput(new Watched(new FileOutputStream(FileDescriptor.out)));
    private static final int BUFFER = 8192;

    /**
     * What is printed has no reader any more; thrown where that is to end whatever prints, which may be a program of
     * the user's.
     */
    public static final class Unread extends Error {
        private Unread(IOException cause) {
            super("standard output has no reader any more", cause, false, false);
        }
    }

    private final Watched watched;

    private StandardOutput(Watched watched) {
        super(new BufferedOutputStream(watched, BUFFER), true, StandardCharsets.UTF_8);
        this.watched = watched;
    }

    /**
     * The problem if a result could not be printed; empty if it was, or if its reader went away. A result that could
     * not be printed is a failure, whatever else succeeded.
     */
    public static Optional<Problem> lost(PrintStream out) {
        if (!out.checkError() || out instanceof StandardOutput standard && standard.unread()) return Optional.empty();
        return Optional.of(
                Problem.failed("standard output could not be written: a part of the result, or all of it, is lost")
                        .expected("room for it where it goes")
                .found(out instanceof StandardOutput standard ? standard.failure().orElse("")
                        : "an error of the stream"));
    }

    /** Why something could not be written; empty while all was. */
    public Optional<String> failure() {
        return Optional.ofNullable(watched.failure).map(IOException::getMessage);
    }

    /** Whether the reader of a pipe went away, which is not a failure: it has what it wanted. */
    boolean unread() {
        return watched.failure != null && Invocation.isPipe(1);
    }

    /** Whether what cannot be written any more is {@link Unread} from now on. */
    public void endWithReader(boolean ends) {
        watched.ends = ends;
    }

    private static final class Watched extends FilterOutputStream {
        private volatile IOException failure;
        private volatile boolean ends;

        Watched(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int number) throws IOException {
            write(new byte[] {(byte) number}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                if (failure == null) failure = e;
                if (ends) throw new Unread(e);
                throw e;
            }
        }
    }
}
