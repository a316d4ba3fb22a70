package ktrdr.status;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.api.Backend;
import ktrdr.api.FiringAlert;
import ktrdr.api.WorkerRoster;
import ktrdr.backup.BackupSchedule;
import ktrdr.deploy.ScalePlan;
import ktrdr.fleet.Fleet;
import ktrdr.health.HealthLog;
import ktrdr.health.MachineChecks;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Role;
import ktrdr.inventory.Inventory;
import ktrdr.node.ContainerUsage;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.node.Mount;
import ktrdr.node.Occupant;
import ktrdr.release.Drift;
import ktrdr.release.Firewall;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * How the whole fleet is at a moment: one script on each node, the requests over HTTP beside it.
 *
 * @param time when it was asked, UTC
 * @param nodes that answered, in the order of the inventory; {@code unreached} the others
 * @param services checks of core's services over HTTP
 * @param registered who the backend knows; empty when it does not answer, {@code unknown} has the check then
 * @param said the ids of checks to what containers say of it: of workers that are up and that the backend does not know
 *     ({@link Unregistered#ask}), and of health checks that fail ({@link HealthLog#ask})
 * @param targets checks of Prometheus' targets
 * @param alerts that fire; empty when Prometheus does not tell
 * @param chosen nodes whose scale is another than the inventory's on purpose, by name, in words: {@code inventory} has
 *     the one that runs
 */
public record FleetStatus(Inventory inventory, Instant time, Map<Node, NodeStatus> nodes, Map<Node, Problem> unreached,
        List<Check> services, Optional<List<Backend.Worker>> registered, Optional<Check> unknown,
        Map<String, String> said, List<Check> targets, Optional<List<FiringAlert>> alerts, Map<String, String> chosen) {
    /**
     * Prometheus asks its targets every 15 s; one that was asked before its container could answer is down until then.
     */
    private static final Duration YOUNG = Duration.ofMinutes(2);

    /** One of a fleet that runs the scale of its inventory. */
    public FleetStatus(Inventory inventory, Instant time, Map<Node, NodeStatus> nodes, Map<Node, Problem> unreached,
            List<Check> services, Optional<List<Backend.Worker>> registered, Optional<Check> unknown,
            Map<String, String> said, List<Check> targets, Optional<List<FiringAlert>> alerts) {
                this(inventory, time, nodes, unreached, services, registered, unknown, said, targets, alerts, Map.of());
            }

    private static final double MEMORY_FULL = 0.95;

    /**
     * Looks at every node of the fleet and at core's services, all at once. A thread that is interrupted meanwhile gets
     * a {@link Problem}.
     */
    public static FleetStatus look(Fleet fleet, Http http) {
        return look(fleet, http, false);
    }

    /** The same, with what each container uses where that is asked for. */
    public static FleetStatus look(Fleet fleet, Http http, boolean usage) {
        var inventory = fleet.inventory();
        var checks = new ServiceChecks(inventory, http);
        var time = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        var threads = Executors.newCachedThreadPool(Threads.daemons("status"));
        try {
            var services = Stack.of(inventory, inventory.core()).services().stream().sorted()
                    .map(service -> CompletableFuture.supplyAsync(() -> checks.core(List.of(service)), threads))
                    .toList();
            var targets = CompletableFuture.supplyAsync(checks::askTargets, threads);
            var alerts = CompletableFuture.supplyAsync(checks::alerts, threads);
            var workers = CompletableFuture.supplyAsync(() -> new Backend(inventory, http).workers(), threads);
            var asked = fleet.each((node, ssh) -> node(inventory, node, ssh, usage));
            if (Thread.currentThread().isInterrupted()) throw Problem.interrupted("interrupted");
            var known = workers.handle(FleetStatus::answered).join();
            var unknown = known.problem.map(problem -> ServiceChecks.unknown(inventory, problem));
            var answers = services.stream().flatMap(future -> future.join().stream()).toList();
            var chosen = new LinkedHashMap<String, String>();
            var meant = inventory;
            for (var entry : asked.values().entrySet()) {
                var node = entry.getKey();
                var scale = ScalePlan.chosen(node, entry.getValue().history());
                if (scale.isEmpty()) continue;
                chosen.put(node.name(),
                        ScalePlan.chosenWords(inventory, node, entry.getValue().history(), scale.get()));
                meant = meant.with(node.withScale(scale.get()));
            }
            var nodes = new LinkedHashMap<Node, NodeStatus>();
            var containers = new LinkedHashMap<Node, List<Docker.Container>>();
            for (var entry : asked.values().entrySet()) nodes.put(meant.node(entry.getKey().name()), entry.getValue());
            nodes.forEach((node, status) -> containers.put(node, status.containers()));
            var whole = fleet.of(meant,
                    meant.nodes().stream()
                            .filter(node -> fleet.nodes().stream()
                                    .anyMatch(eachNode -> eachNode.name().equals(node.name()))).toList());
            var said = new LinkedHashMap<>(HealthLog.ask(whole, containers));
            said.putAll(known.workers.map(some -> Unregistered.ask(whole, nodes, some)).orElse(Map.of()));
            return new FleetStatus(meant, time, nodes, asked.problems(), answers, known.workers, unknown, said,
                    targets.join().checks(meant, address -> !chosen.isEmpty() && gone(inventory, nodes, address)),
                    alerts.join(), chosen);
        } finally {
            threads.shutdownNow();
        }
    }

    private record Answered(Optional<List<Backend.Worker>> workers, Optional<Problem> problem) {}

    private static Answered answered(List<Backend.Worker> workers, Throwable failure) {
        if (failure == null) return new Answered(Optional.of(workers), Optional.empty());
        if (failure.getCause() instanceof Problem problem) return new Answered(Optional.empty(), Optional.of(problem));
        throw new IllegalStateException(failure);
    }

    private static NodeStatus node(Inventory inventory, Node node, Ssh ssh, boolean usage) {
        var stack = Stack.of(inventory, node);
        return NodeStatus.gather(ssh, stack.project(), node.directory(), stack.share(),
                node.equals(backupNode(inventory)) ? backups(inventory) : "", usage);
    }

    /** Where backups can be seen: on the storage server, or on core when that is no node. */
    static Node backupNode(Inventory inventory) {
        return inventory.storageNode().orElse(inventory.core());
    }

    /** The folder of the backups on that node. */
    static String backups(Inventory inventory) {
        return Mount.folder(inventory, backupNode(inventory), inventory.backup().directory());
    }

    /** The workers of the inventory with what the backend says of each. */
    public WorkerRoster roster() {
        return WorkerRoster.of(inventory, registered.orElse(List.of()));
    }

    /** The newest backup; empty where there is none, or its node was not reached. */
    public Optional<NodeStatus.Backup> backup() {
        return Optional.ofNullable(nodes.get(backupNode(inventory))).flatMap(NodeStatus::backup);
    }

    /**
     * How a node differs from what was deployed to it; while a deployment goes on nothing is said. A damaged list of
     * our files is a {@link Problem}.
     */
    Drift drift(Node node) {
        var status = nodes.get(node);
        return status.deploying() || !status.docker() ? Drift.NONE
                : Drift.of(Stack.of(inventory, node), status.history(), status.files(), status.containers(),
                        status.strays());
    }

    /** What a node is meant to run, and what of ours runs there beside it. */
    List<String> services(Node node) {
        return Stream.concat(Stack.of(inventory, node).services().stream(),
                nodes.get(node).containers().stream().map(Docker.Container::service)).distinct().toList();
    }

    /** Whether no container answers at this address any more: the node is ours, and was reached. */
    private boolean gone(String endpoint) {
        return gone(inventory, nodes, endpoint);
    }

    private static boolean gone(Inventory inventory, Map<Node, NodeStatus> nodes, String endpoint) {
        for (var node : nodes.keySet())
            for (var worker : inventory.workersOf(node.full()))
                if (worker.endpointUrl().equals(endpoint) && nodes.get(node).docker()) return Docker.service(
                        nodes.get(node).containers(), worker.name()).filter(Docker.Container::running).isEmpty();
        return false;
    }

    /**
     * Whether a target is down that Prometheus may not have asked since its container could answer, or not at all yet.
     */
    public static boolean due(Check target, Instant time, Map<Node, NodeStatus> nodes) {
        if (target.ok() || !target.what().target()) return false;
        if (target.found().startsWith(ServiceChecks.NOT_ASKED)) return true;
        return nodes.entrySet().stream().filter(at -> at.getKey().name().equals(target.node()))
                .flatMap(at -> at.getValue().containers().stream()).anyMatch(container ->
                target.what().subject().equals(container.service()) && container.healthy()
                        && Instant.parse(container.startedAt()).isAfter(time.minus(YOUNG)));
    }

    /** Whether the container of a service of core began a short time ago. */
    public boolean young(String service) {
        return Optional.ofNullable(nodes.get(inventory.core())).flatMap(at -> Docker.service(at.containers(), service))
                .filter(Docker.Container::running)
                .filter(container -> Instant.parse(container.startedAt()).isAfter(time.minus(YOUNG))).isPresent();
    }

    private static Check told(Check target) {
        return new Check(target.what(), target.node(), true, target.expected(),
                target.found() + "; Prometheus asks it within 15 s", target.fix(), target.seconds());
    }

    /**
     * Prometheus is written from the inventory by a deployment of core: what was chosen on a node it follows by
     * {@code scale} alone, and without that it is no fault of the node.
     */
    private Check followed(Check target) {
        if (target.ok() || !chosen.containsKey(target.node()) || !target.found().equals(ServiceChecks.NOT_KNOWN))
            return target;
        var node = inventory.node(target.node());
        return new Check(target.what(), target.node(), true, target.expected(), target.found() + ": jbang scale@ktrdr "
                + node.id() + " " + node.scale() + " has it follow", target.fix(), target.seconds());
    }

    /** Everything that has to be true for all to be well; what is due within seconds holds, and says so. */
    public List<Check> checks() {
        return checks(false);
    }

    /** The same; with {@code asked} what is due does not hold, for who waits for it. */
    public List<Check> checks(boolean asked) {
        var checks = new ArrayList<Check>();
        var hosts = new LinkedHashMap<Node, MachineFacts>();
        nodes.forEach((node, status) -> hosts.put(node, status.host()));
        for (var node : inventory.nodes()) {
            var problem = unreached.get(node);
            if (problem != null) checks.add(Check.unreached(node.name(), problem, "ssh " + inventory.fqdn(node)));
            else if (nodes.containsKey(node)) {
                checks.addAll(new MachineChecks(inventory).vitals(node, hosts));
                checks.add(memory(node, hosts.get(node)));
                checks.addAll(stack(node, nodes.get(node)));
                Occupant.parse(hosts.get(node).facts()).check(inventory, node).ifPresent(checks::add);
                scheduled(node, nodes.get(node)).ifPresent(checks::add);
                firewall(node, nodes.get(node)).ifPresent(checks::add);
            }
        }
        checks.addAll(images());
        checks.addAll(services);
        checks.addAll(unknown.map(List::of)
                .orElseGet(() -> ServiceChecks.workers(inventory, inventory.workers(), registered.orElse(List.of()), 0)
                        .stream()
                .map(check -> Unregistered.told(check, Optional.ofNullable(said.get(check.id())))).toList()));
        registered.ifPresent(workers -> checks.addAll(ServiceChecks.gpus(inventory, inventory.workers(), workers)));
        registered.ifPresent(workers -> checks.addAll(ServiceChecks.extras(inventory, workers, time, this::gone)));
        targets.forEach(target -> checks.add(!asked && due(target, time, nodes) ? told(target) : followed(target)));
        checks.addAll(ServiceChecks.critical(inventory, alerts.orElse(List.of())));
        return checks;
    }

    /**
     * A check for each tag that is another image on one node than on the next, as one that was pushed again is. A
     * digest is known of what was deployed.
     */
    private List<Check> images() {
        var meanings = new TreeMap<String, Map<Docker.Image, List<String>>>();
        nodes.forEach((node, status) -> released(node, status).forEach(image -> {
            var same = meanings.computeIfAbsent(image.reference() + " " + status.machine(),
                    none -> new LinkedHashMap<>());
            var known = same.keySet().stream()
                    .filter(eachImage -> eachImage.is(image.id(), List.of(image.digest()))
                            || image.is(eachImage.id(), List.of(eachImage.digest()))).findFirst().orElse(image);
            same.computeIfAbsent(known, none -> new ArrayList<>()).add(node.name());
        }));
        var checks = new ArrayList<Check>();
        meanings.forEach((key, same) -> {
            if (same.size() < 2) return;
            var reference = key.substring(0, key.lastIndexOf(' '));
            var found = same.entrySet().stream()
                    .map(entry -> brief(entry.getKey()) + " on " + String.join(", ", entry.getValue()))
                    .collect(Collectors.joining("; "));
            checks.add(new Check(CheckId.ofFleet("images", key.substring(key.lastIndexOf('/') + 1).strip().replace(' ',
                    '.')), inventory.core().name(), false, "one image " + reference + " on all nodes", found,
                    "jbang deploy@ktrdr all --tag " + reference.replaceFirst(".*:", "")
                            + " gives all of them what the registry has under it now", 0));
        });
        return checks;
    }

    /**
     * The images of a node that follow the release, each once, but for those that differ from what was deployed there,
     * which is told by itself.
     */
    private List<Docker.Image> released(Node node, NodeStatus status) {
        var digests = new TreeMap<String, List<String>>();
        for (var entry : status.history().entries())
            entry.images().values().forEach(image -> {
                if (!image.digest().isEmpty()) digests.put(image.id(), List.of(image.digest()));
            });
        var deployed = status.history().current().map(History.Entry::images).orElse(Map.of());
        return status.containers().stream().filter(container -> Stack.of(inventory, node).released(container.service()))
                .filter(container -> !deployed.containsKey(container.service()) || deployed.get(container.service())
                        .is(container.imageId(), List.of()))
                .map(container -> new Docker.Image(container.image(), container.imageId(),
                Docker.digest(container.image(), digests.getOrDefault(container.imageId(), List.of())).orElse("")))
                .distinct().toList();
    }

    private static String brief(Docker.Image image) {
        return (image.digest().isEmpty() ? image.id() : image.digest()).replaceFirst("^.*@", "")
                .replaceFirst("(sha256:.{12}).*", "$1");
    }

    /** Of the backups by a timer; nothing where there is none. */
    private Optional<Check> scheduled(Node node, NodeStatus status) {
        var last = backup().filter(NodeStatus.Backup::ours);
        var wanted = node.role() == Role.CORE ? inventory.backup().schedule() : Optional.<String>empty();
        var there = status.schedule().map(BackupSchedule::at);
        if (wanted.isPresent() && !wanted.equals(there)) return Optional.of(check(node, "backup", false,
                "a backup every day at " + wanted.get() + ", by backup.schedule of the inventory",
                there.map(at -> "a timer at " + at).orElse("no timer makes one"), "jbang backup-db@ktrdr --schedule"));
        return status.schedule().map(schedule -> {
            // of a storage server that was not reached nothing is known, and that is told already
            boolean known = nodes.containsKey(backupNode(inventory));
            var wrong = schedule.wrong(status.clock(), known ? last.map(backup -> status.clock().minus(backup.age()))
                    : Optional.of(status.clock()));
            var found = last.map(backup -> backup.name() + ", " + Units.duration(backup.age()) + " old")
                    .orElse("no backup yet");
            return check(node, "backup", wrong.isEmpty(), "a good backup a day, at " + schedule.at(),
                    wrong.map(why -> why + "; " + found).orElse(found),
                    "on " + node.name() + ": journalctl -u " + BackupSchedule.UNIT
                            + "; jbang backup-db@ktrdr makes one now");
        });
    }

    /**
     * Whether a node lets in those whom the inventory has now: after a change of an address it shuts out that node,
     * until it is deployed to.
     */
    private Optional<Check> firewall(Node node, NodeStatus status) {
        if (inventory.firewall().isEmpty() || status.history().entries().isEmpty()) return Optional.empty();
        boolean same = new Templates(inventory).render(node, "").stream()
                .filter(file -> List.of(Firewall.RULES_V4, Firewall.RULES_V6).contains(file.path()))
                .allMatch(file -> file.sha256().equals(status.files().manifest().get(file.path())));
        return Optional.of(check(node, "firewall", same,
                "packet filter rules for the nodes and addresses of the inventory",
                same ? "as in the inventory" : "rules of another inventory: a node whose address is new is kept out",
                node.role() == Role.CORE ? "jbang deploy@ktrdr core prometheus"
                        : "jbang deploy@ktrdr workers " + node.id() + ", or workers all"));
    }

    private static Check memory(Node node, MachineFacts host) {
        boolean ok = host.memory() <= 0 || host.memoryUsed() < host.memory() * MEMORY_FULL;
        return new Check(CheckId.ofNode(node, "memory"), node.name(), ok,
                "less than " + Math.round(100 * MEMORY_FULL) + " % in use", host.memoryWords(),
                "on " + node.name() + ": docker stats --no-stream", 0);
    }

    /** Of a container that has a limit of its own. */
    private static Check limit(Node node, ContainerUsage used) {
        return check(CheckId.ofNode(node, used.service(), "memory"), used.memory() < used.limit() * MEMORY_FULL,
                "less than " + Math.round(100 * MEMORY_FULL) + " % of its limit in use",
                Units.size(used.memory()) + " of " + Units.size(used.limit()),
                "jbang logs@ktrdr " + node.name() + " " + used.service());
    }

    private List<Check> stack(Node node, NodeStatus status) {
        var stack = Stack.of(inventory, node);
        var checks = new ArrayList<Check>();
        var target = stack.words();
        if (status.docker() && status.containers().isEmpty())
            checks.add(check(node, "stack", false, "containers of " + stack.project(), "none", stack.deploy()));
        else if (status.docker()) ServiceChecks.containers(stack, services(node), status.containers())
                .forEach(found -> checks.add(HealthLog.told(found, said)));
        checks.add(deployment(node, status, "jbang rollback@ktrdr " + target + ", or deploy again"));
        checks.add(lock(node, status.lock()));
        checks.addAll(drift(node, status, target));
        if (stack.core()) checks.add(mounts(node, status));
        for (var used : status.usage()) if (used.limit() > 0) checks.add(limit(node, used));
        return checks;
    }

    /**
     * Of services that read files of ours: whether they have the folder that is there, or one that was replaced or
     * removed.
     */
    private static Check mounts(Node node, NodeStatus status) {
        var stale = String.join(" ", status.files().stale());
        return check(node, "mounts", stale.isEmpty(), "services that have the folder monitoring/ that is there",
                stale.isEmpty() ? "as it should be" : stale.replace(" ", ", ")
                + ": the folder was replaced or removed since the start",
                "jbang deploy@ktrdr core " + stale + " restarts them");
    }

    private List<Check> drift(Node node, NodeStatus status, String target) {
        var release = status.history().current();
        try {
            var drift = drift(node);
            return List.of(check(node, "files", drift.files().isEmpty(), "the files as we wrote them",
                    found(drift.files()),
                            "jbang stage@ktrdr " + target
                                    + " --check shows what differs; without --check it puts them back"),
                    check(node, "services", drift.services().isEmpty(),
                            "the containers of the last release" + release.map(entry -> ", " + entry.tag()).orElse(""),
                            found(drift.services()),
                            release.map(entry ->
                                    mend(node, drift, "jbang rollback@ktrdr " + target + " --to " + entry.tag()
                                            + " puts them back")).orElse("")));
        } catch (Problem damaged) {
            return List.of(check(node, "files", false, "the files as we wrote them", damaged.sentence(),
                    damaged.fix()));
        }
    }

    /** No procedure takes away what is none of ours. */
    private String mend(Node node, Drift drift, String back) {
        var strays = nodes.get(node).strays().stream().map(Docker.Container::name).toList();
        if (strays.isEmpty()) return back;
        var remove = "on " + node.name() + ", if nobody needs it: docker rm -f " + String.join(" ", strays);
        return strays.size() == drift.services().size() ? remove : back + "; " + remove;
    }

    private static String found(List<String> differing) {
        return differing.isEmpty() ? "as they should be" : String.join("; ", differing);
    }

    private static Check deployment(Node node, NodeStatus status, String fix) {
        var last = status.history().last();
        boolean ok = status.deploying() || !status.history().unproven();
        var found = last.map(entry -> status.history().unfinished().isEmpty()
                ? entry.outcome().word() + (entry.error().isEmpty() ? "" : ": " + entry.error())
                : entry.command() + (ok ? " goes on" : " never said how it ended") + ", started " + entry.time()
                        + " by " + entry.by())
                .orElse("nothing was deployed yet");
        return check(node, "deployment", ok, "the last deployment ended, well or with what ran before it", found, fix);
    }

    private static Check lock(Node node, LockScripts.LockState lock) {
        boolean ok = lock.holder().isEmpty() || lock.alive();
        return check(node, "lock", ok, "free, or a holder that gives signs", words(lock),
                "nothing: the next deployment takes it over");
    }

    /** "free", or who holds it and how long ago the last sign was. */
    static String words(LockScripts.LockState lock) {
        return lock.holder()
                .map(owner -> lock.words(owner)
                        + (lock.age() < 0 ? "; no sign" : "; last sign " + lock.age() + " s ago")).orElse("free");
    }

    private static Check check(Node node, String what, boolean ok, String expected, String found, String fix) {
        return check(CheckId.ofNode(node, what), ok, expected, found, fix);
    }

    private static Check check(CheckId id, boolean ok, String expected, String found, String fix) {
        return new Check(id, id.node(), ok, expected, found, fix, 0);
    }

    /** 0 when all is well, 3 when a node was not reached, else 1. */
    public Exit exit() {
        return Check.allOk(checks()) ? Exit.OK
                : unreached.values().stream().map(Problem::exit).reduce(Exit.FAILED, Exit::and);
    }
}
