package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.Waiting;
import ktrdr.api.ApiUse;
import ktrdr.fleet.Fleet;
import ktrdr.health.HealthLog;
import ktrdr.health.ProofChecks;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.Likeness;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * The health gate: a deployment is done when its containers are healthy, its services answer and its workers are
 * registered. The toolkit asks for that repeatedly. ({@code docker compose up --wait} gives up on one-shot containers
 * and at the first "unhealthy".)
 */
final class HealthGate {
    private static final long PAUSE_MILLIS = 500;
    /** Prometheus scrapes its targets every 15 s, the first time within as long. */
    private static final Duration SCRAPES = Duration.ofSeconds(40);
    /**
     * A container that exited this often since the deployment began is not waited for any longer: it would never stay
     * up.
     */
    private static final int ENDS = 3;
    private final Fleet fleet;
    private final Http http;
    private final Console console;
    private final ServiceChecks checks;
    private final NodePlan plan;
    private final Node node;
    private final Duration timeout;
    private final Likeness likeness;
    private final Map<String, List<String>> digests;
    /** The checks of containers that keep exiting. */
    private Set<CheckId> ending = Set.of();

    /** @param made the containers right after they were brought up; none if none were */
    HealthGate(Fleet fleet, Http http, Console console, NodePlan plan, Duration timeout, ContainerState made) {
        this.fleet = fleet;
        this.http = http;
        this.console = console;
        this.checks = new ServiceChecks(fleet.inventory(), http);
        this.plan = plan;
        this.digests = made.digests();
        this.likeness = new Likeness(plan.stack(), wanted(plan, made.containers()));
        this.timeout = plan.stack().core() && plan.services().isEmpty() && timeout.compareTo(SCRAPES) < 0
                ? SCRAPES : timeout;
        this.node = plan.stack().node();
    }

    /**
     * The images to run, with the configuration hash that each container was made with, and the folder, which is that
     * of the stack for a new container.
     */
    private static Map<String, Docker.Image> wanted(NodePlan plan, List<Docker.Container> made) {
        var wanted = new TreeMap<>(Pins.wanted(plan));
        var before = plan.facts().containers().stream().map(Docker.Container::id).toList();
        wanted.replaceAll((service, image) -> Docker.service(made, service)
                .map(container -> new Docker.Image(image.reference(), image.id(), image.digest(),
                        container.configHash(),
                before.contains(container.id()) ? container.folder() : plan.facts().folder())).orElse(image));
        return wanted;
    }

    /**
     * Waits until the containers are healthy and the services answer, then until the workers with these check ids,
     * which a new backend does not know, are registered again. A timeout is a {@link Problem}, and so is a container
     * that keeps exiting, at once. A node that does not answer meanwhile is asked again.
     */
    void await(Set<CheckId> workersBefore) {
        var waiting = new Waiting(timeout, PAUSE_MILLIS, "interrupted while waiting for health");
        var stack = plan.stack();
        if (!plan.services().isEmpty()) try (var step = console.step(node.name(), "health")) {
            until(waiting, step, () -> services(ask()));
            step.done(String.join(", ", plan.services()));
        }
        if (plan.has(Part.BACKEND)) api();
        if (stack.core() && plan.services().isEmpty()) {
            if (there(Part.PROMETHEUS)) targets(waiting);
            return;
        }
        if (plan.services().isEmpty() || !there(Part.BACKEND) || !stack.working() && workersBefore.isEmpty()) return;
        try (var step = console.step(node.name(), "workers")) {
            var checked = until(waiting, step, () -> workers(stack, workersBefore));
            step.done(registered(checked.size(), stack));
        }
        gpu();
    }

    /** Whether core's stack has a part at all. */
    private boolean there(Part part) {
        return Stack.of(fleet.inventory(), fleet.inventory().core()).service(part).isPresent();
    }

    /**
     * Reports a training worker without the GPU that it should have. It still works, but slowly, so the deployment does
     * not fail.
     */
    private void gpu() {
        if (plan.stack().gpu().filter(plan.services()::contains).isEmpty()) return;
        try {
            checks.gpus(List.of(node)).stream().filter(check -> !check.ok())
                    .forEach(check -> console.note(node.name(), "gpu",
                            check.what().subject() + " has no GPU, it trains on the CPU; " + check.fix()));
        } catch (Problem unknown) {
            if (unknown.exit() == Exit.INTERRUPTED) throw unknown;
            console.note(node.name(), "gpu",
                    "it is not known whether its training worker has a GPU: " + unknown.sentence());
        }
    }

    /** Reports what the toolkit uses and this backend does not have; the deployment does not fail. */
    private void api() {
        ApiUse.compared(fleet.inventory(), http).words()
                .ifPresent(words -> console.note(node.name(), "contract", words));
    }

    private static String registered(int workers, Stack stack) {
        return workers + " of " + workers + (stack.working() ? " registered" : " registered again");
    }

    private void targets(Waiting waiting) {
        var inventory = fleet.inventory();
        var workers = fleet.nodes().stream().filter(eachNode -> !eachNode.equals(node)).toList();
        var file = plan.staging().content(Templates.PROMETHEUS);
        try (var step = console.step(node.name(), "targets")) {
            until(waiting, step, () -> ScalePlan.targets(inventory, workers, file,
                    http.json(inventory.url(Part.PROMETHEUS) + "/api/v1/targets?state=active")));
            var listed = workers.stream().flatMap(node -> ScalePlan.listed(inventory, node, file).stream()).toList();
            step.done(listed.size() + " of " + String.join(", ", workers.stream().map(Node::name).toList())
                    + " up, no others");
        }
    }

    /**
     * Whether all of that holds now, without a wait; then it is reported as {@link #await} does.
     *
     * @param seen the node's answer to {@link #question}
     * @param before runs before the report
     */
    boolean holds(Facts seen, Runnable before) {
        var stack = plan.stack();
        try (var health = console.step(node.name(), "health");
                var registered = console.step(node.name(), "workers")) {
            var workers = stack.working() ? answered(() -> workers(stack, Set.of())) : List.<Check>of();
            if (!Check.allOk(answered(() -> services(seen))) || !Check.allOk(workers)) return false;
            before.run();
            health.done(String.join(", ", plan.services()));
            if (stack.working() && there(Part.BACKEND)) registered.done(registered(workers.size(), stack));
            gpu();
            return true;
        }
    }

    /** Shell lines that ask a node for the health of what is deployed, with {@code say} defined. */
    static String question(NodePlan plan) {
        return Docker.sayContainers(plan.stack().project()) + ProofChecks.question(plan.stack(), plan.services())
                + (plan.has(Part.DATABASE) ? ServiceChecks.sayQuery(plan.stack()) : "");
    }

    /** Asks the node. */
    Facts ask() {
        return Facts.parse(fleet.ssh(node).must(Facts.SAY + question(plan) + "say end yes\n"));
    }

    private List<Check> services(Facts seen) {
        var stack = plan.stack();
        var containers = Docker.containers(seen);
        ending = containers.stream()
                .filter(container -> !container.running() && container.restarts() - restartsBefore(container) >= ENDS)
                .map(container -> CheckId.ofNode(node, container.service(), "container")).collect(Collectors.toSet());
        var found = new ArrayList<>(ServiceChecks.containers(stack, plan.services(), containers));
        // a restart keeps the containers
        if (!plan.restart()) found.addAll(likeness.checks(plan.services(), containers, digests));
        // a container that does not run does not answer either: one message is enough
        if (Check.allOk(found)) {
            found.addAll(checks.proofs(stack, plan.services()));
            found.addAll(ProofChecks.answered(stack, plan.services(), seen));
        }
        if (stack.core() && Check.allOk(found)) {
            found.addAll(checks.core(stack, plan.services()));
            if (plan.has(Part.DATABASE)) found.add(checks.database(() -> ServiceChecks.answered(seen)));
        }
        return found;
    }

    private int restartsBefore(Docker.Container container) {
        return plan.facts().containers().stream().filter(eachContainer -> eachContainer.id().equals(container.id()))
                .mapToInt(Docker.Container::restarts).findFirst().orElse(0);
    }

    private List<Check> workers(Stack stack, Set<CheckId> workersBefore) {
        if (stack.working()) return registered(stack);
        return checks.workers(fleet.inventory().workerNodes()).stream()
                .filter(check -> workersBefore.contains(check.what()) || !check.ok()
                && check.what().ofFleet("workers")).toList();
    }

    /** The workers of this deployment's scale, which may differ from the inventory's. */
    private List<Check> registered(Stack stack) {
        return checks.workers(List.of(node.full())).stream().filter(check -> check.what().ofFleet("workers")
                || plan.services().contains(check.what().subject())).toList();
    }

    private List<Check> until(Waiting waiting, Console.Step step, Supplier<List<Check>> ask) {
        var found = waiting.until(() -> hopeful(answered(ask)), Check::allOk,
                checks -> step.now("waiting for " + failing(checks).map(Check::id).collect(Collectors.joining(", "))));
        failing(found).findFirst().ifPresent(check -> {
            throw tooLate(check);
        });
        return found;
    }

    private static Stream<Check> failing(List<Check> checks) {
        return checks.stream().filter(check -> !check.ok());
    }

    /** Returns the checks; a failed check that waiting cannot change is a {@link Problem}. */
    private List<Check> hopeful(List<Check> checks) {
        failing(checks).forEach(check -> {
            var what = node.name() + ": " + check.what().subject();
            if (check.what().is("identity")) throw check.problem(what + " is not what was deployed");
            if (ending.contains(check.what())) throw check.problem(what + " keeps exiting");
        });
        return checks;
    }

    private List<Check> answered(Supplier<List<Check>> ask) {
        try {
            return ask.get();
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            return List.of(Check.unreached(node.name(), problem,
                    "check that " + node.name() + " is up and Docker runs on it"));
        }
    }

    private Problem tooLate(Check failing) {
        var sentence = node.name() + ": " + sentence(failing.what()) + " within " + Units.duration(timeout);
        return failing.what().equals(CheckId.ofNode(node, "ssh")) ? Problem.unreachable(sentence).found(failing.found())
                .fix(failing.fix()) : failing.problem(sentence);
    }

    private static String sentence(CheckId check) {
        return switch (check.kind()) {
            case "container" -> check.subject() + " was not healthy";
            case "registered" -> check.subject() + " was not registered";
            case "target" -> "Prometheus did not have the expected target of " + check.subject();
            case "ssh" -> "no answer about its containers";
            default -> check + " did not hold";
        };
    }

    /** The log and health check of the first unhealthy container; empty if all are healthy. */
    static String failingLog(NodePlan plan, Ssh ssh) {
        var containers = Docker.containers(ssh.must(Docker.containersOf(plan.stack().project())));
        return containers.stream().filter(container -> plan.services().contains(container.service()))
                .filter(container -> !plan.stack().well(container)).findFirst()
                .map(container -> words(ssh, container)).orElse("");
    }

    private static String words(Ssh ssh, Docker.Container container) {
        boolean ended = !container.running() || container.restarts() > 0;
        var log = ssh.run(Docker.logTail(container.name(), ended ? LastWords.LINES : LastWords.SHOWN)).out();
        var check = ended ? null : HealthLog.ask(ssh, List.of(container)).get(container.service());
        return ended ? LastWords.of(log) : LastWords.lines(log, LastWords.SHOWN)
                + (check == null ? "" : (log.isBlank() ? "" : "\n") + "its health check: " + check);
    }
}
