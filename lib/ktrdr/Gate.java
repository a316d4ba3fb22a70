package ktrdr;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The health gate: a deployment is done when what it deployed is true, asked again and again by our own means.
 * ({@code docker compose up --wait} gives up on one-shot containers and at the first "unhealthy".)
 */
final class Gate {
    private static final long PAUSE_MILLIS = 500;
    private final Inventory inventory;
    private final Checks checks;
    private final Console console;
    private final Duration timeout;

    Gate(Inventory inventory, Checks checks, Console console, Duration timeout) {
        this.inventory = inventory;
        this.checks = checks;
        this.console = console;
        this.timeout = timeout;
    }

    /**
     * Waits until the containers are healthy and the services answer, then until the workers with these check ids, which a new
     * backend has forgotten, are registered again. Too late is a {@link Problem} with the last words of what failed.
     */
    void await(Deployment plan, Ssh ssh, Set<String> workersBefore) {
        long deadline = System.nanoTime() + timeout.toNanos();
        var stack = plan.stack();
        try (var step = console.step(stack.node().name(), "health")) {
            until(deadline, plan, ssh, step, () -> services(plan, ssh));
            step.done(String.join(", ", plan.services()));
        }
        if (stack.core() && workersBefore.isEmpty()) return;
        try (var step = console.step(stack.node().name(), "workers")) {
            var checked = until(deadline, plan, ssh, step, () -> workers(stack, workersBefore));
            step.done(checked.size() + " of " + checked.size() + (stack.core() ? " registered again" : " registered"));
        }
    }

    private List<Check> services(Deployment plan, Ssh ssh) {
        var stack = plan.stack();
        var found = new ArrayList<>(Checks.containers(stack, plan.services(),
                Docker.containers(ssh.must(Docker.containersOf(stack.project())))));
        // what is not running does not answer either: one sentence about it is enough
        if (stack.core() && Check.allOk(found)) {
            found.addAll(checks.core(plan.services()));
            if (plan.services().contains("db")) found.add(checks.database(ssh));
        }
        return found;
    }

    private List<Check> workers(Stack stack, Set<String> workersBefore) {
        if (!stack.core()) return checks.workers(List.of(stack.node()));
        return checks.workers(inventory.workers()).stream().filter(check -> workersBefore.contains(check.id()) || !check.ok()
                && check.id().equals("workers.list")).toList();
    }

    private List<Check> until(long deadline, Deployment plan, Ssh ssh, Console.Step step, Supplier<List<Check>> ask) {
        while (true) {
            var found = ask.get();
            if (Check.allOk(found)) return found;
            var failing = found.stream().filter(check -> !check.ok()).toList();
            if (System.nanoTime() > deadline) throw tooLate(plan, ssh, failing.get(0));
            step.now("waiting for " + failing.stream().map(Check::id).collect(Collectors.joining(", ")));
            pause();
        }
    }

    private Problem tooLate(Deployment plan, Ssh ssh, Check failing) {
        return failing.problem(plan.stack().node().name() + ": " + sentence(failing.id()) + " within " + Units.duration(timeout))
                .with("its log", failingLog(plan, ssh, failing));
    }

    private static String sentence(String check) {
        var words = check.split("\\.");
        return switch (words[words.length - 1]) {
            case "container" -> words[1] + " was not healthy";
            case "registered" -> words[1] + " was not registered";
            default -> check + " did not hold";
        };
    }

    private static String failingLog(Deployment plan, Ssh ssh, Check failing) {
        return plan.services().stream().filter(service -> failing.id().contains(service)).findFirst()
                .map(service -> tail(ssh, plan.stack().container(service))).orElseGet(() -> failingLog(plan, ssh));
    }

    /** The last lines of the first of the services' containers that is not healthy; empty when all are. */
    static String failingLog(Deployment plan, Ssh ssh) {
        var containers = Docker.containers(ssh.must(Docker.containersOf(plan.stack().project())));
        return containers.stream().filter(container -> !container.healthy()).findFirst()
                .map(container -> tail(ssh, container.name())).orElse("");
    }

    private static String tail(Ssh ssh, String container) {
        return Rollout.lastLines(ssh.run(Docker.logTail(container, 10)).out(), 10);
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.failed("interrupted while waiting for health").because(e);
        }
    }
}
