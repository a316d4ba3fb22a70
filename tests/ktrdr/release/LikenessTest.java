package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.ComposeChanges;
import ktrdr.deploy.Excess;
import ktrdr.deploy.NodePlan;
import ktrdr.deploy.PlanPreview;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whether the running containers match what was deployed: for a new release and for the history. */
class LikenessTest {
    private static final String NAME = "registry.test:5000/ktrdr-worker-cpu:sha-1";
    private static final String DIGEST = "registry.test:5000/ktrdr-worker-cpu@sha256:d";
    private final Inventory inventory = Fixtures.inventory();
    private final Stack stack = Stack.of(inventory, inventory.node("B"));
    private final Docker.Image image = new Docker.Image(NAME, "sha256:1", DIGEST, "hash", "/opt/ktrdr-workers-b");

    private static Docker.Container worker(String name, String reference, String id, String hash, String folder) {
        return new Docker.Container("id-" + name, name, "backtest-worker-1", reference, id, "running", "healthy", 0, 0,
                "2026-01-01T00:00:00Z", hash, folder);
    }

    private static Docker.Container worker() {
        return worker("backtest-worker-1", NAME, "sha256:1", "hash", "/opt/ktrdr-workers-b");
    }

    private List<String> differing(Docker.Image wanted, Docker.Container... there) {
        var found = new Likeness(stack, Map.of("backtest-worker-1", wanted))
                .differing(List.of("backtest-worker-1"), List.of(there), Map.of("sha256:2", List.of(DIGEST)));
        return found.getOrDefault("backtest-worker-1", List.of());
    }

    @Test
    void each_thing_that_is_another_is_told() {
        assertEquals(List.of(), differing(image, worker()));
        assertEquals(List.of("backtest-worker-1 runs another image, " + NAME),
                differing(image, worker("backtest-worker-1", NAME, "sha256:3", "hash", "/opt/ktrdr-workers-b")));
        assertEquals(List.of("backtest-worker-1 runs another image, r/x:sha-2"),
                differing(image, worker("backtest-worker-1", "r/x:sha-2", "sha256:1", "other",
                        "/opt/ktrdr-workers-b")));
        assertEquals(List.of("backtest-worker-1 was made from another configuration"),
                differing(image, worker("backtest-worker-1", NAME, "sha256:1", "other", "/opt/ktrdr-workers-b")));
        assertEquals(List.of("backtest-worker-1 was started from /elsewhere"),
                differing(image, worker("backtest-worker-1", NAME, "sha256:1", "hash", "/elsewhere")));
        assertEquals(List.of("backtest-worker-1 has the container foo instead of backtest-worker-1"),
                differing(image, worker("foo", NAME, "sha256:1", "hash", "/opt/ktrdr-workers-b")));
        assertEquals(List.of("backtest-worker-1 was made from another configuration",
                "backtest-worker-1 was not made by Compose"),
                differing(image, worker("backtest-worker-1", NAME, "sha256:1", "", "")));
        assertEquals(List.of("backtest-worker-1 has 2 containers, backtest-worker-1, foo"),
                differing(image, worker(), worker("foo", NAME, "sha256:1", "", "")));
    }

    /**
     * Docker's two image stores have different ids for the same digest; older history entries have neither hash nor
     * folder.
     */
    @Test
    void what_is_not_known_is_not_compared() {
        assertEquals(List.of(),
                differing(image, worker("backtest-worker-1", NAME, "sha256:2", "hash", "/opt/ktrdr-workers-b")));
        assertEquals(List.of(), differing(new Docker.Image(NAME, "sha256:1", ""),
                worker("backtest-worker-1", NAME, "sha256:1", "any", "/any")));
        assertEquals(List.of(),
                differing(new Docker.Image(NAME, "", ""),
                        worker("backtest-worker-1", NAME, "sha256:7", "any", "/any")));
        assertEquals(List.of(), differing(image));
    }

    private Drift drift(History history, Docker.Container... there) {
        return Drift.of(stack, history, NodeFiles.NONE, List.of(there), List.of());
    }

    private static History.Entry entry(String id, History.Ending outcome, Map<String, Docker.Image> images) {
        return History.Entry.of(id, "sha-1", outcome).command("deploy workers B").target("workers").images(images)
                .scale(1).build();
    }

    /** A failed deployment of these images, rolled back to the others. */
    private static History.Entry returned(Map<String, Docker.Image> images, Map<String, Docker.Image> back) {
        return History.Entry.of("2", "sha-2", History.Ending.RETURNED).command("deploy workers B").target("workers")
                .images(images).scale(1).error("no health").back(back).build();
    }

    @Test
    void compares_the_history_with_what_runs_and_accepts_a_rollback() {
        var deployed = entry("1", History.Ending.DEPLOYED, Map.of("backtest-worker-1", image));
        var history = new History(List.of(deployed), Optional.empty());
        var again = worker("backtest-worker-1", NAME, "sha256:1", "hash-2", "/opt/ktrdr-workers-b");
        assertEquals(List.of(), drift(history, worker()).services());
        assertEquals(List.of("backtest-worker-1 was made from another configuration"),
                drift(history, again).services());
        var second = Map.of("backtest-worker-1",
                new Docker.Image(NAME, "sha256:1", DIGEST, "hash-2", "/opt/ktrdr-workers-b"));
        var back = returned(Map.of("backtest-worker-1", image), second);
        assertEquals(List.of(), drift(new History(List.of(deployed, back), Optional.empty()), again).services());
        // the failed release had the same image with another configuration, and the rollback restored the previous one
        var failed = returned(second, Map.of("backtest-worker-1", image));
        assertEquals(List.of(), drift(new History(List.of(deployed, failed), Optional.empty()), worker()).services());
        assertEquals(failed, History.Entry.parse(failed.json()).orElseThrow());
        var parsed = History.Entry.parse(deployed.json()).orElseThrow();
        assertEquals(image, parsed.images().get("backtest-worker-1"));
        // an entry from an older toolkit has no hash
        var older = History.Entry.parse(deployed.json()
                .replace(",\"hash\":\"hash\",\"folder\":\"/opt/ktrdr-workers-b\"", "")).orElseThrow();
        assertEquals(new Docker.Image(NAME, "sha256:1", DIGEST), older.images().get("backtest-worker-1"));
        assertEquals(List.of(), drift(new History(List.of(older), Optional.empty()), again).services());
    }

    /** One line of `docker inspect` in the toolkit's format. */
    private static String line(String name, String service, String more) {
        return "{\"Id\":\"id-" + name + "\",\"Name\":\"/" + name
                + "\",\"Image\":\"sha256:1\",\"RestartCount\":0,\"State\":{\"Status\":\"running\",\"StartedAt\":"
                + "\"2026-01-01T00:00:00Z\"},\"Config\":{\"Image\":\"" + NAME
                + "\",\"Labels\":{\"com.docker.compose.project\":\"ktrdr-workers\",\"com.docker.compose.service\":\""
                + service + "\"" + more + "}}}";
    }

    @Test
    void containers_of_foreign_services_are_ignored_and_reported() {
        var made = ",\"com.docker.compose.config-hash\":\"h\",\"com.docker.compose.project.working_dir\":\"/opt/"
                + "ktrdr-workers-b\"";
        var lines = List.of(line("stray", "extra", ""),
                line("run-1", "backtest-worker-1", ",\"com.docker.compose.oneoff\":\"True\""),
                line("foo", "backtest-worker-1", ""),
                line("backtest-worker-1", "backtest-worker-1", made));
        var all = Docker.containers(String.join("\n", lines));
        assertEquals(List.of("backtest-worker-1", "foo", "stray"), all.stream().map(Docker.Container::name).toList());
        assertEquals("/opt/ktrdr-workers-b", Docker.containers(lines.get(3)).get(0).folder());
        for (var service : List.of("backtest-worker-3", "training-worker-3", "training-worker-gpu"))
            assertTrue(stack.has(service), service);
        var history = new History(
                List.of(entry("1", History.Ending.DEPLOYED, Map.of("backtest-worker-1", image, "extra", image))),
                Optional.empty());
        var strays = new OwnContainers(stack, history).strays(all);
        assertEquals(List.of("stray"), strays.stream().map(Docker.Container::name).toList());
        assertEquals(List.of("backtest-worker-1", "foo"),
                new OwnContainers(stack, history).of(all).stream().map(Docker.Container::name).toList());
        assertEquals(List.of("extra is not part of the stack: the container stray"),
                Drift.of(stack, history, NodeFiles.NONE, List.of(worker()), strays).services());
        // an older toolkit recorded the stray container
        assertEquals(List.of("backtest-worker-1"),
                List.copyOf(Revision.of(stack, history.current().orElseThrow(), List.of()).images().keySet()));
    }

    private NodePlan plan(Docker.Container... there) {
        var facts = StackFactsBuilder.node()
                .files(Fixtures.staged(inventory, "workers-b", "sha-1", Map.of()))
                .images(Map.of(inventory.images().worker() + ":sha-1", "sha256:1",
                        inventory.images().nodeExporter(), "sha256:e"))
                .containers(List.of(there)).build();
        return NodePlan.plan(stack, Revision.of(inventory, stack, "sha-1"), stack.services(), facts);
    }

    private Docker.Container[] running(Docker.Container... more) {
        var all = new ArrayList<>(stack.services().stream()
                .filter(service -> Arrays.stream(more).noneMatch(container -> container.service().equals(service)))
                .map(service -> new Docker.Container("id-" + service, service, service, NAME, "sha256:1", "running",
                        "healthy", 0, 0, "2026-01-01T00:00:00Z", "hash", "/opt")).toList());
        all.addAll(List.of(more));
        return all.toArray(Docker.Container[]::new);
    }

    @Test
    void restores_the_name_of_a_renamed_container() {
        assertTrue(plan(running()).quiet());
        var plan = plan(running(worker("foo", NAME, "sha256:1", "hash", "/opt")));
        assertFalse(plan.quiet());
        assertEquals("foo renamed to backtest-worker-1", new Excess(plan).words());
        assertTrue(plan.applyScript(Fixtures.secrets(), "")
                .contains("\ndocker rename 'foo' 'backtest-worker-1' || exit 22\n"));
        assertTrue(new PlanPreview(plan, Map.of("backtest-worker-1", ComposeChanges.Action.SAME), Map.of(),
                Optional.empty(), Optional.empty()).outcome().endsWith("; foo renamed to backtest-worker-1"));
    }

    @Test
    void removes_a_second_container_but_not_one_left_by_compose() {
        var plan = plan(running(worker(), worker("foo", NAME, "sha256:1", "", "")));
        assertEquals("foo removed", new Excess(plan).words());
        assertTrue(plan.applyScript(Fixtures.secrets(), "").contains("\naway 'id-foo'\n"));
        var left = new Docker.Container("id-2", "06fd3b06fd3b_backtest-worker-1", "backtest-worker-1", NAME, "sha256:1",
                "created", "", 0, 0, "0001-01-01T00:00:00Z", "hash", "/opt");
        assertEquals("", new Excess(plan(running(worker(), left))).words());
        assertEquals("", new Excess(plan(running(left))).words());
    }

    /** Compose no longer knows a service that its file lost. */
    @Test
    void what_goes_is_removed_by_its_id() {
        var gone = new Docker.Container("id-3", "training-worker-3", "training-worker-3", NAME, "sha256:1", "running",
                "healthy", 0, 0, "2026-01-01T00:00:00Z", "hash", "/opt");
        var script = plan(running(gone)).applyScript(Fixtures.secrets(), "");
        assertTrue(script.contains("\naway 'id-3'\n") && !script.contains(" rm -sf "), script);
    }

    /** Another run in the same folder, or an editor, changed them. */
    @Test
    void refuses_files_that_changed_while_compose_read_them(@TempDir Path folder) throws IOException {
        var plan = plan(running());
        for (var file : plan.staging().files())
            if (!file.path().contains("/")) Files.writeString(folder.resolve(file.path()), file.content());
        var script = "cd " + Sh.quote(folder.toString()) + "\n" + plan.asRendered() + "echo good\n";
        assertEquals("good\n", LocalCommand.command("sh", "-s").input(Sh.whole(script)).run().out());
        for (var name : List.of(stack.composeFile(), stack.envFile())) {
            var before = Files.readString(folder.resolve(name));
            Files.writeString(folder.resolve(name), before + "# more\n");
            var changed = LocalCommand.command("sh", "-s").input(Sh.whole(script)).run();
            assertEquals(List.of(22, ""), List.of(changed.exit(), changed.out()));
            assertTrue(plan.upFailed(changed).details().get("found")
                    .contains("was changed by another process while Compose read it"));
            Files.writeString(folder.resolve(name), before);
        }
    }
}
