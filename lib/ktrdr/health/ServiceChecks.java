package ktrdr.health;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.api.Backend;
import ktrdr.api.FiringAlert;
import ktrdr.api.WorkerRoster;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.Alerting;
import ktrdr.release.Schema;
import ktrdr.release.Stack;
import ktrdr.report.Check.Finding;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * What has to be true of a running KTRDR, asked over HTTP and ssh: the health gate of a deployment and the checks of
 * verify.
 */
public final class ServiceChecks {
    /** After so long the backend forgets a worker that does not answer, and a little more. */
    private static final Duration FORGOTTEN = Duration.ofSeconds(330);
    /** The backend asks each worker every few seconds, and notices one that is gone within this time. */
    private static final Duration NOTICED = Duration.ofMinutes(2);
    /** The command that asks the database for its version. */
    static final String QUERY = "docker exec " + Docker.DATABASE
            + " sh -c 'psql -w -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -Atqc \"show server_version\"'";
    /** Shell lines that ask, with {@code say} defined; see {@link #answered}. */
    public static final String SAY_QUERY = say(QUERY);
    /** What Prometheus says of a target that it has not asked yet. */
    public static final String NOT_ASKED = "unknown";
    public static final String NOT_KNOWN = "Prometheus does not know it";
    private static final String NOT_REGISTERED = "not registered";
    /** The job of the nodes' own figures. */
    private static final String EXPORTER = "node";
    private final Inventory inventory;
    private final Http http;
    private final Backend backend;

    public ServiceChecks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.http = http;
        this.backend = new Backend(inventory, http);
    }

    private static String say(String query) {
        return "if said=$(timeout 20 " + query
                + " 2>&1); then say database \"$said\"; else say no-database \"$said\"; fi\n";
    }

    /** The containers of these services: running, and healthy where they have a health check. Pure. */
    public static List<Check> containers(Stack stack, List<String> services, List<Docker.Container> containers) {
        var node = stack.node().name();
        var checks = new ArrayList<Check>();
        for (var service : services) {
            var container = Docker.service(containers, service);
            checks.add(new Check(CheckId.ofNode(node, service, "container"), node,
                    container.map(Docker.Container::healthy).orElse(false),
                    "running, healthy", container.map(Docker.Container::state).orElse("no container"),
                    container.map(eachContainer -> "on " + node + ": docker logs " + eachContainer.name())
                            .orElse(stack.deploy()), 0));
        }
        return checks;
    }

    /**
     * The health of these core services over HTTP, as a person would ask with curl. PostgreSQL has none: see
     * {@link #database}.
     */
    public List<Check> core(List<String> services) {
        var checks = new ArrayList<Check>();
        if (services.contains("backend")) checks.add(health("backend", "/api/v1/health", "\"status\": \"ok\"",
                body -> body.path("status").asText().equals("ok"),
                body -> "ok, version " + body.path("version").asText()));
        if (services.contains("grafana")) checks.add(health("grafana", "/api/health", "\"database\": \"ok\"",
                body -> body.path("database").asText().equals("ok"),
                body -> "ok, version " + body.path("version").asText()));
        if (services.contains("jaeger")) checks.add(health("jaeger", "/api/services", "a list under \"data\"",
                body -> body.has("data"), body -> body.path("data").size() + " services traced"));
        if (services.contains("prometheus")) checks.add(health("prometheus", "/api/v1/status/buildinfo",
                "\"status\": \"success\"",
                body -> body.path("status").asText().equals("success"),
                body -> "version " + body.path("data").path("version").asText()));
        if (services.contains(Alerting.SERVICE)) checks.add(answers(Alerting.SERVICE, "/-/healthy"));
        return checks;
    }

    /** The alerts that fire; empty where Prometheus does not tell. */
    public Optional<List<FiringAlert>> alerts() {
        try {
            return Optional.of(FiringAlert.firing(http.json(inventory.url("prometheus") + "/api/v1/alerts")));
        } catch (Problem silent) {
            return Optional.empty();
        }
    }

    /** That no critical alert fires: a check for each name and node that does. Pure. */
    public static List<Check> critical(Inventory inventory, List<FiringAlert> alerts) {
        var core = inventory.core().name();
        var nodes = inventory.nodes().stream().map(Node::name).toList();
        var checks = new LinkedHashMap<CheckId, Check>();
        alerts.stream().filter(FiringAlert::critical).forEach(alert -> {
            var node = nodes.contains(alert.node()) ? alert.node() : core;
            var id = CheckId.ofNode(node, "alert", alert.name());
            var before = checks.containsKey(id) ? checks.get(id).found() + "; " : "";
            checks.put(id, new Check(id, node, false, "no critical alert that fires",
                    before + alert.summary() + ", since " + alert.since(), "see " + alert.runbook(), 0));
        });
        return List.copyOf(checks.values());
    }

    /** Of a service that says so in a word and not in JSON. */
    private Check answers(String service, String path) {
        var url = inventory.url(service) + path;
        var node = inventory.core().name();
        return Check.of(CheckId.ofFleet(service, "health"), node, "GET " + url + " with status 200",
                "on " + node + ": docker logs " + Docker.ofCore(service), () -> {
                    var answer = http.get(url);
                    return answer.ok() ? Finding.good("ok")
                            : Finding.bad(answer.status() + " " + Console.brief(answer.body(), 200));
                });
    }

    private Check health(String service, String path, String expected, Predicate<JsonNode> good,
            Function<JsonNode, String> found) {
                var url = inventory.url(service) + path;
                var node = inventory.core().name();
                return Check.of(CheckId.ofFleet(service, "health"), node, "GET " + url + " with " + expected,
                        "on " + node + ": docker logs " + Docker.ofCore(service), () -> {
                            var body = http.json(url);
                            return good.test(body) ? Finding.good(found.apply(body))
                                    : Finding.bad(Console.brief(body.toString(), 200));
                        });
            }

    /** A query that PostgreSQL answers, asked inside its container over its own socket. */
    public Check database(Ssh ssh) {
        return database(() -> ssh.run(QUERY));
    }

    /**
     * The same, and of a database that answers whether it has the schema of the backend's release, where a backend is
     * there; in one round trip.
     */
    public List<Check> databaseAndSchema(Ssh ssh) {
        var core = inventory.core();
        // of the database that the inventory has, which need not be the one that the container was made with
        var query = QUERY.replace("\"$POSTGRES_DB\"", "\"$1\"") + " sh " + Sh.quote(inventory.database().name());
        var facts = Facts.parse(ssh.must(Facts.SAY + Sh.let("directory", core.directory()) + say(query) + """
                backend=$(docker inspect --format '{{.Image}} {{.Config.Image}}' BACKEND 2>/dev/null) || backend=
                say backend "$backend"
                """.replace("BACKEND", Docker.BACKEND) + Schema.question(inventory.database().name(),
                        List.of("\"${backend%% *}\""), false) + "say end yes\n"));
        var asked = database(() -> answered(facts));
        var backend = facts.get("backend").split(" ");
        var schema = Schema.parse(facts);
        var names = schema.database().names();
        if (names.absent()) return List.of(new Check(asked.what(), core.name(), false, asked.expected(), names.found(),
                names.fix(), asked.seconds()));
        if (!asked.ok() || backend.length < 2) return List.of(asked);
        return List.of(asked, schema.check(core.name(), backend[1].replaceFirst("^.*[:/]", "")));
    }

    /** What {@link #SAY_QUERY} said. */
    public static CommandResult answered(Facts facts) {
        var version = facts.get("database");
        return new CommandResult(version.isEmpty() ? 1 : 0, version, facts.get("no-database"));
    }

    /** The check of what that query answered. */
    public Check database(Supplier<CommandResult> query) {
        var core = inventory.core().name();
        var check = Check.of(CheckId.ofFleet("db", "query"), core,
                "PostgreSQL answers a query on database " + inventory.database().name(),
                "on " + core + ": docker logs " + Docker.DATABASE, () -> {
            var answer = query.get();
            return answer.ok() ? Finding.good("PostgreSQL " + answer.out().strip()) : Finding.bad(complaint(answer));
        });
        // there is no log of it then
        return check.ok() || !check.found().contains("No such container") ? check
                : new Check(check.what(), core, false, check.expected(), "there is no container " + Docker.DATABASE,
                "jbang deploy@ktrdr core db makes it, and gives one that was renamed its name back", check.seconds());
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
    public static Check unknown(Inventory inventory, Problem problem) {
        var core = inventory.core().name();
        return new Check(CheckId.ofFleet("workers", "list"), core, false,
                "GET " + inventory.url("backend") + "/api/v1/workers answers",
                problem.foundOrSentence(), "on " + core + ": docker logs " + Docker.BACKEND, 0);
    }

    /** A check for each worker of these nodes: whether the backend has it in its registry, and not as gone. */
    public static List<Check> workers(Inventory inventory, List<Node> nodes, List<Backend.Worker> registered,
            double seconds) {
                var checks = new ArrayList<Check>();
                for (var node : nodes)
                    for (var worker : inventory.workersOf(node)) {
                        var found = registered.stream()
                                .filter(eachWorker -> eachWorker.endpointUrl().equals(worker.endpointUrl())).toList();
                        boolean ok = found.stream()
                                .anyMatch(eachWorker -> eachWorker.serving()
                                        && eachWorker.type().equals(worker.type()));
                        checks.add(new Check(registered(node, worker.name()), node.name(), ok,
                                worker.type() + " worker at " + worker.endpointUrl() + ", available or busy",
                                words(found),
                                "on " + node.name() + ": docker logs " + worker.name(), seconds));
                    }
                return checks;
            }

    /**
     * Of these nodes each worker that is to have a GPU: that it has one, by what it said of itself as it registered.
     */
    public List<Check> gpus(List<Node> nodes) {
        return nodes.stream().noneMatch(node -> node.running().gpu()) ? List.of()
                : gpus(inventory, nodes, backend.workers());
    }

    /** A check for each worker of these nodes that is to have a GPU: whether it tells the backend of one. */
    public static List<Check> gpus(Inventory inventory, List<Node> nodes, List<Backend.Worker> registered) {
        var checks = new ArrayList<Check>();
        for (var node : nodes)
            for (var worker : inventory.workersOf(node).stream().filter(Inventory.Worker::gpu).toList()) {
                var here = registered.stream()
                        .filter(eachWorker -> eachWorker.endpointUrl().equals(worker.endpointUrl())
                                && eachWorker.serving()).toList();
                var has = here.stream().map(Backend.Worker::gpu).filter(gpu -> !gpu.isEmpty()).findFirst();
                checks.add(new Check(CheckId.ofNode(node, worker.name(), "gpu"), node.name(), has.isPresent(),
                        "a GPU, by its capabilities in GET " + inventory.url("backend") + "/api/v1/workers",
                        has.orElse(here.isEmpty() ? NOT_REGISTERED : "none: it trains on the CPU"),
                        "on " + node.name() + ": docker exec " + worker.name() + " nvidia-smi; its image, "
                        + inventory.workerImage(node) + ", has to be one with CUDA; then jbang restart@ktrdr workers "
                                + node.id(), 0));
            }
        return checks;
    }

    /** The id of the check that a worker is registered. */
    public static CheckId registered(Node node, String worker) {
        return CheckId.ofNode(node, worker, "registered");
    }

    /** Whether the check says of a worker that the backend does not know it. */
    public static boolean lost(Check check) {
        return check.what().is("registered") && check.found().equals(NOT_REGISTERED);
    }

    /**
     * That nobody is registered beside the workers of the inventory. A worker that was replaced, or that was scaled
     * away, is forgotten by the backend by itself, and until then no mistake: see {@link WorkerRoster}.
     */
    public static List<Check> extras(Inventory inventory, List<Backend.Worker> registered, Instant now,
            Predicate<String> gone) {
                var roster = WorkerRoster.of(inventory, registered);
                var ghosts = roster.ghosts();
                // of one that was taken away the backend learns as it asks it the next time
                var removed = roster.strangers(inventory).stream().filter(Backend.Worker::serving)
                        .filter(ghost -> gone.test(ghost.endpointUrl())
                        && ghost.healthy().map(seen -> seen.isAfter(now.minus(NOTICED))).orElse(true)).toList();
                var possible = inventory.workers().stream().flatMap(node -> inventory.workersOf(node.full()).stream())
                        .map(Inventory.Worker::endpointUrl).collect(Collectors.toSet());
                var unexpected = roster.strangers(inventory).stream().filter(Backend.Worker::serving)
                        .filter(ghost -> !removed.contains(ghost)).toList();
                var stale = ghosts.stream().filter(ghost -> !ghost.serving()
                        && (!possible.contains(ghost.endpointUrl())
                                || ghost.healthy().map(seen -> seen.isBefore(now.minus(FORGOTTEN))).orElse(false)))
                        .toList();
                int replaced = ghosts.size() - unexpected.size() - stale.size() - removed.size();
                return List.of(extra(inventory, "unexpected", "no worker that serves and is not in the inventory",
                        unexpected,
                        removed.isEmpty() ? "none" : "none but " + removed.size()
                                + " of workers that were taken away, which the backend notices within a minute",
                                "a worker that inventory.yaml lacks, or one to be stopped: jbang scale@ktrdr"),
                        extra(inventory, "ghosts", "no registration of a worker that is gone", stale,
                                replaced == 0 ? "none" : "none but " + replaced + " of replaced workers",
                                "the backend forgets one after 5 minutes; at once: on " + inventory.core().name()
                                        + ": docker restart " + Docker.BACKEND));
            }

    private static Check extra(Inventory inventory, String kind, String expected, List<Backend.Worker> extras,
            String none, String fix) {
                var found = extras.isEmpty() ? none
                        : extras.stream().map(worker -> worker.type() + " at " + worker.endpointUrl() + ", "
                                + worker.status())
                                .distinct().collect(Collectors.joining("; "));
                return new Check(CheckId.ofFleet("workers", kind), inventory.core().name(), extras.isEmpty(), expected,
                        found,
                        fix, 0);
            }

    private static String words(List<Backend.Worker> found) {
        if (found.isEmpty()) return NOT_REGISTERED;
        return found.stream().map(worker -> worker.type() + ", " + worker.status()).distinct()
                .collect(Collectors.joining("; "));
    }

    /**
     * What Prometheus says of its targets, to be held against an inventory; or the check that it says so, which it did
     * not.
     */
    public record Targets(Optional<JsonNode> answer, Optional<Check> silent) {
        /**
         * The checks; {@code left} tells whether at an address there is a worker that was taken away, which Prometheus
         * was not told of.
         */
        public List<Check> checks(Inventory inventory, Predicate<String> left) {
            return silent.map(List::of).orElseGet(() -> targets(inventory, answer.orElseThrow(), left));
        }
    }

    /** Asks Prometheus. */
    public Targets askTargets() {
        var core = inventory.core().name();
        var url = inventory.url("prometheus") + "/api/v1/targets?state=active";
        try {
            return new Targets(Optional.of(http.json(url)), Optional.empty());
        } catch (Problem problem) {
            return new Targets(Optional.empty(),
                    Optional.of(new Check(CheckId.ofFleet("targets", ""), core, false, "GET " + url + " answers",
                    problem.foundOrSentence(), "on " + core + ": docker logs " + Docker.PROMETHEUS, 0)));
        }
    }

    /** Every scrape target that the inventory makes Prometheus have: there, and up. */
    public List<Check> targets() {
        return askTargets().checks(inventory, address -> false);
    }

    static List<Check> targets(Inventory inventory, JsonNode answer) {
        return targets(inventory, answer, address -> false);
    }

    private static List<Check> targets(Inventory inventory, JsonNode answer, Predicate<String> left) {
        var expected = new TreeMap<String, Target>();
        expected.put("backend", new Target(CheckId.ofTarget("", "backend"), inventory.core().name()));
        if (inventory.metrics().nodes()) for (var node : inventory.nodes())
            expected.put(EXPORTER + " " + node.name(),
                    new Target(CheckId.ofTarget("", EXPORTER + "." + node.name()), node.name()));
        for (var node : inventory.workers())
            for (var worker : inventory.workersOf(node))
                expected.put(node.name() + " " + worker.name(),
                        new Target(CheckId.ofTarget(node.name(), worker.name()), node.name()));
        var active = StreamSupport.stream(answer.path("data").path("activeTargets").spliterator(), false)
                .collect(Collectors.toMap(ServiceChecks::targetName, target -> target, (first, second) -> second));
        var checks = new ArrayList<Check>();
        expected.forEach((name, target) -> checks.add(target(target, active.get(name))));
        active.keySet().removeAll(expected.keySet());
        checks.add(others(inventory, active.values(), left));
        return checks;
    }

    /** What else Prometheus asks, itself too: "all targets up" means these as well. */
    private static Check others(Inventory inventory, Collection<JsonNode> others, Predicate<String> left) {
        var gone = others.stream()
                .filter(target -> left.test(target.path("scrapeUrl").asText().replaceFirst("/metrics/?$", "")))
                .toList();
        var down = others.stream()
                .filter(target -> !gone.contains(target) && !target.path("health").asText().equals("up"))
                .map(target -> target.path("scrapeUrl").asText() + " is " + target.path("health").asText() + " "
                        + target.path("lastError").asText("")).toList();
        return new Check(CheckId.ofFleet("targets", "others"), inventory.core().name(), down.isEmpty(),
                "all further targets up",
                down.isEmpty() ? others.size() - gone.size() + " up"
                        + (gone.isEmpty() ? "" : ", and " + gone.size() + " of workers that were taken away")
                        : String.join("; ", down).strip(),
                "jbang deploy@ktrdr core prometheus has it ask what the inventory runs", 0);
    }

    /** A target that has to be, and the node where it runs. */
    private record Target(CheckId what, String node) {}

    private static String targetName(JsonNode target) {
        var labels = target.path("labels");
        var job = labels.path("job").asText();
        return (job + " " + labels.path(job.equals(EXPORTER) ? "node" : "worker").asText("")).strip();
    }

    private static Check target(Target wanted, JsonNode target) {
        boolean up = target != null && target.path("health").asText().equals("up");
        var found = target == null ? NOT_KNOWN
                : (target.path("health").asText() + " " + target.path("lastError").asText("")).strip();
        return new Check(wanted.what(), wanted.node(), up, "a Prometheus target that is up", found,
                target == null ? "jbang deploy@ktrdr core prometheus" : "curl " + target.path("scrapeUrl").asText(), 0);
    }

    /** That what the backend measures has arrived in Prometheus. */
    public Check metrics() {
        var query = "ktrdr_workers_registered_total";
        var url = inventory.url("prometheus") + "/api/v1/query?query=" + query;
        return Check.of(CheckId.ofFleet("prometheus", "metrics"), inventory.core().name(),
                "series of " + query + " by GET " + url, "curl " + inventory.url("backend") + "/metrics/", () -> {
                    int series = http.json(url).path("data").path("result").size();
                    return series > 0 ? Finding.good(series + " series") : Finding.bad("none");
                });
    }

    /**
     * That PostgreSQL answers where a node reaches it: asked for TLS, it says S or N (PostgreSQL's protocol,
     * "SSLRequest"), which a port that is merely open does not.
     */
    public Check databaseFrom(Node node, Ssh ssh) {
        var host = inventory.fqdn(inventory.core());
        int port = inventory.services().db();
        return Check.of(CheckId.ofNode(node, "db"), node.name(), "PostgreSQL answers there at " + host + ":" + port,
                "a firewall? on " + node.name() + ": nc -vz " + host + " " + port, () -> {
                    var answer = ssh.run(Sh.let("host", host) + Sh.let("port", String.valueOf(port)) + """
                            # shellcheck disable=SC2016 # its own arguments
                            timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "\\0\\0\\0\\10\\4\\322\\26\\57" >&3 \
                            && head \
                            -c 1 <&3' "$host" "$port"
                            """);
                    if (answer.out().equals("S")) return Finding.good("it answers, with TLS");
                    if (answer.out().equals("N")) return Finding.good("it answers, without TLS");
                    boolean closed = answer.out().isEmpty() && answer.err().isBlank();
                    return Finding.bad(answer.exit() == 124 ? "silence for 5 s" : closed ? "the connection was closed"
                            : complaint(answer));
                });
    }

    private static String complaint(CommandResult answer) {
        return answer.err().isBlank() ? "no answer" : Console.brief(answer.err(), 200);
    }
}
