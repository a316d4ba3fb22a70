package ktrdr.api;

import java.time.Duration;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.api.OperationsApi.Operation;
import ktrdr.inventory.Inventory;

/**
 * An operation followed at the console: its progress, the worker that runs it, and on Ctrl-C the question whether to
 * cancel it.
 */
public final class OperationFollower {
    private static final Duration FOREVER = Duration.ofDays(365);
    private static final Duration LOOK = Duration.ofSeconds(10);
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final Duration CANCEL = Duration.ofSeconds(30);
    private static final String BACKEND = "the backend itself";
    /** What to know of a dummy, which ends after the backend has given it up. */
    public static final String GIVEN_UP =
            "takes 200 s, and after 60 to 75 s the backend marks it failed, since no worker claims it; it keeps "
                    + "running";
    private final Inventory inventory;
    private final OperationsApi operations;
    private final Console console;
    private String place = "";
    private long looked;
    private boolean away;

    public OperationFollower(Inventory inventory, OperationsApi operations, Console console) {
        this.inventory = inventory;
        this.operations = operations;
        this.console = console;
    }

    /**
     * Follows an operation to its end, whichever that is, or until the reader of its output is gone ({@link
     * Console#untold}). After Ctrl-C a terminal asks whether to cancel the operation, which otherwise keeps running;
     * either is a {@link Problem} with exit code 130.
     */
    public Operation follow(String id) {
        try {
            return toItsEnd(operations.show(id));
        } catch (Problem problem) {
            // the answer is carried out in peace
            if (!Thread.interrupted()) throw problem;
            throw interrupted(id);
        }
    }

    private Operation toItsEnd(Operation first) {
        if (!first.ended() && first.type().equals("dummy")) console.note("operation", first.type(), GIVEN_UP);
        try (var step = console.step("operation", first.type())) {
            var ended = operations.follow(first.id(), FOREVER, operation -> console.untold(),
                    operation -> tell(step, operation), problem -> away(step));
            // the reader is gone, and the operation keeps running
            if (!ended.ended()) return ended;
            if (ended.completed()) step.done("completed" + (place.isEmpty() ? "" : " on " + place));
            else step.failed(ended.cancelled() ? ended.words() : ended.status());
            return ended;
        }
    }

    private void tell(Console.Step step, Operation operation) {
        if (away) console.note("operation", operation.type(), "the backend answers again");
        away = false;
        if (operation.ended()) return;
        if (operation.status().equals("running") && (looked == 0 || System.nanoTime() - looked > LOOK.toNanos()))
            look(operation);
        step.progress(operation.percentage(), operation.step());
    }

    private void away(Console.Step step) {
        if (!away) console.note("operation", "away", "the backend does not answer: retrying for a minute");
        away = true;
        step.now("waiting for the backend");
    }

    private void look(Operation operation) {
        looked = System.nanoTime();
        var worker = operations.worker(operation.id());
        // an operation that has just ended runs nowhere; if its worker is gone, the backend does not run it instead
        if (worker.isEmpty() && (!place.isEmpty() || operations.show(operation.id()).ended())) return;
        // the registry says a moment later which worker has it
        if (worker.isEmpty() && !operation.onBackend()) {
            looked = 0;
            return;
        }
        var now = worker.map(found -> inventory.place(found.endpointUrl())).orElse(BACKEND);
        if (!now.equals(place)) console.note("operation", operation.type(), "runs on " + now);
        place = now;
    }

    private Problem interrupted(String id) {
        var answer = console.ask("Operation " + id + " still runs. Cancel it, or leave it running? [c/L]", "clq",
                ANSWER);
        if (answer.filter(key -> key == 'c').isPresent()) {
            cancel(id);
            return Problem.interrupted("interrupted: operation " + id + " was cancelled");
        }
        return Problem.interrupted("interrupted: operation " + id + " keeps running")
                .fix("jbang operations@ktrdr follow " + id + ", or cancel " + id);
    }

    /** Cancels an operation and proves it; an operation that ended otherwise is a {@link Problem}. */
    public Operation cancel(String id) {
        var before = operations.show(id);
        if (before.ended()) throw Problem.failed("operation " + id + " had already ended: " + before.words())
                .fix("jbang operations@ktrdr show " + id);
        try (var step = console.step("operation", "cancel")) {
            operations.cancel(id);
            var ended = operations.follow(id, CANCEL, operation -> false, operation -> step.now(operation.words()));
            if (!ended.cancelled())
                throw Problem.failed("operation " + id + " was not cancelled: it ended first").found(ended.words());
            step.done(id + " is cancelled");
            return ended;
        }
    }
}
