package ktrdr.fleet;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import ktrdr.Console;
import ktrdr.Threads;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.ssh.HostKeys;
import ktrdr.ssh.Ssh;
import ktrdr.ssh.SshTarget;

/** One connection per node, opened on first use and again after it was lost; shared by all views of a fleet. */
final class NodeConnections implements AutoCloseable {
    private final Console console;
    private final ExecutorService threads;
    /** By the node's name: the rest of a node, such as its number of workers, may change during a run. */
    private final Map<String, CompletableFuture<Ssh>> connections = new LinkedHashMap<>();
    /** Nodes that answered once: from then on an unreachable one is tried again. */
    private final Set<String> met = new HashSet<>();
    private volatile boolean lasting;

    NodeConnections(Console console, ExecutorService threads) {
        this.console = console;
        this.threads = threads;
    }

    /** See {@link Fleet#ssh}. */
    Ssh to(Inventory inventory, Node node) {
        CompletableFuture<Ssh> connection;
        synchronized (connections) {
            if (lost(node)) connections.remove(node.name()).thenAccept(Ssh::close);
            connection = connections.computeIfAbsent(node.name(),
                    missing -> CompletableFuture.supplyAsync(() -> connect(inventory, node), threads));
        }
        return Threads.get(connection, node.name() + ": interrupted while connecting");
    }

    /** See {@link Fleet#retry}. */
    void retry(List<Node> nodes) {
        synchronized (connections) {
            nodes.forEach(node -> met.add(node.name()));
        }
    }

    /** See {@link Fleet#lasting}. */
    void lasting() {
        lasting = true;
    }

    private boolean lost(Node node) {
        var known = connections.get(node.name());
        if (known == null || !known.isDone()) return false;
        return known.isCompletedExceptionally() ? met.contains(node.name()) : !known.join().open();
    }

    private Ssh connect(Inventory inventory, Node node) {
        long started = System.nanoTime();
        var ssh = Ssh.connect(target(inventory, node));
        if (lasting) ssh.lasting();
        synchronized (connections) {
            met.add(node.name());
        }
        console.detail(String.format("%-10s connected in %d ms", node.name(),
                (System.nanoTime() - started) / 1_000_000));
        return ssh;
    }

    private static SshTarget target(Inventory inventory, Node node) {
        var target = SshTarget.named(node.name(), inventory.fqdn(node)).settings(node.ssh())
                .hostKeys(inventory.hostKeys()).neighbours(() -> HostKeys.neighbours(inventory, node));
        if (inventory.resolve() == Inventory.Resolve.INVENTORY) node.address().ifPresent(target::address);
        return target.build();
    }

    @Override
    public void close() {
        synchronized (connections) {
            connections.values().forEach(connection -> connection.thenAccept(Ssh::close));
        }
    }
}
