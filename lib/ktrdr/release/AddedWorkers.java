package ktrdr.release;

import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.inventory.ScaledWorkers;
import ktrdr.inventory.ScaledWorkers.Numbered;

/** The workers of the Compose files of one's own templates, by {@code x-ktrdr.worker} and {@code x-ktrdr.scale}. */
public final class AddedWorkers {
    private AddedWorkers() {}

    /**
     * The inventory with them, for everything that counts workers. A Compose file that cannot be read is a
     * {@link ktrdr.Problem}.
     */
    public static Inventory in(Inventory inventory) {
        var result = inventory;
        if (inventory.templates().isPresent()) for (var node : inventory.nodes()) {
            var file = Stack.of(inventory, node).file();
            var counted = file.services().values().stream().filter(service -> service.scale().isPresent())
                    .map(service -> new Numbered(worker(service, ""), service.scale().orElseThrow())).toList();
            var added = file.active().stream().map(file.services()::get)
                    .filter(service -> service.worker().isPresent() && service.scale().isEmpty())
                    .map(service -> worker(service, "http://" + inventory.fqdn(node) + ":")).toList();
            result = result.with(node.withWorkers(added, ScaledWorkers.of(counted)));
        }
        return result;
    }

    private static Worker worker(ComposeService service, String address) {
        // a file from before workers said what they are may publish none
        int port = service.ports().values().stream().findFirst().orElse(0);
        return new Worker(service.name(), service.worker().orElseThrow(), port,
                service.scale().flatMap(counted -> service.profiles().stream().findFirst()).orElse(""),
                address.isEmpty() ? "" : address + port);
    }
}
