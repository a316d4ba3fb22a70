package ktrdr.release;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.BuiltIn;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.release.Templates.NodeFile;

/** The Compose stack of a node: its project, its files, its services and the image of each. */
public final class Stack {
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

    /** Its inventory. */
    public Inventory inventory() {
        return inventory;
    }

    /** The node that it runs on. */
    public Node node() {
        return node;
    }

    /** Whether it is core's or one's own, whose services are deployed one by one, and not that of a workers node. */
    public boolean core() {
        return node.role() != Role.WORKERS;
    }

    /** Whether it has workers, which are drained before they are stopped, and have to register. */
    public boolean working() {
        return node.role() == Role.WORKERS || !node.own().workers().isEmpty();
    }

    /** Whether some of it is waited for while busy before it is stopped. */
    public boolean drained() {
        return working() || file().services().values().stream().anyMatch(service -> service.busy().isPresent());
    }

    /** The name of the Compose project. */
    public String project() {
        return file().project();
    }

    /** The name of the Compose file, in the node's directory. */
    public String composeFile() {
        return RoleFiles.compose(inventory, node.role());
    }

    /** The same, and that of the file that Compose reads on top of it, if there is one. */
    public List<String> composeFiles() {
        var over = RoleFiles.overrides(composeFile()).stream().filter(this::there).findFirst();
        return Stream.concat(Stream.of(composeFile()), over.stream()).toList();
    }

    private boolean there(String path) {
        return files.isEmpty() ? new Templates(inventory).has(node, path)
                : files.stream().anyMatch(file -> file.path().equals(path));
    }

    /** The name of the file next to it with the variables that are not secret. */
    public String envFile() {
        return RoleFiles.env(node.role());
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
        return builtIn() ? READ.computeIfAbsent(List.of(inventory, node, tag), asked -> read(tag))
                : read.computeIfAbsent(tag, this::read);
    }

    private boolean builtIn() {
        return files.isEmpty() && inventory.templates().isEmpty();
    }

    private ComposeFile read(String tag) {
        var read = composeFiles().stream().map(path -> new NodeFile(files.isEmpty()
                ? new Templates(inventory).source(node, path) : path, text(path, tag), "644")).toList();
        var file = ComposeFile.read(read, text(envFile(), tag), node.directory());
        return builtIn() || node.role().own() ? file : file.or(toolkits());
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
                file.active().stream().filter(service -> core() || !node.own().scaled().has(service))).distinct()
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

    /**
     * The secrets that the Compose file of this stack names and its env file does not give a value; see also
     * {@link Alerting#secrets}.
     */
    public Set<Secrets.Field> secrets() {
        var compose = composeFiles().stream().map(path -> text(path, "")).collect(Collectors.joining("\n"));
        var named = Templates.variables(compose);
        // Compose also takes those that a service names without a value
        inventory.secrets().variables().keySet().stream()
                .filter(name -> Pattern.compile("\\b" + name + "\\b").matcher(compose).find()).forEach(named::add);
        named.removeAll(Templates.env(text(envFile(), "")).keySet());
        return inventory.secrets().all().stream().filter(field -> named.contains(field.variable()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The share on this node. */
    public StackShare onShare() {
        return new StackShare(inventory, node);
    }

    /** Its folder there: the export itself on its server, the mount elsewhere. */
    public String share() {
        return onShare().path();
    }

    /** The node as commands name it: "core", "workers B". */
    public String words() {
        return inventory.lookup().words(node);
    }

    /** The command that deploys all of it. */
    public String deploy() {
        return "jbang deploy@ktrdr " + words() + (words().contains(" ") ? "" : " all");
    }

    /** A Compose file may be from before services said which part they are, and what they read. */
    private ComposeFile toolkits() {
        var text = BuiltIn.text(node.role().name() + "/" + composeFile());
        return ComposeFile.read(List.of(new NodeFile(composeFile(), text, "644")), "", node.directory());
    }

    /** The service that is a part; empty if the stack has none that runs. */
    public Optional<String> service(Part part) {
        return service(part, services());
    }

    /** The same of these services of the stack. */
    public Optional<String> service(Part part, Collection<String> some) {
        return some.stream().filter(service -> is(service, part)).findFirst();
    }

    /** The ports at which a part is published; none if the stack has none that runs. */
    Collection<Integer> ports(Part part) {
        return service(part).map(name -> service(name).ports().values()).orElse(List.of());
    }

    /** Whether a service is this part. */
    public boolean is(String service, Part part) {
        return file().service(service).flatMap(ComposeService::part).equals(Optional.of(part));
    }

    /** The container of a part; empty if the stack has none that runs. */
    public Optional<String> container(Part part) {
        return service(part).map(this::container);
    }

    /** The service that is a part which a procedure is about; a stack without it is a {@link Problem}. */
    public String needed(Part part) {
        return service(part).orElseThrow(() -> Problem.usage(node.name() + ": its stack has no " + part.word())
                .expected("a service with `x-ktrdr: {part: " + part.word() + "}` in " + composeFile())
                .found(String.join(", ", services())));
    }

    /** Shell lines that define {@code container}: the database's. A stack without one is a {@link Problem}. */
    public String database() {
        var service = needed(Part.DATABASE);
        return Docker.container(project(), service, container(service));
    }

    /** The container of a service. */
    public String container(String service) {
        return file().service(service).map(ComposeService::container).orElse(project() + "-" + service + "-1");
    }

    /** The start of every Compose command on this node, run inside the stack's directory. */
    public String compose() {
        return "docker compose --env-file " + envFile() + " -f " + String.join(" -f ", composeFiles());
    }
}
