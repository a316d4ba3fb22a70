package ktrdr.fleet;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.Threads;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.ssh.Ssh;

/**
 * The same work on many nodes at once, results in the order of the inventory.
 *
 * <pre>var uptimes = fleet.each((node, ssh) -> ssh.must("uptime"));
 *uptimes.values().forEach((node, text) -> …);</pre>
 *
 * There is one connection per node, opened on first use and kept until {@link #close}; a lost connection is opened
 * again on the next use. So many nodes are worked on at once, and the others after them: {@link #FORKS}, or as many as
 * {@link #atOnce} says. A thread that is interrupted while it waits interrupts the work on every node, and waits for
 * its end.
 */
public final class Fleet implements AutoCloseable {
    /** What is done on one node. */
    @FunctionalInterface
    public interface Work<T> {
        /** The work; a {@link Problem} that it throws is that node's outcome. */
        T on(Node node, Ssh ssh);
    }

    /** What came of it on one node: a value, or a problem. */
    public sealed interface NodeResult<T> {
        /** Where it came about. */
        Node node();
    }

    /** It went well, with what was answered. */
    public record Done<T>(Node node, T value) implements NodeResult<T> {}

    /** It did not go well, and why. */
    public record Failed<T>(Node node, Problem problem) implements NodeResult<T> {}

    /** The outcomes of all nodes, in the order of the inventory. */
    public record Outcomes<T>(List<NodeResult<T>> all) {
        /** The nodes where it went well, with what they answered. */
        public Map<Node, T> values() {
            var values = new LinkedHashMap<Node, T>();
            for (var outcome : all) if (outcome instanceof Done<T> done) values.put(done.node(), done.value());
            return values;
        }

        /** The nodes where it did not go well, with why. */
        public Map<Node, Problem> problems() {
            var problems = new LinkedHashMap<Node, Problem>();
            for (var outcome : all)
                if (outcome instanceof Failed<T> failed) problems.put(failed.node(), failed.problem());
            return problems;
        }

        /**
         * A row for each line that a node answered, under this heading; of a node where it did not go well, why. Node
         * names stand at the first line of each.
         */
        public Table table(String heading) {
            var table = Table.of("node", heading);
            for (var outcome : all) {
                var said = outcome instanceof Done<T> done ? String.valueOf(done.value()).stripTrailing()
                        : String.join("\n", ((Failed<T>) outcome).problem().lines());
                var lines = said.isEmpty() ? List.of("") : said.lines().toList();
                for (int i = 0; i < lines.size(); i++) table.row(i == 0 ? outcome.node().name() : "", lines.get(i));
            }
            return table;
        }

        /**
         * A row for each line of the nodes that answered, their node in front, under these headings: the fields of a
         * line have tabs between. A line with another number of fields is a {@link Problem}.
         */
        public Table rows(String... headings) {
            var table = Table.of(Stream.concat(Stream.of("node"), Stream.of(headings)).toArray(String[]::new));
            values().forEach((node, said) -> String.valueOf(said).lines().forEach(line -> {
                var fields = line.split("\t", -1);
                if (fields.length != headings.length) throw Problem.failed(node.name()
                        + " answered a line of another form")
                        .expected(String.join(", ", headings) + ", with tabs between").found(Console.brief(line, 100));
                table.row(Stream.concat(Stream.of(node.name()), Stream.of(fields).map(Console::harmless)).toArray());
            }));
            return table;
        }

        /** The answers for machines: {@code [{"node", "ok", heading}]}; null where it did not go well. */
        public List<Map<String, Object>> document(String heading) {
            var nodes = new ArrayList<Map<String, Object>>();
            for (var outcome : all) {
                var node = new LinkedHashMap<String, Object>();
                node.put("node", outcome.node().name());
                node.put("ok", outcome instanceof Done);
                node.put(heading, outcome instanceof Done<T> done ? done.value() : null);
                nodes.add(node);
            }
            return nodes;
        }

        /** OK where it went well everywhere, else the exit code of what did not. */
        public Exit exit() {
            return problems().values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
        }
    }

    /**
     * On how many nodes at once, where nothing else is said: measured on two processors, 64 and 128 are no quicker for
     * 99 and 300 nodes, and take a sixth and a half more memory.
     */
    public static final int FORKS = 32;

    private final Inventory inventory;
    private final List<Node> nodes;
    private final int forks;
    private final boolean once;
    private final ExecutorService threads;
    private final NodeConnections connections;

    public Fleet(Inventory inventory, List<Node> nodes, Console console) {
        this.inventory = inventory;
        this.nodes = inventory.nodes().stream().filter(nodes::contains).toList();
        this.forks = FORKS;
        this.once = false;
        this.threads = Executors.newCachedThreadPool(Threads.daemons("fleet"));
        this.connections = new NodeConnections(console, threads);
    }

    private Fleet(Fleet whole, Inventory inventory, List<Node> nodes, int forks, boolean once) {
        this.inventory = inventory;
        this.nodes = inventory.nodes().stream().filter(nodes::contains).toList();
        this.forks = forks;
        this.once = once;
        this.threads = whole.threads;
        this.connections = whole.connections;
    }

    /** Some of the nodes, by the same connections: closing either closes both. */
    public Fleet only(Predicate<Node> which) {
        return new Fleet(this, inventory, nodes.stream().filter(which).toList(), forks, once);
    }

    /** Nodes of what has become of the inventory, by the same connections: closing either closes both. */
    public Fleet of(Inventory inventory, List<Node> nodes) {
        return new Fleet(this, inventory, nodes, forks, once);
    }

    /** The same nodes by the same connections, at most this many at once. Fewer than one is a {@link Problem}. */
    public Fleet atOnce(int forks) {
        if (forks < 1) throw Problem.usage("--forks is how many nodes are worked on at once").expected("1 or more")
                .found(String.valueOf(forks));
        return new Fleet(this, inventory, nodes, forks, once);
    }

    /**
     * The same nodes over the same connections, each closed when the work on its node is done: for the last work on the
     * nodes, so that a fleet of hundreds has no more open connections, with their threads and buffers, than nodes being
     * worked on.
     */
    public Fleet once() {
        return new Fleet(this, inventory, nodes, forks, true);
    }

    /** A node, by its id, name or host; a {@link Problem} if there is no such node. */
    public FleetNode host(String name) {
        return new FleetNode(this, inventory.node(name));
    }

    /** The inventory that the nodes are of. */
    public Inventory inventory() {
        return inventory;
    }

    /** The nodes, in the order of the inventory. */
    public List<Node> nodes() {
        return nodes;
    }

    /**
     * Does the work on every node of the fleet in parallel: a node that hangs blocks only its own slot. It does not
     * throw: a failed node is an outcome.
     */
    public <T> Outcomes<T> each(Work<T> work) {
        return each(node -> true, work);
    }

    /** Does the work on the nodes that pass, side by side. */
    public <T> Outcomes<T> each(Predicate<Node> which, Work<T> work) {
        var tasks = nodes.stream().filter(which).map(node -> new NodeTask<>(() -> attempt(node, work))).toList();
        var waiting = new ConcurrentLinkedQueue<>(tasks);
        for (int i = 0; i < Math.min(forks, tasks.size()); i++)
            threads.execute(() -> {
                for (NodeTask<?> task; (task = waiting.poll()) != null; ) task.run();
            });
        boolean interrupted = false;
        for (var task : tasks)
            while (!task.ended())
                try {
                    task.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                    tasks.forEach(NodeTask::interrupt);
                }
        if (interrupted) Thread.currentThread().interrupt();
        return new Outcomes<>(tasks.stream().map(NodeTask::result).toList());
    }

    /** Runs a script on every node, as typed in the console. */
    public Outcomes<String> run(String script) {
        return each((node, ssh) -> ssh.must(script));
    }

    private <T> NodeResult<T> attempt(Node node, Work<T> work) {
        try {
            var ssh = ssh(node);
            try {
                return new Done<>(node, work.on(node, ssh));
            } finally {
                if (once) ssh.close();
            }
        } catch (Problem problem) {
            return new Failed<>(node, problem);
        }
    }

    /**
     * The connection to a node, opened on first use, and again after it was lost. A node that could not be reached in
     * the first place is the same {@link Problem} each time.
     */
    public Ssh ssh(Node node) {
        return connections.to(inventory, node);
    }

    /** Tries nodes that could not be reached again on the next request: for watching over a long time. */
    public void retry() {
        connections.retry(nodes);
    }

    /**
     * From now on opens a connection again, once and without a message, if it dropped before a script was started: for
     * the console and for watching, which keep connections over a long time and have nothing on a node that ends with
     * them.
     */
    public Fleet lasting() {
        connections.lasting();
        return this;
    }

    @Override
    public void close() {
        connections.close();
        threads.shutdownNow();
    }
}
