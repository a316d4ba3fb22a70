package ktrdr.health;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Dns;
import ktrdr.node.Docker;
import ktrdr.node.Gpu;
import ktrdr.node.MachineFacts;
import ktrdr.node.Mount;
import ktrdr.node.Occupant;
import ktrdr.node.Room;
import ktrdr.release.Firewall;
import ktrdr.release.OwnContainers;
import ktrdr.release.Stack;
import ktrdr.release.StackShare;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * What has to be true of the machines before the first deployment. Pure: from the inventory and the gathered facts to
 * checks.
 */
public final class MachineChecks {
    /**
     * Containers and file systems share what is left for the kernel and the firmware; an LXC has all of what it was
     * given.
     */
    private static final double MEMORY_TOLERANCE = 0.93;
    /** Tokens, traces and "last seen" are compared between nodes. */
    private static final double SKEW_SECONDS = 2;
    private static final Set<String> POOR_DRIVERS = Set.of("vfs", "devicemapper", "aufs");
    private final Inventory inventory;
    private final PortChecks ports;

    public MachineChecks(Inventory inventory) {
        this.inventory = inventory;
        this.ports = new PortChecks(inventory);
    }

    /** What to ask of a node. */
    public MachineFacts.Question question(Node node) {
        var peers = new LinkedHashMap<String, String>();
        var ports = new ArrayList<String>();
        for (var peer : inventory.nodes()) {
            if (peer.equals(node)) continue;
            var host = peer.address().orElse(inventory.fqdn(peer));
            peers.put(peer.name(), host);
            this.ports.between(node, peer).keySet().forEach(port -> ports.add(host + " " + port));
        }
        return new MachineFacts.Question(List.copyOf(inventory.addresses().keySet()), peers, ports,
                inventory.images().registry(),
                Stack.of(inventory, node).share(), node.running().gpu(), OwnContainers.marks(inventory));
    }

    /** The ports that the stack of a node publishes, and the service of each. */
    public Map<Integer, String> published(Node node) {
        return ports.published(node);
    }

    /** All checks of the nodes that answered, in the order of the inventory; this machine's resolver comes last. */
    public List<Check> checks(Map<Node, MachineFacts> facts, Dns.Answers here) {
        var checks = new ArrayList<Check>();
        var names = Dns.checks(inventory, places(facts, here));
        facts.forEach((node, host) -> {
            Occupant.parse(host.facts()).check(inventory, node).ifPresent(checks::add);
            checks.addAll(machine(node, host));
            checks.addAll(docker(node, host));
            checks.add(clock(node, host, facts));
            names.stream().filter(check -> check.node().equals(node.name())).forEach(checks::add);
            for (var peer : inventory.nodes())
                if (!peer.equals(node)) checks.add(ports.reach(node, host, peer, facts.get(peer)));
            checks.add(ports.free(node, host));
            firewall(node, host.facts().get("firewall")).ifPresent(checks::add);
            checks.add(registry(node, host));
        });
        names.stream().filter(check -> check.node().equals("here")).forEach(checks::add);
        return checks;
    }

    /** What each place makes of the names: every node, a container on it where one starts, this machine. */
    public List<Dns.Answers> places(Map<Node, MachineFacts> facts, Dns.Answers here) {
        var places = new ArrayList<Dns.Answers>();
        facts.forEach((node, host) -> {
            places.add(new Dns.Answers(node.name(), node.name(), Dns.addresses(host.facts(), "resolve"), true));
            if (!host.facts().get("container").isEmpty())
                places.add(new Dns.Answers(node.name() + " container", node.name(),
                        Dns.addresses(host.facts(), "inside"), true));
        });
        places.add(here);
        return places;
    }

    private List<Check> machine(Node node, MachineFacts host) {
        var facts = host.facts();
        var debian = List.of(facts.get("family").split(" ")).stream().anyMatch(Set.of("debian", "ubuntu")::contains);
        boolean enough = host.memory() >= node.memory() * MEMORY_TOLERANCE;
        var checks = new ArrayList<>(List.of(
                user(node, facts),
                check(node, "os", debian, "Debian or Ubuntu",
                        facts.get("os") + ", Linux " + facts.get("kernel") + virtual(facts.get("virtual")),
                        "setup-nfs installs with apt; prepare other systems by hand"),
                check(node, "cpus", host.cpus() >= node.cpus(), node.cpus() + " (cpus in the inventory)",
                        String.valueOf(host.cpus()),
                        "pct set <ID> --cores " + node.cpus() + " on the Proxmox host, or correct the inventory"),
                check(node, "memory", enough, Units.size(node.memory()) + " (memory in the inventory)",
                        Units.size(host.memory()),
                        "pct set <ID> --memory " + (node.memory() >> 20)
                                + " on the Proxmox host, or correct the inventory")));
        checks.add(disk(node, host, "root", "/"));
        var full = Room.parse(facts);
        checks.add(check(node, "folders", full.isEmpty(), Room.expected(),
                full.isEmpty() ? "all writable" : Room.words(full), full.isEmpty() ? "" : Room.fix(node.name(), full)));
        checks.addAll(shared(node, host));
        return checks;
    }

    /** The login user. A sudo that would work does not help unless the inventory asks for it. */
    private static Check user(Node node, Facts facts) {
        var user = facts.get("user");
        boolean root = user.equals("root");
        boolean sudo = facts.get("root").equals("yes");
        var login = facts.get("login");
        var found = root ? login.isEmpty() ? user : login + ", root by sudo"
                : user + (sudo ? ", sudo would work and is not used" : ", sudo refuses");
        var line = "`ssh: {sudo: true}` of the node in the inventory";
        return check(node, "user", root && sudo, "root, or a user who becomes root by sudo without a password", found,
                sudo ? line : "log in as root, or a file in /etc/sudoers.d with NOPASSWD for " + user + " and " + line);
    }

    /** The checks that may fail later without a change to the machines: Docker, disks, share, clock. */
    public List<Check> vitals(Node node, Map<Node, MachineFacts> all) {
        var host = all.get(node);
        var checks = new ArrayList<>(List.of(engine(node, host), disk(node, host, "root", "/")));
        var data = host.facts().get("docker-root");
        if (!data.isEmpty()) checks.add(disk(node, host, "docker", data));
        checks.addAll(shared(node, host));
        checks.add(clock(node, host, all));
        return checks;
    }

    /** The share, and what is free on it where it is there. */
    private List<Check> shared(Node node, MachineFacts host) {
        if (!new StackShare(inventory, node).there()) return List.of();
        var checks = new ArrayList<>(List.of(share(node, host.share(), host.facts().all("no-folder"))));
        if (host.free(host.share().path()) >= 0) checks.add(disk(node, host, "share", host.share().path()));
        return checks;
    }

    private Check share(Node node, Mount mount, List<String> missing) {
        var wrong = Mount.wrong(inventory, node, mount);
        if (wrong.isEmpty() && !missing.isEmpty()) {
            var lacks = new StackShare(inventory, node).lacks(missing);
            return check(node, "share", false, lacks.expected(), "no such folder: " + String.join(", ", missing),
                    lacks.fix());
        }
        return check(node, "share", wrong.isEmpty(),
                wrong.map(problem -> problem.expected()).orElse("the share at " + mount.path()),
                found(node, mount, wrong.isEmpty()), wrong.map(problem -> problem.fix()).orElse(""));
    }

    private String found(Node node, Mount mount, boolean right) {
        boolean own = inventory.exportsShare(node) && !inventory.shareFromHost(node);
        return own && right ? "the exported folder" : mount.words(inventory, node);
    }

    private static String virtual(String kind) {
        return kind.isEmpty() || kind.equals("none") ? "" : ", in " + kind;
    }

    private static Check disk(Node node, MachineFacts host, String what, String path) {
        long free = host.free(path);
        return check(CheckId.ofNode(node, "disk", what), free >= node.diskFree(),
                Units.size(node.diskFree()) + " free (disk_free in the inventory) on " + path,
                Units.size(Math.max(free, 0)) + " free",
                "free space on " + node.name() + ": df -h " + path + "; docker system df");
    }

    private List<Check> docker(Node node, MachineFacts host) {
        var facts = host.facts();
        var compose = facts.get("compose");
        var checks = new ArrayList<Check>();
        checks.add(check(node, "compose", Docker.atLeast(Docker.OLDEST_COMPOSE, compose),
                "Compose " + Docker.OLDEST_COMPOSE + " or newer", compose.isEmpty() ? "no docker compose" : compose,
                "apt-get install docker-compose-plugin (Docker's packages) or docker-compose (Debian 13)"));
        checks.add(check(CheckId.ofNode(node, "docker", "boot"), facts.get("boot").equals("enabled"),
                "Docker starts at boot", facts.get("boot").isEmpty() ? "no unit docker" : facts.get("boot"),
                facts.get("boot").isEmpty() ? Docker.startOrInstall(facts.get("docker-error"), "the user")
                        : "systemctl enable docker"));
        checks.add(0, engine(node, host));
        if (facts.get("docker").isEmpty()) return checks;
        checks.add(disk(node, host, "docker", facts.get("docker-root")));
        checks.add(check(CheckId.ofNode(node, "docker", "driver"), !POOR_DRIVERS.contains(facts.get("driver")),
                "a storage driver with copy on write, such as overlay2", facts.get("driver"),
                "pct set <ID> --features nesting=1,keyctl=1, and a file system that supports overlay2"));
        checks.addAll(container(node, host));
        if (node.running().gpu()) checks.add(Gpu.parse(facts).check(node.name()));
        return checks;
    }

    private static Check engine(Node node, MachineFacts host) {
        var version = host.facts().get("docker");
        return check(node, "docker", Docker.atLeast(Docker.OLDEST_ENGINE, version),
                "Docker Engine " + Docker.OLDEST_ENGINE + " or newer, running",
                version.isEmpty() ? host.facts().get("docker-error") : version,
                Docker.startOrInstall(host.facts().get("docker-error"), "the user"));
    }

    /** Whether a container starts; nothing where Docker does not answer. */
    public List<Check> container(Node node, MachineFacts host) {
        var facts = host.facts();
        if (facts.get("docker").isEmpty()) return List.of();
        boolean started = facts.get("container").equals("yes");
        return List.of(check(CheckId.ofNode(node, "docker", "container"), started, "a container starts",
                started ? "started" : facts.get("container-error"),
                "in an LXC: pct set <ID> --features nesting=1,keyctl=1 on the Proxmox host, then restart it"));
    }

    private static Check clock(Node node, MachineFacts host, Map<Node, MachineFacts> all) {
        var far = all.values().stream().mapToDouble(other -> Math.abs(other.skew() - host.skew())).max().orElse(0);
        boolean ok = Math.abs(host.skew()) <= SKEW_SECONDS && far <= 2 * SKEW_SECONDS;
        return check(node, "clock", ok, "this machine's time and the other nodes', to " + (int) SKEW_SECONDS + " s",
                host.skewWords(),
                "timedatectl set-ntp true on " + node.name() + " (an LXC has the clock of its Proxmox host)");
    }

    /** Nothing where the rules are neither wanted nor there. */
    private Optional<Check> firewall(Node node, String found) {
        boolean wanted = inventory.firewall().isPresent();
        if (!wanted && found.isEmpty()) return Optional.empty();
        var ports = Firewall.ports(inventory, node).stream().map(String::valueOf).collect(Collectors.joining(", "));
        return Optional.of(check(node, "firewall", wanted && found.equals("in place"),
                wanted ? "rules that let only the fleet reach " + ports
                        : "no rules, as there is no `firewall` in the inventory",
                found, Stack.of(inventory, node).deploy()));
    }

    private Check registry(Node node, MachineFacts host) {
        var said = host.facts().get("registry");
        boolean ok = Set.of("200", "401").contains(said);
        return check(node, "registry", ok,
                "https://" + inventory.images().registry() + "/v2/ answers 200, or 401 without a login", said,
                said.equals("curl is missing") ? "apt-get install curl on " + node.name()
                        : "curl -v https://" + inventory.images().registry() + "/v2/ on " + node.name());
    }

    static Check check(Node node, String what, boolean ok, String expected, String found, String fix) {
        return check(CheckId.ofNode(node, what), ok, expected, found, fix);
    }

    static Check check(CheckId id, boolean ok, String expected, String found, String fix) {
        return new Check(id, id.node(), ok, expected, found.isEmpty() ? "nothing" : found, fix, 0);
    }
}
