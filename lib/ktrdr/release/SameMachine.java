package ktrdr.release;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;

/** Stacks of one inventory on one machine, of which none may have what is another's. */
final class SameMachine {
    private SameMachine() {}

    /** What one of these nodes and another node of its machine both want is a {@link Problem}. */
    static void prove(Inventory inventory, List<Node> nodes) {
        for (var node : nodes) for (var other : inventory.lookup().machine(node)) if (!other.name().equals(node.name()))
            apart(node, claims(inventory, node), other, claims(inventory, other));
    }

    private static void apart(Node node, Map<String, String> claims, Node other, Map<String, String> others) {
        claims.forEach((what, by) -> {
            if (others.containsKey(what)) throw Problem.usage(node.name() + " and " + other.name()
                    + " are one machine, and both want " + what).expected("another one for each")
                    .found(node.name() + ": " + by + "; " + other.name() + ": " + others.get(what))
                    .fix("change it in one of the Compose files, or give the nodes machines of their own");
        });
    }

    /** What a machine has once, each with the words for what wants it. */
    private static Map<String, String> claims(Inventory inventory, Node node) {
        var stack = Stack.of(inventory, node);
        var claims = new LinkedHashMap<String, String>();
        claims.put("the folder " + node.directory(), "its directory");
        claims.put("the Compose project " + stack.project(), stack.composeFile());
        for (var service : stack.services()) {
            claims.put("the container " + stack.container(service), service);
            stack.service(service).ports().values().forEach(port -> claims.put("the port " + port, service));
        }
        return claims;
    }
}
