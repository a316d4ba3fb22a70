package standin;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The stand-in backend's operations, in the shapes of KTRDR's {@code /operations}; the oldest finished ones are
 * discarded. As there, a list has those in the process's memory: the backend's own until they end, and every operation
 * that was requested by its id.
 */
final class Operations {
    private static final int KEPT = 1000;
    private static final Set<String> ACTIVE = Set.of("pending", "running");
    private static final Set<String> STATUSES = Set.of("pending", "resuming", "running", "completed", "failed",
            "cancelled");
    private static final Set<String> REMOTE = Set.of("backtesting", "training");
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss")
            .withZone(ZoneOffset.UTC);

    /**
     * One operation. It ends once, except the backend's own: that becomes completed in its own time, whatever its
     * status was, if it is in memory then.
     */
    final class Operation {
        final String id;
        final String type;
        final String trace;
        private final String symbol;
        private final Map<String, Object> parameters;
        private final Instant created = Instant.now();
        private Instant started;
        private Instant completed;
        private String status = "pending";
        private double percentage;
        private String step;
        private String error;
        private Object result;
        /** The URL of its worker. */
        private volatile String url;
        private boolean inMemory;
        private boolean cancelled;
        private long refreshed;

        private Operation(String type, String trace, Map<String, Object> parameters) {
            this("op_" + type + "_" + STAMP.format(Instant.now()) + "_" + Traces.id(4), type, trace, parameters);
        }

        private Operation(String id, String type, String trace, Map<String, Object> parameters) {
            this.id = id;
            this.type = type;
            // the backend learns about a worker's operation only when it is requested
            this.inMemory = !remote();
            this.trace = trace;
            this.parameters = parameters;
            this.symbol = parameters.get("symbol") instanceof String text ? text : null;
        }

        boolean remote() {
            return REMOTE.contains(type);
        }

        /** Whether its cancellation was requested. */
        boolean cancelled() {
            synchronized (Operations.this) {
                return cancelled;
            }
        }

        Map<String, Object> parameters() {
            return parameters;
        }

        String url() {
            return url;
        }

        void givenTo(String worker) {
            url = worker + "/api/v1/operations/" + id;
        }

        /** Whether it is time to poll its worker. */
        boolean stale(long millis) {
            synchronized (Operations.this) {
                if (url == null || completed != null || System.currentTimeMillis() - refreshed < millis) return false;
                refreshed = System.currentTimeMillis();
                return true;
            }
        }

        String status() {
            synchronized (Operations.this) {
                return status;
            }
        }

        void progress(double percentage, String step) {
            synchronized (Operations.this) {
                if (completed == null) {
                    if (started == null) started = Instant.now();
                    status = "running";
                }
                this.percentage = percentage;
                this.step = step;
            }
        }

        /** Whether it was still active. */
        boolean end(String status, String error, Object result) {
            synchronized (Operations.this) {
                if (completed != null) return false;
                completed = Instant.now();
                this.status = status;
                this.error = error;
                this.result = result;
                if (status.equals("completed")) percentage = 100;
                cancelled = status.equals("cancelled");
                // the worker counts how its operation ends, unless the backend ends it
                if (!remote() || cancelled) ends++;
                // the worker's report is kept
                if (!remote() || !status.equals("completed")) inMemory = false;
            }
            ended.accept(this);
            return true;
        }

        /** The backend's own operation is done: the status is overwritten, the error stays. */
        void complete(Object result) {
            synchronized (Operations.this) {
                if (!inMemory) return;
                ends++;
                completed = Instant.now();
                status = "completed";
                percentage = 100;
                this.result = result;
                inMemory = false;
            }
            ended.accept(this);
        }

        /** Only from cancelled and failed. */
        boolean resume() {
            synchronized (Operations.this) {
                if (!List.of("cancelled", "failed").contains(status)) return false;
                status = "resuming";
                started = Instant.now();
                completed = null;
                error = null;
                cancelled = false;
                inMemory = true;
                begun++;
                return true;
            }
        }

        /** The answer to a request for its result. */
        Web.Reply results() {
            synchronized (Operations.this) {
                if (!List.of("completed", "failed").contains(status))
                    return Web.Reply.detail(400, "Operation not finished (status: " + status + ")");
                return Web.Reply.ok(Json.map("success", true, "operation_id", id, "operation_type", type, "status",
                        status, "results", result == null ? Map.of() : result));
            }
        }

        long createdMicros() {
            return created.toEpochMilli() * 1000;
        }

        private Double seconds() {
            if (started == null) return null;
            return Duration.between(started, completed == null ? Instant.now() : completed).toMillis() / 1000.0;
        }

        private Map<String, Object> summary() {
            return Json.map("operation_id", id, "operation_type", type, "status", status, "created_at",
                    created.toString(),
                    "progress_percentage", percentage, "current_step", step, "symbol", symbol, "duration_seconds",
                    seconds());
        }

        private Map<String, Object> json() {
            return Json.map("operation_id", id, "parent_operation_id", null, "operation_type", type, "status", status,
                    "created_at", created.toString(), "started_at", text(started), "completed_at", text(completed),
                    "progress", Json.map("percentage", percentage, "current_step", step, "steps_completed",
                            (int) percentage, "steps_total", 100),
                    "metadata", Json.map("symbol", symbol, "parameters", parameters), "error_message", error,
                    "result_summary", result);
        }

        private static String text(Instant time) {
            return time == null ? null : time.toString();
        }
    }

    private final Map<String, Operation> operations = new LinkedHashMap<>();
    private final Consumer<Operation> ended;
    private long begun;
    private long ends;

    /** @@ @param ended called once for each operation that completed, failed or was cancelled */
    Operations(Consumer<Operation> ended) {
        this.ended = ended;
    }

    /** Where an operation is recorded before it starts. */
    interface Register {
        void note(String id, String type) throws IOException;
    }

    /** Throws what the register throws; then the operation does not exist. */
    Operation create(String type, String trace, Map<String, Object> parameters, Register register) throws IOException {
        var operation = new Operation(type, trace, parameters);
        register.note(operation.id, type);
        return add(operation);
    }

    private synchronized Operation add(Operation operation) {
        operations.put(operation.id, operation);
        // the worker counts its own
        if (!operation.remote()) begun++;
        if (operations.size() > KEPT)
            operations.values().stream().filter(eachOperation -> eachOperation.completed != null).findFirst()
                    .ifPresent(eachOperation -> operations.remove(eachOperation.id));
        return operation;
    }

    /** Throws 404 when it is unknown; otherwise loads it into memory. */
    synchronized Operation get(String id) {
        var operation = operations.get(id);
        if (operation == null) throw new Web.Failure(404, "Operation not found: " + id);
        operation.inMemory = true;
        return operation;
    }

    synchronized boolean knows(String id) {
        return operations.containsKey(id);
    }

    /** An operation that another process started and a worker has. */
    synchronized Operation adopt(String id, String type, String worker) {
        var operation = new Operation(id, type, Traces.id(16), Map.of());
        operation.givenTo(worker);
        operations.put(id, operation);
        return operation;
    }

    synchronized Map<String, Object> show(String id) {
        return Json.map("success", true, "data", get(id).json());
    }

    /** Those in memory that run. */
    synchronized List<Operation> running() {
        return operations.values().stream()
                .filter(operation -> operation.inMemory && operation.status.equals("running")).toList();
    }

    /**
     * KTRDR's own count, which drops at every end: a dummy that is cancelled and then becomes completed ends twice, so
     * the count falls below zero.
     */
    synchronized long active() {
        return begun - ends;
    }

    /** Newest first, filtered by status, operation_type, active_only, offset and limit (default 10). */
    synchronized Map<String, Object> list(Map<String, String> query) {
        var status = query.get("status");
        if (status != null && !STATUSES.contains(status)) throw invalid("status", "Input should be one of " + STATUSES);
        int limit = number(query, "limit", 10, 1);
        int offset = number(query, "offset", 0, 0);
        boolean activeOnly = List.of("true", "1", "yes", "on").contains(query.getOrDefault("active_only", ""));
        var found = new ArrayList<Operation>();
        for (var operation : operations.values())
            if (operation.inMemory && (status == null || status.equals(operation.status))
                    && (!activeOnly || ACTIVE.contains(operation.status))
                    && operation.type.equals(query.getOrDefault("operation_type", operation.type))) found.add(0,
                            operation);
        var page = found.stream().skip(offset).limit(limit).map(Operation::summary).toList();
        var active = operations.values().stream()
                .filter(operation -> operation.inMemory && ACTIVE.contains(operation.status)).count();
        return Json.map("success", true, "data", page, "total_count", found.size(), "active_count", active);
    }

    private static int number(Map<String, String> query, String name, int usual, int least) {
        try {
            int value = Integer.parseInt(query.getOrDefault(name, String.valueOf(usual)));
            if (value >= least && value <= 1000) return value;
        } catch (NumberFormatException e) {
            // reported below
        }
        throw invalid(name, "Input should be an integer between " + least + " and 1000");
    }

    private static Web.Failure invalid(String name, String message) {
        return new Web.Failure(422,
                List.of(Json.map("type", "invalid", "loc", List.of("query", name), "msg", message)));
    }
}
