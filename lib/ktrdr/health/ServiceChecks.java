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
    /** The command that asks the database for its version. */
    static final String QUERY = "docker exec " + Docker.DATABASE
            + " sh -c 'psql -w -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -Atqc \"show server_version\"'";
    /** Shell lines that ask, with {@code say} defined; see {@link #answered}. */
    public static final String SAY_QUERY = say(QUERY);
    private final Inventory inventory;
    private final Http http;
    private final Backend backend;
    private final ProofChecks proofs;

    public ServiceChecks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.http = http;
        this.backend = new Backend(inventory, http);
        this.proofs = new ProofChecks(inventory, http);
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

    /** The health of these core services over HTTP, as with curl. PostgreSQL has no HTTP: see {@link #database}. */
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

    /** The alerts that fire; empty if Prometheus does not report them. */
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
        // the inventory's database, which may differ from the database that the container was created with
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
                "jbang deploy@ktrdr core db creates it, or restores its name if it was renamed", check.seconds());
    }

    /** Each worker that the inventory runs on these nodes: registered under its URL, and available or busy. */
    public List<Check> workers(List<Node> nodes) {
        long started = System.nanoTime();
        try {
            return WorkerChecks.registered(inventory, nodes, backend.workers(), (System.nanoTime() - started) / 1e9);
        } catch (Problem problem) {
            return List.of(WorkerChecks.unknown(inventory, problem));
        }
    }

    /** A check for each worker of these nodes that should have a GPU: whether it reported one when it registered. */
    public List<Check> gpus(List<Node> nodes) {
        return nodes.stream().noneMatch(node -> node.running().gpu()) ? List.of()
                : WorkerChecks.gpus(inventory, nodes, backend.workers());
    }

    /** Asks Prometheus about its targets. */
    public ScrapeTargets askTargets() {
        var core = inventory.core().name();
        var url = inventory.url("prometheus") + "/api/v1/targets?state=active";
        try {
            return new ScrapeTargets(Optional.of(http.json(url)), Optional.empty());
        } catch (Problem problem) {
            return new ScrapeTargets(Optional.empty(),
                    Optional.of(new Check(CheckId.ofFleet("targets", ""), core, false, "GET " + url + " answers",
                    problem.foundOrSentence(), "on " + core + ": docker logs " + Docker.PROMETHEUS, 0)));
        }
    }

    /** Every scrape target that the inventory makes Prometheus have: there, and up. */
    public List<Check> targets() {
        return askTargets().checks(inventory, address -> false);
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
                });
    }

    private static String complaint(CommandResult answer) {
        return answer.err().isBlank() ? "no answer" : Console.brief(answer.err(), 200);
    }
}
