package ktrdr;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Threads that never keep the program alive, waits that an interrupt ends, and work that it does not. */
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
     * A daemon thread for each task, for work that waits. The common pool has one thread on two processors, so a task
     * that waits there would block all others.
     */
    public static Executor each(String name) {
        return work -> daemon(name, work);
    }

    /** Starts work on a daemon thread. */
    public static Thread daemon(String name, Runnable work) {
        var thread = daemons(name).newThread(work);
        thread.start();
        return thread;
    }

    /** Sleeps; an interrupt is a {@link Problem} with this sentence, and stays set. */
    public static void pause(long millis, String interrupted) {
        pause(millis, () -> Problem.interrupted(interrupted));
    }

    static void pause(long millis, Supplier<Problem> interrupted) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw interrupted(interrupted.get(), e);
        }
    }

    /** The {@link Problem} of an interrupt that ended a wait, to be thrown; the interrupt is set again. */
    public static Problem interrupted(String sentence, Exception e) {
        return interrupted(Problem.interrupted(sentence), e);
    }

    private static Problem interrupted(Problem problem, Exception e) {
        Thread.currentThread().interrupt();
        return problem.because(e);
    }

    /** Does work that has to follow an interrupt too: it is cleared before the work, and set again after it. */
    public static void uninterrupted(Runnable work) {
        boolean interrupted = Thread.interrupted();
        try {
            work.run();
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    /**
     * Waits for a result. A failure is thrown as {@link #failure} has it; an interrupt is a {@link Problem} with this
     * sentence, and stays set.
     */
    public static <T> T get(Future<T> future, String interrupted) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            throw interrupted(interrupted, e);
        } catch (ExecutionException e) {
            throw failure(e);
        }
    }

    /** The same, for at most this long; {@code late} is thrown then. */
    public static <T> T get(Future<T> future, Duration patience, String interrupted, Supplier<Problem> late) {
        try {
            return future.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw interrupted(interrupted, e);
        } catch (TimeoutException e) {
            throw late.get().because(e);
        } catch (ExecutionException e) {
            throw failure(e);
        }
    }

    /** What failed on another thread, to be thrown on this one; a checked exception or an error is the cause. */
    public static RuntimeException failure(ExecutionException e) {
        return e.getCause() instanceof RuntimeException failed ? failed : new IllegalStateException(e.getCause());
    }

    /**
     * Does work that must be waited for once it has begun, since its answer is needed to undo it. No interrupt reaches
     * it; an interrupt that came meanwhile is set again afterwards.
     */
    public static <T> T whole(String name, Supplier<T> work) {
        var task = new FutureTask<>(work::get);
        daemon(name, task);
        boolean interrupted = false;
        try {
            while (true)
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw failure(e);
                }
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    /**
     * Does work that must be completed, even after an interrupt. After a {@link Problem}, such as a lost connection, it
     * tries again each second, for a minute. It gives up at once if another run has the lock by now.
     *
     * @param failed gets the reason of each retry
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
                    // the work is completed even after an interrupt
                }
            }
    }
}
