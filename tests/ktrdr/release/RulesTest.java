package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import ktrdr.Fixtures;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/** Properties of the alert rules that promtool does not check; tests/rules tests their results. */
class RulesTest {
    private static JsonNode yaml(String path) throws IOException {
        return new ObjectMapper(new YAMLFactory()).readTree(Files.readString(Project.root().resolve(path)));
    }

    private static List<JsonNode> rules(String file) throws IOException {
        var rules = new ArrayList<JsonNode>();
        for (var group : yaml("templates/monitoring/rules/" + file).path("groups"))
            group.path("rules").forEach(rules::add);
        assertTrue(rules.size() > 5, file);
        return rules;
    }

    @Test
    void each_alert_has_a_severity_and_its_section_in_the_runbook() throws IOException {
        var sections = Files.readAllLines(Project.root().resolve("docs/OPERATIONS.md"));
        for (var alert : rules("alerts.yml")) {
            var name = alert.path("alert").asText();
            assertTrue(Set.of("critical", "warning").contains(alert.path("labels").path("severity").asText()), name);
            assertTrue(alert.path("for").asText().matches("\\d+m"), name);
            for (var words : List.of("summary", "description"))
                assertTrue(!alert.path("annotations").path(words).asText().isBlank(), name + " " + words);
            assertEquals("docs/OPERATIONS.md#" + name.toLowerCase(),
                    alert.path("annotations").path("runbook_url").asText());
            assertTrue(sections.contains("#### " + name), "docs/OPERATIONS.md has no section " + name);
        }
    }

    @Test
    void each_alert_is_tested_to_fire_and_not_to() throws IOException {
        var fires = new TreeSet<String>();
        var silent = new TreeSet<String>();
        for (var test : yaml("tests/rules/alerts.yml").path("tests"))
            for (var json : test.path("alert_rule_test"))
                (json.path("exp_alerts").isEmpty() ? silent : fires).add(json.path("alertname").asText());
        var alerts = new TreeSet<>(rules("alerts.yml").stream().map(rule -> rule.path("alert").asText()).toList());
        assertEquals(alerts, fires);
        assertEquals(alerts, silent);
    }

    @Test
    void each_recording_rule_is_tested_by_a_value() throws IOException {
        var tested = new StringBuilder();
        for (var test : yaml("tests/rules/recording.yml").path("tests"))
            for (var json : test.path("promql_expr_test"))
                if (!json.path("exp_samples").isEmpty()) tested.append(json.path("expr").asText()).append('\n');
        for (var rule : rules("recording.yml"))
            assertTrue(tested.indexOf(rule.path("record").asText()) >= 0, rule.path("record").asText());
    }

    @Test
    void they_land_as_they_are_where_prometheus_looks_for_them() throws IOException {
        var inventory = Fixtures.inventory();
        var files = new Templates(inventory).render(inventory.core(), "none");
        for (var name : List.of("recording.yml", "alerts.yml"))
            assertEquals(Files.readString(Project.root().resolve("templates/monitoring/rules/" + name)),
                    files.stream().filter(file -> file.path().equals("monitoring/rules/" + name)).findFirst()
                            .orElseThrow().content());
        assertTrue(files.stream()
                .anyMatch(file -> file.path().equals("monitoring/prometheus.yml")
                        && file.content().contains("rule_files: ['rules/*.yml']")));
    }
}
