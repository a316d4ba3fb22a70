package standin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Exports spans by OTLP over gRPC, in batches, like the real exporter: what a collector does not accept is retried for
 * a while and then dropped, and so is what exceeds the queue's bound.
 */
final class Traces implements AutoCloseable {
    static final String EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    private static final int QUEUE = 2048;
    private static final int BATCH = 512;
    /** The real one's is 5000; here tests do not have to wait for a trace. */
    private static final String DELAY = "200";
    private static final long BACKOFF_MILLIS = 1000;
    private static final long LONGEST_MILLIS = 4000;
    private static final long LAST_MILLIS = 500;
    /** Wakes threads that wait for a span. */
    private static final Map<String, Object> END = Map.of();
    private final BlockingQueue<Map<String, Object>> waiting = new ArrayBlockingQueue<>(QUEUE);
    private final CountDownLatch closing = new CountDownLatch(1);
    private final String service;
    private final long delay;
    private final Grpc collector;
    private final Thread sender;

    /**
     * @@
     * @param env whose KTRDR_OTEL_OTLP_ENDPOINT is such as {@code http://jaeger:4317}; without it nothing is sent
     */
    Traces(String service, Map<String, String> env) {
        this.service = service;
        delay = Long.parseLong(env.getOrDefault("OTEL_BSP_SCHEDULE_DELAY", DELAY));
        var endpoint = env.getOrDefault("KTRDR_OTEL_OTLP_ENDPOINT", env.getOrDefault("OTLP_ENDPOINT", "")).strip();
        // only host and port of a URL
        collector = new Grpc(endpoint.replaceFirst("^[A-Za-z]+://([^/?#]+).*", "$1"));
        // https would mean TLS, which no collector of the fleet supports
        sender = endpoint.isEmpty() || endpoint.startsWith("https:") ? null : Web.daemon(this::send);
        if (sender != null) sender.start();
    }

    /** This many random bytes in hexadecimal: 16 for a trace, 8 for a span. */
    static String id(int bytes) {
        var id = new byte[bytes];
        ThreadLocalRandom.current().nextBytes(id);
        return HexFormat.of().formatHex(id);
    }

    /** Returns the span's id. The span is dropped when too many are queued. */
    String span(String trace, String parent, String operation, long startMicros, long micros, Map<String, ?> tags) {
        var id = id(8);
        if (sender != null)
            waiting.offer(Json.map("traceID", trace, "spanID", id, "parentSpanID", parent, "operationName", operation,
                    "startTime", startMicros, "duration", micros, "tags", tags));
        return id;
    }

    /** The span of a request. */
    void request(Web.Request request, int status, long startMicros, long micros) {
        var tags = Json.map("http.method", request.method(), "http.target", request.path(), "http.status_code", status);
        tags.putAll(request.tags());
        span(request.trace(), null, request.method() + " " + request.template(), startMicros, micros, tags);
    }

    private void send() {
        var batch = new ArrayList<Map<String, Object>>();
        try {
            do {
                batch.add(waiting.take());
                closing.await(delay, TimeUnit.MILLISECONDS);
                waiting.drainTo(batch, BATCH - 1);
                batch.remove(END);
                if (!batch.isEmpty()) export(Otlp.request(service, batch));
                batch.clear();
            } while (closing.getCount() > 0 || !waiting.isEmpty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void export(byte[] request) throws InterruptedException {
        for (long pause = BACKOFF_MILLIS; pause <= LONGEST_MILLIS; pause *= 2)
            try {
                collector.call(EXPORT, request);
                return;
            } catch (IOException | RuntimeException e) {
                if (closing.await(pause, TimeUnit.MILLISECONDS)) return;
            }
    }

    /** Gives the last spans a moment to be sent. */
    @Override
    public void close() {
        closing.countDown();
        waiting.offer(END);
        try {
            if (sender != null) sender.join(LAST_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        collector.close();
    }
}
