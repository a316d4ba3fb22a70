package ktrdr.release;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.BuiltIn;
import ktrdr.Problem;
import ktrdr.Sha256;
import ktrdr.Utf8;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.inventory.Running;
import ktrdr.inventory.Secrets;

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
    /** ${NAME:-…}, ${NAME-…}, ${NAME:+…} and ${NAME+…}, which need no value, without another one inside. */
    private static final Pattern OPTIONAL = Pattern.compile("\\$\\{[A-Za-z_][A-Za-z0-9_]*:?[-+][^$}]*\\}");

    private final Inventory inventory;

    public Templates(Inventory inventory) {
        this.inventory = inventory;
    }

    /** The files of a node for a release tag. A template with an unknown name is a {@link Problem}. */
    public List<NodeFile> render(Node node, String tag) {
        var values = values(node, tag);
        // what it closes is known of Compose files, which are rendered without it
        values.put("firewall", Firewall.values(inventory, node));
        var rendered = new ArrayList<NodeFile>();
        files(node).forEach((path, template) -> {
            if (path.equals(Alerting.FILE) && inventory.alerts().isEmpty()) return;
            rendered.add(render(path, template, values));
        });
        added(node).forEach((path, file) -> rendered.add(new NodeFile(path, text(file),
                Files.isExecutable(file) ? "755" : "644")));
        return rendered;
    }

    /**
     * Files of the inventory's own folder that are no templates of the toolkit's, by their path on a node: they land as
     * they are. Hidden ones and an editor's copies do not.
     */
    private Map<String, Path> added(Node node) {
        var added = new TreeMap<String, Path>();
        var known = files(node);
        var role = node.role();
        inventory.templates().ifPresent(folder -> {
            var own = role == Role.CORE ? Map.of("core", "", "monitoring", "monitoring/") : Map.of(role.name(), "");
            own.forEach((part, place) -> below(folder.resolve(part)).forEach((path, file) -> {
                boolean hidden = path.matches("(.*/)?(\\..*|.*~)");
                if (!known.containsKey(place + path) && !hidden) added.put(place + path, file);
            }));
        });
        return added;
    }

    private static Map<String, Path> below(Path folder) {
        if (!Files.isDirectory(folder)) return Map.of();
        try (var all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .collect(Collectors.toMap(file -> folder.relativize(file).toString(), file -> file));
        } catch (IOException | UncheckedIOException e) {
            throw Problem.usage("the folder of templates " + folder + " cannot be read").found(e.toString()).because(e);
        }
    }

    /** The file of the template of one of them: that of the inventory's own folder, or the path if it is built in. */
    String source(Node node, String path) {
        return own(template(node, path)).map(Path::toString).orElse(path);
    }

    /** Whether the inventory's own folder has a file that is put there on a node. */
    boolean has(Node node, String path) {
        return own(template(node, path)).isPresent();
    }

    private String template(Node node, String path) {
        return files(node).getOrDefault(path, node.role().name() + "/" + path);
    }

    private Optional<Path> own(String template) {
        return inventory.templates().map(folder -> folder.resolve(template)).filter(Files::isRegularFile);
    }

    /** One of them, by its path on the node. */
    NodeFile render(Node node, String tag, String path) {
        return render(path, template(node, path), values(node, tag));
    }

    private NodeFile render(String path, String template, Map<String, Object> values) {
        var text = read(template);
        // Compose has its own variables, and Grafana's legends, the annotations of alerts and Docker's formats are
        // written as a template's
        boolean asItIs = path.matches("(docker-)?compose\\..*") || path.startsWith("monitoring/rules/")
                || path.endsWith(".json") || path.endsWith(".sh");
        return new NodeFile(path, asItIs ? text : fill(template, text, values), "644");
    }

    /** The variables that a Compose file names, in alphabetical order. */
    public static TreeSet<String> variables(String compose) {
        var names = new TreeSet<String>();
        compose.lines().filter(line -> !line.stripLeading().startsWith("#"))
                .flatMap(line -> VARIABLE.matcher(line).results())
                .forEach(match -> Stream.of(1, 2).map(match::group).filter(Objects::nonNull).forEach(names::add));
        return names;
    }

    /** Those of them that need a value. */
    public static TreeSet<String> needed(String compose) {
        var before = "";
        for (var text = compose.replace("$$", "");; text = OPTIONAL.matcher(text).replaceAll("")) {
            if (text.equals(before)) return variables(text);
            before = text;
        }
    }

    /** NAME=value lines as a map; comments and blank lines are left out. */
    public static Map<String, String> env(String text) {
        var values = new LinkedHashMap<String, String>();
        text.lines().filter(line -> !line.isBlank() && !line.startsWith("#") && line.contains("="))
                .forEach(line -> values.put(line.substring(0, line.indexOf('=')),
                        line.substring(line.indexOf('=') + 1)));
        return values;
    }

    private Map<String, String> files(Node node) {
        var role = node.role();
        var files = new LinkedHashMap<>(role == Role.CORE ? CORE : role == Role.WORKERS ? WORKERS
                : ordered(RoleFiles.compose(inventory, role), role.name() + "/" + RoleFiles.compose(inventory, role),
                        RoleFiles.env(role), role.name() + "/" + RoleFiles.env(role)));
        if (!inventory.lookup().firstOfMachine(node)) return files;
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
        if (template.endsWith("/.env")) return own.map(Templates::plain).orElse("") + BuiltIn.text("stack/.env");
        return own.map(Templates::text).orElseGet(() -> BuiltIn.text(template));
    }

    /** An env file of one's own, without secrets: it lands on a node. */
    private static String plain(Path file) {
        var text = text(file);
        env(text).forEach((name, value) -> {
            if (name.matches(".*" + Secrets.NAMES) && !value.isBlank()) throw Problem.usage("the template " + file
                    + " has a value for " + name + ", which is named like a secret")
                    .expected("`secrets: {variables: {" + name + ": FIELD}}` in the inventory, and no line there");
        });
        return text.isEmpty() || text.endsWith("\n") ? text : text + "\n";
    }

    private static String text(Path file) {
        try {
            return Utf8.text(Files.readAllBytes(file), "the template " + file);
        } catch (IOException e) {
            throw Problem.usage("the template " + file + " cannot be read").found(e.toString()).because(e);
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
                "bind", node.bind().map(at -> at.contains(":") ? "[" + at + "]" : at).orElse("")));
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
        values.put("workerNodes", inventory.workerNodes().stream().map(this::workerNode).toList());
        return values;
    }

    private Map<String, Object> ports() {
        var services = inventory.services();
        return Map.of("backend", services.backend(), "db", services.db(), "prometheus", services.prometheus(),
                "grafana", services.grafana(), "jaeger", services.jaeger(), "otlp", services.otlp(), "alertmanager",
                services.alertmanager(), "metrics", inventory.metrics().port());
    }

    private Map<String, Object> urls() {
        return Map.of("backend", inventory.url(Part.BACKEND), "grafana", inventory.url(Part.GRAFANA), "alertmanager",
                inventory.url(Part.ALERTMANAGER), "otlp",
                "http://" + inventory.fqdn(inventory.core()) + ":" + inventory.services().otlp());
    }

    private Map<String, Object> images(Node node) {
        var images = inventory.images();
        return Map.of("backend", images.backend(), "worker", inventory.workerImage(node), "db", images.db(),
                "prometheus", images.prometheus(), "grafana", images.grafana(), "jaeger", images.jaeger(),
                "nodeExporter", images.nodeExporter(), "alertmanager", images.alertmanager());
    }

    /** Processors as a share of each 100 ms: Docker rejects a number of them above the node's, but takes any share. */
    private static Map<String, Object> limit(Running.Limit limit) {
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
