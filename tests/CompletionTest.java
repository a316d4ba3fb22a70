import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.inventory.Inventory;
import ktrdr.shell.ShellCompletion;
import ktrdr.shell.ShellCompletion.Shell;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Completion results from a real bash, called as Tab calls it; CompletionShellsTest presses the key. */
class CompletionTest {
    private static final String INVENTORY = """
            domain: ktrdr.test
            nodes:
              core: {id: A, role: core, host: backend, address: 10.0.0.10}
              workers-b: {id: B, role: workers, host: workers-b, address: 10.0.0.11, scale: 2}
              gpu: {id: G, role: workers, host: gpu-1, address: 10.0.0.12, workers: {backtest: 0, training: 1}}
            images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}
            """;
    @TempDir static Path folder;

    @BeforeAll
    static void a_folder_with_an_inventory() throws IOException {
        Files.writeString(folder.resolve("completion.bash"), ShellCompletion.script(Shell.bash, Completion.commands()));
        Files.writeString(folder.resolve("inventory.yaml"), INVENTORY);
    }

    /** The candidates for the last of these words, which is incomplete. */
    private static List<String> after(String... words) {
        return after(Map.of(), "_ktrdr", words);
    }

    private static List<String> after(Map<String, String> environment, String function, String... words) {
        var script = ". \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); " + function
                + " \"$1\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
        var argv = Stream.concat(Stream.of("bash", "-c", script, folder.resolve("completion.bash").toString()),
                Stream.of(words)).toList();
        var command = LocalCommand.command(argv).directory(folder).env("KTRDR_INVENTORY", "");
        environment.forEach(command::env);
        var result = command.run();
        assertEquals("", result.err());
        return result.out().lines().filter(line -> !line.isEmpty()).toList();
    }

    @Test
    void completes_every_procedure_of_the_catalog_with_every_option() throws IOException {
        var catalog = new TreeSet<String>(List.of("setup"));
        new ObjectMapper().readTree(Files.readString(Project.root().resolve("jbang-catalog.json"))).path("aliases")
                .fieldNames().forEachRemaining(catalog::add);
        catalog.removeAll(List.of("lib", "ktrdr"));
        assertEquals(catalog, new TreeSet<>(after("./ktrdr", "")));
        for (var command : Completion.commands()) options(List.of("./ktrdr", command.getCommandName()), command);
    }

    private static void options(List<String> words, CommandLine command) {
        var wanted = new TreeSet<String>();
        for (var option : command.getCommandSpec().options())
            if (!option.hidden()) wanted.addAll(Arrays.asList(option.names()));
        var typed = new ArrayList<>(words);
        typed.add("-");
        assertTrue(new TreeSet<>(after(typed.toArray(String[]::new))).containsAll(wanted),
                () -> words + " lacks some of " + wanted);
        command.getSubcommands()
                .forEach((name, sub) -> options(Stream.concat(words.stream(), Stream.of(name)).toList(), sub));
    }

    @Test
    void tests_have_the_options_that_they_are_run_with() {
        var completed = Completion.commands().stream()
                .filter(commandLine -> commandLine.getCommandName().equals("test")).findFirst().orElseThrow();
        assertEquals(names(new CommandLine(new all())), names(completed));
    }

    private static TreeSet<String> names(CommandLine command) {
        return new TreeSet<>(command.getCommandSpec().optionsMap().keySet());
    }

    @Test
    void after_a_target_comes_what_belongs_to_it() {
        assertEquals(List.of("core", "workers", "all"), after("./ktrdr", "deploy", ""));
        assertEquals(List.of("all", "db", "backend", "prometheus", "grafana", "jaeger"),
                after("./ktrdr", "deploy", "core", ""));
        assertEquals(List.of("all", "workers-b", "B", "gpu", "G", "gpu-1"), after("./ktrdr", "deploy", "workers", ""));
        assertEquals(List.of("gpu", "G", "gpu-1"), after("./ktrdr", "rollback", "--list", "workers", "B", ""));
        assertEquals(List.of(), after("./ktrdr", "deploy", "all", ""));
        assertEquals(List.of("workers-b", "B", "gpu", "G", "gpu-1"), after("./ktrdr", "scale", ""));
        assertEquals(List.of("1", "2", "3"), after("./ktrdr", "scale", "-n", "B", ""));
        assertEquals(List.of("core", "A", "backend"), after("./ktrdr", "verify-infra", "gpu-1.ktrdr.test", "B", ""));
    }

    @Test
    void services_of_own_templates_are_those_of_their_compose_files() throws IOException {
        var own = Files.createDirectories(folder.resolve("own/mine/core"));
        Files.writeString(own.resolve("docker-compose.core.yml"), """
                name: ktrdr-core
                x-all: &all
                  restart: always
                services:
                  db:  # the database
                    image: a
                  mcp:
                    <<: *all
                volumes:
                  data:
                """);
        var workers = Files.createDirectories(folder.resolve("own/mine/workers"));
        Files.writeString(workers.resolve("docker-compose.workers.yml"),
                "services:\n  backtest-worker-3:\n    image: a\n  agent-1:\n    image: b\n");
        var inventory = folder.resolve("own/inventory.yaml").toString();
        Files.writeString(Path.of(inventory), INVENTORY + "templates: mine\n");
        assertEquals(List.of("all", "db", "mcp"), after("./ktrdr", "deploy", "-i", inventory, "core", ""));
        assertEquals(List.of("agent-1"), after("./ktrdr", "logs", "-i", inventory, "gpu", "ag"));
        assertEquals(List.of("training-worker-1"), after("./ktrdr", "logs", "-i", inventory, "gpu", "tr"));
    }

    @Test
    void services_are_those_of_the_nodes_before() {
        assertEquals(List.of("backtest-worker-1", "backtest-worker-2"), after("./ktrdr", "logs", "workers-b", "backt"));
        assertEquals(List.of("training-worker-1"), after("./ktrdr", "logs", "G", "--tail", "10", "training"));
        assertEquals(List.of("grafana"), after("./ktrdr", "logs", "core", "-f", "graf"));
        assertEquals(List.of(), after("./ktrdr", "logs", "graf"));
    }

    @Test
    void a_node_with_a_gpu_has_one_training_worker_and_no_others() throws IOException {
        var file = Files.writeString(folder.resolve("gpu.yaml"),
                INVENTORY.replace("workers: {backtest: 0, training: 1}", "gpu: true")).toString();
        assertEquals(List.of("training-worker-gpu"), after("./ktrdr", "logs", "-i", file, "G", "training"));
        assertEquals(List.of(), after("./ktrdr", "logs", "-i", file, "G", "backtest"));
        assertEquals(List.of("training-worker-1", "training-worker-2"),
                after("./ktrdr", "logs", "-i", file, "B", "training"));
    }

    @Test
    void an_option_has_its_values_and_comes_once() {
        assertEquals(List.of("auto", "always"), after("./ktrdr", "deploy", "--color", "a"));
        assertEquals(List.of("auto", "always"), after("./ktrdr", "deploy", "--color", "=", "a"));
        assertEquals(List.of("running", "resuming"), after("./ktrdr", "operations", "list", "--status", "r").stream()
                .sorted((a, b) -> b.compareTo(a)).toList());
        assertEquals(List.of(), after("./ktrdr", "deploy", "--tag", ""));
        assertEquals(List.of(), after("./ktrdr", "deploy", "--dry-run", "--dry"));
        assertEquals(List.of("dummy", "backtest", "training", "data"), after("./ktrdr", "operations", "start", ""));
        assertEquals(List.of("verify", "verify-infra", "verify-infra-ansible", "verify-lists", "verify-quick"),
                after("./ktrdr", "bench", "v"));
        assertTrue(after("./ktrdr", "verify", "").contains("--failover"));
        assertTrue(after("./ktrdr", "restore-db", "").containsAll(List.of("latest", "inventory.yaml")));
    }

    @Test
    void tests_are_those_of_the_checkout() {
        assertEquals(List.of("CompletionShellsTest", "CompletionTest"),
                after(Project.root().resolve("ktrdr").toString(), "test", "Completion"));
        assertEquals(List.of("UnitsTest"), after(Map.of("PATH", Project.root() + ":" + System.getenv("PATH")), "_ktrdr",
                "ktrdr", "test", "UnitsT"));
    }

    @Test
    void jbang_is_completed_where_the_alias_is_ours() {
        assertEquals(List.of("workers"), after(Map.of(), "_ktrdr_jbang", "jbang", "deploy", "@", "ktrdr", "w"));
        assertEquals(List.of("workers"), after(Map.of(), "_ktrdr_jbang", "jbang", "deploy@ktrdr", "w"));
        assertEquals(List.of(), after(Map.of(), "_ktrdr_jbang", "jbang", "run", "w"));
    }

    @Test
    void completes_new_nodes_at_once_from_the_same_inventory() throws IOException {
        assertEquals(List.of(), after("./ktrdr", "scale", "workers-d"));
        Files.writeString(folder.resolve("inventory.yaml"),
                INVENTORY.replace("images:", "  workers-d:\n    role: workers\n    host: machine-d\nimages:"));
        assertEquals(List.of("workers-d"), after("./ktrdr", "scale", "workers-d"));
        assertEquals(List.of("machine-d"), after("./ktrdr", "scale", "mach"));
        Files.writeString(folder.resolve("inventory.yaml"), INVENTORY);

        var other = Files.writeString(folder.resolve("other.yaml"), INVENTORY.replace("workers-b:", "elsewhere:"));
        for (var words : List.of(List.of("-i", "other.yaml"), List.of("--inventory", other.toString()),
                List.of("--inventory=" + other)))
            assertEquals(List.of("elsewhere"),
                    after(Stream.of(List.of("./ktrdr", "scale"), words, List.of("else")).flatMap(List::stream)
                            .toArray(String[]::new)));
        assertEquals(List.of("elsewhere"),
                after(Map.of("KTRDR_INVENTORY", other.toString()), "_ktrdr", "./ktrdr", "scale", "else"));
    }

    /** Equivalent YAML notations; the first is the project's own inventory. */
    @ParameterizedTest
    @ValueSource(strings = {"",
            "nodes:\n  core:\n    role: core # the one\n    id: \"A\"\n\n    # here\n    host: 'one'\n  w1: {role: "
                    + "workers,\n    host: two,\n    scale: 1}\ndomain: x.test\n",
        "domain: x.test\nnodes: {core: {role: core, aliases: [a, b], host: one}, 'w-1': {id: W, role: workers, ssh: "
                + "{user: u, port: 22}, host: \"two\"}}\n",
        "domain: x.test\r\nnodes:\r\n    core:\r\n        role: core\r\n        aliases:\r\n          - a\r\n    "
                + "w1:\r\n        role: workers\r\n        ssh:\r\n            user: karl\r\n        id: w\r\n"})
    void names_are_read_as_the_inventory_itself_is(String yaml) throws IOException {
        var images = "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}\n";
        var file = yaml.isEmpty() ? Project.root().resolve("inventory.yaml")
                : Files.writeString(folder.resolve("written.yaml"), yaml + images);
        var wanted = new ArrayList<String>();
        for (var node : Inventory.read(file).nodes())
            Stream.of(node.name(), node.id(), node.host()).filter(name -> !wanted.contains(name)).forEach(wanted::add);
        assertEquals(wanted, after("./ktrdr", "verify-infra", "-i", file.toString(), ""));
    }

    @Test
    void no_java_is_started_for_it() throws IOException {
        var bin = Files.createDirectories(folder.resolve("bin"));
        for (var tool : List.of("awk", "readlink")) {
            var real = Stream.of(System.getenv("PATH").split(":")).map(place -> Path.of(place, tool))
                    .filter(Files::isExecutable).findFirst().orElseThrow();
            Files.copy(real.toRealPath(), bin.resolve(tool), StandardCopyOption.COPY_ATTRIBUTES);
        }
        var result = LocalCommand.command("/bin/bash", "-c",
                ". \"$0\"; COMP_WORDS=(./ktrdr deploy w); COMP_CWORD=2; _ktrdr ./ktrdr; echo \"$COMPREPLY\"",
                folder.resolve("completion.bash").toString())
                .directory(folder).env("PATH", bin.toString()).run();
        assertEquals("workers\n", result.out(), result.err());
    }

    @Test
    void the_script_for_bash_is_clean_under_shellcheck() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var result = LocalCommand.command("shellcheck", "-S", "warning", "-s", "bash",
                folder.resolve("completion.bash").toString()).run();
        assertEquals("", result.out());
    }
}
