package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.api.Backend.Worker;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.inventory.SampleSettings;

/** KTRDR's operations by the backend's API: {@code /api/v1/operations} and the paths that start one. */
public final class OperationsApi {
    /** What can be started, by the path that does. */
    public enum Kind {
        dummy("/dummy/start"), backtest("/backtests/start"), training("/trainings/start"),
            data("/data/acquire/download");

        /** Under {@code /api/v1}. */
        public final String path;

        Kind(String path) {
            this.path = path;
        }

        /** Whether it runs on a worker; else the backend does it itself. */
        public boolean onWorker() {
            return this == backtest || this == training;
        }
    }

    /**
     * An operation as the backend sees it; what an answer does not have is empty.
     *
     * @param status pending, resuming, running, completed, failed or cancelled
     * @param created UTC, as the backend prints it
     * @param percentage 0 to 100
     * @param error the backend's own words about why it failed
     * @param result its result_summary as JSON
     */
    public record Operation(String id, String type, String status, String created, String symbol, double percentage,
            String step, double seconds, String error, String result) {
        private static final Set<String> ENDED = Set.of("completed", "failed", "cancelled");
        /** The error that the backend gives to a cancelled operation, and keeps when it overwrites the status. */
        private static final String CANCELLED = "Operation cancelled by user";
        private static final String UNCLAIMED = "no worker claimed it";
        /** What a worker does by itself. */
        private static final Set<String> WORKERS = Set.of("training", "backtesting");

        /**
         * Whether it is completed, failed or cancelled; what runs on the backend itself may change its status once
         * more.
         */
        public boolean ended() {
            return ended(status);
        }

        /** Whether one of this status has come to an end. */
        public static boolean ended(String status) {
            return ENDED.contains(status);
        }

        /** Whether it came to its good end. */
        public boolean completed() {
            return status.equals("completed") && !cancelled();
        }

        /** Whether it was cancelled, also where the backend wrote "completed" over it when it came to notice. */
        public boolean cancelled() {
            return status.equals("cancelled") || status.equals("completed") && error.equals(CANCELLED);
        }

        /**
         * Whether the backend gave it up as claimed by no worker. What runs on the backend itself goes on then, and may
         * become "completed".
         */
        public boolean unclaimed() {
            return status.equals("failed") && error.contains(UNCLAIMED);
        }

        /** Whether one of this type runs on the backend itself, as far as the type tells. */
        public boolean onBackend() {
            return !WORKERS.contains(type);
        }

        /** "running, 42 %, Working: step 42 of 100"; "completed, after it was cancelled". */
        public String words() {
            return Stream.of(status, ended() ? "" : Math.round(percentage) + " %", why())
                    .filter(word -> !word.isEmpty()).collect(Collectors.joining(", "));
        }

        private String why() {
            if (!status.equals("completed")) return ended() ? error : step;
            return cancelled() ? "after it was cancelled" : error.contains(UNCLAIMED)
                    ? "after the backend had given it up" : error;
        }
    }

    /** What the backend lists at most. */
    private static final int MOST = 1000;
    private static final Set<String> LISTS = Set.of("symbols", "timeframes");
    private final Http http;
    private final Backend backend;
    private final String api;

    public OperationsApi(Inventory inventory, Http http) {
        this.http = http;
        this.backend = new Backend(inventory, http);
        this.api = inventory.url(Part.BACKEND) + "/api/v1";
    }

    /** The newest ones first, at most {@code limit}; {@code status} and {@code type} empty for any. */
    public List<Operation> list(String status, String type, boolean activeOnly, int limit) {
        var url = api + "/operations?limit=" + limit + (activeOnly ? "&active_only=true" : "") + query("status", status)
                + query("operation_type", type);
        var operations = new ArrayList<Operation>();
        OperationAnswer.data("GET " + url, http.get(url), JsonNode::isArray)
                .forEach(json -> operations.add(operation(json)));
        return operations;
    }

    /**
     * The same, including the operations that workers report: after a restart the backend lists an operation of a
     * worker only once it was asked for by its id, which this does.
     */
    public List<Operation> listWithWorkers(String status, String type, boolean activeOnly, int limit) {
        var found = new ArrayList<>(list(status, type, activeOnly, limit));
        for (var worker : backend.workers())
            if (!worker.operation().isEmpty()
                    && found.stream().noneMatch(operation -> operation.id().equals(worker.operation()))) claimed(
                            worker.operation()).filter(operation ->
                    (status.isEmpty() || operation.status().equals(status)) && (type.isEmpty() || operation.type()
                            .equals(type)) && !(activeOnly && operation.ended())).ifPresent(found::add);
        return found.stream().sorted(Comparator.comparing(Operation::created).reversed()).limit(limit).toList();
    }

    private Optional<Operation> claimed(String id) {
        try {
            return Optional.of(show(id));
        } catch (Problem unknown) {
            if (unknown.exit() != Exit.FAILED && unknown.exit() != Exit.USAGE) throw unknown;
            return Optional.empty();
        }
    }

    private static String query(String name, String value) {
        return value.isEmpty() ? "" : "&" + name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    /** One operation; an id that the backend does not know is a {@link Problem}. */
    public Operation show(String id) {
        return operation(document(id));
    }

    /** The backend's whole document of one operation, unchanged. */
    public JsonNode document(String id) {
        return document(id, "the backend does not know operation " + id);
    }

    JsonNode document(String id, String unknown) {
        var url = api + "/operations/" + segment(id);
        var answer = http.get(url);
        if (answer.status() == 404)
            throw Problem.failed(unknown).found(OperationAnswer.words(answer)).fix("jbang operations@ktrdr list");
        return OperationAnswer.data("GET " + url, answer, JsonNode::isObject);
    }

    /** The URL that starts an operation. */
    public String url(Kind kind) {
        return api + kind.path;
    }

    /** Refuses a body that lacks a field without which the backend would refuse it, or the operation would fail. */
    public static void complete(Kind kind, Map<String, String> body) {
        var missing = SampleSettings.required(kind.name()).stream()
                .filter(field -> body.getOrDefault(field, "").isBlank()).toList();
        if (!missing.isEmpty()) throw Problem.usage("KTRDR takes no " + kind + " without " + String.join(", ", missing))
                .fix("--set " + missing.get(0) + "=…; nothing was sent");
    }

    /**
     * Starts one and answers its id. What the backend refuses is a {@link Problem} in its own words; nothing is sent
     * where a field is missing without which it would fail. The symbols and timeframes of a training are lists: several
     * have commas between.
     */
    public String start(Kind kind, Map<String, String> body) {
        complete(kind, body);
        var json = JsonNodeFactory.instance.objectNode();
        body.forEach((name, value) -> {
            if (kind == Kind.training && LISTS.contains(name))
                Stream.of(value.split(",")).map(String::strip).forEach(json.withArray("/" + name)::add);
            else json.put(name, value);
        });
        // without one the backend takes a mode that it refuses itself
        if (kind == Kind.data && !json.has("mode")) json.put("mode", "tail");
        var asked = "POST " + url(kind);
        var answer = post(kind, kind == Kind.dummy ? null : json);
        var document = OperationAnswer.document(asked, answer);
        // a training's task is its operation
        var id = document.path("data").path("operation_id")
                .asText(document.path("operation_id")
                        .asText(kind == Kind.training ? document.path("task_id").asText("") : ""));
        if (id.isEmpty()) throw Problem.failed("the backend started a " + kind + " operation but returned no id")
                .expected("an operation_id").found(Console.brief(answer.body(), 200));
        return id;
    }

    private Http.Answer post(Kind kind, JsonNode body) {
        try {
            return http.post(url(kind), body);
        } catch (Problem problem) {
            if (!Thread.currentThread().isInterrupted()) throw problem;
            throw Problem.interrupted("interrupted while a " + kind + " operation was started: it may run")
                    .fix("jbang operations@ktrdr list --active").because(problem);
        }
    }

    /** Cancels an operation; an operation that has ended by then or is unknown is a {@link Problem}. */
    public void cancel(String id) {
        var url = api + "/operations/" + segment(id);
        OperationAnswer.document("DELETE " + url, http.delete(url));
    }

    /**
     * Resumes a cancelled or failed operation from its last checkpoint, and returns the backend's answer: {@code
     * checkpoint_type}, {@code created_at}, {@code epoch}. An operation that runs, has completed or left no checkpoint
     * is a {@link Problem}, as is a fleet without an idle worker of its type.
     */
    public JsonNode resume(String id) {
        var url = api + "/operations/" + segment(id) + "/resume";
        return OperationAnswer.data("POST " + url, http.post(url, null), JsonNode::isObject).path("resumed_from");
    }

    /** The backend's result of an ended operation, as JSON; empty if there is none. */
    public JsonNode results(String id) {
        var url = api + "/operations/" + segment(id) + "/results";
        return OperationAnswer.document("GET " + url, http.get(url)).path("results");
    }

    /**
     * The operations that the backend runs itself at this moment, as far as it lists them: active, claimed by no
     * worker, and not of a type that workers run. Operations that it gave up as unclaimed run on and are not listed.
     */
    public List<Operation> ofBackend() {
        var claimed = backend.workers().stream().map(Worker::operation).collect(Collectors.toSet());
        return list("", "", true, MOST).stream()
                .filter(operation -> operation.onBackend() && !claimed.contains(operation.id())).toList();
    }

    /**
     * Polls an operation until it has ended or {@code enough} accepts it, and returns its last state. {@code each} gets
     * every answer. A backend that does not answer is retried for a minute; an operation that is not done in time is a
     * {@link Problem}, as is an operation that the backend has forgotten.
     */
    public Operation follow(String id, Duration timeout, Predicate<Operation> enough, Consumer<Operation> each) {
        return follow(id, timeout, enough, each, away -> { });
    }

    /** The same; {@code away} is called each time the backend does not answer. */
    public Operation follow(String id, Duration timeout, Predicate<Operation> enough, Consumer<Operation> each,
            Consumer<Problem> away) {
        return new OperationPolling(this, id, timeout).until(enough, each, away);
    }

    /** The worker that an operation runs on; empty if it runs on the backend itself, or no longer runs. */
    public Optional<Worker> worker(String id) {
        return backend.workers().stream().filter(worker -> worker.operation().equals(id)).findFirst();
    }

    /** The id as a part of a path. Anything that could change the path is a {@link Problem}. */
    public static String segment(String id) {
        if (!id.matches("[A-Za-z0-9._-]{1,200}") || id.matches("\\.+")) throw Problem.usage("invalid operation id `"
                + id + "`").expected("letters, digits, '_', '-' and '.'")
                .fix("jbang operations@ktrdr list");
        return id;
    }

    /** The operation of an answer as {@link #document} gives it. */
    public static Operation operation(JsonNode json) {
        return OperationAnswer.operation(json);
    }
}
