package ktrdr.drain;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;
import ktrdr.ssh.HeldScript;

/**
 * Workers that are stopped on purpose, on every node at once, for as long as something holds them. Each node starts
 * those that it stopped by itself when the connection ends, however the run ended.
 */
public final class WorkerPause implements AutoCloseable {
    /** Busy workers have saved their work by then; a loaded Docker Engine takes some time. */
    private static final Duration STOPPING = Duration.ofSeconds(90);
    private static final String FILE = "hold=/run/lock/ktrdr-hold\n";
    private final Fleet fleet;
    private final Console console;
    private final Map<Node, HeldScript> scripts = new LinkedHashMap<>();
    private boolean cut;

    private WorkerPause(Fleet fleet, Console console) {
        this.fleet = fleet;
        this.console = console;
    }

    /**
     * Stops the running workers of those of these nodes that have some, side by side, busy ones after they have saved
     * what they can. A failure on a node is a {@link Problem}, and all are started again.
     */
    public static WorkerPause take(Fleet fleet, List<Node> asked, NodeLocks locks, Http http, Console console) {
        var nodes = asked.stream().filter(node -> Stack.of(fleet.inventory(), node).working()).toList();
        var held = new WorkerPause(fleet, console);
        var saved = fleet.each(nodes::contains, (node, ssh) -> {
            var stops = new WorkerStops(fleet, locks, http, console, node);
            return stops.end(stops.busy(fleet.inventory().workersOf(node.full()).stream().map(Inventory.Worker::name)
                    .toList()));
        });
        saved.problems().values().stream().findFirst().ifPresent(problem -> {
            throw problem;
        });
        held.cut = saved.values().values().stream().anyMatch(ended -> !ended.isEmpty());
        try (var step = console.step("workers", "stop")) {
            nodes.forEach(node -> held.begin(node, locks));
            held.await();
            step.done(held.scripts.entrySet().stream()
                    .map(entry -> stopped(entry.getValue()) + " on " + entry.getKey().name())
                    .collect(Collectors.joining(", ")));
            return held;
        } catch (RuntimeException e) {
            held.close();
            throw e;
        }
    }

    /**
     * A script that stops the running containers of these services of a Compose project, of all where none is named,
     * and starts them again after {@link #release}, or whatever else ends it.
     */
    public static String hold(String project, List<String> services) {
        return Sh.let("project", project) + Sh.let("services", String.join(" ", services)) + FILE
                + BuiltIn.lines("drain/hold.sh").replace("STOP", WorkerStops.STOP);
    }

    /** A script that ends {@link #hold}. */
    public static String release() {
        return FILE + "rm -f \"$hold\"\n";
    }

    private void begin(Node node, NodeLocks locks) {
        var stack = Stack.of(fleet.inventory(), node);
        // next to the workers of a stack of one's own may be another database
        var services = stack.core() ? node.own().workers().stream().map(Inventory.Worker::name).toList()
                : List.<String>of();
        var script = locks.under(node) + hold(stack.project(), services);
        scripts.put(node, new HeldScript(lines -> fleet.ssh(node).run(script, lines), "stopped", result ->
                NodeLocks.refused(node, result)
                        .orElseGet(() -> Problem.failed(node.name() + ": its workers could not be stopped")
                                .found(result))));
    }

    private void await() {
        long deadline = System.nanoTime() + STOPPING.toNanos();
        scripts.forEach((node, script) -> script.await(Duration.ofNanos(deadline - System.nanoTime()),
                "interrupted while workers were stopped; they are started again",
                () -> Problem.failed(node.name() + ": its workers did not stop within " + Units.duration(STOPPING))));
    }

    private static long stopped(HeldScript script) {
        return Facts.number("stopped", script.values().get("stopped"));
    }

    /** Whether workers were busy. */
    public boolean cut() {
        return cut;
    }

    /** The nodes whose workers were stopped. */
    public List<Node> nodes() {
        return List.copyOf(scripts.keySet());
    }

    /**
     * Starts them again, after an interrupt too. A node that does not confirm it is reported, since it does so by
     * itself.
     */
    @Override
    public void close() {
        if (scripts.values().stream().allMatch(HeldScript::ready)) Threads.uninterrupted(this::start);
        // each script ends with its connection and starts the workers by itself
        scripts.values().forEach(HeldScript::cut);
    }

    private void start() {
        try (var step = console.step("workers", "start")) {
            var asked = fleet.each(scripts::containsKey, (node, ssh) -> ssh.run(release(), STOPPING));
            scripts.forEach((node, script) -> {
                if (asked.problems().containsKey(node) || !script.ends(STOPPING))
                    console.note(node.name(), "workers", "are started again by the node itself; it did not answer");
            });
            step.done(scripts.values().stream().mapToLong(WorkerPause::stopped).sum() + " that were stopped");
        }
    }
}
