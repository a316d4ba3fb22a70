package standin;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/**
 * The stand-in backend's memory of workers. Copies KTRDR's: workers register themselves, each is polled, three misses
 * make it temporarily_unavailable, and one that stays away is removed late, so that ghosts of replaced workers remain a
 * while. As there, any 200 counts: a worker that answers {@code "healthy": false} stays available.
 */
final class Registry {
    private static final int MISSES = 3;
    static final Set<String> TYPES = Set.of("backtesting", "training", "agent_design", "agent_assessment", "gpu_host",
            "cpu_training");

    static final class Entry {
        private final String id;
        private final String type;
        private String url;
        private Object capabilities = Map.of();
        private String status = "available";
        private String operation;
        private Instant checked;
        private Instant healthy = Instant.now();
        private int failures;

        private Entry(String id, String type) {
            this.id = id;
            this.type = type;
        }

        String id() {
            return id;
        }

        String url() {
            return url;
        }

        private boolean gpu() {
            return capabilities instanceof Map<?, ?> map && Boolean.TRUE.equals(map.get("gpu"));
        }

        private Map<String, Object> json() {
            return Json.map("worker_id", id, "worker_type", type, "endpoint_url", url, "status", status,
                    "current_operation_id", operation,
                    "capabilities", capabilities, "last_health_check", checked == null ? null : checked.toString(),
                    "last_healthy_at", healthy.toString(), "health_check_failures", failures, "metadata", Map.of());
        }
    }

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Client client = new Client();
    private final long removeMillis;

    Registry(long removeMillis) {
        this.removeMillis = removeMillis;
    }

    /** The worker in its new state. A worker that restarted with another id replaces the one at its URL. */
    synchronized Map<String, Object> register(Map<String, Object> body) {
        var missing = new ArrayList<>();
        for (var name : List.of("worker_id", "worker_type", "endpoint_url"))
            if (!(body.get(name) instanceof String text) || text.isBlank())
                missing.add(Json.map("type", "missing", "loc", List.of("body", name), "msg", "Field required"));
        if (missing.isEmpty() && !TYPES.contains(body.get("worker_type")))
            missing.add(Json.map("type", "enum", "loc", List.of("body", "worker_type"), "msg",
                    "Input should be 'backtesting', 'training', 'cpu_training', 'gpu_host', 'agent_design' or "
                            + "'agent_assessment'"));
        if (!missing.isEmpty()) throw new Web.Failure(422, missing);
        var id = (String) body.get("worker_id");
        var url = (String) body.get("endpoint_url");
        var entry = entries.get(id);
        if (entry == null) {
            // it restarted with another id
            entries.values().removeIf(former -> former.url.equals(url));
            entry = new Entry(id, (String) body.get("worker_type"));
            entries.put(id, entry);
        }
        entry.url = url;
        entry.capabilities = body.get("capabilities") == null ? Map.of() : body.get("capabilities");
        // even if it is busy: until its next health check
        entry.status = "available";
        entry.healthy = Instant.now();
        return entry.json();
    }

    /** The workers' current operations, or those of their last answer. */
    synchronized Set<String> claims() {
        return entries.values().stream().map(entry -> entry.operation).filter(Objects::nonNull)
                .collect(Collectors.toSet());
    }

    /** The workers' URLs. */
    synchronized List<String> urls() {
        return entries.values().stream().map(entry -> entry.url).toList();
    }

    synchronized List<Object> list(String type, String status) {
        var list = new ArrayList<>();
        for (var entry : entries.values())
            if ((type == null || type.equals(entry.type)) && (status == null || status.equals(entry.status)))
                list.add(entry.json());
        return list;
    }

    /** Null when it is unknown. */
    synchronized Map<String, Object> get(String id) {
        var entry = entries.get(id);
        return entry == null ? null : entry.json();
    }

    synchronized long count(String type, String status) {
        return list(type, status).size();
    }

    /** A free worker, busy from now on, or null. A training prefers a free worker with a GPU. */
    synchronized Entry claim(String type, String operation, Set<String> except) {
        var free = free(type, except);
        var claimed = free.stream().filter(Entry::gpu).findFirst().or(() -> free.stream().findFirst()).orElse(null);
        if (claimed == null) return null;
        claimed.status = "busy";
        claimed.operation = operation;
        return claimed;
    }

    /** A free worker, not marked as busy until its next health check, or null. */
    synchronized Entry free(String type) {
        return free(type, Set.of()).stream().findFirst().orElse(null);
    }

    private List<Entry> free(String type, Set<String> except) {
        return entries.values().stream()
                .filter(entry -> entry.type.equals(type) && entry.status.equals("available")
                        && !except.contains(entry.id)).toList();
    }

    synchronized void release(Entry entry) {
        entry.operation = null;
        if (entry.status.equals("busy")) entry.status = "available";
    }

    /** Polls all workers in parallel, and waits for their answers. */
    void poll(Executor threads) {
        List<Entry> all;
        synchronized (this) {
            all = List.copyOf(entries.values());
        }
        CompletableFuture.allOf(all.stream().map(entry -> CompletableFuture.runAsync(() -> poll(entry), threads))
                .toArray(CompletableFuture[]::new)).join();
    }

    private void poll(Entry entry) {
        Map<String, Object> health = null;
        try {
            var answer = client.get(entry.url + "/health");
            if (answer.status() == 200) health = answer.json();
        } catch (IOException | RuntimeException e) {
            // no answer or invalid JSON: a miss, and no reason to stop polling the others
        }
        synchronized (this) {
            entry.checked = Instant.now();
            if (health != null) {
                entry.healthy = entry.checked;
                entry.failures = 0;
                boolean busy = "busy".equals(health.get("worker_status"));
                entry.operation = busy && health.get("current_operation") instanceof String operation ? operation
                        : null;
                entry.status = busy ? "busy" : "available";
            } else if (++entry.failures >= MISSES) {
                entry.status = "temporarily_unavailable";
            }
            if (health == null && entry.healthy.plusMillis(removeMillis).isBefore(entry.checked))
                entries.remove(entry.id, entry);
        }
    }
}
