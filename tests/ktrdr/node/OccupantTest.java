package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.health.RootCauses;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which host answers when ssh accepts swapped addresses: identified by its stack, or by its own name if none runs. */
class OccupantTest {
    private static final Inventory FLEET = Fixtures.inventory();
    @TempDir Path folder;

    private static Occupant occupant(String host, boolean core, String... workers) {
        return new Occupant(host, core ? Optional.of("ktrdr-core") : Optional.empty(), Stream.of(workers)
                .collect(Collectors.toMap(name -> name, name -> "ktrdr-workers")));
    }

    /** The problem reported for a node on a host with or without core's stack, and with workers of these nodes. */
    private static String wrong(Inventory inventory, String node, String host, boolean core, String... workers) {
        return occupant(host, core, workers).problem(inventory, inventory.node(node))
                .map(problem -> problem.sentence() + "; " + problem.details()).orElse("");
    }

    @ParameterizedTest
    @CsvSource({"B,false,gpu,gpu,10.0.0.11", "G,false,workers-b,workers-b,10.0.0.12", "B,true,'',core,10.0.0.11",
            "core,false,workers-b,workers-b,10.0.0.10", "B,true,gpu,gpu,10.0.0.11"})
    void the_host_of_another_node_is_told_by_its_name(String node, boolean core, String workers, String is,
            String address) {
        var wrong = wrong(FLEET, node, "some", core,
                workers.isEmpty() ? new String[0] : new String[] {workers});
        var name = FLEET.node(node).name();
        assertTrue(wrong.startsWith(name + ": the host that answers at " + address + " is " + is + ", not "
                + name),
                wrong);
        assertTrue(wrong.contains("correct the `address` of " + name + " and " + is + " in ")
                && wrong.contains("docker compose -p ktrdr-"), wrong);
    }

    @ParameterizedTest
    @CsvSource({"B,false,workers-b", "B,true,workers-b", "core,true,workers-b", "core,true,''", "B,false,''",
            "core,false,''", "B,false,renamed", "core,false,renamed", "B,true,renamed"})
    void accepts_its_own_stack_a_fresh_host_and_an_unknown_node(String node, boolean core, String workers) {
        assertEquals("", wrong(FLEET, node, "some", core, workers.isEmpty() ? new String[0] : new String[] {workers}));
    }

    @Test
    void the_hostname_counts_only_on_a_host_without_a_stack() {
        assertTrue(wrong(FLEET, "B", "gpu-1", false).contains("is gpu, not workers-b")
                && wrong(FLEET, "B", "GPU-1", false).contains("hostnamectl set-hostname workers-b"));
        assertTrue(wrong(FLEET, "core", "workers-b", false).contains("a host that calls itself workers-b"));
        for (var host : List.of("", "debian", "workers-b")) assertEquals("", wrong(FLEET, "B", host, false));
        assertEquals("", wrong(FLEET, "B", "gpu-1", false, "workers-b"));
    }

    @Test
    void one_host_without_addresses_may_be_core_and_a_workers_node() {
        var named = Fixtures.inventory(Fixtures.INVENTORY.replaceAll("address: [0-9.]+, ", "")
                .replace("resolve: inventory", "resolve: dns"));
        assertEquals("", wrong(named, "B", "backend", true));
        assertEquals("", wrong(named, "core", "workers-b", false, "workers-b"));
        assertEquals("", wrong(named, "B", "backend", false));
        assertTrue(wrong(named, "G", "backend", true, "workers-b").contains("is workers-b, not gpu"));
    }

    @Test
    void names_that_dns_resolves_are_corrected_there() {
        var wrong = wrong(Fixtures.inventory(Fixtures.INVENTORY.replace("resolve: inventory", "resolve: dns")), "B",
                "some", false, "gpu");
        assertTrue(wrong.contains("at workers-b.ktrdr.test is gpu")
                && wrong.contains("correct the addresses in DNS of workers-b and gpu,"), wrong);
    }

    @Test
    void a_failed_host_check_explains_the_nodes_other_failures() {
        var check = occupant("some", false, "gpu").check(FLEET, FLEET.node("B")).orElseThrow();
        assertEquals("workers-b.host", check.id());
        assertEquals("the host that answers at 10.0.0.11 is gpu, not workers-b: containers of ktrdr-workers that were "
                + "started for gpu", check.found());
        assertFalse(check.ok() || check.fix().contains("Nothing was changed"));
        var core = occupant("some", false, "gpu").check(FLEET, FLEET.node("core")).orElseThrow();
        var others = List.of("workers-b.stack", "backend.health", "workers.list").stream()
                .map(id -> new Check(Fixtures.id(id, "workers-b"), "", false, "", "", "", 0));
        assertEquals(List.of("core.host does not hold", "workers-b.host does not hold"),
                RootCauses.problems(FLEET, Stream.concat(Stream.of(core, check), others).toList()).stream()
                        .map(Problem::sentence).toList());
        assertTrue(Occupant.UNKNOWN.check(FLEET, FLEET.node("B")).isEmpty());
    }

    @Test
    void identifies_a_host_by_the_folders_of_its_containers() throws IOException {
        var there = Files.createDirectories(folder.resolve("opt/some where"));
        Files.writeString(there.resolve(".env.workers"),
                "IMAGE_TAG=sha-1\nNODE=gpu\nWORKER_HOSTNAME=gpu-1.ktrdr.test\n");
        var marks = Fixtures.MARKS;
        for (var script : List.of(marks.script(), marks.tools() + NodeContainer.SCRIPT)) {
            var ports = script.equals(marks.script()) ? "running|" : "0.0.0.0:5003->5003/tcp|";
            var said = List.of("training-worker-1|ktrdr-workers|" + ports + there, "backtest-worker-1|ktrdr-workers|"
                    + ports + "/gone", "ktrdr-mcp|ktrdr-core|" + ports + "/srv/mcp", "web|shop|" + ports + "/srv");
            Fixtures.program(folder.resolve("docker"), "cat <<'E'\n" + String.join("\n", said) + "\nE\n");
            assertEquals(Map.of("gpu", "ktrdr-workers"), asked(script).workers());
            assertTrue(asked(script).core().isEmpty(), "what is in core's project and none of core's");
            Fixtures.program(folder.resolve("docker"), "echo 'ktrdr-db|ktrdr-core|" + ports + "/opt/ktrdr-core'\n");
            assertEquals(Optional.of("ktrdr-core"), asked(script).core());
            Fixtures.program(folder.resolve("docker"), "echo cannot >&2; exit 1\n");
            assertEquals(Map.of(), asked(script).workers());
        }
    }

    private Occupant asked(String script) {
        var text = "PATH=" + folder + ":$PATH\n" + Facts.SAY + Sh.let("directory", folder.toString()) + script
                + "say end yes\n";
        return Occupant.parse(Facts.parse(LocalCommand.command("sh", "-eu").input(text).must().out()));
    }
}
