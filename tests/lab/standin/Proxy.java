package standin;

import java.io.IOException;
import java.time.Instant;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The backend's access to the operations on workers (ktrdr/api/services/adapters/operation_service_proxy.py): it hands
 * them out, and learns about one only when that is requested by its id.
 */
final class Proxy {
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,4}$");
    private static final Set<String> ENDED = Set.of("completed", "failed", "cancelled");
    private final Operations operations;
    private final Registry registry;
    private final Client client;
    private final Pace pace;

    Proxy(Operations operations, Registry registry, Client client, Pace pace) {
        this.operations = operations;
        this.registry = registry;
        this.client = client;
        this.pace = pace;
    }

    /**
     * The worker that took the operation, or null if no worker of its type is free; one that does not answer is an
     * IOException, and no other is tried.
     */
    Registry.Entry hand(Operations.Operation operation, Web.Request request) throws IOException {
        var order = order(operation, request);
        var refused = new HashSet<String>();
        for (Registry.Entry worker; (worker = registry.claim(operation.type, operation.id, refused)) != null; ) {
            try {
                if (client.post(worker.url() + "/operations/start", order).ok()) {
                    operation.givenTo(worker.url());
                    return worker;
                }
            } catch (IOException e) {
                registry.release(worker);
                throw e;
            }
            refused.add(worker.id());
            registry.release(worker);
        }
        return null;
    }

    private Map<String, Object> order(Operations.Operation operation, Web.Request request) {
        var order = Json.map("operation_id", operation.id, "operation_type", operation.type, "trace", request.trace(),
                "parameters", operation.parameters());
        var number = NUMBER.matcher(String.valueOf(operation.parameters().get("strategy_name")));
        boolean given = number.find();
        if (operation.type.equals("training")) {
            order.put("epochs", given ? Integer.parseInt(number.group()) : 10);
            order.put("epoch_millis", pace.epoch());
        } else {
            order.put("millis", given ? Integer.parseInt(number.group()) * 1000L : pace.backtest());
        }
        return order;
    }

    /**
     * Polls its worker for progress, unless that happened recently; without an answer the operation stays as it was. By
     * the address alone, so a new worker at a lost one's address is asked about an operation that it does not run.
     */
    private void refresh(Operations.Operation operation) {
        if (!operation.stale(pace.follow())) return;
        try {
            var answer = client.get(operation.url());
            if (!answer.ok()) return;
            var state = (Map<?, ?>) answer.json().get("data");
            var progress = (Map<?, ?>) state.get("progress");
            var status = String.valueOf(state.get("status"));
            if (status.equals("running")) operation.progress(((Number) progress.get("percentage")).doubleValue(),
                    (String) progress.get("current_step"));
            else if (ENDED.contains(status))
                operation.end(status, (String) state.get("error_message"), state.get("result_summary"));
        } catch (IOException | RuntimeException e) {
            // the next request may succeed
        }
    }

    /** In memory, or else at a worker, in place of the table that all KTRDR processes read. */
    private Operations.Operation known(Web.Request request) {
        if (!operations.knows(request.id()))
            for (var worker : registry.urls())
                try {
                    var answer = client.get(worker + "/operations/" + request.id());
                    if (answer.ok())
                        operations.adopt(request.id(), String.valueOf(answer.json().get("operation_type")), worker);
                } catch (IOException | RuntimeException e) {
                    // this worker does not have it
                }
        var operation = operations.get(request.id());
        refresh(operation);
        return operation;
    }

    Web.Reply show(Web.Request request) {
        return Web.Reply.ok(operations.show(known(request).id));
    }

    Web.Reply results(Web.Request request) {
        return known(request).results();
    }

    Web.Reply cancel(Web.Request request) {
        var operation = known(request);
        request.tags().put("operation.id", operation.id);
        var reason = request.json().get("reason");
        if (!operation.end("cancelled", reason instanceof String text ? text : "Operation cancelled by user", null))
            return Web.Reply.detail(400,
                    "Operation " + operation.id + " cannot be cancelled (status: " + operation.status() + ")");
        for (var worker : registry.urls())
            try {
                client.delete(worker + "/operations/" + operation.id);
            } catch (IOException e) {
                // the worker is gone, and the operation is cancelled anyway
            }
        return Web.Reply.ok(Json.map("success", true, "data",
                Json.map("success", true, "operation_id", operation.id, "status", "cancelled",
                "cancelled_at", Instant.now().toString(), "cancellation_reason", reason)));
    }

    /** A worker's message about an operation that SIGTERM ended. */
    Web.Reply status(Web.Request request) {
        var operation = known(request);
        var former = operation.status();
        var said = request.json();
        var status = String.valueOf(said.get("status")).toLowerCase(Locale.ROOT);
        operation.end(status, (String) said.get("error_message"), null);
        return Web.Reply.ok(Json.map("success", true, "operation_id", operation.id, "previous_status", former,
                "new_status", status));
    }

    /** Makes a worker resume from the checkpoint that it finds. */
    Web.Reply resume(Web.Request request) {
        var operation = known(request);
        if (!operation.resume())
            return Web.Reply.detail(409, "Operation " + operation.id + " is already " + operation.status());
        // the worker is not marked as busy, so it may get more before its next health check
        var worker = registry.free(operation.type);
        if (worker == null) {
            operation.end("cancelled", null, null);
            return Web.Reply.detail(503, "No " + (operation.type.equals("training") ? "training" : "backtest")
                    + " worker available to resume operation");
        }
        try {
            var order = order(operation, request);
            order.put("resume", true);
            var answer = client.post(worker.url() + "/operations/start", order);
            if (answer.ok()) {
                operation.givenTo(worker.url());
                return Web.Reply.ok(Json.map("success", true, "data", Json.map("operation_id", operation.id, "status",
                        "resuming", "resumed_from", answer.json().get("resumed_from"))));
            }
            operation.end(answer.status() == 404 ? "failed" : "cancelled", null, null);
            return answer.status() == 404
                    ? Web.Reply.detail(404, "No checkpoint available for operation " + operation.id)
                    : Web.Reply.detail(502, "Worker failed to resume: " + answer.body());
        } catch (IOException e) {
            operation.end("cancelled", null, null);
            return Web.Reply.detail(503, "Failed to connect to worker: All connection attempts failed");
        }
    }
}
