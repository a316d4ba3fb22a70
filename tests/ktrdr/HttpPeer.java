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

/** A server that sends exact bytes, valid HTTP or not, for cases that a well-behaved server cannot produce. */
public final class HttpPeer implements AutoCloseable {
    /** Handles a request after reading it; returns true to keep the connection open. */
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

    /** A peer that sends these bytes to each client and closes the connection. */
    public static HttpPeer saying(byte[] bytes) throws IOException {
        return new HttpPeer((head, out) -> {
            out.write(bytes);
            return false;
        });
    }

    public static HttpPeer saying(String text) throws IOException {
        return saying(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A complete JSON response, as bytes. */
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

    /** The heads of all requests received so far. */
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
            // close() closed the server socket
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
            // the client closed the connection
        } finally {
            sockets.remove(socket);
        }
    }

    /** Reads one request including its body, and returns its head; empty at the end of the connection. */
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
