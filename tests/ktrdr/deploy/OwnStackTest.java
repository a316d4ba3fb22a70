package ktrdr.deploy;

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
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.backup.BackupFolder;
import ktrdr.health.GrafanaChecks;
import ktrdr.health.RootCauses;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.OwnContainers;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.Check;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stacks of core whose services have names of their own, and that lack what KTRDR's stack has. */
class OwnStackTest {
    private static final String WEB = """
            name: ktrdr-core
            services:
              web:
                image: shop.test/web:${IMAGE_TAG:?missing}
                ports: ["8080:80"]
                environment: {PASSWORD: "${KTRDR_DB_PASSWORD:?a secret}"}
            """;
    private static final String STORE = """
              store:
                image: postgres:17
                container_name: shop-store
                volumes: ["./conf:/conf:ro", "kept:/var/lib/postgresql/data"]
                x-ktrdr: {part: database}
            volumes: {kept: {name: shop-data}}
            """;
    @TempDir Path folder;
    private Inventory bare;
    private Inventory stored;

    @BeforeEach
    void stacks() throws IOException {
        bare = with("bare", WEB);
        stored = with("stored", WEB + STORE);
    }

    private Inventory with(String name, String compose) throws IOException {
        var mine = folder.resolve(name);
        Files.writeString(Files.createDirectories(mine.resolve("core")).resolve("docker-compose.core.yml"), compose);
        return Fixtures.inventory(Fixtures.INVENTORY + "templates: " + mine + "\n");
    }

    private static Stack core(Inventory inventory) {
        return Stack.of(inventory, inventory.core());
    }

    private static NodePlan plan(Inventory inventory, String... services) {
        var stack = core(inventory);
        return NodePlan.plan(stack, Revision.of(inventory, stack, "sha-1"), stack.services(List.of(services)),
                StackFactsBuilder.node().build());
    }

    @Test
    void no_check_is_about_a_part_that_is_not_there() {
        try (var http = new Http(bare.overrides(), Duration.ofSeconds(1))) {
            var checks = new ServiceChecks(bare, http);
            assertEquals(List.of(), checks.core(core(bare), core(bare).services()));
            assertEquals(List.of(), checks.targets());
            assertEquals(List.of(), checks.metrics());
            assertEquals(List.of(), checks.databaseAndSchema(null));
            assertEquals(List.of(), checks.databaseFrom(bare.node("B"), null));
            assertEquals(List.of(), checks.workers(bare.workers()));
            assertEquals(List.of(), checks.gpus(bare.workers()));
            assertEquals(Optional.empty(), checks.alerts());
            assertEquals(List.of(), new GrafanaChecks(bare, http).checks());
            assertEquals(Optional.of(List.of()), new BackendDrain(bare, http, null).running());
        }
    }

    @Test
    void a_database_is_asked_under_its_own_name() {
        assertFalse(HealthGate.question(plan(bare)).contains("psql"));
        assertTrue(HealthGate.question(plan(stored)).contains("docker exec shop-store sh -c 'psql"));
        assertFalse(HealthGate.question(plan(stored, "web")).contains("psql"));
        try (var http = new Http(stored.overrides(), Duration.ofSeconds(1))) {
            var gone = new ServiceChecks(stored, http).database(() -> new CommandResult(1, "", "No such container"));
            assertEquals(List.of("db.query", "there is no container shop-store"), List.of(gone.id(), gone.found()));
            assertTrue(gone.fix().startsWith("jbang deploy@ktrdr core store creates it"), gone.fix());
        }
    }

    @Test
    void a_failing_check_is_explained_by_the_service_of_its_part() {
        var failing = List.of("core.store.container", "db.query", "core.web.container").stream()
                .map(id -> new Check(Fixtures.id(id, "core"), "core", false, "", "", "", 0)).toList();
        assertEquals(Map.of("db.query", "core.store.container"), RootCauses.of(stored, failing));
        assertEquals(Map.of(), RootCauses.of(bare, failing));
    }

    @Test
    void a_backup_is_of_the_part_and_named_by_the_release() {
        var script = BackupFolder.script(stored, "", BackupFolder.Retention.NONE, "test");
        assertTrue(script.startsWith("container='shop-store'\n")
                && script.contains("label=com.docker.compose.service=store ")
                && script.contains("released='ktrdr-core-web-1'\n"), script.substring(0, 900));
        BackupFolder.proveDatabase(stored);
        var none = assertThrows(Problem.class, () -> BackupFolder.proveDatabase(bare));
        assertEquals(List.of(Exit.USAGE, "core: its stack has no database",
                "a service with `x-ktrdr: {part: database}` in docker-compose.core.yml", "web"),
                List.of(none.exit(), none.sentence(), none.expected(), none.found()));
    }

    private static List<NodeFile> compose(String text) {
        return List.of(new NodeFile("compose.yml", text, "644"));
    }

    @Test
    void its_data_is_in_the_volume_of_its_compose_file() {
        assertEquals(Optional.of("shop-data"), DataVolume.of(core(stored), compose(WEB + STORE), "store"));
        assertEquals(Optional.of("ktrdr-core_kept"),
                DataVolume.of(core(stored), compose((WEB + STORE).replaceAll("(?m)^volumes.*\n", "")),
                        "store"));
        assertEquals(Optional.empty(), DataVolume.of(core(stored), compose(WEB + STORE), "web"));
        var fleet = Fixtures.inventory();
        var compose = core(fleet).files("").stream().filter(file -> file.path().endsWith("core.yml")).findFirst();
        assertEquals(List.of("ktrdr-core_db-data", "ktrdr-core_prometheus-data", "ktrdr-core_grafana-data"),
                List.of("db", "prometheus", "grafana").stream()
                        .map(service -> DataVolume.of(core(fleet), List.of(compose.orElseThrow()), service)
                                .orElseThrow()).toList());
    }

    @Test
    void the_database_is_restarted_first_whatever_its_name() {
        var stack = core(stored);
        var there = List.of("web", "store").stream().map(service -> new Docker.Container("id-" + service,
                stack.container(service), service, "i", "sha256:1", "running", "healthy", 0, 0,
                "2026-01-01T00:00:00Z", "", "")).toList();
        var facts = StackFactsBuilder.node().containers(there).build();
        var restart = NodePlan.restart(stack, Revision.of(stored, stack, "sha-1"), List.of("web", "store"), facts);
        var script = restart.applyScript(Fixtures.secrets(), "");
        assertTrue(script.indexOf("again 'shop-store'") < script.indexOf("again 'ktrdr-core-web-1'")
                && script.contains("'{{.State.Health.Status}}' 'shop-store')"), script);
        assertEquals(Optional.of("store"), restart.service(Part.DATABASE));
        assertEquals(Set.of(), restart.secrets());
    }

    @Test
    void a_host_is_known_as_cores_by_what_its_stack_has() {
        assertEquals(List.of("ktrdr-core-web-1", "shop-store"), OwnContainers.marks(stored).containers());
        assertEquals(Map.of("ktrdr-workers", ".env.workers"), OwnContainers.marks(bare).others());
    }
}
