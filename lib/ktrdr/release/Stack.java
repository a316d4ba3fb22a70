package ktrdr.release;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.Mount;
import ktrdr.release.Templates.NodeFile;

/** The Compose stack of a node: its project, its files, its services and the image of each. */
public final class Stack {
    /** KTRDR's own workers, of which the inventory says how many run. */
    private static final Pattern WORKER = Pattern.compile("(backtest|training)-worker-(\\d+|gpu)");
    /** Built-in Compose files by inventory, node and tag: a run asks for the same ones at many places. */
    private static final Map<List<Object>, ComposeFile> READ = new ConcurrentHashMap<>();
    private final Inventory inventory;
    private final Node node;
    /** The files of a revision; none for those that inventory and templates make. */
    private final List<NodeFile> files;
    /** What was read of other files, by tag: they may be edited while a session lasts. */
    private final Map<String, ComposeFile> read = new ConcurrentHashMap<>();

    private Stack(Inventory inventory, Node node, List<NodeFile> files) {
        this.inventory = inventory;
        this.node = node;
        this.files = files;
    }

    /** The stack of a node by its role, as inventory and templates have it. */
    public static Stack of(Inventory inventory, Node node) {
        return new Stack(inventory, node, List.of());
    }

    /**
     * The same stack as these files have it: an earlier release may have had other services. Without the files, or with
     * a Compose file that was made unreadable, it is this one.
     */
    public Stack at(List<NodeFile> files) {
        var paths = files.stream().map(NodeFile::path).toList();
        if (!paths.containsAll(List.of(composeFile(), envFile()))) return this;
        var then = new Stack(inventory, node, files);
        try {
            then.file();
            return then;
        } catch (Problem unreadable) {
            return this;
        }
    }

    /**
     * The inventory with the workers that the Compose files of its own templates add, for everything that counts
     * workers. A Compose file that cannot be read is a {@link Problem}.
     */
    public static Inventory withWorkers(Inventory inventory) {
        var result = inventory;
        if (inventory.templates().isPresent()) for (var node : inventory.workers())
            result = result.with(node.withWorkers(of(inventory, node).workers()));
        return result;
    }

    private List<Worker> workers() {
        var file = file();
        return file.active().stream().map(file.services()::get)
                .flatMap(service -> service.worker().stream().map(type -> worker(service, type))).toList();
    }

    private Worker worker(ComposeService service, String type) {
        int port = service.ports().values().iterator().next();
        return new Worker(service.name(), type, port, "", "http://" + inventory.fqdn(node) + ":" + port);
    }

    /** Its inventory. */
    Inventory inventory() {
        return inventory;
    }

    /** The node that it runs on. */
    public Node node() {
        return node;
    }

    /** Whether it is core's, not that of a workers node. */
    public boolean core() {
        return node.role() == Role.CORE;
    }

    /** The name of the Compose project. */
    public String project() {
        return core() ? Docker.CORE_PROJECT : Docker.WORKERS_PROJECT;
    }

    /** The name of the Compose file, in the node's directory. */
    public String composeFile() {
        return core() ? "docker-compose.core.yml" : "docker-compose.workers.yml";
    }

    /** The name of the file next to it with the variables that are not secret. */
    public String envFile() {
        return core() ? ".env.core" : ".env.workers";
    }

    /** The files that inventory and templates make for a release. */
    public List<NodeFile> files(String tag) {
        return new Templates(inventory).render(node, tag);
    }

    /** Its Compose file. One that cannot be read is a {@link Problem}. */
    public ComposeFile file() {
        return file("");
    }

    private ComposeFile file(String tag) {
        boolean builtIn = files.isEmpty() && inventory.templates().isEmpty();
        return builtIn ? READ.computeIfAbsent(List.of(inventory, node, tag), asked -> read(tag))
                : read.computeIfAbsent(tag, this::read);
    }

    private ComposeFile read(String tag) {
        var name = files.isEmpty() ? new Templates(inventory).source(node, composeFile()) : composeFile();
        var file = ComposeFile.read(text(composeFile(), tag), text(envFile(), tag), name);
        if (file.project().equals(project())) return file;
        throw Problem.usage(composeFile() + ": `name` is " + file.project()).expected("name: " + project())
                .fix("the toolkit finds the containers of a node by that name");
    }

    private String text(String path, String tag) {
        return files.stream().filter(file -> file.path().equals(path)).map(NodeFile::content).findFirst()
                .orElseGet(() -> new Templates(inventory).render(node, tag, path).content());
    }

    /**
     * The services that run on this node: those of the Compose file whose profile is on; of KTRDR's own workers as many
     * as the inventory says. A worker that the file does not have is a {@link Problem}.
     */
    public List<String> services() {
        var file = file();
        var workers = core() ? List.<String>of() : inventory.workersOf(node).stream().map(Worker::name).toList();
        for (var worker : workers) if (!has(worker)) throw Problem
                .usage(composeFile() + ": there is no service " + worker + ", which the inventory wants on "
                        + node.name())
                .expected("all workers that the inventory may ask for")
                .found(String.join(", ", file.services().keySet()));
        return Stream.concat(workers.stream(),
                file.active().stream().filter(service -> core() || !WORKER.matcher(service).matches())).distinct()
                .toList();
    }

    /** Whether its Compose file has this service, whatever profiles are on. */
    public boolean has(String service) {
        return file().services().containsKey(service);
    }

    /** A service as the Compose file has it; an unknown one is a {@link Problem}. */
    public ComposeService service(String service) {
        return file().service(service).orElseThrow(() -> unknown(service));
    }

    private Problem unknown(String service) {
        return Problem.usage(node.name() + " has no service " + service)
                .expected("one of " + String.join(", ", services()) + ", or all").found(service);
    }

    /** Its worker with a GPU, if it has one. */
    public Optional<String> gpu() {
        return inventory.workersOf(node).stream().filter(Worker::gpu).map(Worker::name).findFirst();
    }

    /** The requested services; by default all. An unknown one is a {@link Problem}. */
    public List<String> services(List<String> asked) {
        for (var service : asked)
            if (!services().contains(service)) throw unknown(service);
        return asked.isEmpty() ? services() : services().stream().filter(asked::contains).toList();
    }

    /** Whether the service follows the release tag. */
    public boolean released(String service) {
        return file().service(service).map(ComposeService::released).orElse(false);
    }

    /** Whether the service runs to its end before the others, and then is not expected to run. */
    public boolean once(String service) {
        return file().service(service).flatMap(ComposeService::once).isPresent();
    }

    /**
     * Whether a container is in the state that its service should be in: running, and healthy where it has a health
     * check. One that runs once has ended well, or was only made, by a return to its release.
     */
    public boolean well(Docker.Container container) {
        if (!once(container.service())) return container.healthy();
        return container.status().equals("created") || container.status().equals("exited") && container.exitCode() == 0;
    }

    /** The running release, by the images of the running containers; two of them if they differ, empty if none runs. */
    public String release(List<Docker.Container> containers) {
        return containers.stream().filter(container -> container.running() && released(container.service()))
                .map(Docker.Container::tag).distinct().sorted()
                .collect(Collectors.joining(", "));
    }

    /** The image each of these services is started from, at a release tag. */
    public Map<String, String> images(List<String> services, String tag) {
        var images = new LinkedHashMap<String, String>();
        var file = file(tag);
        for (var service : services)
            images.put(service, file.service(service).orElseThrow(() -> unknown(service)).image());
        return images;
    }

    /** Those of its services that are proven over the network. */
    public List<String> proven() {
        var file = file();
        return services().stream().filter(service -> file.service(service).flatMap(ComposeService::proof)
                .filter(proof -> !proof.onNode()).isPresent()).toList();
    }

    /** The secrets that the Compose file of this stack cannot be read without; see also {@link Alerting#secrets}. */
    public Set<Secrets.Field> secrets() {
        var needed = EnumSet.of(Secrets.Field.db_username, Secrets.Field.db_password);
        if (core()) needed.addAll(EnumSet.of(Secrets.Field.jwt_secret, Secrets.Field.grafana_password));
        return needed;
    }

    /** The share's folder on this node: the export itself on its server, the mount elsewhere. */
    public String share() {
        return Mount.path(inventory, node);
    }

    /** Bytes of memory that its workers may use together. */
    long memory() {
        return inventory.workersOf(node).stream().filter(worker -> !node.own().workers().contains(worker))
                .mapToLong(worker -> (worker.type().equals("training") ? node.running().training()
                        : node.running().backtest()).memory()).sum();
    }

    /** The problem of a share without these folders. */
    public Problem lacks(List<String> missing) {
        return Problem.failed(node.name() + ": the share at " + share() + " lacks folders that containers mount")
                .expected(share() + "/" + String.join(", " + share() + "/", missing))
                .found("no such folder").fix(makeFolders(missing));
    }

    /** The fix that creates these folders of the share. */
    public String makeFolders(List<String> missing) {
        var unnamed = missing.stream().filter(folder -> !inventory.storage().folders().contains(folder)).toList();
        var add = unnamed.isEmpty() ? ""
                : "add " + String.join(", ", unnamed) + " to storage.folders in the inventory, then ";
        return inventory.storageNode().map(server -> add + "jbang setup-nfs@ktrdr " + server.name())
                .orElse("make them on " + inventory.storage().server() + ", owner 999:1500, mode 2775");
    }

    /** What is wrong with the mount that was found; empty if containers can write to it. */
    public Optional<Problem> wrongShare(Mount found) {
        return Mount.wrong(inventory, node, found);
    }

    /** The node as commands name it: "core", "workers B". */
    public String words() {
        return core() ? "core" : "workers " + node.id();
    }

    /** The command that deploys all of it. */
    public String deploy() {
        return "jbang deploy@ktrdr " + words() + (core() ? " all" : "");
    }

    /** The services that read files of the toolkit, and where those are; each reads them again when they change. */
    public Map<String, List<String>> readers() {
        if (!core()) return Map.of();
        var readers = new TreeMap<>(Map.of("prometheus", List.of("monitoring/prometheus.yml", "monitoring/rules/"),
                "grafana", List.of("monitoring/grafana/")));
        if (inventory.alerts().isPresent()) readers.put(Alerting.SERVICE, List.of(Alerting.FILE));
        readers.keySet().removeIf(service -> !has(service));
        return readers;
    }

    /** The container of a service. */
    public String container(String service) {
        return file().service(service).map(ComposeService::container).orElse(project() + "-" + service + "-1");
    }

    /** The start of every Compose command on this node, run inside the stack's directory. */
    public String compose() {
        return "docker compose --env-file " + envFile() + " -f " + composeFile();
    }
}
