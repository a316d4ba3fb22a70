package lab;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;

/** The guests as tests inspect and break them: by the test's own scripts over its own connections. */
public final class GuestWorld implements AutoCloseable {
    private final Guests guests = new Guests(new Console(Console.Color.never, false),
            State.find(System.getenv(), Project.root()));
    private final boolean found = guests.running();
    private final Map<String, Fleet> connections = new LinkedHashMap<>();

    /** Guests with new disks, not set up yet. */
    public static GuestWorld fresh() {
        var world = new GuestWorld();
        Spent.on(Spent.What.guests, () -> {
            world.guests.down();
            world.guests.up();
        });
        return world;
    }

    /** Guests that were up before the test stay up. */
    @Override
    public void close() {
        connections.values().forEach(Fleet::close);
        if (!found) Spent.on(Spent.What.guests, guests::down);
    }

    /** The toolkit, configured for the guests. */
    public Toolkit ktrdr(String... arguments) {
        return Toolkit.ktrdr(arguments).env("KTRDR_INVENTORY", guests.inventory().toString());
    }

    /** Runs a shell script on a guest; every exit code is accepted. */
    public CommandResult run(String name, String script) {
        var inventory = Inventory.read(guests.inventory());
        var node = inventory.node(name);
        var fleet = connections.computeIfAbsent(name,
                key -> new Fleet(inventory, List.of(node), new Console(Console.Color.never, false)));
        try {
            return Spent.on(Spent.What.guests, () -> fleet.ssh(node).run(script, Duration.ofMinutes(3)));
        } catch (Problem lost) {
            connections.remove(name).close();
            throw lost;
        }
    }

    /** Runs a shell script on a guest and returns its output. */
    public String on(String name, String script) {
        var result = run(name, script);
        if (!result.ok())
            throw new AssertionError(name + ": exit " + result.exit() + " " + result.lastWords() + "\n" + script);
        return result.out().strip();
    }

    /** Reboots a guest and waits until it answers again. */
    public void reboot(String name) {
        var before = boot(name);
        on(name, "systemctl --no-block reboot");
        until(name + " boots again", () -> !boot(name).equals(before));
    }

    /** The id of the guest's current boot. */
    private String boot(String name) {
        return on(name, "cat /proc/sys/kernel/random/boot_id");
    }

    /** Shuts a guest down and leaves it off. */
    public void off(String name) {
        on(name, "systemctl --no-block poweroff");
        until(name + " is off", () -> !guests.runs(name));
        Optional.ofNullable(connections.remove(name)).ifPresent(Fleet::close);
    }

    public void start(String name) {
        Spent.on(Spent.What.guests, () -> guests.start(name));
        until(name + " answers", () -> !boot(name).isEmpty());
    }

    /** Waits for a condition, with a limit for a loaded machine. A guest that does not answer does not meet it yet. */
    public void until(String what, BooleanSupplier holds) {
        Spent.on(Spent.What.waiting, () -> await(what, holds));
    }

    private static void await(String what, BooleanSupplier holds) {
        long deadline = System.nanoTime() + Duration.ofMinutes(4).toNanos();
        while (true) {
            try {
                if (holds.getAsBoolean()) return;
            } catch (Problem away) {
                // the guest is booting
            }
            if (System.nanoTime() > deadline) throw new AssertionError(what + ": not within 4 minutes");
            Services.pause();
        }
    }
}
