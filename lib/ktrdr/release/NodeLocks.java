package ktrdr.release;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.Waiting;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.ssh.Ssh;

/**
 * The locks of several nodes, all or none, renewed until they are released.
 *
 * <pre>try (var locks = NodeLocks.take(fleet, owner, Duration.ZERO, console, node -> "uptime")) {
 *    System.out.print(locks.looked(node));
 *    ssh.run(locks.under(node) + "…");
 * }</pre>
 */
public final class NodeLocks implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /**
     * A script whose standard input ended gets TERM, and KILL ten seconds later; the node may take as long to notice.
     */
    private static final Duration ENDING = Duration.ofSeconds(60);
    /** The look at the node while its lock is taken may take as long as any script. */
    private static final Duration LOOKING = Duration.ofHours(1);
    private final Fleet fleet;
    private final List<Node> nodes;
    private final LockScripts.Owner owner;
    private final ScheduledExecutorService beats;
    private final Function<Node, String> look;
    /** Answers of the looks that were made while the locks were taken, and not asked for yet. */
    private final Map<Node, CompletableFuture<CommandResult>> looked;
    /** Scripts to run when the lock is released. */
    private final Map<Node, Last> last = new ConcurrentHashMap<>();
    private final Set<Node> given = ConcurrentHashMap.newKeySet();
    private volatile boolean held;

    private record Last(String script, Consumer<CommandResult> heard) {}

    private NodeLocks(Fleet fleet, List<Node> nodes, LockScripts.Owner owner, Function<Node, String> look,
            Map<Node, CompletableFuture<CommandResult>> looked) {
        this.fleet = fleet;
        this.nodes = nodes;
        this.owner = owner;
        this.look = look;
        this.looked = new ConcurrentHashMap<>(looked);
        this.held = !nodes.isEmpty();
        this.beats = Executors.newScheduledThreadPool(Math.max(1, nodes.size()), Threads.daemons("lock"));
        for (var node : nodes) beats.scheduleWithFixedDelay(() -> beat(node), LockScripts.BEAT.toMillis(),
                LockScripts.BEAT.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Takes the locks of the nodes that can be reached, in the order of the inventory, so that of two runs one gets
     * them all. If another run has one of them, this waits for so long; then it is a {@link Problem} with exit code 4,
     * and none is held.
     *
     * @param look a script that each node runs at once when its lock is taken, while the next node is asked for its
     *     own: {@link #looked} has the answer. Empty for none
     */
    public static NodeLocks take(Fleet fleet, LockScripts.Owner owner, Duration wait, Console console,
            Function<Node, String> look) {
        var nodes = List.copyOf(fleet.each((node, ssh) -> ssh.name()).values().keySet());
        var waiting = new Waiting(wait, 500,
                "interrupted while waiting for a lock: none is held, and nothing was changed");
        var looked = new LinkedHashMap<Node, CompletableFuture<CommandResult>>();
        try (var step = console.step("fleet", "lock")) {
            var refused = waiting.until(() -> {
                looked.clear();
                return attempt(fleet, nodes, owner, console, look, looked);
            }, Optional::isEmpty, why -> step.now(why.get().sentence() + ", "
                    + why.get().found()));
            if (refused.isPresent()) throw refused.get();
            return new NodeLocks(fleet, nodes, owner, look, looked);
        }
    }

    /** Why one of them could not be taken, then none is held; empty if all are held. */
    private static Optional<Problem> attempt(Fleet fleet, List<Node> nodes, LockScripts.Owner owner, Console console,
            Function<Node, String> look, Map<Node, CompletableFuture<CommandResult>> looked) {
        var threads = Executors.newCachedThreadPool(Threads.daemons("lock"));
        var taken = new ArrayList<Node>();
        try {
            for (var node : nodes) {
                // an answer that does not come may have been a yes
                taken.add(node);
                var script = look.apply(node);
                var answer = new CompletableFuture<LockScripts.LockState>();
                looked.put(node, CompletableFuture.supplyAsync(() -> ask(fleet, node, owner, script, answer),
                        threads));
                if (!await(answer, node, PATIENCE).taken()) {
                    threads.shutdownNow();
                    release(fleet, taken, owner);
                    return Optional.of(answer.join().problem(node.name()));
                }
                answer.join().left()
                        .ifPresent(left -> console.note(node.name(), "lock",
                                "taken over from " + left.words() + ": the lock expired, no heartbeat for "
                        + LockScripts.LIFE.toSeconds() + " s"));
            }
            threads.shutdown();
            return Optional.empty();
        } catch (RuntimeException e) {
            threads.shutdownNow();
            release(fleet, taken, owner);
            throw e;
        }
    }

    /** Asks for the lock, reports the answer at once, and returns what the look said after it. */
    private static CommandResult ask(Fleet fleet, Node node, LockScripts.Owner owner, String look,
            CompletableFuture<LockScripts.LockState> answer) {
        try {
            var result = fleet.ssh(node)
                    .runTelling(LockScripts.take(place(fleet, node), owner, LockScripts.LIFE, look),
                    soFar -> {
                        if (!answer.isDone()) answered(soFar.get())
                                .ifPresent(end ->
                                        answer.complete(LockScripts.LockState
                                                .parse(soFar.get().substring(0, end))));
                    }, look.isEmpty() ? PATIENCE : LOOKING);
            var end = answered(result.out());
            if (end.isEmpty()) throw failed(fleet, node, result);
            answer.complete(LockScripts.LockState.parse(result.out().substring(0, end.get())));
            return new CommandResult(result.exit(), result.out().substring(end.get()), result.err());
        } catch (RuntimeException e) {
            answer.completeExceptionally(e);
            throw e;
        }
    }

    /** Where the answer about the lock ends; empty if it has not come yet. */
    private static Optional<Integer> answered(String out) {
        int at = out.indexOf("\n" + LockScripts.ANSWERED);
        return at < 0 ? Optional.empty() : Optional.of(at + 1 + LockScripts.ANSWERED.length());
    }

    private static Problem failed(Fleet fleet, Node node, CommandResult result) {
        if (ScriptExit.of(result) == ScriptExit.UNSAFE) return Problem.failed(node.name()
                + ": other users can change the toolkit's files there; nothing was changed")
                .expected("folders and files that only root can write").found(result)
                .fix("check who made it so; then chmod o-w, or remove the link");
        var user = fleet.ssh(node).run("id -un", PATIENCE).out().strip();
        if (!user.equals("root")) throw Ssh.notRoot(node.name(), user, "change anything on it");
        if (result.lastWords().contains("/run/lock/")) return Problem.failed(node.name()
                + ": the lock of the node cannot be noted in /run/lock").found(result)
                .fix("on " + node.name()
                        + ": df -h /run; df -i /run; then make room, or mount it writable; nothing was "
                        + "changed");
        return Problem.failed(node.name() + ": the files could not be written to " + node.directory()).found(result)
                .fix("free disk space, or correct the folder's owner; no file was replaced and no container was "
                            + "touched");
    }

    private static LockScripts.Place place(Fleet fleet, Node node) {
        return new LockScripts.Place(node.directory(), Stack.of(fleet.inventory(), node).project());
    }

    private static <T> T await(CompletableFuture<T> answer, Node node, Duration patience) {
        return Threads.get(answer, patience, node.name() + ": interrupted, the running script was stopped",
                () -> Problem.failed(node.name() + ": a script did not end within " + Units.duration(patience)
                        + " and was stopped"));
    }

    /** The answer of the look, as {@link Ssh#must} has it; the first time what it said while the lock was taken. */
    public String looked(Node node) {
        var first = looked.remove(node);
        if (first != null) {
            var result = await(first, node, LOOKING);
            // else it is asked again, for the sentence
            if (result.ok()) return result.out();
        }
        return fleet.ssh(node).must(look.apply(node));
    }

    private void beat(Node node) {
        if (given.contains(node)) return;
        try {
            fleet.ssh(node).run(LockScripts.beat(place(fleet, node), owner), LockScripts.LIFE);
        } catch (Problem notReached) {
            // work on the node meets the same problem, and reports it better
        }
    }

    /** No locks, for a run that only looks, by this script. */
    public static NodeLocks none(Fleet fleet, Function<Node, String> look) {
        return new NodeLocks(fleet, List.of(), LockScripts.Owner.now("", ""), look, Map.of());
    }

    /**
     * The start of a script on a node. It runs only while this run has the lock, and waits until an interrupted script
     * has ended; see {@link LockScripts#under}.
     */
    public String under(Node node) {
        return LockScripts.under(place(fleet, node), owner, ENDING);
    }

    /** Does the last work on a node, and releases its lock in the same script. */
    public CommandResult last(Node node, String script) {
        var result = fleet.ssh(node).run(LockScripts.last(place(fleet, node), owner, ENDING, script));
        if (ScriptExit.of(result) != ScriptExit.LOCK_BUSY) given.add(node);
        return result;
    }

    /**
     * Runs a script under the lock of a node when that is released, and passes its result on; a {@link Problem} of the
     * connection is a result with exit code 255.
     */
    public void atEnd(Node node, String script, Consumer<CommandResult> heard) {
        last.put(node, new Last(script, heard));
    }

    /** Runs now what was left for the end. */
    public void settle(Node node) {
        hear(node, script -> fleet.ssh(node).run(under(node) + script));
    }

    private void hear(Node node, Function<String, CommandResult> run) {
        var left = last.remove(node);
        if (left == null) return;
        CommandResult result;
        try {
            result = run.apply(left.script());
        } catch (Problem problem) {
            result = new CommandResult(255, "", problem.sentence());
        }
        left.heard().accept(result);
    }

    /** The owner of them. */
    public LockScripts.Owner owner() {
        return owner;
    }

    /** Whether they are still held. */
    public boolean held() {
        return held;
    }

    /** The problem of a script that did not get the lock; empty if it did. */
    public static Optional<Problem> refused(Node node, CommandResult result) {
        return switch (ScriptExit.of(result)) {
            case LOCK_LOST ->
                    Optional.of(Problem.locked(node.name()
                            + ": the lock was lost: another run took it over")
                    .fix("check what it changed, then run it again"));
            case LOCK_BUSY ->
                    Optional.of(Problem.locked(node.name() + ": a script of an earlier run is still running there")
                            .fix("run it again with --wait 5m"));
            default -> Optional.empty();
        };
    }

    /**
     * Releases all of them, after an interrupt too; the lock of a node that cannot be reached expires after half a
     * minute.
     */
    @Override
    public void close() {
        beats.shutdownNow();
        Threads.uninterrupted(() -> {
            fleet.each(last::containsKey, (node, ssh) -> {
                hear(node, script -> last(node, script));
                return node;
            });
            release(fleet, nodes.stream().filter(node -> !given.contains(node)).toList(), owner);
        });
        held = false;
    }

    private static void release(Fleet fleet, List<Node> nodes, LockScripts.Owner owner) {
        Threads.uninterrupted(() -> fleet.each(nodes::contains,
                (node, ssh) -> ssh.run(LockScripts.release(place(fleet, node), owner), PATIENCE)));
    }
}
