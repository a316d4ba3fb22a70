package ktrdr.verify;

import com.samskivert.mustache.Escapers;
import com.samskivert.mustache.Mustache;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.Sha256;
import ktrdr.Units;
import ktrdr.health.RootCauses;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.status.FleetStatus;
import ktrdr.status.StatusReport;

/**
 * What verify found, as one self-contained HTML page: no script, no picture, no font, nothing from a network, which its
 * Content-Security-Policy (W3C, CSP Level 3) holds the browser to. Any text of a node or a service is escaped.
 *
 * @param nodes what is known of nodes in addition to the checks; a node may be missing
 * @param when the checks began; {@code took} how long they took together
 * @param version of the toolkit
 * @param mask hides secrets, as {@link Console#mask} does
 */
public record VerifyReport(Inventory inventory, List<Check> checks, Map<Node, About> nodes, Instant when, Duration took,
        String version, UnaryOperator<String> mask) {
    /**
     * What a node runs, such as "sha-3f2c9ab", and since when and by whom, such as "2026-02-11 09:30Z by karl@laptop";
     * empty if it is not known.
     */
    public record About(String release, String deployed) {
        static final About NOTHING = new About("", "");
    }

    private static final int LONGEST = 10;
    private static final Set<String> SERVICES = Stream.of(Part.DATABASE, Part.BACKEND, Part.GRAFANA, Part.JAEGER,
            Part.PROMETHEUS).map(Part::check).collect(Collectors.toUnmodifiableSet());
    private static final List<String> AREAS = List.of("Node", "Containers", "Services", "Workers", "Prometheus targets",
            "Sample operation", "Other");

    /** Of what was looked at: each node with the release that runs and its last good deployment. */
    public static VerifyReport of(FleetStatus status, List<Check> checks, Instant started, Instant ended,
            String version, UnaryOperator<String> mask) {
        var nodes = new LinkedHashMap<Node, About>();
        status.nodes().forEach(
                (node, at) -> nodes.put(node,
                        new About(Stack.of(status.inventory(), node).release(at.containers()),
                at.history().lastGood().map(entry -> StatusReport.minutes(entry.time()) + " by " + entry.by())
                        .orElse(""))));
        return new VerifyReport(status.inventory(), checks, nodes, started, Duration.between(started, ended),
                version,
                mask);
    }

    /** The page. */
    public String html() {
        var page = new LinkedHashMap<String, Object>(headline());
        page.putAll(Map.of("figures", figures(), "failing", !Check.allOk(checks), "failures", failures(),
                "core", card(inventory.core()), "workers", inventory.nodes().stream()
                        .filter(node -> !node.equals(inventory.core())).map(this::card).toList(),
                "joined", joined(), "groups", groups()));
        var times = times();
        page.putAll(Map.of("timed", !times.isEmpty(), "times", times));
        var style = BuiltIn.text("report/verify.css");
        page.putAll(Map.of("style", style, "styleHash", hash(style)));
        return Mustache.compiler().emptyStringIsFalse(true).withEscaper(this::escape)
                .withLoader(name -> new StringReader(BuiltIn.text("report/" + name + ".html")))
                .compile(BuiltIn.text("report/verify.html")).execute(page);
    }

    private Map<String, Object> headline() {
        long failing = failing(checks);
        var headline = failing == 0 ? "All " + checks.size() + " checks hold"
                : failing + " of " + checks.size() + " checks " + (failing == 1 ? "does" : "do") + " not hold";
        var second = when.truncatedTo(ChronoUnit.SECONDS);
        return Map.of("headline", headline, "state", failing == 0 ? "ok" : "bad", "domain", inventory.domain(), "iso",
                second.toString(),
                "time", second.toString().replace("T", " ").replace("Z", " UTC"), "took",
                took(took.toMillis() / 1000.0), "releases", releases(),
                "version", version, "inventory", inventory.source().getFileName().toString());
    }

    private String releases() {
        var releases = inventory.nodes().stream().map(node -> about(node).release())
                .filter(release -> !release.isEmpty()).distinct().toList();
        return releases.size() > 1 ? releases.size() + " releases: " + String.join(", ", releases) : releases.isEmpty()
                ? "" : "release " + releases.get(0);
    }

    private About about(Node node) {
        return nodes.getOrDefault(node, About.NOTHING);
    }

    private List<Map<String, Object>> figures() {
        long reached = inventory.nodes().stream().filter(this::reached).count();
        var figures = new ArrayList<>(List.of(figure("nodes reached", reached, inventory.nodes().size())));
        var containers = ofKind("container");
        if (!containers.isEmpty()) figures.add(figure("containers healthy", holding(containers), containers.size()));
        if (Stack.of(inventory, inventory.core()).service(Part.BACKEND).isPresent())
            figures.add(figure("workers registered", holding(ofKind("registered")),
                    inventory.workerNodes().stream().mapToInt(node -> inventory.workersOf(node).size()).sum()));
        var targets = checks.stream().filter(check -> check.what().target()).toList();
        if (!targets.isEmpty()) figures.add(figure("Prometheus targets up", holding(targets), targets.size()));
        return figures;
    }

    private static Map<String, Object> figure(String label, long holding, int all) {
        return Map.of("label", label, "holding", holding, "all", all, "state", holding == all ? "ok" : "bad");
    }

    private List<Check> ofKind(String kind) {
        return checks.stream().filter(check -> check.what().is(kind)).toList();
    }

    private static long failing(Collection<Check> checks) {
        return checks.size() - holding(checks);
    }

    private static long holding(Collection<Check> checks) {
        return checks.stream().filter(Check::ok).count();
    }

    /** The failed checks that no other explains, each with the failures that it explains. */
    private List<Map<String, Object>> failures() {
        var causes = RootCauses.of(inventory, checks);
        return checks.stream().filter(check -> !check.ok() && !causes.containsKey(check.id())).map(check -> {
            Map<String, Object> failure = new LinkedHashMap<>(check(check));
            failure.put("effects", causes.keySet().stream().filter(effect -> causes.get(effect).equals(check.id()))
                    .toList());
            failure.put("explains", causes.containsValue(check.id()));
            return failure;
        }).toList();
    }

    /** A passed check shows what it expected only if that differs from what was found. */
    private Map<String, Object> check(Check check) {
        return Map.of("id", check.id(), "node", check.node(), "state", check.ok() ? "ok" : "bad", "word",
                check.ok() ? "holds" : "FAILED",
                "expected", check.ok() && check.expected().equals(check.found()) ? "" : check.expected(), "found",
                check.found(), "fix", check.fix(),
                "took", check.seconds() > 0 ? took(check.seconds()) : "");
    }

    private boolean reached(Node node) {
        return checks.stream().noneMatch(check -> !check.ok() && check.what().equals(CheckId.ofNode(node, "ssh")));
    }

    private String joined() {
        var workers = ofKind("registered");
        return workers.isEmpty() ? ""
                : holding(workers) + " of " + workers.size() + " workers registered with the backend";
    }

    private Map<String, Object> card(Node node) {
        var own = of(node.name());
        var about = about(node);
        return Map.of("id", node.id(), "name", node.name(), "host", inventory.fqdn(node), "address",
                node.address().orElse(""), "release", about.release(),
                "deployed", about.deployed(), "state", state(own), "summary",
                reached(node) ? summary(own) : "not reached", "tiles", tiles(node));
    }

    private List<Check> of(String node) {
        return checks.stream().filter(check -> check.node().equals(node)).toList();
    }

    private static String state(List<Check> checks) {
        return checks.isEmpty() ? "none" : Check.allOk(checks) ? "ok" : "bad";
    }

    private static String summary(List<Check> checks) {
        long failing = failing(checks);
        if (failing > 0) return failing + " of " + checks.size() + " failed";
        return checks.isEmpty() ? "not checked" : checks.size() == 1 ? "its check holds"
                : "all " + checks.size() + " hold";
    }

    private List<Map<String, Object>> tiles(Node node) {
        if (node.role() != Role.WORKERS)
            return Stack.of(inventory, node).services().stream().map(service -> tile(node, service, "")).toList();
        return inventory.workersOf(node).stream()
                .map(worker -> tile(node, worker.name(), String.valueOf(worker.port()))).toList();
    }

    private Map<String, Object> tile(Node node, String name, String port) {
        var own = of(node.name()).stream().filter(check -> check.what().subject().equals(name)).toList();
        var wrong = own.stream().filter(check -> !check.ok()).findFirst();
        var telling = Stream.of("registered", "health", "query", "container")
                .flatMap(kind -> own.stream().filter(check -> check.what().is(kind))).findFirst();
        var word = wrong.map(Check::found).or(() -> telling.map(VerifyReport::word))
                .orElse(own.isEmpty() ? "not checked" : "holds");
        var state = state(own).equals("ok") && word.equals("busy") ? "busy" : state(own);
        var label = Map.of("ok", "well", "bad", "failed", "busy", "busy", "none", "not known").get(state);
        return Map.of("name", name, "port", port, "state", state, "word", word, "label", label);
    }

    /** Of a worker only its status: its type is in its name. */
    private static String word(Check check) {
        return check.what().is("registered") ? check.found().replaceFirst("^[a-z]+, ", "") : check.found();
    }

    /** The checks by node, in the inventory's order, what is of no node last. */
    private List<Map<String, Object>> groups() {
        var groups = new ArrayList<Map<String, Object>>();
        var names = inventory.nodes().stream().map(Node::name).toList();
        Stream.concat(names.stream(), checks.stream().map(Check::node).filter(Predicate.not(names::contains))
                .distinct()).forEach(name -> {
                    var own = of(name);
                    var about = names.contains(name) ? inventory.fqdn(inventory.node(name)) : "";
                    if (!own.isEmpty())
                        groups.add(Map.of("name", name, "about", about, "state", state(own), "summary", summary(own),
                                "areas",
                                areas(own)));
                });
        return groups;
    }

    private List<Map<String, Object>> areas(List<Check> own) {
        var byArea = own.stream().collect(Collectors.groupingBy(VerifyReport::area));
        return AREAS.stream().filter(byArea::containsKey)
                .map(area -> Map.<String, Object>of("name", area, "checks",
                        byArea.get(area).stream().map(this::check).toList())).toList();
    }

    private static String area(Check check) {
        var what = check.what();
        if (what.target() || what.ofFleet("targets")) return "Prometheus targets";
        if (what.ofFleet("sample")) return "Sample operation";
        if (what.is("registered") || what.ofFleet("workers")) return "Workers";
        if (!what.node().isEmpty()) return what.subject().isEmpty() ? "Node" : "Containers";
        return SERVICES.contains(what.subject()) ? "Services" : "Other";
    }

    /** What took longest; checks that one answer settled share their time, and so their bar. */
    private List<Map<String, Object>> times() {
        var together = new LinkedHashMap<String, List<Check>>();
        checks.stream().filter(check -> check.seconds() > 0)
                .sorted(Comparator.comparingDouble(Check::seconds).reversed())
                .forEach(check -> together.computeIfAbsent(area(check) + " " + check.seconds(),
                        none -> new ArrayList<>()).add(check));
        double most = together.values().stream().findFirst().map(checks -> checks.get(0).seconds()).orElse(1.0);
        return together.values().stream().limit(LONGEST)
                .map(same -> Map.<String, Object>of("label", label(same), "took", took(same.get(0).seconds()),
                "percent", Math.round(1000 * same.get(0).seconds() / most) / 10.0)).toList();
    }

    private static String label(List<Check> same) {
        return same.get(0).id() + (same.size() > 1 ? " and " + (same.size() - 1) + " more" : "");
    }

    private static String took(double seconds) {
        return seconds < 0.9995 ? Math.max(1, Math.round(seconds * 1000)) + " ms"
                : Units.duration(Duration.ofMillis(Math.round(seconds * 10) * 100));
    }

    private String escape(String raw) {
        return Escapers.HTML.escape(Console.lineByLine(mask.apply(raw)));
    }

    private static String hash(String style) {
        return Base64.getEncoder().encodeToString(Sha256.of(style.getBytes(StandardCharsets.UTF_8)));
    }
}
