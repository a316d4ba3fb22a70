package ktrdr.release;

import java.util.List;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;

/** The workers that Compose files of one's own templates add, by {@code x-ktrdr.worker}. */
public final class AddedWorkers {
    private AddedWorkers() {}

    /**
     * The inventory with them, for everything that counts workers. A Compose file that cannot be read is a
     * {@link ktrdr.Problem}.
     */
    public static Inventory in(Inventory inventory) {
        var result = inventory;
        if (inventory.templates().isPresent()) for (var node : inventory.nodes())
            result = result.with(node.withWorkers(of(inventory, node)));
        return result;
    }

    private static List<Worker> of(Inventory inventory, Node node) {
        var file = Stack.of(inventory, node).file();
        return file.active().stream().map(file.services()::get)
                .flatMap(service -> service.worker().stream().map(type -> worker(inventory, node, service, type)))
                .toList();
    }

    private static Worker worker(Inventory inventory, Node node, ComposeService service, String type) {
        int port = service.ports().values().iterator().next();
        return new Worker(service.name(), type, port, "", "http://" + inventory.fqdn(node) + ":" + port);
    }
}
