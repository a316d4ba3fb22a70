package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

class ScrapeTargetsTest {
    private final Inventory inventory = Fixtures.inventory();

    private List<Check> checks(JsonNode answer) {
        return new ScrapeTargets(Optional.of(answer), Optional.empty()).checks(inventory, address -> false);
    }

    @Test
    void every_expected_target_is_a_check() {
        var answer = Json.parse("""
                {"data":{"activeTargets":[
                  {"labels":{"job":"backend"},"scrapeUrl":"u","health":"up"},
                  {"labels":{"job":"node","node":"gpu"},"scrapeUrl":"u","health":"down","lastError":"no route"},
                  {"labels":{"job":"gpu","worker":"training-worker-1"},"scrapeUrl":"u","health":"down","lastError":"co\
                nnection refused"}]}}""", "Prometheus");
        var checks = checks(answer);
        assertEquals(9, checks.stream().filter(check -> check.id().startsWith("target.")).count());
        assertEquals("down connection refused", checks.stream()
                .filter(check -> check.id().equals("target.gpu.training-worker-1")).findFirst().orElseThrow().found());
        assertEquals("down no route", checks.stream().filter(check -> check.id().equals("target.node.gpu")).findFirst()
                .orElseThrow().found());
        assertEquals("Prometheus does not know it", checks.stream().filter(check -> check.node().equals("workers-b"))
                .findFirst().orElseThrow().found());
        var others = checks.stream().filter(check -> check.id().equals("targets.others")).findFirst().orElseThrow();
        assertEquals("0 up", others.found(), "what is expected is told once");
    }

    @Test
    void other_targets_of_prometheus_have_to_be_up_too() {
        var answer = Json.parse("""
                {"data":{"activeTargets":[
                  {"labels":{"job":"prometheus"},"scrapeUrl":"http://localhost:9090/metrics","health":"up"},
                  {"labels":{"job":"workers-b","worker":"backtest-worker-3"},"scrapeUrl":"http://b:5007/metrics/","hea\
                lth":"down","lastError":"no route"}]}}""", "Prometheus");
        var others = checks(answer).stream().filter(check -> check.id().equals("targets.others"))
                .findFirst().orElseThrow();
        assertEquals("false http://b:5007/metrics/ is down no route", others.ok() + " " + others.found());
    }
}
