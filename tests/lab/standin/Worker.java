package standin;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Stand-in for KTRDR's backtest and training workers. Copies their registration (again after a backend restart), /health that
 * answers 200 even when it fails, the result file on the share, the checkpoint on SIGTERM, metrics and traces. Nothing is
 * computed: an operation waits and writes a file. How the backend hands it over ({@code /operations/start}) is of our own shape.
 */
public final class Worker implements AutoCloseable {
    private static final int REMEMBERED = 50;

    private static final class Job {
        private final String id;
        private final String type;
        private final String trace;
        private final long millis;
        private final Object parameters;
        private final long started = System.currentTimeMillis();
        private volatile String status = "running";
        private String error;
        private Object result;

        private Job(Map<String, Object> body) {
            id = String.valueOf(body.get("operation_id"));
            type = String.valueOf(body.getOrDefault("operation_type", "backtesting"));
            trace = String.valueOf(body.getOrDefault("trace", Traces.id(16)));
            millis = body.get("millis") instanceof Number number ? number.longValue() : 8000;
            parameters = body.get("parameters");
        }

        private double percentage() {
            return status.equals("completed") ? 100 : Math.min(99, (System.currentTimeMillis() - started) * 100.0 / Math.max(1, millis));
        }
    }

    private final String type;
    private final Pace pace;
    private final String id;
    private final String version;
    private final String backend;
    private final String url;
    private final String share;
    private final Path checkpoints;
    private final boolean unhealthy;
    private final Client client = new Client();
    private final Metrics metrics = new Metrics();
    private final Traces traces;
    private final Map<String, Job> jobs = new LinkedHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);
    private final Web web;
    private Job current;

    /** @param type backtesting or training */
    public Worker(String type, int port, Map<String, String> env, Pace pace) throws IOException {
        this.type = type;
        this.pace = pace;
        var host = first(env, "HOSTNAME");
        if (host.isEmpty()) host = InetAddress.getLocalHost().getHostName();
        id = type + "-" + host;
        version = first(env, "KTRDR_VERSION");
        backend = first(env, "KTRDR_API_CLIENT_BASE_URL", "KTRDR_API_URL").replaceFirst("/+$", "").replaceFirst("/api/v1$", "");
        share = first(env, "KTRDR_DATA_SHARED_MOUNT_PATH");
        var folder = first(env, "KTRDR_CHECKPOINT_DIR");
        checkpoints = Path.of(folder.isEmpty() ? share + "/results/checkpoints" : folder);
        unhealthy = "unhealthy".equals(env.get("KTRDR_STANDIN_FAULT"));
        traces = new Traces("ktrdr-" + (type.equals("training") ? "training" : "backtest") + "-worker-" + host,
                first(env, "KTRDR_OTEL_OTLP_ENDPOINT", "OTLP_ENDPOINT"));
        metrics.gauge("ktrdr_operations_active", "Operations that have not ended.", "", () -> busy() ? 1 : 0);
        metrics.counter("ktrdr_operations_total", "Operations that have ended.");
        web = new Web(port).metrics(metrics)
                .observer(this::observe)
                .on("GET", "/", request -> Web.Reply.ok(Json.map("message", "KTRDR worker (a stand-in of the practice fleet)", "worker_id", id)))
                .on("GET", "/health", request -> health())
                .on("POST", "/operations/start", request -> begin(new Job(request.json())))
                .on("GET", "/operations/{id}", request -> show(request.id()))
                .on("DELETE", "/operations/{id}", request -> cancel(request.id()))
                .start();
        var named = first(env, "KTRDR_WORKER_PUBLIC_BASE_URL", "WORKER_PUBLIC_BASE_URL");
        var name = first(env, "WORKER_HOSTNAME");
        url = named.isEmpty() ? "http://" + (name.isEmpty() ? host : name) + ":" + web.port() : named.replaceFirst("/+$", "");
        if (backend.isEmpty()) System.err.println("WARNING: neither KTRDR_API_CLIENT_BASE_URL nor KTRDR_API_URL is set; not registering");
        else threads.execute(this::keepRegistered);
    }

    private static String first(Map<String, String> env, String... names) {
        for (var name : names) if (!env.getOrDefault(name, "").isBlank()) return env.get(name).strip();
        return "";
    }

    public int port() {
        return web.port();
    }

    private void observe(Web.Request request, int status, long startMicros, long micros) {
        metrics.request(request.method(), request.template(), status, micros);
    }

    private synchronized boolean busy() {
        return current != null;
    }

    private synchronized Web.Reply health() {
        return Web.Reply.ok(Json.map("healthy", !unhealthy, "service", type + "-worker", "timestamp", Instant.now().toString(), "status", "operational",
                "worker_id", id, "worker_status", current == null ? "idle" : "busy", "current_operation", current == null ? null : current.id, "version", version));
    }

    private synchronized Web.Reply begin(Job job) {
        // the id becomes a file's name
        if (!job.id.matches("[A-Za-z0-9_-]{1,100}")) return Web.Reply.detail(422, "operation_id is missing or malformed");
        if (current != null) return Web.Reply.detail(503, "Worker is busy with " + current.id);
        current = job;
        jobs.put(job.id, job);
        if (jobs.size() > REMEMBERED) jobs.remove(jobs.keySet().iterator().next());
        threads.execute(() -> run(job));
        return Web.Reply.ok(Json.map("success", true, "operation_id", job.id, "status", "started"));
    }

    private void run(Job job) {
        try {
            while (job.status.equals("running") && System.currentTimeMillis() - job.started < job.millis) Thread.sleep(Math.min(100, job.millis));
        } catch (InterruptedException e) {
            return;
        }
        if (!job.status.equals("running")) return;
        var file = Path.of(share, "results", job.id + ".json");
        try {
            write(file, Json.map("operation_id", job.id, "operation_type", job.type, "worker_id", id, "completed_at", Instant.now().toString(),
                    "parameters", job.parameters, "metrics", Json.map("total_return", 0.0, "total_trades", 0)));
            job.result = Json.map("result_path", file.toString(), "total_trades", 0);
            end(job, "completed", null);
        } catch (IOException e) {
            end(job, "failed", "cannot write the result " + file + ": " + e.getClass().getSimpleName() + " " + e.getMessage());
        }
    }

    private synchronized boolean end(Job job, String status, String error) {
        if (!job.status.equals("running")) return false;
        job.status = status;
        job.error = error;
        if (current == job) current = null;
        metrics.count("ktrdr_operations_total", "{operation_type=\"%s\",status=\"%s\"}".formatted(job.type, status));
        traces.span(job.trace, null, "worker." + job.type, job.started * 1000, (System.currentTimeMillis() - job.started) * 1000,
                Json.map("operation.id", job.id, "operation.status", status, "worker.id", id));
        return true;
    }

    private synchronized Web.Reply show(String operation) {
        var job = jobs.get(operation);
        if (job == null) return Web.Reply.detail(404, "Operation not found: " + operation);
        return Web.Reply.ok(Json.map("operation_id", job.id, "status", job.status, "percentage", job.percentage(),
                "error_message", job.error, "result_summary", job.result));
    }

    private synchronized Web.Reply cancel(String operation) {
        var job = jobs.get(operation);
        if (job == null) return Web.Reply.detail(404, "Operation not found: " + operation);
        end(job, "cancelled", null);
        return show(operation);
    }

    /** Whole or not at all, and writable for the share's group whatever the umask is. */
    private static void write(Path file, Object content) throws IOException {
        Files.createDirectories(file.getParent());
        var temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
        Files.writeString(temporary, Json.write(content) + "\n");
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-rw-r--"));
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private void keepRegistered() {
        try {
            boolean known = false;
            while (true) {
                known = known ? !unknown() : register();
                Thread.sleep(known ? pace.check() : pace.retry());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean register() {
        var body = Json.map("worker_id", id, "worker_type", type, "endpoint_url", url, "capabilities", Json.map("cores", 1, "standin", true));
        synchronized (this) {
            if (current != null) body.put("current_operation_id", current.id);
        }
        try {
            return client.post(backend + "/api/v1/workers/register", body).ok();
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether the backend has restarted since: one that does not answer may know it still. */
    private boolean unknown() {
        try {
            return client.get(backend + "/api/v1/workers/" + id).status() == 404;
        } catch (IOException e) {
            return false;
        }
    }

    /** Leaves at once when idle, else within two seconds, after a checkpoint if the share lets it write one. */
    @Override
    public void close() {
        Job job;
        synchronized (this) {
            job = current;
        }
        if (job != null && end(job, "failed", "worker shut down")) {
            var saved = CompletableFuture.runAsync(() -> {
                try {
                    write(checkpoints.resolve(job.id + ".json"), Json.map("operation_id", job.id, "worker_id", id, "percentage", job.percentage()));
                } catch (IOException e) {
                    System.err.println("WARNING: no checkpoint for " + job.id + ": " + e);
                }
            }, threads);
            try {
                // a share that hangs must not hold the container
                saved.get(1500, TimeUnit.MILLISECONDS);
            } catch (Exception e) {
                System.err.println("WARNING: no checkpoint for " + job.id + " in time");
            }
        }
        web.close();
        threads.shutdownNow();
        traces.close();
    }
}
