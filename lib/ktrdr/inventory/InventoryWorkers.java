package ktrdr.inventory;

import static ktrdr.inventory.InventorySection.REPOSITORY;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Units;
import ktrdr.inventory.Inventory.Given;
import ktrdr.inventory.InventorySection.Form;
import ktrdr.inventory.Running.Limit;

/**
 * What the section of a node says of its workers: how many of each type, whether its training worker has a GPU, and how
 * they run.
 *
 * @param scale workers of each type, where neither {@code workers} nor {@code gpu} gives the counts
 * @param given the key that gives the counts; empty if none does
 */
record InventoryWorkers(int scale, int backtest, int training, boolean gpu, Optional<Given> given) {
    private static final Form CPUS = Form.of("a number of processors such as 2 or 0.5",
            "(?!0+(\\.0+)?$)\\d{1,4}(\\.\\d{1,2})?");
    private static final String UNCONFINED = "unconfined";
    private static final long LEAST_MEMORY = 64_000_000;

    /** Reads and validates the counts of a node. */
    static InventoryWorkers of(InventorySection section, Role role) {
        boolean none = role != Role.WORKERS;
        if (none) {
            if (section.has("scale")) section.mistake("scale", role.name() + " runs no workers, so it has no scale");
            for (var key : List.of("workers", "limits", "apparmor", "image", "gpu"))
                if (section.has(key)) section.mistake(key, role.name() + " runs no workers");
        }
        int scale = section.number("scale", 1, 3, 1);
        boolean gpu = section.flag("gpu", false);
        if (gpu && section.has("scale")) section.mistake("scale",
                "a node with a GPU has one training worker, so it has no scale; backtest workers as well: `workers: "
                        + "{backtest: 1, training: 1}`");
        var workers = section.section("workers");
        boolean given = section.has("workers");
        int backtest = workers.number("backtest", 0, 3, given || gpu || none ? 0 : scale);
        int training = workers.number("training", 0, 3, gpu ? 1 : given || none ? 0 : scale);
        if (gpu && training != 1)
            workers.mistake("training", "a node with a GPU has one training worker, expected 1, found " + training);
        if (given && section.has("scale")) section.mistake("workers", "a node has either scale or workers");
        workers.end();
        // the counts are those of the first key that says them
        var key = Stream.of("scale", "workers").filter(section::has).findFirst()
                .or(() -> gpu ? Optional.of("gpu") : Optional.empty());
        return new InventoryWorkers(scale, backtest, training, gpu,
                key.map(text -> new Given(text, section.place(text))));
    }

    /** How workers run in the whole fleet. */
    static Running running(InventorySection top) {
        return running(top, new Running(new Limit(1, Units.size("3GiB")), new Limit(2, Units.size("5GiB")),
                Optional.empty(), false, false), Optional.empty(), false);
    }

    /** How they run on a node, where it says so, else as in {@code base}. */
    static Running running(InventorySection node, Running base, boolean gpu) {
        return running(node, base, node.text("image", REPOSITORY), gpu);
    }

    private static Running running(InventorySection section, Running base, Optional<String> image, boolean gpu) {
        var limits = section.section("limits");
        var running = new Running(limit(limits.section("backtest"), base.backtest()),
                limit(limits.section("training"), base.training()), image,
                InventoryReader.choice(section, "apparmor", base.unconfined() ? UNCONFINED : "default",
                        List.of("default", UNCONFINED)).equals(UNCONFINED), gpu);
        limits.end();
        return running;
    }

    private static Limit limit(InventorySection section, Limit base) {
        var cpus = section.text("cpus", CPUS).map(Double::parseDouble).orElse(base.cpus());
        var memory = section.size("memory", String.valueOf(base.memory()));
        if (section.has("memory") && memory < LEAST_MEMORY) section.mistake("memory",
                "expected at least " + Units.size(LEAST_MEMORY) + ", found " + Units.size(memory));
        section.end();
        return new Limit(cpus, memory);
    }
}
