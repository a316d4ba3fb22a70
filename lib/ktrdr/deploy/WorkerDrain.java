package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Waiting;
import ktrdr.drain.WorkerStops;
import ktrdr.node.Docker;
import ktrdr.release.StackFacts;

/**
 * Replaces the workers of a node, busy ones last: each gets the time of {@code --wait-idle} to finish its operation,
 * and then that of {@link WorkerStops}.
 */
final class WorkerDrain {
    /**
     * Brings a part of a deployment up; {@code unless} and {@code stop} are shell lines for before anything is changed,
     * and for right before the containers are.
     */
    interface Up {
        /** Whether it was done; if not, an idle worker is busy by now, and nothing was changed. */
        boolean up(NodePlan part, String unless, String stop);
    }

    private final WorkerStops stops;
    private final Console console;
    private final PlanPreview preview;
    private final NodePlan plan;
    private final Duration waitIdle;
    /** The workers that will be stopped. */
    private final List<String> stopped;
    private final List<WorkerStops.Ended> ended = new ArrayList<>();

    WorkerDrain(WorkerStops stops, Console console, PlanPreview preview, Duration waitIdle) {
        this.console = console;
        this.preview = preview;
        this.plan = preview.plan();
        this.waitIdle = waitIdle;
        this.stops = stops.named(plan.facts().containers());
        this.stopped = new ArrayList<>(preview.stopped());
        stopped.addAll(plan.retired());
    }

    /**
     * Brings the deployment up in parts: idle workers at once, the rest when they are idle, or when the time is over
     * and they have saved what they can.
     */
    void replace(Up up) {
        var left = new ArrayList<>(plan.services());
        // usually all are idle, and then one command finds that out and replaces them
        if (up(up, left, plan.retired())) return;
        var waiting = waiting(waitIdle);
        try (var step = console.step(plan.stack().node().name(), "idle")) {
            while (true) {
                var busy = stops.busy(stopped);
                if (!busy.isEmpty() && waiting.over()) {
                    ended.addAll(stops.end(busy));
                    busy = Map.of();
                }
                if (busy.isEmpty()) {
                    if (up(up, left, plan.retired())) return;
                    continue;
                }
                step.now("waiting for " + WorkerStops.words(busy));
                var working = busy.keySet();
                var idle = left.stream().filter(service -> !working.contains(service)).toList();
                if (!idle.isEmpty() && up(up, idle, List.of())) {
                    left.removeAll(idle);
                    stopped.removeAll(idle);
                }
                waiting.pause();
            }
        }
    }

    /** The outcome of the operations whose workers were stopped while busy. */
    List<WorkerStops.Ended> ended() {
        return ended;
    }

    private boolean up(Up up, List<String> services, List<String> retired) {
        var going = stopped.stream().filter(service -> services.contains(service) || retired.contains(service))
                .toList();
        return up.up(plan.part(services, retired), stops.unlessAtWork(going), stops.stop(going));
    }

    /**
     * Shell lines for the way back: they stop what it replaces, and what an interrupted stop may still be about to end,
     * since Compose would leave a container that is about to exit. Busy workers save what they can first. A busy worker
     * of the previous release was not stopped, and stays.
     *
     * @param facts of the node as it is now
     */
    String back(NodePlan way, StackFacts facts) {
        var before = plan.facts().containers().stream().map(Docker.Container::id).collect(Collectors.toSet());
        var made = facts.containers().stream().filter(container -> !before.contains(container.id()))
                .map(Docker.Container::service)
                .filter(service -> way.services().contains(service) || way.retired().contains(service))
                .collect(Collectors.toSet());
        var going = Stream.concat(made.stream(), preview.stopped().stream()).distinct()
                .collect(Collectors.toCollection(ArrayList::new));
        plan.retired().stream().filter(service -> !going.contains(service)).forEach(going::add);
        stops.named(facts.containers());
        var busy = stops.busy(going);
        var saved = new TreeMap<>(busy);
        saved.keySet().retainAll(made);
        ended.addAll(stops.end(saved));
        return stops.stop(going.stream().filter(service -> made.contains(service) || !busy.containsKey(service))
                .toList());
    }

    /**
     * Waits, at most this long, until all workers that will be stopped are idle; stops none. Answers those still busy,
     * each with its operation.
     */
    Map<String, String> await(Duration patience) {
        try (var step = console.step(plan.stack().node().name(), "idle")) {
            return waiting(patience).until(() -> stops.busy(stopped), Map::isEmpty,
                    busy -> step.now("waiting for " + WorkerStops.words(busy)));
        }
    }

    private Waiting waiting(Duration patience) {
        return new Waiting(patience, 1000,
                plan.stack().node().name() + ": interrupted while waiting for workers to be idle");
    }
}
