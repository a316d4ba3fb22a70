package ktrdr.status;

import static ktrdr.status.StatusFixtures.B;
import static ktrdr.status.StatusFixtures.CORE;
import static ktrdr.status.StatusFixtures.TAG;
import static ktrdr.status.StatusFixtures.b;
import static ktrdr.status.StatusFixtures.container;
import static ktrdr.status.StatusFixtures.containers;
import static ktrdr.status.StatusFixtures.entry;
import static ktrdr.status.StatusFixtures.failing;
import static ktrdr.status.StatusFixtures.fleet;
import static ktrdr.status.StatusFixtures.history;
import static ktrdr.status.StatusFixtures.host;
import static ktrdr.status.StatusFixtures.lock;
import static ktrdr.status.StatusFixtures.text;
import static ktrdr.status.StatusFixtures.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;

/** Each possible fault of one node fails its own check. */
class NodeStatusChecksTest {
    private static final LockScripts.Owner KARL = new LockScripts.Owner("7", "karl@laptop", "2026-01-01T11:59:00Z",
            "deploy workers B sha-2");

    /** Core with a timer written two days ago that runs in an hour, and a backup of this age in hours. */
    private static FleetStatus scheduled(String result, String name, int hours) {
        var host = host(CORE, "timer-at\t02:00", "timer-written\t1789827200", "timer-state\tactive",
                "timer-next\t1790003600000", "timer-ended\t1789990000000", "timer-result\t" + result);
        var backup = Optional.of(new NodeStatus.Backup(name, 5_000_000, Duration.ofHours(hours)));
        return with(fleet(), CORE,
                new NodeStatus(host, lock(Optional.empty(), -1), history(CORE), containers(CORE), backup));
    }

    @Test
    void checks_scheduled_backups_and_shows_the_last_and_the_next() {
        var well = scheduled("success", "ktrdr-1.dump.zst", 3);
        assertEquals(List.of(), failing(well));
        assertTrue(text(well).contains("ktrdr-1.dump.zst, 5.0 MB, 3 h 0 min old; the next at 2026-09-21 15:13Z"),
                () -> text(well));
        assertTrue(new StatusReport(well).document().get("next_backup").equals("2026-09-21T15:13:20Z"));
        for (var wrong : List.of(scheduled("exit-code", "ktrdr-1.dump.zst", 3),
                scheduled("success", "ktrdr-1.dump.zst", 27), scheduled("success", "old.sql.gz", 1)))
            assertEquals(List.of("core.backup"), failing(wrong));
        var check = new StatusReport(scheduled("exit-code", "ktrdr-1.dump.zst", 3)).problems().get(0).details();
        assertTrue(check.get("found")
                .startsWith("the last run of ktrdr-backup.service failed (exit-code) at 2026-09-21T11:26:40Z; "
                        + "ktrdr-1.dump.zst"), check::toString);
        assertTrue(check.get("to do").contains("journalctl -u ktrdr-backup")
                && check.get("to do").contains("jbang backup-db@ktrdr"), check::toString);
        assertTrue(fleet().checks().stream().noneMatch(eachCheck -> eachCheck.id().equals("core.backup")));
    }

    /** The same fleet, with these lines added to the inventory. */
    private static FleetStatus by(String lines, FleetStatus fleet) {
        return new FleetStatus(Fixtures.inventory(Fixtures.INVENTORY + lines), fleet.time(), fleet.nodes(),
                fleet.unreached(), fleet.services(), fleet.registered(), fleet.unknown(), fleet.said(),
                fleet.targets(), fleet.alerts(), Map.of());
    }

    @Test
    void a_wanted_but_missing_backup_schedule_is_a_difference() {
        var absent = by("backup: {schedule: daily}\n", fleet());
        assertEquals(List.of("core.backup"), failing(absent));
        var told = new StatusReport(absent).problems().get(0).details();
        assertEquals("a backup every day at 02:00, by backup.schedule in the inventory; no timer; jbang "
                + "backup-db@ktrdr --schedule",
                told.get("expected") + "; " + told.get("found") + "; " + told.get("to do"));
        assertEquals(List.of("core.backup"),
                failing(by("backup: {schedule: \"03:30\"}\n", scheduled("success", "ktrdr-1.dump.zst", 3))));
        assertEquals(List.of(),
                failing(by("backup: {schedule: \"02:00\"}\n", scheduled("success", "ktrdr-1.dump.zst", 3))));
    }

    /** As on workers nodes after core's address changed: their rules allow the previous one. */
    @Test
    void names_a_node_whose_rules_come_from_another_inventory() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY + "firewall: {}\n");
        var fleet = by("firewall: {}\n", fleet());
        for (var node : inventory.nodes()) {
            var manifest = new StringBuilder();
            new Templates(inventory).render(node, "")
                    .forEach(file -> manifest.append(file.sha256()).append("  ").append(file.path()).append('\n'));
            var host = host(node,
                    "manifest\t" + java.util.Base64.getEncoder()
                            .encodeToString((manifest + "a".repeat(64) + "  .env\n").getBytes()));
            if (!node.equals(B)) fleet = with(fleet, node, new NodeStatus(host, lock(Optional.empty(), -1),
                    history(node), containers(node), Optional.empty()));
        }
        assertTrue(failing(fleet).contains("workers-b.firewall"), () -> "it has the rules of the previous inventory");
        assertFalse(failing(fleet).contains("core.firewall") || failing(fleet).contains("gpu.firewall"),
                failing(fleet)::toString);
        var check = fleet.checks().stream().filter(eachCheck -> eachCheck.id().equals("workers-b.firewall")).findFirst()
                .orElseThrow();
        assertEquals("rules of another inventory: they block a node whose address changed; jbang deploy@ktrdr workers "
                + "B, or workers all", check.found() + "; " + check.fix());
    }

    @Test
    void each_defect_of_a_machine_is_its_own_check() {
        for (var defect : List.of("disk /\t5 workers-b.disk.root", "disk /var/lib/docker\t5 workers-b.disk.docker",
                "disk /mnt/ktrdr-shared\t5 workers-b.disk.share",
                "memory-used\t8500000000 workers-b.memory", "mount\t/mnt/ktrdr-shared\t0\t\t workers-b.share")) {
            int at = defect.lastIndexOf(' ');
            assertEquals(List.of(defect.substring(at + 1)),
                    failing(b(host(B, defect.substring(0, at)), lock(Optional.empty(), -1), history(B),
                            containers(B))));
        }
        var late = failing(b(new MachineFacts(host(B).facts(), -60), lock(Optional.empty(), -1), history(B),
                containers(B)));
        assertEquals(List.of("workers-b.clock"), late.stream().filter(id -> id.startsWith("workers-b")).toList());
    }

    @Test
    void without_an_engine_only_docker_fails() {
        assertEquals(List.of("workers-b.docker"),
                failing(b(host(B, "docker\t", "docker-error\tCannot connect"), lock(Optional.empty(), -1), history(B),
                        List.of())));
    }

    @Test
    void a_lock_fails_only_once_its_heartbeat_stopped() {
        var held = b(host(B), lock(Optional.of(KARL), 3), history(B), containers(B));
        assertEquals(List.of(), failing(held));
        assertTrue(text(held)
                .contains("lock      workers-b: karl@laptop since 2026-01-01T11:59:00Z: deploy workers B sha-2; last "
                        + "heartbeat 3 s ago"), () -> text(held));
        assertEquals(List.of("workers-b.lock"),
                failing(b(host(B), lock(Optional.of(KARL), 31), history(B), containers(B))));
        assertEquals(List.of("workers-b.lock"),
                failing(b(host(B), lock(Optional.of(KARL), -1), history(B), containers(B))));
    }

    @Test
    void an_unfinished_deployment_fails_unless_it_goes_on() {
        var unfinished = new History(history(B).entries(),
                Optional.of(entry("7", "sha-2", History.Ending.INTERRUPTED, List.of())));
        assertEquals(List.of("workers-b.deployment"), failing(b(unfinished)));
        assertTrue(text(b(unfinished)).contains("UNFINISHED"));
        var goesOn = b(host(B), lock(Optional.of(KARL), 3), unfinished,
                List.of(container("backtest-worker-1", "running", "2026-01-01T11:59:30Z")));
        assertEquals(List.of("workers-b.backtest-worker-2.container", "workers-b.training-worker-1.container",
                "workers-b.training-worker-2.container"), failing(goesOn));
        assertTrue(text(goesOn).contains("running  "));
    }

    @Test
    void a_failed_deployment_left_as_is_fails_but_a_rollback_does_not() {
        for (var outcome : History.Ending.values()) {
            var last = entry("2", TAG, outcome, Stack.of(StatusFixtures.INVENTORY, B).services());
            var failing = failing(b(history(B).with(last)));
            boolean left = outcome == History.Ending.FAILED || outcome == History.Ending.INTERRUPTED;
            assertEquals(left ? List.of("workers-b.deployment") : List.of(), failing, outcome::word);
        }
    }

    @Test
    void what_is_not_as_the_last_release_left_it_is_drift() {
        var other = containers(B).stream().map(container -> container.service().equals("training-worker-1")
                ? new Docker.Container(container.id(), container.name(), container.service(), container.image(),
                        "sha256:other", container.status(), container.health(), 0, 0, container.startedAt(), "", "")
                : container).toList();
        assertEquals(List.of("workers-b.services"), failing(b(other)));
        var extra = new ArrayList<>(containers(B));
        extra.add(container("training-worker-3", "running", "2026-01-01T11:00:00Z"));
        assertEquals(List.of("workers-b.services"), failing(b(extra)));
        assertTrue(text(b(extra)).contains("5 of 5   0         1 service"), () -> text(b(extra)));
        assertEquals(List.of("workers-b.training-worker-2.container", "workers-b.services"),
                failing(b(containers(B).subList(0, 3))));
        assertEquals(List.of("workers-b.files"),
                failing(b(host(B, "file .env\t" + "b".repeat(64) + " 644 0:0 1"), lock(Optional.empty(), -1),
                        history(B), containers(B))));
        var damaged = b(host(B, "manifest\tYWJj"), lock(Optional.empty(), -1), history(B), containers(B));
        assertEquals(List.of("workers-b.files"), failing(damaged));
        assertTrue(text(damaged).contains("unknown"), () -> text(damaged));
    }

    @Test
    void nothing_deployed_is_one_check_with_the_command_that_deploys() {
        var empty = b(host(B), lock(Optional.empty(), -1), History.NONE, List.of());
        assertEquals(List.of("workers-b.stack"), failing(empty));
        assertEquals("jbang deploy@ktrdr workers B", new StatusReport(empty).problems().get(0).details().get("to do"));
    }
}
