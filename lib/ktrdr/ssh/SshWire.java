package ktrdr.ssh;

import java.io.Closeable;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import ktrdr.Threads;

/**
 * The bytes of one ssh connection: a TCP connection, or a tunnel through another host. It is closed from outside when
 * it has been silent for too long, which also frees a thread that is stuck in a write to a dead peer. Time in which
 * this process was stopped counts for nothing.
 */
final class SshWire extends Socket {
    private static final int FIRST_WORDS = 120;
    /** Only a process that was stopped itself wakes up so late. */
    private static final long STOPPED = 1_000_000_000;
    private final InputStream in;
    private final OutputStream out;
    private final Closeable closer;
    private final InetAddress address;
    private final int port;
    private final StringBuilder firstWords = new StringBuilder();
    private final long first;
    private long silence;
    private long deadline;
    private boolean expired;
    private boolean closed;

    SshWire(InputStream in, OutputStream out, Closeable closer, InetAddress address, int port, Duration first) {
        this.in = new Heard(in);
        this.out = out;
        this.closer = closer;
        this.address = address;
        this.port = port;
        this.first = first.toNanos();
        this.deadline = System.nanoTime() + this.first;
        Threads.daemon("ssh watch", this::watch);
    }

    /** From now on something has to be heard at least this often. */
    synchronized void hearWithin(Duration duration) {
        silence = duration.toNanos();
        deadline = System.nanoTime() + silence;
        notifyAll();
    }

    /** Whether it was closed because nothing was heard in time. */
    synchronized boolean expired() {
        return expired;
    }

    /** The beginning of what the other side said, printable characters only. */
    synchronized String firstWords() {
        return firstWords.toString().strip();
    }

    private void watch() {
        synchronized (this) {
            try {
                for (long left; !closed && (left = deadline - System.nanoTime()) > 0; ) {
                    wait(left / 1_000_000 + 1);
                    // a process that was stopped for a while (Ctrl-Z, fg) received nothing, even if the host sent
                    // something
                    long late = System.nanoTime() - deadline;
                    if (silence > 0 && late > STOPPED) deadline += late + silence;
                }
            } catch (InterruptedException e) {
                return;
            }
            if (closed) return;
            expired = true;
        }
        close();
    }

    private final class Heard extends FilterInputStream {
        Heard(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = super.read(bytes, offset, length);
            if (count > 0) heard(bytes, offset, count);
            return count;
        }
    }

    private synchronized void heard(byte[] bytes, int offset, int count) {
        // a host that has announced ssh may be slow; any other server gets no more time
        if (silence == 0 && firstWords.indexOf("SSH-") == 0) silence = first;
        if (silence > 0) deadline = System.nanoTime() + silence;
        int keep = Math.min(count, FIRST_WORDS - firstWords.length());
        if (keep > 0)
            firstWords.append(new String(bytes, offset, keep, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]+", " "));
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) return;
            closed = true;
            notifyAll();
        }
        try {
            closer.close();
        } catch (IOException e) {
            // it is gone, which is what was wanted
        }
    }

    @Override
    public InputStream getInputStream() {
        return in;
    }

    @Override
    public OutputStream getOutputStream() {
        return out;
    }

    @Override
    public boolean isConnected() {
        return true;
    }

    @Override
    public void setSoTimeout(int millis) {
        // the watch keeps the time
    }

    @Override
    public InetAddress getInetAddress() {
        return address;
    }

    @Override
    public int getPort() {
        return port;
    }
}
