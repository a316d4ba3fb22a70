package ktrdr;

import java.util.concurrent.ThreadFactory;

/** Threads that never keep the program alive, and pauses that an interrupt ends. */
final class Threads {
    private Threads() {}

    /** Makes daemon threads of this name. */
    static ThreadFactory daemons(String name) {
        return work -> {
            var thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Sleeps; an interrupt is a {@link Problem} with this sentence, and stays set. */
    static void pause(long millis, String interrupted) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.interrupted(interrupted).because(e);
        }
    }
}
