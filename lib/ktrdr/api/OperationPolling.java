package ktrdr.api;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.api.OperationsApi.Operation;

/** One operation polled until it has ended. */
final class OperationPolling {
    /** How long a backend that does not answer is polled on: a deployment may be replacing it. */
    private static final Duration AWAY = Duration.ofSeconds(60);
    private static final long PAUSE_MILLIS = 500;
    /** The pause at the beginning and near the end, so that short operations are not held up by the polling. */
    private static final long SHORT_PAUSE_MILLIS = 50;
    private static final double NEARLY = 90;
    private final OperationsApi operations;
    private final String id;
    private final Duration timeout;

    OperationPolling(OperationsApi operations, String id, Duration timeout) {
        this.operations = operations;
        this.id = id;
        this.timeout = timeout;
    }

    Operation until(Predicate<Operation> enough, Consumer<Operation> each, Consumer<Problem> away) {
        long began = System.nanoTime();
        long deadline = began + timeout.toNanos();
        long answered = began;
        var unknown = "the backend does not know operation " + id;
        while (true) {
            // a twentieth of the time that it has taken so far
            long pause = Math.min(PAUSE_MILLIS,
                    Math.max(SHORT_PAUSE_MILLIS, (System.nanoTime() - began) / 20_000_000));
            try {
                var operation = OperationAnswer.operation(operations.document(id, unknown));
                answered = System.nanoTime();
                unknown = "the backend forgot operation " + id
                        + ": it was restarted meanwhile, and the operation is lost";
                each.accept(operation);
                if (operation.percentage() >= NEARLY) pause = SHORT_PAUSE_MILLIS;
                if (operation.ended() || enough.test(operation)) return operation;
                if (answered > deadline) throw late(operation);
            } catch (Problem problem) {
                if (problem.exit() != Exit.UNREACHABLE || System.nanoTime() - answered > AWAY.toNanos()) throw problem;
                away.accept(problem);
            }
            Threads.pause(pause, "interrupted while following operation " + id);
        }
    }

    private Problem late(Operation operation) {
        return Problem.failed("operation " + id + " did not end within " + Units.duration(timeout))
                .found(operation.words()).fix("jbang operations@ktrdr follow " + id);
    }
}
