package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DeploymentTest {
    private final Inventory inventory = Fixtures.inventory();

    private NodeFacts facts(Map<String, String> files, Map<String, String> images, List<Docker.Container> containers) {
        return new NodeFacts("root", "26.1.5", "", "2.26.1", 50_000_000_000L, true, true, files, images, containers);
    }

    private Deployment plan(String node, List<String> services, NodeFacts facts) {
        var stack = Stack.of(inventory, inventory.node(node));
        return Deployment.plan(inventory, stack, "sha-2", stack.services(services), facts);
    }

    private static Docker.Container container(String service) {
        return new Docker.Container("id-" + service, service, service, "image", "sha256:1", "running", "healthy", 0, 0, "");
    }

    private Map<String, String> filesOf(String node, String tag) {
        var files = new HashMap<String, String>();
        new Templates(inventory).render(inventory.node(node), tag).forEach(file -> files.put(file.path(), file.content()));
        return files;
    }

    @Test
    void an_empty_node_gets_all_images_and_files() {
        var plan = plan("core", List.of(), facts(Map.of(), Map.of(), List.of()));
        assertEquals(5, plan.pulls().size());
        assertTrue(plan.pulls().contains("registry.test:5000/ktrdr-backend:sha-2"));
        assertEquals(plan.files(), plan.changed());
        assertTrue(plan.whole());
    }

    @Test
    void a_new_tag_changes_the_env_file_alone() {
        var images = Map.of(inventory.images().db(), "1", inventory.images().prometheus(), "1", inventory.images().grafana(), "1", inventory.images().jaeger(), "1");
        var plan = plan("core", List.of(), facts(filesOf("core", "sha-1"), images, List.of()));
        assertEquals(List.of("registry.test:5000/ktrdr-backend:sha-2"), plan.pulls());
        assertEquals(List.of(".env.core"), plan.changed().stream().map(Templates.NodeFile::path).toList());
        assertEquals("sha-1", plan.before());
        assertTrue(plan.diff().containsAll(List.of("-IMAGE_TAG=sha-1", "+IMAGE_TAG=sha-2")));
    }

    @Test
    void one_service_is_deployed_without_what_it_depends_on() {
        var script = plan("core", List.of("backend"), facts(Map.of(), Map.of(), List.of())).applyScript(secrets());
        assertTrue(script.contains("up -d --no-deps 'backend'"), script);
    }

    @Test
    void workers_beyond_the_scale_are_removed() {
        var plan = plan("B", List.of(), facts(Map.of(), Map.of(), List.of(container("backtest-worker-1"), container("backtest-worker-3"))));
        assertEquals(List.of("backtest-worker-3"), plan.retired());
    }

    @Test
    void a_changed_prometheus_configuration_is_reloaded_unless_the_container_is_new() {
        var files = filesOf("core", "sha-2");
        files.put("monitoring/prometheus.yml", "old");
        var plan = plan("core", List.of(), facts(files, Map.of(), List.of()));
        assertEquals(List.of("prometheus"), plan.reloads(Set.of("backend")));
        assertEquals(List.of(), plan.reloads(Set.of("prometheus")));
    }

    @Test
    void what_stands_in_the_way_is_told_before_anything_is_touched() {
        var noDocker = new NodeFacts("root", "", "Cannot connect", "", 0, false, false, Map.of(), Map.of(), List.of());
        assertEquals("core: the Docker Engine does not answer", plan("core", List.of(), noDocker).obstacles().get(0).sentence());
        var poor = new NodeFacts("root", "26.1", "", "1.29.2", 1_000_000_000L, true, false, Map.of(), Map.of(), List.of());
        assertEquals(List.of("core: Compose is missing or too old", "core: too little disk is free for Docker", "core: the share is not there"),
                plan("core", List.of(), poor).obstacles().stream().map(Problem::sentence).toList());
    }

    @Test
    void all_files_are_written_beside_before_the_first_is_replaced() {
        var script = plan("core", List.of(), facts(Map.of(), Map.of(), List.of())).applyScript(secrets());
        assertTrue(script.lastIndexOf("printf %s") < script.indexOf("config -q") && script.indexOf("config -q") < script.indexOf("mv -f"));
    }

    private Secrets secrets() {
        var environment = new HashMap<String, String>();
        for (var field : Secrets.Field.values()) environment.put("KTRDR_SECRET_" + field.name().toUpperCase(), "value-of-" + field);
        var env = Fixtures.inventory(Fixtures.INVENTORY + "secrets: {provider: env}\n");
        return Secrets.fetch(env, Set.of(Secrets.Field.values()), environment, new Console(Console.Color.never, false));
    }
}
