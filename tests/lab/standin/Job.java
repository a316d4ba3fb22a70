package standin;

import java.util.Map;

/** An operation on a stand-in {@link Worker}: it only waits for the requested time. */
final class Job {
    final String id;
    final String type;
    final String trace;
    final long millis;
    /** Of a training; a backtest has none. */
    final long epochs;
    private final long from;
    final Object parameters;
    /** Whether to write a file at the end; only tests use it, KTRDR has nothing like it. */
    final boolean noted;
    final long started = System.currentTimeMillis();
    volatile String status = "running";
    /** When SIGTERM ended it; otherwise 0. */
    volatile long saved;
    String error;
    Object result;

    /** @@ @param from the epochs that were done before */
    Job(Map<String, Object> body, long from) {
        this.from = from;
        id = String.valueOf(body.get("operation_id"));
        type = String.valueOf(body.getOrDefault("operation_type", "backtesting"));
        trace = String.valueOf(body.getOrDefault("trace", Traces.id(16)));
        epochs = number(body, "epochs", 0);
        millis = epochs > 0 ? Math.max(0, epochs - from) * number(body, "epoch_millis", 1000)
                : number(body, "millis", 8000);
        parameters = body.get("parameters");
        noted = Boolean.TRUE.equals(body.get("note"));
    }

    private static long number(Map<String, Object> body, String name, long usual) {
        return body.get(name) instanceof Number number ? number.longValue() : usual;
    }

    double percentage() {
        return status.equals("completed") ? 100
                : Math.min(99, (System.currentTimeMillis() - started) * 100.0 / Math.max(1, millis));
    }

    /** The finished epochs of a training. */
    long epoch() {
        return from + (System.currentTimeMillis() - started) * (epochs - from) / Math.max(1, millis);
    }

    /** Whether the worker reports it as its current operation. */
    boolean active(long linger) {
        return saved > 0 ? System.currentTimeMillis() - saved <= linger : status.equals("running");
    }

    String step() {
        return epochs > 0 ? "Epoch " + Math.min(epochs, epoch() + 1) + "/" + epochs : "Running";
    }
}
