package standin;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Stand-in for KTRDR's backtest and training workers. Copies their {@link Registration}, /health that answers 200 even when it
 * fails, the result file on the share, the checkpoint on SIGTERM, metrics and traces. Nothing is
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
    private final String id;
    private final String url;
    private final String share;
    private final Map<String, String> env;
    private final Path checkpoints;
    private final boolean unhealthy;
    private final Client client = new Client();
    private final Metrics metrics = new Metrics();
    private final Traces traces;
    private final Map<String, Job> jobs = new LinkedHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);
    private final Registration registration;
    private final Web web;
    private Job current;

    /** @param type backtesting or training */
    public Worker(String type, int port, Map<String, String> env, Pace pace) throws IOException {
        Main.settings(env);
        this.env = env;
        this.type = type;
        var given = first(env, "KTRDR_WORKER_ID");
        id = given.isEmpty() ? type + "-worker-" + Traces.id(4) : given;
        var backend = first(env, "KTRDR_API_CLIENT_BASE_URL", "KTRDR_API_URL").replaceFirst("/+$", "").replaceFirst("/api/v1$", "");
        share = first(env, "KTRDR_DATA_SHARED_MOUNT_PATH");
        var folder = first(env, "KTRDR_CHECKPOINT_DIR");
        checkpoints = Path.of(folder.isEmpty() ? share + "/results/checkpoints" : folder);
        unhealthy = "unhealthy".equals(env.get("KTRDR_STANDIN_FAULT"));
        traces = new Traces("ktrdr-" + (type.equals("training") ? "training" : "backtest") + "-worker-" + id,
                first(env, "KTRDR_OTEL_OTLP_ENDPOINT", "OTLP_ENDPOINT"));
        metrics.gauge("ktrdr_operations_active", "Operations that have not ended.", "", () -> busy() ? 1 : 0);
        metrics.counter("ktrdr_operations_total", "Operations that have ended.");
        int at = port > 0 ? port : free();
        var named = first(env, "KTRDR_WORKER_PUBLIC_BASE_URL", "WORKER_PUBLIC_BASE_URL");
        var name = first(env, "WORKER_HOSTNAME");
        if (name.isEmpty()) name = InetAddress.getLocalHost().getHostName();
        url = named.isEmpty() ? "http://" + name + ":" + at : named.replaceFirst("/+$", "");
        registration = new Registration(backend, id, pace, this::payload);
        if (backend.isEmpty()) System.err.println("WARNING: neither KTRDR_API_CLIENT_BASE_URL nor KTRDR_API_URL is set; not registering");
        // before anything is answered, as uvicorn has it
        else registration.register();
        web = new Web(at).metrics("/metrics", metrics)
                .on("GET", "/", request -> Web.Reply.ok(Json.map("service", service(), "version", "1.0.0", "status", "running",
                        "timestamp", Instant.now().toString(), "worker_id", id)))
                .on("GET", "/health", request -> health())
                .on("POST", "/backend-shutdown", request -> {
                    registration.backendStops();
                    return Web.Reply.ok(Json.map("acknowledged", true));
                })
                .on("POST", "/operations/start", request -> begin(new Job(request.json())))
                .on("GET", "/operations/{id}", request -> show(request.id()))
                .on("DELETE", "/operations/{id}", request -> cancel(request.id()))
                .start();
        if (!backend.isEmpty()) threads.execute(registration::monitor);
    }

    private static int free() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** "Backtesting Worker Service". */
    private String service() {
        return type.substring(0, 1).toUpperCase(Locale.ROOT) + type.substring(1) + " Worker Service";
    }

    private static String first(Map<String, String> env, String... names) {
        for (var name : names) if (!env.getOrDefault(name, "").isBlank()) return env.get(name).strip();
        return "";
    }

    public int port() {
        return web.port();
    }

    private synchronized boolean busy() {
        return current != null;
    }

    private synchronized Web.Reply health() {
        registration.asked();
        if (unhealthy) return Web.Reply.ok(Json.map("healthy", false, "service", type + "-worker", "error", "Health check failed - see server logs for details"));
        return Web.Reply.ok(Json.map("healthy", true, "service", type + "-worker", "timestamp", Instant.now().toString(), "status", "operational",
                "worker_status", current == null ? "idle" : "busy", "current_operation", current == null ? null : current.id));
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
        var wrong = type.equals("backtesting") ? Models.wrong(job.parameters, env) : null;
        if (wrong != null) {
            end(job, "failed", wrong);
            return;
        }
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
        metrics.ended(job.type, status, System.currentTimeMillis() - job.started);
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

    private synchronized Map<String, Object> payload() {
        return Json.map("worker_id", id, "worker_type", type, "endpoint_url", url, "capabilities", Json.map("cores", 1, "standin", true),
                "current_operation_id", current == null ? null : current.id, "completed_operations", List.of());
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
