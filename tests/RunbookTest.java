import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import ktrdr.Project;
import lab.Aftermath;
import lab.Faults.Fault;
import lab.Prompt;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import runbook.Block;
import runbook.Promised;
import runbook.Symptoms;

/**
 * Follows the runbook and the README as an operator does: all command blocks in order, on one practice fleet, with the
 * promised output.
 *
 * A section about a fault starts with that fault, and its own commands repair it.
 */
@Tag("fleet")
class RunbookTest {
    private static final Duration LONGEST = Duration.ofMinutes(5);
    @TempDir static Path folder;
    /** Simulates the secrets provider: a copy of the fleet's secrets, in memory only. */
    private static Path secrets;
    private static Prompt prompt;

    @BeforeAll
    static void a_folder_with_the_front_door_and_jbang() throws IOException {
        secrets = Files.copy(World.secrets(), Files.createTempDirectory(Path.of("/dev/shm"), "ktrdr-runbook")
                .resolve("secrets.json"));
        var inventory = World.inventory(folder, World.secrets().toString(), secrets.toString());
        // procedures start through the front door's fast path; FrontDoorTest and ScriptTemplateTest cover JBang with
        // the catalog
        prompt = Prompt.at(folder, inventory);
    }

    @AfterAll
    static void the_fleet_is_as_other_tests_expect_it() throws IOException {
        Files.delete(secrets);
        Files.delete(secrets.getParent());
        World.sql("DROP TABLE IF EXISTS bars");
        World.on("core", "rm -rf /srv/ktrdr-shared/db-backups/*");
        Aftermath.deployed();
    }

    private static Ran run(Block block) {
        return block.host().isPresent() ? new Ran(0, World.on(block.host().get(), "exec 2>&1\n" + block.commands()), "")
                : prompt.block(block.commands(), LONGEST);
    }

    /** Runs the blocks that are not manual, and returns every difference from the page. */
    private static List<String> follow(List<Block> blocks, Map<String, Supplier<Fault>> broken) throws Exception {
        var wrong = new ArrayList<String>();
        var heading = "";
        Fault fault = () -> { };
        try {
            for (var block : blocks) {
                if (!block.heading().equals(heading)) {
                    fault.close();
                    fault = broken.getOrDefault(block.heading(), () -> () -> { }).get();
                    heading = block.heading();
                }
                if (block.byHand() || block.test().isPresent()) continue;
                var ran = run(block);
                if (ran.exit() != block.exit())
                    wrong.add(block + ": exit code " + ran.exit() + ", not " + block.exit() + "\n" + ran.out());
                block.output().flatMap(promised -> Promised.missing(promised, ran.out()))
                        .ifPresent(line -> wrong.add(block + ": no \"" + line + "\" in\n" + ran.out()));
            }
        } finally {
            fault.close();
        }
        return wrong;
    }

    @Test
    void from_bare_hosts_through_every_procedure_and_every_symptom() throws Exception {
        for (var host : List.of("core", "workers-b", "workers-c")) World.bare(host);
        World.on("core", "rm -rf /srv/ktrdr-shared/db-backups/*");
        var blocks = Block.of(Project.root().resolve("docs/OPERATIONS.md"));
        var headings = blocks.stream().map(Block::heading).toList();
        var symptoms = Symptoms.on(folder, secrets);
        assertEquals(List.of(), symptoms.keySet().stream().filter(symptom -> !headings.contains(symptom)).toList(),
                "symptoms without a block in the runbook");
        var wrong = follow(blocks, symptoms);
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
    }

    @Test
    void the_readme() throws Exception {
        // a new fleet is not verified yet
        Files.deleteIfExists(World.folder().resolve("verified"));
        var wrong = follow(Block.of(Project.root().resolve("README.md")), Map.of());
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
    }
}
