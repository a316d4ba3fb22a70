package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.DeployedScale;
import ktrdr.release.History;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.StackFactsBuilder;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScalePlanTest {
    private static final String IMAGE = "registry.test:5000/ktrdr-backend:sha-1";
    private static final String C =
            "  workers-c: {id: C, role: workers, host: workers-c, address: 10.0.0.13, disk_free: 2GB, scale: 2}\n  "
                    + "gpu:";
    private final Inventory inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("  gpu:", C));
    private final Inventory.Node node = inventory.node("B");

    private static StackFacts facts(NodeFiles files, History history, List<Docker.Container> containers) {
        return StackFactsBuilder.node().files(files).containers(containers).history(history).build();
    }

    private static Docker.Container container(String service, String image) {
        return new Docker.Container("id-" + service, service, service, image, "sha256:1", "running", "healthy", 0, 0,
                "2026-01-01T00:00:00.5Z", "", "");
    }

    private static List<Docker.Container> workers(int scale) {
        return Stream.iterate(1, number -> number + 1).limit(scale)
                .flatMap(number -> Stream.of("backtest-worker-" + number, "training-worker-" + number))
                .map(service -> container(service, IMAGE)).toList();
    }

    private Revision revision(int scale, StackFacts facts) {
        var target = ScalePlan.scaled(inventory, node, scale);
        return ScalePlan.revision(target, Stack.of(target, target.node("B")), node, facts);
    }

    private NodePlan plan(int scale, StackFacts facts) {
        var target = ScalePlan.scaled(inventory, node, scale);
        var stack = Stack.of(target, target.node("B"));
        var revision = ScalePlan.revision(target, stack, node, facts);
        return NodePlan.plan(stack, revision, ScalePlan.missing(stack, revision, facts), facts);
    }

    @Test
    void scaling_up_adds_missing_workers_from_the_running_image() {
        var plan = plan(3, facts(Fixtures.staged(inventory, "B", "sha-1", Map.of()), History.NONE, workers(2)));
        assertEquals(List.of("backtest-worker-3", "training-worker-3"), plan.services());
        assertEquals(Set.of(new Docker.Image(IMAGE, "sha256:1", "")), Set.copyOf(plan.revision().images().values()));
        assertEquals(List.of(), plan.retired());
        assertEquals(List.of("-COMPOSE_PROFILES=scale-2", "+COMPOSE_PROFILES=scale-2,scale-3"),
                plan.staging().diff().stream().filter(line -> line.matches("[-+][A-Z].*")).toList());
    }

    @Test
    void down_it_is_those_beyond_and_compose_brings_nothing_up() {
        var plan = plan(1, facts(Fixtures.staged(inventory, "B", "sha-1", Map.of()), History.NONE, workers(2)));
        assertEquals(List.of(), plan.services());
        assertEquals(List.of("backtest-worker-2", "training-worker-2"), plan.retired());
        var script = plan.applyScript(Fixtures.secrets(), "");
        assertTrue(plan.retired().stream().allMatch(service -> script.contains("\naway 'id-" + service + "'\n"))
                && !script.contains(" up -d"), script);
    }

    @Test
    void does_nothing_at_the_right_scale_but_starts_a_stopped_worker() {
        var files = Fixtures.staged(inventory, "B", "sha-1", Map.of());
        assertTrue(plan(2, facts(files, History.NONE, workers(2))).done());
        assertEquals(List.of("training-worker-2"), plan(2, facts(files, History.NONE, workers(2).subList(0, 3)))
                .services());
    }

    @Test
    void what_is_not_one_release_that_ended_well_is_refused() {
        var files = Fixtures.staged(inventory, "B", "sha-1", Map.of());
        var mixed = new ArrayList<>(workers(1));
        mixed.add(container("backtest-worker-2", IMAGE + "2"));
        var failed = History.Entry.of("1", "sha-1", History.Ending.FAILED).command("deploy workers B sha-1")
                .target("workers").scale(2).build();
        var refused = new LinkedHashMap<StackFacts, String>();
        refused.put(facts(files, History.NONE, List.of()), "workers-b: nothing runs there that could be scaled");
        refused.put(facts(files, History.NONE, mixed), "workers-b: two releases run there");
        refused.put(facts(files, new History(List.of(failed), Optional.empty()), workers(2)),
                "workers-b: the last deployment there failed and was left as it is");
        refused.put(facts(Fixtures.staged(inventory, "B", "sha-2", Map.of()), History.NONE, workers(2)),
                "workers-b: the staged release is not the running one");
        refused.put(facts(Fixtures.staged(inventory, "B", "sha-1", Map.of("docker-compose.workers.yml", "other")),
                History.NONE, workers(2)), "workers-b: files of the toolkit were changed by hand");
        refused.forEach((facts, sentence) ->
                assertEquals(sentence, assertThrows(Problem.class, () -> revision(3, facts)).sentence()));
    }

    private static List<String> listed(String prometheus) {
        return prometheus.lines()
                .filter(line -> line.contains("- targets: ['workers-") || line.contains("- targets: ['gpu"))
                .filter(line -> !line.contains(":9100'"))
                .map(line -> line.replaceFirst(".*'([^.]*)\\.ktrdr\\.test:(\\d+)'.*", "$1 $2")).toList();
    }

    @Test
    void scaling_a_node_keeps_the_other_nodes_prometheus_targets() {
        // C runs three workers, the inventory has two
        var there = Fixtures.staged(inventory.with(inventory.node("C").withScale(3)), "core", "sha-1", Map.of());
        var services = Stream.of("db", "prometheus", "grafana", "jaeger")
                .map(service -> container(service, service + ":1"));
        var facts = facts(there, History.NONE, Stream.concat(Stream.of(container("backend", IMAGE)), services)
                .toList());
        var target = ScalePlan.scaled(inventory, node, 1);
        var stack = Stack.of(target, target.core());
        var plan = NodePlan.plan(stack, ScalePlan.revision(target, stack, node, facts), List.of(), facts);
        assertEquals(List.of("workers-b 5003", "workers-b 5005", "workers-c 5003", "workers-c 5004", "workers-c 5007",
                "workers-c 5005", "workers-c 5006", "workers-c 5008", "gpu-1 5005"),
                listed(plan.staging().content(Templates.PROMETHEUS)));
        assertEquals(List.of(Templates.PROMETHEUS), plan.staging().changed().stream().map(Templates.NodeFile::path)
                .toList());
        assertEquals(List.of("prometheus"), plan.rereads());
        assertEquals(List.of(), plan.retired());
    }

    @Test
    void prometheus_converges_when_exactly_its_files_targets_are_up() {
        var file = new Templates(inventory).render(inventory.core(), "sha-1").stream()
                .filter(nodeFile -> nodeFile.path().equals(Templates.PROMETHEUS)).findFirst().orElseThrow().content();
        var answer = """
                {"data": {"activeTargets": [
                  {"discoveredLabels": {"__address__": "workers-b.ktrdr.test:5003"}, "health": "up"},
                  {"discoveredLabels": {"__address__": "workers-b.ktrdr.test:5005"}, "health": "unknown", \
                "lastError": ""},
                  {"discoveredLabels": {"__address__": "workers-b.ktrdr.test:5006"}, "health": "down", "lastError": \
                "connection refused"},
                  {"discoveredLabels": {"__address__": "workers-b.ktrdr.test:5008"}, "health": "up"}]}}
                """;
        var failing = new TreeSet<String>();
        ScalePlan.targets(inventory, List.of(node), file, Json.parse(answer, "Prometheus")).stream()
                .filter(check -> !check.ok()).forEach(check -> failing.add(check.id() + ": " + check.found()));
        assertEquals(Set.of("workers-b.backtest-worker-2.target: no target",
                "workers-b.training-worker-1.target: unknown",
                "workers-b.training-worker-2.target: down connection refused",
                "workers-b.training-worker-3.target: up"), failing);
    }

    @ParameterizedTest
    @CsvSource({"B, 0", "B, 4", "gpu, 2"})
    void refuses_a_scale_beyond_the_ports_or_the_inventory(String name, int scale) {
        var problem = assertThrows(Problem.class, () -> ScalePlan.scaled(inventory, inventory.node(name), scale));
        assertEquals(Exit.USAGE, problem.exit());
        assertTrue(name.equals("B") ? problem.sentence().contains("ports 5003 to 5008") : problem.details().get("found")
                .endsWith(":7: workers: {backtest: 0, training: 1}"), problem::toString);
    }

    @Test
    void refuses_to_scale_a_gpu_node_and_names_the_alternative() {
        for (var said : List.of("gpu: true", "gpu: true, workers: {backtest: 1}")) {
            var fleet = Fixtures.inventory(Fixtures.INVENTORY.replace("workers: {backtest: 0, training: 1}", said));
            var problem = assertThrows(Problem.class, () -> ScalePlan.scaled(fleet, fleet.node("G"), 2));
            assertEquals("gpu: a node with a GPU has one training worker, so it has no scale", problem.sentence());
            assertTrue(problem.details().get("to do").contains("jbang deploy@ktrdr workers G"), problem::toString);
        }
    }

    @Test
    void the_line_is_told_where_the_inventory_says_another_scale() {
        assertEquals(List.of(inventory.source() + ":5: scale: 2 -> 3, or the next deploy puts it back"),
                ScalePlan.toChange(inventory, node, 3));
        assertEquals(List.of(), ScalePlan.toChange(inventory, node, 2));
        var silent = Fixtures.inventory(Fixtures.INVENTORY.replace(", scale: 2", ""));
        assertEquals(List.of(), ScalePlan.toChange(silent, silent.node("B"), 3));
    }

    @Test
    void the_default_scale_is_that_of_the_last_good_release() {
        var images = new HashMap<String, Docker.Image>();
        for (var container : workers(3)) images.put(container.service(), new Docker.Image(IMAGE, "sha256:1", ""));
        var good = History.Entry.of("1", "sha-1", History.Ending.DEPLOYED).command("scale B 3").target("workers")
                .images(images).scale(3).build();
        var failed = History.Entry.of("2", "sha-2", History.Ending.FAILED).command("deploy workers B sha-2")
                .target("workers").scale(1).build();
        assertEquals(Optional.of(3), DeployedScale.of(node, new History(List.of(good, failed), Optional.empty())));
        assertEquals(Optional.empty(), DeployedScale.of(node, History.NONE));
    }

    @Test
    void targets_are_not_written_while_nobody_knows_a_scale() {
        var unknown = new DeployedScale(inventory, Map.of(node, Problem.unreachable("workers-b cannot be reached")));
        assertEquals(Exit.UNREACHABLE, assertThrows(Problem.class, unknown::known).exit());
        assertEquals(inventory, new DeployedScale(inventory, Map.of()).known());
    }

    @Test
    void a_deployment_tells_that_it_changes_the_scale_and_who_says_so() {
        var facts = facts(NodeFiles.NONE, History.NONE, workers(3));
        for (var wanted : Map.of(inventory, "workers-b runs 3 of each type, the inventory says 2",
                inventory.with(node.withScale(1)), "workers-b runs 3 of each type, 1 from now on").entrySet()) {
            var stack = Stack.of(wanted.getKey(), wanted.getKey().node("B"));
            var plan = NodePlan.plan(stack, Revision.of(wanted.getKey(), stack, "sha-1"), stack.services(),
                    facts);
            var preview = new PlanPreview(plan, Map.of(), Map.of(), Optional.empty(), Optional.empty());
            assertEquals(Optional.of(wanted.getValue()), preview.rescaled());
            assertTrue(preview.describe().stream()
                    .anyMatch(line -> line.startsWith("  scale ") && line.endsWith(wanted.getValue())),
                    preview.describe()::toString);
        }
        assertEquals(Optional.empty(),
                new PlanPreview(plan(3, facts(Fixtures.staged(inventory, "B", "sha-1", Map.of()), History.NONE,
                        workers(3))), Map.of(), Map.of(), Optional.empty(), Optional.empty()).rescaled());
    }
}
