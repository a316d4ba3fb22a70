package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.inventory.Inventory;
import ktrdr.release.Templates.NodeFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The services of a stack are those of its Compose file, and what is wrong with one is told with its place. */
class ComposeFileTest {
    private static final String STACK = """
            name: shop
            x-all: &all
              restart: unless-stopped
              profiles: [web, more]
            services:
              web:
                <<: *all
                image: shop.test/web:${IMAGE_TAG:?missing}
                container_name: ${PREFIX-shop}-web
                ports: ["${BIND:+${BIND-}:}${WEB_PORT:-8080}:80", "9443:443/tcp", "53:53/udp"]
                depends_on: [migrate, db]
                x-ktrdr: {proof: {http: /health, port: 80, field: state.is, is: up}}
              db:
                image: ${DB}
                ports: [{target: 5432, published: "${DB_PORT}"}, "6000-6001:6000-6001"]
                x-ktrdr: {proof: {tcp: 5432}}
              migrate:
                image: shop.test/web:1
                depends_on: {db: {condition: service_healthy}}
                x-ktrdr: {once: 30m, release: true}
            """;

    private static ComposeFile read(String text, String... env) {
        return read(List.of(text), env);
    }

    /** Files on top of each other. */
    private static ComposeFile read(List<String> texts, String... env) {
        var files = IntStream.range(0, texts.size()).mapToObj(i -> new NodeFile(i == 0 ? "compose.yml"
                : "compose.override.yml", texts.get(i), "644")).toList();
        return ComposeFile.read(files, String.join("\n", env) + "\n", "shop");
    }

    private static String wrong(String text) {
        var problem = assertThrows(Problem.class, () -> read(text));
        return problem.sentence() + " | " + problem.expected();
    }

    @Test
    void reads_services_with_their_values_filled_in() {
        var file = read(STACK, "IMAGE_TAG=sha-1", "DB=postgres:17", "DB_PORT=5433", "COMPOSE_PROFILES=more");
        assertEquals("shop", file.project());
        assertEquals(List.of("web", "db", "migrate"), file.active());
        var web = file.service("web").orElseThrow();
        assertEquals("shop.test/web:sha-1", web.image());
        assertEquals("shop-web", web.container());
        assertEquals(Map.of(80, 8080, 443, 9443), web.ports());
        assertEquals(List.of("migrate", "db"), web.after());
        assertEquals(ServiceProof.http("/health", 8080, "state.is", Optional.of("up")), web.proof().orElseThrow());
        assertEquals("shop-db-1", file.service("db").orElseThrow().container());
        assertEquals(ServiceProof.tcp(5433), file.service("db").get().proof().orElseThrow());
        assertEquals(List.of("db", "migrate"), read(STACK, "DB_PORT=1").active(), "no profile is on");
    }

    @Test
    void a_part_is_one_that_is_known_and_of_one_service() {
        assertTrue(service("x-ktrdr: {part: db}").startsWith("services.a.x-ktrdr.part is db | one of backend, "));
        assertTrue(wrong("""
                name: shop
                services:
                  a: {image: b, x-ktrdr: {part: grafana}}
                  c: {image: b, x-ktrdr: {part: grafana}}
                """).startsWith("compose.yml: a, c all have the part grafana"));
    }

    @Test
    void a_service_in_its_hosts_network_is_asked_at_its_own_port() {
        assertEquals(Optional.of(ServiceProof.tcp(9)), read("name: a\nservices: {b: {image: c, network_mode: host, "
                + "x-ktrdr: {proof: {tcp: 9}}}}\n").service("b").orElseThrow().proof());
    }

    @Test
    void what_a_service_reads_and_how_it_reads_it_again() {
        var fleet = Fixtures.inventory();
        var core = Stack.of(fleet, fleet.core());
        assertEquals(Map.of("prometheus", List.of("monitoring/prometheus.yml", "monitoring/rules/"), "grafana",
                List.of("monitoring/grafana/")), core.file().readers());
        assertEquals(Map.of("prometheus", "ktrdr-prometheus", "grafana", "ktrdr-grafana"), core.file().reading());
        assertEquals(Optional.of("HUP"), core.file().signal("prometheus"));
        assertEquals(Optional.empty(), core.file().signal("grafana"));
        assertEquals(Map.of(), Stack.of(fleet, fleet.node("B")).file().readers());
    }

    @Test
    void a_release_from_before_that_was_said_reads_what_it_read_then() {
        var fleet = Fixtures.inventory();
        var then = new Templates(fleet).render(fleet.core(), "sha-1").stream().map(file -> new Templates.NodeFile(
                file.path(), file.content().replaceAll("(?m)^    x-ktrdr: .*\n", ""), "644")).toList();
        var core = Stack.of(fleet, fleet.core());
        assertEquals(core.file().readers(), core.at(then).file().readers());
        assertEquals(Optional.of("HUP"), core.at(then).file().signal("prometheus"));
    }

    @Test
    void the_release_is_followed_by_what_names_its_tag_or_says_so() {
        var file = read(STACK, "DB_PORT=1");
        assertTrue(file.service("web").orElseThrow().released());
        assertTrue(file.service("migrate").orElseThrow().released());
        assertFalse(file.service("db").orElseThrow().released());
    }

    @Test
    void what_runs_once_comes_after_what_it_needs() {
        var file = read(STACK + """
              seed:
                image: shop.test/web:1
                depends_on: [migrate]
                x-ktrdr: {once: true}
            """.indent(0), "DB_PORT=1");
        assertEquals(List.of("migrate", "seed"), file.once());
        assertEquals(List.of("db"), file.before("seed"));
        assertEquals(Optional.of(Duration.ofMinutes(30)), file.service("migrate").orElseThrow().once());
        assertEquals("""
                services:
                  "web": {depends_on: {"migrate": !reset null}}
                  "migrate": {depends_on: !reset null}
                  "seed": {depends_on: !reset null}
                """, file.alone());
        assertEquals("", read("name: a\nservices: {b: {image: c}}\n").alone());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"$A-${A}-$$A|x-x-$A", "${B:-b}${B-b}${E:-e}${E-e}|bbe", "${A:+y}${B:+y}|y",
            "${E+y}${E:+n}|y", "${A:?no}${B:?no}|x", "${B:-${C:-deep}}|deep", "${B:-a}}|a}", "cost $5 ${|cost $5 ${"})
    void variables_are_filled_in_as_compose_does(String text, String filled) {
        assertEquals(filled, ComposeVariables.fill(text, Map.of("A", "x", "E", "")));
    }

    @Test
    void a_scalar_stays_as_it_is_written() {
        var file = read("name: a\nservices: {b: {image: c, ports: [2222:22, 8000:80], container_name: on}}\n");
        assertEquals(Map.of(22, 2222, 80, 8000), file.service("b").orElseThrow().ports());
        assertEquals("on", file.service("b").orElseThrow().container());
    }

    @Test
    void what_is_wrong_is_told_with_its_place() {
        assertEquals("compose.yml:2:1  this is not YAML", wrong("services: {a: {image: b}\n").split(" \\| ")[0]);
        assertTrue(wrong("name: -a\nservices: {a: {image: b}}\n").startsWith("compose.yml: the project is called -a"));
        assertTrue(wrong("name: a\n").startsWith("compose.yml: there are no services"));
        assertTrue(wrong("name: a\ninclude: [b.yml]\nservices: {a: {image: b}}\n").contains("does not read `include`"));
        assertTrue(service("extends: {service: b}").startsWith("services.a.extends is not read"));
        assertTrue(service("build: .").startsWith("services.a.image is missing"));
        assertTrue(service("x-ktrdr: {onec: true}").contains("services.a.x-ktrdr.onec is unknown | busy, once, part, "
                + "proof, reads, release, reload, scale, worker; did you mean once?"));
        assertTrue(service("restart: always, x-ktrdr: {once: true}").startsWith("services.a.restart is always"));
        assertTrue(service("x-ktrdr: {once: soon}").startsWith("services.a.x-ktrdr.once is soon"));
        assertTrue(service("x-ktrdr: {release: maybe}").startsWith("services.a.x-ktrdr.release is maybe"));
        assertTrue(service("x-ktrdr: {proof: {http: /}}").contains("names no port | a service that publishes a port"));
        assertTrue(service("ports: [1:2, 3:4], x-ktrdr: {proof: {tcp: 1}}").contains("names the port 1 | one of those "
                + "that it publishes: 2, 4"));
        assertTrue(service("ports: [1:2], x-ktrdr: {proof: {http: health}}").contains("a path such as /health"));
        assertTrue(service("ports: [1:2], x-ktrdr: {proof: {http: /, is: ok}}").contains("has `is` without `field`"));
        assertTrue(service("x-ktrdr: {proof: {}}").contains("one of http, tcp, command, sql"));
        assertTrue(service("x-ktrdr: {proof: {sql: a, tcp: 1}}").contains("one of http, tcp, command, sql"));
        assertTrue(service("x-ktrdr: {proof: {sql: a, field: b}}").contains("has `field` | sql with is"));
        assertTrue(service("x-ktrdr: {proof: {command: a}}").contains("proof.command is not a list"));
        assertTrue(service("x-ktrdr: {reads: [/etc/a]}").contains("x-ktrdr.reads has /etc/a"));
        assertTrue(service("x-ktrdr: {reads: [a/../b]}").contains("x-ktrdr.reads has a/../b"));
        assertTrue(service("x-ktrdr: {reload: HUP}").contains("x-ktrdr.reload is there without `reads`"));
        assertTrue(service("x-ktrdr: {reads: [a], reload: hup}").contains("x-ktrdr.reload is hup"));
        assertTrue(service("x-ktrdr: {worker: agent}").contains("has 0 ports | the one port under `ports`"));
        assertTrue(service("ports: [1:2], x-ktrdr: {worker: A B}").startsWith("services.a.x-ktrdr.worker is A B"));
        assertTrue(service("scale: 2").startsWith("services.a.scale is 2 | one container a service"));
        assertTrue(service("deploy: {replicas: 3}").startsWith("services.a.scale is 3"));
        assertTrue(wrong("name: a\nx-ktrdr: {}\nservices: {a: {image: b}}\n").contains("at the top of the file"));
        assertTrue(service("ports: [1:70000]").startsWith("services.a.ports has the port 70000"));
    }

    @Test
    void a_worker_of_another_type_counts_as_one_of_its_node(@TempDir Path folder) throws IOException {
        var workers = Files.createDirectories(folder.resolve("workers")).resolve("docker-compose.workers.yml");
        var built = Project.root().resolve("templates/workers/docker-compose.workers.yml");
        Files.writeString(workers, Files.readString(built) + """
                  agent-1:
                    image: ${AGENT_IMAGE}
                    profiles: [agents]
                    ports: ["5010:5010"]
                    x-ktrdr: {worker: agent_design}
                """);
        var fleet = AddedWorkers.in(Fixtures.inventory(Fixtures.INVENTORY.replace("disk_free: 2GB, scale: 2}",
                "disk_free: 2GB, scale: 2, profiles: [agents], variables: {AGENT_IMAGE: \"a.test/agent:1\"}}")
                + "templates: " + folder + "\n"));
        var node = fleet.node("B");
        assertEquals(List.of("backtest-worker-1", "backtest-worker-2", "training-worker-1", "training-worker-2",
                "agent-1"), Stack.of(fleet, node).services());
        assertEquals(new Inventory.Worker("agent-1", "agent_design", 5010, "", "http://workers-b.ktrdr.test:5010"),
                fleet.workersOf(node).get(4));
        assertEquals(Map.of("agent-1", "a.test/agent:1"), Stack.of(fleet, node).images(List.of("agent-1"), "sha-1"));
        assertTrue(new Templates(fleet).render(fleet.core(), "sha-1").stream()
                .anyMatch(file -> file.path().endsWith("prometheus.yml") && file.content().contains(":5010")));
        assertEquals(List.of("training-worker-1"), Stack.of(fleet, fleet.node("G")).services(), "its profile is off");
    }

    @Test
    void counted_workers_may_have_other_names_and_ports(@TempDir Path folder) throws IOException {
        Files.writeString(Files.createDirectories(folder.resolve("workers")).resolve("docker-compose.workers.yml"), """
                name: ktrdr-workers
                services:
                  backtest-worker-1: {image: a, ports: ["6003:6003"]}
                  second: {image: a, ports: ["6004:6004"], profiles: [more], x-ktrdr: {worker: backtesting, scale: 2}}
                  training-worker-1: {image: a, ports: ["5005:5005"]}
                  training-worker-2: {image: a, ports: ["5006:5006"], profiles: [more]}
                """);
        var fleet = AddedWorkers.in(Fixtures.inventory(Fixtures.INVENTORY + "templates: " + folder + "\n"));
        var node = fleet.node("B");
        assertEquals(List.of("backtest-worker-1 6003", "second 6004", "training-worker-1 5005",
                "training-worker-2 5006"), fleet.workersOf(node).stream()
                        .map(worker -> worker.name() + " " + worker.port()).toList());
        assertEquals(List.of("backtest-worker-1", "second", "training-worker-1", "training-worker-2"),
                Stack.of(fleet, node).services());
        assertEquals(List.of("backtest-worker-1", "training-worker-1"),
                Stack.of(fleet, node.withScale(1)).services());
        assertEquals(2, node.own().scaled().number("second"));
        var three = fleet.with(node.withScale(3));
        assertTrue(assertThrows(Problem.class, () -> Stack.of(three, three.node("B")).services()).sentence()
                .contains("there is no service backtest-worker-3"));
        assertTrue(new Templates(fleet).render(node, "sha-1").stream().anyMatch(file -> file.path()
                .equals(".env.workers") && file.content().contains("COMPOSE_PROFILES=more")));
    }

    @Test
    void an_edited_template_is_read_again(@TempDir Path folder) throws IOException {
        var core = Files.createDirectories(folder.resolve("core")).resolve("docker-compose.core.yml");
        var fleet = Fixtures.inventory(Fixtures.INVENTORY + "templates: " + folder + "\n");
        for (var service : List.of("one", "two")) {
            Files.writeString(core, "name: ktrdr-core\nservices: {" + service + ": {image: a}}\n");
            assertEquals(List.of(service), Stack.of(fleet, fleet.core()).services());
        }
    }

    private static String service(String keys) {
        return wrong("name: n\nservices: {a: {" + (keys.startsWith("build") ? "" : "image: b, ") + keys + "}}\n")
                .replaceFirst("^compose.yml: ", "");
    }

    @Test
    void the_built_in_templates_are_read_for_each_node() {
        var fleet = Fixtures.inventory();
        assertEquals(List.of("db", "backend", "prometheus", "grafana", "jaeger"),
                Stack.of(fleet, fleet.core()).services());
        assertEquals(List.of("backtest-worker-1", "backtest-worker-2", "training-worker-1", "training-worker-2"),
                Stack.of(fleet, fleet.node("B")).services());
        assertEquals(List.of("training-worker-1"), Stack.of(fleet, fleet.node("G")).services());
        var worker = Stack.of(fleet, fleet.node("B"));
        assertEquals(Map.of("training-worker-2", fleet.images().worker() + ":sha-1"),
                worker.images(List.of("training-worker-2"), "sha-1"));
    }

    @Test
    void a_file_on_top_changes_what_it_names() {
        var file = read(List.of(STACK, """
                services:
                  web:
                    ports: ["8443:8443"]
                    profiles: !override [shop]
                    depends_on: {cache: {condition: service_started}}
                    x-ktrdr: {proof: !override {tcp: 443}}
                  db: {image: "postgres:18", ports: !reset null, x-ktrdr: !reset null}
                  migrate: !reset null
                  cache: {image: "redis:7"}
                """), "IMAGE_TAG=sha-1", "DB=postgres:17", "DB_PORT=5433", "COMPOSE_PROFILES=shop");
        var web = file.service("web").orElseThrow();
        assertEquals(List.of("migrate", "db", "cache"), web.after());
        assertEquals(Map.of(80, 8080, 443, 9443, 8443, 8443), web.ports());
        assertEquals(Set.of("shop"), web.profiles());
        assertEquals(Optional.of(ServiceProof.tcp(9443)), web.proof());
        assertEquals("postgres:18", file.service("db").orElseThrow().image());
        assertEquals(List.of("web", "db", "cache"), List.copyOf(file.services().keySet()));
    }

    @Test
    void a_mount_on_top_replaces_the_one_at_the_same_place() {
        var tree = ComposeFile.tree(List.of(new NodeFile("a", """
                services: {db: {volumes: ["old:/data", "logs:/logs"], command: [a, b]}}
                """, "644"), new NodeFile("b", """
                services: {db: {volumes: [{type: volume, source: new, target: /data}], command: [c]}}
                """, "644")));
        assertEquals(Map.of("db", Map.of("command", List.of("c"), "volumes", List.of("logs:/logs",
                Map.of("type", "volume", "source", "new", "target", "/data")))), tree.get("services"));
    }

    @Test
    void what_says_that_a_service_is_at_work_is_a_command() {
        assertTrue(service("x-ktrdr: {busy: {http: /busy}}").startsWith("services.a.x-ktrdr.busy is {http=/busy} | "
                + "one of command, sql"));
        var file = read("name: a\nservices: {b: {image: c, x-ktrdr: {busy: {command: [test, -e, /run/job]}}}}\n");
        assertEquals(Optional.of(ServiceProof.command(List.of("test", "-e", "/run/job"), Optional.empty())),
                file.service("b").orElseThrow().busy());
    }
}
