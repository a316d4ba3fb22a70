package ktrdr.fleet;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/** The work on one node, which can be interrupted; its thread goes on to other work afterwards. */
final class NodeTask<T> implements Runnable {
    private final CompletableFuture<T> ended = new CompletableFuture<>();
    private final Supplier<T> work;
    private Thread thread;
    private boolean interrupted;

    NodeTask(Supplier<T> work) {
        this.work = work;
    }

    @Override
    public void run() {
        begin();
        try {
            ended.complete(work.get());
        } catch (RuntimeException | Error e) {
            ended.completeExceptionally(e);
        } finally {
            end();
        }
    }

    boolean ended() {
        return ended.isDone();
    }

    /** Returns when the work has ended, however it did. */
    void await() throws InterruptedException {
        try {
            ended.get();
        } catch (ExecutionException e) {
            // thrown by result()
        }
    }

    /** What the work returned, or threw. */
    T result() {
        return ended.join();
    }

    synchronized void interrupt() {
        interrupted = true;
        if (thread != null) thread.interrupt();
    }

    private synchronized void begin() {
        thread = Thread.currentThread();
        if (interrupted) thread.interrupt();
    }

    private synchronized void end() {
        thread = null;
        Thread.interrupted();
    }
}
