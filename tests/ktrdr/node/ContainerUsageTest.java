package ktrdr.node;

import static ktrdr.status.StatusFixtures.B;
import static ktrdr.status.StatusFixtures.fleet;
import static ktrdr.status.StatusFixtures.host;
import static ktrdr.status.StatusFixtures.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Recorded;
import ktrdr.report.Check;
import ktrdr.status.FleetStatus;
import ktrdr.status.NodeStatus;
import ktrdr.status.StatusFixtures;
import ktrdr.status.StatusReport;
import org.junit.jupiter.api.Test;

/** Resource usage of containers, from recorded answers of nodes. */
class ContainerUsageTest {
    private static final String LIMITED =
            "usage 1\tservice=training-worker-1 since=2026-01-01T10:00:00.1Z restarts=2 layer=1500000 limit=512000000 "
                    + "cpus=1500000000 quota=0 period=0 "
            + "nanos=500000000 cpu=250000000 memory=100000000 log=20000 volumes=0";
    private static final String FREE =
            "usage 2\tservice=backtest-worker-1 since=2026-01-01T10:00:00.1Z restarts=0 layer=null limit=0 cpus=0 "
                    + "quota=50000 period=100000 volume=/v "
            + "nanos=500000000 cpu=0 memory= log=0 volumes=3000000";

    private static FleetStatus fleet(String... facts) {
        return with(StatusFixtures.fleet(), B, new NodeStatus(host(B, facts), StatusFixtures.lock(Optional.empty(), -1),
                StatusFixtures.history(B), StatusFixtures.containers(B), Optional.empty()));
    }

    @Test
    void an_answer_is_read_with_its_limits() {
        var usage = fleet(LIMITED, FREE).nodes().get(B).usage();
        assertEquals(List.of(new ContainerUsage("backtest-worker-1", "2026-01-01T10:00:00.1Z", 0, 0, 0, 0, 0.5, 0, 0,
                3_000_000),
                new ContainerUsage("training-worker-1", "2026-01-01T10:00:00.1Z", 2, 100_000_000, 512_000_000, 0.5, 1.5,
                        1_500_000, 20_000, 0)), usage);
    }

    @Test
    void it_is_a_table_and_a_key_where_it_was_asked_for() {
        var report = new StatusReport(fleet(LIMITED, FREE));
        var text = Stream.of(report.tables()).flatMap(table -> table.lines().stream())
                .collect(Collectors.joining("\n"));
        assertTrue(text.contains(
                "workers-b  training-worker-1  100 MB of 512 MB           0.50 of 1.5  1.5 MB   20 KB  0 B      2     "
                        + "    2026-01-01 10:00Z"), text);
        assertTrue(text.contains(
                "workers-b  backtest-worker-1  0 B of 8.6 GB, the node's  0.00 of 0.5  0 B      0 B    3.0 MB   0     "
                        + "    2026-01-01 10:00Z"), text);
        assertTrue(report.json()
                .contains("{\"service\":\"training-worker-1\",\"since\":\"2026-01-01T10:00:00.1Z\",\"restarts\":2,"
                        + "\"memory_used_bytes\":100000000,\"memory_limit_bytes\":512000000,"
                + "\"cpu_used\":0.5,\"cpu_limit\":1.5,\"written_bytes\":1500000,\"log_bytes\":20000,"
                + "\"volumes_bytes\":0}"), report::json);
        assertFalse(new StatusReport(StatusFixtures.fleet()).json().contains("\"usage\""));
    }

    @Test
    void volumes_not_counted_in_time_are_reported_as_unknown() {
        var fleet = fleet(FREE.replace("volumes=3000000", "volumes=unknown"));
        assertEquals(-1, fleet.nodes().get(B).usage().get(0).volumes());
        assertTrue(new StatusReport(fleet).json().contains("\"volumes_bytes\":null"));
    }

    @Test
    void a_container_at_its_own_limit_is_not_well() {
        assertTrue(Check.allOk(fleet(LIMITED, FREE).checks()));
        var failing = fleet(LIMITED.replace("memory=100000000", "memory=500000000")).checks().stream()
                .filter(check -> !check.ok()).map(Check::id).toList();
        assertEquals(List.of("workers-b.training-worker-1.memory"), failing);
    }

    @Test
    void the_script_is_as_it_was_recorded() {
        Recorded.same(ContainerUsageTest.class, "usage.sh", ContainerUsage.script("ktrdr-workers"));
    }
}
