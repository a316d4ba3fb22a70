package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.drain.WorkerStops;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.node.Occupant;
import ktrdr.release.Firewall;
import ktrdr.release.LockScripts;
import ktrdr.release.OwnContainers;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.ssh.Ssh;
import ktrdr.ssh.SshTarget;

/**
 * Removes what the toolkit has put on a node that leaves the fleet, or has left it, by templates/retire/retire.sh,
 * which runs there.
 */
public final class Retirement {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private final Inventory inventory;
    private final String name;
    private final Optional<Node> node;

    /**
     * @param asked a node of the inventory by any of its names or its address, or a host that is no longer in it, as
     *     ssh knows it
     */
    public Retirement(Inventory inventory, String asked) {
        this.inventory = inventory;
        this.name = asked;
        var host = SshTarget.of(asked).host();
        this.node = inventory.nodes().stream()
                .filter(node -> Stream.concat(Stream.of(node.id(), node.name(), node.host(), inventory.fqdn(node)),
                        node.address().stream())
                .anyMatch(word -> word.equalsIgnoreCase(asked) || word.equalsIgnoreCase(host))).findFirst();
    }

    /**
     * What is there, and what would be done about it.
     *
     * @param directories of stacks, by their projects; {@code would} be removed, {@code left} stays
     * @param core why it is not a plain workers node; empty if it is
     * @param busy workers, each with its operation
     */
    public record Remains(Map<String, String> directories, List<String> would, List<String> left, List<String> failed,
            List<String> core, Map<String, String> busy) {}

    /** What was done. */
    public record Done(List<String> removed, List<String> left, List<String> failed) {}

    /** The named node of the inventory; empty if it is not in there. */
    public Optional<Node> node() {
        return node;
    }

    /** Refuses a node that the fleet needs as long as the inventory has it. */
    public void allowed() {
        node.filter(node -> node.role() == Role.CORE).ifPresent(core -> {
            throw Problem.usage(core.name() + " is the core node of this inventory, and is not retired")
                    .expected("a workers node, or a host that is not in the inventory any more")
                    .fix("have another core in the inventory first; then name this machine by its address, with "
                            + "--core");
        });
        node.filter(node -> node.role().own()).ifPresent(own -> {
            var stack = Stack.of(inventory, own);
            throw Problem.usage(own.name() + " has a stack of your own, and is not retired")
                    .expected("a workers node, or a host that is not in the inventory any more")
                    .fix("on the host: docker compose -p " + stack.project() + " down, which keeps its volumes; then "
                            + "remove " + own.directory() + " there, and the node from " + inventory.source());
        });
        node.filter(inventory::exportsShare).ifPresent(server -> {
            throw Problem.usage(server.name() + " exports the share of this inventory, and is not retired")
                    .expected("a node that others do not need")
                    .fix("have another storage.server in the inventory first");
        });
    }

    /** The connection to it: that of the inventory's node, or a new one by the settings for all nodes. */
    public Ssh connect(Fleet fleet, boolean sudo) {
        if (node.isPresent()) return fleet.ssh(node.get());
        var asked = SshTarget.of(name);
        var all = inventory.ssh();
        try {
            var target = SshTarget.named(asked.host(), asked.host()).settings(all).hostKeys(inventory.hostKeys());
            asked.port().ifPresent(target::port);
            asked.user().ifPresent(target::user);
            if (sudo) target.sudo(Inventory.Sudo.ALWAYS);
            return Ssh.connect(target.build());
        } catch (Problem problem) {
            throw problem.with("not a node",
                    asked.host() + " is not in " + inventory.source() + ", so it is used as a host name");
        }
    }

    /** Looks at it, and changes nothing. */
    public Remains look(Ssh ssh, boolean data) {
        var facts = Facts.parse(ssh.must(Facts.SAY + OwnContainers.marks(inventory).script() + script("", data)));
        // of a node; who names a host by its address means that host
        node.filter(node -> node.address().filter(address -> address.equals(SshTarget.of(name).host())).isEmpty())
                .ifPresent(node -> Occupant.parse(facts).prove(inventory, node));
        if (!facts.get("user").equals("root"))
            throw Ssh.notRoot(ssh.name(), facts.get("user"), "take away what the toolkit has put there");
        var busy = new LinkedHashMap<String, String>();
        facts.under("health")
                .forEach((worker, health) -> WorkerStops.operation(health)
                        .ifPresent(operation -> busy.put(worker, operation)));
        return new Remains(facts.under("directory"), facts.all("would"), facts.all("left"), facts.all("failed"),
                facts.all("core"), busy);
    }

    /** Removes it, under the lock of each stack on the host; what could not be removed is in the answer. */
    public Done run(Ssh ssh, Remains found, boolean data, Console.Step step) {
        var owner = LockScripts.Owner.now(LocalCommand.whoAndWhere(), "retire " + name);
        var locked = new ArrayList<LockScripts.Place>();
        try {
            var under = "";
            for (var stack : found.directories().entrySet()) {
                var place = new LockScripts.Place(stack.getValue(), stack.getKey());
                var answer = LockScripts.LockState.parse(ssh.must(LockScripts.take(place, owner, LockScripts.LIFE)));
                if (!answer.taken()) throw answer.problem(ssh.name());
                locked.add(place);
                under = LockScripts.under(place, owner, PATIENCE);
            }
            var said = new StringBuffer();
            var result = ssh.run(under + script("yes", data), line -> {
                said.append(line).append('\n');
                step.now(line.substring(line.indexOf('\t') + 1));
            });
            if (!result.ok()) throw Problem.failed(ssh.name() + ": its retirement is not complete")
                    .expected("all of it removed").found(result.lastWords()).fix("run it again: it does the rest");
            var facts = Facts.parse(said.toString());
            return new Done(facts.all("removed"), facts.all("left"), facts.all("failed"));
        } finally {
            if (ssh.open()) locked.forEach(place -> ssh.run(LockScripts.release(place, owner), PATIENCE));
        }
    }

    /** The next steps elsewhere, each with its command. */
    public List<String> next() {
        var next = new ArrayList<String>();
        node.ifPresent(node -> next.add("take " + node.name() + " out of " + inventory.source()));
        var core = Stack.of(inventory, inventory.core());
        var prometheus = core.service(Part.PROMETHEUS).map("jbang deploy@ktrdr core "::concat);
        if (inventory.firewall().isPresent() || prometheus.isPresent()) next.add(inventory.firewall().isPresent()
                ? "jbang deploy@ktrdr all: updates Prometheus' targets and the rules of `firewall`"
                : prometheus.get() + ": updates its targets");
        if (inventory.storageNode().isPresent()) next.add("jbang setup-nfs@ktrdr: the share no longer admits it");
        next.add("take its names out of your DNS server: jbang setup-dns@ktrdr prints those that stay");
        return next;
    }

    private String script(String act, boolean data) {
        var marks = OwnContainers.marks(inventory);
        return Firewall.down() + Sh.let("core", marks.core())
                + Sh.let("workers", String.join(" ", marks.others().keySet()))
                + Sh.let("directory", node.map(Node::directory).orElse("")) + Sh.let("act", act)
                + Sh.let("data", data ? "yes" : "") + Sh.let("foreign", String.join(" ", inventory.foreign()))
                + new Templates(inventory).read("retire/retire.sh");
    }
}
