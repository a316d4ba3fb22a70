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
 * The locks of several nodes, all of them or none, kept alive until they are given back.
 *
 * <pre>try (var locks = NodeLocks.take(fleet, owner, Duration.ZERO, console, node -> "uptime")) {
 *    System.out.print(locks.looked(node));
 *    ssh.run(locks.under(node) + "…");
 *}</pre>
 */
public final class NodeLocks implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /**
     * A script whose standard input ended gets TERM, and KILL ten seconds later; the node may take as long to notice.
     */
    private static final Duration ENDING = Duration.ofSeconds(60);
    /** What is looked at as a lock is taken may take as long as what any script may. */
    private static final Duration LOOKING = Duration.ofHours(1);
    private final Fleet fleet;
    private final List<Node> nodes;
    private final LockScripts.Owner owner;
    private final ScheduledExecutorService beats;
    private final Function<Node, String> look;
    /** What was looked at as the lock was taken, and not asked for yet. */
    private final Map<Node, CompletableFuture<CommandResult>> looked;
    /** What is to be done as the lock is given back. */
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
     * them all. One that somebody else has is a {@link Problem} with exit code 4, after waiting for so long; then none
     * is held.
     *
     * @param look a script that each node runs at once where its lock is had, while the next node is asked for its own:
     *     {@link #looked} has the answer. Empty for none
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

    /** Why one of them is not to be had, with none of them held then; empty when all are ours. */
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

    /** Asks for the lock, tells the answer as soon as it is there, and answers what was looked at after it. */
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

    /** Where the answer to the question for the lock ends; empty where it has not come yet. */
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

    /**
     * What the script that looks answers, as {@link Ssh#must} has it; for the first time what it said as the lock was
     * taken.
     */
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
            // whatever works on the node meets the same, and tells it better
        }
    }

    /** No locks at all, for a run that only looks, by this script. */
    public static NodeLocks none(Fleet fleet, Function<Node, String> look) {
        return new NodeLocks(fleet, List.of(), LockScripts.Owner.now("", ""), look, Map.of());
    }

    /**
     * The start of a script on a node, which may run only while the lock is ours, and waits until what we interrupted
     * has ended; see {@link LockScripts#under}.
     */
    public String under(Node node) {
        return LockScripts.under(place(fleet, node), owner, ENDING);
    }

    /** Does the last work on a node, and gives its lock back in the same script. */
    public CommandResult last(Node node, String script) {
        var result = fleet.ssh(node).run(LockScripts.last(place(fleet, node), owner, ENDING, script));
        if (ScriptExit.of(result) != ScriptExit.LOCK_BUSY) given.add(node);
        return result;
    }

    /**
     * Has a script run under the lock of a node when that is given back, and its result heard; a {@link Problem} of the
     * connection is one with exit code 255.
     */
    public void atEnd(Node node, String script, Consumer<CommandResult> heard) {
        last.put(node, new Last(script, heard));
    }

    /** Runs what is left for the end now. */
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

    /** Who holds them. */
    public LockScripts.Owner owner() {
        return owner;
    }

    /** Whether they are still held. */
    public boolean held() {
        return held;
    }

    /** The sentence for a script under the lock that was not let in; empty where it was. */
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
     * Gives all of them back, of an interrupted run too; a node that cannot be reached forgets its own after half a
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
