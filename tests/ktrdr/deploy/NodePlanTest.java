package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.Mount;
import ktrdr.node.NodeFiles;
import ktrdr.node.Registry;
import ktrdr.release.History;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.StackFactsBuilder;
import ktrdr.release.StackShare;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;

class NodePlanTest {
    private final Inventory inventory = Fixtures.inventory();

    private StackFacts facts(NodeFiles files, Map<String, String> images, List<Docker.Container> containers) {
        return StackFactsBuilder.node().files(files).images(images).containers(containers).build();
    }

    private NodePlan plan(String node, List<String> services, StackFacts facts) {
        var stack = Stack.of(inventory, inventory.node(node));
        return NodePlan.plan(stack, Revision.of(inventory, stack, "sha-2"), stack.services(services), facts);
    }

    private static Docker.Container container(String service) {
        return container(service, "image", "2026-01-01T00:00:00.5Z");
    }

    private static Docker.Container container(String service, String image, String startedAt) {
        return new Docker.Container("id-" + service, service, service, image, "sha256:1", "running", "healthy", 0, 0,
                startedAt, "", "");
    }

    private NodeFiles filesOf(String node, String tag) {
        return Fixtures.staged(inventory, node, tag, Map.of());
    }

    @Test
    void an_empty_node_gets_all_images_and_files() {
        var plan = plan("core", List.of(), facts(NodeFiles.NONE, Map.of(), List.of()));
        assertEquals(6, plan.pulls().size());
        assertTrue(plan.pulls().contains("registry.test:5000/ktrdr-backend:sha-2"));
        assertEquals(plan.staging().files(), plan.staging().changed());
        assertTrue(plan.whole());
    }

    @Test
    void a_new_tag_changes_the_env_file_alone() {
        var images = Map.of(inventory.images().db(), "1", inventory.images().prometheus(), "1", inventory.images()
                .grafana(), "1", inventory.images().jaeger(), "1", inventory.images().nodeExporter(), "1");
        var plan = plan("core", List.of(), facts(filesOf("core", "sha-1"), images,
                List.of(container("backend", "registry.test:5000/ktrdr-backend:sha-1", ""), container("db"))));
        assertEquals(List.of("registry.test:5000/ktrdr-backend:sha-2"), plan.pulls());
        assertEquals(List.of(".env.core"), plan.staging().changed().stream().map(Templates.NodeFile::path).toList());
        assertEquals("sha-1", plan.before());
        assertTrue(plan.staging().diff().containsAll(List.of("-IMAGE_TAG=sha-1", "+IMAGE_TAG=sha-2")));
    }

    @Test
    void one_service_is_deployed_without_what_it_depends_on() {
        var script = plan("core", List.of("backend"), facts(NodeFiles.NONE, Map.of(), List.of()))
                .applyScript(Fixtures.secrets(), "");
        assertTrue(script.contains("up -d --no-deps 'backend'"), script);
    }

    @Test
    void what_is_unhealthy_is_made_anew_and_nothing_else() {
        var unhealthy = new Docker.Container("id-1", "ktrdr-backend", "backend", "image", "sha256:1", "running",
                "unhealthy", 0, 0, "2026-01-01T00:00:00.5Z", "", "");
        var there = facts(NodeFiles.NONE, Map.of(), List.of(unhealthy, container("grafana")));
        assertTrue(plan("core", List.of(), there).applyScript(Fixtures.secrets(), "")
                .contains("up -d --no-deps --force-recreate 'backend' >&2"));
        assertFalse(plan("core", List.of("grafana"), there).applyScript(Fixtures.secrets(), "")
                .contains("--force-recreate"));
        assertFalse(plan("core", List.of(), there).quiet());
    }

    @Test
    void workers_beyond_the_scale_are_removed() {
        var plan = plan("B", List.of(),
                facts(NodeFiles.NONE, Map.of(),
                        List.of(container("backtest-worker-1"), container("backtest-worker-3"))));
        assertEquals(List.of("backtest-worker-3"), plan.retired());
    }

    /**
     * A worker start takes up to 100 s on a busy machine. A starting worker is not registered yet, and a restart would
     * start it over.
     */
    @Test
    void only_a_worker_that_is_healthy_may_be_up_without_being_known() {
        var starting = new Docker.Container("id-2", "training-worker-1", "training-worker-1", "image", "sha256:1",
                "running", "starting", 0, 0, "2026-01-01T00:00:00.5Z", "", "");
        var young = container("backtest-worker-2", "image", Instant.now().minusSeconds(20).toString());
        assertEquals(List.of("backtest-worker-1"),
                LostWorkers.up(plan("B", List.of(),
                        facts(NodeFiles.NONE, Map.of(), List.of(container("backtest-worker-1"), young, starting)))));
    }

    @Test
    void reads_the_running_release_from_containers_not_the_env_file() {
        var plan = plan("core", List.of(),
                facts(filesOf("core", "sha-2"), Map.of(),
                        List.of(container("backend", "registry.test:5000/ktrdr-backend:sha-1", ""))));
        assertEquals("sha-1", plan.before());
        assertEquals(List.of(), plan.staging().changed());
        assertEquals("", plan("core", List.of(), facts(filesOf("core", "sha-2"), Map.of(), List.of())).before());
    }

    @Test
    void the_plan_is_quiet_only_when_nothing_needs_to_change() {
        var images = Map.of(inventory.images().worker() + ":sha-2", "1", inventory.images().nodeExporter(), "1");
        var staged = filesOf("workers-b", "sha-2");
        var running = Stack.of(inventory, inventory.node("B")).services().stream().map(NodePlanTest::container)
                .toList();
        assertTrue(plan("B", List.of(), facts(staged, images, running)).quiet());
        assertFalse(plan("B", List.of(), facts(filesOf("workers-b", "sha-1"), images, running)).quiet(),
                "another env file");
        assertFalse(plan("B", List.of(), facts(staged, Map.of(), running)).quiet(), "images to pull");
        var more = new ArrayList<>(running);
        more.add(container("backtest-worker-3"));
        assertFalse(plan("B", List.of(), facts(staged, images, more)).quiet(), "a worker beyond the scale");
        more.set(more.size() - 1, running.get(0));
        assertFalse(plan("B", List.of(), facts(staged, images, more)).quiet(), "what a Compose that was killed left");
        var cut = new History(List.of(), History.Entry.parse("{\"id\":\"1\",\"outcome\":\"interrupted\"}"));
        assertFalse(plan("B", List.of(),
                StackFactsBuilder.node().files(staged).images(images).containers(running).history(cut).build())
                .quiet(), "a cut deployment");
    }

    @Test
    void a_changed_prometheus_configuration_is_reloaded() {
        var files = Fixtures.staged(inventory, "core", "sha-2", Map.of("monitoring/prometheus.yml", "old"));
        var plan = plan("core", List.of(), facts(files, Map.of(), List.of(container("prometheus"))));
        assertEquals(List.of("prometheus"), plan.rereads());
        assertTrue(plan.applyScript(Fixtures.secrets(), "")
                .contains("reread prometheus ktrdr-prometheus 'id-prometheus 2026-01-01T00:00:00.5Z'"));
    }

    @Test
    void reloads_a_staged_configuration_unless_restarted_since() {
        var second = Instant.parse("2026-01-01T00:00:00Z").getEpochSecond();
        for (var marked : Map.of(second - 1, List.<String>of(), second, List.of("grafana"), second + 1,
                List.of("grafana")).entrySet()) {
            var there = filesOf("core", "sha-2");
            var files = new NodeFiles(there.files(), Map.of(), Map.of(), there.manifest(),
                    Map.of("grafana", marked.getKey()), List.of());
            var plan = plan("core", List.of(), facts(files, Map.of(), List.of(container("grafana"))));
            assertEquals(marked.getValue(), plan.rereads());
            assertTrue(plan.applyScript(Fixtures.secrets(), "")
                    .contains(marked.getValue().isEmpty() ? "rm -f .ktrdr/unread.grafana\n"
                            : "reread grafana"));
        }
    }

    @Test
    void an_image_from_the_history_is_exact_whatever_its_tag_means() {
        var stack = Stack.of(inventory, inventory.node("gpu"));
        var image = new Docker.Image("registry.test:5000/ktrdr-backend:sha-1", "sha256:old",
                "registry.test:5000/ktrdr-backend@sha256:digest");
        var revision = new Revision("sha-1", List.of(), Map.of("training-worker-1", image));
        var there = NodePlan.plan(stack, revision, List.of("training-worker-1"),
                facts(NodeFiles.NONE, Map.of(image.reference(), "sha256:other", image.id(), image.id()), List.of()));
        assertEquals(List.of(), there.pulls());
        assertEquals(Map.of("sha256:old", image.reference()), there.tagged());
        var gone = NodePlan.plan(stack, revision, List.of("training-worker-1"),
                facts(NodeFiles.NONE, Map.of(image.reference(), "sha256:other"), List.of()));
        assertEquals(List.of(image.digest()), gone.pulls());
        assertEquals(Map.of(image.digest(), image.reference()), gone.tagged());
        var same = NodePlan.plan(stack, revision, List.of("training-worker-1"),
                facts(NodeFiles.NONE, Map.of(image.reference(), image.id(), image.id(), image.id()), List.of()));
        assertEquals(Map.of(), same.tagged());
    }

    @Test
    void pulls_a_moving_tag_each_time_and_a_fixed_one_only_once() {
        var stack = Stack.of(inventory, inventory.node("gpu"));
        for (var pulled : Map.of("latest", 1, "sha-1", 0).entrySet()) {
            var image = "registry.test:5000/ktrdr-backend:" + pulled.getKey();
            var images = Map.of("training-worker-1", new Docker.Image(image, "", ""));
            var there = facts(NodeFiles.NONE, Map.of(image, "sha256:1"), List.of());
            var plan = NodePlan.plan(stack, new Revision(pulled.getKey(), List.of(), images),
                    List.of("training-worker-1"), there);
            assertEquals(pulled.getValue(), plan.pulls().size(), image);
        }
    }

    @Test
    void rolls_back_to_what_a_node_has_only_if_it_is_complete() {
        var stack = Stack.of(inventory, inventory.node("core"));
        var wanted = new Templates(inventory).render(stack.node(), "sha-2");
        // the facts omit the content of unchanged files
        var files = new HashMap<>(filesOf("core", "sha-1").files());
        var prometheus = files.get("monitoring/prometheus.yml");
        files.put("monitoring/prometheus.yml",
                new NodeFiles.FileState(prometheus.sha256(), "600", "0:0", prometheus.size(), Optional.empty()));
        var there = new NodeFiles(files, Map.of(), Map.of(), Map.of(), Map.of(), List.of());
        var before = Revision.there(stack,
                facts(there, Map.of(), List.of(container("backend", "registry.test:5000/ktrdr-backend:sha-1", ""))),
                wanted).orElseThrow();
        assertEquals("sha-1", before.tag());
        assertEquals("sha256:1", before.images().get("backend").id());
        var file = before.files().stream().filter(nodeFile -> nodeFile.path().equals("monitoring/prometheus.yml"))
                .findFirst().orElseThrow();
        assertEquals(List.of(prometheus.sha256(), "600"), List.of(file.sha256(), file.mode()));
        assertEquals(Optional.empty(),
                Revision.there(stack, facts(NodeFiles.NONE, Map.of(), List.of(container("backend"))), wanted));
        assertEquals(Optional.empty(), Revision.there(stack, facts(there, Map.of(), List.of()), wanted));
    }

    @Test
    void refuses_a_disk_too_small_for_the_images_before_pulling_them() {
        var layers = List.of(new Registry.Layer("sha256:1", 100_000_000), new Registry.Layer("sha256:2", 50_000_000));
        var image = new Registry.Manifest("registry.test:5000/ktrdr-backend:sha-2", "sha256:d", "sha256:c", layers);
        assertEquals(Optional.empty(), PlanPreview.tooSmall("core", 700_000_000, List.of(image, image)));
        var problem = PlanPreview.tooSmall("core", 500_000_000, List.of(image)).orElseThrow();
        assertEquals("core: too little disk is free for the images to pull 600 MB, by the sizes of their layers in "
                + "the registry 500 MB free",
                problem.sentence() + " " + problem.details().get("expected") + " " + problem.details().get("found"));
    }

    @Test
    void what_stands_in_the_way_is_told_before_anything_is_touched() {
        var noDocker = StackFactsBuilder.node().docker("").dockerError("Cannot connect").compose("").free(0)
                .memory(0).directory(false).build();
        assertEquals("core: the Docker Engine does not answer",
                plan("core", List.of(), noDocker).obstacles().get(0).sentence());
        var poor = StackFactsBuilder.node().docker("24.0.9").compose("1.29.2").free(1_000_000_000L)
                .share(Mount.parse("/srv/ktrdr-shared\t2\t\t")).build();
        assertEquals(List.of("core: the Docker Engine is too old", "core: Compose is missing or too old",
                "core: too little disk is free for Docker", "core: the share is missing"),
                plan("core", List.of(), poor).obstacles().stream().map(Problem::sentence).toList());
    }

    @Test
    void a_folder_of_the_share_that_containers_mount_has_to_be_there() {
        var without = StackFactsBuilder.node().missing(List.of("strategies", "unused")).build();
        var problem = plan("core", List.of(), without).obstacles().get(0);
        assertEquals("core: the share at /srv/ktrdr-shared lacks folders that containers mount", problem.sentence());
        assertEquals("{expected=/srv/ktrdr-shared/strategies, found=no such folder, to do=jbang setup-nfs@ktrdr core}",
                problem.details().toString());
        var few = Fixtures.inventory(Fixtures.INVENTORY + "storage: {server: nas.home, folders: [data]}\n");
        assertEquals("make them on nas.home, owner 999:1500, mode 2775",
                new StackShare(few, few.core()).makeFolders(List.of("models")));
        few = Fixtures.inventory(Fixtures.INVENTORY + "storage: {folders: [data]}\n");
        assertEquals("add models to storage.folders in the inventory, then jbang setup-nfs@ktrdr core",
                new StackShare(few, few.core()).makeFolders(List.of("models", "data")));
    }

    @Test
    void all_files_are_written_beside_before_the_first_is_replaced() {
        var script = plan("core", List.of(), facts(NodeFiles.NONE, Map.of(), List.of()))
                .applyScript(Fixtures.secrets(), "");
        assertTrue(script.lastIndexOf("\nput ") < script.indexOf("config -q")
                && script.indexOf("config -q") < script.indexOf("check config")
                && script.lastIndexOf("check config") < script.indexOf("\nplace ")
                && script.lastIndexOf("\nplace ") < script.indexOf("up -d"), script);
    }
}
