package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Documents;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.health.ServiceChecks;
import ktrdr.report.Check;
import ktrdr.status.FleetStatus;
import ktrdr.status.StatusChanges;
import ktrdr.status.StatusFixtures;
import ktrdr.status.StatusReport;
import org.junit.jupiter.api.Test;

/** Firing alerts from Prometheus, and the checks that status derives from them. */
class FiringAlertTest {
    @Test
    void alerts_of_one_name_on_one_node_are_one_check() {
        var inventory = Fixtures.inventory();
        var alerts = List.of(alert("KtrdrTargetDown", "core", "backend does not answer"),
                alert("KtrdrTargetDown", "core", "node does not answer"),
                alert("KtrdrTargetDown", "workers-b", "node does not answer"),
                alert("KtrdrTargetDown", "elsewhere", "a host that is no node"),
                alert("KtrdrBackupOld", "core", "old"));
        var checks = ServiceChecks.critical(inventory, alerts);
        assertEquals(List.of("core.alert.KtrdrTargetDown", "workers-b.alert.KtrdrTargetDown",
                "core.alert.KtrdrBackupOld"), checks.stream().map(Check::id).toList());
        assertEquals("backend does not answer, since then; node does not answer, since then; a host that is no node, "
                + "since then", checks.get(0).found());
        assertEquals("see a page", checks.get(0).fix());
        Documents.hold(Json.parse(Json.line(Check.document("checks", checks, Map.of(), Map.of())), "it"));
        assertEquals(List.of(),
                ServiceChecks.critical(inventory,
                        List.of(new FiringAlert("KtrdrClockSkew", "warning", "core", "then", "a clock", "a page"))));
    }

    private static FiringAlert alert(String name, String node, String summary) {
        return new FiringAlert(name, "critical", node, "then", summary, "a page");
    }

    private static final FiringAlert BACKUP = new FiringAlert("KtrdrBackupOld",
            "critical", "core", "2026-01-01T10:00:00Z",
            "the last good backup is old", "docs/OPERATIONS.md#ktrdrbackupold");
    private static final FiringAlert WORKER = new FiringAlert("KtrdrWorkerDown", "warning",
            "workers-b", "2026-01-01T11:58:00Z",
            "backtest-worker-2 on workers-b is down", "docs/OPERATIONS.md#ktrdrworkerdown");

    private static String text(FleetStatus fleet) {
        return Stream.of(new StatusReport(fleet).tables()).flatMap(table -> table.lines().stream())
                .collect(Collectors.joining("\n"));
    }

    @Test
    void those_that_fire_are_told_critical_ones_first() {
        var answer = Json.parse("""
                {"status": "success", "data": {"alerts": [
                  {"labels": {"alertname": "KtrdrWorkerDown", "node": "workers-b", "worker": "backtest-worker-2", \
                "severity": "warning"}, "state": "firing", "activeAt": "2026-01-01T11:58:00.123456789Z",
                   "annotations": {"summary": "backtest-worker-2 on workers-b is down", "runbook_url": \
                "docs/OPERATIONS.md#ktrdrworkerdown"}, "value": "0e+00"},
                  {"labels": {"alertname": "KtrdrTargetDown", "severity": "critical"}, "state": "pending", \
                "activeAt": "2026-01-01T09:00:00Z", "annotations": {}},
                  {"labels": {"alertname": "KtrdrBackupOld", "node": "core", "severity": "critical"}, "state": \
                "firing", "activeAt": "2026-01-01T10:00:00Z",
                   "annotations": {"summary": "the last good backup is old", "runbook_url": \
                "docs/OPERATIONS.md#ktrdrbackupold"}}]}}
                """, "prometheus");
        assertEquals(List.of(BACKUP, WORKER), FiringAlert.firing(answer));
        assertEquals(List.of(),
                FiringAlert.firing(Json.parse("{\"status\": \"success\", \"data\": {\"alerts\": []}}", "prometheus")));
    }

    @Test
    void each_is_a_line_and_what_is_critical_is_not_well() {
        var warned = StatusFixtures.alerts(StatusFixtures.fleet(), WORKER);
        assertEquals(Exit.OK, warned.exit());
        assertTrue(text(warned)
                .contains("KtrdrWorkerDown  warning   workers-b  2026-01-01 11:58Z  backtest-worker-2 on workers-b is "
                        + "down"), () -> text(warned));
        var both = StatusFixtures.alerts(StatusFixtures.fleet(), BACKUP, WORKER);
        assertEquals(Exit.FAILED, both.exit());
        var problem = new StatusReport(both).problems().get(0);
        assertEquals("core.alert.KtrdrBackupOld does not hold", problem.sentence());
        assertEquals("the last good backup is old, since 2026-01-01T10:00:00Z; see docs/OPERATIONS.md#ktrdrbackupold",
                problem.details().get("found") + "; " + problem.details().get("to do"));
        assertTrue(new StatusReport(both).line().endsWith("; core.alert.KtrdrBackupOld"),
                new StatusReport(both).line());
    }

    @Test
    void json_lists_the_alerts_or_null_if_prometheus_is_silent() {
        var document = new StatusReport(StatusFixtures.alerts(StatusFixtures.fleet(), WORKER)).document().get("alerts");
        assertEquals(List.of(Map.of("name", "KtrdrWorkerDown", "severity", "warning", "node", "workers-b", "since",
                "2026-01-01T11:58:00Z",
                "summary", "backtest-worker-2 on workers-b is down", "runbook", "docs/OPERATIONS.md#ktrdrworkerdown")),
                document);
        var silent = StatusFixtures.fleet();
        var unknown = new FleetStatus(silent.inventory(), silent.time(), silent.nodes(), silent.unreached(),
                silent.services(), silent.registered(), silent.unknown(), silent.said(), silent.targets(),
                Optional.empty(), Map.of());
        assertEquals(Exit.OK, unknown.exit());
        assertTrue(new StatusReport(unknown).json().contains("\"alerts\":null"));
    }

    @Test
    void who_watches_is_told_when_they_begin_and_end() {
        var changes = new StatusChanges();
        var fleet = StatusFixtures.fleet();
        changes.add(fleet);
        changes.add(StatusFixtures.at(StatusFixtures.alerts(fleet, WORKER), "2026-01-01T12:00:05Z"));
        changes.add(StatusFixtures.at(fleet, "2026-01-01T12:00:10Z"));
        assertEquals("alerts        12:00:05Z KtrdrWorkerDown on workers-b, 12:00:10Z none firing",
                changes.table().lines().get(1));
    }
}
