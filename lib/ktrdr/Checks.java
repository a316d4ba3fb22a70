package ktrdr;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import ktrdr.Inventory.Node;

/** What has to be true of a running KTRDR, asked over HTTP and ssh: the health gate of a deployment and the checks of verify. */
public final class Checks {
    private final Inventory inventory;
    private final Http http;
    private final Backend backend;

    public Checks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.http = http;
        this.backend = new Backend(inventory, http);
    }

    /** The containers of these services: running, and healthy where they have a health check. Pure. */
    public static List<Check> containers(Stack stack, List<String> services, List<Docker.Container> containers) {
        var node = stack.node().name();
        var checks = new ArrayList<Check>();
        for (var service : services) {
            var container = Docker.service(containers, service);
            checks.add(new Check(node + "." + service + ".container", node, container.map(Docker.Container::healthy).orElse(false),
                    "running, healthy", container.map(Docker.Container::state).orElse("no container"),
                    "on " + node + ": docker logs " + stack.container(service), 0));
        }
        return checks;
    }

    /** The health of these core services over HTTP, as a person would ask with curl. PostgreSQL has none: see {@link #database}. */
    public List<Check> core(List<String> services) {
        var checks = new ArrayList<Check>();
        if (services.contains("backend")) checks.add(health("backend", "/api/v1/health", "\"status\": \"ok\"",
                body -> body.path("status").asText().equals("ok"), body -> "ok, version " + body.path("version").asText()));
        if (services.contains("grafana")) checks.add(health("grafana", "/api/health", "\"database\": \"ok\"",
                body -> body.path("database").asText().equals("ok"), body -> "ok, version " + body.path("version").asText()));
        if (services.contains("jaeger")) checks.add(health("jaeger", "/api/services", "a list under \"data\"",
                body -> body.has("data"), body -> body.path("data").size() + " services traced"));
        if (services.contains("prometheus")) checks.add(health("prometheus", "/api/v1/status/buildinfo", "\"status\": \"success\"",
                body -> body.path("status").asText().equals("success"), body -> "version " + body.path("data").path("version").asText()));
        return checks;
    }

    private Check health(String service, String path, String expected, Predicate<JsonNode> good, Function<JsonNode, String> found) {
        var url = inventory.url(service) + path;
        var node = inventory.core().name();
        return Check.of(service + ".health", node, "GET " + url + " with " + expected, "on " + node + ": docker logs ktrdr-" + service, () -> {
            var body = http.json(url);
            if (!good.test(body)) throw Problem.failed("wrong answer").found(Console.brief(body.toString(), 200));
            return found.apply(body);
        });
    }

    /** A query that PostgreSQL answers, asked inside its container over its own socket. */
    public Check database(Ssh ssh) {
        var core = inventory.core().name();
        return Check.of("db.query", core, "PostgreSQL answers a query on database " + inventory.database().name(),
                "on " + core + ": docker logs ktrdr-db", () -> {
            var answer = ssh.run("docker exec ktrdr-db sh -c 'psql -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -Atqc \"show server_version\"'");
            if (!answer.ok()) throw Problem.failed("no answer").found(Console.brief(answer.err(), 200));
            return "PostgreSQL " + answer.out().strip();
        });
    }

    /** Each worker that the inventory runs on these nodes: registered under its URL, and available or busy. */
    public List<Check> workers(List<Node> nodes) {
        long started = System.nanoTime();
        try {
            return workers(inventory, nodes, backend.workers(), (System.nanoTime() - started) / 1e9);
        } catch (Problem problem) {
            return List.of(unknown(inventory, problem));
        }
    }

    /** The check that the backend tells who is registered, which it did not. */
    static Check unknown(Inventory inventory, Problem problem) {
        var core = inventory.core().name();
        return new Check("workers.list", core, false, "GET " + inventory.url("backend") + "/api/v1/workers answers",
                problem.details().getOrDefault("found", problem.sentence()), "on " + core + ": docker logs ktrdr-backend", 0);
    }

    static List<Check> workers(Inventory inventory, List<Node> nodes, List<Backend.Worker> registered, double seconds) {
        var checks = new ArrayList<Check>();
        for (var node : nodes)
            for (var worker : inventory.workersOf(node)) {
                var found = registered.stream().filter(one -> one.endpointUrl().equals(worker.endpointUrl())).toList();
                boolean ok = found.stream().anyMatch(one -> one.serving() && one.type().equals(worker.type()));
                checks.add(new Check(node.name() + "." + worker.name() + ".registered", node.name(), ok,
                        worker.type() + " worker at " + worker.endpointUrl() + ", available or busy", words(found),
                        "on " + node.name() + ": docker logs " + worker.name(), seconds));
            }
        return checks;
    }

    private static String words(List<Backend.Worker> found) {
        if (found.isEmpty()) return "not registered";
        return found.stream().map(worker -> worker.type() + ", " + worker.status()).distinct().collect(Collectors.joining("; "));
    }

    /** Every scrape target that the inventory makes Prometheus have: there, and up. */
    public List<Check> targets() {
        var core = inventory.core().name();
        var url = inventory.url("prometheus") + "/api/v1/targets?state=active";
        try {
            return targets(inventory, http.json(url));
        } catch (Problem problem) {
            return List.of(new Check("targets", core, false, "GET " + url + " answers",
                    problem.details().getOrDefault("found", problem.sentence()), "on " + core + ": docker logs ktrdr-prometheus", 0));
        }
    }

    static List<Check> targets(Inventory inventory, JsonNode answer) {
        var expected = new TreeMap<String, String>();
        expected.put("backend", inventory.core().name());
        for (var node : inventory.workers())
            for (var worker : inventory.workersOf(node)) expected.put(node.name() + " " + worker.name(), node.name());
        var active = StreamSupport.stream(answer.path("data").path("activeTargets").spliterator(), false)
                .collect(Collectors.toMap(Checks::targetName, target -> target, (first, second) -> second));
        var checks = new ArrayList<Check>();
        expected.forEach((name, node) -> checks.add(target(name, node, active.get(name))));
        return checks;
    }

    private static String targetName(JsonNode target) {
        var labels = target.path("labels");
        return (labels.path("job").asText() + " " + labels.path("worker").asText("")).strip();
    }

    private static Check target(String name, String node, JsonNode target) {
        boolean up = target != null && target.path("health").asText().equals("up");
        var found = target == null ? "Prometheus does not know it"
                : (target.path("health").asText() + " " + target.path("lastError").asText("")).strip();
        return new Check("target." + name.replace(' ', '.'), node, up, "a Prometheus target that is up", found,
                target == null ? "jbang deploy@ktrdr core prometheus" : "curl " + target.path("scrapeUrl").asText(), 0);
    }
}
