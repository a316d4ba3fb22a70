package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.Headers;
import okhttp3.Protocol;
import okio.Buffer;
import org.junit.jupiter.api.Test;
import standin.Backend;
import standin.Jaeger;

/** How the stand-ins send their spans to a collector. */
class StandinExporterTest {
    private static final String EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    private final HttpClient http = HttpClient.newHttpClient();

    private String get(int port, String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
                BodyHandlers.ofString()).body();
    }

    private static Backend backend(String endpoint, String... more) throws IOException {
        return StandinTracesTest.backend(endpoint, more);
    }

    @Test
    void sends_spans_in_batches_over_one_connection() throws Exception {
        for (var endpoint : List.of("http://127.0.0.1:%d/v1/traces", "127.0.0.1:%d")) {
            try (var collector = new MockWebServer()) {
                collector.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
                var taken = new MockResponse.Builder().body(new Buffer().write(new byte[5]))
                        .trailers(Headers.of("grpc-status", "0")).build();
                for (int i = 0; i < 30; i++) collector.enqueue(taken);
                collector.start();
                try (var backend = backend(endpoint.formatted(collector.getPort()), "OTEL_BSP_SCHEDULE_DELAY", "500")) {
                    for (int i = 0; i < 30; i++) get(backend.port(), "/" + i + ".");
                    for (var seen = ""; !seen.contains("/29."); ) {
                        var request = collector.takeRequest(5, TimeUnit.SECONDS);
                        assertEquals(EXPORT + " application/grpc trailers 0",
                                request.getTarget() + " " + request.getHeaders().get("content-type") + " "
                                        + request.getHeaders().get("te") + " " + request.getConnectionIndex());
                        seen = request.getBody().utf8();
                    }
                    assertTrue(collector.getRequestCount() < 15, collector.getRequestCount() + " requests");
                }
            }
        }
    }

    /** A frame of HTTP/2: its type, flags, stream and payload. */
    private record Frame(int type, int flags, int stream, byte[] bytes) {
        String words() {
            return type + " " + flags + " " + bytes.length;
        }

        static Frame read(DataInputStream in) throws IOException {
            int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
            int type = in.readUnsignedByte();
            int flags = in.readUnsignedByte();
            int stream = in.readInt();
            return new Frame(type, flags, stream, in.readNBytes(length));
        }

        static void write(DataOutputStream out, int type, int flags, int stream, Buffer bytes) throws IOException {
            out.writeByte(0);
            out.writeShort((int) bytes.size());
            out.writeByte(type);
            out.writeByte(flags);
            out.writeInt(stream);
            out.write(bytes.readByteArray());
        }
    }

    @Test
    void an_exporter_respects_the_flow_control_windows_and_pings() throws Exception {
        try (var server = new ServerSocket(0); var backend = backend("http://127.0.0.1:" + server.getLocalPort())) {
            get(backend.port(), "/" + "x".repeat(70_000));
            try (var socket = server.accept()) {
                var in = new DataInputStream(socket.getInputStream());
                var out = new DataOutputStream(socket.getOutputStream());
                assertEquals("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        new String(in.readNBytes(24), StandardCharsets.US_ASCII));
                assertEquals(4, Frame.read(in).type(), "SETTINGS");
                var headers = Frame.read(in);
                assertEquals(1, headers.type(), "HEADERS");
                sendsNoMoreThanTheWindow(socket, in);
                sendsAsMuchAsTheStreamMayHave(in, out, headers.stream());
                Frame.write(out, 1, 4, headers.stream(), new Buffer().writeByte(0x88));
                Frame.write(out, 0, 0, headers.stream(), new Buffer().write(new byte[5]));
                Frame.write(out, 1, 5, headers.stream(),
                        new Buffer().writeByte(0).writeByte(11).writeUtf8("grpc-status").writeByte(1).writeUtf8("0"));
                get(backend.port(), "/again");
                var next = Frame.read(in);
                assertEquals("8 0", next.type() + " " + next.stream(),
                        "what an answer took of the connection's window is given back");
                assertEquals(headers.stream() + 2, Frame.read(in).stream());
            }
        }
    }

    private static void sendsNoMoreThanTheWindow(Socket socket, DataInputStream in) throws IOException {
        int bytes = 0;
        while (bytes < 65_535) bytes += Frame.read(in).bytes().length;
        assertEquals(65_535, bytes);
        socket.setSoTimeout(200);
        assertThrows(SocketTimeoutException.class, in::read);
        socket.setSoTimeout(5_000);
    }

    private static void sendsAsMuchAsTheStreamMayHave(DataInputStream in, DataOutputStream out, int stream)
            throws IOException {
        // a thousand bytes more for each stream, and a large window for the connection
        Frame.write(out, 4, 0, 0, new Buffer().writeShort(4).writeInt(66_535));
        Frame.write(out, 6, 0, 0, new Buffer().writeUtf8("are you?"));
        Frame.write(out, 8, 0, 0, new Buffer().writeInt(100_000));
        assertEquals("4 1 0", Frame.read(in).words());
        var ping = Frame.read(in);
        assertEquals("6 1 8 are you?", ping.words() + " " + new String(ping.bytes(), StandardCharsets.US_ASCII));
        assertEquals("0 0 1000", Frame.read(in).words());
        Frame.write(out, 8, 0, stream, new Buffer().writeInt(100_000));
        assertEquals("0 1", Frame.read(in).words().substring(0, 3));
    }

    @Test
    void an_absent_collector_gets_its_spans_later_but_none_by_https() throws Exception {
        int port = Standins.freePort();
        try (var backend = backend("http://127.0.0.1:" + port); var deaf = backend("https://127.0.0.1:" + port)) {
            for (var path : List.of("/api/v1/health", "/api/v1/workers")) {
                get(deaf.port(), "/api/v1/operations");
                get(backend.port(), path);
                // the second time a new collector listens on the same port
                try (var jaeger = new Jaeger(0, port)) {
                    Wait.until(() -> get(jaeger.uiPort(), "/api/services/ktrdr-api/operations").contains("GET " + path),
                            () -> path + " is not traced");
                    assertFalse(get(jaeger.uiPort(), "/api/services/ktrdr-api/operations").contains("/operations"));
                }
            }
        }
    }

    @Test
    void the_last_spans_have_a_moment_to_leave() throws Exception {
        try (var jaeger = new Jaeger(0, 0)) {
            try (var backend = backend("http://127.0.0.1:" + jaeger.collectorPort(), "OTEL_BSP_SCHEDULE_DELAY",
                    "60000")) {
                get(backend.port(), "/api/v1/health");
            }
            var kept = get(jaeger.uiPort(), "/api/traces?service=ktrdr-api");
            assertTrue(kept.contains("{\"key\":\"http.status_code\",\"type\":\"int64\",\"value\":200}"), kept);
        }
    }
}
