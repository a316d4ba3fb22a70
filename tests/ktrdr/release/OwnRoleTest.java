package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.Documents;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets.Field;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stack of one's own is a role with a Compose file, without anything of KTRDR's. */
class OwnRoleTest {
    private static final String FLEET = """
            domain: shop.test
            resolve: inventory
            nodes:
              front: {id: F, role: shop, host: box, address: 10.0.0.1, variables: {GREETING: hello}, profiles: [debug]}
              blog: {id: B, role: blog, host: box, address: 10.0.0.1}
              north: {id: N, role: edge, host: north, address: 10.0.0.2, directory: /srv/Edge.Proxy}
              south: {id: S, role: edge, host: south, address: 10.0.0.3}
            secrets: {provider: env, variables: {SHOP_PASSWORD: shop_password, API_KEY: api_key}}
            templates: mine
            """;
    private static final String SHOP = """
            name: corner-shop
            services:
              web:
                image: shop.test/web:${IMAGE_TAG:?missing}
                environment: {PASSWORD: "${SHOP_PASSWORD:?a secret}", GREETING: "${GREETING:-hi}"}
              db:
                image: postgres:17
                ports: ["5432:5432"]
                x-ktrdr: {part: database}
            """;
    @TempDir
    private Path folder;

    @BeforeEach
    void templates() throws IOException {
        write("shop/compose.yaml", SHOP);
        write("shop/.env", "COLOUR=red\n");
        write("shop/web/site.conf", "listen 80\n");
        write("shop/notes.txt~", "mine\n");
        write("blog/docker-compose.yml", "services: {web: {image: blog.test/web:1, environment: [API_KEY]}}\n");
        write("edge/compose.yml", "services: {proxy: {image: edge.test/proxy:1}}\n");
    }

    private void write(String path, String text) throws IOException {
        var file = folder.resolve("mine").resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private Inventory fleet() throws IOException {
        var file = folder.resolve("inventory.yaml");
        Files.writeString(file, FLEET);
        Documents.holdInventory(file);
        return Inventory.read(file);
    }

    private Stack stack(String node) throws IOException {
        var fleet = fleet();
        return Stack.of(fleet, fleet.node(node));
    }

    @Test
    void has_the_files_of_its_folder_and_what_a_release_needs() throws IOException {
        var stack = stack("front");
        var files = stack.files("sha-1");
        assertEquals(List.of("compose.yaml", ".env", "web/site.conf"), files.stream().map(Templates.NodeFile::path)
                .filter(path -> !path.startsWith("metrics/")).toList());
        assertEquals(SHOP, files.get(0).content());
        var env = Templates.env(files.get(1).content());
        assertEquals("red sha-1 debug hello", env.get("COLOUR") + " " + env.get("IMAGE_TAG") + " "
                + env.get("COMPOSE_PROFILES") + " " + env.get("GREETING"));
        assertEquals("docker compose --env-file .env -f compose.yaml", stack.compose());
        assertEquals("/opt/shop", stack.node().directory());
    }

    @Test
    void its_project_is_called_as_the_file_or_else_the_folder_says() throws IOException {
        assertEquals("corner-shop", stack("front").project());
        assertEquals("corner-shop-web-1", stack("front").container("web"));
        assertEquals("blog", stack("blog").project());
        assertEquals("edgeproxy", stack("north").project());
    }

    @Test
    void its_services_and_parts_are_those_of_the_file() throws IOException {
        var shop = stack("front");
        assertEquals(List.of("web", "db"), shop.services());
        assertEquals(Optional.of("db"), shop.service(Part.DATABASE));
        assertEquals(Optional.empty(), shop.service(Part.BACKEND));
        assertTrue(shop.released("web"));
        assertFalse(shop.released("db"));
    }

    @Test
    void its_secrets_are_those_that_the_file_names() throws IOException {
        assertEquals(Set.of("SHOP_PASSWORD"), variables("front"));
        assertEquals(Set.of("API_KEY"), variables("blog"), "without a value Compose takes it from the environment");
        assertEquals(Set.of(), variables("north"));
        write("shop/.env", "SHOP_PASSWORD=hunter2\n");
        var refused = assertThrows(Problem.class, () -> stack("front").files("sha-1"));
        assertTrue(refused.sentence().endsWith("mine/shop/.env has a value for SHOP_PASSWORD, which is named like a "
                + "secret"), refused::sentence);
        assertFalse(refused.toString().contains("hunter2"));
    }

    private Set<String> variables(String node) throws IOException {
        return stack(node).secrets().stream().map(Field::variable).collect(Collectors.toSet());
    }

    @Test
    void commands_name_it_by_its_role() throws IOException {
        assertEquals("jbang deploy@ktrdr shop all", stack("front").deploy());
        assertEquals("jbang deploy@ktrdr edge N", stack("north").deploy());
        var lookup = fleet().lookup();
        assertEquals(List.of("north", "south"), lookup.nodes(lookup.role("edge"), List.of()).stream()
                .map(Inventory.Node::name).toList());
        assertEquals("there is no role shp in " + fleet().source(),
                assertThrows(Problem.class, () -> lookup.role("shp")).sentence());
        assertEquals("front has another role than edge", assertThrows(Problem.class,
                () -> lookup.nodes(lookup.role("edge"), List.of("F"))).sentence());
        assertEquals("box has several stacks", assertThrows(Problem.class, () -> fleet().node("box")).sentence());
    }

    @Test
    void a_machine_has_the_exporter_of_its_metrics_once() throws IOException {
        var paths = stack("blog").files("sha-1").stream().map(Templates.NodeFile::path).toList();
        assertEquals(List.of("docker-compose.yml", ".env"), paths);
    }

    @Test
    void a_role_without_a_compose_file_is_refused() throws IOException {
        Files.delete(folder.resolve("mine/edge/compose.yml"));
        var refused = assertThrows(Problem.class, () -> stack("north").services());
        assertEquals("the role edge has no Compose file", refused.sentence());
        assertTrue(refused.expected().endsWith("mine/edge/compose.yaml"), refused.expected());
    }

    @Test
    void two_stacks_of_a_machine_may_not_want_the_same() throws IOException {
        FileChanges.proveTemplates(fleet(), fleet().nodes());
        write("blog/docker-compose.yml", "services: {store: {image: blog.test/store:1, ports: ['5432:80']}}\n");
        var wrong = assertThrows(Problem.class, () -> FileChanges.proveTemplates(fleet(), List.of(stack("B").node())));
        assertEquals(List.of("blog and front are one machine, and both want the port 5432", "blog: store; front: db"),
                List.of(wrong.sentence(), wrong.found()));
        write("blog/docker-compose.yml", "name: corner-shop\nservices: {web: {image: blog.test/web:1}}\n");
        wrong = assertThrows(Problem.class, () -> FileChanges.proveTemplates(fleet(), fleet().nodes()));
        assertEquals("front and blog are one machine, and both want the Compose project corner-shop",
                wrong.sentence());
    }

    @Test
    void a_file_of_that_name_is_read_on_top() throws IOException {
        write("shop/docker-compose.override.yaml", "services: {web: {image: 'shop.test/own:${IMAGE_TAG}'}}\n");
        var stack = stack("F");
        assertEquals(List.of("compose.yaml", "docker-compose.override.yaml"), stack.composeFiles());
        assertEquals("shop.test/own:sha-1", stack.images(List.of("web"), "sha-1").get("web"));
        assertEquals("docker compose --env-file .env -f compose.yaml -f docker-compose.override.yaml",
                stack.compose());
        var before = stack.files("sha-1").stream().filter(file -> !file.path().contains("override")).toList();
        assertEquals(List.of("compose.yaml"), stack.at(before).composeFiles());
        assertEquals(List.of("compose.yaml", "docker-compose.override.yaml"),
                stack.at(stack.files("sha-1")).composeFiles());
    }

    @Test
    void its_services_may_be_workers() throws IOException {
        write("edge/compose.yml", """
                services:
                  proxy: {image: edge.test/proxy:1}
                  gpu:
                    image: edge.test/worker:1
                    ports: ["5005:5005"]
                    x-ktrdr: {worker: training}
                """);
        var fleet = AddedWorkers.in(fleet());
        assertEquals(List.of("north", "south"), fleet.workerNodes().stream().map(Inventory.Node::name).toList());
        assertEquals(List.of(), fleet.workers());
        var stack = Stack.of(fleet, fleet.node("N"));
        assertTrue(stack.working() && stack.core());
        assertEquals(List.of("proxy", "gpu"), stack.services());
        assertFalse(Stack.of(fleet, fleet.node("F")).working());
        assertEquals("south gpu", fleet.place("http://south.shop.test:5005"));
    }
}
