package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Dns.Answers;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

class DnsTest {
    private static final Inventory INVENTORY = Fixtures.inventory();
    private static final Map<String, List<String>> RIGHT = Map.of("backend.ktrdr.test", List.of("10.0.0.10"),
            "grafana.ktrdr.test", List.of("10.0.0.10"),
            "workers-b.ktrdr.test", List.of("10.0.0.11"), "gpu-1.ktrdr.test", List.of("10.0.0.12"));

    private static Map<String, List<String>> but(String name, String... addresses) {
        var answers = new LinkedHashMap<>(RIGHT);
        answers.put(name, List.of(addresses));
        return answers;
    }

    private static Check check(Map<String, List<String>> answers) {
        return Dns.checks(INVENTORY, List.of(new Answers("gpu", "gpu", answers, true))).get(0);
    }

    @Test
    void records_of_every_name_aliases_too() {
        assertEquals(List.of("backend IN A 10.0.0.10", "grafana IN A 10.0.0.10", "workers-b IN A 10.0.0.11",
                "gpu-1 IN A 10.0.0.12"),
                Dns.records(INVENTORY, Dns.Format.bind).subList(2, 6));
        assertTrue(Dns.records(INVENTORY, Dns.Format.unbound)
                .contains("  local-data: \"grafana.ktrdr.test. IN A 10.0.0.10\""));
        assertTrue(Dns.records(INVENTORY, Dns.Format.dnsmasq).contains("host-record=gpu-1.ktrdr.test,10.0.0.12"));
        assertTrue(Dns.records(INVENTORY, Dns.Format.pihole).contains("  \"10.0.0.11 workers-b.ktrdr.test\","));
        assertTrue(Dns.records(INVENTORY, Dns.Format.hosts)
                .contains("10.0.0.10 backend.ktrdr.test grafana.ktrdr.test"));
    }

    @Test
    void an_ipv6_address_has_a_record_of_its_own_type() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("10.0.0.12", "fd00::12"));
        assertTrue(Dns.records(inventory, Dns.Format.bind).contains("gpu-1 IN AAAA fd00::12"));
        var answers = new LinkedHashMap<>(RIGHT);
        answers.put("gpu-1.ktrdr.test", List.of("fd00:0:0:0:0:0:0:12"));
        assertTrue(Dns.checks(inventory, List.of(new Answers("here", "here", answers, true))).get(0).ok());
    }

    @Test
    void a_node_without_an_address_has_no_record_and_that_is_said() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("resolve: inventory\n", "")
                .replace("address: 10.0.0.12, ", ""));
        var problem = assertThrows(Problem.class, () -> Dns.records(inventory, Dns.Format.hosts));
        assertEquals("names without an address have no record: gpu-1.ktrdr.test", problem.sentence());
        assertEquals(Exit.USAGE, problem.exit());
    }

    @Test
    void wrong_and_missing_names_are_told_apart() {
        assertTrue(check(RIGHT).ok());
        assertEquals("workers-b.ktrdr.test is wrong: 10.0.0.99 instead of 10.0.0.11",
                check(but("workers-b.ktrdr.test", "10.0.0.99")).found());
        assertEquals("workers-b.ktrdr.test is missing", check(but("workers-b.ktrdr.test")).found());
        assertEquals("grafana.ktrdr.test is wrong: 10.0.0.10, 10.0.0.98 instead of 10.0.0.10",
                check(but("grafana.ktrdr.test", "10.0.0.10", "10.0.0.98")).found());
        assertFalse(check(Map.of()).ok());
    }

    @Test
    void a_name_without_an_address_has_to_be_the_same_everywhere() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("resolve: inventory\n", "")
                .replace("address: 10.0.0.12, ", ""));
        var checks = Dns.checks(inventory, List.of(new Answers("gpu", "gpu", RIGHT, true),
                new Answers("here", "here", but("gpu-1.ktrdr.test", "10.9.9.9"), true)));
        assertEquals("gpu-1.ktrdr.test resolves differently: 10.0.0.12 / 10.9.9.9", checks.get(0).found());
        assertEquals(List.of("gpu.dns", "here.dns"), checks.stream().map(Check::id).toList());
        assertTrue(Dns.checks(inventory,
                List.of(new Answers("gpu", "gpu", RIGHT, true), new Answers("here", "here", RIGHT, true))).get(0).ok());
    }

    @Test
    void local_dns_may_lack_names_but_not_resolve_them_wrongly() {
        var nothing = Dns.checks(INVENTORY, List.of(new Answers("here", "here", Map.of(), false))).get(0);
        assertTrue(nothing.ok());
        assertEquals("4 of 4 names are not in this machine's DNS, which is not asked (resolve: inventory)",
                nothing.found());
        assertFalse(Dns.checks(INVENTORY,
                List.of(new Answers("here", "here", Map.of("gpu-1.ktrdr.test", List.of("10.9.9.9")), false))).get(0)
                .ok());
    }

    @Test
    void the_script_says_what_programs_get() {
        var said = LocalCommand.command("sh", "-eu")
                .input(Dns.script("resolve", List.of("localhost", "no-such-name.invalid")) + "printf 'end\\tyes\\n'")
                .must().out();
        var addresses = Dns.addresses(Facts.parse(said), "resolve");
        assertTrue(addresses.get("localhost").contains("127.0.0.1") || addresses.get("localhost").contains("::1"),
                said);
        assertEquals(List.of(), addresses.get("no-such-name.invalid"));
    }

    @Test
    void an_address_of_one_interface_is_no_record() {
        var inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("10.0.0.11", "'fe80::1%eth0'"));
        for (var format : Dns.Format.values())
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> Dns.records(inventory, format)).exit());
    }
}
