package ktrdr;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The resources of this process at one moment. They include both ends of a connection if the server runs in it.
 *
 * @param heap bytes in use after a garbage collection
 * @param files open file descriptors, including sockets and pipes
 * @param sessions open connections of the server
 * @param children descendant processes
 */
record Footprint(long heap, int threads, int files, int sessions, long children) {
    private static final long HEAP = 4 << 20;
    /** Normal variation of threads and files. A leak in every round adds far more. */
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

    /** Asserts that it does not exceed an earlier footprint. */
    void noMoreThan(Footprint before) {
        noMoreThan(before, HEAP);
    }

    /** Same, but the heap may grow by this many bytes. */
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
