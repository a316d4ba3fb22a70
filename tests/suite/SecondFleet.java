package suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.function.Supplier;
import ktrdr.Console;
import lab.OtherMachine;

/**
 * A second practice fleet on a separate machine, with its own JVM: the tests of one fleet leave half of the processor
 * time unused.
 */
final class SecondFleet {
    private SecondFleet() {}

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
