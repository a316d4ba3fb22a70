package ktrdr.inventory;

import static ktrdr.inventory.InventorySection.PLAIN_ADDRESS;
import static ktrdr.inventory.InventorySection.TEXT;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.inventory.Inventory.Node;

/** Reads and validates {@code firewall}, which needs the address of every node. */
final class FirewallReader {
    private FirewallReader() {}

    /** The rules are of addresses: a name would mean what it meant when it was looked up. */
    static Optional<FirewallSettings> read(InventorySection top, List<Node> nodes,
            Map<String, InventorySection> sections) {
        if (!top.has("firewall")) return Optional.empty();
        for (var node : nodes) {
            var section = sections.get(node.name());
            if (node.address().isEmpty()) section.mistake("address", "is missing, and `firewall` needs it");
            else if (!PLAIN_ADDRESS.pattern().matcher(node.address().get()).matches()) section.mistake("address",
                    "expected one without an interface, which `firewall` needs, found " + node.address().get());
        }
        var section = top.section("firewall");
        var allow = section.list("allow", TEXT, List.of());
        for (var text : allow) if (!network(text)) section.mistake("allow",
                "expected addresses and networks of IPv4 or IPv6, such as 10.0.0.0/24, found " + text);
        section.end();
        return Optional.of(new FirewallSettings(allow));
    }

    /** Whether this is an address, or one with the length of a network behind it. */
    private static boolean network(String text) {
        var parts = text.split("/", -1);
        if (parts.length > 2 || !PLAIN_ADDRESS.pattern().matcher(parts[0]).matches()) return false;
        return parts.length == 1
                || parts[1].matches("\\d{1,3}") && Integer.parseInt(parts[1]) <= (text.contains(":") ? 128 : 32);
    }
}
