import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import ktrdr.Project;
import lab.Faults.Fault;
import lab.Toolkit;
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
 * The runbook and the README as a person follows them: every block of commands in its order, on one practice fleet, with the output that the page promises.
 *
 * A section about something that broke is entered with that broken, and is left with it mended by what the section says.
 */
@Tag("fleet")
class RunbookTest {
    @TempDir static Path folder;
    /** What stands for the provider of secrets: of the fleet's own, in memory alone. */
    private static Path secrets;
    private static Path inventory;

    @BeforeAll
    static void a_folder_with_the_front_door_and_jbang() throws IOException {
        secrets = Files.copy(World.secrets(), Files.createTempDirectory(Path.of("/dev/shm"), "ktrdr-runbook").resolve("secrets.json"));
        inventory = World.inventory(folder, World.secrets().toString(), secrets.toString());
        // procedures by the front door's quick road; FrontDoorTest and ScriptTemplateTest have JBang itself with the catalog
        program("bin/jbang", "name=$1; shift; PATH=${PATH#*:} exec '%s' \"${name%%@ktrdr}\" \"$@\"");
        program("ktrdr", "PATH=${PATH#*:} exec '%s' \"$@\"");
    }

    private static void program(String name, String script) throws IOException {
        var file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + script.formatted(Project.root().resolve("ktrdr")) + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterAll
    static void the_fleet_is_as_other_tests_expect_it() throws IOException {
        Files.delete(secrets);
        Files.delete(secrets.getParent());
        World.sql("DROP TABLE IF EXISTS bars");
        World.on("core", "rm -rf /srv/ktrdr-shared/db-backups/*");
        var ran = Toolkit.ktrdr("deploy", "all", "--tag", "sha-1000001").run();
        assertEquals(0, ran.exit(), ran::toString);
    }

    private record Ran(int exit, String said) {}

    private static Ran run(Block block) throws IOException, InterruptedException {
        if (block.host().isPresent()) return new Ran(0, World.on(block.host().get(), "exec 2>&1\n" + block.commands()));
        var script = new ProcessBuilder("bash", "-euo", "pipefail", "-c", block.commands()).directory(folder.toFile()).redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile()).redirectOutput(folder.resolve("said").toFile());
        script.environment().put("KTRDR_INVENTORY", inventory.toString());
        script.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
        var process = script.start();
        try {
            if (!process.waitFor(5, TimeUnit.MINUTES)) throw new AssertionError(block + " did not end within 5 min: " + Files.readString(folder.resolve("said")));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        return new Ran(process.exitValue(), Files.readString(folder.resolve("said")));
    }

    /** Runs what is to be run here, and answers what was not as the page has it. */
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
                if (ran.exit() != block.exit()) wrong.add(block + ": exit code " + ran.exit() + ", not " + block.exit() + "\n" + ran.said());
                block.output().flatMap(promised -> Promised.missing(promised, ran.said())).ifPresent(line -> wrong.add(block + ": no \"" + line + "\" in\n" + ran.said()));
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
        assertEquals(List.of(), symptoms.keySet().stream().filter(one -> !headings.contains(one)).toList(), "symptoms without a block in the runbook");
        var wrong = follow(blocks, symptoms);
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
    }

    @Test
    void the_readme() throws Exception {
        var wrong = follow(Block.of(Project.root().resolve("README.md")), Map.of());
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
    }
}
