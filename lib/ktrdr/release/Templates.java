package ktrdr.release;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.BuiltIn;
import ktrdr.Problem;
import ktrdr.Sha256;
import ktrdr.Utf8;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;

/**
 * The files of a deployment, as they land on a node.
 *
 * Compose files, rules and dashboards land as they are; env files, prometheus.yml and alertmanager.yml are Mustache
 * templates filled from the inventory. A file of the same path in the folder that the inventory names under
 * {@code templates:} wins over the built-in one.
 */
public final class Templates {
    /** The file of Prometheus' targets, in core's directory. */
    public static final String PROMETHEUS = "monitoring/prometheus.yml";
    /** The variable of env files that names the database. */
    public static final String DATABASE = "KTRDR_DB_NAME";
    /** A file on a node: its path under the node's directory, its content, its mode such as "644". */
    public record NodeFile(String path, String content, String mode) {
        /** Of its content in UTF-8, in hex. */
        public String sha256() {
            return Sha256.hex(content);
        }
    }

    private static final Map<String, String> CORE = ordered(
            "docker-compose.core.yml", "core/docker-compose.core.yml",
            ".env.core", "core/.env.core",
            "monitoring/prometheus.yml", "monitoring/prometheus.yml",
            Alerting.FILE, Alerting.FILE,
            "monitoring/rules/recording.yml", "monitoring/rules/recording.yml",
            "monitoring/rules/alerts.yml", "monitoring/rules/alerts.yml",
            "monitoring/grafana/provisioning/datasources/datasources.yml",
            "monitoring/grafana/provisioning/datasources/datasources.yml",
            "monitoring/grafana/provisioning/dashboards/dashboards.yml",
            "monitoring/grafana/provisioning/dashboards/dashboards.yml",
            "monitoring/grafana/dashboards/system-overview.json",
            "monitoring/grafana/dashboards/system-overview.json",
            "monitoring/grafana/dashboards/worker-status.json",
            "monitoring/grafana/dashboards/worker-status.json",
            "monitoring/grafana/dashboards/operations.json",
            "monitoring/grafana/dashboards/operations.json",
            "monitoring/grafana/dashboards/node-comparison.json",
            "monitoring/grafana/dashboards/node-comparison.json");
    private static final Map<String, String> NODES = ordered(
            NodeMetrics.COMPOSE, "metrics/docker-compose.yml",
            NodeMetrics.CONTAINERS, "metrics/containers.sh",
            NodeMetrics.SERVICE, "metrics/ktrdr-containers.service",
            NodeMetrics.TIMER, "metrics/ktrdr-containers.timer");
    private static final Map<String, String> FIREWALL = ordered(
            Firewall.SCRIPT, Firewall.SCRIPT,
            Firewall.RULES_V4, Firewall.RULES_V4,
            Firewall.RULES_V6, Firewall.RULES_V6,
            Firewall.UNIT, Firewall.UNIT);
    private static final Map<String, String> WORKERS = ordered(
            "docker-compose.workers.yml", "workers/docker-compose.workers.yml",
            ".env.workers", "workers/.env.workers");
    /** ${NAME}, ${NAME:?…}, ${NAME:-…} and $NAME; a doubled dollar is Compose's way to write one. */
    private static final Pattern VARIABLE =
            Pattern.compile("\\$\\$|\\$\\{([A-Za-z_][A-Za-z0-9_]*)|\\$([A-Za-z_][A-Za-z0-9_]*)");
    /** ${NAME:+${NAME-}…}: used only if the variable has a value. */
    private static final Pattern OPTIONAL = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*):\\+\\$\\{\\1-\\}[^$}]*\\}");

    private final Inventory inventory;

    public Templates(Inventory inventory) {
        this.inventory = inventory;
    }

    /** The files of a node for a release tag. A template with an unknown name is a {@link Problem}. */
    public List<NodeFile> render(Node node, String tag) {
        var values = values(node, tag);
        var rendered = new ArrayList<NodeFile>();
        files(node.role()).forEach((path, template) -> {
            if (path.equals(Alerting.FILE) && inventory.alerts().isEmpty()) return;
            rendered.add(render(path, template, values));
        });
        return rendered;
    }

    /** The file of the template of one of them: that of the inventory's own folder, or the path if it is built in. */
    String source(Node node, String path) {
        return own(files(node.role()).get(path)).map(Path::toString).orElse(path);
    }

    private Optional<Path> own(String template) {
        return inventory.templates().map(folder -> folder.resolve(template)).filter(Files::isRegularFile);
    }

    /** One of them, by its path on the node. */
    NodeFile render(Node node, String tag, String path) {
        return render(path, files(node.role()).get(path), values(node, tag));
    }

    private NodeFile render(String path, String template, Map<String, Object> values) {
        var text = read(template);
        // Compose has its own variables, and Grafana's legends, the annotations of alerts and Docker's formats are
        // written as a template's
        boolean asItIs = path.startsWith("docker-compose.") || path.startsWith("monitoring/rules/")
                || path.endsWith(".json") || path.endsWith(".sh");
        return new NodeFile(path, asItIs ? text : fill(template, text, values), "644");
    }

    /** The variables that a Compose file names and that need a value, in alphabetical order. */
    public static TreeSet<String> variables(String compose) {
        var names = new TreeSet<String>();
        compose.lines().filter(line -> !line.stripLeading().startsWith("#"))
                .forEach(line -> VARIABLE.matcher(OPTIONAL.matcher(line).replaceAll("")).results().forEach(match -> {
                    if (match.group(1) != null) names.add(match.group(1));
                    if (match.group(2) != null) names.add(match.group(2));
                }));
        return names;
    }

    /** NAME=value lines as a map; comments and blank lines are left out. */
    public static Map<String, String> env(String text) {
        var values = new LinkedHashMap<String, String>();
        text.lines().filter(line -> !line.isBlank() && !line.startsWith("#") && line.contains("="))
                .forEach(line -> values.put(line.substring(0, line.indexOf('=')),
                        line.substring(line.indexOf('=') + 1)));
        return values;
    }

    private Map<String, String> files(Role role) {
        var files = new LinkedHashMap<>(role == Role.CORE ? CORE : WORKERS);
        if (inventory.metrics().nodes()) files.putAll(NODES);
        if (inventory.firewall().isPresent()) files.putAll(FIREWALL);
        return files;
    }

    private static Map<String, String> ordered(String... pairs) {
        var map = new LinkedHashMap<String, String>();
        for (int i = 0; i < pairs.length; i += 2) map.put(pairs[i], pairs[i + 1]);
        return map;
    }

    /** A template as it is. */
    public String read(String template) {
        var own = own(template);
        if (own.isEmpty()) return BuiltIn.text(template);
        try {
            return Utf8.text(Files.readAllBytes(own.get()), "the template " + own.get());
        } catch (IOException e) {
            throw Problem.usage("the template " + own.get() + " cannot be read").found(e.toString()).because(e);
        }
    }

    private static String fill(String template, String text, Map<String, Object> values) {
        try {
            return Mustache.compiler().escapeHTML(false).emptyStringIsFalse(true).compile(text).execute(values);
        } catch (MustacheException e) {
            throw Problem.usage("the template " + template + " cannot be filled").found(e.getMessage())
                    .expected("only names that docs/reference/templates.md lists").because(e);
        }
    }

    private Map<String, Object> values(Node node, String tag) {
        var values = new LinkedHashMap<String, Object>();
        values.put("tag", tag);
        values.put("environment", inventory.environment());
        values.put("core", Map.of("name", inventory.core().name()));
        values.put("node", Map.of("name", node.name(), "fqdn", inventory.fqdn(node), "directory", node.directory(),
                "profiles", profiles(node), "variables", variables(node),
                "bind", node.bind().map(Templates::host).orElse("")));
        values.put("limits",
                Map.of("backtest", limit(node.running().backtest()), "training", limit(node.running().training())));
        values.put("images", images(node));
        values.put("broker", inventory.broker().orElse(""));
        values.put("apparmor", node.running().unconfined() ? "unconfined" : "");
        values.put("database", Map.of("name", inventory.database().name(), "data", inventory.database().data(),
                "host", inventory.fqdn(inventory.core())));
        values.put("storage",
                Map.of("mount", inventory.storage().mount(), "source", Stack.of(inventory, node).share()));
        values.put("ports", ports());
        values.put("urls", urls());
        values.put("tracing", Map.of("traces", String.valueOf(inventory.tracing().traces())));
        values.put("alerts", inventory.alerts().<Object>map(Alerting::values).orElse(false));
        values.put("exporters", inventory.metrics().nodes()
                ? Map.of("nodes", inventory.nodes().stream().map(this::exporter).toList()) : false);
        values.put("firewall", Firewall.values(inventory, node));
        values.put("workerNodes", inventory.workers().stream().map(this::workerNode).toList());
        return values;
    }

    private Map<String, Object> ports() {
        var services = inventory.services();
        return Map.of("backend", services.backend(), "db", services.db(), "prometheus", services.prometheus(),
                "grafana", services.grafana(), "jaeger", services.jaeger(), "otlp", services.otlp(), "alertmanager",
                services.alertmanager(), "metrics", inventory.metrics().port());
    }

    private Map<String, Object> urls() {
        return Map.of("backend", inventory.url("backend"), "grafana", inventory.url("grafana"), "alertmanager",
                inventory.url("alertmanager"), "otlp",
                "http://" + inventory.fqdn(inventory.core()) + ":" + inventory.services().otlp());
    }

    private Map<String, Object> images(Node node) {
        var images = inventory.images();
        return Map.of("backend", images.backend(), "worker", inventory.workerImage(node), "db", images.db(),
                "prometheus", images.prometheus(), "grafana", images.grafana(), "jaeger", images.jaeger(),
                "nodeExporter", images.nodeExporter(), "alertmanager", images.alertmanager());
    }

    /** Processors as a share of each 100 ms: Docker rejects a number of them above the node's, but takes any share. */
    private static Map<String, Object> limit(Inventory.Limit limit) {
        return Map.of("quota", Math.round(limit.cpus() * 100_000), "memory", limit.memory());
    }

    private Map<String, Object> exporter(Node node) {
        return Map.of("name", node.name(), "target", inventory.fqdn(node) + ":" + inventory.metrics().port());
    }

    private Map<String, Object> workerNode(Node node) {
        var workers = inventory.workersOf(node).stream()
                .map(worker -> Map.of("name", worker.name(), "type", worker.type(),
                "node", node.name(), "target", inventory.fqdn(node) + ":" + worker.port())).toList();
        return Map.of("name", node.name(), "workers", workers);
    }

    /** An address in the form that goes before a port. */
    private static String host(String address) {
        return address.contains(":") ? "[" + address + "]" : address;
    }

    private static List<Map<String, String>> variables(Node node) {
        return node.own().variables().entrySet().stream()
                .map(variable -> Map.of("name", variable.getKey(), "value", variable.getValue())).toList();
    }

    private String profiles(Node node) {
        var profiles = new TreeSet<String>(node.own().profiles());
        if (node.role() == Role.CORE && inventory.alerts().isPresent()) profiles.add(Alerting.PROFILE);
        for (var worker : inventory.workersOf(node)) if (!worker.profile().isEmpty()) profiles.add(worker.profile());
        return String.join(",", profiles);
    }
}
