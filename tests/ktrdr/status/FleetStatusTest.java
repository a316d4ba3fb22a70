package ktrdr.status;

import static ktrdr.status.StatusFixtures.B;
import static ktrdr.status.StatusFixtures.GPU;
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
import static ktrdr.status.StatusFixtures.registered;
import static ktrdr.status.StatusFixtures.text;
import static ktrdr.status.StatusFixtures.with;
import static ktrdr.status.StatusFixtures.without;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Documents;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.deploy.ScalePlan;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.History;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import org.junit.jupiter.api.Test;

/** Which states of the fleet are healthy, and how status shows them. */
class FleetStatusTest {
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

    /** A tag that was pushed again, or a local image build: each node matches its deployment, but the nodes differ. */
    @Test
    void reports_a_tag_that_is_another_image_on_another_node() {
        var reference = containers(B).get(0).image();
        var other = containers(B).stream()
                .map(container -> new Docker.Container(container.id(), container.name(), container.service(),
                        container.image(), "sha256:other", container.status(), container.health(), 0, 0,
                        container.startedAt(), "hash", "")).toList();
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
                    "jbang deploy@ktrdr all --tag sha-1000001 deploys what the registry now has under this tag"),
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
                "registered with the backend but not in the inventory: training worker at http://elsewhere:5005, "
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

    /** Workers of B whose containers all started at this time. */
    private static NodeStatus began(String time) {
        return new NodeStatus(host(B), lock(Optional.empty(), -1), history(B), Stack.of(StatusFixtures.INVENTORY, B)
                .services().stream().map(service -> container(service, "running", time)).toList(), Optional.empty());
    }

    private static FleetStatus down(FleetStatus fleet, String found) {
        var target = new Check(CheckId.ofTarget("workers-b", "training-worker-1"), "workers-b", false,
                "a Prometheus target that is up", found, "curl it", 0);
        return new FleetStatus(fleet.inventory(), fleet.time(), fleet.nodes(), fleet.unreached(), fleet.services(),
                fleet.registered(), fleet.unknown(), fleet.said(), List.of(target), fleet.alerts(), Map.of());
    }

    @Test
    void status_accepts_a_target_not_yet_scraped_but_verify_waits() {
        var young = down(with(fleet(), B, began("2026-01-01T11:59:10.1Z")), "down connection refused");
        assertEquals(List.of(), failing(young));
        assertTrue(young.checks().stream()
                .anyMatch(check -> check.found().equals("down connection refused; Prometheus scrapes it within 15 s")));
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
