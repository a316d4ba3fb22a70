package ktrdr;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Threads that never keep the program alive, pauses that an interrupt ends, and work that it does not. */
public final class Threads {
    /** How long what has to be done is tried. */
    private static final Duration INSISTING = Duration.ofSeconds(60);

    private Threads() {}

    /** Makes daemon threads of this name. */
    public static ThreadFactory daemons(String name) {
        return work -> {
            var thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * A daemon thread for each task, for work that waits. The common pool is as small as one thread on two processors,
     * and what waits there would keep all others waiting.
     */
    public static Executor each(String name) {
        return work -> daemons(name).newThread(work).start();
    }

    /** Sleeps; an interrupt is a {@link Problem} with this sentence, and stays set. */
    public static void pause(long millis, String interrupted) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.interrupted(interrupted).because(e);
        }
    }

    /**
     * Does what has to be waited for once it is begun, since what it answers is needed to take it back. No interrupt
     * reaches it; one that came meanwhile is set when it is done.
     */
    public static <T> T whole(String name, Supplier<T> work) {
        var task = new FutureTask<>(work::get);
        each(name).execute(task);
        boolean interrupted = false;
        try {
            while (true)
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException failed) throw failed;
                    throw new IllegalStateException(e.getCause());
                }
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    /**
     * Does what may not be left undone, an interrupt or not: a {@link Problem}, such as that of a connection that was lost, has it tried again each second, for a minute.
     * That somebody else has the lock by now is final.
     *
     * @param failed hears why it is tried again
     */
    public static <T> T insist(Supplier<T> work, Consumer<Problem> failed) {
        long deadline = System.nanoTime() + INSISTING.toNanos();
        while (true)
            try {
                return work.get();
            } catch (Problem problem) {
                if (problem.exit() == Exit.LOCKED || System.nanoTime() > deadline) throw problem;
                failed.accept(problem);
                try {
                    Thread.sleep(1000);
                } catch (InterruptedException e) {
                    // it is done all the same
                }
            }
    }
}
