package standin;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Stand-in for {@code grafana/grafana}: copies its health, basic login of admin, anonymous viewing, data sources
 * provisioned from files read once at start, and dashboards. As there, an anonymous viewer may see dashboards and
 * {@code /api/frontend/settings} but not {@code /api/datasources}. It draws nothing; from {@code /api/ds/query} it
 * forwards only instant queries to Prometheus.
 */
public final class Grafana implements AutoCloseable {
    private static final String VERSION = "11.0.0-standin";
    private static final String USER = "admin";

    private record Dashboard(String uid, String title, Map<String, Object> model) {}

    private final String login;
    private final boolean anonymous;
    private final Path dashboards;
    private final List<Map<String, Object>> sources;
    private final Client client = new Client();
    private final Web web;

    public Grafana(int port, Map<String, String> env) throws IOException {
        this(port, env, Path.of("/etc/grafana/provisioning/datasources"), Path.of("/var/lib/grafana/dashboards"));
    }

    public Grafana(int port, Map<String, String> env, Path datasources, Path dashboards) throws IOException {
        var password = env.getOrDefault("GF_SECURITY_ADMIN_PASSWORD", "");
        login = "Basic " + Base64.getEncoder()
                .encodeToString((USER + ":" + (password.isEmpty() ? USER : password)).getBytes(StandardCharsets.UTF_8));
        anonymous = "true".equalsIgnoreCase(env.get("GF_AUTH_ANONYMOUS_ENABLED"));
        this.dashboards = dashboards;
        sources = sources(datasources);
        web = new Web(port)
                .gate(request -> request.authorization() != null && !admin(request)
                        ? message(401, "Invalid username or password") : null)
                .on("GET", "/", request -> page())
                .on("GET", "/login", request -> page())
                // the real one answers with exactly this spacing
                .on("GET", "/api/health", request -> Web.Reply.text("application/json; charset=UTF-8",
                        "{\n  \"commit\": \"standin\",\n  \"database\": \"ok\",\n  \"version\": \"" + VERSION
                                + "\"\n}"))
                .on("GET", "/api/datasources", request -> forAdmin(request, Web.Reply.ok(sources)))
                .on("GET", "/api/datasources/uid/{id}", request -> forAdmin(request, source(request.id())))
                .on("GET", "/api/frontend/settings", request -> forViewer(request, settings()))
                .on("POST", "/api/ds/query", request -> forViewer(request, query(request.json())))
                .on("GET", "/api/search", request -> forViewer(request, search(request.query())))
                .on("GET", "/api/dashboards/uid/{id}", request -> forViewer(request, dashboard(request.id())))
                .start();
    }

    public int port() {
        return web.port();
    }

    private boolean admin(Web.Request request) {
        return login.equals(request.authorization());
    }

    private static Web.Reply page() {
        return Web.Reply.text("text/html; charset=utf-8",
                "<!doctype html><title>Grafana</title><p>A stand-in for Grafana in the practice fleet.\n");
    }

    private static Web.Reply message(int status, String message) {
        return new Web.Reply(status, Json.map("message", message), Map.of());
    }

    private Web.Reply forAdmin(Web.Request request, Web.Reply reply) {
        if (admin(request)) return reply;
        return anonymous ? message(403,
                "You'll need additional permissions to perform this action. Permissions needed: datasources:read")
                : message(401, "Unauthorized");
    }

    private Web.Reply forViewer(Web.Request request, Web.Reply reply) {
        return anonymous || admin(request) ? reply : message(401, "Unauthorized");
    }

    private Web.Reply source(String uid) {
        return sources.stream().filter(source -> uid.equals(source.get("uid"))).findFirst().map(Web.Reply::ok)
                .orElseGet(() -> message(404, "Data source not found"));
    }

    private Web.Reply settings() {
        var byName = new LinkedHashMap<String, Object>();
        sources.forEach(source -> byName.put((String) source.get("name"),
                Json.map("id", source.get("id"), "uid", source.get("uid"), "type", source.get("type"), "name",
                        source.get("name"), "isDefault", source.get("isDefault"))));
        return Web.Reply.ok(Json.map("datasources", byName, "buildInfo", Json.map("version", VERSION)));
    }

    private static List<Map<String, Object>> sources(Path folder) throws IOException {
        var read = new ArrayList<Map<String, String>>();
        for (var file : files(folder, ".yml", ".yaml")) read.addAll(items(Files.readAllLines(file)));
        var sources = new ArrayList<Map<String, Object>>();
        for (var item : read) sources.add(source(sources.size() + 1, item));
        return List.copyOf(sources);
    }

    /**
     * Parses line by line, which is enough for KTRDR's plain files: one {@code name: value} per line, {@code - } before
     * the first of an item.
     */
    private static List<Map<String, String>> items(List<String> lines) {
        var items = new ArrayList<Map<String, String>>();
        boolean inside = false;
        for (var line : lines) {
            var text = line.replaceFirst("(^|\\s)#.*", "").stripTrailing();
            if (text.isBlank()) continue;
            if (!text.startsWith(" ") && !text.startsWith("-")) {
                inside = text.equals("datasources:");
                continue;
            }
            if (!inside) continue;
            var entry = text.strip();
            if (entry.startsWith("- ")) {
                items.add(new LinkedHashMap<>());
                entry = entry.substring(2).strip();
            }
            var pair = entry.split(":\\s+", 2);
            // nested blocks, such as jsonData, are ignored
            if (pair.length == 2 && !items.isEmpty()) items.get(items.size() - 1)
                    .putIfAbsent(pair[0], pair[1].strip().replaceAll("^([\"'])(.*)\\1$", "$2"));
        }
        return items;
    }

    private static Map<String, Object> source(int id, Map<String, String> item) {
        var name = item.getOrDefault("name", "");
        // without a fixed uid Grafana creates one, and dashboards do not find the source
        var uid = item.getOrDefault("uid", "P%015X".formatted(name.hashCode() & 0xffffffffL));
        return Json.map("id", id, "uid", uid, "orgId", 1, "name", name, "type", item.getOrDefault("type", ""),
                "typeName", item.getOrDefault("type", ""), "access", item.getOrDefault("access", "proxy"),
                "url", item.getOrDefault("url", ""), "user", "", "database", "", "basicAuth", false,
                "isDefault", Boolean.valueOf(item.get("isDefault")), "jsonData", Map.of(),
                "readOnly", !Boolean.parseBoolean(item.get("editable")));
    }

    private static List<Path> files(Path folder, String... endings) throws IOException {
        if (!Files.isDirectory(folder)) return List.of();
        try (var found = Files.walk(folder)) {
            return found.filter(file -> List.of(endings).stream().anyMatch(file.toString()::endsWith))
                    .filter(Files::isRegularFile).sorted().toList();
        }
    }

    private List<Dashboard> read() throws IOException {
        var all = new ArrayList<Dashboard>();
        for (var file : files(dashboards, ".json")) {
            try {
                var model = Json.object(Files.readString(file));
                all.add(new Dashboard(String.valueOf(model.get("uid")), String.valueOf(model.get("title")), model));
            } catch (RuntimeException e) {
                // like the real one: logs the error and serves the others
                System.err.println("ERROR: dashboard " + file.getFileName() + ": " + e.getMessage());
            }
        }
        return all;
    }

    private Web.Reply search(Map<String, String> query) throws IOException {
        var found = new ArrayList<>();
        if (query.getOrDefault("type", "dash-db").equals("dash-db"))
            for (var dashboard : read())
                if (dashboard.title().toLowerCase().contains(query.getOrDefault("query", "").toLowerCase()))
                    found.add(Json.map("id", found.size() + 1, "uid", dashboard.uid(), "title", dashboard.title(),
                            "uri", "db/" + slug(dashboard), "url", "/d/" + dashboard.uid() + "/" + slug(dashboard),
                            "type", "dash-db", "tags", dashboard.model().getOrDefault("tags", List.of()), "isStarred",
                            false));
        return Web.Reply.ok(found);
    }

    /** Each query separately, as frames with a column of times and one of values for each series. */
    private Web.Reply query(Map<String, Object> body) {
        if (!(body.get("queries") instanceof List<?> queries)) return message(400, "no queries found");
        var results = new LinkedHashMap<String, Object>();
        int status = 200;
        for (var value : queries) {
            var query = (Map<?, ?>) value;
            try {
                results.put(String.valueOf(query.get("refId")), Json.map("status", 200, "frames", frames(query)));
            } catch (IOException | RuntimeException e) {
                status = 400;
                results.put(String.valueOf(query.get("refId")),
                        Json.map("status", 400, "error", String.valueOf(e.getMessage()), "frames", List.of()));
            }
        }
        return new Web.Reply(status, Json.map("results", results), Map.of());
    }

    private List<Object> frames(Map<?, ?> query) throws IOException {
        var uid = query.get("datasource") instanceof Map<?, ?> source ? source.get("uid") : null;
        var source = sources.stream().filter(any -> any.get("uid").equals(uid) && any.get("type").equals("prometheus"))
                .findFirst()
                .orElseThrow(() -> new IOException("data source not found"));
        var answer = client.get(source.get("url") + "/api/v1/query?query="
                + URLEncoder.encode(String.valueOf(query.get("expr")), StandardCharsets.UTF_8)).json();
        if (!(answer.get("data") instanceof Map<?, ?> data) || !(data.get("result") instanceof List<?> series))
            throw new IOException(String.valueOf(answer.get("error")));
        var frames = new ArrayList<>();
        for (var eachValue : series) {
            var labels = ((Map<?, ?>) eachValue).get("metric");
            var value = (List<?>) ((Map<?, ?>) eachValue).get("value");
            frames.add(Json.map("schema",
                    Json.map("refId", query.get("refId"), "fields", List.of(Json.map("name", "Time", "type", "time"),
                            Json.map("name", "Value", "type", "number", "labels", labels))),
                    "data", Json.map("values", List.of(List.of(value.get(0)), List.of(value.get(1))))));
        }
        return frames;
    }

    private static String slug(Dashboard dashboard) {
        return dashboard.title().toLowerCase().replaceAll("[^a-z0-9]+", "-");
    }

    private Web.Reply dashboard(String uid) throws IOException {
        for (var dashboard : read())
            if (dashboard.uid().equals(uid)) return Web.Reply.ok(Json.map("meta",
                    Json.map("type", "db", "slug", slug(dashboard), "url", "/d/" + uid + "/" + slug(dashboard),
                    "provisioned", true), "dashboard", dashboard.model()));
        return message(404, "Dashboard not found");
    }

    @Override
    public void close() {
        web.close();
    }
}
