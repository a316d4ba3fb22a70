package suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import ktrdr.Console;
import ktrdr.LocalCommand;
import lab.OtherMachine;

/**
 * A second practice fleet on a separate machine, with its own JVM: the tests of one fleet leave half of the processor
 * time unused.
 */
final class SecondFleet {
    /** How many milliseconds it takes to start a program on a machine that has time left while one fleet is tested. */
    private static final double QUICK = 1.5;
    private static final int STARTS = 100;

    private SecondFleet() {}

    /**
     * Whether a second fleet shortens a run; call it while the machine is idle. Where each start of a program is slow,
     * as on nested virtual machines, one fleet keeps the processors busy, and with two of them health checks time out.
     * The quickest of three rounds counts: something else may just be running.
     */
    static boolean pays(Console console) {
        double each = IntStream.range(0, 3).mapToDouble(time -> start()).min().orElseThrow();
        if (each <= QUICK) return true;
        console.note(String.format(Locale.ROOT, "a program takes %.1f ms to start here, more than %.1f: "
                + "all tests of the fleet run on one", each, QUICK));
        return false;
    }

    /** Milliseconds that the start of a program takes, on average. */
    private static double start() {
        long began = System.nanoTime();
        LocalCommand.command("sh", "-c", "i=0; while [ $i -lt " + STARTS + " ]; do /bin/true; i=$((i + 1)); done")
                .must();
        return (System.nanoTime() - began) / 1e6 / STARTS;
    }

    /**
     * Brings up a fleet if this machine supports it, runs classes on it until the supplier is empty, and takes it down.
     *
     * @param next the name of the next class, or empty at the end
     * @return the results
     */
    static Results run(Console console, Supplier<Optional<String>> next) {
        var results = new Results(console);
        var found = OtherMachine.open(console);
        if (found.isEmpty()) return results;
        try (var machine = found.get();
                var jvm = new OtherJvm(console, machine.within(), machine.environment(), true)) {
            if (jvm.ready()) jvm.run(next, results);
            else console.note("the second practice fleet did not come up: all tests run on the first");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return results;
    }
}
