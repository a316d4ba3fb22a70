package ktrdr.status;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import ktrdr.Fixtures;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.verify.VerifyReport;

/** Pages for tests: the plan's fleet, healthy and with failures. */
public final class ReportFixtures {
    public static final Instant WHEN = Instant.parse("2026-02-11T09:30:12.345Z");
    /** Text by which a node might attack a browser. */
    public static final String MARKUP =
            "</style></p><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><a "
                    + "href='javascript:1'>";

    private ReportFixtures() {}

    public static Inventory inventory() {
        return Fixtures.inventory("""
                domain: ktrdr.home.mynerd.place
                resolve: inventory
                nodes:
                  core: {id: A, role: core, host: backend, address: 10.42.1.10, disk_free: 2GB, aliases: [grafana, \
                prometheus]}
                  workers-b: {id: B, role: workers, host: workers-b, address: 10.42.1.11, disk_free: 2GB, scale: 2}
                  workers-c: {id: C, role: workers, host: workers-c, address: 10.42.1.12, disk_free: 2GB, scale: 2}
                images: {registry: ghcr.io, backend: ghcr.io/kpiteira/ktrdr-backend}
                """);
    }

    public static List<Check> checks(Inventory inventory) {
        var checks = new ArrayList<Check>();
        for (var node : inventory.nodes())
            for (var service : Stack.of(inventory, node).services()) {
                checks.add(hold(node.name() + "." + service + ".container", node.name(), "running, healthy",
                        "running, healthy", 0));
                checks.add(hold(node.name() + "." + service + ".restarts", node.name(),
                        "no restart since it was started", "0 restarts in 4 d 2 h", 0));
            }
        checks.add(hold("db.query", "core", "PostgreSQL answers a query on database ktrdr", "PostgreSQL 15.6", 0.097));
        for (var service : List.of("backend", "grafana", "jaeger", "prometheus"))
            checks.add(hold(service + ".health", "core", "GET " + inventory.url(Part.of(service).orElseThrow())
                    + "/… with \"status\": \"ok\"", "ok, version 11.0.0", 0.004));
        checks.add(hold("grafana.datasources", "core", "data sources prometheus and jaeger", "prometheus, jaeger",
                0.021));
        for (var node : inventory.workers())
            for (var worker : inventory.workersOf(node)) {
                var status = worker.port() == 5004 ? "busy" : "available";
                checks.add(hold(node.name() + "." + worker.name() + ".registered", node.name(),
                        worker.type() + " worker at " + worker.endpointUrl(), worker.type() + ", " + status, 0.0042));
                checks.add(hold("target." + node.name() + "." + worker.name(), node.name(),
                        "a Prometheus target that is up", "up", 0));
            }
        checks.add(hold("target.backend", "core", "a Prometheus target that is up", "up", 0));
        checks.add(hold("sample.operation", "fleet", "a dummy operation that progresses and is cancelled",
                "op_dummy_20260211 progressed to 4 %, then cancelled", 6.31));
        checks.add(hold("sample.trace", "fleet", "a trace of it in Jaeger within 20 s", "1 trace with 14 spans", 2.87));
        checks.add(hold("share.result", "workers-b", "a file written on core is read on workers-b", "read after 38 ms",
                0.41));
        return checks;
    }

    private static Check hold(String id, String node, String expected, String found, double seconds) {
        return new Check(Fixtures.id(id, node), node, true, expected, found, "on " + node + ": docker ps", seconds);
    }

    public static VerifyReport report(Inventory inventory, List<Check> checks, UnaryOperator<String> mask) {
        var nodes = new LinkedHashMap<Node, VerifyReport.About>();
        for (var node : inventory.nodes())
            nodes.put(node, new VerifyReport.About("sha-3f2c9ab", "2026-02-11 08:02Z by karl@laptop"));
        return new VerifyReport(inventory, checks, nodes, WHEN, Duration.ofMillis(9842), "0.1.0", mask);
    }

    /** The same checks with these failing: id to what was found. */
    public static List<Check> failing(List<Check> checks, Map<String, String> found) {
        return checks.stream().map(check -> !found.containsKey(check.id()) ? check
                : new Check(check.what(), check.node(), false, check.expected(), found.get(check.id()), check.fix(),
                        check.seconds())).toList();
    }

    public static VerifyReport healthy() {
        return report(inventory(), checks(inventory()), text -> text);
    }

    /** Some failures: one with markup in its text, another with a line of maximum length. */
    public static VerifyReport unwell() {
        return report(inventory(),
                failing(checks(inventory()), Map.of("backend.health", "503 Service Unavailable: " + MARKUP,
                "workers-c.training-worker-2.container", "exited with 137", "workers-c.training-worker-2.registered",
                "not registered",
                "target.workers-c.training-worker-2",
                "down Get \"http://workers-c.ktrdr.home.mynerd.place:5006/metrics\": dial tcp 10.42.1.12:5006: "
                        + "connect: connection refused",
                "sample.trace", "x".repeat(300))), text -> text);
    }
}
