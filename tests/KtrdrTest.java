import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import ktrdr.Invocation;
import ktrdr.Project;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** All procedures as one command. */
class KtrdrTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int ktrdr(String... words) {
        var invocation = Invocation.of(Map.of(), new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        return Cli.run(new Ktrdr(), invocation, words);
    }

    @Test
    void it_has_each_procedure_of_the_catalog_in_its_order() throws IOException {
        var procedures = new ArrayList<String>();
        new ObjectMapper().readTree(Project.root().resolve("jbang-catalog.json").toFile()).path("aliases").properties()
                .forEach(alias -> {
                    var script = alias.getValue().path("script-ref").asText();
                    if (script.startsWith("scripts/") && !alias.getKey().equals("ktrdr"))
                        procedures.add(alias.getKey());
                });
        assertEquals(procedures, List.copyOf(new CommandLine(new Ktrdr()).getSubcommands().keySet()));
    }

    @Test
    void a_procedure_is_the_same_by_both_ways() {
        assertEquals(0, ktrdr("setup-dns", "--format", "hosts", "-i",
                Project.root().resolve("inventory.yaml").toString()), err::toString);
        var bytes = new ByteArrayOutputStream();
        var alone = Invocation.of(Map.of(), new ByteArrayInputStream(new byte[0]), new PrintStream(bytes),
                new PrintStream(new ByteArrayOutputStream()));
        Cli.run(new SetupDns(), alone, "--format", "hosts", "-i", Project.root().resolve("inventory.yaml").toString());
        assertTrue(out.size() > 0);
        assertEquals(bytes.toString(StandardCharsets.UTF_8), out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void what_it_does_not_know_is_wrong_usage() {
        assertEquals(2, ktrdr("deplyo"));
        assertTrue(err.toString().contains("expected  one of verify-infra, setup-dns"), err::toString);
        assertEquals(2, ktrdr());
        assertTrue(err.toString().contains("ktrdr: no procedure given"), err::toString);
        assertEquals(2, ktrdr("deploy", "nowhere", "-o", "json"));
        assertTrue(out.toString().contains("\"document\""), out::toString);
    }
}
