package ktrdr;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import ktrdr.Inventory.Node;
import ktrdr.Inventory.Role;

/**
 * A deployment over several nodes, phase by phase: {@link #plan}, {@link #pull}, then {@link #apply} for core and for workers.
 *
 * Within a phase the nodes work side by side. A node that fails is left out of what follows and keeps its {@link #problems() problem};
 * nothing is stopped anywhere before every node has what it needs.
 */
public final class Rollout {
    private static final Duration PULL = Duration.ofMinutes(30);
    private final Fleet fleet;
    private final Locks locks;
    private final Checks checks;
    private final Console console;
    private final Duration timeout;
    private final Map<Node, Deployment> plans = new LinkedHashMap<>();
    private final Map<Node, Problem> problems = new LinkedHashMap<>();
    private final Map<Node, Set<String>> recreated = new ConcurrentHashMap<>();
    private final Set<Node> done = ConcurrentHashMap.newKeySet();

    /** A rollout that works on a node under the node's lock only. */
    public Rollout(Fleet fleet, Locks locks, Http http, Console console, Duration timeout) {
        this.fleet = fleet;
        this.locks = locks;
        this.checks = new Checks(fleet.inventory(), http);
        this.console = console;
        this.timeout = timeout;
    }

    /** What each node takes; nodes with a problem are not in it. */
    public Map<Node, Deployment> plans() {
        return plans;
    }

    /** The nodes that did not make it, and why. */
    public Map<Node, Problem> problems() {
        return problems;
    }

    /** The services of a node whose containers were replaced or made. */
    public Set<String> recreated(Node node) {
        return recreated.getOrDefault(node, Set.of());
    }

    /** Whether the node runs what it was to run, and was seen healthy. */
    public boolean done(Node node) {
        return done.contains(node);
    }

    /**
     * Gathers facts, one round trip a node, and decides what each node takes. Without a tag the release that runs there stays,
     * which is for services that do not follow it.
     */
    public void plan(List<String> services, Optional<String> tag, boolean skipChecks) {
        Staging.proveTemplates(fleet.inventory(), fleet.nodes());
        var outcomes = fleet.each((node, ssh) -> {
            try (var step = console.step(node.name(), "check")) {
                var plan = plan(Stack.of(fleet.inventory(), node), ssh, services, tag);
                if (!skipChecks) plan.obstacles().stream().findFirst().ifPresent(problem -> {
                    throw problem;
                });
                var facts = plan.facts();
                step.done("docker " + facts.docker() + ", compose " + facts.compose() + ", " + Units.size(facts.free()) + " free");
                return plan;
            }
        });
        plans.putAll(outcomes.values());
        problems.putAll(outcomes.problems());
        plans.values().forEach(plan -> plan.staging().refuseUnknownVariables());
    }

    private Deployment plan(Stack stack, Ssh ssh, List<String> services, Optional<String> tag) {
        var wanted = stack.services(services);
        var facts = Staging.gather(fleet.inventory(), stack, ssh, tag, List.copyOf(Set.copyOf(stack.images(wanted, tag.orElse("none")).values())));
        var release = tag.or(() -> Staging.staged(stack, facts)).orElseThrow(Release::missing);
        return Deployment.plan(fleet.inventory(), stack, release, wanted, facts);
    }

    /** The secrets that this rollout needs, and no others: the registry's token only where something has to be pulled. */
    public Set<Secrets.Field> secretsNeeded() {
        var needed = plans.values().stream().flatMap(plan -> plan.stack().secrets().stream()).collect(Collectors.toCollection(TreeSet::new));
        if (plans.values().stream().anyMatch(plan -> !plan.pulls().isEmpty())) needed.add(Secrets.Field.ghcr_token);
        return needed;
    }

    /** Pulls what is missing, on all nodes at once. */
    public void pull(Secrets secrets) {
        keep(fleet.each(plans::containsKey, (node, ssh) -> {
            var plan = plans.get(node);
            try (var step = console.step(node.name(), "pull")) {
                if (plan.pulls().isEmpty()) {
                    step.done("nothing: all images are there");
                    return plan;
                }
                step.now(plan.pulls().size() + " images");
                pull(plan, ssh, secrets);
                step.done(plan.pulls().stream().map(Rollout::shortImage).collect(Collectors.joining(", ")));
                return plan;
            }
        }));
    }

    private void pull(Deployment plan, Ssh ssh, Secrets secrets) {
        var images = fleet.inventory().images();
        var node = plan.stack().node().name();
        var result = ssh.run(Sh.let(Secrets.Field.ghcr_token.variable, secrets.get(Secrets.Field.ghcr_token))
                + Docker.pull(images.registry(), images.username(), plan.pulls()), PULL);
        if (result.ok()) return;
        var said = lastLines(result.err(), 3);
        throw switch (result.exit()) {
            case 11 -> Problem.failed(node + ": the registry " + images.registry() + " did not accept the login of " + images.username())
                    .found(said).fix("check the token (secret ghcr_token, needs read:packages); nothing was changed");
            case 12 -> Problem.failed(node + ": " + result.out().strip().replace("\n", ", ") + " could not be pulled")
                    .found(said).fix("is there such a tag in the registry? Nothing was changed");
            default -> Problem.failed(node + ": pulling images failed").found(said).fix("nothing was changed");
        };
    }

    /** Puts the files in place and brings the services up on the nodes of a role, and waits until they are truly up. */
    public void apply(Role role, Secrets secrets, boolean awaitWorkers) {
        var before = awaitWorkers ? serving() : Set.<String>of();
        keep(fleet.each(node -> plans.containsKey(node) && node.role() == role, (node, ssh) -> {
            var plan = plans.get(node);
            up(plan, ssh, secrets);
            new Gate(fleet.inventory(), checks, console, timeout).await(plan, ssh, recreated(node).contains("backend") ? before : Set.of());
            done.add(node);
            return plan;
        }));
    }

    private Set<String> serving() {
        return checks.workers(fleet.inventory().workers()).stream().filter(Check::ok).map(Check::id).collect(Collectors.toSet());
    }

    private void up(Deployment plan, Ssh ssh, Secrets secrets) {
        var node = plan.stack().node();
        console.note(node.name(), "files", plan.staging().outcome());
        plan.staging().remarks().forEach(remark -> console.note(node.name(), "files", remark));
        try (var step = console.step(node.name(), "up")) {
            var result = ssh.run(locks.under(node) + plan.applyScript(secrets), timeout.plusMinutes(2));
            if (!result.ok()) throw applyFailed(plan, ssh, result);
            var fresh = fresh(plan, Docker.containers(StagingScript.rest(result.out())));
            recreated.put(node, fresh);
            StagingScript.checked(result.out()).ifPresent(how -> console.detail(node.name(), "files", how));
            step.done(upOutcome(plan, fresh, StagingScript.told("reloaded", result.out())));
        }
    }

    private static Set<String> fresh(Deployment plan, List<Docker.Container> after) {
        var before = plan.facts().containers().stream().map(Docker.Container::id).collect(Collectors.toSet());
        return after.stream().filter(container -> !before.contains(container.id())).map(Docker.Container::service)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Problem applyFailed(Deployment plan, Ssh ssh, Result result) {
        var node = plan.stack().node();
        return Locks.refused(node, result).or(() -> StagingScript.failure(plan.staging(), result)).orElseGet(() ->
                Problem.failed(node.name() + ": Compose could not bring " + String.join(", ", plan.services()) + " up").found(lastLines(result.err(), 3))
                        .with("its log", Gate.failingLog(plan, ssh)).fix("jbang verify@ktrdr --quick shows what runs now"));
    }

    private static String upOutcome(Deployment plan, Set<String> fresh, List<String> reloads) {
        var parts = new ArrayList<String>();
        if (!fresh.isEmpty()) parts.add(String.join(", ", fresh) + " started");
        if (!reloads.isEmpty()) parts.add(String.join(", ", reloads) + " reloaded");
        var same = plan.services().stream().filter(service -> !fresh.contains(service) && !reloads.contains(service)).toList();
        if (!same.isEmpty()) parts.add(String.join(", ", same) + " same");
        if (!plan.retired().isEmpty()) parts.add(String.join(", ", plan.retired()) + " removed");
        return String.join("; ", parts);
    }

    private void keep(Fleet.Outcomes<Deployment> outcomes) {
        problems.putAll(outcomes.problems());
        plans.keySet().removeAll(outcomes.problems().keySet());
    }

    private static String shortImage(String image) {
        return image.substring(image.lastIndexOf('/') + 1);
    }

    static String lastLines(String text, int count) {
        var lines = text.strip().split("\n");
        return String.join("\n", List.of(lines).subList(Math.max(0, lines.length - count), lines.length));
    }
}
