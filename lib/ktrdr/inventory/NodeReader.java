package ktrdr.inventory;

import static ktrdr.inventory.InventorySection.ABSOLUTE;
import static ktrdr.inventory.InventorySection.ADDRESS;
import static ktrdr.inventory.InventorySection.HOST;
import static ktrdr.inventory.InventorySection.OPTIONS;
import static ktrdr.inventory.InventorySection.PLAIN_ADDRESS;
import static ktrdr.inventory.InventorySection.WORD;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.NodeShare;
import ktrdr.inventory.Inventory.Resolve;
import ktrdr.inventory.Inventory.Sudo;
import ktrdr.inventory.InventorySection.Form;

/** Reads and validates the section of a node. */
final class NodeReader {
    /** Variables of env files with which a node would not be the one that the toolkit knows. */
    private static final Set<String> KEPT = Stream.concat(Stream.of("IMAGE_TAG", "NODE"),
            Secrets.Field.KNOWN.stream().map(field -> field.variable())).collect(Collectors.toSet());
    private static final Form PROFILE = Form.of("names of profiles, such as gpu", "[a-zA-Z0-9][a-zA-Z0-9_.-]*");
    private static final Form ROLE = Form.of("core, workers, or the name of a folder among your templates",
            "(?!(all|monitoring|firewall|metrics)$)[a-z0-9][a-z0-9-]{0,62}");
    private final Path folder;
    private final SshSettings ssh;
    private final Resolve resolve;

    /** For nodes that log in like this, unless they say otherwise. */
    NodeReader(Path folder, SshSettings ssh, Resolve resolve) {
        this.folder = folder;
        this.ssh = ssh;
        this.resolve = resolve;
    }

    Node read(String name, InventorySection section, Running running) {
        var role = Role.of(section.text("role", ROLE, Role.WORKERS.name()));
        if (!section.has("role")) section.mistake("role", "is missing, expected core, workers or a name of your own");
        if (!HOST.pattern().matcher(name).matches())
            section.mistake("", "the name of a node is " + HOST.name() + ", found " + name);
        if (resolve == Resolve.INVENTORY && !section.has("address"))
            section.mistake("address", "is missing, and `resolve: inventory` needs it");
        var workers = InventoryWorkers.of(section, role);
        var directory = role.own() ? "/opt/" + role.name() : "/opt/ktrdr-" + (role == Role.CORE ? "core" : name);
        var node = new Node(name, section.text("id", WORD, name), role, section.text("host", HOST, name),
                section.text("address", ADDRESS),
                section.number("cpus", 1, 4096, 1), section.size("memory", "0"), section.size("disk_free", "10GB"),
                section.text("directory", ABSOLUTE, directory),
                section.list("aliases", HOST, List.of()), workers.scale(), workers.backtest(), workers.training(),
                workers.given(),
                ssh(section.section("ssh"), folder, pinned(ssh, section.hostKey("host_key"))),
                share(section.section("storage")),
                section.text("bind", PLAIN_ADDRESS), InventoryWorkers.running(section, running, workers.gpu()),
                own(section));
        // the fleet and this machine ask for what is published where they reach the node
        if (node.bind().isPresent() && !node.bind().equals(node.address()))
            section.mistake("bind",
                    "expected the `address` of the node, without an interface, since that is where others reach it: "
                    + node.address().orElse("it has none here") + ", found " + node.bind().get());
        section.end();
        return node;
    }

    /** Its variables go into an env file, in which a value is not quoted. */
    private static NodeOwn own(InventorySection section) {
        var variables = section.values("variables");
        var inner = section.section("variables");
        variables.forEach((name, value) -> {
            if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) inner.mistake(name, "expected the name of a variable");
            else if (KEPT.contains(name) || name.startsWith("COMPOSE_")) inner.mistake(name,
                    "is set by the toolkit; a profile is named under `profiles`, and secrets come from the provider");
            else if (!value.matches("[A-Za-z0-9._:/@,+=-]*"))
                inner.mistake(name, "expected letters, digits and . _ : / @ , + = -, found " + value);
        });
        return new NodeOwn(variables, section.list("profiles", PROFILE, List.of()), List.of(),
                Optional.empty());
    }

    private static NodeShare share(InventorySection section) {
        var share = new NodeShare(section.text("options", OPTIONS), section.text("from", InventoryReader.FROM)
                .map(InventoryReader.HOST_SHARE::equals));
        section.end();
        return share;
    }

    /** The settings of a section {@code ssh}; what it leaves out is as in {@code base}. */
    static SshSettings ssh(InventorySection section, Path folder, SshSettings base) {
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
}
