package ktrdr.status;

import static ktrdr.status.StatusFixtures.B;
import static ktrdr.status.StatusFixtures.GPU;
import static ktrdr.status.StatusFixtures.at;
import static ktrdr.status.StatusFixtures.container;
import static ktrdr.status.StatusFixtures.containers;
import static ktrdr.status.StatusFixtures.fleet;
import static ktrdr.status.StatusFixtures.history;
import static ktrdr.status.StatusFixtures.host;
import static ktrdr.status.StatusFixtures.lock;
import static ktrdr.status.StatusFixtures.registered;
import static ktrdr.status.StatusFixtures.with;
import static ktrdr.status.StatusFixtures.without;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.api.Backend;
import ktrdr.node.Docker;
import ktrdr.release.LockScripts;
import org.junit.jupiter.api.Test;

/** The summary of changes at the end of a watch. */
class StatusChangesTest {
    private static List<String> rows(FleetStatus... seen) {
        var changes = new StatusChanges();
        for (int i = 0; i < seen.length; i++) changes.add(at(seen[i], "2026-01-01T12:00:0" + i + "Z"));
        var lines = changes.table().lines();
        return lines.subList(1, lines.size()).stream().map(line -> line.replaceAll(" {2,}", " | ")).toList();
    }

    private static FleetStatus b(LockScripts.LockState lock, List<Docker.Container> containers) {
        return with(fleet(), B, new NodeStatus(host(B), lock, history(B), containers, Optional.empty()));
    }

    @Test
    void nothing_is_told_of_what_stays() {
        assertEquals(List.of(), rows(fleet(), fleet(), fleet()));
        var changes = new StatusChanges();
        assertEquals("nothing was seen", changes.summary());
        changes.add(fleet());
        assertEquals("watched for 0.0 s, 1 refresh, nothing changed", changes.summary());
    }

    @Test
    void a_worker_that_leaves_and_returns_is_one_row_with_both_times() {
        var without = StatusFixtures.registered().stream().filter(worker -> !worker.endpointUrl().endsWith(":5004"))
                .toList();
        assertEquals(List.of("workers-b backtest-worker-2 | 12:00:01Z went away, 12:00:03Z came back"),
                rows(fleet(), registered(fleet(), without), registered(fleet(), without), fleet()));
    }

    @Test
    void work_is_no_change() {
        var busy = StatusFixtures.registered().stream()
                .map(worker -> new Backend.Worker(worker.id(), worker.type(), worker.endpointUrl(), "busy", "",
                        Optional.empty())).toList();
        assertEquals(List.of(), rows(fleet(), registered(fleet(), busy)));
    }

    @Test
    void a_restart_between_two_looks_is_seen_by_its_time() {
        var restarted = new ArrayList<>(containers(B));
        restarted.set(0, container("backtest-worker-1", "running", "2026-01-01T12:00:00.7Z"));
        assertEquals(List.of("workers-b backtest-worker-1 container | 12:00:01Z running, healthy, started 12:00:00Z"),
                rows(fleet(), b(lock(Optional.empty(), -1), restarted)));
        restarted.remove(0);
        assertEquals(List.of("workers-b backtest-worker-1 container | 12:00:01Z removed"),
                rows(fleet(), b(lock(Optional.empty(), -1), restarted)));
    }

    @Test
    void a_lock_is_taken_by_somebody_and_given_back() {
        var owner = new LockScripts.Owner("7", "karl@laptop", "2026-01-01T11:59:00Z", "deploy all");
        assertEquals(List.of(
                "workers-b lock | 12:00:01Z was taken by karl@laptop: deploy all, 12:00:02Z was released"),
                rows(fleet(), b(lock(Optional.of(owner), 2), containers(B)), fleet()));
    }

    @Test
    void of_a_node_that_is_not_reached_only_that_is_told() {
        assertEquals(List.of("gpu | 12:00:01Z was not reached, 12:00:02Z was reached again"),
                rows(fleet(), without(fleet(), GPU), fleet()));
    }

    @Test
    void of_what_changes_all_the_time_the_last_changes_are_kept() {
        var changes = new StatusChanges();
        for (int i = 0; i < 50; i++) changes.add(at(i % 2 == 0 ? fleet() : without(fleet(), GPU),
                "2026-01-01T12:00:" + String.format("%02d", i) + "Z"));
        assertEquals(6, changes.all().size());
        assertEquals("2026-01-01T12:00:49Z", changes.all().get(5).time().toString());
        assertTrue(changes.table().lines().get(1).contains("49 times, at last: "), changes.table().lines()::toString);
        assertEquals("watched for 49 s, 50 refreshes, 49 changes", changes.summary());
        assertEquals(6, Json.parse(Json.line(changes.document(Exit.OK)), "changes").path("changes").size());
    }
}
