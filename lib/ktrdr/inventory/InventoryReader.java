package ktrdr.inventory;

import static ktrdr.inventory.InventorySection.ABSOLUTE;
import static ktrdr.inventory.InventorySection.CLIENTS;
import static ktrdr.inventory.InventorySection.DOMAIN;
import static ktrdr.inventory.InventorySection.IMAGE;
import static ktrdr.inventory.InventorySection.ITEM;
import static ktrdr.inventory.InventorySection.OPTIONS;
import static ktrdr.inventory.InventorySection.REGISTRY;
import static ktrdr.inventory.InventorySection.REPOSITORY;
import static ktrdr.inventory.InventorySection.SCHEDULE;
import static ktrdr.inventory.InventorySection.TEXT;
import static ktrdr.inventory.InventorySection.WORD;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.Yaml;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Resolve;
import ktrdr.inventory.Inventory.Sudo;
import ktrdr.inventory.InventorySection.Form;
import ktrdr.inventory.InventorySection.Mistake;
import ktrdr.inventory.SecretsSettings.Provider;

/**
 * From the tree of a YAML file to an {@link Inventory}: defaults, validation, and all mistakes in one {@link Problem}.
 */
final class InventoryReader {
    /** The time of day that {@code schedule: daily} means. */
    private static final String DAILY = "02:00";
    private static final Form BROKER =
            Form.of("an http or https address without user and path, such as http://10.42.1.20:5001",
                    "https?://[A-Za-z0-9.-]+(:\\d{1,5})?");
    /** What Docker takes as the name of a container (its reference, "docker container create"). */
    private static final Form CONTAINER = Form.of("names of services or containers, such as mcp",
            "[a-zA-Z0-9][a-zA-Z0-9_.-]*");
    /** Where nodes have the share from: the host they run on, or by NFS. */
    static final String HOST_SHARE = "host";
    static final Form FROM = Form.of("nfs or host", "nfs|" + HOST_SHARE);
    private static final SshSettings SSH = new SshSettings(Optional.empty(), Optional.empty(), Optional.empty(),
            Optional.empty(), Sudo.NEVER, Optional.empty(), Duration.ofSeconds(10), Optional.empty());
    private final Path file;
    private final Path folder;
    private final List<Mistake> mistakes = new ArrayList<>();

    InventoryReader(Path file) {
        this.file = file;
        this.folder = file.toAbsolutePath().getParent();
    }

    /** See {@link Inventory#find}. */
    static Inventory find(Optional<Path> asked, Map<String, String> environment, Path folder) {
        if (asked.isPresent()) return Inventory.read(asked.get());
        var named = environment.getOrDefault("KTRDR_INVENTORY", "");
        if (!named.isBlank()) return Inventory.read(Path.of(named));
        var places = new ArrayList<Path>();
        for (var at = folder.toAbsolutePath(); at != null; at = at.getParent())
            places.add(at.resolve("inventory.yaml"));
        var config = environment.getOrDefault("XDG_CONFIG_HOME", "");
        places.add((config.isBlank() ? Path.of(environment.getOrDefault("HOME", "/"), ".config") : Path.of(config))
                .resolve("ktrdr/inventory.yaml"));
        for (var place : places) if (Files.isRegularFile(place)) return Inventory.read(place);
        throw Problem.usage("there is no inventory")
                .expected("-i FILE, KTRDR_INVENTORY=FILE, or one of the files looked for")
                .found("none of " + String.join(", ", places.stream().map(Path::toString).toList()))
                .fix("copy inventory.yaml of the toolkit and describe your fleet in it");
    }

    /** The inventory that a file describes; all that is wrong with it is one {@link Problem}. */
    Inventory read(Yaml.Mapping tree) {
        InventorySecrets.refuse(file, tree);
        var top = new InventorySection("", tree, mistakes);
        var domain = top.required("domain", DOMAIN);
        var environment = choice(top, "environment", "staging", Inventory.ENVIRONMENTS);
        var broker = top.text("broker", BROKER);
        var resolve = choice(top, "resolve", "dns", List.of("dns", "inventory")).equals("dns") ? Resolve.DNS
                : Resolve.INVENTORY;
        var ssh = NodeReader.ssh(top.section("ssh"), folder, SSH);
        if (!top.has("nodes"))
            top.mistake("nodes", "is missing, expected at least one node");
        var sections = top.sections("nodes");
        var nodes = nodes(top, sections, new NodeReader(folder, ssh, resolve));
        if (top.has("nodes")) wholeFleet(top, domain, nodes, sections);
        var inventory = new Inventory(file, top.flag("example", false), domain, environment, broker, resolve, ssh,
                nodes, images(top.section("images"), nodes), database(top.section("database")),
                secrets(top.section("secrets")), storage(top.section("storage"), nodes), backup(top.section("backup")),
                services(top.section("services")), metrics(top.section("metrics"), nodes),
                tracing(top.section("tracing")), sample(top.section("sample")), AlertSettingsReader.read(top),
                operators(top),
                FirewallReader.read(top, nodes, sections), top.list("foreign", CONTAINER, List.of()),
                top.path("templates", folder));
        // taken out by then: see InventoryIncludes
        top.list(InventoryIncludes.KEY, TEXT, List.of());
        refuseUselessOptions(inventory, sections);
        top.end();
        if (!mistakes.isEmpty()) throw problem();
        return inventory;
    }

    private static List<Node> nodes(InventorySection top, Map<String, InventorySection> sections, NodeReader reader) {
        var running = InventoryWorkers.running(top);
        var nodes = new ArrayList<Node>();
        sections.forEach((name, section) -> nodes.add(reader.read(name, section, running)));
        return List.copyOf(nodes);
    }

    /** The rules for all nodes together: one core, and no duplicate of anything that identifies a node. */
    private static void wholeFleet(InventorySection top, String domain, List<Node> nodes,
            Map<String, InventorySection> sections) {
        var cores = nodes.stream().filter(node -> node.role() == Role.CORE).map(Node::name).toList();
        if (cores.size() > 1) top.mistake("nodes", "expected one node with role core, found " + cores.size() + ": "
                + String.join(", ", cores));
        if (nodes.isEmpty()) top.mistake("nodes", "expected at least one node, found none");
        if (cores.isEmpty() && nodes.stream().anyMatch(node -> node.role() == Role.WORKERS))
            top.mistake("nodes", "expected a node with role core, with whose backend workers register, found none");
        var taken = new HashMap<String, String>();
        for (var node : nodes) {
            var section = sections.get(node.name());
            unique(taken, "id", node.id(), node, section, "id");
            // see NodeNames for two stacks of one machine
            if (nodes.stream().takeWhile(other -> other != node).noneMatch(other -> other.host()
                    .equalsIgnoreCase(node.host()))) unique(taken, "host", node.host(), node, section, "host");
            for (var alias : node.aliases()) unique(taken, "host", alias, node, section, "aliases");
        }
        new NodeNames(domain, nodes).machines((node, key, mistake) -> sections.get(node).mistake(key, mistake));
        new NodeNames(domain, nodes).mistakes().forEach((node, mistake) -> sections.get(node).mistake("", mistake));
    }

    private static void unique(Map<String, String> taken, String kind, String value, Node node,
            InventorySection section, String key) {
        var owner = taken.putIfAbsent(kind + " " + value.toLowerCase(Locale.ROOT), node.name());
        if (owner != null)
            section.mistake(key,
                    value + " is taken by " + (owner.equals(node.name()) ? "this node already" : owner));
    }

    /** Mount options of a node that mounts nothing. */
    private static void refuseUselessOptions(Inventory inventory, Map<String, InventorySection> sections) {
        for (var node : inventory.nodes()) {
            if (node.share().options().isEmpty()) continue;
            var section = sections.get(node.name());
            if (inventory.exportsShare(node))
                section.mistake("storage", "this node exports the share and mounts nothing");
            else if (inventory.shareFromHost(node))
                section.mistake("storage", "this node has the share from its host and mounts nothing");
        }
    }

    private Problem problem() {
        var problem = Problem.usage(file + " is not a valid inventory: " + mistakes.size()
                + (mistakes.size() == 1 ? " mistake" : " mistakes"));
        for (var mistake : mistakes) {
            var place = mistake.place().at(file);
            var text = mistake.path() + ": " + mistake.text();
            var before = problem.details().get(place);
            problem.with(place, before == null ? text : before + "\n" + text);
        }
        return problem;
    }

    static String choice(InventorySection section, String key, String otherwise, List<String> allowed) {
        return section.text(key, Form.of(String.join(" or ", allowed), String.join("|", allowed)), otherwise);
    }

    /** Stacks of one's own name their images themselves. */
    private Inventory.Images images(InventorySection section, List<Node> nodes) {
        boolean own = nodes.stream().allMatch(node -> node.role().own());
        var backend = own ? section.text("backend", REPOSITORY, "") : section.required("backend", REPOSITORY);
        var worker = section.text("worker", REPOSITORY,
                backend.replaceFirst("(^|/)ktrdr-backend$", "$1ktrdr-worker-cpu"));
        var images = new Inventory.Images(section.text("registry", REGISTRY, "ghcr.io"),
                section.text("username", WORD, "kpiteira"), backend,
                worker, section.text("worker_gpu", REPOSITORY, worker.replaceFirst("-cpu$", "-gpu")),
                section.text("db", IMAGE, "timescale/timescaledb-ha:pg15"),
                section.text("prometheus", IMAGE, "prom/prometheus:v2.53.4"),
                section.text("grafana", IMAGE, "grafana/grafana:11.6.1"),
                jaeger(section),
                section.text("node_exporter", IMAGE, "prom/node-exporter:v1.8.2"),
                section.text("alertmanager", IMAGE, "prom/alertmanager:v0.27.0"),
                (int) section.number("keep", 1, 100, 3));
        section.end();
        return images;
    }

    /** Its options are those of Jaeger 2, which Jaeger 1 does not start with. */
    private static String jaeger(InventorySection section) {
        var image = section.text("jaeger", IMAGE, "jaegertracing/jaeger:2.6.0");
        if (image.matches("(.*/)?(jaeger-)?all-in-one[:@].*")) section.mistake("jaeger",
                "expected Jaeger 2, such as jaegertracing/jaeger:2.6.0, since Jaeger 1 takes other options and has "
                        + "reached its end of life, found " + image);
        return image;
    }

    private Inventory.Database database(InventorySection section) {
        var database = new Inventory.Database(section.text("name", WORD, "ktrdr"),
                section.text("data", ABSOLUTE, "/home/postgres/pgdata/data"));
        section.end();
        return database;
    }

    private SecretsSettings secrets(InventorySection section) {
        var provider = switch (choice(section, "provider", "1password",
                List.of("1password", "env", "file", "command"))) {
                    case "env" -> Provider.ENV;
                    case "file" -> Provider.FILE;
                    case "command" -> Provider.COMMAND;
                    default -> Provider.ONEPASSWORD;
                };
        var settings = new SecretsSettings(provider, section.text("vault", TEXT, "KTRDR Homelab Secrets"),
                section.text("item", ITEM, "ktrdr-homelab-core"),
                section.text("prefix", Form.of("the start of a variable's name", "[A-Za-z_][A-Za-z0-9_]*"),
                "KTRDR_SECRET_"), section.path("file", folder), section.list("command", TEXT, List.of()),
                section.values("fields"), section.values("variables"));
        var named = section.section("variables");
        settings.variables().keySet().forEach(name -> {
            if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) named.mistake(name, "expected the name of a variable");
        });
        if (provider == Provider.FILE && settings.file().isEmpty())
            section.mistake("file", "is missing, and `provider: file` needs it");
        if (provider == Provider.COMMAND && settings.command().isEmpty())
            section.mistake("command", "is missing, and `provider: command` needs it");
        section.end();
        return settings;
    }

    private Inventory.Storage storage(InventorySection section, List<Node> nodes) {
        // stacks of one's own have none where the inventory does not say so
        var core = nodes.stream().filter(node -> node.role() == Role.CORE).map(Node::name).findFirst()
                .orElse("");
        var storage = new Inventory.Storage(section.text("server", DOMAIN, core),
                section.text("export", ABSOLUTE, "/srv/ktrdr-shared"),
                section.text("mount", ABSOLUTE, "/mnt/ktrdr-shared"),
                section.list("folders", WORD,
                        List.of("data", "results", "models", "strategies", "checkpoints", "db-backups")),
                section.text("options", OPTIONS, "vers=3,hard,proto=tcp"), section.text("clients", CLIENTS, "fleet"),
                section.text("from", FROM, "nfs").equals(HOST_SHARE));
        section.end();
        return storage;
    }

    private BackupSettings backup(InventorySection section) {
        var backup = new BackupSettings(section.text("directory", ABSOLUTE, "/srv/ktrdr-shared/db-backups"),
                section.number("keep", 1, 10_000, 30),
                section.number("days", 0, 36_500, 0), section.flag("before_deploy", false),
                section.text("schedule", SCHEDULE).map(at -> at.equals("daily") ? DAILY : at));
        section.end();
        return backup;
    }

    private Inventory.Services services(InventorySection section) {
        var jaeger = section.section("jaeger");
        var services = new Inventory.Services(port(section, "backend", 8000), port(section, "grafana", 3000),
                port(section, "prometheus", 9090),
                jaeger.number("port", 1, 65535, 16686), jaeger.number("otlp", 1, 65535, 4317),
                port(section, "db", 5432),
                port(section, "alertmanager", 9093));
        jaeger.end();
        section.end();
        return services;
    }

    private static int port(InventorySection services, String service, int otherwise) {
        var section = services.section(service);
        int port = section.number("port", 1, 65535, otherwise);
        section.end();
        return port;
    }

    /** Where there is a core, its Prometheus asks for them. */
    private Inventory.MetricsSettings metrics(InventorySection section, List<Node> nodes) {
        boolean core = nodes.stream().anyMatch(node -> node.role() == Role.CORE);
        var metrics = new Inventory.MetricsSettings(section.flag("nodes", core),
                section.number("port", 1, 65535, 9100));
        section.end();
        return metrics;
    }

    private Inventory.Tracing tracing(InventorySection section) {
        var tracing = new Inventory.Tracing(section.text("service", WORD, "ktrdr-api"),
                section.number("traces", 100, 10_000_000, 20_000));
        section.end();
        return tracing;
    }

    private Optional<Operators> operators(InventorySection top) {
        if (!top.has("operators")) return Optional.empty();
        var section = top.section("operators");
        var operators = new Operators(section.required("user", WORD), section.path("identity", folder));
        section.end();
        return Optional.of(operators);
    }

    private SampleSettings sample(InventorySection section) {
        var operation = choice(section, "operation", "dummy", List.of("dummy", "backtest", "training", "data"));
        var until = choice(section, "until", operation.equals("dummy") ? "progress" : "end",
                List.of("progress", "end"));
        if (operation.equals("dummy") && until.equals("end"))
            section.mistake("until",
                    "a dummy takes 200 s, and KTRDR gives up what no worker claims after 60: `until: progress`, or a "
                            + "sample on a worker (backtest, training)");
        var body = section.values("body");
        var missing = SampleSettings.required(operation).stream().filter(field -> !body.containsKey(field)).toList();
        if (!missing.isEmpty())
            section.mistake("body", "KTRDR takes no " + operation + " without " + String.join(", ", missing));
        var timeout = section.duration("timeout", Duration.ofMinutes(10));
        section.end();
        return new SampleSettings(operation, body, until.equals("end"), timeout);
    }
}
