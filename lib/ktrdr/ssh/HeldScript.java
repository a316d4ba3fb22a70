package ktrdr.ssh;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import ktrdr.CommandResult;
import ktrdr.Problem;
import ktrdr.Threads;

/**
 * A script that keeps something on a host until it is released. It writes lines with a key, a tab and a value; the
 * line with a certain key says that it is ready. It has to clean up by itself when the connection ends.
 */
public final class HeldScript {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(Threads.daemons("held"));
    private final Map<String, String> values = new ConcurrentHashMap<>();
    private final CompletableFuture<Map<String, String>> ready = new CompletableFuture<>();
    private final CompletableFuture<CommandResult> ended;

    /**
     * Starts it.
     *
     * @param run runs the script and hands on its lines
     * @param key of the line that says it is ready
     * @param early the problem of a script that ended before it was ready
     */
    public HeldScript(Function<Consumer<String>, CommandResult> run, String key,
            Function<CommandResult, Problem> early) {
        ended = CompletableFuture.supplyAsync(() -> run.apply(line -> {
            var words = line.split("\t", 2);
            if (words.length == 2) values.put(words[0], words[1]);
            if (words[0].equals(key)) ready.complete(values);
        }), thread);
        ended.whenComplete((result, problem) ->
                ready.completeExceptionally(problem != null ? problem : early.apply(result)));
        thread.shutdown();
    }

    /** Waits until it is ready; see {@link Threads#get}. */
    public void await(Duration patience, String interrupted, Supplier<Problem> late) {
        Threads.get(ready, patience, interrupted, late);
    }

    /** The values by their keys; waits until it is ready, and no interrupt ends that. */
    public Map<String, String> values() {
        return join(ready);
    }

    /** Whether it was ready. */
    public boolean ready() {
        return ready.isDone() && !ready.isCompletedExceptionally();
    }

    /** Whether it has ended. */
    public boolean ended() {
        return ended.isDone();
    }

    /** Whether it ends within this time with an exit code; an interrupt ends the wait, and is not set again. */
    public boolean ends(Duration patience) {
        try {
            ended.get(patience.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            return false;
        }
    }

    /** Waits until it has ended, and no interrupt ends that. */
    public CommandResult result() {
        return join(ended);
    }

    /** Has the host end it, if it has not ended. */
    public void cut() {
        thread.shutdownNow();
    }

    private static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Problem problem ? problem : e;
        }
    }
}
