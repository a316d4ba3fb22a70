package standin;

import static standin.Protobuf.BYTES;
import static standin.Protobuf.FIXED64;
import static standin.Protobuf.VARINT;
import static standin.Protobuf.fields;
import static standin.Protobuf.message;
import static standin.Protobuf.tag;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Spans in OTLP, an {@code ExportTraceServiceRequest}: only the fields that the stand-ins use, by their numbers in
 * {@code opentelemetry/proto/trace/v1/trace.proto}. In memory a span has the names of Jaeger's query API.
 */
final class Otlp {
    private static final HexFormat HEX = HexFormat.of();

    private Otlp() {}

    /** The request that exports these spans of a service. */
    static byte[] request(String service, List<Map<String, Object>> spans) {
        var scope = message(tag(2, BYTES), spans.stream().map(Otlp::span).toList());
        return message(tag(1, BYTES),
                message(tag(1, BYTES), message(tag(1, BYTES), attributes(Map.of("service.name", service))),
                        tag(2, BYTES), scope));
    }

    private static byte[] span(Map<String, Object> span) {
        long start = (long) span.get("startTime") * 1000;
        var parent = span.get("parentSpanID") instanceof String id ? HEX.parseHex(id) : List.of();
        return message(tag(1, BYTES), HEX.parseHex((String) span.get("traceID")), tag(2, BYTES),
                HEX.parseHex((String) span.get("spanID")), tag(4, BYTES), parent,
                tag(5, BYTES), span.get("operationName"), tag(7, FIXED64), start, tag(8, FIXED64),
                start + (long) span.get("duration") * 1000,
                tag(9, BYTES), attributes((Map<?, ?>) span.get("tags")));
    }

    private static List<byte[]> attributes(Map<?, ?> tags) {
        return tags.entrySet().stream().map(entry -> message(tag(1, BYTES), entry.getKey(), tag(2, BYTES),
                entry.getValue() instanceof Boolean flag ? message(tag(2, VARINT), flag ? 1L : 0L)
                        : entry.getValue() instanceof Number number ? message(tag(3, VARINT), number.longValue())
                        : message(tag(1, BYTES), String.valueOf(entry.getValue())))).toList();
    }

    /** The spans of a request; throws IllegalArgumentException if it is invalid. */
    static List<Map<String, Object>> spans(ByteBuffer request) {
        var spans = new ArrayList<Map<String, Object>>();
        try {
            for (var group : all(request, 1)) {
                // Jaeger's name for a service without a name
                Object service = "OTLPResourceNoServiceName";
                for (var resource : all(group, 1))
                    service = tags(all(resource, 1)).getOrDefault("service.name", service);
                for (var scope : all(group, 2))
                    for (var span : all(scope, 2)) spans.add(span(fields((ByteBuffer) span), service.toString()));
            }
            return spans;
        } catch (BufferUnderflowException | ClassCastException e) {
            throw new IllegalArgumentException("proto: unexpected EOF or wireType", e);
        }
    }

    private static Map<String, Object> span(Map<Integer, List<Object>> span, String service) {
        long start = (long) one(span, 7, 0L);
        return Json.map("traceID", hex(one(span, 1, null), 16), "spanID", hex(one(span, 2, null), 8),
                "parentSpanID", one(span, 4, null) instanceof ByteBuffer id && id.hasRemaining() ? hex(id, 8) : null,
                "operationName", text(one(span, 5, null)),
                "service", service, "startTime", start / 1000, "duration", ((long) one(span, 8, start) - start) / 1000,
                "tags", tags(span.getOrDefault(9, List.of())));
    }

    private static List<Object> all(Object message, int number) {
        return fields((ByteBuffer) message).getOrDefault(number, List.of());
    }

    /** The last one counts, as in protobuf. */
    private static Object one(Map<Integer, List<Object>> fields, int number, Object usual) {
        var all = fields.getOrDefault(number, List.of());
        return all.isEmpty() ? usual : all.get(all.size() - 1);
    }

    private static String hex(Object id, int length) {
        if (!(id instanceof ByteBuffer bytes) || bytes.remaining() != length)
            throw new IllegalArgumentException("invalid length for " + (length == 16 ? "TraceID" : "SpanID"));
        var copy = new byte[length];
        bytes.duplicate().get(copy);
        return HEX.formatHex(copy);
    }

    private static String text(Object bytes) {
        return bytes == null ? "" : StandardCharsets.UTF_8.decode(((ByteBuffer) bytes).duplicate()).toString();
    }

    private static Map<String, Object> tags(List<Object> attributes) {
        var tags = new LinkedHashMap<String, Object>();
        for (var attribute : attributes) {
            var pair = fields((ByteBuffer) attribute);
            var any = fields((ByteBuffer) one(pair, 2, ByteBuffer.allocate(0)));
            tags.put(text(one(pair, 1, null)), one(any, 2, null) instanceof Long flag ? flag != 0
                    : one(any, 3, null) instanceof Long number ? number : text(one(any, 1, null)));
        }
        return tags;
    }
}
