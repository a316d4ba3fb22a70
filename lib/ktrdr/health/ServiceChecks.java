package ktrdr.health;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.api.Backend;
import ktrdr.api.FiringAlert;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.Schema;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.Check.Finding;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * What has to be true of a running KTRDR, asked over HTTP and ssh: the health gate of a deployment and the checks of
 * verify.
 */
public final class ServiceChecks {
    private final Inventory inventory;
    private final Stack core;
    private final Http http;
    private final Backend backend;
    private final ProofChecks proofs;

    public ServiceChecks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.core = Stack.of(inventory, inventory.core());
        this.http = http;
        this.backend = new Backend(inventory, http);
        this.proofs = new ProofChecks(inventory, http);
    }

    /** The command that asks the database for its version. */
    private static String query(Stack stack) {
        return "docker exec " + stack.container(stack.needed(Part.DATABASE))
                + " sh -c 'psql -w -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -Atqc \"show server_version\"'";
    }

    /** Shell lines that ask the database of a stack, with {@code say} defined; see {@link #answered}. */
    public static String sayQuery(Stack stack) {
        return say(query(stack));
    }

    private static String say(String query) {
        return "if said=$(timeout 20 " + query
                + " 2>&1); then say database \"$said\"; else say no-database \"$said\"; fi\n";
    }

    /** The containers of these services, each in the state that it should be in: see {@link Stack#well}. Pure. */
    public static List<Check> containers(Stack stack, List<String> services, List<Docker.Container> containers) {
        var node = stack.node().name();
        var checks = new ArrayList<Check>();
        for (var service : services) {
            var container = Docker.service(containers, service);
            checks.add(new Check(CheckId.ofNode(node, service, "container"), node,
                    container.map(stack::well).orElse(false),
                    stack.once(service) ? "ended with exit code 0" : "running, healthy",
                    container.map(Docker.Container::state).orElse("no container"),
                    container.map(eachContainer -> "on " + node + ": docker logs " + eachContainer.name())
                            .orElse(stack.deploy()), 0));
        }
        return checks;
    }

    /** What these services of a stack ask for in the Compose file as a proof, a check each. */
    public List<Check> proofs(Stack stack, List<String> services) {
        return proofs.checks(stack, services);
    }

    /**
     * The health over HTTP, as with curl, of those of these services of core's stack that are a part. PostgreSQL has no
     * HTTP: see {@link #database}.
     */
    public List<Check> core(Stack stack, List<String> services) {
        var checks = new ArrayList<Check>();
        for (var part : List.of(Part.BACKEND, Part.GRAFANA, Part.JAEGER, Part.PROMETHEUS, Part.ALERTMANAGER))
            stack.service(part, services)
                    .ifPresent(service -> checks.add(health(part, logs(stack.container(service)))));
        return checks;
    }

    private Check health(Part part, String fix) {
        return switch (part) {
            case BACKEND -> health(part, fix, "/api/v1/health", "\"status\": \"ok\"",
                    body -> body.path("status").asText().equals("ok"),
                    body -> "ok, version " + body.path("version").asText());
            case GRAFANA -> health(part, fix, "/api/health", "\"database\": \"ok\"",
                    body -> body.path("database").asText().equals("ok"),
                    body -> "ok, version " + body.path("version").asText());
            case JAEGER -> health(part, fix, "/api/services", "a list under \"data\"",
                    body -> body.has("data"), body -> body.path("data").size() + " services traced");
            case PROMETHEUS -> health(part, fix, "/api/v1/status/buildinfo", "\"status\": \"success\"",
                    body -> body.path("status").asText().equals("success"),
                    body -> "version " + body.path("data").path("version").asText());
            default -> answers(part, fix, "/-/healthy");
        };
    }

    private String logs(String container) {
        return "on " + inventory.core().name() + ": docker logs " + container;
    }

    /** The advice to read the log of a part that there is. */
    private String logs(Part part) {
        return logs(core.container(core.needed(part)));
    }

    /** The alerts that fire; empty if Prometheus does not report them, or there is none. */
    public Optional<List<FiringAlert>> alerts() {
        if (core.service(Part.PROMETHEUS).isEmpty()) return Optional.empty();
        try {
            return Optional.of(FiringAlert.firing(http.json(inventory.url(Part.PROMETHEUS) + "/api/v1/alerts")));
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
    private Check answers(Part part, String fix, String path) {
        var url = inventory.url(part) + path;
        return Check.of(CheckId.ofFleet(part.check(), "health"), inventory.core().name(),
                "GET " + url + " with status 200", fix, () -> {
                    var answer = http.get(url);
                    return answer.ok() ? Finding.good("ok")
                            : Finding.bad(answer.status() + " " + Console.brief(answer.body(), 200));
                });
    }

    private Check health(Part part, String fix, String path, String expected, Predicate<JsonNode> good,
            Function<JsonNode, String> found) {
        var url = inventory.url(part) + path;
        return Check.of(CheckId.ofFleet(part.check(), "health"), inventory.core().name(),
                "GET " + url + " with " + expected, fix, () -> {
                    var body = http.json(url);
                    return good.test(body) ? Finding.good(found.apply(body))
                            : Finding.bad(Console.brief(body.toString(), 200));
                });
    }

    /** A query that PostgreSQL answers, asked inside its container over its own socket. */
    public Check database(Ssh ssh) {
        return database(() -> ssh.run(query(core)));
    }

    /**
     * The same, and of a database that answers whether it has the schema of the backend's release, where a backend is
     * there; in one round trip. None of a stack without a database.
     */
    public List<Check> databaseAndSchema(Ssh ssh) {
        if (core.service(Part.DATABASE).isEmpty()) return List.of();
        var node = inventory.core();
        // the inventory's database, which may differ from the database that the container was created with
        var query = query(core).replace("\"$POSTGRES_DB\"", "\"$1\"") + " sh "
                + Sh.quote(inventory.database().name());
        var container = core.container(Part.BACKEND);
        var facts = Facts.parse(ssh.must(Facts.SAY + Sh.let("directory", node.directory()) + say(query)
                + container.map(ServiceChecks::sayImage).orElse("")
                + Schema.question(core, inventory.database().name(),
                        container.isEmpty() ? List.of() : List.of("\"${backend%% *}\""), false) + "say end yes\n"));
        var asked = database(() -> answered(facts));
        var backend = facts.get("backend").split(" ");
        var schema = Schema.parse(facts);
        var names = schema.database().names();
        if (names.absent()) return List.of(new Check(asked.what(), node.name(), false, asked.expected(), names.found(),
                names.fix(core.container(core.needed(Part.DATABASE))), asked.seconds()));
        if (!asked.ok() || backend.length < 2) return List.of(asked);
        return List.of(asked, schema.check(core, backend[1].replaceFirst("^.*[:/]", "")));
    }

    private static String sayImage(String backend) {
        return """
                backend=$(docker inspect --format '{{.Image}} {{.Config.Image}}' BACKEND 2>/dev/null) || backend=
                say backend "$backend"
                """.replace("BACKEND", backend);
    }

    /** What {@link #sayQuery} said. */
    public static CommandResult answered(Facts facts) {
        var version = facts.get("database");
        return new CommandResult(version.isEmpty() ? 1 : 0, version, facts.get("no-database"));
    }

    /** The check of what that query answered. */
    public Check database(Supplier<CommandResult> query) {
        var node = inventory.core().name();
        var check = Check.of(CheckId.ofFleet(Part.DATABASE.check(), "query"), node,
                "PostgreSQL answers a query on database " + inventory.database().name(), logs(Part.DATABASE), () -> {
            var answer = query.get();
            return answer.ok() ? Finding.good("PostgreSQL " + answer.out().strip()) : Finding.bad(complaint(answer));
        });
        // there is no log of it then
        if (check.ok() || !check.found().contains("No such container")) return check;
        var service = core.needed(Part.DATABASE);
        return new Check(check.what(), node, false, check.expected(),
                "there is no container " + core.container(service), "jbang deploy@ktrdr " + core.words() + " " + service
                        + " creates it, or restores its name if it was renamed", check.seconds());
    }

    /**
     * Each worker that the inventory runs on these nodes: registered under its URL, and available or busy. None without
     * a backend.
     */
    public List<Check> workers(List<Node> nodes) {
        if (core.service(Part.BACKEND).isEmpty()) return List.of();
        long started = System.nanoTime();
        try {
            return WorkerChecks.registered(inventory, nodes, backend.workers(), (System.nanoTime() - started) / 1e9);
        } catch (Problem problem) {
            return List.of(WorkerChecks.unknown(inventory, problem));
        }
    }

    /** A check for each worker of these nodes that should have a GPU: whether it reported one when it registered. */
    public List<Check> gpus(List<Node> nodes) {
        return core.service(Part.BACKEND).isEmpty() || nodes.stream().noneMatch(node -> node.running().gpu())
                ? List.of()
                : WorkerChecks.gpus(inventory, nodes, backend.workers());
    }

    /** Asks Prometheus about its targets; there are none without it. */
    public ScrapeTargets askTargets() {
        if (core.service(Part.PROMETHEUS).isEmpty()) return ScrapeTargets.NONE;
        var url = inventory.url(Part.PROMETHEUS) + "/api/v1/targets?state=active";
        try {
            return new ScrapeTargets(Optional.of(http.json(url)), Optional.empty());
        } catch (Problem problem) {
            return new ScrapeTargets(Optional.empty(),
                    Optional.of(new Check(CheckId.ofFleet("targets", ""), inventory.core().name(), false,
                            "GET " + url + " answers", problem.foundOrSentence(), logs(Part.PROMETHEUS), 0)));
        }
    }

    /** Every scrape target that the inventory makes Prometheus have: there, and up. */
    public List<Check> targets() {
        return askTargets().checks(inventory, address -> false);
    }

    /** That what the backend measures has arrived in Prometheus; none where one of the two is missing. */
    public List<Check> metrics() {
        if (core.service(Part.BACKEND).isEmpty() || core.service(Part.PROMETHEUS).isEmpty()) return List.of();
        var query = "ktrdr_workers_registered_total";
        var url = inventory.url(Part.PROMETHEUS) + "/api/v1/query?query=" + query;
        return List.of(Check.of(CheckId.ofFleet(Part.PROMETHEUS.check(), "metrics"), inventory.core().name(),
                "series of " + query + " by GET " + url, "curl " + inventory.url(Part.BACKEND) + "/metrics/", () -> {
                    int series = http.json(url).path("data").path("result").size();
                    return series > 0 ? Finding.good(series + " series") : Finding.bad("none");
                }));
    }

    /**
     * That PostgreSQL answers where a node reaches it: asked for TLS, it says S or N (PostgreSQL's protocol,
     * "SSLRequest"), which a port that is merely open does not. None of a stack without a database.
     */
    public List<Check> databaseFrom(Node node, Ssh ssh) {
        if (core.service(Part.DATABASE).isEmpty()) return List.of();
        var host = inventory.fqdn(inventory.core());
        int port = inventory.services().db();
        return List.of(Check.of(CheckId.ofNode(node, Part.DATABASE.check()), node.name(),
                "PostgreSQL answers there at " + host + ":" + port,
                "check for a firewall; on " + node.name() + ": nc -vz " + host + " " + port, () -> {
                    var answer = ssh.run(Sh.let("host", host) + Sh.let("port", String.valueOf(port)) + """
                            # shellcheck disable=SC2016 # its own arguments
                            timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "\\0\\0\\0\\10\\4\\322\\26\\57" >&3 \
                            && head \
                            -c 1 <&3' "$host" "$port"
                            """);
                    if (answer.out().equals("S")) return Finding.good("it answers, with TLS");
                    if (answer.out().equals("N")) return Finding.good("it answers, without TLS");
                    boolean closed = answer.out().isEmpty() && answer.err().isBlank();
                    return Finding.bad(answer.exit() == 124 ? "no answer for 5 s" : closed ? "the connection was closed"
                            : complaint(answer));
                }));
    }

    private static String complaint(CommandResult answer) {
        return answer.err().isBlank() ? "no answer" : Console.brief(answer.err(), 200);
    }
}
