package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.NodePlan;
import ktrdr.deploy.Reread;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import ktrdr.status.StatusFixtures;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whether a container mounts the current folder. The shell is real; a stand-in for docker names a local process and its
 * mounts.
 */
class StaleMountsTest {
    private static final long PID = ProcessHandle.current().pid();
    private static final Map<String, String> READERS = Map.of("prometheus", "ktrdr-prometheus", "grafana",
            "ktrdr-grafana", "alertmanager", "ktrdr-alertmanager");
    @TempDir Path folder;
    private Path stack;

    @BeforeEach
    void a_stack() throws IOException {
        stack = Files.createDirectories(folder.resolve("stack"));
        Files.createDirectories(stack.resolve("monitoring/grafana"));
    }

    private NodeFiles files(String... containers) throws IOException {
        Fixtures.program(folder.resolve("bin/docker"),
                "#!/bin/sh\ncat <<'E'\n" + String.join("\n", containers) + "\nE\n");
        var script = Facts.SAY + Sh.let("directory", stack.toString()) + StaleMounts.script(READERS) + "say end yes\n";
        return NodeFiles.parse(Facts.parse(LocalCommand.command("sh", "-s")
                .input("PATH=" + folder.resolve("bin") + ":$PATH\n" + Sh.whole(script)).must().out()));
    }

    private String container(String name, Object... mounts) {
        var line = new StringBuilder(PID + "|/ktrdr-" + name);
        for (var mount : mounts) line.append('|').append(mount);
        return line.toString();
    }

    @Test
    void the_folder_that_is_there_is_not_stale() throws IOException {
        var there = stack.resolve("monitoring");
        assertEquals(Set.of(), files(container("prometheus", there, there),
                container("grafana", there.resolve("grafana"), there.resolve("grafana"))).stale());
    }

    @Test
    void a_folder_that_was_replaced_by_a_copy_or_removed_is() throws IOException {
        var old = Files.createDirectories(folder.resolve("old"));
        var there = stack.resolve("monitoring");
        assertEquals(Set.of("prometheus"), files(container("prometheus", there, old),
                container("alertmanager", there, there)).stale());
        assertEquals(Set.of("grafana"),
                files(container("grafana", there.resolve("grafana"), there.resolve("grafana"),
                        stack.resolve("gone"), old)).stale());
    }

    @Test
    void foreign_stopped_and_unreadable_containers_are_not_stale() throws IOException {
        var old = Files.createDirectories(folder.resolve("old"));
        var there = stack.resolve("monitoring");
        assertEquals(Set.of(), files(container("prometheus", folder.resolve("share"), old),
                "0|/ktrdr-grafana|" + there + "|" + old, container("alertmanager", there, folder.resolve("nowhere")),
                container("grafana")).stale());
        assertEquals("", StaleMounts.script(Map.of()), "where nothing reads files, nothing is asked");
    }

    @Test
    void the_next_deployment_restarts_a_stale_service() {
        var inventory = Fixtures.inventory();
        var staged = Fixtures.staged(inventory, "core", "sha-2", Map.of());
        var files = new NodeFiles(staged.files(), staged.links(), staged.odd(), staged.manifest(), staged.unread(),
                staged.foreign(), Set.of("grafana"), Map.of());
        var facts = StackFactsBuilder.node().files(files)
                .containers(StatusFixtures.containers(inventory.core())).build();
        var stack = Stack.of(inventory, inventory.core());
        var plan = NodePlan.plan(stack, Revision.of(inventory, stack, "sha-2"), List.of("backend"), facts);
        assertEquals(List.of("grafana"), plan.rereads());
        assertEquals(false, plan.quiet());
        assertEquals("grafana restarted; backend same", plan.outcome(Set.of(), List.of(), List.of("grafana")));
    }

    @Test
    void a_value_of_a_metric_is_read_whatever_its_form() {
        var text = """
                # TYPE prometheus_config_last_reload_successful gauge
                prometheus_config_last_reload_successful 1
                prometheus_config_last_reload_success_timestamp_seconds 1.7645123456789e+09
                prometheus_config_last_reload_successful_not 7
                """;
        assertEquals(List.of(1.0), Reread.value("prometheus_config_last_reload_successful", text));
        assertEquals(List.of(1764512345.6789),
                Reread.value("prometheus_config_last_reload_success_timestamp_seconds", text));
        assertEquals(List.of(), Reread.value("alertmanager_config_last_reload_successful", text));
    }
}
