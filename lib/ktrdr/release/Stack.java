package ktrdr.release;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.Mount;

/** The Compose stack of a node: its project, its files, its services and the image of each. */
public final class Stack {
    /** The services of core that every fleet has. */
    public static final List<String> CORE = Docker.CORE_SERVICES.stream()
            .filter(service -> !service.equals(Alerting.SERVICE)).toList();
    private final Inventory inventory;
    private final Node node;

    private Stack(Inventory inventory, Node node) {
        this.inventory = inventory;
        this.node = node;
    }

    /** The stack of a node, by its role. */
    public static Stack of(Inventory inventory, Node node) {
        return new Stack(inventory, node);
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
    public List<Templates.NodeFile> files(String tag) {
        return new Templates(inventory).render(node, tag);
    }

    /** The services that the inventory wants on this node. */
    public List<String> services() {
        if (!core()) return inventory.workersOf(node).stream().map(Worker::name).toList();
        return inventory.alerts().isEmpty() ? CORE : Docker.CORE_SERVICES;
    }

    /** Its worker with a GPU, if it has one. */
    public Optional<String> gpu() {
        return inventory.workersOf(node).stream().filter(Worker::gpu).map(Worker::name).findFirst();
    }

    /** The requested services; by default all. An unknown one is a {@link Problem}. */
    public List<String> services(List<String> asked) {
        for (var service : asked)
            if (!services().contains(service)) throw Problem.usage(node.name() + " has no service " + service)
                    .expected("one of " + String.join(", ", services()) + ", or all").found(service);
        return asked.isEmpty() ? services() : services().stream().filter(asked::contains).toList();
    }

    /** Whether the service may belong to the stack, though the inventory does not want it now. */
    public boolean optional(String service) {
        return core() && service.equals(Alerting.SERVICE);
    }

    /** Whether the service runs KTRDR's own image and so follows the release tag. */
    public boolean released(String service) {
        return !core() || service.equals("backend");
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
        for (var service : services) images.put(service, image(service, tag));
        return images;
    }

    private String image(String service, String tag) {
        var images = inventory.images();
        if (!core()) return inventory.workerImage(node) + ":" + tag;
        return switch (service) {
            case "backend" -> images.backend() + ":" + tag;
            case "db" -> images.db();
            case "prometheus" -> images.prometheus();
            case "grafana" -> images.grafana();
            case Alerting.SERVICE -> images.alertmanager();
            default -> images.jaeger();
        };
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
        return inventory.workersOf(node).stream()
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
        return readers;
    }

    /** The container of a service. */
    public String container(String service) {
        return core() ? Docker.ofCore(service) : service;
    }

    /** The start of every Compose command on this node, run inside the stack's directory. */
    public String compose() {
        return "docker compose --env-file " + envFile() + " -f " + composeFile();
    }
}
