package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;

/**
 * Downloads a file from core to this machine over the library's stream, as a backup does. Arguments: the inventory, the
 * remote file and the local file.
 */
public final class Download {
    private Download() {}

    public static void main(String... args) throws IOException {
        var inventory = Inventory.read(Path.of(args[0]));
        try (var console = new Console(Console.Color.never, false);
                var fleet = new Fleet(inventory, List.of(inventory.core()), console);
                var out = Files.newOutputStream(Path.of(args[2]))) {
            var result = fleet.ssh(inventory.core()).pipe("cat " + Sh.quote(args[1]), out);
            if (!result.ok()) throw Problem.failed(args[1] + " did not arrive").found(result.lastWords());
        }
    }
}
