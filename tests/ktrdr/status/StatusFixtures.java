package ktrdr.status;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.api.FiringAlert;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.release.History;
import ktrdr.release.KeptFiles;
import ktrdr.release.LockScripts;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/** A healthy fleet, with single changes for tests. */
public final class StatusFixtures {
    static final Inventory INVENTORY = Fixtures.inventory();
    public static final Node CORE = INVENTORY.core();
    public static final Node B = INVENTORY.node("workers-b");
    static final Node GPU = INVENTORY.node("gpu");
    static final String TAG = "sha-1000001";
    public static final String MACHINE = """
            clock	1790000000.5
            cpus	4
            memory	8589934592
            memory-used	1000000000
            load	1.00
            uptime	93600
            disk /	50000000000
            docker	26.1.5
            docker-root	/var/lib/docker
            disk /var/lib/docker	50000000000
            mount	/mnt/ktrdr-shared	0	backend.ktrdr.test:/srv/ktrdr-shared /mnt/ktrdr-shared nfs rw,vers=3 0 0\t
            disk /mnt/ktrdr-shared	50000000000
            """;

    private StatusFixtures() {}

    static String image(String service) {
        return "sha256:" + (released(service) ? "ktrdr" : service);
    }

    private static boolean released(String service) {
        return service.equals("backend") || service.contains("worker");
    }

    private static String reference(String service, String tag) {
        return released(service) ? "registry.test:5000/ktrdr-backend:" + tag : "registry.test:5000/" + service + ":1";
    }

    public static Docker.Container container(String service, String status, String started) {
        return new Docker.Container("id-" + service, service.contains("worker") ? service : "ktrdr-" + service, service,
                reference(service, TAG), image(service), status, status.equals("running") ? "healthy" : "", 0, 0,
                started, "hash", "");
    }

    public static List<Docker.Container> containers(Node node) {
        return Stack.of(INVENTORY, node).services().stream()
                .map(service -> container(service, "running", "2026-01-01T10:00:00.1Z")).toList();
    }

    public static History.Entry entry(String id, String tag, History.Ending outcome, List<String> services) {
        var images = new LinkedHashMap<String, Docker.Image>();
        services.forEach(service -> images.put(service, new Docker.Image(reference(service, tag), image(service), "")));
        return History.Entry.of(id, tag, outcome).time("2026-01-01T10:00:00Z").by("karl", "laptop")
                .command("deploy all " + tag).target("core").services(services).images(images)
                .configuration(configuration()).seconds(10).build();
    }

    /** The configuration hash of a node with one file of the toolkit. */
    static String configuration() {
        return KeptFiles.hash(Map.of(".env", "a".repeat(64)));
    }

    public static History history(Node node) {
        return new History(List.of(entry("1", TAG, History.Ending.DEPLOYED, Stack.of(INVENTORY, node).services())),
                Optional.empty());
    }

    /** The machine's facts with the toolkit's files; added facts come first and take precedence. */
    public static MachineFacts host(Node node, String... added) {
        var machine = node.equals(CORE) ? MACHINE.replaceAll("(?m)^mount.*", "mount\t/srv/ktrdr-shared\t0\t\t")
                .replace("disk /mnt", "disk /srv") : MACHINE;
        var manifest = java.util.Base64.getEncoder().encodeToString(("a".repeat(64) + "  .env\n").getBytes());
        return new MachineFacts(Facts.parse(String.join("\n", added) + (added.length > 0 ? "\n" : "") + machine
                + "manifest\t" + manifest + "\nfile .env\t" + "a".repeat(64) + " 644 0:0 1\nend\tyes\n"), 0);
    }

    public static NodeStatus node(Node node) {
        return new NodeStatus(host(node), lock(Optional.empty(), -1), history(node), containers(node),
                Optional.empty());
    }

    public static LockScripts.LockState lock(Optional<LockScripts.Owner> owner, long age) {
        return new LockScripts.LockState(false, owner, age, false, Optional.empty());
    }

    static List<Backend.Worker> registered() {
        var all = new ArrayList<Backend.Worker>();
        INVENTORY.workers()
                .forEach(node -> INVENTORY.workersOf(node)
                        .forEach(worker ->
                                all.add(new Backend.Worker(worker.name() + node, worker.type(), worker.endpointUrl(),
                                        "available", "", Optional.empty()))));
        return all;
    }

    public static Check target(String name, String node, boolean up) {
        return new Check(Fixtures.id("target." + name, node), node, up, "a Prometheus target that is up",
                up ? "up" : "down", "curl it", 0);
    }

    public static FleetStatus fleet() {
        var nodes = new LinkedHashMap<Node, NodeStatus>();
        INVENTORY.nodes().forEach(node -> nodes.put(node, node(node)));
        var services = List.of(new Check(CheckId.ofFleet("backend", "health"), "core", true, "ok", "ok", "", 0));
        return new FleetStatus(INVENTORY, Instant.parse("2026-01-01T12:00:00Z"), nodes, Map.of(), services,
                Optional.of(registered()), Optional.empty(), Map.of(),
                List.of(target("backend", "core", true), target("gpu.training-worker-1", "gpu", true)),
                Optional.of(List.of()), Map.of());
    }

    public static FleetStatus with(FleetStatus fleet, Node node, NodeStatus status) {
        var nodes = new LinkedHashMap<>(fleet.nodes());
        nodes.put(node, status);
        return new FleetStatus(fleet.inventory(), fleet.time(), nodes, fleet.unreached(), fleet.services(),
                fleet.registered(), fleet.unknown(), fleet.said(), fleet.targets(), fleet.alerts(), Map.of());
    }

    static FleetStatus without(FleetStatus fleet, Node node) {
        var nodes = new LinkedHashMap<>(fleet.nodes());
        nodes.remove(node);
        var problem = Problem.unreachable(node.name() + ": it does not answer").found("no answer within 5 s")
                .fix("is it up?");
        return new FleetStatus(fleet.inventory(), fleet.time(), nodes, Map.of(node, problem), fleet.services(),
                fleet.registered(), fleet.unknown(), fleet.said(), fleet.targets(), fleet.alerts(), Map.of());
    }

    public static FleetStatus registered(FleetStatus fleet, List<Backend.Worker> registered) {
        return new FleetStatus(fleet.inventory(), fleet.time(), fleet.nodes(), fleet.unreached(), fleet.services(),
                Optional.of(registered), Optional.empty(), fleet.said(), fleet.targets(), fleet.alerts(), Map.of());
    }

    public static FleetStatus at(FleetStatus fleet, String time) {
        return new FleetStatus(fleet.inventory(), Instant.parse(time), fleet.nodes(), fleet.unreached(),
                fleet.services(), fleet.registered(), fleet.unknown(), fleet.said(), fleet.targets(), fleet.alerts(),
                Map.of());
    }

    public static FleetStatus alerts(FleetStatus fleet, FiringAlert... alerts) {
        return new FleetStatus(fleet.inventory(), fleet.time(), fleet.nodes(), fleet.unreached(), fleet.services(),
                fleet.registered(), fleet.unknown(), fleet.said(), fleet.targets(), Optional.of(List.of(alerts)),
                Map.of());
    }

    /** The ids of the failing checks. */
    static List<String> failing(FleetStatus fleet) {
        return fleet.checks().stream().filter(check -> !check.ok()).map(Check::id).toList();
    }

    /** The fleet with these values for workers-b. */
    static FleetStatus b(MachineFacts host, LockScripts.LockState lock, History history,
            List<Docker.Container> containers) {
        return with(fleet(), B, new NodeStatus(host, lock, history, containers, Optional.empty()));
    }

    static FleetStatus b(History history) {
        return b(host(B), lock(Optional.empty(), -1), history, containers(B));
    }

    static FleetStatus b(List<Docker.Container> containers) {
        return b(host(B), lock(Optional.empty(), -1), history(B), containers);
    }

    static String text(FleetStatus fleet) {
        return Stream.of(new StatusReport(fleet).tables()).flatMap(table -> table.lines().stream())
                .collect(Collectors.joining("\n"));
    }
}
