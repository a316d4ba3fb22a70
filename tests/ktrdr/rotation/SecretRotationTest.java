package ktrdr.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Fixtures;
import ktrdr.inventory.Secrets.Field;
import ktrdr.release.Stack;
import org.junit.jupiter.api.Test;

class SecretRotationTest {
    private static String env(String service, Field field, String value) {
        return "env " + service + " " + field.variable + "\t" + Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8)) + "\n";
    }

    @Test
    void what_containers_have_is_read_as_it_is_and_what_is_no_secret_of_ours_is_passed_over() {
        var answer = env("backend", Field.db_password, " it's =a b\ttab ") + env("grafana", Field.grafana_password, "g") + "env backend KTRDR_OTHER\teA==\nend\tyes\n";
        assertEquals(Map.of("backend", Map.of(Field.db_password, " it's =a b\ttab "), "grafana", Map.of(Field.grafana_password, "g")), SecretRotation.environment(answer));
    }

    @Test
    void of_two_values_that_of_what_is_to_be_replaced_is_the_former_one() {
        var environment = new LinkedHashMap<String, Map<Field, String>>();
        environment.put("backtest-worker-1", Map.of(Field.db_password, "former", Field.db_username, "ktrdr"));
        // in this order the other one comes last
        environment.put("training-worker-1", Map.of(Field.db_password, "new"));
        assertEquals(Map.of(Field.db_password, "former", Field.db_username, "ktrdr"), SecretRotation.merged(environment, List.of("backtest-worker-1")));
    }

    @Test
    void the_nodes_that_the_databases_password_is_on_are_all_and_core_is_enough_for_the_others() {
        var inventory = Fixtures.inventory();
        assertEquals(inventory.nodes(), SecretRotation.nodes(inventory, Field.db_password));
        assertEquals(List.of(inventory.core()), SecretRotation.nodes(inventory, Field.jwt_secret));
    }

    @Test
    void the_token_of_the_registry_is_looked_for_in_no_container() {
        var script = SecretRotation.script(Stack.of(Fixtures.inventory(), Fixtures.inventory().core()));
        assertFalse(script.contains(Field.ghcr_token.variable), script);
    }
}
