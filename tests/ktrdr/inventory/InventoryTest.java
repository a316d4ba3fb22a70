package ktrdr.inventory;

import static ktrdr.inventory.Mistakes.mistake;
import static ktrdr.inventory.Mistakes.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.backup.BackupFolder;
import ktrdr.inventory.Running.Limit;
import ktrdr.release.Stack;
import ktrdr.share.NfsFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InventoryTest {
    @Test
    void the_inventory_at_the_top_describes_the_plans_topology() {
        var inventory = Inventory.read(ktrdr.Project.root().resolve("inventory.yaml"));
        assertEquals(List.of("core", "workers-b", "workers-c"),
                inventory.nodes().stream().map(Inventory.Node::name).toList());
        assertEquals(8, inventory.workers().stream().mapToInt(node -> inventory.workersOf(node).size()).sum());
        assertEquals("http://grafana.ktrdr.home.mynerd.place:3000", inventory.url(Part.GRAFANA));
    }

    @Test
    void backups_are_kept_by_number_and_by_days_where_that_is_said() {
        assertEquals(new BackupSettings("/srv/ktrdr-shared/db-backups", 30, 0, false, Optional.empty()),
                Fixtures.inventory().backup());
        var said = Inventory.read(
                Fixtures.file(Fixtures.INVENTORY
                        + "backup: {directory: /b, keep: 7, days: 90, before_deploy: true}\n"));
        assertEquals(new BackupSettings("/b", 7, 90, true, Optional.empty()), said.backup());
        for (var time : Map.of("daily", "02:00", "\"13:45\"", "13:45", "02:30", "02:30", "12:30", "12:30").entrySet())
            assertEquals(Optional.of(time.getValue()),
                    Fixtures.inventory(Fixtures.INVENTORY + "backup: {schedule: " + time.getKey() + "}\n").backup()
                            .schedule(), time.getKey());
        assertTrue(mistake(Fixtures.INVENTORY + "backup: {schedule: weekly}\n")
                .contains("backup.schedule: expected daily, or a time of day such as 02:00, found weekly"));
        assertEquals(new BackupFolder.Retention(7, 90), BackupFolder.Retention.of(said));
        assertTrue(mistake(Fixtures.INVENTORY + "backup: {days: -1}\n")
                .contains("backup.days: expected a whole number from 0 to 36500, found -1"));
    }

    @Test
    void the_environment_is_one_that_ktrdr_takes() {
        assertEquals("staging", Fixtures.inventory().environment());
        for (var environment : Inventory.ENVIRONMENTS) assertEquals(environment,
                Fixtures.inventory(Fixtures.INVENTORY + "environment: " + environment + "\n").environment());
        assertTrue(mistake(Fixtures.INVENTORY + "environment: preprod\n")
                .contains("environment: expected development or staging or production"),
                mistake(Fixtures.INVENTORY + "environment: preprod\n"));
    }

    @Test
    void workers_have_an_image_of_their_own() {
        assertEquals("registry.test:5000/ktrdr-worker-cpu", Fixtures.inventory().images().worker());
        var said = "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend";
        assertEquals("registry.test:5000/ktrdr-backend",
                Fixtures.inventory(Fixtures.INVENTORY.replace(said,
                        said + ", worker: registry.test:5000/ktrdr-backend")).images().worker());
        // an image with a custom name serves both backend and workers
        assertEquals("registry.test:5000/mine",
                Fixtures.inventory(Fixtures.INVENTORY.replace(said, said.replace("ktrdr-backend", "mine"))).images()
                        .worker());
    }

    @Test
    void a_node_has_the_limits_of_all_but_for_what_it_says_itself() {
        assertEquals(new Running(new Limit(1, 3L << 30), new Limit(2, 5L << 30), Optional.empty(), false, false),
                Fixtures.inventory().node("B").running());
        var said = Fixtures.inventory(with("training: 1}", "training: 1}, limits: {training: {cpus: 0.5}}")
                + "limits: {training: {cpus: 4, memory: 8GB}, backtest: {memory: 1GiB}}\n");
        assertEquals(new Running(new Limit(1, 1L << 30), new Limit(4, 8_000_000_000L), Optional.empty(), false, false),
                said.node("B").running());
        assertEquals(new Running(new Limit(1, 1L << 30), new Limit(0.5, 8_000_000_000L), Optional.empty(), false,
                false), said.node("G").running());
    }

    @Test
    void a_node_may_run_workers_without_apparmor_or_with_own_image() {
        var said = Fixtures.inventory(
                with("training: 1}", "training: 1}, image: registry.test:5000/ktrdr-worker-gpu, apparmor: default")
                        + "apparmor: unconfined\n");
        assertTrue(said.node("B").running().unconfined());
        assertFalse(said.node("G").running().unconfined());
        assertEquals("{training-worker-1=registry.test:5000/ktrdr-worker-gpu:sha-1}",
                Stack.of(said, said.node("G")).images(List.of("training-worker-1"), "sha-1").toString());
        assertEquals("{training-worker-1=registry.test:5000/ktrdr-worker-cpu:sha-1}",
                Stack.of(said, said.node("B")).images(List.of("training-worker-1"), "sha-1").toString());
    }

    @Test
    void the_brokers_host_service_is_an_address() {
        assertEquals(Optional.empty(), Fixtures.inventory().broker());
        assertEquals(Optional.of("http://10.0.0.9:5001"),
                Fixtures.inventory(Fixtures.INVENTORY + "broker: http://10.0.0.9:5001\n").broker());
        for (var wrong : List.of("10.0.0.9:5001", "ftp://10.0.0.9", "http://10.0.0.9:5001/x"))
            assertTrue(mistake(Fixtures.INVENTORY + "broker: \"" + wrong + "\"\n")
                    .contains("broker: expected an http or https address without user and path"), wrong);
    }

    @Test
    void jaeger_is_one_that_can_be_told_how_many_traces_it_keeps() {
        assertEquals(20_000, Fixtures.inventory().tracing().traces());
        assertTrue(Fixtures.inventory().images().jaeger().startsWith("jaegertracing/jaeger:2."));
        for (var old : List.of("jaegertracing/all-in-one:1.53", "mirror:5000/jaeger-all-in-one:1.60"))
            assertEquals("7:18  images.jaeger: expected Jaeger 2, such as jaegertracing/jaeger:2.6.0, since Jaeger 1 "
                    + "takes other options and has reached its end of life, found " + old,
                    mistake(with("{registry: r", "{jaeger: \"" + old + "\", registry: r")));
    }

    @Test
    void workers_have_the_fixed_ports_of_ktrdr() {
        var inventory = Fixtures.inventory();
        var node = inventory.node("B").withScale(3);
        assertEquals(List.of("backtest-worker-1 5003 ", "backtest-worker-2 5004 scale-2",
                "backtest-worker-3 5007 scale-3",
                "training-worker-1 5005 ", "training-worker-2 5006 scale-2", "training-worker-3 5008 scale-3"),
                inventory.workersOf(node).stream()
                        .map(worker -> worker.name() + " " + worker.port() + " " + worker.profile()).toList());
        assertEquals(List.of("http://gpu-1.ktrdr.test:5005"),
                inventory.workersOf(inventory.node("G")).stream().map(Inventory.Worker::endpointUrl).toList());
        assertEquals(List.of(), inventory.workersOf(inventory.core()));
    }

    @Test
    void a_gpu_node_runs_only_one_training_worker_by_default() {
        var inventory = Fixtures.inventory(with("workers: {backtest: 0, training: 1}", "gpu: true"));
        var node = inventory.node("G");
        assertEquals("[Worker[name=training-worker-gpu, type=training, port=5005, profile=gpu, "
                + "endpointUrl=http://gpu-1.ktrdr.test:5005]]", inventory.workersOf(node).toString());
        assertEquals(inventory.workersOf(node), inventory.workersOf(node.withScale(3)), "no scale gives it more");
        assertEquals("gpu", node.given().orElseThrow().key());
        var both = Fixtures.inventory(with("workers: {backtest: 0, training: 1}", "gpu: true, workers: {backtest: 2}"));
        assertEquals(List.of("backtest-worker-1", "backtest-worker-2", "training-worker-gpu"),
                Stack.of(both, both.node("G")).services());
        // workers of an earlier inventory are recognised too
        assertEquals(Set.of("training-worker-1", "training-worker-2", "training-worker-3", "training-worker-gpu"),
                inventory.workersOf(node.full()).stream().filter(worker -> worker.type().equals("training"))
                        .map(Inventory.Worker::name).collect(Collectors.toSet()));
        assertEquals(7, inventory.workersOf(inventory.node("B").full()).size());
    }

    @Test
    void a_node_with_a_gpu_has_the_image_for_it() {
        var gpu = with("workers: {backtest: 0, training: 1}", "gpu: true");
        var image = Map.of("", "registry.test:5000/ktrdr-worker-gpu", ", worker: registry.test:5000/mine",
                "registry.test:5000/mine", ", worker_gpu: other/cuda", "other/cuda");
        image.forEach((said, expected) -> {
            var inventory = Fixtures.inventory(gpu.replace("registry.test:5000/ktrdr-backend}",
                    "registry.test:5000/ktrdr-backend" + said + "}"));
            assertEquals(Map.of("training-worker-gpu", expected + ":sha-1"),
                    Stack.of(inventory, inventory.node("G")).images(List.of("training-worker-gpu"), "sha-1"));
            assertFalse(inventory.workerImage(inventory.node("B")).endsWith("gpu"));
        });
        assertEquals("own/image", Fixtures.inventory(gpu.replace("gpu: true", "gpu: true, image: own/image"))
                .workerImage(Fixtures.inventory(gpu.replace("gpu: true", "gpu: true, image: own/image")).node("G")));
    }

    @Test
    void scaling_adds_no_workers_of_a_type_the_node_does_not_run() {
        var inventory = Fixtures.inventory();
        assertEquals(List.of("training-worker-1", "training-worker-2"),
                inventory.workersOf(inventory.node("G").withScale(2)).stream().map(Inventory.Worker::name).toList());
    }

    @Test
    void a_node_may_mount_the_share_with_options_of_its_own() {
        var inventory = Fixtures.inventory(with("workers: {backtest: 0, training: 1}",
                "workers: {backtest: 0, training: 1}, storage: {options: vers=4.2}"));
        assertEquals("vers=4.2", NfsFiles.options(inventory, inventory.node("G")));
        assertEquals("vers=3,hard,proto=tcp", NfsFiles.options(inventory, inventory.node("B")));
    }

    @Test
    void ports_are_bound_where_others_reach_the_node_and_nowhere_else() {
        assertEquals(Optional.of("10.0.0.11"),
                Fixtures.inventory(with("address: 10.0.0.11", "address: 10.0.0.11, bind: 10.0.0.11")).node("B").bind());
        assertEquals("5:80  nodes.workers-b.bind: expected the `address` of the node, without an interface, since "
                + "that is where others reach it: 10.0.0.11, found 127.0.0.1",
                mistake(with("address: 10.0.0.11", "address: 10.0.0.11, bind: 127.0.0.1")));
        assertTrue(mistake(with("address: 10.0.0.11", "address: fe80::1%eth0, bind: fe80::1%eth0"))
                .contains("without an interface"));
    }

    @Test
    void the_firewall_is_off_by_default_and_allows_hosts_and_networks() {
        assertEquals(Optional.empty(), Fixtures.inventory().firewall());
        assertEquals(List.of(), Fixtures.inventory(Fixtures.INVENTORY + "firewall: {}\n").firewall().orElseThrow()
                .allow());
        var allow = List.of("10.0.5.7", "192.168.7.0/24", "0.0.0.0/0", "fd00::1", "fd00::/64");
        assertEquals(allow,
                Fixtures.inventory(Fixtures.INVENTORY
                        + "firewall: {allow: [10.0.5.7, 192.168.7.0/24, 0.0.0.0/0, \"fd00::1\", \"fd00::/64\"]}\n")
                        .firewall().orElseThrow().allow());
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.1/33", "10.0.0.0/", "10.0.0", "desk.example.org", "10.0.0.1/24/8", "fd00::/129",
            "fe80::1%eth0", "10.0.0.1 -j ACCEPT", "-i", "!10.0.0.1"})
    void what_is_neither_address_nor_network_is_let_in_by_no_rule(String text) {
        assertTrue(mistake(Fixtures.INVENTORY + "firewall: {allow: [\"" + text + "\"]}\n")
                .contains("firewall.allow: expected addresses and networks of IPv4 or IPv6, such as 10.0.0.0/24, found "
                        + text));
    }

    @Test
    void rules_are_of_addresses_so_each_node_has_to_have_one() {
        var dns = Fixtures.INVENTORY.replace("resolve: inventory", "resolve: dns").replace("address: 10.0.0.12, ", "");
        assertEquals(3, Fixtures.inventory(dns).nodes().size());
        assertTrue(mistake(dns + "firewall: {}\n").contains("nodes.gpu.address: is missing, and `firewall` needs it"));
        assertTrue(mistake(with("address: 10.0.0.12", "address: fe80::1%eth0") + "firewall: {}\n")
                .contains("nodes.gpu.address: expected one without an interface, which `firewall` needs, found "
                        + "fe80::1%eth0"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"B", "b", "workers-b", "workers-b.ktrdr.test"})
    void a_node_has_many_names(String name) {
        assertEquals("workers-b", Fixtures.inventory().node(name).name());
    }

    @Test
    void the_inventory_is_looked_for_here_and_above_then_at_home(@TempDir Path folder) throws IOException {
        var below = Files.createDirectories(folder.resolve("a/b"));
        var home = Files.createDirectories(folder.resolve("home/ktrdr"));
        var environment = Map.of("XDG_CONFIG_HOME", folder.resolve("home").toString(), "HOME", "/nowhere");
        var missing = assertThrows(Problem.class, () -> Inventory.find(Optional.empty(), environment, below));
        assertTrue(missing.details().get("found").contains(home.resolve("inventory.yaml").toString()));

        Files.writeString(home.resolve("inventory.yaml"), Fixtures.INVENTORY);
        assertEquals(home.resolve("inventory.yaml"), Inventory.find(Optional.empty(), environment, below).source());
        Files.writeString(folder.resolve("inventory.yaml"), Fixtures.INVENTORY);
        assertEquals(folder.resolve("inventory.yaml"), Inventory.find(Optional.empty(), environment, below).source());
        var named = Map.of("KTRDR_INVENTORY", home.resolve("inventory.yaml").toString());
        assertEquals(home.resolve("inventory.yaml"), Inventory.find(Optional.empty(), named, below).source());
        assertEquals(folder.resolve("inventory.yaml"),
                Inventory.find(Optional.of(folder.resolve("inventory.yaml")), named, below).source());
    }
}
