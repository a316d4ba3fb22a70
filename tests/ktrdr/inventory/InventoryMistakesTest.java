package ktrdr.inventory;

import static ktrdr.inventory.Mistakes.mistake;
import static ktrdr.inventory.Mistakes.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors in an inventory name their location; valid values are accepted. */
class InventoryMistakesTest {
    @Test
    void an_unknown_node_is_told_with_the_nearest() {
        var problem = assertThrows(Problem.class, () -> Fixtures.inventory().node("worker-b"));
        assertEquals("worker-b; did you mean workers-b?", problem.details().get("found"));
        assertEquals("A (core), B (workers-b), G (gpu)", problem.details().get("expected"));
    }

    @Test
    void a_mistyped_key_is_told_with_its_place_and_the_nearest() {
        assertEquals("5:74  nodes.workers-b.disk_fre: unknown key, did you mean disk_free? Allowed: address, aliases, "
                + "apparmor, bind, cpus, directory, disk_free, "
                + "gpu, host, host_key, id, image, limits, memory, profiles, role, scale, ssh, storage, variables, "
                + "workers",
                mistake(with("workers-b, address: 10.0.0.11, disk_free", "workers-b, address: 10.0.0.11, disk_fre")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            scale: 2                  | scale: 4                      | 5:97  nodes.workers-b.scale: expected a whole \
            number from 1 to 3, found 4
            scale: 2                  | scale: two                    | 5:97  nodes.workers-b.scale: expected a whole \
            number from 1 to 3, found two
            id: B                     | id: A                         | 5:19  nodes.workers-b.id: A is taken by core
            host: workers-b           | host: grafana                 | 5:43  nodes.workers-b.host: grafana is taken \
            by core
            10.0.0.11                 | 10.0.0.10                     | 5:63  nodes.workers-b.address: 10.0.0.10 is \
            taken by core
            10.0.0.11                 | 10.0.0.256                    | 5:63  nodes.workers-b.address: expected an \
            IPv4 or IPv6 address, found 10.0.0.256
            host: workers-b           | host: "x; reboot"             | 5:43  nodes.workers-b.host: expected a host \
            name of letters, digits and hyphens, found x; reboot
            role: workers, host: w    | role: core, host: w           | 4:3  nodes: expected one node with \
            role core, found 2: core, workers-b
            domain: ktrdr.test        | domain: "-x"                  | 1:9  domain: expected a domain such as \
            ktrdr.home.mynerd.place, found -x
            resolve: inventory        | resolve: dsn                  | 2:10  resolve: expected dns or inventory, \
            found dsn
            training: 1               | training: 4                   | 6:113  nodes.gpu.workers.training: expected a \
            whole number from 0 to 3, found 4
            training: 1}              | training: 1}, storage: {options: "a b"} | 6:136  nodes.gpu.storage.options: \
            expected mount options with commas between, found a b
            training: 1}              | training: 1}, limits: {training: {cpus: 0.0}}     | 6:143  \
            nodes.gpu.limits.training.cpus: expected a number of processors such as 2 or 0.5, found 0.0
            training: 1}              | training: 1}, limits: {training: {memory: 1MB}}   | 6:145  \
            nodes.gpu.limits.training.memory: expected at least 64 MB, found 1.0 MB
            training: 1}              | training: 1}, limits: {trainings: {cpus: 1}}      | 6:126  \
            nodes.gpu.limits.trainings: unknown key, did you mean training? Allowed: backtest, training
            training: 1}              | training: 2}, gpu: true       | 6:113  nodes.gpu.workers.training: a node \
            with a GPU has one training worker, expected 1, found 2
            training: 1}              | training: 0}, gpu: true       | 6:113  nodes.gpu.workers.training: a node \
            with a GPU has one training worker, expected 1, found 0
            training: 1}              | training: 1}, gpu: yes        | 6:122  nodes.gpu.gpu: expected true or false, \
            found yes
            scale: 2                  | scale: 1, gpu: true           | 5:97  nodes.workers-b.scale: a node with a \
            GPU has one training worker, so it has no scale; backtest workers as well: `workers: {backtest: 1, \
            training: 1}`
            disk_free: 2GB, aliases   | gpu: true, aliases            | 4:69  nodes.core.gpu: core runs no workers
            disk_free: 2GB, aliases   | limits: {backtest: {cpus: 1}}, aliases            | 4:72  nodes.core.limits: \
            core runs no workers
            disk_free: 2GB, aliases   | image: x/y, aliases               | 4:71  nodes.core.image: core runs no workers
            training: 1}              | training: 1}, apparmor: off       | 6:127  nodes.gpu.apparmor: expected \
            default or unconfined, found off
            training: 1}              | training: 1}, image: "a/b:c"      | 6:124  nodes.gpu.image: expected an image \
            without a tag, such as ghcr.io/kpiteira/ktrdr-backend (--tag sets the tag), found a/b:c
            disk_free: 2GB, aliases   | storage: {options: rw}, aliases | 4:73  nodes.core.storage: this node exports \
            the share and mounts nothing
            training: 1}              | training: 1}, storage: {from: nas} | 6:133  nodes.gpu.storage.from: expected \
            nfs or host, found nas
            training: 1}              | training: 1}, storage: {from: host, options: rw} | 6:126  nodes.gpu.storage: \
            this node has the share from its host and mounts nothing
            training: 1}              | training: 1}, storage: {mount: /mnt/x}  | 6:127  nodes.gpu.storage.mount: \
            unknown key. Allowed: from, options
            {registry: r              | {db: "postgres:latest", registry: r | 7:14  images.db: expected an image with \
            a fixed tag or digest, such as prom/prometheus:v2.53.0 (latest would change by itself), found \
            postgres:latest
            /ktrdr-backend            | /ktrdr-backend:v1             | 7:49  images.backend: expected an image \
            without a tag, such as ghcr.io/kpiteira/ktrdr-backend (--tag sets the tag), found \
            registry.test:5000/ktrdr-backend:v1
            """)
    void a_wrong_value_is_told_with_its_place(String before, String after, String expected) {
        var yaml = before.startsWith("role: workers, host: w") ? with(before, after).replace(", scale: 2", "")
                : with(before, after);
        assertEquals(expected, mistake(yaml));
    }

    @Test
    void every_mistake_is_told_in_one_run() {
        var file = Fixtures.file("nodes: {x: {role: workers, scale: 9}}\n");
        var problem = assertThrows(Problem.class, () -> Inventory.read(file));
        assertEquals(file + " is not a valid inventory: 4 mistakes", problem.sentence());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            'a: 1\na: 2'            | :2:1  the key a is repeated here
            'a: &x 1\nb: *x'        | :2:4  an alias (*x) is used here
            'a: 1\n---\nb: 1'       | a second document starts here
            '\ta: 1'                | this is not YAML
            'a: [1, 2'              | this is not YAML
            '- 1'                   | this is not a mapping
            ''                      | is empty
            """)
    void what_is_not_plain_yaml_is_one_sentence(String yaml, String expected) {
        var file = Fixtures.file(yaml.replace("\\n", "\n").replace("\\t", "\t"));
        var problem = assertThrows(Problem.class, () -> Inventory.read(file));
        assertTrue(problem.sentence().contains(expected), problem.sentence());
        assertTrue(problem.sentence().contains(file.toString()), problem.sentence());
    }

    @Test
    void bytes_that_are_no_text_are_one_sentence(@TempDir Path folder) throws IOException {
        var file = Files.write(folder.resolve("inventory.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        assertEquals(file + ":1:1  this is not UTF-8", assertThrows(Problem.class, () -> Inventory.read(file))
                .sentence());
    }

    @Test
    void refuses_paths_that_lead_elsewhere_and_words_that_are_options() {
        for (var folder : List.of("..", ".",
                "-rf")) assertTrue(mistake(Fixtures.INVENTORY + "storage: {folders: ['" + folder + "']}\n")
                        .contains("storage.folders: expected letters, digits"), folder);
        for (var path : List.of("/srv/../etc", "/srv/.", "/..",
                "/./a")) assertTrue(mistake(Fixtures.INVENTORY + "storage: {export: " + path + "}\n")
                        .contains("storage.export: expected an absolute path"), path);
        assertEquals("/srv/..a/.b/-c", Fixtures.inventory(Fixtures.INVENTORY + "storage: {export: /srv/..a/.b/-c}\n")
                .storage().export());
        assertTrue(mistake(Fixtures.INVENTORY + "secrets: {item: --help}\n")
                .contains("secrets.item: expected text on one line, without '-' in front"));
        assertTrue(mistake(Fixtures.INVENTORY
                + "alerts: {mail: {to: a@b, from: a@b, smarthost: 'm:25', user: \"a\\eb\"}}\n")
                .contains("alerts.mail.user: expected a user without"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"08.0.0.1", "1.2.3.04", "256.1.1.1", "1:2", ":::", "1::2::3", ":1::2", "1::2:",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "1::2:3:4:5:6:7:8"})
    void what_is_no_address_is_refused(String address) {
        assertTrue(mistake(with("address: 10.0.0.11", "address: '" + address + "'"))
                .contains("nodes.workers-b.address: expected an IPv4 or IPv6 address"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "10.42.1.100", "255.255.255.255", "::", "::1", "1::", "2001:db8::1",
            "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "fe80::1%eth0", "FD00:0:0:1::A"})
    void an_address_of_either_kind_is_one(String address) {
        assertEquals(Optional.of(address), Fixtures.inventory(with("address: 10.0.0.11", "address: '" + address + "'"))
                .node("B").address());
    }

    @Test
    void a_word_that_may_mean_two_nodes_or_something_else_is_refused() {
        assertTrue(mistake(with("id: G,", "id: workers-b,")).endsWith("nodes.gpu: workers-b means workers-b too"));
        assertTrue(mistake(with("host: gpu-1", "host: b")).endsWith("nodes.gpu: b means workers-b too"));
        for (var word : List.of("all", "Workers")) assertTrue(mistake(with("gpu: {id: G", word + ": {id: G"))
                .endsWith("nodes." + word + ": " + word + " is reserved for commands"), word);
        assertTrue(mistake(with("  core:", "  main:").replace("gpu: {id", "core: {id"))
                .endsWith("nodes.core: core is reserved for commands"));
        assertTrue(mistake(with("gpu: {id: G", "\"null\": {id: G"))
                .endsWith("nodes.null: null is not a valid name in YAML"));
        for (var job : List.of("prometheus", "node")) assertTrue(mistake(with("gpu: {id: G", job + ": {id: G"))
                .endsWith("nodes." + job + ": prometheus.yml has a job " + job + " that is not of this node"), job);
    }

    @Test
    void a_name_that_dns_has_no_room_for_is_refused() {
        // backend and workers-b fit, a longer name than gpu-1 does not
        var domain = ("a".repeat(47) + ".").repeat(5) + "abc";
        var yaml = with("domain: ktrdr.test", "domain: " + domain);
        assertEquals(253, Fixtures.inventory(yaml).fqdn(Fixtures.inventory(yaml).node("B")).length());
        assertTrue(mistake(yaml.replace("gpu-1", "gpu-123456"))
                .endsWith("nodes.gpu: gpu-123456 with the domain is longer than 253 characters"));
    }
}
