package standin;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * The backend's API for checkpoints (ktrdr/api/endpoints/checkpoints.py). KTRDR stores them in its database; here they
 * are on the share, which the backend does not mount, so it asks any worker.
 */
final class Checkpoints {
    private Checkpoints() {}

    /** What a worker writes when SIGTERM ends a training. */
    static Map<String, Object> shutdown(String operation, String worker, long epoch, Object parameters) {
        return Json.map("operation_id", operation, "checkpoint_type", "shutdown", "created_at",
                Instant.now().toString(), "epoch", epoch, "worker_id", worker,
                "original_request", parameters);
    }

    /** The checkpoint of an operation, or 404. */
    static Web.Reply show(String operation, List<String> workers, Client client) {
        for (var worker : workers)
            try {
                var answer = client.get(worker + "/checkpoints/" + operation);
                if (answer.ok()) return reply(answer.json());
            } catch (IOException e) {
                // the next worker may answer
            }
        return Web.Reply.detail(404, "Checkpoint not found: " + operation);
    }

    private static Web.Reply reply(Map<String, Object> file) {
        return Web.Reply.ok(Json.map("success", true, "data",
                Json.map("operation_id", file.get("operation_id"), "checkpoint_type", file.get("checkpoint_type"),
                "created_at", file.get("created_at"), "state",
                Json.map("epoch", file.get("epoch"), "original_request", file.get("original_request")),
                "artifacts_path", null)));
    }
}
