package ktrdr;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import ktrdr.Inventory.Node;

/**
 * The locks of several nodes, all of them or none, kept alive until they are given back.
 *
 * <pre>try (var locks = Locks.take(fleet, owner, Duration.ZERO, console)) {
 *    ssh.run(locks.under(node) + "…");
 *}</pre>
 */
public final class Locks implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** A script whose standard input ended gets TERM, and KILL ten seconds later; the node may take as long to notice. */
    private static final Duration ENDING = Duration.ofSeconds(60);
    private final Fleet fleet;
    private final List<Node> nodes;
    private final Lock.Owner owner;
    private final ScheduledExecutorService beats;
    private volatile boolean held;

    private Locks(Fleet fleet, List<Node> nodes, Lock.Owner owner) {
        this.fleet = fleet;
        this.nodes = nodes;
        this.owner = owner;
        this.held = !nodes.isEmpty();
        this.beats = Executors.newScheduledThreadPool(Math.max(1, nodes.size()), work -> {
            var thread = new Thread(work, "lock");
            thread.setDaemon(true);
            return thread;
        });
        for (var node : nodes) beats.scheduleWithFixedDelay(() -> beat(node), Lock.BEAT.toMillis(), Lock.BEAT.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Takes the locks of the nodes that can be reached, in the order of the inventory, so that of two runs one gets them all. One that somebody else has is a
     * {@link Problem} with exit code 4, after waiting for so long; then none is held.
     */
    public static Locks take(Fleet fleet, Lock.Owner owner, Duration wait, Console console) {
        var nodes = List.copyOf(fleet.each((node, ssh) -> ssh.name()).values().keySet());
        long deadline = System.nanoTime() + wait.toNanos();
        try (var step = console.step("fleet", "lock")) {
            while (true) {
                var refused = attempt(fleet, nodes, owner, console);
                if (refused.isEmpty()) return new Locks(fleet, nodes, owner);
                if (System.nanoTime() >= deadline) throw refused.get();
                step.now(refused.get().sentence() + ", " + refused.get().details().getOrDefault("found", ""));
                TimeUnit.MILLISECONDS.sleep(500);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.interrupted("interrupted while waiting for a lock: none is held, and nothing was changed").because(e);
        }
    }

    /** Why one of them is not to be had, with none of them held then; empty when all are ours. */
    private static Optional<Problem> attempt(Fleet fleet, List<Node> nodes, Lock.Owner owner, Console console) {
        var taken = new ArrayList<Node>();
        try {
            for (var node : nodes) {
                // an answer that does not come may have been a yes
                taken.add(node);
                var answer = ask(fleet, node, owner);
                if (!answer.taken()) {
                    release(fleet, taken, owner);
                    return Optional.of(answer.problem(node.name()));
                }
                answer.left().ifPresent(left -> console.note(node.name(), "lock", "taken over from " + left.words() + ", who gave no sign for "
                        + Lock.LIFE.toSeconds() + " s"));
            }
            return Optional.empty();
        } catch (RuntimeException e) {
            release(fleet, taken, owner);
            throw e;
        }
    }

    private static Lock.Answer ask(Fleet fleet, Node node, Lock.Owner owner) {
        var result = fleet.ssh(node).run(Lock.take(node.directory(), owner, Lock.LIFE), PATIENCE);
        if (result.ok()) return Lock.Answer.parse(result.out());
        if (result.exit() == Lock.UNSAFE) throw Problem.failed(node.name() + ": what we keep there may be somebody else's, and nothing was changed").expected("folders and files that only root may put there")
                .found(result.lastWords()).fix("look who made it so; then chmod o-w, or take the link away");
        var user = fleet.ssh(node).run("id -un", PATIENCE).out().strip();
        if (!user.equals("root")) throw Ssh.notRoot(node.name(), user, "change anything on it");
        throw Problem.failed(node.name() + ": the files could not be written to " + node.directory()).found(result.lastWords())
                .fix("is the disk full, or the folder not ours? No file was replaced and no container was touched");
    }

    private void beat(Node node) {
        try {
            fleet.ssh(node).run(Lock.beat(node.directory(), owner), Lock.LIFE);
        } catch (Problem notReached) {
            // whatever works on the node meets the same, and tells it better
        }
    }

    /** No locks at all, for a run that only looks. */
    public static Locks none(Fleet fleet) {
        return new Locks(fleet, List.of(), Lock.Owner.now("", ""));
    }

    /** The start of a script on a node, which may run only while the lock is ours, and waits until what we interrupted has ended; see {@link Lock#under}. */
    public String under(Node node) {
        return Lock.under(node.directory(), owner, ENDING);
    }

    /** Who holds them. */
    public Lock.Owner owner() {
        return owner;
    }

    /** Whether they are still held. */
    public boolean held() {
        return held;
    }

    /** The sentence for a script under the lock that was not let in; empty where it was. */
    public static Optional<Problem> refused(Node node, Result result) {
        return switch (result.exit()) {
            case Lock.LOST -> Optional.of(Problem.locked(node.name() + ": the lock is not ours any more, somebody took the node over")
                    .fix("see what they did, then run it again"));
            case Lock.BUSY -> Optional.of(Problem.locked(node.name() + ": a script of an earlier run is still at work there").fix("run it again with --wait 5m"));
            default -> Optional.empty();
        };
    }

    /** Gives all of them back, of an interrupted run too; a node that cannot be reached forgets its own after half a minute. */
    @Override
    public void close() {
        beats.shutdownNow();
        release(fleet, nodes, owner);
        held = false;
    }

    private static void release(Fleet fleet, List<Node> nodes, Lock.Owner owner) {
        boolean interrupted = Thread.interrupted();
        fleet.each(nodes::contains, (node, ssh) -> ssh.run(Lock.release(node.directory(), owner), PATIENCE));
        if (interrupted) Thread.currentThread().interrupt();
    }
}
