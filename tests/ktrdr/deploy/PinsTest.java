package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import org.junit.jupiter.api.Test;

/** A tag that was pushed again before or during a deployment: all nodes get the same image, or the run reports it. */
class PinsTest {
    private final Inventory inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("backend: registry",
            "worker: registry.test:5000/ktrdr-worker, backend: registry"));
    private final String worker = "registry.test:5000/ktrdr-worker:sha-2";

    private static String at(String digest) {
        return "registry.test:5000/ktrdr-worker@sha256:" + digest;
    }

    /** A workers node with this image under the tag; no image if the id is empty. */
    private NodePlan plan(String node, String id, String digest) {
        var images = new TreeMap<>(Map.of(inventory.images().nodeExporter(), "sha256:e"));
        if (!id.isEmpty()) images.put(worker, id);
        var facts = StackFactsBuilder.node().images(images)
                .digests(digest.isEmpty() ? Map.of() : Map.of(id, List.of(at(digest)))).build();
        var stack = Stack.of(inventory, inventory.node(node));
        return NodePlan.plan(stack, Revision.of(inventory, stack, "sha-2"), stack.services(), facts);
    }

    private static Registry.Manifest manifest(String reference, String digest, String id) {
        return new Registry.Manifest(reference, "sha256:" + digest, id, List.of());
    }

    private Registry.Images answer(String digest, String id, String platform) {
        return new Registry.Images(Map.of(worker, manifest(worker, digest, id)), Map.of(), platform);
    }

    private Map<Inventory.Node, NodePlan> pinned(NodePlan b, Registry.Images forB, NodePlan gpu,
            Registry.Images forGpu) {
        var plans = new LinkedHashMap<Inventory.Node, NodePlan>();
        plans.put(inventory.node("B"), b);
        plans.put(inventory.node("gpu"), gpu);
        return Pins.pinned(plans, Map.of(inventory.node("B"), forB, inventory.node("gpu"), forGpu),
                Pins.open(plans.values()));
    }

    @Test
    void where_all_nodes_have_the_same_image_nothing_is_asked() {
        assertEquals(Set.of(), Pins.open(List.of(plan("B", "sha256:1", "d1"), plan("gpu", "sha256:1", "d1"))));
        // same digest in both of Docker's image stores; an image that came from no registry
        assertEquals(Set.of(), Pins.open(List.of(plan("B", "sha256:1", "d1"), plan("gpu", "sha256:d1", "d1"))));
        assertEquals(Set.of(), Pins.open(List.of(plan("B", "sha256:1", ""), plan("gpu", "sha256:1", ""))));
        assertEquals(List.of(), Pins.asked(plan("B", "sha256:1", "d1"), Set.of()));
    }

    @Test
    void a_tag_to_pull_or_with_two_images_is_resolved_on_all_nodes() {
        assertEquals(Set.of(worker), Pins.open(List.of(plan("B", "sha256:1", "d1"), plan("gpu", "", ""))));
        assertEquals(Set.of(worker), Pins.open(List.of(plan("B", "sha256:1", "d1"), plan("gpu", "sha256:2", "d2"))));
        assertEquals(Set.of(worker), Pins.open(List.of(plan("B", "sha256:1", ""), plan("gpu", "sha256:2", ""))));
        assertEquals(List.of(worker), Pins.asked(plan("B", "sha256:1", "d1"), Set.of(worker)));
    }

    @Test
    void an_image_that_no_registry_has_is_not_asked_for() {
        var local = worker.replace("sha-2", "local-3f2c9ab01234");
        var image = new Docker.Image(local, "sha256:1", at("d1"));
        var facts = StackFactsBuilder.node().images(new TreeMap<>()).build();
        assertEquals(List.of(local), Pins.pulls(List.of(image), facts));
        var stack = Stack.of(inventory, inventory.node("B"));
        var plan = NodePlan.plan(stack, Revision.of(inventory, stack, "local-3f2c9ab01234"), stack.services(), facts);
        assertEquals(List.of(local), plan.sent());
        assertEquals(Set.of(), Pins.open(List.of(plan)));
        var problem = assertThrows(Problem.class, () -> LocalImages.none().prove(plan));
        assertTrue(problem.sentence().contains("is not on the node, and no registry has it"), problem.sentence());
    }

    /** B has the previous image. The tag was pushed again, and gpu, which has no image yet, would get the new one. */
    @Test
    void a_node_with_an_older_image_pulls_the_same_one_as_the_others() {
        var answer = answer("d2", "sha256:2", "linux/amd64");
        var plans = pinned(plan("B", "sha256:1", "d1"), answer, plan("gpu", "", ""), answer);
        for (var plan : plans.values()) {
            assertEquals(List.of(at("d2")), plan.pulls());
            assertEquals(Map.of(at("d2"), worker), Pins.pulledAs(plan));
            assertEquals(Map.of(at("d2"), worker), plan.tagged());
            assertEquals(new Docker.Image(worker, "", at("d2")), Pins.wanted(plan).get("training-worker-1"));
        }
    }

    @Test
    void the_first_answer_decides_when_a_tag_is_pushed_meanwhile() {
        var plans = pinned(plan("B", "", ""), answer("d2", "sha256:2", "linux/amd64"), plan("gpu", "", ""),
                answer("d3", "sha256:3", "linux/amd64"));
        for (var plan : plans.values()) assertEquals(List.of(at("d2")), plan.pulls());
        // another platform has a different image
        plans = pinned(plan("B", "", ""), answer("d2", "sha256:2", "linux/amd64"), plan("gpu", "", ""),
                answer("d3", "sha256:3", "linux/arm64"));
        assertEquals(List.of(at("d3")), plans.get(inventory.node("gpu")).pulls());
    }

    @Test
    void a_node_that_has_that_very_image_pulls_nothing() {
        var answer = answer("d2", "sha256:2", "linux/amd64");
        for (var there : List.of(plan("B", "sha256:2", ""), plan("B", "sha256:9", "d2"))) {
            var plan = pinned(there, answer, plan("gpu", "", ""), answer).get(inventory.node("B"));
            assertEquals(List.of(List.of(), Map.of()), List.of(plan.pulls(), plan.tagged()));
            assertEquals(there.facts().images().get(worker), Pins.wanted(plan).get("backtest-worker-1").id());
        }
    }

    /** A rollback already names its image by digest. */
    @Test
    void an_image_of_the_history_is_not_asked_for_by_its_tag() {
        var stack = Stack.of(inventory, inventory.node("gpu"));
        var image = new Docker.Image(worker, "sha256:1", at("d1"));
        var plan = NodePlan.plan(stack, new Revision("sha-2", List.of(), Map.of("training-worker-1", image)),
                List.of("training-worker-1"), plan("gpu", "sha256:2", "d2").facts());
        assertEquals(Set.of(), Pins.open(List.of(plan)));
        assertEquals(List.of(at("d1")), Pins.asked(plan, Set.of(worker)));
        assertEquals(Map.of(at("d1"), ""), Pins.pulledAs(plan));
    }
}
