package ktrdr.status;

import static ktrdr.status.StatusFixtures.B;
import static ktrdr.status.StatusFixtures.CORE;
import static ktrdr.status.StatusFixtures.GPU;
import static ktrdr.status.StatusFixtures.TAG;
import static ktrdr.status.StatusFixtures.container;
import static ktrdr.status.StatusFixtures.containers;
import static ktrdr.status.StatusFixtures.entry;
import static ktrdr.status.StatusFixtures.fleet;
import static ktrdr.status.StatusFixtures.history;
import static ktrdr.status.StatusFixtures.host;
import static ktrdr.status.StatusFixtures.lock;
import static ktrdr.status.StatusFixtures.registered;
import static ktrdr.status.StatusFixtures.with;
import static ktrdr.status.StatusFixtures.without;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Documents;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.deploy.ScalePlan;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import org.junit.jupiter.api.Test;

/** What is well and what is not, and how that reads. */
class FleetStatusTest {
    private static final LockScripts.Owner KARL = new LockScripts.Owner("7", "karl@laptop", "2026-01-01T11:59:00Z",
            "deploy workers B sha-2");

    @Test
    void a_watch_without_a_reader_ends() {
        var lines = new AtomicInteger();
        var out = new PrintStream(new OutputStream() {
            @Override
            public void write(int number) throws IOException {
                if (number == '\n' && lines.incrementAndGet() == 2) throw new IOException("Broken pipe");
            }
        }, true);
        var asked = new AtomicInteger();
        var console = new Console(out, System.err, Console.Color.never, false, false, false);
        new StatusWatch(console, false, Duration.ofMillis(1)).run(() -> {
            asked.incrementAndGet();
            return fleet();
        }, Optional.of(Duration.ofSeconds(20)));
        assertEquals(2, asked.get());
    }

    private static List<String> failing(FleetStatus fleet) {
        return fleet.checks().stream().filter(check -> !check.ok()).map(Check::id).toList();
    }

    private static FleetStatus b(MachineFacts host, LockScripts.LockState lock, History history,
            List<Docker.Container> containers) {
                return with(fleet(), B, new NodeStatus(host, lock, history, containers, Optional.empty()));
            }

    private static FleetStatus b(History history) {
        return b(host(B), lock(Optional.empty(), -1), history, containers(B));
    }

    private static FleetStatus b(List<Docker.Container> containers) {
        return b(host(B), lock(Optional.empty(), -1), history(B), containers);
    }

    private static String text(FleetStatus fleet) {
        return Stream.of(new StatusReport(fleet).tables()).flatMap(table -> table.lines().stream())
                .collect(Collectors.joining("\n"));
    }

    @Test
    void a_fleet_that_is_well_holds_every_check() {
        assertEquals(List.of(), failing(fleet()));
        assertEquals(Exit.OK, fleet().exit());
        assertTrue(text(fleet())
                .contains("workers-b  sha-1000001  2026-01-01 10:00Z  karl@laptop  deployed  4 of 4   0         none  "
                        + " free"), () -> text(fleet()));
        assertTrue(text(fleet()).contains("no backup yet"), () -> text(fleet()));
    }

    @Test
    void an_unreached_node_exits_3_and_is_told_once_with_its_effects() {
        var gone = registered(without(fleet(), GPU), List.of());
        assertEquals(Exit.UNREACHABLE, gone.exit());
        var problems = new StatusReport(gone).problems();
        assertEquals(List.of("gpu.ssh does not hold", "workers-b.backtest-worker-1.registered does not hold"),
                problems.stream().map(Problem::sentence).toList());
        assertEquals("gpu.training-worker-1.registered", problems.get(0).details().get("as well"));
        assertTrue(text(gone).contains("gpu        not reached"), () -> text(gone));
    }

    /** With a timer on core that was written two days ago and will run in an hour, and a backup of so many hours. */
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

    /** The same fleet by an inventory with these lines more. */
    private static FleetStatus by(String lines, FleetStatus fleet) {
        return new FleetStatus(Fixtures.inventory(Fixtures.INVENTORY + lines), fleet.time(), fleet.nodes(),
                fleet.unreached(), fleet.services(), fleet.registered(), fleet.unknown(), fleet.said(),
                fleet.targets(), fleet.alerts());
    }

    @Test
    void a_wanted_but_missing_backup_schedule_is_a_difference() {
        var absent = by("backup: {schedule: daily}\n", fleet());
        assertEquals(List.of("core.backup"), failing(absent));
        var told = new StatusReport(absent).problems().get(0).details();
        assertEquals("a backup every day at 02:00, by backup.schedule of the inventory; no timer makes one; jbang "
                + "backup-db@ktrdr --schedule",
                told.get("expected") + "; " + told.get("found") + "; " + told.get("to do"));
        assertEquals(List.of("core.backup"),
                failing(by("backup: {schedule: \"03:30\"}\n", scheduled("success", "ktrdr-1.dump.zst", 3))));
        assertEquals(List.of(),
                failing(by("backup: {schedule: \"02:00\"}\n", scheduled("success", "ktrdr-1.dump.zst", 3))));
    }

    /** As on workers nodes once core has another address: they let in those of before. */
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
        assertTrue(failing(fleet).contains("workers-b.firewall"), () -> "it stands with the rules of before");
        assertFalse(failing(fleet).contains("core.firewall") || failing(fleet).contains("gpu.firewall"),
                failing(fleet)::toString);
        var check = fleet.checks().stream().filter(eachCheck -> eachCheck.id().equals("workers-b.firewall")).findFirst()
                .orElseThrow();
        assertEquals("rules of another inventory: a node whose address is new is kept out; jbang deploy@ktrdr workers "
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
    void without_an_engine_docker_is_told_and_not_each_container() {
        assertEquals(List.of("workers-b.docker"),
                failing(b(host(B, "docker\t", "docker-error\tCannot connect"), lock(Optional.empty(), -1), history(B),
                        List.of())));
    }

    @Test
    void a_lock_is_told_and_only_one_whose_holder_is_gone_is_not_well() {
        var held = b(host(B), lock(Optional.of(KARL), 3), history(B), containers(B));
        assertEquals(List.of(), failing(held));
        assertTrue(text(held)
                .contains("lock      workers-b: karl@laptop since 2026-01-01T11:59:00Z: deploy workers B sha-2; last "
                        + "sign 3 s ago"), () -> text(held));
        assertEquals(List.of("workers-b.lock"),
                failing(b(host(B), lock(Optional.of(KARL), 31), history(B), containers(B))));
        assertEquals(List.of("workers-b.lock"),
                failing(b(host(B), lock(Optional.of(KARL), -1), history(B), containers(B))));
    }

    @Test
    void a_deployment_that_nobody_ended_is_told_unless_it_goes_on() {
        var unfinished = new History(history(B).entries(),
                Optional.of(entry("7", "sha-2", History.Ending.INTERRUPTED, List.of())));
        assertEquals(List.of("workers-b.deployment"), failing(b(unfinished)));
        assertTrue(text(b(unfinished)).contains("UNFINISHED"));
        var goesOn = b(host(B), lock(Optional.of(KARL), 3), unfinished,
                List.of(container("backtest-worker-1", "running", "2026-01-01T11:59:30Z")));
        assertEquals(List.of("workers-b.backtest-worker-2.container", "workers-b.training-worker-1.container",
                "workers-b.training-worker-2.container"), failing(goesOn));
        assertTrue(text(goesOn).contains("goes on"));
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
                        "sha256:other", container.status(), container.health(), 0, 0, container.startedAt(), "")
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

    /**
     * A tag that was pushed again, or an image that was built there: each node is as it was deployed, and they are not
     * alike.
     */
    @Test
    void reports_a_tag_that_is_another_image_on_another_node() {
        var reference = containers(B).get(0).image();
        var other = containers(B).stream()
                .map(container -> new Docker.Container(container.id(), container.name(), container.service(),
                        container.image(), "sha256:other", container.status(), container.health(), 0, 0,
                        container.startedAt(), "hash")).toList();
        for (var digest : List.of("", "registry.test:5000/ktrdr-backend@sha256:0123456789abcdef")) {
            var images = new LinkedHashMap<String, Docker.Image>();
            other.forEach(container ->
                    images.put(container.service(), new Docker.Image(container.image(), container.imageId(), digest)));
            var entry = history(B).current().orElseThrow();
            var deployed = History.Entry.of("1", entry.tag(), History.Ending.DEPLOYED).time(entry.time())
                    .by("karl", "laptop").command("deploy").target("workers").services(entry.services())
                    .images(images).configuration(entry.configuration()).build();
            var fleet = b(host(B), lock(Optional.empty(), -1), new History(List.of(deployed), Optional.empty()), other);
            assertEquals(List.of("images.ktrdr-backend:sha-1000001"), failing(fleet));
            var check = fleet.checks().stream().filter(eachCheck -> !eachCheck.ok()).findFirst().orElseThrow();
            assertEquals("sha256:ktrdr on core, gpu; " + (digest.isEmpty() ? "sha256:other" : "sha256:0123456789ab")
                    + " on workers-b", check.found());
            assertEquals(List.of("one image " + reference + " on all nodes",
                    "jbang deploy@ktrdr all --tag sha-1000001 gives all of them what the registry has under it now"),
                    List.of(check.expected(), check.fix()));
        }
    }

    @Test
    void what_was_staged_and_not_deployed_is_a_remark() {
        var last = entry("1", TAG, History.Ending.DEPLOYED, Stack.of(StatusFixtures.INVENTORY, B).services());
        var before = History.Entry.of("1", TAG, last.outcome()).time(last.time()).by("k", "l").target("workers")
                .services(last.services()).images(last.images()).configuration("another").scale(2).build();
        var staged = b(new History(List.of(before), Optional.empty()));
        assertEquals(List.of(), failing(staged));
        assertEquals(List.of("workers-b: files were staged and not deployed yet"), new StatusReport(staged).remarks());
    }

    @Test
    void nothing_deployed_is_one_check_with_the_command_that_deploys() {
        var empty = b(host(B), lock(Optional.empty(), -1), History.NONE, List.of());
        assertEquals(List.of("workers-b.stack"), failing(empty));
        assertEquals("jbang deploy@ktrdr workers B", new StatusReport(empty).problems().get(0).details().get("to do"));
    }

    @Test
    void workers_are_counted_by_their_addresses() {
        var all = registered(fleet(), List.of());
        var registered = new ArrayList<>(StatusFixtures.registered());
        registered.set(0,
                new Backend.Worker("1", "backtesting", registered.get(0).endpointUrl(), "busy", "", Optional.empty()));
        registered.set(1, new Backend.Worker("2", "backtesting", registered.get(1).endpointUrl(),
                "temporarily_unavailable", "", Optional.empty()));
        registered.add(new Backend.Worker("ghost", "backtesting", registered.get(0).endpointUrl(),
                "temporarily_unavailable", "", Optional.empty()));
        registered.add(new Backend.Worker("stranger", "training", "http://elsewhere:5005", "available", "",
                Optional.empty()));
        var fleetStatus = registered(fleet(), registered);
        assertEquals(List.of("workers-b.backtest-worker-2.registered", "workers.unexpected"), failing(fleetStatus));
        assertTrue(text(fleetStatus).contains("workers-b  2          1     1        1       ?"),
                () -> text(fleetStatus));
        assertEquals(List.of(
                "registered with the backend and not in the inventory: training worker at http://elsewhere:5005, "
                        + "available"),
                new StatusReport(fleetStatus).remarks());
        assertTrue(text(all).contains("workers-b  0          0     4        0       ?"), () -> text(all));
    }

    @Test
    void one_line_says_whether_all_is_well_and_else_what_is_not() {
        assertEquals("2026-01-01T12:00:00Z  ok  3 of 3 nodes, 10 of 10 containers, 5 of 5 workers, 2 of 2 targets",
                new StatusReport(fleet()).line());
        assertEquals("2026-01-01T12:00:00Z  NOT WELL  2 of 3 nodes, 9 of 9 containers, 0 of 5 workers, 2 of 2 "
                + "targets; gpu.ssh, workers-b.backtest-worker-1.registered,"
                + " workers-b.backtest-worker-2.registered, workers-b.training-worker-1.registered, "
                + "workers-b.training-worker-2.registered and 1 more",
                new StatusReport(registered(without(fleet(), GPU), List.of())).line());
    }

    @Test
    void a_document_has_a_line_of_its_own_and_every_node() {
        var json = Json.parse(new StatusReport(without(fleet(), GPU)).json(), "status");
        Documents.hold(json);
        assertFalse(json.path("ok").asBoolean());
        assertEquals(List.of("core", "workers-b", "gpu"), json.path("nodes").findValuesAsText("node"));
        assertEquals("available", json.path("workers").path("workers-b").path("training-worker-2").asText());
        assertEquals(TAG, json.path("nodes").get(1).path("release").asText());
        assertTrue(json.path("nodes").get(0).path("lock").isNull() && json.path("backup").isNull());
    }

    /** Workers of B at this time, as the container of each began. */
    private static NodeStatus began(String time) {
        return new NodeStatus(host(B), lock(Optional.empty(), -1), history(B), Stack.of(StatusFixtures.INVENTORY, B)
                .services().stream().map(service -> container(service, "running", time)).toList(), Optional.empty());
    }

    private static FleetStatus down(FleetStatus fleet, String found) {
        var target = new Check(CheckId.ofTarget("workers-b", "training-worker-1"), "workers-b", false,
                "a Prometheus target that is up", found, "curl it", 0);
        return new FleetStatus(fleet.inventory(), fleet.time(), fleet.nodes(), fleet.unreached(), fleet.services(),
                fleet.registered(), fleet.unknown(), fleet.said(), List.of(target), fleet.alerts());
    }

    @Test
    void status_accepts_a_target_not_yet_scraped_but_verify_waits() {
        var young = down(with(fleet(), B, began("2026-01-01T11:59:10.1Z")), "down connection refused");
        assertEquals(List.of(), failing(young));
        assertTrue(young.checks().stream()
                .anyMatch(check -> check.found().equals("down connection refused; Prometheus asks it within 15 s")));
        assertEquals(List.of("target.workers-b.training-worker-1"),
                young.checks(true).stream().filter(check -> !check.ok()).map(Check::id).toList());
        assertEquals(List.of(), failing(down(fleet(), "unknown")));
        assertEquals(List.of("target.workers-b.training-worker-1"),
                failing(down(with(fleet(), B, began("2026-01-01T11:57:10.1Z")), "down connection refused")));
    }

    @Test
    void a_chosen_scale_counts_until_the_next_deployment() {
        var node = StatusFixtures.INVENTORY.node("workers-b");
        for (var eachEntry : Map.of("scale B 3", true, "rollback workers B", true, "deploy workers B sha-1 --scale 3",
                true, "deploy workers B sha-1", false).entrySet()) {
                    var entry = entry("1", "sha-1", History.Ending.DEPLOYED,
                            StatusFixtures.INVENTORY.workersOf(node.withScale(3)).stream().map(Inventory.Worker::name)
                                    .toList());
                    var named = entry.edit().command(eachEntry.getKey()).target("workers").scale(3).build();
                    var history = new History(List.of(named), Optional.empty());
                    assertEquals(eachEntry.getValue() ? Optional.of(3) : Optional.empty(),
                            ScalePlan.chosen(node, history),
                            eachEntry.getKey());
                    assertEquals(Optional.empty(), ScalePlan.chosen(StatusFixtures.INVENTORY.node("gpu"), history),
                            "workers by type");
                }
        assertEquals(Optional.empty(), ScalePlan.chosen(node, history(B)), "the inventory's own");
    }
}
