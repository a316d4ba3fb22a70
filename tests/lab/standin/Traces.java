package standin;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sends spans to the Jaeger stand-in as small JSON objects by plain HTTP. A stand-in for KTRDR's exporter, which speaks
 * OTLP over gRPC to the same port: here only that spans arrive is copied, and that a collector that is away does no harm.
 */
final class Traces implements AutoCloseable {
    private final BlockingQueue<Map<String, Object>> waiting = new ArrayBlockingQueue<>(500);
    private final AtomicInteger unsent = new AtomicInteger();
    private final Client client = new Client();
    private final String service;
    private final Thread sender;

    /** @param endpoint such as {@code http://jaeger:4317}; blank or null to send nothing */
    Traces(String service, String endpoint) {
        this.service = service;
        if (endpoint == null || endpoint.isBlank()) {
            sender = null;
            return;
        }
        sender = Web.daemon(() -> send(endpoint.strip().replaceFirst("/+$", "") + "/spans"));
        sender.start();
    }

    /** So many hexadecimal bytes: 16 for a trace, 8 for a span. */
    static String id(int bytes) {
        var out = new StringBuilder();
        for (int i = 0; i < bytes; i++) out.append("%02x".formatted(ThreadLocalRandom.current().nextInt(256)));
        return out.toString();
    }

    /** Returns the span's id. It is dropped when too many wait already. */
    String span(String trace, String parent, String operation, long startMicros, long micros, Map<String, ?> tags) {
        var id = id(8);
        if (sender != null && waiting.offer(Json.map("traceID", trace, "spanID", id, "parentSpanID", parent, "operationName", operation,
                "service", service, "startTime", startMicros, "duration", micros, "tags", tags))) unsent.incrementAndGet();
        return id;
    }

    /** The span of a request. */
    void request(Web.Request request, int status, long startMicros, long micros) {
        var tags = Json.map("http.method", request.method(), "http.target", request.path(), "http.status_code", status);
        tags.putAll(request.tags());
        span(request.trace(), null, request.method() + " " + request.template(), startMicros, micros, tags);
    }

    private void send(String url) {
        try {
            while (true) {
                var span = waiting.take();
                try {
                    client.post(url, span);
                } catch (IOException e) {
                    // a collector that is away must not be hammered
                    Thread.sleep(1000);
                } finally {
                    unsent.decrementAndGet();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives the last spans a moment to leave. */
    @Override
    public void close() {
        if (sender == null) return;
        try {
            for (int i = 0; i < 30 && unsent.get() > 0; i++) Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sender.interrupt();
    }
}
