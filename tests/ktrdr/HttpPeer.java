package ktrdr;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/** A server that says byte for byte what it is told to, HTTP or not: what a well-behaved one cannot be made to say. */
public final class HttpPeer implements AutoCloseable {
    /** What it does once it has read a request; the connection is kept where it answers true. */
    public interface Answers {
        boolean to(String head, OutputStream out) throws IOException;
    }

    private static final Pattern LENGTH = Pattern.compile("(?im)^content-length: *(\\d+)");
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<String> heads = new CopyOnWriteArrayList<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final Answers answers;

    HttpPeer(Answers answers) throws IOException {
        this.answers = answers;
        thread(this::accept);
    }

    /** One that says this to whoever asks, and hangs up. */
    public static HttpPeer saying(byte[] bytes) throws IOException {
        return new HttpPeer((head, out) -> {
            out.write(bytes);
            return false;
        });
    }

    public static HttpPeer saying(String text) throws IOException {
        return saying(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A whole answer with a body of JSON, as bytes. */
    public static byte[] whole(int status, byte[] body) {
        var answer = new ByteArrayOutputStream();
        answer.writeBytes(("HTTP/1.1 " + status + " Whatever\r\nContent-Type: application/json\r\nContent-Length: "
                + body.length + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
        answer.writeBytes(body);
        return answer.toByteArray();
    }

    String url(String path) {
        return "http://127.0.0.1:" + port() + path;
    }

    public int port() {
        return server.getLocalPort();
    }

    /** The heads of all requests so far. */
    public List<String> heads() {
        return List.copyOf(heads);
    }

    private static void thread(Runnable run) {
        var thread = new Thread(run, "peer");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                var socket = server.accept();
                socket.setTcpNoDelay(true);
                sockets.add(socket);
                thread(() -> serve(socket));
            }
        } catch (IOException closed) {
            // by close()
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            var in = socket.getInputStream();
            for (var head = head(in); !head.isEmpty(); head = head(in)) {
                heads.add(head);
                if (!answers.to(head, socket.getOutputStream())) return;
            }
        } catch (IOException hungUp) {
            // who asked has heard enough
        } finally {
            sockets.remove(socket);
        }
    }

    /** The head of a request, whose body is read with it; empty where there comes none any more. */
    private static String head(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
            int number = in.read();
            if (number < 0) return "";
            head.append((char) number);
        }
        var length = LENGTH.matcher(head);
        if (length.find()) in.readNBytes(Integer.parseInt(length.group(1)));
        return head.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (var socket : sockets) socket.close();
    }
}
