package standin;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** A small HTTP server with routes, whose errors have FastAPI's shapes ({@code {"detail":…}}). */
final class Web implements AutoCloseable {
    /**
     * @@
     * @param template the route that matched, such as {@code /api/v1/workers/{id}}
     * @param id the value of {@code {id}}, or empty
     * @param trace id of the trace that the request's span belongs to
     * @param tags what the handler adds to the request's span
     */
    record Request(String method, String path, String template, String id, Map<String, String> query, String body,
            String authorization, String trace, Map<String, Object> tags) {
        Map<String, Object> json() {
            try {
                return Json.object(body);
            } catch (IllegalArgumentException e) {
                throw new Failure(422,
                        List.of(Json.map("type", "json_invalid", "loc", List.of("body"), "msg", e.getMessage())));
            }
        }
    }

    /** @@ @param body a String unchanged, anything else as JSON */
    record Reply(int status, Object body, Map<String, String> headers) {
        static Reply ok(Object body) {
            return new Reply(200, body, Map.of());
        }

        static Reply text(String type, String body) {
            return new Reply(200, body, Map.of("Content-Type", type));
        }

        static Reply detail(int status, Object detail) {
            return new Reply(status, Json.map("detail", detail), Map.of());
        }
    }

    /** Ends a request with {@code {"detail":…}}. */
    static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;
        final int status;
        final transient Object detail;

        Failure(int status, Object detail) {
            super(detail.toString(), null, false, false);
            this.status = status;
            this.detail = detail;
        }
    }

    interface Handler {
        Reply handle(Request request) throws Exception;
    }

    interface Observer {
        void after(Request request, int status, long startMicros, long micros);
    }

    private record Route(String method, String template, Handler handler) {
        /** The value of {@code {id}}: empty if the route has none, null if the path does not match. */
        String match(String path) {
            int at = template.indexOf("{id}");
            if (at < 0) return path.equals(template) ? "" : null;
            var tail = template.substring(at + 4);
            if (!path.startsWith(template.substring(0, at)) || !path.endsWith(tail)
                    || path.length() < at + tail.length()) return null;
            var id = path.substring(at, path.length() - tail.length());
            return id.isEmpty() || id.contains("/") ? null : id;
        }
    }

    private final List<Route> routes = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(Web::daemon);
    private final HttpServer server;
    private Observer observer = (request, status, start, micros) -> { };
    /** Called before each route; a reply ends the request. */
    private Handler gate = request -> null;

    Web(int port) throws IOException {
        try {
            server = HttpServer.create(new InetSocketAddress(port), 64);
        } catch (IOException e) {
            throw new IOException("cannot listen on port " + port + ": " + e.getMessage(), e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::serve);
    }

    static {
        // like uvicorn's --timeout-keep-alive: seconds that a connection may idle
        System.setProperty("sun.net.httpserver.idleInterval", "5");
        // milliseconds between two checks for idle connections: ten seconds by default
        System.setProperty("sun.net.httpserver.clockTick", "250");
    }

    static Thread daemon(Runnable work) {
        var thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    /** The first route that matches wins. */
    Web on(String method, String template, Handler handler) {
        routes.add(new Route(method, template, handler));
        return this;
    }

    /** Each route, such as "GET /api/v1/workers/{id}". */
    List<String> routes() {
        return routes.stream().map(route -> route.method() + " " + route.template()).toList();
    }

    Web observer(Observer observer) {
        this.observer = observer;
        return this;
    }

    Web gate(Handler gate) {
        this.gate = gate;
        return this;
    }

    /**
     * Prometheus' text at one of these paths; the other redirects to it: FastAPI redirects /metrics to a mounted
     * application, and /metrics/ to a route.
     */
    Web metrics(String path, Metrics metrics) {
        on("GET", path.equals("/metrics") ? "/metrics/" : "/metrics",
                request -> new Reply(307, "", Map.of("Location", path)));
        return on("GET", path, request -> Reply.text("text/plain; version=0.0.4; charset=utf-8", metrics.text()));
    }

    Web start() {
        server.start();
        return this;
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** The route of a request, or the reason why there is none. */
    private record Found(Route route, String id, boolean otherMethod) {
        String template() {
            return route == null ? "unmatched" : route.template();
        }
    }

    private Found find(String method, String path) {
        boolean otherMethod = false;
        for (var route : routes) {
            var match = route.match(path);
            if (match != null && route.method().equals(method)) return new Found(route, match, otherMethod);
            otherMethod |= match != null;
        }
        return new Found(null, "", otherMethod);
    }

    private void serve(HttpExchange exchange) throws IOException {
        long start = System.currentTimeMillis() * 1000;
        long nanos = System.nanoTime();
        try (exchange) {
            var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            var method = exchange.getRequestMethod().equals("HEAD") ? "GET" : exchange.getRequestMethod();
            var path = exchange.getRequestURI().getPath();
            var found = find(method, path);
            var request = new Request(method, path, found.template(), found.id(),
                    query(exchange.getRequestURI().getRawQuery()),
                    body, exchange.getRequestHeaders().getFirst("Authorization"), Traces.id(16), new LinkedHashMap<>());
            var reply = reply(request, found);
            // before the answer: a client that has it may ask for metrics at once
            observer.after(request, reply.status(), start, (System.nanoTime() - nanos) / 1000);
            answer(exchange, reply);
        }
    }

    private Reply reply(Request request, Found found) {
        try {
            var reply = gate.handle(request);
            if (reply == null && found.route() != null) reply = found.route().handler().handle(request);
            if (reply != null) return reply;
            return found.otherMethod() ? Reply.detail(405, "Method Not Allowed") : Reply.detail(404, "Not Found");
        } catch (Failure e) {
            return e.detail instanceof List<?> fields ? invalid(fields) : Reply.detail(e.status, e.detail);
        } catch (Exception e) {
            System.err.println("ERROR: " + request.method() + " " + request.template() + ": " + e);
            return new Reply(500, Json.map("success", false, "error",
                    Json.map("code", "INTERNAL_SERVER_ERROR", "message", "An unexpected error occurred", "details",
                            Map.of())), Map.of());
        }
    }

    /** An invalid request, in KTRDR's own form. */
    private static Reply invalid(List<?> fields) {
        var details = new ArrayList<>();
        for (var field : fields) {
            var map = (Map<?, ?>) field;
            var place = ((List<?>) map.get("loc")).stream().map(String::valueOf).collect(Collectors.joining(" -> "));
            details.add(Json.map("field", place, "message", map.get("msg"), "type", map.get("type")));
        }
        return new Reply(422, Json.map("success", false, "error",
                Json.map("code", "VALIDATION_ERROR", "message", "Request validation failed", "details", details)),
                Map.of());
    }

    private static void answer(HttpExchange exchange, Reply reply) throws IOException {
        boolean text = reply.body() instanceof String;
        var bytes = (text ? (String) reply.body() : Json.write(reply.body())).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", text ? "text/plain; charset=utf-8" : "application/json");
        reply.headers().forEach(exchange.getResponseHeaders()::set);
        boolean none = bytes.length == 0 || exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(reply.status(), none ? -1 : bytes.length);
        if (!none) exchange.getResponseBody().write(bytes);
    }

    private static Map<String, String> query(String raw) {
        var query = new HashMap<String, String>();
        for (var pair : (raw == null ? "" : raw).split("&")) {
            var parts = pair.split("=", 2);
            if (parts.length == 2) query.put(decode(parts[0]), decode(parts[1]));
        }
        return query;
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text;
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
