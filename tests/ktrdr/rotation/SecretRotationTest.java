package ktrdr.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Fixtures;
import ktrdr.inventory.Secrets.Field;
import ktrdr.release.Stack;
import org.junit.jupiter.api.Test;

class SecretRotationTest {
    private static String env(String service, Field field, String value) {
        return "env " + service + " " + field.variable() + "\t"
                + Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8)) + "\n";
    }

    @Test
    void reads_secrets_of_containers_verbatim_and_skips_unknown_ones() {
        var answer = env("backend", Field.DB_PASSWORD, " it's =a b\ttab ") + env("grafana", Field.GRAFANA_PASSWORD, "g")
                + "env backend KTRDR_OTHER\teA==\nend\tyes\n";
        assertEquals(Map.of("backend", Map.of(Field.DB_PASSWORD, " it's =a b\ttab "), "grafana",
                Map.of(Field.GRAFANA_PASSWORD, "g")), SecretRotation.environment(answer, Set.copyOf(Field.KNOWN)));
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
}
