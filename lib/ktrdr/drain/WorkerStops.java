package ktrdr.drain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.Waiting;
import ktrdr.api.OperationsApi;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.node.Docker;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;
import ktrdr.report.Document;

/**
 * Stops the workers of a node. KTRDR's workers do not end at SIGTERM: a training saves a checkpoint and is given up, a
 * backtest goes on, and the process stays, and takes work, until it is killed. At SIGINT a worker ends at once. So an
 * idle worker gets SIGINT; a busy one gets SIGTERM first, and SIGINT once the backend reports that its operation ended.
 */
public final class WorkerStops {
    /** How long a busy worker gets: as long as KTRDR's workers give themselves. */
    private static final Duration GRACE = Duration.ofSeconds(25);
    /** Seconds from SIGINT to SIGKILL: an interrupted stop is over by then, whatever ended its run. */
    private static final int SECONDS = 2;
    private static final long PAUSE_MILLIS = 300;
    /** Stops containers that have nothing to lose. */
    public static final String STOP = "docker stop --signal INT -t " + SECONDS;
    /** The same, and starts them again. */
    public static final String RESTART = "docker restart --signal INT -t " + SECONDS;
    /** The health of a worker, asked in the container {@code $2} at the port {@code $3}. */
    public static final String HEALTH =
            "docker exec \"$2\" curl -fsS --noproxy localhost -m 5 \"http://localhost:$3/health\" 2>/dev/null";

    /** The operation of a worker by its {@code /health}, and the start of its container. */
    record AtWork(String operation, String containerStarted) {}

    private final Fleet fleet;
    private final NodeLocks locks;
    private final Http http;
    private final Console console;
    private final Stack stack;
    private final Map<String, Worker> workers = new LinkedHashMap<>();
    private final Map<String, String> names = new LinkedHashMap<>();
    /** Workers whose work is not waited for, or has ended: their own report does not count any more. */
    private final Set<String> settled = new LinkedHashSet<>();
    private final BusyServices others;

    public WorkerStops(Fleet fleet, NodeLocks locks, Http http, Console console, Node node) {
        this.fleet = fleet;
        this.locks = locks;
        this.http = http;
        this.console = console;
        this.stack = Stack.of(fleet.inventory(), node);
        this.others = new BusyServices(stack, this::name);
        // those beyond the scale are stopped too
        fleet.inventory().workersOf(node.full()).forEach(worker -> workers.put(worker.name(), worker));
    }

    /** Uses the names of these containers: a worker's may have been renamed. */
    public WorkerStops named(List<Docker.Container> containers) {
        containers.forEach(container -> names.put(container.service(), container.name()));
        return this;
    }

    private String name(String service) {
        return names.getOrDefault(service, stack.container(service));
    }

    private String node() {
        return stack.node().name();
    }

    /**
     * The busy workers among these services, each with its operation, and others that say they are at work. A worker
     * that does not answer has nothing to lose. Neither has a worker with an operation that the backend has as ended,
     * or that began before the worker's container and has not reached a step since: the worker was asked for it once,
     * and does not run it.
     */
    public Map<String, String> busy(Collection<String> services) {
        var asked = services.stream().filter(workers::containsKey).filter(service -> !settled.contains(service))
                .map(workers::get).toList();
        var busy = new LinkedHashMap<>(others.busy(services, fleet.ssh(stack.node())));
        if (asked.isEmpty()) return busy;
        answers(fleet.ssh(stack.node()).must(question(this::name, asked))).forEach((worker, work) -> {
            var wrong = idle(work);
            if (wrong.isEmpty()) busy.put(worker, work.operation());
            else {
                settled.add(worker);
                console.note(node(), "idle", worker + " reports operation " + work.operation() + ", "
                        + wrong.get() + ": not waiting for it");
            }
        });
        return busy;
    }

    /**
     * A script that asks each worker within its container: its port may be closed from here, and a busy worker would
     * seem silent.
     */
    public static String question(UnaryOperator<String> names, List<Worker> asked) {
        return Facts.SAY + "health() {\n  if said=$(" + HEALTH + "); then\n" + """
                    say "health $1" "$said"
                    case $said in *busy*) say "started $1" "$(docker inspect --format '{{.State.StartedAt}}' "$2")" \
                ;; esac
                  fi
                }
                """ + asked.stream().map(worker -> "health " + words(names, worker) + " &\n")
                        .collect(Collectors.joining()) + "wait\nsay end yes\n";
    }

    private static String words(UnaryOperator<String> names, Worker worker) {
        return Sh.words(List.of(worker.name(), names.apply(worker.name()), String.valueOf(worker.port())));
    }

    /** The answer of {@link #question}: the busy workers with their operations. */
    static Map<String, AtWork> answers(String answer) {
        var facts = Facts.parse(answer);
        var started = facts.under("started");
        var at = new LinkedHashMap<String, AtWork>();
        facts.under("health")
                .forEach((worker, health) -> operation(health)
                        .ifPresent(operation ->
                                at.put(worker, new AtWork(operation, started.getOrDefault(worker, "")))));
        return at;
    }

    /** The operation in a worker's {@code /health}; empty if it is idle, or reports none. */
    public static Optional<String> operation(String health) {
        return Json.read(health).filter(said -> said.path("worker_status").asText().equals("busy"))
                .map(said -> said.path("current_operation").asText("unknown"));
    }

    /** Why a worker that reports busy is idle; empty if it is busy as far as known. */
    private Optional<String> idle(AtWork work) {
        try {
            var operation = new OperationsApi(fleet.inventory(), http).document(work.operation());
            return idle(operation.path("status").asText(), operation.path("started_at").asText(""),
                    operation.path("progress").path("current_step").asText(""), work.containerStarted());
        } catch (Problem unknown) {
            if (unknown.exit() == Exit.INTERRUPTED) throw unknown;
            return Optional.empty();
        }
    }

    static Optional<String> idle(String status, String started, String step, String containerStarted) {
        if (OperationsApi.Operation.ended(status)) return Optional.of("which the backend has as " + status);
        if (!step.isBlank() && !step.equals("null")) return Optional.empty();
        var began = Units.instantIn(started);
        boolean before = Units.instantIn(containerStarted).filter(since -> began.filter(since::isAfter).isPresent())
                .isPresent();
        return before ? Optional.of("which began before it and has not come to a step") : Optional.empty();
    }

    /** The outcome of an operation whose worker was asked to stop. */
    public record Ended(String worker, String operation, String status, Optional<Checkpoint> checkpoint,
            String unknown) {
        private boolean over() {
            return OperationsApi.Operation.ended(status);
        }

        /** "training-worker-1: checkpoint at epoch 23; resume with jbang operations@ktrdr resume op_1". */
        String words() {
            var resume = "jbang operations@ktrdr resume " + operation;
            if (status.equals("completed")) return worker + ": operation " + operation + " completed";
            if (!unknown.isEmpty()) return worker + ": operation " + operation + " was interrupted, " + unknown;
            if (over()) return worker + ": operation " + operation + " is " + status
                    + checkpoint.map(saved -> ", " + saved.words() + "; resume with " + resume)
                            .orElse(" and left no checkpoint: its work is lost");
            return worker + ": operation " + operation + " was interrupted"
                    + checkpoint.map(saved -> "; its last " + saved.words() + " (" + saved.type()
                            + "); once the backend has it as failed, in a minute or two: " + resume)
                    .orElse(" and left no checkpoint: its work is lost");
        }

        /** For machines. */
        public Map<String, Object> document() {
            var document = new LinkedHashMap<String, Object>();
            document.put("worker", worker);
            document.put("operation", operation);
            document.put("status", status);
            document.put("checkpoint",
                    checkpoint.map(saved -> Document.fields("type", saved.type(), "unit", saved.unit(), "at",
                            saved.at())).orElse(null));
            return document;
        }
    }

    /**
     * Has busy workers save what they can, waits, at most 25 s, until the backend reports that each operation ended,
     * and reports the outcome; others are stopped as they are. From then on they count as idle, and are not waited for
     * any longer.
     */
    public List<Ended> end(Map<String, String> all) {
        var busy = others.others(all, console);
        if (busy.isEmpty()) return List.of();
        settled.addAll(busy.keySet());
        terminate(busy.keySet());
        var left = new LinkedHashMap<>(busy);
        var status = new LinkedHashMap<String, String>();
        var unknown = new LinkedHashMap<String, String>();
        var waiting = new Waiting(GRACE, PAUSE_MILLIS, () -> Problem.interrupted(node() + ": interrupted while "
                + String.join(", ", left.keySet())
                + " saved a checkpoint; they keep running, idle: jbang operations@ktrdr list"));
        try (var step = console.step(node(), "stop")) {
            waiting.until(() -> {
                left.entrySet().removeIf(entry -> over(entry.getValue(), status, unknown));
                return left;
            }, Map::isEmpty, map -> step.now("waiting until the backend has them as ended: " + words(map)));
        }
        var ended = new ArrayList<Ended>();
        busy.forEach((worker, operation) ->
                ended.add(ended(worker, operation, status.getOrDefault(operation, ""),
                        unknown.getOrDefault(operation, ""))));
        ended.forEach(eachEnded -> console.note(node(), "stop", eachEnded.words()));
        return ended;
    }

    /** Whether the fate of an operation is decided. */
    private boolean over(String operation, Map<String, String> status, Map<String, String> unknown) {
        try {
            var now = new OperationsApi(fleet.inventory(), http).document(operation).path("status").asText();
            status.put(operation, now);
            unknown.remove(operation);
            return OperationsApi.Operation.ended(now);
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            boolean away = problem.exit() == Exit.UNREACHABLE;
            unknown.put(operation,
                    away ? "and the backend does not answer: whether it left a checkpoint, jbang operations@ktrdr show "
                            + operation + " may tell" : "which the backend does not know");
            return !away;
        }
    }

    private Ended ended(String worker, String operation, String status, String unknown) {
        try {
            return new Ended(worker, operation, status,
                    unknown.isEmpty() ? Checkpoint.of(fleet.inventory(), http, operation) : Optional.empty(), unknown);
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            return new Ended(worker, operation, status, Optional.empty(),
                    "and the backend did not say whether it left a checkpoint");
        }
    }

    /**
     * SIGTERM to the first process of each, from inside the container: a signal by the Engine would count as a stop by
     * hand, so that the worker would stay down after the next reboot.
     */
    private void terminate(Collection<String> services) {
        var result = fleet.ssh(stack.node()).run(locks.under(stack.node())
                + services.stream()
                        .map(service -> "docker exec " + Sh.quote(name(service)) + " sh -c 'kill -s TERM 1' &\n")
                        .collect(Collectors.joining()) + "wait\n");
        NodeLocks.refused(stack.node(), result).ifPresent(refused -> {
            throw refused;
        });
    }

    /**
     * Shell lines that end a script with {@link ScriptExit#AT_WORK} if one of these is busy by now, with nothing
     * stopped; those whose work is over are not asked again.
     */
    public String unlessAtWork(Collection<String> services) {
        return unlessAtWork(this::name, services.stream().filter(workers::containsKey)
                .filter(service -> !settled.contains(service)).map(workers::get).toList())
                + others.unlessAtWork(services);
    }

    static String unlessAtWork(UnaryOperator<String> names, List<Worker> asked) {
        if (asked.isEmpty()) return "";
        return "at_work() { case $(" + HEALTH + ") in *'\"busy\"'*) echo \"$1\" ;; esac; }\nat=$(\n"
                + asked.stream().map(worker -> "at_work " + words(names, worker) + " &\n").collect(Collectors.joining())
                + "wait\n)\n[ -z \"$at\" ] || exit " + ScriptExit.AT_WORK.code + "\n";
    }

    /**
     * Shell lines that stop these. If that fails, Compose stops them, which takes longer; so it does with what is no
     * worker in a stack of one's own, which may have more to lose.
     */
    public String stop(Collection<String> services) {
        var going = services.stream().filter(service -> !stack.core() || workers.containsKey(service)).toList();
        return going.isEmpty() ? ""
                : STOP + " " + Sh.words(going.stream().map(this::name).toList()) + " >/dev/null 2>&1 || :\n";
    }

    /** In words: "backtest-worker-3 (op_1), …". */
    public static String words(Map<String, String> busy) {
        return busy.entrySet().stream().map(entry -> entry.getKey() + " (" + entry.getValue() + ")")
                .collect(Collectors.joining(", "));
    }
}
