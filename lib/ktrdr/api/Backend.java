package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;

/** KTRDR's own API: {@code GET /api/v1/…} of the backend. */
public final class Backend {
    /**
     * A worker as the backend sees it. Its id is not its container's name: the endpoint's URL identifies node and port.
     *
     * @param type backtesting or training
     * @param status available, busy or temporarily_unavailable
     * @param operation the id of its current operation; empty when idle
     * @param healthy when it last answered the backend well, if the backend reports it
     * @param gpu how many GPUs of which kind it reported, such as "1 CUDA"; empty if it has none. Its own torch detects
     *     them, once, as it registers
     */
    public record Worker(String id, String type, String endpointUrl, String status, String operation,
            Optional<Instant> healthy, String gpu) {
        private static final Set<String> SERVING = Set.of("available", "busy");

        /** A worker without a GPU. */
        public Worker(String id, String type, String endpointUrl, String status, String operation,
                Optional<Instant> healthy) {
            this(id, type, endpointUrl, status, operation, healthy, "");
        }

        /** Whether the backend would give it work, now or when it is done with what it has. */
        public boolean serving() {
            return SERVING.contains(status);
        }
    }

    /** What {@code /health} says: "ok" when well, and the version running. */
    public record Health(String status, String version) {}

    /** Of Prometheus' client for Python, on Linux. */
    private static final Pattern STARTED =
            Pattern.compile("(?m)^process_start_time_seconds ([0-9.]{1,20}(?:e\\+?[0-9]{1,2})?)$");
    private final Http http;
    private final String api;

    public Backend(Inventory inventory, Http http) {
        this.http = http;
        this.api = inventory.url(Part.BACKEND) + "/api/v1";
    }

    /** The URL of a path of the API, such as {@code /health}. */
    public String url(String path) {
        return api + path;
    }

    /**
     * When its process started, by its own clock; empty if its metrics do not contain it. It lists only the operations
     * that it learned of since then.
     */
    public Optional<Instant> started() {
        var answer = http.get(api.replaceFirst("/api/v1$", "/metrics"));
        return STARTED.matcher(answer.ok() ? answer.body() : "").results()
                .map(found -> Instant.ofEpochSecond((long) Double.parseDouble(found.group(1)))).findFirst();
    }

    /** Does not test the database. Throws a {@link Problem} when the backend does not answer, or not with 2xx. */
    public Health health() {
        var answer = http.json(api + "/health");
        return new Health(answer.path("status").asText(), answer.path("version").asText());
    }

    /**
     * Every registration the backend remembers, ghosts of replaced workers among them: count by endpoint, never by
     * length.
     */
    public List<Worker> workers() {
        var answer = http.json(api + "/workers");
        if (!answer.isArray()) throw Problem.failed("the backend's list of workers has an unexpected form")
                .expected("GET " + api + "/workers with a JSON array")
                .found(answer.getNodeType().toString().toLowerCase());
        var workers = new ArrayList<Worker>();
        for (JsonNode json : answer)
            // without looking behind it, each of a million slashes would be tried as the first of those at the end
            workers.add(new Worker(json.path("worker_id").asText(), json.path("worker_type").asText(),
                    json.path("endpoint_url").asText().replaceFirst("(?<!/)/+$", ""), json.path("status").asText(),
                    json.path("current_operation_id").isTextual() ? json.path("current_operation_id").asText() : "",
                    Units.instantIn(json.path("last_healthy_at").asText("")), gpu(json.path("capabilities"))));
        return workers;
    }

    private static String gpu(JsonNode capabilities) {
        if (!capabilities.path("gpu").booleanValue()) return "";
        return (capabilities.path("gpu_count").asText("") + " " + capabilities.path("gpu_type").asText("GPU")).strip();
    }
}
