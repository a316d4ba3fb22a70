package suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.function.Supplier;
import ktrdr.Console;
import lab.OtherMachine;

/**
 * A practice fleet on a machine beside this one, and a JVM there: the tests of one fleet leave half of the processors'
 * time unused.
 */
final class SecondFleet {
    private SecondFleet() {}

    /**
     * Brings one up, where this machine can have it, runs classes on it until there are no more, and takes it down.
     *
     * @param next the name of a class, or empty where none is left
     * @return what was found
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
