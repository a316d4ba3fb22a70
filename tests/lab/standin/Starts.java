package standin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The requests that start an operation of the stand-in {@link Backend}: a sample operation and a download on the
 * backend itself, a backtest and a training on a worker.
 */
final class Starts implements AutoCloseable {
    private final Pace pace;
    private final Store store;
    private final Operations operations;
    private final Registry registry;
    private final Proxy proxy;
    private final String broker;
    /** Whether the API is that of another KTRDR version, which requires more for a backtest. */
    private final boolean changed;
    private final long began = System.currentTimeMillis();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);

    Starts(Map<String, String> env, Pace pace, Store store, Operations operations, Registry registry, Proxy proxy) {
        this.pace = pace;
        this.store = store;
        this.operations = operations;
        this.registry = registry;
        this.proxy = proxy;
        broker = env.getOrDefault("IB_HOST_SERVICE_URL", "http://localhost:5001");
        changed = "api".equals(env.get("KTRDR_STANDIN_FAULT"));
    }

    /** Throws IOException if the database rejects the operation; then it does not exist. */
    private Operations.Operation create(String type, Web.Request request, Map<String, Object> parameters)
            throws IOException {
        var operation = operations.create(type, request.trace(), parameters, store::started);
        request.tags().put("operation.id", operation.id);
        return operation;
    }

    /** A harmless operation on the backend alone, in a hundred steps. */
    Web.Reply dummy(Web.Request request) {
        Operations.Operation operation;
        try {
            operation = create("dummy", request, Map.of());
        } catch (IOException e) {
            return Web.Reply.ok(Json.map("success", false, "data", null, "error",
                    Json.map("code", "DUMMY-001", "message", "Failed to start: " + e.getMessage())));
        }
        threads.execute(() -> {
            for (int step = 0; step < 100 && !operation.cancelled(); step++) {
                operation.progress(step, "Working: step " + (step + 1) + " of 100");
                pause(pace.dummy() / 100);
            }
            operation.complete(operation.cancelled() ? Json.map("status", "cancelled")
                    : Json.map("status", "success", "iterations_completed", 100));
        });
        return Web.Reply.ok(Json.map("success", true, "data",
                Json.map("operation_id", operation.id, "status", "started", "message", "Started dummy operation"),
                "error", null));
    }

    /** Always fails, as on a system without a running broker host service. */
    Web.Reply download(Web.Request request) {
        var body = required(request, "symbol", "timeframe");
        var mode = String.valueOf(body.getOrDefault("mode", "local"));
        if (!List.of("tail", "backfill", "full").contains(mode))
            return Web.Reply.detail(500, "Data acquisition failed: Invalid mode: " + mode);
        Operations.Operation operation;
        try {
            operation = create("data_load", request, body);
        } catch (IOException e) {
            return Web.Reply.detail(500, "Data acquisition failed: " + e.getMessage());
        }
        threads.execute(() -> {
            operation.progress(0, "Contacting the broker's host service");
            pause(Math.min(1000, pace.backtest()));
            operation.end("failed", "IB host service is not available: connection refused at " + broker, null);
        });
        return Web.Reply.ok(Json.map("success", true, "operation_id", operation.id, "status", "started",
                "message", "Data download started for " + body.get("symbol")));
    }

    /** As many seconds as the number at the end of the strategy's name; by default eight. */
    Web.Reply backtest(Web.Request request) {
        var body = required(request, "strategy_name", "symbol", "timeframe", "start_date", "end_date");
        if (changed) required(request, "account");
        Operations.Operation operation;
        try {
            operation = create("backtesting", request, body);
        } catch (IOException e) {
            return Web.Reply.detail(500, "Failed to start backtest");
        }
        var worker = handed(operation, request, "Failed to start backtest");
        return Web.Reply.ok(Json.map("success", true, "operation_id", operation.id, "status", "started",
                "message", "Backtest started on " + worker.id(), "symbol", body.get("symbol"), "timeframe",
                body.get("timeframe"),
                "mode", "distributed"));
    }

    /**
     * As many epochs as the number at the end of the strategy's name, a stand-in for its file; by default ten. Its id
     * is a task_id.
     */
    Web.Reply training(Web.Request request) {
        var body = required(request, "strategy_name");
        Operations.Operation operation;
        try {
            operation = create("training", request, body);
        } catch (IOException e) {
            return Web.Reply.detail(500, "Failed to start training");
        }
        var worker = handed(operation, request, "Failed to start training: All connection attempts failed");
        return Web.Reply.ok(Json.map("success", true, "task_id", operation.id, "status", "training_started",
                "message", "Neural network training started using " + body.get("strategy_name") + " strategy",
                "symbols", body.getOrDefault("symbols", List.of("AAPL")), "timeframes",
                body.getOrDefault("timeframes", List.of("1d")),
                "strategy_name", body.get("strategy_name"), "estimated_duration_minutes", 30));
    }

    /**
     * The worker that took it; otherwise the operation failed and so does the request: 500 if a worker did not answer,
     * 503 if none is free.
     */
    private Registry.Entry handed(Operations.Operation operation, Web.Request request, String unreached) {
        try {
            var worker = proxy.hand(operation, request);
            if (worker != null) return worker;
        } catch (IOException e) {
            operation.end("failed", unreached, null);
            throw new Web.Failure(500, unreached);
        }
        var why = "No " + operation.type + " workers available";
        operation.end("failed", why, null);
        throw new Web.Failure(503, Json.map("error", why, "worker_type", operation.type,
                "registered_workers", registry.count(operation.type, null), "backend_uptime_seconds",
                (System.currentTimeMillis() - began) / 1000.0,
                "hint", "Workers auto-register after startup. Retry in a few seconds, or check worker container "
                        + "logs."));
    }

    private static Map<String, Object> required(Web.Request request, String... names) {
        var body = request.json();
        var missing = new ArrayList<>();
        for (var name : names)
            if (body.get(name) == null)
                missing.add(Json.map("type", "missing", "loc", List.of("body", name), "msg", "Field required"));
        if (!missing.isEmpty()) throw new Web.Failure(422, missing);
        return body;
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
