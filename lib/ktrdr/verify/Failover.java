package ktrdr.verify;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.Waiting;
import ktrdr.api.Backend;
import ktrdr.api.Backend.Worker;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.api.WorkerRoster;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.inventory.Place;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.Check.Finding;
import ktrdr.report.CheckId;

/**
 * What happens when a worker is lost: an operation is started, the worker that took it is killed, and the backend has
 * to notice, to give new work to another one, and to take the worker back once it is started again, which it always is.
 * What counts is what the backend's registry says of the worker: its operation is called running for six minutes more,
 * and is cancelled here before a new worker can take it for its own.
 *
 * With a sample operation that runs on the backend alone, an idle worker is killed instead, and the checks say what
 * that does not prove.
 */
public final class Failover {
    /** What to ask before. */
    public static final String QUESTION =
            "A worker is killed during a sample operation and started again after about a minute. Continue?";
    private static final long PAUSE_MILLIS = 300;

    /** What kills a worker and starts it again. */
    interface Power {
        void off(Place place);

        /** Starts it again, if {@link #off} came so far. */
        void on(Place place);
    }

    /**
     * Time limits: for an operation to be running, for the backend to notice, for the new operation to end, for the
     * worker to be back.
     */
    record Limits(Duration take, Duration notice, Duration complete, Duration back) {
        /**
         * The backend asks each worker every 10 s and gives it up after three misses, which took 28 s; a worker is up
         * and registered within 100 s on a busy machine.
         */
        static Limits usual(Duration complete) {
            return new Limits(Duration.ofSeconds(15), Duration.ofSeconds(60), complete, Duration.ofMinutes(2));
        }
    }

    private final Inventory inventory;
    private final Backend backend;
    private final OperationsApi operations;
    private final Console console;
    private final Power power;
    private final Limits limits;
    private final Kind kind;
    private final List<Check> checks = new ArrayList<>();
    private final List<String> begun = new ArrayList<>();

    Failover(Inventory inventory, Http http, Console console, Power power, Limits limits) {
        this.inventory = inventory;
        this.backend = new Backend(inventory, http);
        this.operations = new OperationsApi(inventory, http);
        this.console = console;
        this.power = power;
        this.limits = limits;
        this.kind = Kind.valueOf(inventory.sample().operation());
    }

    /**
     * Does all of it, under the locks of the nodes, and answers the checks {@code failover.started}, {@code .noticed},
     * {@code .elsewhere} and {@code .registered}; where no other worker is left, the one check that says so, with
     * nothing stopped. Interrupted, it starts the worker again first.
     *
     * @param guard after which the node starts the worker by itself, if this run did not
     */
    public static List<Check> run(Fleet fleet, NodeLocks locks, Http http, Console console, Duration guard) {
        return new Failover(fleet.inventory(), http, console, new WorkerOutage(fleet, locks, guard),
                Limits.usual(fleet.inventory().sample().timeout())).run();
    }

    List<Check> run() {
        var candidates = candidates();
        if (candidates.size() < 2) return List.of(alone(candidates));
        try {
            var stopped = new AtomicReference<Place>();
            checks.add(step("started", "start", inventory.core().name(),
                    onWorker() ? "a " + kind + " operation at work on a worker of the inventory"
                            : "a " + kind + " operation under way",
                    "jbang operations@ktrdr list", () -> started(candidates, stopped)));
            if (checks.get(0).ok()) outage(stopped.get());
            return checks;
        } finally {
            tidy();
        }
    }

    /** Whether the sample operation runs on a worker. */
    private boolean onWorker() {
        return kind.onWorker();
    }

    /** The inventory's idle workers of a type that has two of them; else those that there are. */
    private List<Place> candidates() {
        var idle = new LinkedHashMap<String, List<Place>>();
        for (var type : kind == Kind.backtest ? List.of("backtesting") : kind == Kind.training ? List.of("training")
                : List.of("backtesting", "training")) idle.put(type, new ArrayList<>());
        for (var worker : backend.workers())
            if (worker.status().equals("available")) inventory.at(worker.endpointUrl())
                    .filter(place -> place.worker().type().equals(worker.type()) && idle.containsKey(worker.type()))
                    .ifPresent(place -> idle.get(worker.type()).add(place));
        return idle.values().stream().filter(places -> places.size() > 1).findFirst()
                .orElseGet(() -> idle.values().iterator().next());
    }

    private static Check alone(List<Place> candidates) {
        var found = candidates.isEmpty() ? "none is available" : "only " + candidates.get(0).words() + " is available";
        return new Check(CheckId.ofFleet("failover", "elsewhere"), candidates.isEmpty() ? "" : candidates.get(0).node()
                .name(), false, "another worker of the type that is available, before one is killed",
                found + "; none was killed", "jbang status@ktrdr, or more workers: jbang scale@ktrdr", 0);
    }

    private Finding started(List<Place> candidates, AtomicReference<Place> stopped) {
        var id = begin();
        if (!onWorker()) {
            stopped.set(candidates.get(0));
            var operation = operations.follow(id, limits.take(), eachOperation -> eachOperation.percentage() > 0,
                    eachOperation -> { });
            if (operation.ended() && !operation.completed()) return Finding.bad(operation.words());
            return Finding.good(id + ": " + operation.words() + ", on the backend alone; " + stopped.get().words()
                    + " is to be killed idle");
        }
        return await(limits.take(), () -> {
            var operation = operations.show(id);
            if (operation.ended())
                return Look.over(id + " ended before a worker could be killed: " + operation.words());
            var worker = operations.worker(id);
            if (worker.isEmpty()) return Look.of(false, id + ": " + operation.words() + ", on no worker");
            var url = worker.get().endpointUrl();
            var place = inventory.at(url);
            if (place.isEmpty()) return Look.over(id + " runs on " + url + ", which is not a worker of the inventory");
            stopped.set(place.get());
            return Look.of(true, id + " runs on " + place.get().words());
        });
    }

    private String begin() {
        var id = Threads.whole("failover", () -> operations.start(kind, inventory.sample().body()));
        begun.add(id);
        return id;
    }

    /** From the stop to the start of the worker. */
    private void outage(Place place) {
        RuntimeException why = null;
        boolean interrupted;
        try {
            stop(place);
            var id = begun.get(0);
            checks.add(step("noticed", "notice", place.node().name(), "the backend no longer counts on the worker",
                    "on " + inventory.core().name() + ": docker logs " + logs(), () -> noticed(place, id)));
            checks.add(step("elsewhere", "others", inventory.core().name(),
                    "a new " + kind + " operation completes without " + place.words(),
                    "jbang operations@ktrdr list", () -> elsewhere(place)));
        } catch (RuntimeException e) {
            why = e;
        } finally {
            // from here on nothing is to be stopped half way
            interrupted = Thread.interrupted();
        }
        // a new worker that gets the operation of the lost worker would report itself busy with it
        tidy();
        var back = back(place);
        if (interrupted) throw Problem.interrupted("the failover test was interrupted")
                .with("now", place.words() + " is started again, " + back.found()).because(why);
        if (why != null) throw why;
        checks.add(back);
    }

    private String logs() {
        var core = Stack.of(inventory, inventory.core());
        return core.container(core.needed(Part.BACKEND));
    }

    private void stop(Place place) {
        try (var step = console.step(place.node().name(), "kill")) {
            step.now(place.worker().name());
            power.off(place);
            step.done(place.worker().name() + " is killed");
        }
    }

    private Check back(Place place) {
        try (var step = console.step(place.node().name(), "start")) {
            step.now(place.worker().name());
            power.on(place);
            step.done(place.worker().name() + " is started again");
        }
        return step("registered", "register", place.node().name(),
                place.words() + " is registered again, and available",
                "on " + place.node().name() + ": docker logs "
                        + Stack.of(inventory, place.node()).container(place.worker().name()),
                () -> await(limits.back(), () -> {
                    var status = status(place);
                    return Look.of(status.equals("available"), status);
                }));
    }

    private Finding noticed(Place place, String id) {
        long started = System.nanoTime();
        return await(limits.notice(), () -> {
            var status = status(place);
            boolean gone = !WorkerRoster.serves(status);
            return Look.of(gone,
                    gone ? "after " + since(started) + " the worker is " + status
                            + (onWorker() ? "; its operation is " + state(id) : "") : "the worker is " + status);
        });
    }

    private String state(String id) {
        var operation = operations.show(id);
        return operation.ended() ? operation.words() : "called " + operation.status()
                + " until the backend forgets the worker (5 min), and for another minute";
    }

    /** How the backend calls the state of a worker; "not registered" where it has forgotten it. */
    private String status(Place place) {
        var states = backend.workers().stream()
                .filter(worker -> worker.endpointUrl().equals(place.worker().endpointUrl())).toList();
        return states.stream().filter(Worker::serving).findFirst().or(() -> states.stream().findFirst())
                .map(Worker::status).orElse("not registered");
    }

    private Finding elsewhere(Place away) {
        var id = begin();
        var where = new AtomicReference<>("");
        var operation = operations.follow(id, limits.complete(),
                eachOperation -> !onWorker() && eachOperation.percentage() > 0,
                eachOperation -> operations.worker(id).ifPresent(worker -> where.set(worker.endpointUrl())));
        var on = inventory.place(where.get());
        var words = operation.words() + (on.isEmpty() ? "" : " on " + on);
        boolean bad = onWorker() ? !operation.completed() || where.get().equals(away.worker().endpointUrl())
                : operation.ended() && !operation.completed();
        if (bad) return Finding.bad(words);
        return Finding.good(words + (onWorker() ? ""
                : "; on the backend alone, which does not prove that other workers take over: set sample: backtest "
                        + "in the inventory"));
    }

    /** What was seen; with a finding where there is nothing more to wait for. */
    private record Look(String words, Optional<Finding> end) {
        static Look of(boolean enough, String words) {
            return new Look(words, enough ? Optional.of(Finding.good(words)) : Optional.empty());
        }

        /** What is waited for will not come. */
        static Look over(String words) {
            return new Look(words, Optional.of(Finding.bad(words)));
        }
    }

    /**
     * Looks until it is enough; what was seen last when it is too late. A backend that does not answer is asked again.
     */
    private static Finding await(Duration limit, Supplier<Look> look) {
        var seen = new Waiting(limit, PAUSE_MILLIS, Failover::interrupted).until(() -> {
            try {
                return look.get();
            } catch (Problem away) {
                if (away.exit() != Exit.UNREACHABLE) throw away;
                return Look.of(false, away.foundOrSentence());
            }
        }, last -> last.end().isPresent());
        return seen.end().orElseGet(() -> Finding.bad(seen.words() + ", after " + Units.duration(limit)));
    }

    private static Problem interrupted() {
        return Problem.interrupted("the failover test was interrupted").with("now", "nothing is stopped");
    }

    private static String since(long started) {
        return Units.duration(Duration.ofMillis((System.nanoTime() - started) / 1_000_000));
    }

    /** A check that is a step on the console as well. */
    private Check step(String id, String what, String where, String expected, String fix, Supplier<Finding> ask) {
        try (var step = console.step(where, what)) {
            var check = Check.of(CheckId.ofFleet("failover", id), where, expected, fix, ask);
            if (Thread.currentThread().isInterrupted()) throw interrupted();
            if (check.ok()) step.done(check.found());
            else step.failed(check.found());
            return check;
        }
    }

    /** Leaves no sample operation behind. */
    private void tidy() {
        Threads.uninterrupted(() -> begun.forEach(id -> {
            try {
                if (!operations.show(id).ended()) operations.cancel(id);
            } catch (Problem problem) {
                console.note("operation", "cancel", id + ": " + problem.sentence());
            }
        }));
    }
}
