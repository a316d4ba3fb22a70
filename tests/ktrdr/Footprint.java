package ktrdr;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process holds at a moment, on both sides of a connection where the server is in it too.
 *
 * @param heap bytes in use after a collection
 * @param files open, sockets and pipes included
 * @param sessions connections that the server has
 * @param children processes of this one, theirs included
 */
record Footprint(long heap, int threads, int files, int sessions, long children) {
    private static final long HEAP = 4 << 20;
    /** Threads and files come and go by a few; what is lost once a round is tens of them. */
    private static final int SOME = 16;

    static Footprint of(SshPeer peer) {
        System.gc();
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return new Footprint(ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
                    ManagementFactory.getThreadMXBean().getThreadCount(), (int) files.count(),
                    peer.server.getActiveSessions().size(), ProcessHandle.current().descendants().count());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether it is no more than an earlier one. */
    void noMoreThan(Footprint before) {
        noMoreThan(before, HEAP);
    }

    /** The same, with so many bytes of heap that may have come to it. */
    void noMoreThan(Footprint before, long more) {
        assertTrue(heap < before.heap + more && threads < before.threads + SOME && files < before.files + SOME
                && sessions <= before.sessions && children < before.children + SOME,
                () -> "it grows: from " + before + " to " + this);
    }

    @Override
    public String toString() {
        return "heap " + heap / 1024 + " KiB, " + threads + " threads, " + files + " files, " + sessions
                + " connections, " + children + " processes";
    }
}
