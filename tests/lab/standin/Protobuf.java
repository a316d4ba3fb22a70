package standin;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Messages of protobuf without their schema: fields by number and wire type, as specified in
 * protobuf.dev/programming-guides/encoding.
 */
final class Protobuf {
    static final int VARINT = 0;
    static final int FIXED64 = 1;
    static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private Protobuf() {}

    /** The tag of a field. */
    static int tag(int number, int type) {
        return number << 3 | type;
    }

    /** A message of pairs: a tag, and a Long, a String, bytes, or a list of these for a repeated field. */
    static byte[] message(Object... pairs) {
        var out = new ByteArrayOutputStream();
        for (int i = 0; i < pairs.length; i += 2)
            for (var value : pairs[i + 1] instanceof List<?> many ? many : List.of(pairs[i + 1])) {
                int tag = (int) pairs[i];
                varint(out, tag);
                if ((tag & 7) == VARINT) varint(out, (long) value);
                else if ((tag & 7) == FIXED64)
                    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong((long) value).array());
                else {
                    var bytes = value instanceof String text ? text.getBytes(StandardCharsets.UTF_8) : (byte[]) value;
                    varint(out, bytes.length);
                    out.writeBytes(bytes);
                }
            }
        return out.toByteArray();
    }

    private static void varint(ByteArrayOutputStream out, long value) {
        for (; (value & ~0x7fL) != 0; value >>>= 7) out.write((int) value | 0x80);
        out.write((int) value);
    }

    /**
     * The values of each field, by its number: Long, or the bytes of a String or message. Throws
     * BufferUnderflowException or IllegalArgumentException.
     */
    static Map<Integer, List<Object>> fields(ByteBuffer message) {
        var in = message.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        var fields = new HashMap<Integer, List<Object>>();
        while (in.hasRemaining()) {
            long tag = varint(in);
            Object value = switch ((int) tag & 7) {
                case VARINT -> varint(in);
                case FIXED64 -> in.getLong();
                case FIXED32 -> (long) in.getInt();
                case BYTES -> cut(in, varint(in));
                default -> throw new IllegalArgumentException("proto: illegal wireType " + (tag & 7));
            };
            if (tag >>> 3 == 0) throw new IllegalArgumentException("proto: illegal tag 0");
            fields.computeIfAbsent((int) (tag >>> 3), any -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    private static ByteBuffer cut(ByteBuffer in, long length) {
        if (length < 0 || length > in.remaining()) throw new BufferUnderflowException();
        var part = in.slice(in.position(), (int) length);
        in.position(in.position() + (int) length);
        return part;
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte next = in.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) return value;
        }
        throw new IllegalArgumentException("proto: integer overflow");
    }
}
