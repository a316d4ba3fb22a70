import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** On a fleet of core alone, an empty list of worker nodes means no node, not every node. */
class NoWorkersTest {
    @TempDir Path folder;

    static Stream<Arguments> procedures() {
        return Stream.of(procedure(Deploy::new, "workers", "all", "--tag", "sha-1000001"),
                procedure(Rollback::new, "workers"), procedure(Rollback::new, "workers", "all"),
                procedure(Stage::new, "workers", "--tag", "sha-1000001"), procedure(Restart::new, "workers"),
                procedure(Logs::new, "workers"), procedure(Logs::new, "workers", "backend"),
                procedure(Deploy::new, "workers", "core", "--tag", "sha-1000001"), procedure(Scale::new, "core", "2"));
    }

    private static Arguments procedure(Supplier<Callable<Exit>> made, String... words) {
        return Arguments.of(made.get().getClass().getSimpleName(), List.of(words), made);
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("procedures")
    void workers_are_no_choice_of_a_fleet_of_core_alone(String name, List<String> words, Supplier<Callable<Exit>> made)
            throws IOException {
        var inventory = Files.writeString(folder.resolve("inventory.yaml"), """
                domain: ktrdr.test
                resolve: inventory
                # nothing answers there, and nothing is asked
                nodes: {core: {role: core, address: 192.0.2.1}}
                images: {backend: registry.test:5000/ktrdr-backend}
                secrets: {provider: env}
                """);
        var said = new ByteArrayOutputStream();
        var both = new PrintStream(said, true, StandardCharsets.UTF_8);
        var invocation = Invocation.of(Map.of("KTRDR_INVENTORY", inventory.toString()),
                InputStream.nullInputStream(),
                both, both);
        int exit = Cli.run(made.get(), invocation, words.toArray(String[]::new));
        var text = said.toString(StandardCharsets.UTF_8);
        assertEquals(2, exit, text);
        assertTrue(text.contains("error: there are no workers nodes in " + inventory), text);
    }
}
