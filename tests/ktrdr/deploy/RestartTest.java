package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.History;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import lab.Wait;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The restart scripts in a local shell, with a docker stub that records its calls. */
class RestartTest {
    private static final String STARTED = "2026-01-01T00:00:00.5Z";
    @TempDir Path folder;
    private Inventory inventory;

    @BeforeEach
    void a_node() throws IOException {
        inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("disk_free: 2GB, aliases",
                "disk_free: 2GB, directory: " + folder + ", aliases"));
        docker("");
    }

    /** A docker stub whose containers match the plan; {@code restart} runs in addition to recording the call. */
    private void docker(String restart) throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), """
                case "$1 $*" in
                  restart*) shift; %s
                    echo "$*" >>%s/restarted ;;
                  inspect*Health.Status*) echo healthy >>%2$s/restarted; echo healthy ;;
                  inspect*StartedAt*) for name; do :; done; echo "id-${name#ktrdr-} %s" ;;
                esac
                """.formatted(restart.isEmpty() ? ":" : restart, folder, STARTED));
    }

    private static Docker.Container container(String service, String name) {
        return new Docker.Container("id-" + service, name, service, "image", "sha256:1", "running", "healthy", 0, 0,
                STARTED, "", "");
    }

    private NodePlan restart(String... services) {
        var stack = Stack.of(inventory, inventory.core());
        var there = List.of("db", "backend", "grafana").stream().map(service -> container(service, "ktrdr-" + service))
                .toList();
        var facts = StackFactsBuilder.node().free(1).containers(there).build();
        return NodePlan.restart(stack, new Revision("sha-1", List.of(), Docker.images(there, Map.of())),
                List.of(services), facts);
    }

    private Process run(NodePlan plan) throws IOException {
        var shell = new ProcessBuilder("setsid", "sh", "-s").redirectErrorStream(true)
                .redirectOutput(folder.resolve("out").toFile());
        shell.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
        var begun = shell.start();
        try (var input = begun.outputWriter()) {
            input.write(Sh.whole(plan.applyScript(Fixtures.secrets(), "")));
        }
        return begun;
    }

    private List<String> restarted() throws IOException {
        var file = folder.resolve("restarted");
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    private String said() {
        try {
            return Files.readString(folder.resolve("out"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int exit(NodePlan plan) throws Exception {
        var begun = run(plan);
        assertTrue(begun.waitFor(30, TimeUnit.SECONDS));
        return begun.exitValue();
    }

    @Test
    void restarts_dependents_once_the_database_is_healthy_again() throws Exception {
        assertEquals(0, exit(restart("db", "backend")), this::said);
        assertEquals(List.of("ktrdr-db", "healthy", "ktrdr-backend"), restarted());
    }

    @Test
    void a_restart_takes_no_secret_and_touches_no_file() {
        var plan = restart("backend");
        assertEquals(Set.of(), plan.secrets());
        assertEquals(List.of(), plan.pulls());
        assertFalse(plan.applyScript(Fixtures.secrets(), "").contains("docker compose"));
    }

    @Test
    void one_that_docker_does_not_restart_is_a_failure() throws Exception {
        docker("exit 1");
        assertEquals(22, exit(restart("backend", "grafana")));
    }

    @Test
    void a_restart_goes_on_where_its_run_is_cut() throws Exception {
        docker("touch " + folder + "/begun; sleep 2");
        var begun = run(restart("grafana"));
        Wait.until(() -> Files.exists(folder.resolve("begun")), this::said);
        LocalCommand.command("kill", "-s", "KILL", "--", "-" + begun.pid()).must();
        Wait.until(() -> restarted().equals(List.of("ktrdr-grafana")), this::said);
    }

    @Test
    void a_deployment_stops_lost_containers_for_compose_to_restart() throws Exception {
        var stack = Stack.of(inventory, inventory.node("B"));
        var there = List.of(container("backtest-worker-1", "backtest-worker-1"));
        var facts = StackFactsBuilder.node().free(1).containers(there).build();
        var plan = NodePlan.plan(stack, Revision.of(inventory, stack, "sha-1"), stack.services(), facts)
                .restarting(List.of("backtest-worker-1"));
        assertFalse(plan.restart());
        var preview = new PlanPreview(plan, Map.of("backtest-worker-1", ComposeChanges.Action.RESTART), Map.of(),
                Optional.empty(), Optional.empty());
        assertEquals(List.of("backtest-worker-1"), List.copyOf(preview.stopped()));
        assertEquals(List.of(), plan.part(List.of("training-worker-1"), List.of()).restarted());
    }

    @Test
    void a_restart_says_nothing_of_the_release() {
        var deployed = entry("deploy core all sha-1", History.Ending.DEPLOYED);
        var failed = entry("deploy core all sha-2", History.Ending.FAILED);
        for (var outcome : List.of(History.Ending.RESTARTED, History.Ending.FAILED)) {
            var restarted = entry("restart core", outcome);
            assertFalse(new History(List.of(deployed, restarted), Optional.empty()).unproven());
            assertEquals(deployed, new History(List.of(deployed, restarted), Optional.empty()).last().orElseThrow());
            assertTrue(new History(List.of(deployed, failed, restarted), Optional.empty()).unproven());
            assertEquals("restart", restarted.kind());
        }
    }

    private static History.Entry entry(String command, History.Ending outcome) {
        return History.Entry.of(command, "sha-1", outcome).command(command).target("core").build();
    }

    @Test
    void a_renamed_container_is_restarted_by_the_name_that_it_has() {
        var stack = Stack.of(inventory, inventory.core());
        var there = List.of(container("db", "old-db"), container("backend", "foo"));
        var facts = StackFactsBuilder.node().free(1).containers(there).build();
        var script = NodePlan.restart(stack, new Revision("sha-1", List.of(), Docker.images(there, Map.of())),
                List.of("db", "backend"), facts).applyScript(Fixtures.secrets(), "");
        assertTrue(script.contains("\nagain 'old-db'\n") && script.contains("\nagain 'foo'\n")
                && script.contains("{{.State.Health.Status}}' 'old-db')"), script);
    }
}
