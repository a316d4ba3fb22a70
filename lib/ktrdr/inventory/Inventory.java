package ktrdr.inventory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.Yaml;

/**
 * The fleet as inventory.yaml describes it. The file at the top of the project is the description of each key.
 *
 * @param source the file it was read from
 * @param example whether it says that it is the toolkit's own example, which does not describe the reader's fleet
 * @param domain of all hosts
 * @param environment the name of the environment that KTRDR gets
 * @param broker the address of the broker's host service; empty if there is none
 * @param resolve whether hosts are found by DNS or by the addresses below
 * @param nodes in the order of the file; the first one stands for core where none has that role
 * @param alerts where alerts are sent; empty if they are not sent
 * @param operators who logs in for procedures that only look; empty if everyone logs in as {@code ssh} says
 * @param foreign services or containers in the toolkit's Compose projects that their owner looks after
 * @param firewall who may reach the ports of the database and the workers, in addition to the fleet; empty if all may
 * @param templates a folder whose files win over the built-in templates
 */
public record Inventory(Path source, boolean example, String domain, String environment, Optional<String> broker,
        Resolve resolve, SshSettings ssh, List<Node> nodes, Images images, Database database, SecretsSettings secrets,
        Storage storage, BackupSettings backup, Services services, MetricsSettings metrics, Tracing tracing,
        SampleSettings sample, Optional<AlertSettings> alerts, Optional<Operators> operators,
        Optional<FirewallSettings> firewall, List<String> foreign, Optional<Path> templates) {

    /** What KTRDR takes as its environment, and ends at its start for any other (ktrdr/config/settings.py). */
    static final List<String> ENVIRONMENTS = List.of("development", "staging", "production");

    /** How hosts are found: by DNS, or by the inventory's addresses. */
    public enum Resolve { DNS, INVENTORY }

    /**
     * Whether scripts run as root by way of {@code sudo -n}; where needed: unless Docker's socket can be written
     * without.
     */
    public enum Sudo { NEVER, WHERE_NEEDED, ALWAYS }

    /**
     * One host.
     *
     * @param name its key in the inventory; {@code id} the short one, such as B
     * @param host without the domain; {@code aliases} are further names of it
     * @param cpus and {@code memory} in bytes that it is meant to have; {@code diskFree} bytes that have to be free
     *     before a deployment
     * @param scale workers of each type, 1 to 3; {@code backtest} and {@code training} are the counts that follow, or
     *     are given
     * @param given where the inventory says so; empty if it does not, or if something else has set it since
     * @param share how it has the share, where that is not as {@link Storage} says
     * @param bind the one address of the node that its ports are published at; empty for all that it has
     * @param running how its workers run
     * @param own what its stack has for itself
     */
    public record Node(String name, String id, Role role, String host, Optional<String> address, int cpus, long memory,
            long diskFree, String directory, List<String> aliases, int scale, int backtest, int training,
            Optional<Given> given, SshSettings ssh, NodeShare share, Optional<String> bind, Running running,
            NodeOwn own) {

        /**
         * The same node with so many workers of each type that it runs, which is not what the inventory gives. Of those
         * with a GPU there is never more than one.
         */
        public Node withScale(int count) {
            return with(count, backtest == 0 ? 0 : count, training == 0 ? 0 : running.gpu() ? 1 : count);
        }

        /**
         * The same node with every worker that it may ever have had: all that its ports allow, and the one with a GPU,
         * which has the port of another.
         */
        public Node full() {
            return role != Role.WORKERS ? this
                    : with(own.scaled().most(ScaledWorkers.BACKTEST), own.scaled().most(ScaledWorkers.BACKTEST),
                            own.scaled().most(ScaledWorkers.TRAINING));
        }

        /** The same node with these workers of its own templates, and these that it counts. */
        public Node withWorkers(List<Worker> workers, ScaledWorkers scaled) {
            return new Node(name, id, role, host, address, cpus, memory, diskFree, directory, aliases, scale, backtest,
                    training, given, ssh, share, bind, running, own.with(workers, scaled));
        }

        private Node looking(Optional<Operators> operators) {
            return new Node(name, id, role, host, address, cpus, memory, diskFree, directory, aliases, scale, backtest,
                    training, given, ssh.looking(operators), share, bind, running, own);
        }

        private Node with(int scale, int backtest, int training) {
            return new Node(name, id, role, host, address, cpus, memory, diskFree, directory, aliases, scale, backtest,
                    training, Optional.empty(), ssh, share, bind, running, own);
        }
    }

    /** The key that says how many workers a node runs, scale, workers or gpu, and its place in its file. */
    public record Given(String key, Yaml.Place place) {}

    /**
     * Image references: backend and workers without a tag, the others with one; images of the last {@code keep}
     * releases stay on the nodes.
     */
    public record Images(String registry, String username, String backend, String worker, String workerGpu, String db,
            String prometheus, String grafana, String jaeger, String nodeExporter, String alertmanager, int keep) {}

    /** The database's name, and the path inside its image where it keeps its data. */
    public record Database(String name, String data) {}

    /**
     * The shared folder: exported by a node, or a host outside of the fleet, to {@code clients} ("fleet": its other
     * nodes), mounted everywhere else; {@code fromHost} where nodes have it from the host that they run on, by a bind
     * mount.
     */
    public record Storage(String server, String export, String mount, List<String> folders, String options,
            String clients, boolean fromHost) {}

    /**
     * What a node says of the share for itself: options that it mounts it with, whether it has it from the host it runs
     * on.
     */
    public record NodeShare(Optional<String> options, Optional<Boolean> fromHost) {}

    /** The ports that core publishes. */
    public record Services(int backend, int grafana, int prometheus, int jaeger, int otlp, int db, int alertmanager) {}

    /** Whether Prometheus scrapes metrics of every node and its containers, and the port of node-exporter there. */
    public record MetricsSettings(boolean nodes, int port) {}

    /** The name of the service under which the backend's traces are found, and how many traces Jaeger keeps. */
    public record Tracing(String service, int traces) {}

    /**
     * A worker that the inventory runs. {@code type} is backtesting or training; {@code profile} is empty for the first
     * of a type without a GPU.
     */
    public record Worker(String name, String type, int port, String profile, String endpointUrl) {
        /** Whether it has the node's GPU. */
        public boolean gpu() {
            return profile.equals(ScaledWorkers.GPU);
        }
    }

    /** Reads and validates a file; whatever is wrong with it is one {@link Problem} that lists every place. */
    public static Inventory read(Path file) {
        return new InventoryReader(file).read(InventoryIncludes.read(file));
    }

    /**
     * The inventory in use: the one asked for, $KTRDR_INVENTORY, inventory.yaml in this folder or one above,
     * ~/.config/ktrdr/.
     */
    public static Inventory find(Optional<Path> asked, Map<String, String> environment, Path folder) {
        return InventoryReader.find(asked, environment, folder);
    }

    /**
     * The one node with role core. In a fleet without it the first node takes its place: the database, Prometheus and
     * what else {@link Part} has are looked for there.
     */
    public Node core() {
        return nodes.stream().filter(node -> node.role() == Role.CORE).findFirst().orElse(nodes.get(0));
    }

    /** The nodes of a role, in the order of the file. */
    public List<Node> of(Role role) {
        return nodes.stream().filter(node -> node.role().equals(role)).toList();
    }

    /** The names of the roles that nodes have, in the order of the file. */
    public List<String> roles() {
        return nodes.stream().map(node -> node.role().name()).distinct().toList();
    }

    /** Nodes by the words of a command line, and by their machine. */
    public NodeLookup lookup() {
        return new NodeLookup(this);
    }

    /** The nodes with role workers, in the order of the file. */
    public List<Node> workers() {
        return nodes.stream().filter(node -> node.role() == Role.WORKERS).toList();
    }

    /** The nodes that run workers: these, and others whose Compose file has some. */
    public List<Node> workerNodes() {
        return nodes.stream().filter(node -> node.role() == Role.WORKERS || !node.own().workers().isEmpty()).toList();
    }

    /** The node that exports the share; none where a host outside the fleet does. */
    public Optional<Node> storageNode() {
        return lookup().find(storage.server());
    }

    /** Whether this node exports the share. */
    public boolean exportsShare(Node node) {
        return storageNode().equals(Optional.of(node));
    }

    /** Whether this node has the share from the host that it runs on, by a bind mount, and not by NFS. */
    public boolean shareFromHost(Node node) {
        return node.share().fromHost().orElse(storage.fromHost());
    }

    /** A node by its id, name, host or full host name. An unknown one is a {@link Problem} that names the nearest. */
    public Node node(String asked) {
        return lookup().node(asked);
    }

    /** A workers node by the same names; the core node is a {@link Problem}. */
    public Node workersNode(String asked) {
        return lookup().workersNode(asked);
    }

    /**
     * The named workers nodes; every one without a name, or with the one name {@code all}. A fleet without workers
     * nodes is a {@link Problem}, not an empty choice.
     */
    public List<Node> workersNodes(List<String> names) {
        return lookup().workersNodes(names);
    }

    /** A node's host with the domain. */
    public String fqdn(Node node) {
        return node.host() + "." + domain;
    }

    /** Every name of the fleet, aliases too, and its address where the inventory gives one. */
    public Map<String, Optional<String>> addresses() {
        return new FleetNames(this).addresses();
    }

    /** Every name and address of the nodes whose host key is pinned, in lower case, with that key. */
    public Map<String, HostKeyPin> hostKeys() {
        return new FleetNames(this).hostKeys();
    }

    /** Name to address for connections from here without DNS; empty with {@code resolve: dns}. */
    public Map<String, String> overrides() {
        return new FleetNames(this).overrides();
    }

    /**
     * Where a part of core answers: {@code http://grafana.<domain>:3000}, under its own name where core has such an
     * alias.
     */
    public String url(Part part) {
        int port = switch (part) {
            case BACKEND -> services.backend();
            case GRAFANA -> services.grafana();
            case PROMETHEUS -> services.prometheus();
            case JAEGER -> services.jaeger();
            case ALERTMANAGER -> services.alertmanager();
            case DATABASE -> throw new IllegalArgumentException("the database has no web address");
        };
        var host = core().aliases().contains(part.word()) ? part.word() : core().host();
        return "http://" + host + "." + domain + ":" + port;
    }

    /** The workers of a node: as many of each type as it counts, and the others of its Compose file. */
    public List<Worker> workersOf(Node node) {
        var workers = node.own().scaled().of(node, fqdn(node));
        workers.addAll(node.own().workers());
        return workers;
    }

    /** The image of a node's workers, without a tag. */
    public String workerImage(Node node) {
        return node.running().image().orElse(node.running().gpu() ? images.workerGpu() : images.worker());
    }

    /** The worker of the inventory that answers at this address; none where the inventory runs none there. */
    public Optional<Place> at(String endpointUrl) {
        return workerNodes().stream().flatMap(node -> workersOf(node).stream().map(worker -> new Place(node, worker)))
                .filter(place -> place.worker().endpointUrl().equals(endpointUrl)).findFirst();
    }

    /** The same in words; the address itself if the inventory has no worker there. */
    public String place(String endpointUrl) {
        return at(endpointUrl).map(Place::words).orElse(endpointUrl);
    }

    /** The same inventory with this node in the place of the one of its name. */
    public Inventory with(Node changed) {
        var all = nodes.stream().map(node -> node.name().equals(changed.name()) ? changed : node).toList();
        return with(all);
    }

    /** The same inventory for procedures that only look: see {@link Operators} and {@link Sudo}. */
    public Inventory looking() {
        return with(nodes.stream().map(node -> node.looking(operators)).toList());
    }

    private Inventory with(List<Node> all) {
        return new Inventory(source, example, domain, environment, broker, resolve, ssh, all, images, database, secrets,
                storage, backup, services, metrics, tracing, sample, alerts, operators, firewall, foreign, templates);
    }
}
