package lab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import standin.Backend;
import standin.Pace;
import standin.Worker;

/**
 * Stand-ins that run in this process until the end of a test, with short intervals, and the requests of their tests.
 */
final class Standins implements AfterEachCallback {
    static final Pace QUICK = new Pace(50, 60_000, 50, 50, 1_500, 50, 20_000, 600, 50, 3_000, 50, 0, 0);
    /** Without these a backend does not start. */
    static final Map<String, String> SECRETS = Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET",
            "x".repeat(32));
    static final String BACKTEST =
            "{\"strategy_name\":\"s\",\"symbol\":\"AAPL\",\"timeframe\":\"1d\",\"start_date\":\"2024-01-01\","
                    + "\"end_date\":\"2024-02-01\","
            + "\"model_path\":\"/mnt/ktrdr-shared/models/s\"}";
    private final HttpClient http = HttpClient.newHttpClient();
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    /**
     * A port that nothing listens on. It is below those that systems give to connections and to servers without a port
     * of their own, so a test that runs at the same time does not get it before its own server does.
     */
    static int freePort() throws IOException {
        while (true) {
            try (var socket = new ServerSocket(ThreadLocalRandom.current().nextInt(20_000, 32_000))) {
                return socket.getLocalPort();
            } catch (BindException taken) {
                // try another one
            }
        }
    }

    @Override
    public void afterEach(ExtensionContext test) throws Exception {
        while (!running.isEmpty()) running.pop().close();
    }

    <T extends AutoCloseable> T run(T item) {
        running.push(item);
        return item;
    }

    Backend backend(int port, String... more) throws IOException {
        return run(new Backend(port, env(env(SECRETS, "KTRDR_VERSION", "sha-0123456"), more), QUICK));
    }

    /** A worker whose share has the model of {@link #BACKTEST}. */
    Worker worker(String type, int backend, Path share, String... more) throws IOException {
        return worker(type, 0, backend, share, more);
    }

    Worker worker(String type, int port, int backend, Path share, String... more) throws IOException {
        Files.writeString(Files.createDirectories(share.resolve("models/s")).resolve("metadata_v3.json"), "{}");
        return run(new Worker(type, port, env(Map.of("KTRDR_WORKER_ID", "one", "WORKER_HOSTNAME", "127.0.0.1",
                "KTRDR_API_CLIENT_BASE_URL", "http://127.0.0.1:" + backend + "/api/v1", "KTRDR_DATA_SHARED_MOUNT_PATH",
                share.toString(), "KTRDR_STANDIN_APP", share.toString()), more), QUICK));
    }

    private static Map<String, String> env(Map<String, String> base, String... more) {
        var env = new HashMap<>(base);
        for (int i = 0; i < more.length; i += 2) env.put(more[i], more[i + 1]);
        return env;
    }

    HttpResponse<String> send(String method, int port, String path, String body, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .method(method, BodyPublishers.ofString(body));
        if (headers.length > 0) request.headers(headers);
        return http.send(request.build(), BodyHandlers.ofString());
    }

    String get(int port, String path) throws Exception {
        return send("GET", port, path, "").body();
    }

    void await(int port, String path, String text) {
        Wait.until(() -> get(port, path).contains(text), () -> path + " never held " + text);
    }

    /** The text of a field, at any depth of an answer. */
    static String field(String body, String name) {
        var value = Pattern.compile("\"" + name + "\":\"([^\"]+)\"").matcher(body);
        assertTrue(value.find(), body);
        return value.group(1);
    }
}
