package ktrdr.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.status.NodeStatus;
import ktrdr.status.StatusFixtures;
import org.junit.jupiter.api.Test;

/** How long verify waits. */
class VerificationTest {
    private static final String NOON = "2026-01-01T12:00:00Z";

    /** A fleet whose backend started at this time, with one check. */
    private static Verification.Findings found(String began, String status, Check check) {
        var node = StatusFixtures.node(StatusFixtures.CORE);
        var containers = List.of(StatusFixtures.container("backend", status, began));
        var fleet = StatusFixtures.with(StatusFixtures.at(StatusFixtures.fleet(), NOON), StatusFixtures.CORE,
                new NodeStatus(node.host(), node.lock(), node.history(), containers, Optional.empty()));
        return new Verification.Findings(fleet, List.of(check), List.of());
    }

    @Test
    void waits_for_a_target_of_a_container_that_has_just_started() {
        assertTrue(found("2026-01-01T11:59:40.1Z", "running", StatusFixtures.target("backend", "core", false)).early());
        assertTrue(found("2026-01-01T12:00:02.1Z", "running", StatusFixtures.target("backend", "core", false)).early(),
                "by a clock that is ahead");
    }

    @Test
    void waits_longer_for_first_data_but_only_of_a_young_backend() {
        var query = new Check(CheckId.ofFleet("grafana", "query"), "core", false, "data",
                "an answer without data for Operations", "", 0);
        assertEquals(Duration.ofSeconds(60), found("2026-01-01T11:59:40.1Z", "running", query).due());
        assertEquals(Duration.ZERO, found("2026-01-01T11:57:00.1Z", "running", query).due());
        assertEquals(Duration.ofSeconds(20),
                found("2026-01-01T11:59:40.1Z", "running", StatusFixtures.target("backend", "core", false)).due());
        assertEquals(Duration.ZERO,
                found("2026-01-01T11:59:40.1Z", "running", StatusFixtures.target("backend", "core", true)).due());
    }

    @Test
    void does_not_wait_for_an_old_stopped_or_foreign_container() {
        assertFalse(found("2026-01-01T11:57:00.1Z", "running", StatusFixtures.target("backend", "core", false))
                .early());
        assertFalse(found("2026-01-01T11:59:40.1Z", "exited", StatusFixtures.target("backend", "core", false)).early());
        assertFalse(found("2026-01-01T11:59:40.1Z", "running",
                StatusFixtures.target("gpu.training-worker-1", "gpu", false)).early());
        assertFalse(found("2026-01-01T11:59:40.1Z", "running", StatusFixtures.target("backend", "core", true)).early());
    }
}
