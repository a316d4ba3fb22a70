package suite;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import ktrdr.Console;
import lab.OtherMachine;

/**
 * A practice fleet on a machine beside this one, and a JVM there that runs test classes as they are handed to it: the
 * tests of one fleet leave half of the processors' time unused. See {@link SecondRunner}, which is what runs there.
 */
final class SecondFleet implements AutoCloseable {
    private final Console console;
    private final OtherMachine machine;
    private final Process process;
    private final BufferedReader said;
    private final Path found;

    private SecondFleet(Console console, OtherMachine machine) throws IOException {
        this.console = console;
        this.machine = machine;
        this.found = Files.createTempFile("second-fleet", ".json");
        var words = new ArrayList<>(machine.within());
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), SecondRunner.class.getName(),
                found.toString(), String.valueOf(console.verbose())));
        var builder = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(machine.environment());
        this.process = builder.start();
        this.said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Brings one up, where this machine can have it, runs classes on it until there are no more, and takes it down.
     *
     * @param next the name of a class, or empty where none is left
     * @return what was found; a class during which the other JVM died counts as failed
     */
    static Results run(Console console, Supplier<Optional<String>> next) {
        var results = new Results(console);
        var machine = OtherMachine.open(console);
        if (machine.isEmpty()) return results;
        try (var fleet = new SecondFleet(console, machine.get())) {
            if (fleet.until(SecondRunner.READY)) fleet.run(next, results);
            else console.note("the second practice fleet did not come up: all tests run on the first");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return results;
    }

    private void run(Supplier<Optional<String>> next, Results results) throws IOException {
        var writer = process.outputWriter(StandardCharsets.UTF_8);
        for (var name = next.get(); name.isPresent(); name = next.get()) {
            writer.append(name.get()).append('\n').flush();
            if (until(SecondRunner.DONE)) continue;
            results.lost(name.get());
            return;
        }
        writer.close();
        said.lines().forEach(console::print);
        results.read(Files.readString(found));
    }

    /** Prints what it says until it says this; false at its end. */
    private boolean until(String wanted) throws IOException {
        for (String line; (line = said.readLine()) != null; ) {
            if (line.equals(wanted)) return true;
            console.print(line);
        }
        return false;
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        process.onExit().join();
        machine.close();
        Files.deleteIfExists(found);
    }
}
