package standin;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * How a worker of KTRDR registers at the backend (ktrdr/workers/base.py): at its start, after the backend announced its
 * stop, and after a time without requests for its health, which it takes for a restart of the backend. Every request
 * for its health counts as one of the backend.
 */
final class Registration {
    private static final int TRIES = 5;
    /** The maximum number of attempts after the backend announced its stop. */
    private static final int RETURNS = 60;
    private final String backend;
    private final String id;
    private final Pace pace;
    private final Supplier<Map<String, Object>> payload;
    private final Client client = new Client();
    private final AtomicReference<Thread> returning = new AtomicReference<>();
    /** When the worker's health was last requested; 0 if never. */
    private volatile long asked;

    /** @@ @param payload its current registration, with its current operation */
    Registration(String backend, String id, Pace pace, Supplier<Map<String, Object>> payload) {
        this.backend = backend;
        this.id = id;
        this.pace = pace;
        this.payload = payload;
    }

    /** The worker's health was requested. */
    void asked() {
        asked = System.currentTimeMillis();
    }

    /** At the start of a worker, which answers nothing until this returns. */
    boolean register() {
        return register(TRIES);
    }

    private boolean register(int tries) {
        long pause = pace.retry();
        for (int number = 1; number <= tries; number++) {
            try {
                var answer = client.post(backend + "/api/v1/workers/register", payload.get());
                if (answer.ok()) return true;
                if (answer.status() == 503
                        && tries > 1) System.err.printf(
                                "INFO: Backend is shutting down (attempt %d/%d) - will retry in %.1fs%n", number, tries,
                                pause / 1000.0);
                else warn(number, tries, "HTTP " + answer.status(), pause);
            } catch (IOException e) {
                warn(number, tries, "backend not reachable", pause);
            }
            if (number < tries && !pause(pause)) return false;
            pause *= 2;
        }
        if (tries > 1) System.err.println("ERROR: Worker registration failed after " + tries
                + " attempts - will retry via health check monitor");
        return false;
    }

    private static void warn(int number, int tries, String why, long pause) {
        if (tries > 1) System.err.printf("WARNING: Registration attempt %d/%d failed: %s (retrying in %.1fs)%n", number,
                tries, why, pause / 1000.0);
    }

    /** The backend announced its stop: the worker retries until it is back. A second announcement restarts that. */
    void backendStops() {
        var thread = Web.daemon(() -> {
            for (int i = 0; i < RETURNS; i++) {
                if (register(1)) {
                    asked();
                    return;
                }
                if (!pause(pace.reconnect())) return;
            }
        });
        var former = returning.getAndSet(thread);
        if (former != null) former.interrupt();
        thread.start();
    }

    /** Checks whether the backend still knows the worker, until the worker ends. */
    void monitor() {
        while (pause(pace.check())) {
            if (asked == 0) {
                ensure();
            } else if (System.currentTimeMillis() - asked > pace.silence()) {
                ensure();
                asked();
            }
        }
    }

    /** Registers again if the backend does not know the worker; a backend that does not answer may still know it. */
    private void ensure() {
        try {
            if (client.get(backend + "/api/v1/workers/" + id).status() == 404) register(TRIES);
        } catch (IOException e) {
            System.err.println("WARNING: Error checking registration: " + e.getMessage());
        }
    }

    private static boolean pause(long millis) {
        try {
            Thread.sleep(millis);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
