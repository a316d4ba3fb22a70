package standin;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * How KTRDR's backend fails orphaned operations (ktrdr/api/services/orphan_detector.py): every operation that runs in
 * its memory, its own included, unless a registered worker has it, even one that does not answer. It checks at
 * intervals, so it takes the timeout plus up to one interval.
 */
final class Orphans {
    private final int timeout;
    private final int interval;
    private final Supplier<List<Operations.Operation>> running;
    private final Supplier<Set<String>> claimed;
    private final Map<String, Long> seen = new HashMap<>();
    private volatile Instant looked;

    Orphans(Map<String, String> env, Supplier<List<Operations.Operation>> running, Supplier<Set<String>> claimed) {
        this.timeout = seconds(env, "KTRDR_ORPHAN_TIMEOUT_SECONDS", 60);
        this.interval = seconds(env, "KTRDR_ORPHAN_CHECK_INTERVAL_SECONDS", 15);
        this.running = running;
        this.claimed = claimed;
    }

    private static int seconds(Map<String, String> env, String name, int usual) {
        try {
            int value = Integer.parseInt(env.getOrDefault(name, String.valueOf(usual)));
            if (value > 0) return value;
        } catch (NumberFormatException e) {
            // reported below
        }
        throw new IllegalArgumentException(name + " should be an integer greater than 0");
    }

    /** Checks until it is interrupted. */
    void run() {
        try {
            while (true) {
                look();
                Thread.sleep(interval * 1000L);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void look() {
        long now = System.nanoTime();
        var claims = claimed.get();
        var unclaimed = running.get().stream().filter(operation -> !claims.contains(operation.id)).toList();
        seen.keySet().retainAll(unclaimed.stream().map(operation -> operation.id).toList());
        for (var operation : unclaimed)
            if (now - seen.computeIfAbsent(operation.id, first -> now) >= timeout * 1_000_000_000L) {
                operation.end("failed", "Operation was RUNNING but no worker claimed it", null);
                seen.remove(operation.id);
            }
        looked = Instant.now();
    }

    synchronized Map<String, Object> status() {
        return Json.map("running", true, "potential_orphans_count", seen.size(), "last_check",
                looked == null ? null : looked.toString(),
                "orphan_timeout_seconds", timeout, "check_interval_seconds", interval);
    }
}
