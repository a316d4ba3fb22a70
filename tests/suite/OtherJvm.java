package suite;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import ktrdr.Console;

/** A second JVM with the same flags and classes, which runs the test classes handed to it by {@link Runner}. */
final class OtherJvm implements AutoCloseable {
    private final Console console;
    private final Process process;
    private final BufferedReader said;
    private final Path found;

    /**
     * Starts the JVM.
     *
     * @param within words before the command that starts it
     * @param variables its environment in addition to the current one
     * @param fleet whether it brings up a practice fleet first
     */
    OtherJvm(Console console, List<String> within, Map<String, String> variables, boolean fleet) throws IOException {
        this.console = console;
        this.found = Files.createTempFile("other-jvm", ".json");
        var words = new ArrayList<>(within);
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), Runner.class.getName(),
                found.toString(), String.valueOf(console.verbose()), String.valueOf(fleet)));
        var builder = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(variables);
        this.process = builder.start();
        this.said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Waits until it can take classes; false if it ended instead. */
    boolean ready() throws IOException {
        return until(Runner.READY);
    }

    /**
     * Runs classes until the supplier is empty.
     *
     * @param next the name of the next class, or empty at the end
     * @param results receives the results; a class during which the other JVM ended counts as failed
     */
    void run(Supplier<Optional<String>> next, Results results) throws IOException {
        var writer = process.outputWriter(StandardCharsets.UTF_8);
        for (var name = next.get(); name.isPresent(); name = next.get()) {
            writer.append(name.get()).append('\n').flush();
            if (until(Runner.DONE)) continue;
            results.lost(name.get());
            return;
        }
        writer.close();
        said.lines().forEach(console::print);
        results.read(Files.readString(found));
    }

    /** Prints its output until this line; false at the end of the output. */
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
        Files.deleteIfExists(found);
    }
}
