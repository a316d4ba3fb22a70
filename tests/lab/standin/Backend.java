package standin;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Stand-in for KTRDR's backend ({@code ktrdr.api.main:app}), in memory except the table of operations ({@link Store}).
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
    /** Whether its API is that of another KTRDR version, which lacks parts of it. */
    private final boolean changed;
    private final Client client = new Client();
    private final Metrics metrics = new Metrics();
    private final Traces traces;
    private final List<Pattern> untraced;
    private final Registry registry;
    private final Operations operations;
    private final Orphans orphans;
    private final Proxy proxy;
    private final Starts starts;
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);
    private final Web web;

    /**
     * Without a database; throws IllegalArgumentException when a secret is missing, with a one-line message that does
     * not reveal it.
     */
    public Backend(int port, Map<String, String> env, Pace pace) throws IOException {
        this(port, env, pace, Store.NONE);
    }

    /** The same, with the table of operations. */
    public Backend(int port, Map<String, String> env, Pace pace, Store store) throws IOException {
        Main.settings(env);
        requireSecrets(env);
        pace.load();
        this.pace = pace;
        this.store = store;
        version = env.getOrDefault("KTRDR_VERSION", "unknown");
        unhealthy = "unhealthy".equals(env.get("KTRDR_STANDIN_FAULT"));
        changed = "api".equals(env.get("KTRDR_STANDIN_FAULT"));
        traces = new Traces("ktrdr-api", env);
        untraced = Stream.of(env.getOrDefault("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "").split(","))
                .filter(text -> !text.isBlank()).map(Pattern::compile).toList();
        registry = new Registry(pace.remove());
        operations = new Operations(this::ended);
        proxy = new Proxy(operations, registry, client, pace);
        starts = new Starts(env, pace, store, operations, registry, proxy);
        orphans = new Orphans(env, operations::running, registry::claims);
        measure();
        web = new Web(port).gate(this::gate).observer(this::observe).metrics("/metrics/", metrics);
        route();
        web.start();
        threads.execute(this::pollWorkers);
        threads.execute(orphans::run);
    }

    private static void requireSecrets(Map<String, String> env) {
        if (env.getOrDefault("KTRDR_DB_PASSWORD", "").isBlank())
            throw new IllegalArgumentException("KTRDR_DB_PASSWORD is missing or blank");
        var jwt = env.getOrDefault("KTRDR_AUTH_JWT_SECRET", "");
        if (jwt.isBlank()) throw new IllegalArgumentException("KTRDR_AUTH_JWT_SECRET is missing or blank");
        if (jwt.length() < 32) throw new IllegalArgumentException("KTRDR_AUTH_JWT_SECRET has fewer than 32 characters");
    }

    private void measure() {
        // of these two only, whatever else is registered
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
    }

    private void route() {
        web.on("GET", "/", request ->
                        Web.Reply.ok(Json.map("message", "KTRDR API (a stand-in of the practice fleet)", "version",
                                version)))
                .on("GET", API + "/health", request -> health())
                .on("GET", API + "/workers",
                        request -> Web.Reply.ok(registry.list(request.query().get("worker_type"),
                                request.query().get("status"))))
                .on("POST", API + "/workers/register", request -> Web.Reply.ok(registry.register(request.json())))
                .on("GET", API + "/workers/{id}", this::worker)
                .on("POST", API + "/dummy/start", starts::dummy)
                .on("POST", API + "/backtests/start", starts::backtest)
                .on("POST", API + "/trainings/start", starts::training)
                .on("POST", API + "/data/acquire/download", starts::download)
                .on("GET", API + "/operations", request -> Web.Reply.ok(operations.list(request.query())))
                .on("GET", API + "/operations/{id}", proxy::show)
                .on("GET", API + "/operations/{id}/results", proxy::results)
                .on("POST", API + "/operations/{id}/resume", proxy::resume)
                .on("PATCH", API + "/operations/{id}/status", proxy::status)
                .on("GET", API + "/checkpoints/{id}",
                        request -> Checkpoints.show(request.id(), registry.urls(), client))
                .on("GET", API + "/openapi.json", request -> Web.Reply.ok(described()));
        if (!changed) web.on("DELETE", API + "/operations/{id}", proxy::cancel);
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
        // neither traced nor counted, as with the real instrumentation
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
        // workers count their own operations
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

    /** Answers 503 from now on, and notifies its reachable workers one after another. */
    private void drain() {
        stopping.set(true);
        for (var url : registry.urls()) {
            try {
                client.post(url + "/backend-shutdown", Json.map("message", "Backend shutting down"));
            } catch (IOException e) {
                // the worker detects the restart itself
            }
        }
    }

    /** Stops without notifying its workers, as after SIGKILL. */
    public void kill() {
        stopping.set(true);
        web.close();
        threads.shutdownNow();
        starts.close();
    }

    @Override
    public void close() {
        drain();
        Starts.pause(pace.drain());
        web.close();
        threads.shutdownNow();
        starts.close();
        traces.close();
    }
}
