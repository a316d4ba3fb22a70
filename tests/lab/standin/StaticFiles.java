package standin;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * Stand-in for {@code python -m http.server PORT}: the files of a folder, a folder's index.html, 404 for what is not
 * there, and a line on standard error for each request (Python's docs, "http.server").
 */
public final class StaticFiles implements AutoCloseable {
    private static final Map<String, String> TYPES = Map.of("html", "text/html", "json", "application/json", "css",
            "text/css", "txt", "text/plain");
    private final HttpServer server;
    private final Path folder;

    public StaticFiles(Path folder, int port) throws IOException {
        this.folder = folder.toRealPath();
        server = HttpServer.create(new InetSocketAddress(port), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", this::answer);
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        var file = folder.resolve("." + exchange.getRequestURI().getPath()).normalize();
        if (Files.isDirectory(file)) file = file.resolve("index.html");
        boolean there = file.startsWith(folder) && Files.isRegularFile(file);
        var body = there ? Files.readAllBytes(file) : "File not found".getBytes(StandardCharsets.UTF_8);
        var ending = file.toString().replaceFirst(".*\\.", "");
        exchange.getResponseHeaders().set("Content-Type", there ? TYPES.getOrDefault(ending, "application/octet-stream")
                : "text/html;charset=utf-8");
        int status = there ? 200 : 404;
        System.err.println("\"" + exchange.getRequestMethod() + " " + exchange.getRequestURI() + " HTTP/1.1\" " + status
                + " -");
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : body.length == 0 ? -1 : body.length);
        try (var out = exchange.getResponseBody()) {
            if (!head) out.write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
