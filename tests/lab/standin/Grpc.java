package standin;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Unary gRPC calls, one after another, over one connection of HTTP/2 with prior knowledge. Handwritten, since loading a
 * library takes half as long as the start of a stand-in. The headers of an answer are not decoded: a message comes
 * before the trailers only if the status is OK.
 */
final class Grpc implements AutoCloseable {
    /** With SETTINGS that change nothing. */
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
            .getBytes(StandardCharsets.US_ASCII);
    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int ACK = 1;
    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;
    private static final int INITIAL_WINDOW_SIZE = 4;
    /** The defaults of every server. */
    private static final int MAX_FRAME = 16_384;
    private static final int WINDOW = 65_535;
    private static final int MILLIS = 10_000;
    private final String authority;
    private volatile Socket socket;
    private DataInputStream in;
    private OutputStream out;
    private int stream;
    private int initial;
    private long connectionWindow;
    private long streamWindow;
    private boolean answered;
    private boolean ended;

    /** @param authority such as {@code jaeger:4317} */
    Grpc(String authority) {
        this.authority = authority;
    }

    /** Throws IOException if there is no server, or for a status other than OK. */
    void call(String path, byte[] message) throws IOException {
        // the server may have closed it since the last call
        for (boolean used = socket != null;; used = false)
            try {
                send(path, message);
                break;
            } catch (IOException | RuntimeException e) {
                close();
                if (!used) throw e;
            }
        if (!answered) throw new IOException(authority + " refused " + path);
    }

    private void send(String path, byte[] message) throws IOException {
        if (socket == null) open();
        stream += 2;
        streamWindow = initial;
        answered = ended = false;
        var headers = new ByteArrayOutputStream();
        // from the static table: POST and http
        headers.writeBytes(new byte[] {(byte) 0x83, (byte) 0x86});
        var literal = List.of(":path", path, ":authority", authority, "te", "trailers", "content-type",
                "application/grpc");
        for (int i = 0; i < literal.size(); i++) {
            // neither name nor value is in a table
            if (i % 2 == 0) headers.write(0);
            headers.write(literal.get(i).length());
            headers.writeBytes(literal.get(i).getBytes(StandardCharsets.US_ASCII));
        }
        frame(HEADERS, END_HEADERS, stream, headers.toByteArray(), 0, headers.size());
        var body = ByteBuffer.allocate(5 + message.length).put((byte) 0).putInt(message.length).put(message).array();
        for (int at = 0; at < body.length && !ended;) {
            int length = (int) Math.min(Math.min(body.length - at, MAX_FRAME),
                    Math.min(connectionWindow, streamWindow));
            if (length > 0) {
                frame(DATA, at + length == body.length ? END_STREAM : 0, stream, body, at, length);
                at += length;
                connectionWindow -= length;
                streamWindow -= length;
            } else read();
        }
        while (!ended) read();
    }

    private void open() throws IOException {
        int colon = authority.lastIndexOf(':');
        if (colon < 0 || authority.length() > 126) throw new IOException("no host and port: " + authority);
        var opened = socket = new Socket();
        opened.connect(new InetSocketAddress(authority.substring(0, colon),
                Integer.parseInt(authority.substring(colon + 1))), MILLIS);
        opened.setSoTimeout(MILLIS);
        in = new DataInputStream(new BufferedInputStream(opened.getInputStream()));
        out = new BufferedOutputStream(opened.getOutputStream(), MAX_FRAME);
        stream = -1;
        connectionWindow = initial = WINDOW;
        out.write(PREFACE);
    }

    private void frame(int type, int flags, int id, byte[] bytes, int at, int length) throws IOException {
        out.write(ByteBuffer.allocate(9).putInt(length << 8 | type).put((byte) flags).putInt(id).array());
        out.write(bytes, at, length);
    }

    private void read() throws IOException {
        out.flush();
        int head = in.readInt();
        int flags = in.readUnsignedByte();
        int id = in.readInt();
        var bytes = new byte[head >>> 8];
        in.readFully(bytes);
        var payload = ByteBuffer.wrap(bytes);
        int type = head & 0xff;
        if (type == SETTINGS && (flags & ACK) == 0) {
            while (payload.hasRemaining()) {
                int setting = payload.getShort();
                int change = payload.getInt() - initial;
                if (setting != INITIAL_WINDOW_SIZE) continue;
                initial += change;
                streamWindow += change;
            }
            frame(SETTINGS, ACK, 0, bytes, 0, 0);
        } else if (type == PING && (flags & ACK) == 0) frame(PING, ACK, 0, bytes, 0, bytes.length);
        else if (type == WINDOW_UPDATE && id == 0) connectionWindow += payload.getInt();
        else if (type == DATA && bytes.length > 0)
            frame(WINDOW_UPDATE, 0, 0, ByteBuffer.allocate(4).putInt(bytes.length).array(), 0, 4);
        else if (type == GOAWAY && payload.getInt() < stream || type == RST_STREAM && id == stream)
            throw new IOException(authority + " ended the call");
        if (id != stream) return;
        if (type == WINDOW_UPDATE) streamWindow += payload.getInt();
        answered |= type == DATA;
        ended |= type <= HEADERS && (flags & END_STREAM) != 0;
    }

    @Override
    public void close() {
        try (var old = socket) {
            socket = null;
        } catch (IOException e) {
            // the connection is abandoned anyway
        }
    }
}
