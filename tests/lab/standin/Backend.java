package standin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Stand-in for KTRDR's backend ({@code ktrdr.api.main:app}), in memory but for the table of operations ({@link Store}).
 * Copies its HTTP API under /api/v1 (health, workers, operations, the starts of a sample operation, a backtest, a
 * training and a download), its polling of workers, its metrics, its refusal to start without secrets, and 503 while it
 * shuts down. Nothing is traded or computed.
 */
public final class Backend implements AutoCloseable {
    private static final String API = "/api/v1";
    private final Pace pace;
    private final Store store;
    private final String version;
    private final boolean unhealthy;
    private final String broker;
    /** Whether its API is that of another KTRDR, which lacks some of it. */
    private final boolean changed;
    private final Client client = new Client();
    private final Metrics metrics = new Metrics();
    private final Traces traces;
    private final List<Pattern> untraced;
    private final Registry registry;
    private final Operations operations;
    private final Orphans orphans;
    private final Proxy proxy;
    private final long began = System.currentTimeMillis();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);
    private final Web web;

    /**
     * Without a database; throws IllegalArgumentException when a secret is missing, with one line that does not tell
     * it.
     */
    public Backend(int port, Map<String, String> env, Pace pace) throws IOException {
        this(port, env, pace, Store.NONE);
    }

    /** The same, with the table of operations. */
    public Backend(int port, Map<String, String> env, Pace pace, Store store) throws IOException {
        Main.settings(env);
        if (env.getOrDefault("KTRDR_DB_PASSWORD", "").isBlank())
            throw new IllegalArgumentException("KTRDR_DB_PASSWORD is missing or blank");
        var jwt = env.getOrDefault("KTRDR_AUTH_JWT_SECRET", "");
        if (jwt.isBlank()) throw new IllegalArgumentException("KTRDR_AUTH_JWT_SECRET is missing or blank");
        if (jwt.length() < 32) throw new IllegalArgumentException("KTRDR_AUTH_JWT_SECRET has fewer than 32 characters");
        pace.load();
        this.pace = pace;
        this.store = store;
        version = env.getOrDefault("KTRDR_VERSION", "unknown");
        broker = env.getOrDefault("IB_HOST_SERVICE_URL", "http://localhost:5001");
        unhealthy = "unhealthy".equals(env.get("KTRDR_STANDIN_FAULT"));
        changed = "api".equals(env.get("KTRDR_STANDIN_FAULT"));
        traces = new Traces("ktrdr-api", env);
        untraced = Stream.of(env.getOrDefault("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "").split(","))
                .filter(text -> !text.isBlank()).map(Pattern::compile).toList();
        registry = new Registry(pace.remove());
        operations = new Operations(this::ended);
        proxy = new Proxy(operations, registry, client, pace);
        orphans = new Orphans(env, operations::running, registry::claims);
        // of these two alone, whatever else is registered
        for (var type : List.of("backtesting", "training")) {
            var label = "{worker_type=\"" + type + "\"}";
            metrics.gauge("ktrdr_workers_registered_total", "Workers registered.", label,
                    () -> registry.count(type, null));
            metrics.gauge("ktrdr_workers_available", "Workers free for work.", label,
                    () -> registry.count(type, "available"));
        }
        metrics.gauge("ktrdr_operations_active", "Operations that have not ended.", "", operations::active);
        metrics.agents();
        metrics.counter("ktrdr_operations_total", "Operations that have ended.");
        web = new Web(port).gate(this::gate).observer(this::observe).metrics("/metrics/", metrics)
                .on("GET", "/", request ->
                        Web.Reply.ok(Json.map("message", "KTRDR API (a stand-in of the practice fleet)", "version",
                                version)))
                .on("GET", API + "/health", request -> health())
                .on("GET", API + "/workers",
                        request -> Web.Reply.ok(registry.list(request.query().get("worker_type"),
                                request.query().get("status"))))
                .on("POST", API + "/workers/register", request -> Web.Reply.ok(registry.register(request.json())))
                .on("GET", API + "/workers/{id}", this::worker)
                .on("POST", API + "/dummy/start", this::dummy)
                .on("POST", API + "/backtests/start", this::backtest)
                .on("POST", API + "/trainings/start", this::training)
                .on("POST", API + "/data/acquire/download", this::download)
                .on("GET", API + "/operations", request -> Web.Reply.ok(operations.list(request.query())))
                .on("GET", API + "/operations/{id}", proxy::show)
                .on("GET", API + "/operations/{id}/results", proxy::results)
                .on("POST", API + "/operations/{id}/resume", proxy::resume)
                .on("PATCH", API + "/operations/{id}/status", proxy::status)
                .on("GET", API + "/checkpoints/{id}",
                        request -> Checkpoints.show(request.id(), registry.urls(), client))
                .on("GET", API + "/openapi.json", request -> Web.Reply.ok(described()));
        if (!changed) web.on("DELETE", API + "/operations/{id}", proxy::cancel);
        web.start();
        threads.execute(this::pollWorkers);
        threads.execute(orphans::run);
    }

    public int port() {
        return web.port();
    }

    private Web.Reply gate(Web.Request request) {
        if (!stopping.get() || !request.path().startsWith(API)) return null;
        return new Web.Reply(503, Json.map("detail", "Backend is shutting down - retry after restart"),
                Map.of("Retry-After", "5"));
    }

    private void observe(Web.Request request, int status, long startMicros, long micros) {
        // neither traced nor counted, as the real one's instrumentation has it
        if (untraced.stream().anyMatch(pattern -> pattern.matcher("http://127.0.0.1:8000" + request.path()).find()))
            return;
        metrics.request(request.method(), target(request.template()), status, micros);
        traces.request(request, status, startMicros, micros);
    }

    /** A route as KTRDR has it. */
    private static String target(String template) {
        return template.replace("/operations/{id}", "/operations/{operation_id}")
                .replace("/workers/{id}", "/workers/{worker_id}").replace("unmatched", "");
    }

    private void ended(Operations.Operation operation) {
        store.ended(operation.id, operation.status());
        // workers count what they do
        if (!operation.remote()) metrics.ended(operation.type, operation.status(),
                System.currentTimeMillis() - operation.createdMicros() / 1000);
        traces.span(operation.trace, null, "operation." + operation.type, operation.createdMicros(),
                Math.max(0, System.currentTimeMillis() * 1000 - operation.createdMicros()),
                Json.map("operation.id", operation.id, "operation.type", operation.type, "operation.status",
                        operation.status()));
    }

    private void pollWorkers() {
        try {
            while (!stopping.get()) {
                Thread.sleep(pace.poll());
                registry.poll(threads);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Web.Reply health() {
        if (unhealthy) return Web.Reply.detail(503, "Service is unhealthy");
        return Web.Reply.ok(Json.map("status", "ok", "version", version, "orphan_detector", orphans.status()));
    }

    private Map<String, Object> described() {
        return OpenApi.document(web.routes(), version, changed);
    }

    private Web.Reply worker(Web.Request request) {
        var worker = registry.get(request.id());
        return worker == null ? Web.Reply.detail(404, "Worker not found: " + request.id()) : Web.Reply.ok(worker);
    }

    /** Throws IOException where the database does not take it, and then there is none. */
    private Operations.Operation create(String type, Web.Request request, Map<String, Object> parameters)
            throws IOException {
                var operation = operations.create(type, request.trace(), parameters, store::started);
                request.tags().put("operation.id", operation.id);
                return operation;
            }

    /** A harmless operation on the backend alone, in a hundred steps. */
    private Web.Reply dummy(Web.Request request) {
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

    /** Fails always, as on a system whose broker host service does not run. */
    private Web.Reply download(Web.Request request) {
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

    private Web.Reply backtest(Web.Request request) {
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
     * As many epochs as the number at the end of the strategy's name, which stands for what its file says; else ten.
     * Its id is a task_id.
     */
    private Web.Reply training(Web.Request request) {
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
     * The worker that has it now; else it failed, and so does the request: 500 where one did not answer, 503 where none
     * is free.
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

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Answers 503 from now on, and tells its workers, one after another, as far as they are there. */
    private void drain() {
        stopping.set(true);
        for (var url : registry.urls()) {
            try {
                client.post(url + "/backend-shutdown", Json.map("message", "Backend shutting down"));
            } catch (IOException e) {
                // it finds out by itself
            }
        }
    }

    /** Goes without a word to its workers, as after SIGKILL. */
    public void kill() {
        stopping.set(true);
        web.close();
        threads.shutdownNow();
    }

    @Override
    public void close() {
        drain();
        pause(pace.drain());
        web.close();
        threads.shutdownNow();
        traces.close();
    }
}
