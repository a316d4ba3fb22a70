package ktrdr;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import ktrdr.Inventory.Worker;

/** Replaces the workers of a node, those at work last: each gets the time that {@code --wait-idle} gives to finish what it does. */
final class WorkerDrain {
    private final NodeRollout.Tools tools;
    private final Deployment plan;
    /** The workers that will be stopped. */
    private final List<String> stopped;
    private final Map<String, Worker> workers = new LinkedHashMap<>();

    WorkerDrain(NodeRollout.Tools tools, Preview preview) {
        this.tools = tools;
        this.plan = preview.plan();
        this.stopped = new ArrayList<>(preview.stopped());
        stopped.addAll(plan.retired());
        var node = plan.stack().node();
        // those beyond the scale are stopped too
        tools.fleet().inventory().workersOf(node.full()).forEach(worker -> workers.put(worker.name(), worker));
    }

    /** Has the parts of the deployment brought up: what is idle at once, the rest when it is idle or the time is over. */
    void replace(Consumer<Deployment> up) {
        var left = new ArrayList<>(plan.services());
        long deadline = System.nanoTime() + tools.options().waitIdle().toNanos();
        try (var step = tools.console().step(plan.stack().node().name(), "idle")) {
            while (true) {
                var busy = busy();
                boolean late = System.nanoTime() >= deadline;
                if (busy.isEmpty() || late) {
                    busy.forEach((worker, operation) -> tools.console().note(plan.stack().node().name(), "idle", worker + " is stopped at work, operation " + operation + " is cut"));
                    up.accept(plan.part(left, plan.retired()));
                    return;
                }
                step.now("waiting for " + words(busy));
                var idle = left.stream().filter(service -> !busy.containsKey(service)).toList();
                if (!idle.isEmpty()) up.accept(plan.part(idle, List.of()));
                left.removeAll(idle);
                stopped.removeAll(idle);
                TimeUnit.SECONDS.sleep(1);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Waits so long for all that will be stopped to be idle, with nothing stopped meanwhile; answers those that are still at work, each with its operation. */
    Map<String, String> await(Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        try (var step = tools.console().step(plan.stack().node().name(), "idle")) {
            while (true) {
                var busy = busy();
                if (busy.isEmpty() || System.nanoTime() >= deadline) return busy;
                step.now("waiting for " + words(busy));
                TimeUnit.SECONDS.sleep(1);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private Problem interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return Problem.interrupted(plan.stack().node().name() + ": interrupted while waiting for workers to be idle").because(e);
    }

    /** In words: "backtest-worker-3 (op_1), …". */
    static String words(Map<String, String> busy) {
        return busy.entrySet().stream().map(one -> one.getKey() + " (" + one.getValue() + ")").collect(Collectors.joining(", "));
    }

    /** Worker to the operation it is at, of its own {@code /health}; one that does not answer has nothing to lose. */
    private Map<String, String> busy() {
        var asked = stopped.stream().filter(workers::containsKey).map(workers::get)
                .filter(worker -> Docker.service(plan.facts().containers(), worker.name()).filter(Docker.Container::running).isPresent()).toList();
        if (asked.isEmpty()) return Map.of();
        var answers = Facts.parse(tools.fleet().ssh(plan.stack().node()).must(question(plan.stack(), asked))).under("health");
        var busy = new LinkedHashMap<String, String>();
        for (var worker : asked) operation(answers.getOrDefault(worker.name(), "")).ifPresent(operation -> busy.put(worker.name(), operation));
        return busy;
    }

    /** A script that asks each worker within its container: from here its port may be closed, and a worker at work would seem silent. */
    static String question(Stack stack, List<Worker> asked) {
        return Facts.SAY + """
                health() {
                  if said=$(docker exec "$2" curl -fsS -m 5 "http://localhost:$3/health" 2>/dev/null); then say "health $1" "$said"; fi
                }
                """ + asked.stream().map(worker -> "health " + Sh.words(List.of(worker.name(), stack.container(worker.name()), String.valueOf(worker.port()))) + " &\n")
                .collect(Collectors.joining()) + "wait\nsay end yes\n";
    }

    /** What a worker says that it is at. */
    static Optional<String> operation(String health) {
        return Json.read(health).filter(said -> said.path("worker_status").asText().equals("busy")).map(said -> said.path("current_operation").asText("unknown"));
    }
}
