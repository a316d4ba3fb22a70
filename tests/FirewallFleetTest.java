import static lab.Aftermath.OLDER;
import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A fleet whose inventory limits access to the database and the workers, and binds one node's ports. A fourth host, the
 * lab's DNS server, tests the access.
 */
@Tag("fleet")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FirewallFleetTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private static final List<String> CLOSED = List.of("10.42.1.10 5432", "10.42.1.11 5003", "10.42.1.12 5005");
    private static final List<String> OPEN = List.of("10.42.1.10 22", "10.42.1.10 8000", "10.42.1.11 22",
            "10.42.1.11 9100");
    @TempDir static Path folder;
    private static Path inventory;
    private static List<String> before;

    @BeforeAll
    static void a_fleet_as_any_other_is_given_rules() {
        if (!HOSTS.stream().map(Aftermath::release).allMatch(OLDER::equals))
            good(ktrdr("deploy", "all", "--tag", OLDER).run());
        before = answering();
        inventory = World.inventory(folder, "tracing:", "firewall: {}\ntracing:", "address: 10.42.1.12,",
                "address: 10.42.1.12, bind: 10.42.1.12,");
        var containers = containers();
        var deployed = good(by("deploy", "all", "--tag", OLDER));
        assertTrue(!deployed.err().contains(" firewall "), deployed::toString);
        // only the node with newly bound ports has a reason to replace containers
        assertEquals(containers, containers());
    }

    @AfterAll
    static void taken_out_of_the_inventory_nothing_of_it_is_left() {
        good(ktrdr("deploy", "all", "--tag", OLDER).run());
        assertEquals(before, answering());
        for (var host : HOSTS) {
            assertEquals("", World.on(host,
                    "{ iptables-save; ip6tables-save; } | grep KTRDR || :; ls -d "
                            + "/etc/systemd/system/ktrdr-firewall.service "
                            + "/etc/systemd/system/*/ktrdr-firewall.service /opt/*/firewall 2>/dev/null || :"));
            assertEquals("-A DOCKER-USER -j RETURN", World.on(host, "iptables -S DOCKER-USER | grep ^-A"));
            assertEquals("", World.on(host, "systemctl --failed --no-legend | grep ktrdr || :"));
        }
        assertTrue(World.on("workers-c", "ss -Hltn").contains("0.0.0.0:5003"));
    }

    private static Ran by(String... words) {
        return ktrdr(words).env("KTRDR_INVENTORY", inventory.toString()).run();
    }

    private static Ran good(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** Containers of the nodes whose port binding is unchanged. */
    private static List<Map<String, String>> containers() {
        return List.of(World.containers("core"), World.containers("workers-b"));
    }

    /** Opens a TCP connection to an address and a port. */
    private static String connect(String port) {
        return "timeout 0.5 bash -c 'exec 3<>/dev/tcp/$0/$1' " + port + " 2>/dev/null";
    }

    /** Prints which of these ports accept a connection. */
    private static String connects(List<String> ports) {
        return ports.stream().map(port -> "{ if " + connect(port) + "; then echo " + port + "; fi; } &\n")
                .collect(Collectors.joining()) + "wait\n";
    }

    private static List<String> answering() {
        var all = new ArrayList<>(CLOSED);
        all.addAll(OPEN);
        return World.services(connects(all)).lines().sorted().toList();
    }

    @Test
    @Order(1)
    void a_foreign_host_loses_access_to_the_database_and_workers() {
        assertTrue(before.containsAll(CLOSED) && before.containsAll(OPEN), before::toString);
        assertEquals(OPEN, answering());
    }

    @Test
    @Order(2)
    void every_node_reaches_them() {
        for (var host : HOSTS) assertEquals(CLOSED, World.on(host, connects(CLOSED)).lines().sorted().toList(), host);
    }

    /** As at boot, when the kernel has no rule: the unit starts before Docker, and Docker keeps existing rules. */
    @Test
    @Order(3)
    void docker_starts_behind_the_rules() {
        World.on("workers-b",
                "systemctl stop docker.socket docker; iptables -F; iptables -X; ip6tables -F; ip6tables -X; systemctl "
                        + "start docker");
        World.on("core", "for i in $(seq 150); do if " + connect("10.42.1.11 5003")
                + "; then exit 0; fi; sleep 0.2; done; exit 1");
        assertEquals(OPEN, answering());
        assertEquals("", World.on("workers-b", "sh /opt/ktrdr-workers-b/firewall/firewall.sh check"));
        World.on("workers-b",
                "[ \"$(systemctl show --value -p ExecMainExitTimestampMonotonic ktrdr-firewall)\" -lt \"$(systemctl "
                        + "show --value -p ExecMainStartTimestampMonotonic docker)\" ]");
    }

    @Test
    @Order(5)
    void all_is_well() {
        good(by("verify", "--quick", "--wait", "60s"));
        good(by("status"));
    }

    @Test
    @Order(4)
    void bound_ports_answer_at_the_address_of_their_node_alone() {
        assertEquals("10.42.1.12:5003 10.42.1.12:5005 10.42.1.12:9100",
                World.on("workers-c", "ss -Hltn | awk '$4 ~ /:(50..|9100)$/ { print $4 }' | sort | xargs"));
    }

    @Test
    @Order(6)
    void a_worker_at_work_behind_the_rules_is_not_stopped_unasked() {
        World.occupy("workers-b", 5004, "op_behind_rules", Duration.ofMinutes(1));
        var ran = by("scale", "B", "1", "--wait-idle", "1s");
        assertTrue(ran.exit() == 2
                && ran.err().contains("backtest-worker-2 is running operation op_behind_rules, which would be stopped"),
                ran::toString);
        World.on("workers-b", "curl -fsS -X DELETE http://localhost:5004/operations/op_behind_rules");
    }

    /**
     * The next full deployment restores the node. It can be retired by address without an inventory entry, and by name.
     */
    @Test
    @Order(8)
    void a_node_that_leaves_keeps_nothing_of_ours_but_data() throws IOException {
        var known = World.inventory().resolveSibling("known_hosts");
        var byAddress = Files.writeString(folder.resolve("known_hosts"),
                Files.readString(known).replaceAll("(?m)^workers-c\\S*", "10.42.1.12"));
        var without = World.inventory(Files.createDirectories(folder.resolve("without")), "  workers-c: {",
                "  # workers-c: {", "known_hosts: known_hosts", "known_hosts: " + byAddress).toString();
        World.occupy("workers-b", 5004, "op_of_leaving_node", Duration.ofMinutes(1));
        refused(1, by("retire", "B", "--yes"), "workers-b: workers are busy, nothing was changed",
                "backtest-worker-2 is running operation op_of_leaving_node");
        World.on("workers-b", "curl -fsS -X DELETE http://localhost:5004/operations/op_of_leaving_node");
        refused(2, by("retire", "core", "--yes"), "core is the core node of this inventory");
        refused(2, by("retire", "C", "--data", "B", "--yes"), "--data needs the same name again");
        var would = good(by("retire", "C", "--dry-run", "-o", "json")).json();
        var there = "{ iptables-save; ip6tables-save; } | grep -c KTRDR || :; docker ps -a --format '{{.Names}}'; ls "
                + "-d /etc/systemd/system/ktrdr-* /opt/ktrdr-workers-c 2>/dev/null || :";
        assertTrue(World.on("workers-c", there).contains("training-worker-1"));
        var done = good(ktrdr("retire", "root@10.42.1.12", "--yes", "-o", "json").env("KTRDR_INVENTORY", without).run())
                .json();
        assertEquals(would.path("would_remove"), done.path("removed"));
        assertEquals("0", World.on("workers-c", there));
        assertTrue(done.path("next").toString().contains("jbang deploy@ktrdr core prometheus"), done::toString);
        assertEquals("[]", good(by("retire", "C", "--yes", "-o", "json")).json().path("removed").toString());
    }

    @Test
    @Order(7)
    void verify_infra_finds_flushed_rules_and_deploy_restores_them() {
        World.on("workers-b", "iptables -F KTRDR-FLEET");
        assertTrue(answering().contains("10.42.1.11 5003"));
        var found = by("verify-infra", "B", "-o", "json");
        assertEquals(1, found.exit(), found::toString);
        assertEquals(List.of("workers-b.firewall"), List.copyOf(found.failing().keySet()));
        good(by("deploy", "workers", "B", "--tag", OLDER));
        assertEquals(OPEN, answering());
    }
}
