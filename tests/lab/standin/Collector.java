package standin;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Headers;
import okhttp3.Protocol;
import okio.Buffer;

/**
 * Jaeger's port for traces: OTLP over gRPC, and so only HTTP/2 with prior knowledge. Statuses and messages are those of
 * grpc-go, which the real one uses.
 */
final class Collector implements AutoCloseable {
    private static final String SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService";
    private static final int INVALID_ARGUMENT = 3;
    private static final int UNIMPLEMENTED = 12;
    private static final int INTERNAL = 13;
    private final MockWebServer server = new MockWebServer();
    private final Consumer<List<Map<String, Object>>> spans;

    Collector(int port, Consumer<List<Map<String, Object>>> spans) throws IOException {
        this.spans = spans;
        server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
                // otherwise it keeps each request for tests
                server.takeRequest(0, TimeUnit.SECONDS);
                return answer(request);
            }
        });
        try {
            server.start(InetAddress.getByName("0.0.0.0"), port);
        } catch (IOException e) {
            throw new IOException("cannot listen on port " + port + ": " + e.getMessage(), e);
        }
    }

    int port() {
        return server.getPort();
    }

    private MockResponse answer(RecordedRequest request) {
        var type = request.getHeaders().get("content-type");
        if (type == null || !type.matches("application/grpc([+;].*)?")) return refusal(415, INVALID_ARGUMENT,
                "invalid gRPC request content-type \"" + (type == null ? "" : type) + "\"");
        if (!request.getMethod().equals("POST")) return refusal(405, INTERNAL,
                "Received a HEADERS frame with :method \"" + request.getMethod() + "\" which should be POST");
        var path = request.getTarget();
        int slash = path.lastIndexOf('/');
        if (slash <= 0) return refusal(200, UNIMPLEMENTED, "malformed method name: \"" + path + "\"");
        var service = path.substring(1, slash);
        if (!service.equals(SERVICE)) return refusal(200, UNIMPLEMENTED, "unknown service " + service);
        if (!path.equals(Traces.EXPORT)) return refusal(200, UNIMPLEMENTED,
                "unknown method " + path.substring(slash + 1) + " for service " + service);
        try {
            spans.accept(Otlp.spans(message(request.getBody().asByteBuffer())));
        } catch (IllegalArgumentException e) {
            return refusal(200, INTERNAL, "grpc: error unmarshalling request: " + e.getMessage());
        }
        // an empty ExportTraceServiceResponse
        return new MockResponse.Builder().clearHeaders().addHeader("content-type", "application/grpc")
                .body(new Buffer().write(new byte[5])).removeHeader("Content-Length")
                .trailers(Headers.of("grpc-status", "0", "grpc-message", "")).build();
    }

    /** The one message of a unary call, without its frame. */
    private static ByteBuffer message(ByteBuffer body) {
        if (body.remaining() < 5) throw new IllegalArgumentException("unexpected EOF");
        if (body.get() != 0) throw new IllegalArgumentException("compressed flag set with identity or empty encoding");
        if (body.getInt() != body.remaining()) throw new IllegalArgumentException("unexpected EOF");
        return body;
    }

    /** A status without a message: trailers alone. */
    private static MockResponse refusal(int http, int status, String words) {
        return new MockResponse.Builder().clearHeaders().code(http).addHeader("content-type", "application/grpc")
                .addHeader("grpc-status", status).addHeaderLenient("grpc-message", words).build();
    }

    @Override
    public void close() {
        server.close();
    }
}
