package ktrdr.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets.Field;
import ktrdr.release.Stack;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretRotationTest {
    @TempDir
    private Path folder;

    private static String env(String service, Field field, String value) {
        return "env " + service + " " + field.variable() + "\t"
                + Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8)) + "\n";
    }

    @Test
    void reads_secrets_of_containers_verbatim_and_skips_unknown_ones() {
        var answer = env("backend", Field.DB_PASSWORD, " it's =a b\ttab ") + env("grafana", Field.GRAFANA_PASSWORD, "g")
                + "env backend KTRDR_OTHER\teA==\nend\tyes\n";
        assertEquals(Map.of("backend", Map.of(Field.DB_PASSWORD, " it's =a b\ttab "), "grafana",
                Map.of(Field.GRAFANA_PASSWORD, "g")), SecretRotation.environment(answer, new SecretCarriers(Map.of())));
    }

    @Test
    void of_two_values_it_takes_that_of_the_service_to_be_replaced() {
        var environment = new LinkedHashMap<String, Map<Field, String>>();
        environment.put("backtest-worker-1", Map.of(Field.DB_PASSWORD, "former", Field.DB_USERNAME, "ktrdr"));
        // in this order the other service comes last
        environment.put("training-worker-1", Map.of(Field.DB_PASSWORD, "new"));
        assertEquals(Map.of(Field.DB_PASSWORD, "former", Field.DB_USERNAME, "ktrdr"),
                SecretRotation.merged(environment, List.of("backtest-worker-1")));
    }

    @Test
    void the_database_password_is_on_all_nodes_and_others_on_core() {
        var inventory = Fixtures.inventory();
        assertEquals(inventory.nodes(), SecretRotation.nodes(inventory, Field.DB_PASSWORD));
        assertEquals(List.of(inventory.core()), SecretRotation.nodes(inventory, Field.JWT_SECRET));
    }

    @Test
    void the_token_of_the_registry_is_looked_for_in_no_container() {
        var script = SecretRotation.script(Stack.of(Fixtures.inventory(), Fixtures.inventory().core()));
        assertFalse(script.contains(Field.GHCR_TOKEN.variable()), script);
    }

    private Inventory shop() throws IOException {
        Files.createDirectories(folder.resolve("mine/shop"));
        Files.writeString(folder.resolve("mine/shop/compose.yaml"), """
                services:
                  db:
                    image: postgres:17
                    environment: {POSTGRES_PASSWORD: "${SHOP_PASSWORD:?a secret}", POSTGRES_USER: shop}
                    x-ktrdr: {part: database}
                  web:
                    image: web:1
                    environment: [API_KEY, "URL=http://${SHOP_PASSWORD}@db", PASSWORD=$SHOP_PASSWORD]
                """);
        var file = Files.writeString(folder.resolve("inventory.yaml"), """
                domain: shop.test
                resolve: inventory
                nodes: {shop: {id: S, role: shop, host: shop, address: 10.0.0.1}}
                secrets: {provider: env, variables: {SHOP_PASSWORD: shop_password, API_KEY: key, OTHER: other}}
                templates: mine
                """);
        return Inventory.read(file);
    }

    @Test
    void a_secret_of_ones_own_is_where_the_compose_file_puts_it() throws IOException {
        var shop = shop();
        var stack = Stack.of(shop, shop.core());
        var carriers = SecretCarriers.of(stack);
        var password = SecretRotation.field(shop, "shop_password");
        var key = SecretRotation.field(shop, "key");
        assertEquals(Map.of("db", Map.of("POSTGRES_PASSWORD", password), "web",
                Map.of("API_KEY", key, "PASSWORD", password)), carriers.fields());
        assertTrue(SecretRotation.script(stack).contains("| PASSWORD=?* | POSTGRES_PASSWORD=?*)"));
        assertEquals(List.of(true, false), List.of(SecretCarriers.database(shop, password),
                SecretCarriers.database(shop, key)));
        assertEquals(List.of(shop.core()), SecretRotation.nodes(shop, key));
        var nowhere = assertThrows(Problem.class, () -> SecretRotation.nodes(shop, SecretRotation.field(shop,
                "other")));
        assertEquals("no service has other", nowhere.sentence());
        var unknown = assertThrows(Problem.class, () -> SecretRotation.field(shop, "keys"));
        assertTrue(unknown.found().contains("key"), unknown.found());
    }
}
