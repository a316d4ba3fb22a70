package ktrdr.inventory;

import static ktrdr.inventory.InventorySection.ABSOLUTE;
import static ktrdr.inventory.InventorySection.ADDRESS;
import static ktrdr.inventory.InventorySection.CHAT;
import static ktrdr.inventory.InventorySection.CLIENTS;
import static ktrdr.inventory.InventorySection.DOMAIN;
import static ktrdr.inventory.InventorySection.HOST;
import static ktrdr.inventory.InventorySection.IMAGE;
import static ktrdr.inventory.InventorySection.ITEM;
import static ktrdr.inventory.InventorySection.MAILBOX;
import static ktrdr.inventory.InventorySection.MAILBOXES;
import static ktrdr.inventory.InventorySection.OPTIONS;
import static ktrdr.inventory.InventorySection.PLAIN_ADDRESS;
import static ktrdr.inventory.InventorySection.REGISTRY;
import static ktrdr.inventory.InventorySection.REPOSITORY;
import static ktrdr.inventory.InventorySection.SCHEDULE;
import static ktrdr.inventory.InventorySection.SMARTHOST;
import static ktrdr.inventory.InventorySection.TEXT;
import static ktrdr.inventory.InventorySection.URL;
import static ktrdr.inventory.InventorySection.USER;
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
import ktrdr.inventory.Inventory.NodeShare;
import ktrdr.inventory.Inventory.Provider;
import ktrdr.inventory.Inventory.Resolve;
import ktrdr.inventory.Inventory.Role;
import ktrdr.inventory.Inventory.Running;
import ktrdr.inventory.Inventory.SshSettings;
import ktrdr.inventory.Inventory.Sudo;
import ktrdr.inventory.InventorySection.Form;
import ktrdr.inventory.InventorySection.Mistake;

/**
 * From the tree of a YAML file to an {@link Inventory}: defaults, validation, and all mistakes in one {@link Problem}.
 */
final class InventoryReader {
    /** The time of day that {@code schedule: daily} means. */
    private static final String DAILY = "02:00";
    private static final Form BROKER =
            Form.of("an http or https address without user and path, such as http://10.42.1.20:5001",
                    "https?://[A-Za-z0-9.-]+(:\\d{1,5})?");
    /** Where nodes have the share from: the host they run on, or by NFS. */
    private static final String HOST_SHARE = "host";
    private static final Form FROM = Form.of("nfs or host", "nfs|" + HOST_SHARE);
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
        var ssh = ssh(top.section("ssh"),
                new SshSettings(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Sudo.NEVER,
                Optional.empty(), Duration.ofSeconds(10), Optional.empty()));
        if (!top.has("nodes"))
            top.mistake("nodes", "is missing, expected one core node and any number of workers nodes");
        var sections = top.sections("nodes");
        var nodes = new ArrayList<Node>();
        var running = InventoryWorkers.running(top);
        sections.forEach((name, section) -> nodes.add(node(name, section, ssh, resolve, running)));
        if (top.has("nodes")) wholeFleet(top, nodes, sections);
        if (top.has("nodes"))
            new NodeNames(domain, nodes).mistakes().forEach((node, mistake) -> sections.get(node).mistake("", mistake));
        var inventory = new Inventory(file, top.flag("example", false), domain, environment, broker, resolve, ssh,
                List.copyOf(nodes), images(top.section("images")), database(top.section("database")),
                secrets(top.section("secrets")), storage(top.section("storage"), nodes), backup(top.section("backup")),
                services(top.section("services")), metrics(top.section("metrics")), tracing(top.section("tracing")),
                sample(top.section("sample")), alerts(top), operators(top), firewall(top, nodes, sections),
                top.path("templates", folder));
        nodes.stream().filter(node -> node.share().options().isPresent()).forEach(node -> {
            if (inventory.exportsShare(node))
                sections.get(node.name()).mistake("storage", "this node exports the share and mounts nothing");
            else if (inventory.shareFromHost(node)) sections.get(node.name())
                    .mistake("storage", "this node has the share from its host and mounts nothing");
        });
        top.end();
        if (!mistakes.isEmpty()) throw problem();
        return inventory;
    }

    private Problem problem() {
        var problem = Problem.usage(file + " is no valid inventory: " + mistakes.size()
                + (mistakes.size() == 1 ? " mistake" : " mistakes"));
        for (var mistake : mistakes) {
            var place = file + ":" + mistake.place();
            var text = mistake.path() + ": " + mistake.text();
            var before = problem.details().get(place);
            problem.with(place, before == null ? text : before + "\n" + text);
        }
        return problem;
    }

    static String choice(InventorySection section, String key, String otherwise, List<String> allowed) {
        return section.text(key, Form.of(String.join(" or ", allowed), String.join("|", allowed)), otherwise);
    }

    private SshSettings ssh(InventorySection section, SshSettings base) {
        var port = section.has("port") ? Optional.of(section.number("port", 1, 65535, 22)) : base.port();
        var settings = new SshSettings(section.text("user", WORD).or(base::user), port,
                section.path("identity", folder).or(base::identity),
                section.path("known_hosts", folder).or(base::knownHosts),
                section.flag("sudo", base.sudo() == Sudo.ALWAYS) ? Sudo.ALWAYS : Sudo.NEVER,
                section.text("jump", Form.of("user@host:port of the host on the way", "[A-Za-z0-9@.:_,\\[\\]-]+"))
                        .or(base::jump),
                section.duration("connect_timeout", base.connectTimeout()), base.hostKey());
        section.end();
        return settings;
    }

    private static SshSettings pinned(SshSettings ssh, Optional<HostKeyPin> hostKey) {
        return new SshSettings(ssh.user(), ssh.port(), ssh.identity(), ssh.knownHosts(), ssh.sudo(), ssh.jump(),
                ssh.connectTimeout(), hostKey);
    }

    private Node node(String name, InventorySection section, SshSettings ssh, Resolve resolve, Running running) {
        var role = choice(section, "role", "workers", List.of("core", "workers")).equals("core") ? Role.CORE
                : Role.WORKERS;
        if (!section.has("role")) section.mistake("role", "is missing, expected core or workers");
        if (!HOST.pattern().matcher(name).matches())
            section.mistake("", "the name of a node is " + HOST.name() + ", found " + name);
        if (resolve == Resolve.INVENTORY && !section.has("address"))
            section.mistake("address", "is missing, and `resolve: inventory` needs it");
        var workers = InventoryWorkers.of(section, role);
        var directory = role == Role.CORE ? "/opt/ktrdr-core" : "/opt/ktrdr-" + name;
        var node = new Node(name, section.text("id", WORD, name), role, section.text("host", HOST, name),
                section.text("address", ADDRESS),
                section.number("cpus", 1, 4096, 1), section.size("memory", "0"), section.size("disk_free", "10GB"),
                section.text("directory", ABSOLUTE, directory),
                section.list("aliases", HOST, List.of()), workers.scale(), workers.backtest(), workers.training(),
                workers.given(),
                ssh(section.section("ssh"), pinned(ssh, section.hostKey("host_key"))),
                share(section.section("storage")),
                section.text("bind", PLAIN_ADDRESS), InventoryWorkers.running(section, running, workers.gpu()));
        // the fleet and this machine ask for what is published where they reach the node
        if (node.bind().isPresent() && !node.bind().equals(node.address()))
            section.mistake("bind",
                    "expected the `address` of the node, without an interface, since that is where others reach it: "
                    + node.address().orElse("it has none here") + ", found " + node.bind().get());
        section.end();
        return node;
    }

    private static NodeShare share(InventorySection section) {
        var share = new NodeShare(section.text("options", OPTIONS), section.text("from", FROM).map(HOST_SHARE::equals));
        section.end();
        return share;
    }

    /** What only shows when all nodes are seen together: one core, and no two of anything that tells nodes apart. */
    private void wholeFleet(InventorySection top, List<Node> nodes, Map<String, InventorySection> sections) {
        var cores = nodes.stream().filter(node -> node.role() == Role.CORE).map(Node::name).toList();
        if (cores.size() != 1) top.mistake("nodes", "expected exactly one node with role core, found "
                + (cores.isEmpty() ? "none" : cores.size() + ": " + String.join(", ", cores)));
        var taken = new HashMap<String, String>();
        for (var node : nodes) {
            var section = sections.get(node.name());
            unique(taken, "id", node.id(), node, section, "id");
            unique(taken, "host", node.host(), node, section, "host");
            node.address().ifPresent(address -> unique(taken, "address", address, node, section, "address"));
            for (var alias : node.aliases()) unique(taken, "host", alias, node, section, "aliases");
        }
    }

    private static void unique(Map<String, String> taken, String kind, String value, Node node,
            InventorySection section, String key) {
                var owner = taken.putIfAbsent(kind + " " + value.toLowerCase(Locale.ROOT), node.name());
                if (owner != null)
                    section.mistake(key,
                            value + " is taken by " + (owner.equals(node.name()) ? "this node already" : owner));
            }

    private Inventory.Images images(InventorySection section) {
        var backend = section.required("backend", REPOSITORY);
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

    private Inventory.SecretsSettings secrets(InventorySection section) {
        var provider = switch (choice(section, "provider", "1password",
                List.of("1password", "env", "file", "command"))) {
                    case "env" -> Provider.ENV;
                    case "file" -> Provider.FILE;
                    case "command" -> Provider.COMMAND;
                    default -> Provider.ONEPASSWORD;
                };
        var settings = new Inventory.SecretsSettings(provider, section.text("vault", TEXT, "KTRDR Homelab Secrets"),
                section.text("item", ITEM, "ktrdr-homelab-core"),
                section.text("prefix", Form.of("the start of a variable's name", "[A-Za-z_][A-Za-z0-9_]*"),
                "KTRDR_SECRET_"), section.path("file", folder), section.list("command", TEXT, List.of()),
                section.values("fields"));
        if (provider == Provider.FILE && settings.file().isEmpty())
            section.mistake("file", "is missing, and `provider: file` needs it");
        if (provider == Provider.COMMAND && settings.command().isEmpty())
            section.mistake("command", "is missing, and `provider: command` needs it");
        section.end();
        return settings;
    }

    private Inventory.Storage storage(InventorySection section, List<Node> nodes) {
        var core = nodes.stream().filter(node -> node.role() == Role.CORE).map(Node::name).findFirst().orElse("core");
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

    private Inventory.BackupSettings backup(InventorySection section) {
        var backup = new Inventory.BackupSettings(section.text("directory", ABSOLUTE, "/srv/ktrdr-shared/db-backups"),
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

    private Inventory.MetricsSettings metrics(InventorySection section) {
        var metrics = new Inventory.MetricsSettings(section.flag("nodes", true),
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

    private static Optional<Inventory.Alerts> alerts(InventorySection top) {
        if (!top.has("alerts")) return Optional.empty();
        var section = top.section("alerts");
        var webhook = section.has("webhook") ? Optional.of(webhook(section.section("webhook")))
                : Optional.<Inventory.Webhook>empty();
        var mail = section.has("mail") ? Optional.of(mail(section.section("mail"))) : Optional.<Inventory.Mail>empty();
        var telegram = section.has("telegram") ? Optional.of(telegram(section.section("telegram")))
                : Optional.<Inventory.Telegram>empty();
        section.end();
        if (webhook.isEmpty() && mail.isEmpty() && telegram.isEmpty())
            top.mistake("alerts", "names nobody, expected webhook, mail or telegram; left out, nobody is told");
        return Optional.of(new Inventory.Alerts(webhook, mail, telegram));
    }

    private Optional<Inventory.Operators> operators(InventorySection top) {
        if (!top.has("operators")) return Optional.empty();
        var section = top.section("operators");
        var operators = new Inventory.Operators(section.required("user", WORD), section.path("identity", folder));
        section.end();
        return Optional.of(operators);
    }

    /** The rules are of addresses: a name would mean what it meant when it was looked up. */
    private static Optional<Inventory.FirewallSettings> firewall(InventorySection top, List<Node> nodes,
            Map<String, InventorySection> sections) {
                if (!top.has("firewall")) return Optional.empty();
                for (var node : nodes) {
                    if (node.address().isEmpty())
                        sections.get(node.name()).mistake("address", "is missing, and `firewall` needs it");
                    else if (!PLAIN_ADDRESS.pattern().matcher(node.address().get()).matches()) sections.get(node.name())
                            .mistake("address",
                                    "expected one without an interface, which `firewall` needs, found "
                                            + node.address().get());
                }
                var section = top.section("firewall");
                var allow = section.list("allow", TEXT, List.of());
                for (var text : allow) if (!network(text)) section.mistake("allow",
                        "expected addresses and networks of IPv4 or IPv6, such as 10.0.0.0/24, found " + text);
                section.end();
                return Optional.of(new Inventory.FirewallSettings(allow));
            }

    /** Whether this is an address, or one with the length of a network behind it. */
    private static boolean network(String text) {
        var parts = text.split("/", -1);
        if (parts.length > 2 || !PLAIN_ADDRESS.pattern().matcher(parts[0]).matches()) return false;
        return parts.length == 1
                || parts[1].matches("\\d{1,3}") && Integer.parseInt(parts[1]) <= (text.contains(":") ? 128 : 32);
    }

    private static Inventory.Webhook webhook(InventorySection section) {
        var webhook = new Inventory.Webhook(section.text("url", URL));
        section.end();
        return webhook;
    }

    private static Inventory.Mail mail(InventorySection section) {
        var mail = new Inventory.Mail(section.required("to", MAILBOXES), section.required("from", MAILBOX),
                section.required("smarthost", SMARTHOST),
                section.text("user", USER), section.flag("tls", true));
        section.end();
        return mail;
    }

    private static Inventory.Telegram telegram(InventorySection section) {
        var chat = section.required("chat_id", CHAT);
        section.end();
        return new Inventory.Telegram(chat.isEmpty() ? 0 : Long.parseLong(chat));
    }

    private Inventory.Sample sample(InventorySection section) {
        var operation = choice(section, "operation", "dummy", List.of("dummy", "backtest", "training", "data"));
        var until = choice(section, "until", operation.equals("dummy") ? "progress" : "end",
                List.of("progress", "end"));
        if (operation.equals("dummy") && until.equals("end"))
            section.mistake("until",
                    "a dummy takes 200 s, and KTRDR gives up what no worker claims after 60: `until: progress`, or a "
                            + "sample on a worker (backtest, training)");
        var body = section.values("body");
        var missing = Inventory.Sample.required(operation).stream().filter(field -> !body.containsKey(field)).toList();
        if (!missing.isEmpty())
            section.mistake("body", "KTRDR takes no " + operation + " without " + String.join(", ", missing));
        var timeout = section.duration("timeout", Duration.ofMinutes(10));
        section.end();
        return new Inventory.Sample(operation, body, until.equals("end"), timeout);
    }
}
