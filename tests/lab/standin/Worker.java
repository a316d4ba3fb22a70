package standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Stand-in for KTRDR's backtest and training workers. Copies their {@link Registration}, /health that answers 200 even
 * when it fails, the result file on the share, what SIGTERM and SIGINT do to them, metrics and traces. Nothing is
 * computed: an operation waits and writes a file. How the backend hands it over ({@code /operations/start}) is the
 * practice fleet's own format.
 */
public final class Worker implements AutoCloseable {
    private static final int REMEMBERED = 50;

    private final String type;
    private final String id;
    private final String url;
    private final String share;
    private final Map<String, String> env;
    private final WorkerSettings settings;
    private final Path checkpoints;
    private final String backend;
    private final long linger;
    private final boolean unhealthy;
    /** As on the backend's image: without the libraries to work. */
    private final boolean bare;
    private final Client client = new Client();
    private final Metrics metrics = new Metrics();
    private final Traces traces;
    private final Map<String, Job> jobs = new LinkedHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);
    private final Registration registration;
    private final Web web;
    /** An operation that this worker was asked about but does not run; null if there is none. */
    private String loaded;

    /** @param type backtesting or training */
    public Worker(String type, int port, Map<String, String> env, Pace pace) throws IOException {
        Main.settings(env);
        pace.load();
        this.env = env;
        bare = "bare".equals(env.get("KTRDR_STANDIN_FAULT"));
        this.type = type;
        settings = new WorkerSettings(env);
        id = settings.id(type);
        linger = pace.linger();
        backend = settings.backend();
        share = settings.share();
        checkpoints = settings.checkpoints();
        unhealthy = "unhealthy".equals(env.get("KTRDR_STANDIN_FAULT"));
        traces = new Traces("ktrdr-" + (type.equals("training") ? "training" : "backtest") + "-worker-" + id, env);
        metrics.gauge("ktrdr_operations_active", "Operations that have not ended.", "", () -> busy() ? 1 : 0);
        metrics.counter("ktrdr_operations_total", "Operations that have ended.");
        // a port that the machine chooses is taken at once: one that is free now may not be later
        var chosen = port > 0 ? null : new Web(0);
        url = settings.url(chosen == null ? port : chosen.port());
        registration = new Registration(backend, id, pace, this::payload);
        if (backend.isEmpty())
            System.err.println("WARNING: neither KTRDR_API_CLIENT_BASE_URL nor KTRDR_API_URL is set; not registering");
        // before the first request, like uvicorn
        else registration.register();
        web = routes((chosen == null ? new Web(port) : chosen).metrics("/metrics", metrics)).start();
        if (!backend.isEmpty()) threads.execute(registration::monitor);
    }

    private Web routes(Web server) {
        return server.on("GET", "/", request ->
                        Web.Reply.ok(Json.map("service", service(), "version", "1.0.0", "status", "running",
                        "timestamp", Instant.now().toString(), "worker_id", id)))
                .on("GET", "/health", request -> health())
                .on("POST", "/backend-shutdown", request -> {
                    registration.backendStops();
                    return Web.Reply.ok(Json.map("acknowledged", true));
                })
                .on("POST", "/operations/start", request -> begin(request.json()))
                .on("GET", "/operations/{id}", request -> show(request.id()))
                .on("DELETE", "/operations/{id}", request -> cancel(request.id()))
                .on("GET", "/checkpoints/{id}", request -> checkpoint(request.id()))
                .on("GET", "/api/v1/operations/{id}", request -> load(request.id()))
                .on("DELETE", "/api/v1/operations/{id}/cancel", request -> cancel(request.id()));
    }

    /** "Backtesting Worker Service". */
    private String service() {
        return type.substring(0, 1).toUpperCase(Locale.ROOT) + type.substring(1) + " Worker Service";
    }

    public int port() {
        return web.port();
    }

    private synchronized boolean busy() {
        return at() != null;
    }

    /**
     * Its reported operation: also a training that SIGTERM ended a while ago, and one that it was asked about but does
     * not run.
     */
    private synchronized String at() {
        var at = loaded;
        for (var job : jobs.values()) if (job.active(linger)) at = job.id;
        return at;
    }

    private synchronized Web.Reply health() {
        registration.asked();
        if (unhealthy) return Web.Reply.ok(Json.map("healthy", false, "service", type + "-worker", "error",
                "Health check failed - see server logs for details"));
        return Web.Reply.ok(Json.map("healthy", true, "service", type + "-worker", "timestamp",
                Instant.now().toString(), "status", "operational",
                "worker_status", busy() ? "busy" : "idle", "current_operation", at()));
    }

    private synchronized Web.Reply begin(Map<String, Object> order) {
        // the id becomes a file name
        if (!String.valueOf(order.get("operation_id")).matches("[A-Za-z0-9_-]{1,100}"))
            return Web.Reply.detail(422, "operation_id is missing or malformed");
        if (!Boolean.TRUE.equals(order.get("resume"))) return begin(new Job(order, 0), Map.of());
        var file = checkpoints.resolve(order.get("operation_id") + ".json");
        try {
            var checkpoint = Json.object(Files.readString(file));
            long epoch = checkpoint.get("epoch") instanceof Number number ? number.longValue() : 0;
            return begin(new Job(order, epoch),
                    Map.of("resumed_from",
                            Json.map("checkpoint_type", checkpoint.getOrDefault("checkpoint_type", "shutdown"),
                    "created_at", Files.getLastModifiedTime(file).toInstant().toString(), "epoch",
                    checkpoint.get("epoch"))));
        } catch (IOException none) {
            return Web.Reply.detail(404, "No checkpoint available for operation " + order.get("operation_id"));
        }
    }

    private Web.Reply begin(Job job, Map<String, Object> more) {
        // a worker that got SIGTERM takes work like any other, and a training in parallel to another
        var busy = jobs.values().stream().filter(eachJob -> eachJob.status.equals("running")).findFirst();
        if (busy.isPresent() && job.epochs == 0) return Web.Reply.detail(503, "Worker is busy with " + busy.get().id);
        jobs.remove(job.id);
        jobs.put(job.id, job);
        if (jobs.size() > REMEMBERED) jobs.remove(jobs.keySet().iterator().next());
        threads.execute(() -> run(job));
        var answer = Json.map("success", true, "operation_id", job.id, "status", "started");
        answer.putAll(more);
        return Web.Reply.ok(answer);
    }

    private void run(Job job) {
        var wrong = type.equals("backtesting") ? Models.wrong(job.parameters, env) : null;
        if (wrong != null || bare) {
            end(job, "failed", bare ? "No module named 'torch'" : wrong);
            return;
        }
        try {
            while (job.saved == 0 && job.status.equals("running")
                    && System.currentTimeMillis() - job.started < job.millis) Thread.sleep(Math.min(100, job.millis));
        } catch (InterruptedException e) {
            return;
        }
        if (job.saved > 0 || !job.status.equals("running")) return;
        // KTRDR stores the result of a backtest only in the database
        var file = job.epochs > 0 ? Path.of(share, "models", job.id, "model.json")
                : Path.of(share, "results", job.id + ".json");
        try {
            if (job.epochs > 0 || job.noted)
                write(file, Json.map("operation_id", job.id, "operation_type", job.type, "worker_id", id,
                        "completed_at", Instant.now().toString(), "parameters", job.parameters));
            job.result = job.epochs > 0 ? Json.map("model_path", file.getParent().toString())
                    : Json.map("metrics", Json.map("total_return", 0.0, "total_trades", 0));
            end(job, "completed", null);
        } catch (IOException e) {
            end(job, "failed",
                    "cannot write the result " + file + ": " + e.getClass().getSimpleName() + " " + e.getMessage());
        }
    }

    private synchronized boolean end(Job job, String status, String error) {
        if (!job.status.equals("running")) return false;
        job.status = status;
        job.error = error;
        metrics.ended(job.type, status, System.currentTimeMillis() - job.started);
        traces.span(job.trace, null, "worker." + job.type, job.started * 1000,
                (System.currentTimeMillis() - job.started) * 1000,
                Json.map("operation.id", job.id, "operation.status", status, "worker.id", id));
        return true;
    }

    private synchronized Web.Reply show(String operation) {
        var job = jobs.get(operation);
        if (job == null) return Web.Reply.detail(404, "Operation not found: " + operation);
        return Web.Reply.ok(Json.map("operation_id", job.id, "operation_type", job.type, "status", job.status,
                "percentage", job.percentage(),
                "current_step", job.step(), "error_message", job.error, "result_summary", job.result));
    }

    private synchronized Web.Reply cancel(String operation) {
        if (operation.equals(loaded)) {
            loaded = null;
            return Web.Reply.ok(Json.map("success", true, "operation_id", operation, "status", "cancelled"));
        }
        var job = jobs.get(operation);
        if (job == null) return Web.Reply.detail(404, "Operation not found: " + operation);
        end(job, "cancelled", null);
        return show(operation);
    }

    /**
     * An operation that it does not run comes from the database, here from the backend: a running one counts as its own
     * from then on, as its health reports.
     */
    private Web.Reply load(String operation) throws IOException {
        synchronized (this) {
            var job = jobs.get(operation);
            if (job != null)
                return Web.Reply.ok(Json.map("success", true, "data",
                        Json.map("operation_id", job.id, "operation_type", job.type, "status", job.status,
                        "progress", Json.map("percentage", job.percentage(), "current_step", job.step()),
                        "error_message", job.error, "result_summary", job.result)));
        }
        var row = client.get(backend + "/api/v1/operations/" + operation);
        if (!row.ok()) return Web.Reply.detail(404, "Operation not found: " + operation);
        if (row.json().get("data") instanceof Map<?, ?> data && "running".equals(data.get("status"))
                && type.equals(data.get("operation_type")))
            synchronized (this) {
                loaded = operation;
            }
        return Web.Reply.ok(row.json());
    }

    private Web.Reply checkpoint(String operation) {
        try {
            return Web.Reply.ok(Json.object(Files.readString(checkpoints.resolve(operation + ".json"))));
        } catch (IOException none) {
            return Web.Reply.detail(404, "Checkpoint not found: " + operation);
        }
    }

    /**
     * SIGTERM. A worker replaces uvicorn's handler and so does not end (ktrdr/workers/base.py): it answers and takes
     * work as before. A training ends after a checkpoint, if an epoch is done; a backtest continues.
     */
    public void terminate() {
        System.err.println("INFO: SIGTERM received - initiating graceful shutdown");
        Job job;
        synchronized (this) {
            job = jobs.values().stream().filter(eachJob -> eachJob.epochs > 0 && eachJob.status.equals("running"))
                    .reduce((former, last) -> last).orElse(null);
            if (job == null) return;
            job.saved = System.currentTimeMillis();
        }
        threads.execute(() -> save(job, job.epoch()));
    }

    private void save(Job job, long epoch) {
        try {
            if (epoch > 0)
                write(checkpoints.resolve(job.id + ".json"), Checkpoints.shutdown(job.id, id, epoch, job.parameters));
            else System.err.println("WARNING: No checkpoint state available to save for " + job.id);
        } catch (IOException e) {
            System.err.println("ERROR: Failed to save shutdown checkpoint: " + e);
        }
        // always with this message, whatever the outcome
        var words = "Graceful shutdown - checkpoint saved";
        end(job, "cancelled", words);
        try {
            client.patch(backend + "/api/v1/operations/" + job.id + "/status",
                    Json.map("status", "CANCELLED", "error_message", words));
        } catch (IOException e) {
            System.err.println("WARNING: Could not update operation status: " + e);
        }
    }

    /** Writes all or nothing, and group-writable for the share whatever the umask is. */
    private static void write(Path file, Object content) throws IOException {
        Files.createDirectories(file.getParent());
        var temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
        Files.writeString(temporary, Json.write(content) + "\n");
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-rw-r--"));
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private synchronized Map<String, Object> payload() {
        return Json.map("worker_id", id, "worker_type", type, "endpoint_url", url, "capabilities", capabilities(),
                "current_operation_id", at(), "completed_operations", List.of());
    }

    private Map<String, Object> capabilities() {
        return type.equals("training") ? settings.gpu() : Map.of();
    }

    /** Stops at once, even if it is busy, as after SIGINT. */
    @Override
    public void close() {
        web.close();
        threads.shutdownNow();
        traces.close();
    }
}
