package ktrdr.drain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import ktrdr.Http;
import ktrdr.api.Backend;
import ktrdr.api.OperationsApi;
import ktrdr.inventory.Inventory;

/**
 * The checkpoint of an operation, from which it can be resumed, by the backend's {@code /api/v1/checkpoints/{id}}. An
 * operation has at most one, the newest.
 *
 * @param type shutdown, periodic, cancellation or failure
 * @param unit of {@code at}: epoch or bar; empty if unknown
 * @param at how many of them were done
 * @param created UTC, as the backend prints it
 */
public record Checkpoint(String type, String unit, long at, String created) {

    /** The checkpoint of an operation; empty if there is none. A backend that does not answer is a {@link Problem}. */
    public static Optional<Checkpoint> of(Inventory inventory, Http http, String operation) {
        var url = new Backend(inventory, http).url("/checkpoints/" + OperationsApi.segment(operation));
        var answer = http.get(url);
        return answer.status() == 404 ? Optional.empty()
                : Optional.of(of(Http.json("GET " + url, answer).path("data")));
    }

    private static Checkpoint of(JsonNode data) {
        var state = data.path("state");
        var bar = state.path("bar_index").isNumber();
        var count = bar ? state.path("bar_index") : state.path("epoch");
        return new Checkpoint(data.path("checkpoint_type").asText(), bar ? "bar" : count.isNumber() ? "epoch" : "",
                count.asLong(), data.path("created_at").asText());
    }

    /** "checkpoint at epoch 23". */
    public String words() {
        return "checkpoint" + (unit.isEmpty() ? "" : " at " + unit + " " + at);
    }
}
