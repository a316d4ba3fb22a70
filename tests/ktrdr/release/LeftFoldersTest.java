package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.ComposeChanges;
import ktrdr.node.NodeFiles;
import ktrdr.share.NfsFacts;
import lab.Wait;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Scripts that create a private folder on a node, killed in the middle: a local shell runs each, and a program that it
 * calls hangs.
 */
class LeftFoldersTest {
    private static final Pattern FOLDER = Pattern.compile("[^ =]*/(ktrdr|\\.ktrdr-new|\\.new)\\.[A-Za-z0-9.]+");
    private static final List<String> SIGNALS = List.of("HUP", "TERM", "KILL");
    @TempDir Path folder;
    private Path stack;
    private Path programs;
    private Path reached;

    @BeforeEach
    void a_node() throws IOException {
        stack = Files.createDirectories(folder.resolve("stack"));
        programs = folder.resolve("bin");
        reached = folder.resolve("reached");
        program("systemd-detect-virt", "echo lxc");
    }

    private void program(String name, String script) throws IOException {
        Fixtures.program(programs.resolve(name), script);
    }

    private enum Kind { facts_of_the_share, files_of_a_release, staging, convergence }

    private String script(Kind kind) throws IOException {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("disk_free: 2GB, aliases",
                "disk_free: 2GB, directory: " + stack + ", aliases"));
        Files.writeString(stack.resolve("a.yml"), "a\n");
        return switch (kind) {
            case facts_of_the_share -> NfsFacts.script(inventory, inventory.node("B"));
            case files_of_a_release -> KeptFiles.save(List.of(new Templates.NodeFile("a.yml", "a\n", "644")));
            case staging -> {
                var core = Stack.of(inventory, inventory.core());
                var facts = StackFactsBuilder.node()
                        .files(new NodeFiles(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), List.of())).build();
                yield new FileChangesScript(FileChanges.plan(core, "sha-1", core.files("sha-1"), facts)).alone();
            }
            case convergence -> "with_secrets() { \"$@\"; }\n"
                    + ComposeChanges.script(stack.toString(), "A=1\n", List.of("name: a\n"), "");
        };
    }

    /** The program that a script calls while its folder exists. */
    private static String called(Kind kind) {
        return Map.of(Kind.facts_of_the_share, "mount", Kind.files_of_a_release, "sync").getOrDefault(kind, "docker");
    }

    private Process begin(String script) throws IOException {
        var shell = new ProcessBuilder("setsid", "sh", "-s").directory(stack.toFile()).redirectErrorStream(true)
                .redirectOutput(folder.resolve("out").toFile());
        shell.environment().put("PATH", programs + ":" + System.getenv("PATH"));
        var begun = shell.start();
        try (var input = begun.outputWriter()) {
            input.write(Sh.whole(script));
        }
        return begun;
    }

    private static Stream<List<Object>> ended() {
        return Stream.of(Kind.values()).flatMap(kind -> SIGNALS.stream().map(signal -> List.of(kind, signal)));
    }

    @ParameterizedTest
    @MethodSource("ended")
    void a_folder_goes_with_its_script_or_with_the_next_one_if_killed(List<Object> ended) throws Exception {
        var kind = (Kind) ended.get(0);
        assumeTrue(kind != Kind.facts_of_the_share || LocalCommand.command("id", "-u").must().out().strip().equals("0"),
                "only root can try a mount");
        program(called(kind), "echo \"$*\" >\"$0.now\" && mv \"$0.now\" '" + reached + "' && sleep 60");
        var running = begin(script(kind));
        Wait.until(() -> !running.isAlive() || Files.exists(reached), () -> "it did not get there");
        var place = FOLDER.matcher(Files.readString(reached)).results().map(found -> stack.resolve(found.group()))
                .findFirst().orElseThrow();
        assertTrue(Files.isDirectory(place), place::toString);
        LocalCommand.command("kill", "-s", (String) ended.get(1), "--", "-" + running.pid()).must();
        assertTrue(running.waitFor(20, TimeUnit.SECONDS));
        if (ended.get(1).equals("KILL")) {
            assertTrue(Files.exists(place), "nothing can remove it then");
            program(called(kind), "");
            assertTrue(begin(script(kind)).waitFor(20, TimeUnit.SECONDS));
        }
        assertFalse(Files.exists(place), () -> place + " is left");
    }
}
