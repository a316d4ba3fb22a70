package ktrdr.api;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.fleet.Fleet;
import ktrdr.fleet.FleetNode;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Role;
import ktrdr.node.Database;
import ktrdr.release.Stack;

/**
 * The objects of the console and of ad-hoc scripts: the fleet, its nodes and services, each connected when it is first
 * used, with one ssh connection per node.
 */
public final class FleetSession implements AutoCloseable {
    /** An example of what can be typed, and what it is for. */
    public record Example(String code, String purpose) {}

    /** Each works without changes. */
    public static final List<Example> EXAMPLES = List.of(
        new Example("core.run(\"docker ps\")", "a script on one node: its output and exit code"),
        new Example("host(\"B\").must(\"df -h /\")",
                "on a node by its id, name or host; must: an exit code other than 0 is an error"),
        new Example("fleet.run(\"uptime\")",
                "on every node in parallel, as a table; workers.run(…): on the workers nodes"),
        new Example("fleet.run(\"uname -r\").values()", "the answers by node, for further use"),
        new Example("inventory.workersOf(host(\"B\").node())",
                "the inventory, here: which workers node B runs"),
        new Example("backend.health()", "the backend's own health and version"),
        new Example("backend.workers()", "every worker that is registered"),
        new Example("operations.list(\"\", \"\", false, 5)", "KTRDR's operations; also show(ID) and cancel(ID)"),
        new Example("prometheus.query(\"up\")", "the series of a query in PromQL, now"),
        new Example("db.query(\"select 1 as one\")", "SQL, read-only; db.writing().query(…) may change something"),
        new Example("http.json(backend.url(\"/health\"))",
                "GET of any URL, as JSON; http.get(…) with status and headers"),
        new Example("for (var node : fleet.nodes()) System.out.println(node.name())", "and all of Java")
    );

    private final Inventory inventory;
    private final Fleet fleet;
    private final Http http;

    private FleetSession(Fleet fleet) {
        this.inventory = fleet.inventory();
        this.fleet = fleet;
        this.http = new Http(inventory.overrides(), Duration.ofSeconds(10));
    }

    /** With the fleet of this inventory; nothing is connected yet. */
    public static FleetSession open(String inventoryFile) {
        var inventory = Inventory.read(Path.of(inventoryFile));
        return of(new Fleet(inventory, inventory.nodes(), new Console(Console.Color.auto, false)).lasting());
    }

    /** With a fleet that there is: that of a command line, with its options. */
    public static FleetSession of(Fleet fleet) {
        return new FleetSession(fleet);
    }

    /** The inventory. */
    public Inventory inventory() {
        return inventory;
    }

    /** All nodes. */
    public Fleet fleet() {
        return fleet;
    }

    /** The workers nodes, by the same connections. */
    public Fleet workers() {
        return fleet.only(node -> node.role() == Role.WORKERS);
    }

    /** The core node. */
    public FleetNode core() {
        return new FleetNode(fleet, inventory.core());
    }

    /** A node by its id, name or host. */
    public FleetNode host(String name) {
        return fleet.host(name);
    }

    /** KTRDR's API. */
    public Backend backend() {
        return new Backend(inventory, http);
    }

    /** KTRDR's operations. */
    public OperationsApi operations() {
        return new OperationsApi(inventory, http);
    }

    /** Prometheus of core. */
    public Prometheus prometheus() {
        return new Prometheus(inventory, http);
    }

    /** KTRDR's database, read-only. */
    public Database db() {
        return new Database(core(), Stack.of(inventory, inventory.core()).database());
    }

    /** HTTP with the names of the inventory. */
    public Http http() {
        return http;
    }

    /** All that is at hand, with examples. */
    public String help() {
        int width = EXAMPLES.stream().mapToInt(example -> example.code().length()).filter(length -> length < 45).max()
                .orElse(0);
        var examples = EXAMPLES.stream()
                .map(example -> "  " + example.code() + " ".repeat(Math.max(2, width + 2 - example.code().length()))
                        + example.purpose()).collect(Collectors.joining("\n"));
        return """
                At hand: inventory, fleet, workers, core, host(NAME), backend, operations, prometheus, db, http; the \
                types of docs/LIBRARY.md, java.util, java.time and
                java.util.stream are imported. Nodes are connected when they are first asked, and stay so.

                """ + examples
                + "\n\nTab completes, Ctrl-C stops what runs, /exit or Ctrl-D ends, /help tells of JShell itself.";
    }

    @Override
    public void close() {
        fleet.close();
        http.close();
    }
}
