package ktrdr.inventory;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Resolve;

/** The full host names of a fleet, with their addresses and pinned host keys. */
record FleetNames(Inventory inventory) {
    Map<String, Optional<String>> addresses() {
        var addresses = new LinkedHashMap<String, Optional<String>>();
        for (var node : inventory.nodes()) names(node).forEach(name -> addresses.put(name, node.address()));
        return addresses;
    }

    Map<String, HostKeyPin> hostKeys() {
        var keys = new LinkedHashMap<String, HostKeyPin>();
        for (var node : inventory.nodes())
            node.ssh().hostKey().ifPresent(pin -> Stream
                    .of(Stream.of(node.host()), names(node), node.address().stream()).flatMap(names -> names)
                    .forEach(name -> keys.put(name.toLowerCase(Locale.ROOT), pin)));
        return keys;
    }

    Map<String, String> overrides() {
        var overrides = new LinkedHashMap<String, String>();
        if (inventory.resolve() == Resolve.INVENTORY)
            addresses().forEach((name, address) -> address.ifPresent(known -> overrides.put(name, known)));
        return overrides;
    }

    private Stream<String> names(Node node) {
        return Stream.concat(Stream.of(inventory.fqdn(node)),
                node.aliases().stream().map(alias -> alias + "." + inventory.domain()));
    }
}
