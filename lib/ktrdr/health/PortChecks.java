package ktrdr.health;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.node.MachineFacts;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.share.NfsFiles;

/** The ports that the fleet needs: free on each node, and open between the nodes. Pure. */
final class PortChecks {
    private static final int NFS = 2049;
    private final Inventory inventory;

    PortChecks(Inventory inventory) {
        this.inventory = inventory;
    }

    /**
     * The ports of a peer that this node connects to, and the service of each. Between two workers nodes this is ssh
     * alone, which proves that the peer is reachable.
     */
    Map<Integer, String> between(Node node, Node peer) {
        var ports = new TreeMap<Integer, String>();
        ports.put(peer.ssh().port().orElse(22), "ssh");
        if (NfsFiles.serves(inventory, peer)) ports.put(NFS, "nfs");
        if (peer.role() == Role.CORE) {
            var services = inventory.services();
            var stack = Stack.of(inventory, peer);
            stack.service(Part.BACKEND).ifPresent(service -> ports.put(services.backend(), service));
            stack.service(Part.DATABASE).ifPresent(service -> ports.put(services.db(), service));
            stack.service(Part.JAEGER).ifPresent(service -> ports.put(services.otlp(), service));
        } else if (node.role() == Role.CORE) {
            if (inventory.metrics().nodes()) ports.put(inventory.metrics().port(), "node-exporter");
            inventory.workersOf(peer).forEach(worker -> ports.put(worker.port(), worker.name()));
        }
        return ports;
    }

    /** The ports that the stack of a node publishes, and the service of each. */
    Map<Integer, String> published(Node node) {
        var ports = new TreeMap<Integer, String>();
        var stack = Stack.of(inventory, node);
        for (var service : stack.services())
            stack.service(service).ports().values().forEach(port -> ports.put(port, service));
        if (inventory.metrics().nodes()) ports.put(inventory.metrics().port(), "node-exporter");
        return ports;
    }

    Check reach(Node node, MachineFacts host, Node peer, MachineFacts other) {
        var address = peer.address().orElse(inventory.fqdn(peer));
        var ping = host.facts().get("ping " + peer.name());
        var words = new ArrayList<String>();
        var bad = new TreeSet<String>();
        words.add(ping.matches("[0-9.]+") ? "ping " + ping + " ms" : ping.equals("none") ? "ping is not answered"
                : "no ping");
        boolean connected = false;
        for (var port : between(node, peer).entrySet()) {
            var said = host.facts().get("connect " + address + " " + port.getKey());
            connected |= said.equals("open");
            // a port that is refused while something listens there is blocked on the way
            boolean blocked = said.equals("refused") && other != null && other.listens(port.getKey());
            if (blocked || !Set.of("open", "refused").contains(said))
                bad.add(port.getKey() + " (" + port.getValue() + ") " + (blocked ? "is blocked" : said));
            else words.add(port.getKey() + (said.equals("open") ? " open" : " not in use yet"));
        }
        words.addAll(bad);
        boolean ok = bad.isEmpty() && (connected || ping.matches("[0-9.]+"));
        boolean cannot = bad.stream().anyMatch(text -> text.endsWith("bash is missing"));
        return MachineChecks.check(CheckId.ofNode(node, "reach", peer.name()), ok,
                "TCP to the fleet's ports on " + address + " (" + peer.name() + ")", String.join(", ", words),
                cannot ? "apt-get install bash on " + node.name() : "check the firewalls between "
                        + "" + node.name() + " and "
                        + peer.name() + ", and at their bridge or VLAN");
    }

    /** Whether the ports of the stack are free, or held by its own containers. */
    Check free(Node node, MachineFacts host) {
        var project = Stack.of(inventory, node).project();
        var publishers = host.publishers();
        var taken = new ArrayList<String>();
        var ours = new LinkedHashSet<Integer>();
        published(node).forEach((port, service) -> {
            var publisher = publishers.get(port);
            if (publisher != null && Set.of(project, NodeMetrics.PROJECT).contains(publisher.project())) ours.add(port);
            else if (publisher != null) taken.add(port + " (for " + service + ") by the container " + publisher.name());
            else if (host.listens(port))
                taken.add(port + " (for " + service + ") by " + host.facts().get("listen " + port));
        });
        boolean known = host.facts().get("missing").isEmpty();
        var found = !known ? "ss is missing" : !taken.isEmpty() ? "taken: " + String.join(", ", taken)
                : ours.isEmpty() ? "all free" : ours.size() + " used by the toolkit's containers, the others free";
        return MachineChecks.check(node, "ports", known && taken.isEmpty(),
                "ports " + published(node).keySet().stream().map(String::valueOf).collect(Collectors.joining(", "))
                + " free, or used by the toolkit's containers", found,
                known ? "stop what holds it: ss -ltnp on " + node.name() : "apt-get install iproute2");
    }
}
