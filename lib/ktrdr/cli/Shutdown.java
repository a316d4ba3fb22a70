package ktrdr.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import ktrdr.Exit;

/**
 * What Ctrl-C, SIGTERM and a lost terminal do to a command: its thread is interrupted, and the process ends with the
 * command's own exit code once the command has put things in order. The process does not wait longer than a grace
 * period for a command that has nothing unfinished.
 */
final class Shutdown {
    private static final long GRACE_SECONDS = 10;
    private final Thread command = Thread.currentThread();
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();
    private final BooleanSupplier unfinished;

    /** Watches over the calling thread; {@code unfinished} says whether its work must not be abandoned. */
    Shutdown(BooleanSupplier unfinished) {
        this.unfinished = unfinished;
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
    }

    /** Ends the process with the command's exit code. */
    void exit(int code) {
        ended.complete(code);
        System.exit(code);
    }

    private void stop() {
        if (ended.isDone()) return;
        command.interrupt();
        Runtime.getRuntime().halt(code());
    }

    private int code() {
        while (true)
            try {
                return ended.get(GRACE_SECONDS, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                if (!unfinished.getAsBoolean()) return Exit.INTERRUPTED.code;
            } catch (InterruptedException | ExecutionException e) {
                return Exit.INTERRUPTED.code;
            }
    }
}
