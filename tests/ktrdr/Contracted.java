package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import ktrdr.api.Backend;
import ktrdr.api.Jaeger;
import ktrdr.drain.WorkerStops;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.inventory.Place;
import ktrdr.node.Docker;
import ktrdr.release.DeployedScale;
import ktrdr.release.Stack;
import lab.Wait;
import lab.World;
import org.opentest4j.TestAbortedException;

/**
 * The KTRDR system that the contract tests use: the practice fleet, or the installation of {@link #INVENTORY}. Repeated
 * requests are sent once. The first test that needs a sample operation starts it, and cancels it before continuing.
 */
public final class Contracted implements AutoCloseable {
    /** The system property with the inventory of an installation other than the practice fleet. */
    public static final String INVENTORY = "ktrdr.contract.inventory";
    /** The system property that allows starting operations on that installation. */
    public static final String OPERATIONS = "ktrdr.contract.operations";
    static final Duration SOON = Duration.ofSeconds(20);
    private static final Map<String, String> PRACTICE = Map.of("strategy_name", "practice", "symbol", "AAPL",
            "timeframe", "1d",
            "start_date", "2024-01-01", "end_date", "2024-02-01", "model_path", "/mnt/ktrdr-shared/models/practice");
    /** Whether this is the practice fleet, which accepts any request. */
    private final boolean practice;
    private final boolean operations;
    final Inventory inventory;
    final Http http;
    private final Fleet fleet;
    private final Map<String, Object> once = new HashMap<>();

    /** The allowed requests. Only the practice fleet allows all of them. */
    enum Allowed { ANYTHING, OPERATIONS, LOOKING }

    Contracted(Path file, Allowed allowed) {
        practice = allowed == Allowed.ANYTHING;
        operations = allowed != Allowed.LOOKING;
        var read = Inventory.read(file);
        var asking = new Fleet(read, read.nodes(), new Console(Console.Color.never, false));
        inventory = DeployedScale.of(asking).inventory();
        fleet = asking.of(inventory, inventory.nodes());
        http = new Http(inventory.overrides(), Duration.ofSeconds(10));
    }

    /** The system selected for this run. */
    static Contracted open() {
        var given = System.getProperty(INVENTORY);
        if (given == null) return new Contracted(World.inventory(), Allowed.ANYTHING);
        return new Contracted(Path.of(given), Boolean.getBoolean(OPERATIONS) ? Allowed.OPERATIONS : Allowed.LOOKING);
    }

    /** A worker's answer to a request from inside its container. */
    record Said(int status, String redirect, String body) {
        JsonNode json() {
            return Json.parse(body, "the worker");
        }
    }

    /** All answers about an operation, from its start until after its cancellation. */
    record Course(Http.Answer started, String id, Instant began, JsonNode first, JsonNode later, JsonNode active,
            List<Backend.Worker> workers, String health, Http.Answer cancelled, JsonNode after, Http.Answer again) {}

    Http.Answer get(String path) {
        return http.get(inventory.url(Part.BACKEND) + path);
    }

    /** The "data" field of a list or an operation. */
    JsonNode data(String path) {
        return Http.json("GET " + path, get("/api/v1" + path)).path("data");
    }

    JsonNode workers() {
        return Http.json("GET /workers", get("/api/v1/workers"));
    }

    /** The answer to the body {@code {}}, which cannot start an operation. */
    Http.Answer emptyBody(String path) {
        operations();
        return http.post(inventory.url(Part.BACKEND) + "/api/v1" + path, Json.parse("{}", "nothing"));
    }

    Http.Answer delete(String id) {
        operations();
        return http.delete(inventory.url(Part.BACKEND) + "/api/v1/operations/" + id);
    }

    /** Aborts the test if operations are not allowed. */
    void operations() {
        if (!operations) throw new TestAbortedException("no operation is started without a yes");
    }

    @SuppressWarnings("unchecked")
    private <T> T once(String what, Supplier<T> ask) {
        var known = once.computeIfAbsent(what, any -> {
            try {
                return ask.get();
            } catch (RuntimeException | AssertionError e) {
                return e;
            }
        });
        if (known instanceof RuntimeException e) throw e;
        if (known instanceof Error e) throw e;
        return (T) known;
    }

    String metrics() {
        return once("metrics", () -> get("/metrics/").body());
    }

    Course dummy() {
        operations();
        return once("dummy", () -> course("/dummy/start", null, "data"));
    }

    Course backtest() {
        operations();
        var sample = inventory.sample();
        if (!practice && !sample.operation().equals("backtest"))
            throw new TestAbortedException("the inventory has no `sample: {operation: backtest, …}`");
        var course = once("backtest",
                () -> course("/backtests/start",
                        Json.parse(Json.line(practice ? PRACTICE : sample.body()), "the sample"), ""));
        if (!practice && course.health().isEmpty() && course.after().path("status").asText().equals("completed"))
            throw new TestAbortedException("the sample completed before it was seen on its worker");
        return course;
    }

    /** The backtest. Outside the practice fleet, aborts the test if it completed before its cancellation. */
    Course cancelledBacktest() {
        var course = backtest();
        if (!practice && course.after().path("status").asText().equals("completed"))
            throw new TestAbortedException("the sample completed before it was cancelled");
        return course;
    }

    private Course course(String path, JsonNode body, String under) {
        var began = Instant.now();
        var started = http.post(inventory.url(Part.BACKEND) + "/api/v1" + path, body);
        var document = Json.read(started.body())
                .orElseThrow(() -> new AssertionError("POST " + path + " answered " + started));
        var id = (under.isEmpty() ? document : document.path(under)).path("operation_id").asText();
        if (id.isEmpty())
            throw new AssertionError("POST " + path + " answered " + started.status() + " " + started.body());
        Http.Answer cancelled = null;
        try {
            var first = data("/operations/" + id);
            var later = until(() -> data("/operations/" + id), now -> !now.path("status").asText().equals("pending")
                    && (body != null || percentage(now) > percentage(first)));
            var active = data("/operations?active_only=true&limit=1000");
            var workers = until(() -> new Backend(inventory, http).workers(),
                    all -> body == null || all.stream().anyMatch(worker -> worker.operation().equals(id)));
            var health = workers.stream().filter(worker -> worker.operation().equals(id)).findFirst()
                    .flatMap(worker -> inventory.at(worker.endpointUrl()))
                    .map(this::health).orElse("");
            cancelled = delete(id);
            var after = until(() -> data("/operations/" + id),
                    now -> !now.path("status").asText().matches("pending|running"));
            return new Course(started, id, began, first, later, active, workers, health, cancelled, after, delete(id));
        } finally {
            if (cancelled == null) delete(id);
        }
    }

    static double percentage(JsonNode operation) {
        return operation.path("progress").path("percentage").asDouble(-1);
    }

    /** Repeats the request until the answer matches or the time is up, and returns the last answer. */
    static <T> T until(Supplier<T> ask, Predicate<T> enough) {
        long deadline = System.nanoTime() + SOON.toNanos();
        while (true) {
            var now = ask.get();
            if (enough.test(now) || System.nanoTime() > deadline) return now;
            Wait.millis(300);
        }
    }

    /** The operation that the worker reports, queried as the toolkit does. */
    String health(Place place) {
        var stack = Stack.of(inventory, place.node());
        return Facts.parse(fleet.ssh(place.node())
                .must(WorkerStops.question(stack::container, List.of(place.worker())))).under("health")
                .getOrDefault(place.worker().name(), "");
    }

    /** The backend's refusal when no worker is free: starts one backtest more than there are workers. */
    Http.Answer noWorker() {
        if (!practice) throw new TestAbortedException("it would take every worker; the practice fleet is asked for it");
        return once("none", () -> {
            var begun = new ArrayList<String>();
            try {
                while (true) {
                    var answer = http.post(inventory.url(Part.BACKEND) + "/api/v1/backtests/start",
                            Json.parse(Json.line(PRACTICE), "the sample"));
                    if (!answer.ok()) return answer;
                    begun.add(Json.parse(answer.body(), "the backend").path("operation_id").asText());
                    assertTrue(begun.size() < 30, "30 backtests were begun");
                }
            } finally {
                begun.forEach(this::delete);
            }
        });
    }

    /** The answer of each worker in the inventory to a path. */
    Map<Place, Said> each(String path) {
        return once("GET " + path, () -> {
            var all = new LinkedHashMap<Place, Said>();
            for (var node : inventory.workers()) {
                var script = new StringBuilder();
                for (var worker : inventory.workersOf(node))
                    script.append("printf '\\n@@ '; docker exec ")
                            .append(Sh.quote(Stack.of(inventory, node).container(worker.name())))
                            .append(" curl -sS -m 5 -w '\\n@ %{http_code} %{redirect_url}' ")
                            .append(Sh.quote("http://localhost:" + worker.port() + path)).append(" || :\n");
                var said = fleet.ssh(node).must(script.toString()).split("\n@@ ", -1);
                for (int i = 0; i < inventory.workersOf(node).size(); i++)
                    all.put(new Place(node, inventory.workersOf(node).get(i)), said(said[i + 1].strip()));
            }
            return all;
        });
    }

    private static Said said(String text) {
        int end = text.lastIndexOf("@ ");
        if (end < 0) return new Said(0, "", text);
        var words = text.substring(end + 2).split(" ", 2);
        return new Said(Integer.parseInt(words[0]), words.length > 1 ? words[1] : "", text.substring(0, end).strip());
    }

    /** The containers of a node by service, as Docker sees them. */
    List<Docker.Container> containers(Inventory.Node node) {
        return Docker.containers(fleet.ssh(node).must(Docker.containersOf(Stack.of(inventory, node).project())));
    }

    /** Fails with the found value. */
    static void holds(boolean holds, Object found) {
        assertTrue(holds, () -> "found " + found);
    }

    /** Asserts that each field is text. */
    static void text(JsonNode object, String... names) {
        for (var name : names) holds(object.path(name).isTextual(), name + " in " + object);
    }

    /** Asserts that each field exists; null is allowed. */
    static void has(JsonNode object, String... names) {
        for (var name : names) holds(object.has(name), "no " + name + " in " + object);
    }

    /** The detail of a refusal with this status. */
    static JsonNode detail(Http.Answer answer, int status) {
        assertEquals(status, answer.status(), answer::toString);
        var detail = Json.parse(answer.body(), "the backend").path("detail");
        holds(!detail.isMissingNode(), answer);
        return detail;
    }

    /** The names of the rejected fields. */
    static List<String> refused(Http.Answer answer) {
        assertEquals(422, answer.status(), answer::toString);
        var details = Json.parse(answer.body(), "the backend").path("error").path("details");
        holds(details.isArray() && details.size() > 0, answer);
        list(details).forEach(json -> text(json, "field", "message"));
        return list(details).stream().map(json -> json.path("field").asText()).toList();
    }

    /** Whether the metrics text has a series with this name and all these labels. */
    static boolean series(String text, String name, String... labels) {
        return text.lines().filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .anyMatch(line -> List.of(labels).stream()
                        .allMatch(label -> line.contains("{" + label + "=\"") || line.contains("," + label + "=\"")));
    }

    static List<JsonNode> list(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    Optional<Jaeger.Trace> trace(Course course, String path) {
        return until(() -> new Jaeger(inventory, http)
                .find(inventory.tracing().service(), course.id(), path, course.began()), Optional::isPresent);
    }

    @Override
    public void close() {
        http.close();
        fleet.close();
    }
}
