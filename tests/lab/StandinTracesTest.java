package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okio.Buffer;
import okio.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Jaeger;
import standin.Pace;
import standin.Worker;

/** What the practice fleet's stand-ins count and trace, and what Jaeger's stand-in keeps. */
class StandinTracesTest {
    private static final Pace PACE = new Pace(50, 60_000, 50, 50, 1_500, 50, 600, 600, 50, 3_000, 50, 0, 0);
    private static final String EXCLUDED = "/health$,/metrics,:[0-9]+/$";
    private static final String EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    private final HttpClient http = HttpClient.newHttpClient();

    private String get(int port, String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
                BodyHandlers.ofString()).body();
    }

    private static Backend backend(Jaeger jaeger, String excluded) throws IOException {
        return backend("http://127.0.0.1:" + jaeger.collectorPort(), "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", excluded);
    }

    static Backend backend(String endpoint, String... more) throws IOException {
        var env = new HashMap<>(Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32),
                "KTRDR_OTEL_OTLP_ENDPOINT", endpoint));
        for (int i = 0; i < more.length; i += 2) env.put(more[i], more[i + 1]);
        return new Backend(0, env, PACE);
    }

    @Test
    void traces_and_counts_each_request_unless_it_is_excluded() throws Exception {
        for (var excluded : List.of("", EXCLUDED))
            try (var jaeger = new Jaeger(0, 0); var backend = backend(jaeger, excluded)) {
                for (var path : List.of("/", "/api/v1/health", "/metrics/", "/api/v1/operations"))
                    get(backend.port(), path);
                var operations = "/api/services/ktrdr-api/operations";
                Wait.until(() -> get(jaeger.uiPort(), operations).contains("GET /api/v1/operations"),
                        () -> "nothing was traced");
                var metrics = get(backend.port(), "/metrics/");
                assertTrue(metrics.contains("http_target=\"/api/v1/operations\""), metrics);
                for (var health : List.of("/api/v1/health", "/\"")) {
                    assertEquals(excluded.isEmpty(), get(jaeger.uiPort(), operations).contains("GET " + health),
                            health);
                    assertEquals(excluded.isEmpty(), metrics.contains("http_target=\"" + health), health);
                }
            }
    }

    @Test
    void an_operation_is_counted_and_timed_by_who_does_it(@TempDir Path app) throws Exception {
        Files.writeString(Files.createDirectories(app.resolve("models/s")).resolve("metadata_v3.json"), "{}");
        try (var jaeger = new Jaeger(0, 0); var backend = backend(jaeger, "");
                var worker = new Worker("backtesting", 0, Map.of("KTRDR_WORKER_ID", "one", "WORKER_HOSTNAME",
                        "127.0.0.1", "KTRDR_API_CLIENT_BASE_URL", "http://127.0.0.1:" + backend.port(),
                        "KTRDR_DATA_SHARED_MOUNT_PATH", app.toString(), "KTRDR_STANDIN_APP", app.toString()), PACE)) {
            var backtest = "{\"strategy_name\":\"s\",\"symbol\":\"AAPL\",\"timeframe\":\"1d\",\"start_date\":"
                    + "\"2024-01-01\",\"end_date\":\"2024-02-01\",\"model_path\":\"models/s\"}";
            for (var start : Map.of("/api/v1/backtests/start", backtest, "/api/v1/dummy/start", "").entrySet())
                http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + backend.port() + start.getKey()))
                        .POST(BodyPublishers.ofString(start.getValue())).build(), BodyHandlers.ofString());
            var places = Map.of("backtesting", List.of(worker.port(), "/metrics"), "dummy",
                    List.of(backend.port(), "/metrics/"));
            for (var type : places.keySet()) {
                var labels = "operation_type=\"" + type + "\",status=\"completed\"";
                Supplier<String> told = () -> said((int) places.get(type).get(0), (String) places.get(type).get(1));
                Wait.until(() -> told.get().contains("ktrdr_operations_total{" + labels + "} 1\n"), () -> told.get());
                assertTrue(told.get()
                        .contains("ktrdr_operation_duration_seconds_bucket{" + labels + ",le=\"5.0\"} 1\n"), told);
                var other = "operation_type=\"" + (type.equals("dummy") ? "backtesting" : "dummy");
                assertFalse(told.get().contains(other), told);
                assertTrue(told.get().contains("ktrdr_operations_active 0\n"), told);
            }
        }
    }

    private String said(int port, String path) {
        try {
            return get(port, path);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void jaeger_2_limits_its_traces_by_its_own_option_only() throws Exception {
        assertEquals(20, Jaeger.traces(
                List.of("--set=extensions.jaeger_storage.backends.some_storage.memory.max_traces=20")));
        assertEquals("unknown flag: --memory.max-traces=20",
                assertThrows(IllegalArgumentException.class, () -> Jaeger.traces(List.of("--memory.max-traces=20")))
                        .getMessage());
        assertTrue(assertThrows(IllegalArgumentException.class,
                () -> Jaeger.traces(List.of("--set=memory.max_traces=20"))).getMessage().endsWith("has invalid keys"));
        try (var jaeger = new Jaeger(0, 0, 2)) {
            for (int i = 1; i <= 3; i++) export(jaeger, exported(String.valueOf(i).repeat(32)));
            var kept = get(jaeger.uiPort(), "/api/traces?service=x");
            assertFalse(kept.contains("1".repeat(32)), kept);
            assertTrue(kept.contains("2".repeat(32)) && kept.contains("3".repeat(32)), kept);
        }
    }

    /** A span of a service x as OTLP has it in protobuf, with an attribute of each type. */
    private static Buffer exported(String trace) throws IOException {
        var attributes = new Buffer();
        field(attributes, 9, field(field(new Buffer(), 1, "text"), 2, field(new Buffer(), 1, "words")));
        field(attributes, 9,
                field(field(new Buffer(), 1, "number"), 2,
                        new Buffer().writeByte(3 << 3).writeByte(0xac).writeByte(0x02)));
        field(attributes, 9, field(field(new Buffer(), 1, "flag"), 2, new Buffer().writeByte(2 << 3).writeByte(1)));
        var span = field(field(field(field(new Buffer(), 1, ByteString.decodeHex(trace)), 2,
                ByteString.decodeHex("0123456789abcdef")), 4, ByteString.decodeHex("fedcba9876543210")), 5, "o")
                .writeByte(7 << 3 | 1).writeLongLe(5_000_000).writeByte(8 << 3 | 1).writeLongLe(9_000_000);
        span.writeAll(attributes);
        var resource = field(new Buffer(), 1,
                field(field(new Buffer(), 1, "service.name"), 2, field(new Buffer(), 1, "x")));
        return field(new Buffer(), 1, field(field(new Buffer(), 1, resource), 2, field(new Buffer(), 2, span)));
    }

    private static Buffer field(Buffer message, int number, Object value) {
        var bytes = value instanceof Buffer buffer ? buffer.readByteString() : value instanceof ByteString string
                ? string : ByteString.encodeUtf8((String) value);
        message.writeByte(number << 3 | 2);
        if (bytes.size() > 127) message.writeByte(bytes.size() & 0x7f | 0x80);
        return message.writeByte(bytes.size() > 127 ? bytes.size() >> 7 : bytes.size()).write(bytes);
    }

    private static String export(Jaeger jaeger, Buffer message) throws IOException {
        return export(jaeger, EXPORT, "application/grpc", new Buffer().writeByte(0).writeInt((int) message.size())
                .write(message.readByteString()));
    }

    /** The HTTP status of an answer, its length in bytes, and its grpc-status with the message. */
    private static String export(Jaeger jaeger, String method, String type, Buffer body) throws IOException {
        var client = new OkHttpClient.Builder().protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE)).build();
        var request = new Request.Builder().url("http://127.0.0.1:" + jaeger.collectorPort() + method)
                .header("te", "trailers").post(RequestBody.create(body.readByteArray(), MediaType.get(type))).build();
        try (var response = client.newCall(request).execute()) {
            assertEquals("application/grpc", response.header("content-type"));
            int bytes = response.body().bytes().length;
            // without a message the headers are the trailers
            var last = bytes == 0 ? response.headers() : response.trailers();
            return (response.code() + " " + bytes + " " + last.get("grpc-status") + " " + last.get("grpc-message"))
                    .strip();
        } finally {
            client.connectionPool().evictAll();
            client.dispatcher().executorService().shutdown();
        }
    }

    @Test
    void traces_come_by_otlp_over_grpc() throws Exception {
        try (var jaeger = new Jaeger(0, 0)) {
            assertEquals("200 5 0", export(jaeger, exported("ab".repeat(16))));
            var kept = get(jaeger.uiPort(), "/api/traces/" + "ab".repeat(16));
            for (var part : List.of("\"serviceName\":\"x\"", "\"operationName\":\"o\"",
                    "\"startTime\":5000,\"duration\":4000", "\"spanID\":\"0123456789abcdef\"",
                    "{\"refType\":\"CHILD_OF\",\"traceID\":\"" + "ab".repeat(16)
                            + "\",\"spanID\":\"fedcba9876543210\"}",
                    "{\"key\":\"text\",\"type\":\"string\",\"value\":\"words\"}",
                    "{\"key\":\"number\",\"type\":\"int64\",\"value\":300}",
                    "{\"key\":\"flag\",\"type\":\"bool\",\"value\":true}")) assertTrue(kept.contains(part),
                            () -> part + " of " + kept);
        }
    }

    @Test
    void the_collectors_port_answers_http_1_with_a_settings_frame() throws Exception {
        try (var jaeger = new Jaeger(0, 0); var socket = new Socket("127.0.0.1", jaeger.collectorPort())) {
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: jaeger:4317\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            socket.setSoTimeout(5_000);
            var said = socket.getInputStream().readAllBytes();
            assertEquals(4, said[3], "the type of its first frame");
            assertFalse(new String(said, StandardCharsets.ISO_8859_1).contains("HTTP"));
        }
    }

    @Test
    void the_collector_refuses_unknown_requests_with_grpc_statuses() throws Exception {
        try (var jaeger = new Jaeger(0, 0)) {
            var service = EXPORT.substring(1, EXPORT.lastIndexOf('/'));
            assertEquals("200 0 12 unknown method Import for service " + service,
                    export(jaeger, "/" + service + "/Import", "application/grpc", new Buffer()));
            assertEquals("200 0 12 unknown service grpc.health.v1.Health",
                    export(jaeger, "/grpc.health.v1.Health/Check", "application/grpc", new Buffer()));
            assertEquals("200 0 12 malformed method name: \"/spans\"",
                    export(jaeger, "/spans", "application/grpc", new Buffer()));
            assertEquals("415 0 3 invalid gRPC request content-type \"application/json; charset=utf-8\"",
                    export(jaeger, EXPORT, "application/json; charset=utf-8", new Buffer().writeUtf8("{}")));
            for (var none : List.of(new Buffer().writeUtf8("{\"spans\":[]}"), field(new Buffer(), 1, "cut"),
                    exported("ab".repeat(15)))) {
                var said = export(jaeger, none);
                assertTrue(said.startsWith("200 0 13 grpc: error unmarshalling request: "), said);
            }
            var unframed = export(jaeger, EXPORT, "application/grpc", exported("ab".repeat(16)));
            assertTrue(unframed.startsWith("200 0 13 "), unframed);
            assertFalse(get(jaeger.uiPort(), "/api/services").contains("\"x\""));
        }
    }
}
