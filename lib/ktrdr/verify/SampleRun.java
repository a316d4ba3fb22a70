package ktrdr.verify;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.Waiting;
import ktrdr.api.Backend;
import ktrdr.api.Jaeger;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsApi.Operation;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.inventory.SampleSettings;
import ktrdr.node.Mount;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.Check.Finding;
import ktrdr.report.CheckId;

/**
 * The sample operation of verify: it is started and followed to its end or until it progresses. Then its trace is
 * looked for in Jaeger and its result is checked, of a backtest in the backend and of a training on the share. An
 * operation that was started here is cancelled unless it is followed to its end, also after an interrupt.
 */
final class SampleRun {
    /** How long traces take to arrive: exporters send them in batches. */
    private static final Duration TRACES = Duration.ofSeconds(20);
    private static final Duration RESULT = Duration.ofSeconds(10);
    /** In characters. */
    private static final int SHOWN = 120;
    /** Where a model is, whatever the worker calls the folder of models. */
    private static final Pattern MODEL = Pattern.compile("(?:^|/)models/(.*[^/])/*$");
    private final Fleet fleet;
    private final Inventory inventory;
    private final OperationsApi operations;
    private final Jaeger jaeger;
    private final SampleSettings sample;
    private final String core;
    private final Stack stack;

    /** What was checked; {@code remarks} say what could not be, and why. */
    record Checked(List<Check> checks, List<String> remarks) {}

    SampleRun(Fleet fleet, Http http) {
        this.fleet = fleet;
        this.inventory = fleet.inventory();
        this.operations = new OperationsApi(inventory, http);
        this.jaeger = new Jaeger(inventory, http);
        this.sample = inventory.sample();
        this.core = inventory.core().name();
        this.stack = Stack.of(inventory, inventory.core());
    }

    /** Runs the sample; {@code now} gets its progress, {@code begun} runs once the operation was started. */
    Checked run(Consumer<String> now, Runnable begun) {
        var kind = OperationsApi.Kind.valueOf(sample.operation());
        var began = Instant.now();
        var started = new Started(kind);
        var checks = new ArrayList<>(
                List.of(Check.of(CheckId.ofFleet("sample", "operation"), core, "a " + kind + " operation that "
                        + (sample.toItsEnd() ? "completes within " : "progresses within ")
                + Units.duration(sample.timeout()), "jbang operations@ktrdr list; on " + core + ": docker logs "
                        + stack.container(stack.needed(Part.BACKEND)), () -> started.follow(now, begun))));
        var remarks = new ArrayList<String>();
        if (started.id.isEmpty())
            remarks.add("sample.trace and sample.result were not checked: no operation was started");
        else {
            if (stack.service(Part.JAEGER).isPresent()) {
                now.accept("waiting for its trace");
                checks.add(trace(started, began));
            }
            if (!kind.onWorker()) remarks.add("sample.result was not checked: a " + kind + " operation has none; "
                    + "`sample: {operation: backtest, …}` or `training` in the inventory proves it");
            else if (!checks.get(0).ok() || !sample.toItsEnd())
                remarks.add("sample.result was not checked: the operation did not complete");
            else checks.add(kind == OperationsApi.Kind.training ? model(started) : result(started));
        }
        return new Checked(checks, remarks);
    }

    /** The operation, once there is one. */
    private final class Started {
        private final OperationsApi.Kind kind;
        private String id = "";
        private Optional<Operation> last = Optional.empty();
        private Optional<Backend.Worker> worker = Optional.empty();
        private double first = -1;

        private Started(OperationsApi.Kind kind) {
            this.kind = kind;
        }

        private Finding follow(Consumer<String> now, Runnable begun) {
            // it has to be known which one it is before an interrupt can cancel it
            id = Threads.whole("sample", () -> operations.start(kind, sample.body()));
            try {
                begun.run();
                last = Optional.of(operations.follow(id, sample.timeout(),
                        operation -> !sample.toItsEnd() && operation.percentage() > first,
                        operation -> seen(operation, now)));
            } finally {
                // an interrupt has to wait for it
                if (last.isEmpty() || !last.get().ended()) Threads.uninterrupted(() -> operations.cancel(id));
            }
            return words();
        }

        private void seen(Operation operation, Consumer<String> now) {
            now.accept(operation.words());
            if (first < 0) first = operation.percentage();
            if (worker.isEmpty() && !operation.ended() && kind.onWorker()) worker = operations.worker(id);
        }

        private Finding words() {
            var ended = last.orElseThrow();
            if (ended.ended() && !ended.completed())
                return Finding.bad(id + " " + ended.words() + place()
                        + (ended.unclaimed() && ended.onBackend() ? ", by the backend, which still runs it"
                                : ""));
            if (ended.completed()) return Finding.good(id + " completed" + place());
            var now = operations.show(id);
            if (!now.cancelled()) return Finding.bad(id + " is " + now.words() + " after it was cancelled");
            return Finding.good(id + " went from " + Math.round(first) + " to " + Math.round(ended.percentage()) + " %"
                    + place()
                    + ", then it was cancelled");
        }

        private String place() {
            return worker.map(worker -> " on " + inventory.place(worker.endpointUrl())).orElse("");
        }
    }

    private Check trace(Started started, Instant began) {
        return Check.of(CheckId.ofFleet("sample", "trace"), core,
                "a trace of it by " + inventory.tracing().service() + " in Jaeger within " + Units.duration(TRACES),
                "on " + core + ": docker logs " + stack.container(stack.needed(Part.JAEGER))
                        + "; check OTLP_ENDPOINT of the containers",
                () -> until(TRACES,
                        () -> jaeger.find(inventory.tracing().service(), started.id, started.kind.path, began)
                                .map(Jaeger.Trace::words))
                        .map(Finding::good).orElseGet(() -> Finding.bad("no trace of " + started.id)));
    }

    /** A backtest leaves no file: its result is in the database, and the backend has it from there. */
    private Check result(Started started) {
        return Check.of(CheckId.ofFleet("sample", "result"), core,
                "its result, as the backend has it from the database", "jbang operations@ktrdr show " + started.id,
                () -> {
                    var results = operations.results(started.id);
                    return results.isEmpty() ? Finding.bad("the backend has no result of " + started.id)
                            : Finding.good(Console.brief(results.toString(), SHOWN));
                });
    }

    /** A training leaves its model on the share, from where every worker reads it. */
    private Check model(Started started) {
        return Check.of(CheckId.ofFleet("sample", "result"), core,
                "its model on the share, seen from every workers node within " + Units.duration(RESULT),
                "docs/OPERATIONS.md, \"permission denied on the share\"", () -> {
            var told = Json.read(started.last.orElseThrow().result())
                    .map(summary -> summary.path("model_path").asText("")).orElse("");
            var below = MODEL.matcher(told);
            if (!below.find()) return Finding.bad(told.isEmpty() ? "the backend reports no model_path"
                    : "model_path " + told + " is not below models/");
            return seen(started.id, below.group(1));
        });
    }

    private Finding seen(String id, String model) {
        var seen = fleet.each(node -> node.role() == Role.WORKERS, (node, ssh) -> {
            // an empty folder is not a model
            var script = Sh.let("model", path(node, model))
                    + "timeout 5 find \"$model\" -type f -size +0 -print -quit 2>/dev/null || :\n";
            return until(RESULT, () -> Optional.of(ssh.must(script).strip()).filter(file -> !file.isEmpty()))
                    .isPresent();
        });
        for (var node : fleet.nodes()) {
            var problem = seen.problems().get(node);
            if (problem != null) return Finding.bad(node.name() + ": " + problem.foundOrSentence());
            if (Boolean.FALSE.equals(seen.values().get(node)))
                return Finding.bad(node.name() + ": nothing of " + id + " at " + path(node, model));
        }
        var nodes = List.copyOf(seen.values().keySet());
        return Finding.good(path(nodes.get(0), model) + " from "
                + String.join(", ", nodes.stream().map(Node::name).toList()));
    }

    private String path(Node node, String model) {
        return Mount.path(inventory, node) + "/models/" + model;
    }

    /** Polls until there is a value, or it takes too long. */
    private static <T> Optional<T> until(Duration patience, Supplier<Optional<T>> ask) {
        return new Waiting(patience, 100, "interrupted while waiting").until(ask, Optional::isPresent);
    }
}
