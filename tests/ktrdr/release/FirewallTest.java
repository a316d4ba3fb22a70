package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.release.Templates.NodeFile;
import lab.NetworkNamespace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The rules that restrict the database and the workers to the fleet, and their effect in the kernel: the real iptables
 * in a network namespace.
 */
class FirewallTest {
    static final String ON = Fixtures.INVENTORY + "firewall: {allow: [10.0.5.7, 192.168.7.0/24, \"fd00:5::/64\"]}\n";
    /** The rules that Docker adds at its start, for one address family: {@code iptables} or {@code ip6tables}. */
    private static final String DOCKER = """
            docker() {
              "$1" -S DOCKER-USER >/dev/null 2>&1 || "$1" -N DOCKER-USER
              "$1" -C DOCKER-USER -j RETURN 2>/dev/null || "$1" -A DOCKER-USER -j RETURN
              "$1" -C FORWARD -j DOCKER-USER 2>/dev/null || "$1" -I FORWARD -j DOCKER-USER
            }
            """;
    @TempDir Path folder;

    private static List<NodeFile> files(String inventory, String node) {
        var read = Fixtures.inventory(inventory);
        return new Templates(read).render(read.node(node), "t").stream()
                .filter(file -> file.path().startsWith(Firewall.FOLDER)).toList();
    }

    private static List<String> rules(String inventory, String node, String path) {
        return files(inventory, node).stream().filter(file -> file.path().equals(path))
                .flatMap(file -> file.content().lines()).filter(line -> line.startsWith("-A ")).toList();
    }

    @Test
    void without_the_key_there_is_no_file_of_it() {
        for (var node : List.of("core", "B", "G")) assertEquals(List.of(), files(Fixtures.INVENTORY, node));
    }

    @Test
    void rules_allow_the_fleet_in_order_and_drop_all_others() {
        assertEquals(List.of("-A KTRDR-FLEET -i lo -j RETURN", "-A KTRDR-FLEET -s 10.0.0.10 -j RETURN",
                "-A KTRDR-FLEET -s 10.0.0.11 -j RETURN", "-A KTRDR-FLEET -s 10.0.0.12 -j RETURN",
                "-A KTRDR-FLEET -s 10.0.5.7 -j RETURN", "-A KTRDR-FLEET -s 192.168.7.0/24 -j RETURN",
                "-A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport 5432 --ctdir ORIGINAL -j DROP"),
                rules(ON, "core", Firewall.RULES_V4));
        assertEquals(List.of("-A KTRDR-FLEET -i lo -j RETURN", "-A KTRDR-FLEET -s fd00:5::/64 -j RETURN",
                "-A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport 5432 --ctdir ORIGINAL -j DROP"),
                rules(ON, "core", Firewall.RULES_V6));
        // an address that is allowed twice, as a node and by its address, has one rule
        assertEquals(rules(Fixtures.INVENTORY + "firewall: {}\n", "core", Firewall.RULES_V4),
                rules(Fixtures.INVENTORY + "firewall: {allow: [10.0.0.12, 10.0.0.12]}\n", "core", Firewall.RULES_V4));
        assertEquals(List.of(), rules(Fixtures.INVENTORY + "firewall: {}\n", "B", Firewall.RULES_V6).stream()
                .filter(rule -> rule.contains(" -s ")).toList());
    }

    /** Each DROP rule names one published port of the toolkit, so a mistake in a set cannot lock out ssh. */
    @Test
    void nothing_but_these_ports_is_ever_closed() {
        var dropped = new TreeSet<Integer>();
        for (var node : List.of("core", "B", "G"))
            for (var path : List.of(Firewall.RULES_V4, Firewall.RULES_V6))
                for (var rule : rules(ON.replace("firewall:", "services: {db: {port: 15432}}\nfirewall:"), node,
                        path)) {
                    if (rule.endsWith("-j RETURN")) continue;
                    var drop = Pattern.compile(
                            "-A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport (\\d+) --ctdir ORIGINAL -j "
                                    + "DROP")
                            .matcher(rule);
                    assertTrue(drop.matches(), rule);
                    dropped.add(Integer.parseInt(drop.group(1)));
                }
        assertEquals(Set.of(5003, 5004, 5005, 5006, 5007, 5008, 15432), dropped);
    }

    @Test
    void to_go_back_to_a_release_opens_nothing() {
        var before = List.of(new NodeFile("docker-compose.core.yml", "old", "644"),
                new NodeFile(Firewall.RULES_V4, "old", "644"));
        var after = Firewall.current(before,
                new Templates(Fixtures.inventory(ON)).render(Fixtures.inventory(ON).core(), "t"));
        assertEquals(List.of("docker-compose.core.yml", Firewall.SCRIPT, Firewall.RULES_V4, Firewall.RULES_V6,
                Firewall.UNIT), after.stream().map(NodeFile::path).toList());
        assertTrue(after.stream()
                .noneMatch(file -> file.path().equals(Firewall.RULES_V4) && file.content().equals("old")));
        assertEquals(before.subList(0, 1),
                Firewall.current(before, new Templates(Fixtures.inventory()).render(Fixtures.inventory().core(), "t")));
    }

    /** Writes a node's firewall files for this inventory into the folder. */
    static List<NodeFile> lay(Path folder, String inventory, String node) throws IOException {
        var files = files(inventory, node);
        for (var file : files) {
            var path = folder.resolve(file.path());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.content());
        }
        return files;
    }

    /** The output of a script, run in the folder and in this network namespace. */
    private String on(NetworkNamespace machine, String script) {
        return machine.command("sh", "-euc", "firewall() { sh firewall/firewall.sh \"$@\"; }\n" + DOCKER + script)
                .directory(folder).must().out().strip();
    }

    private String alone(String inventory, String node, String script) throws IOException {
        lay(folder, inventory, node);
        try (var machine = NetworkNamespace.open()) {
            return on(machine, script);
        }
    }

    static void needRoot() {
        boolean able = Stream.of("iptables", "ip6tables")
                .allMatch(text -> LocalCommand.command("unshare", "-n", text, "-w", "10", "-A", "INPUT", "-m",
                        "conntrack", "--ctstate", "DNAT", "-j", "RETURN").run().ok());
        assumeTrue(able, "needs root, iptables and a kernel with connection tracking and IPv6");
    }

    /** Up twice, with a foreign change between, then down twice. */
    private static final String UP_AND_DOWN = """
            docker iptables
            iptables -I DOCKER-USER -s 10.9.9.9 -j ACCEPT
            firewall check | head -n 1
            firewall up
            firewall check
            iptables -S DOCKER-USER | grep ^-A
            iptables -S KTRDR-FLEET | tail -n 1
            # over IPv4 Docker always rewrites: what listens on the node itself is not ours
            iptables -S | grep -e '-j KTRDR-FLEET'
            ip6tables -S | grep -e '-j KTRDR-FLEET' | sort
            there() { { iptables-save; ip6tables-save; } | grep -v '^#'; }
            before=$(there)
            firewall up
            docker iptables
            [ "$(there)" = "$before" ] && echo once
            firewall down
            firewall down
            iptables -S DOCKER-USER | grep ^-A
            echo "$(there | grep -c KTRDR) of ours"
            firewall sideways || echo "$?"
            """;
    private static final String UP_AND_DOWN_SAID = """
            iptables: the chain KTRDR-FLEET is not there
            -A DOCKER-USER -m conntrack --ctstate DNAT -j KTRDR-FLEET
            -A DOCKER-USER -s 10.9.9.9/32 -j ACCEPT
            -A DOCKER-USER -j RETURN
            -A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport 5432 --ctdir ORIGINAL -j DROP
            -A DOCKER-USER -m conntrack --ctstate DNAT -j KTRDR-FLEET
            -A DOCKER-USER -m conntrack --ctstate DNAT -j KTRDR-FLEET
            -A INPUT -p tcp -j KTRDR-FLEET
            once
            -A DOCKER-USER -s 10.9.9.9/32 -j ACCEPT
            -A DOCKER-USER -j RETURN
            0 of ours
            2""";

    @Test
    void the_set_is_put_there_once_and_taken_away_whole() throws IOException {
        needRoot();
        assertEquals(UP_AND_DOWN_SAID, alone(ON, "core", UP_AND_DOWN));
    }

    /** At boot the rules are loaded before Docker, which keeps them. */
    @Test
    void rules_exist_before_docker_and_a_check_reports_it_missing() throws IOException {
        needRoot();
        assertEquals("""
                Docker does not send what it forwards through DOCKER-USER: its daemon.json needs iptables, not \
                nftables and not none
                -A DOCKER-USER -m conntrack --ctstate DNAT -j KTRDR-FLEET
                -A DOCKER-USER -j RETURN
                no chain of Docker's is left where there was none""", alone(ON, "B", """
                firewall up
                firewall check || :
                docker iptables
                firewall check
                iptables -S DOCKER-USER | grep ^-A
                iptables -D FORWARD -j DOCKER-USER
                iptables -D DOCKER-USER -j RETURN
                firewall down
                iptables -S DOCKER-USER >/dev/null 2>&1 || echo "no chain of Docker's is left where there was none"
                """));
    }

    @Test
    void a_machine_without_ipv6_has_only_ipv4_rules() throws IOException {
        needRoot();
        assertEquals("1 and 0", alone(ON, "core", """
                echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
                docker iptables
                firewall up
                firewall check
                echo "$(iptables-save | grep -c -- '-j DROP') and $(ip6tables-save | grep -c KTRDR)"
                """));
    }

    @Test
    void what_was_changed_by_hand_is_told_and_put_right() throws IOException {
        needRoot();
        var last = "rule=$(iptables -S KTRDR-FLEET | sed -n '$s/^-A //p')\n";
        var changes = Map.of("iptables -F KTRDR-FLEET", "iptables: the chain KTRDR-FLEET has other rules",
                "ip6tables -F KTRDR-FLEET", "ip6tables: the chain KTRDR-FLEET has other rules",
                "ip6tables -D INPUT -p tcp -j KTRDR-FLEET", "ip6tables: other jumps lead to KTRDR-FLEET",
                last + "iptables -D $rule; iptables -I $rule", "iptables: the chain KTRDR-FLEET has other rules",
                "iptables -D KTRDR-FLEET -s 10.0.0.11 -j RETURN", "iptables: the chain KTRDR-FLEET has other rules",
                "iptables -R KTRDR-FLEET 2 -s 0.0.0.0/1 -j RETURN",
                "iptables: the rule is missing: KTRDR-FLEET -s 10.0.0.10 -j RETURN",
                "iptables -I KTRDR-FLEET -j ACCEPT", "iptables: the chain KTRDR-FLEET has other rules",
                "iptables -I DOCKER-USER -j ACCEPT",
                "iptables: DOCKER-USER does not begin with the jump to KTRDR-FLEET",
                "iptables -D DOCKER-USER 1", "iptables: other jumps lead to KTRDR-FLEET",
                "iptables -A FORWARD -j KTRDR-FLEET", "iptables: other jumps lead to KTRDR-FLEET");
        var script = new StringBuilder("docker iptables\nfirewall up\n");
        var expected = new ArrayList<String>();
        changes.forEach((change, words) -> {
            script.append(change)
                    .append("\nif firewall check >said; then echo 'no fault was found'; fi\ngrep -F -m 1 -- ")
                    .append(Sh.quote(words)).append(" said\nfirewall up\nfirewall check\n");
            expected.add(words);
        });
        assertEquals(String.join("\n", expected), alone(ON, "core", script.toString()));
    }

    private static final String UP_AGAIN = """
            counts() { for one in iptables ip6tables; do "$one" -nvxL KTRDR-FLEET; done; }
            before=$(counts)
            firewall up
            [ "$(counts)" != "$before" ] || echo same
            """;
    private static final List<String> CLOSED =
            List.of("10.0.5.11 5003", "10.0.5.11 5004", "fd00::11 5003", "fd00::11 5004");

    /** Connects the node to its clients in one network, and to the container with the published ports in another. */
    private void connect(NetworkNamespace node, NetworkNamespace container, NetworkNamespace allowed,
            NetworkNamespace stranger) throws IOException {
        on(node, """
                ip link add lan type bridge
                ip link set lan up
                ip link set a0 master lan
                ip link set s0 master lan
                ip address add 10.0.5.11/24 dev lan
                ip address add fd00::11/64 dev lan
                ip address add 172.30.0.1/24 dev c0
                ip address add fd30::1/64 dev c0
                echo 1 >/proc/sys/net/ipv4/ip_forward
                echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
                docker iptables
                docker ip6tables
                publish() { "$1" -t nat -A PREROUTING -i lan -p tcp --dport "$2" -j DNAT --to-destination \
                "$3"; }
                # 7000 is what the container has: what was asked for counts
                publish iptables 5003 172.30.0.2:7000
                publish iptables 5004 172.30.0.2:7000
                publish iptables 8000 172.30.0.2:7000
                publish ip6tables 5003 '[fd30::2]:7000'
                publish ip6tables 8000 '[fd30::2]:7000'
                """);
        container.sh("ip address add 172.30.0.2/24 dev eth0; ip address add fd30::2/64 dev eth0; ip "
                + "route add default via 172.30.0.1; ip route add default via fd30::1");
        allowed.sh("ip address add 10.0.5.7/24 dev eth0; ip address add fd00::7/64 dev eth0");
        stranger.sh("ip address add 10.0.5.77/24 dev eth0; ip address add fd00::77/64 dev eth0");
        container.listen(7000);
    }

    /**
     * A node with a container published as Docker does it, reached by an allowed and a blocked client over IPv4 and
     * IPv6. A failed assertion names each wrong port. Over IPv6 docker-proxy listens on one more port, on the node
     * itself.
     */
    @Test
    void allows_listed_addresses_and_other_ports_but_no_stranger() throws IOException {
        needRoot();
        lay(folder, Fixtures.INVENTORY + "firewall: {allow: [10.0.5.7, \"fd00::7\"]}\n", "B");
        try (var node = NetworkNamespace.open(); var container = NetworkNamespace.open();
                var allowed = NetworkNamespace.open(); var stranger = NetworkNamespace.open()) {
            container.link("eth0", node, "c0");
            allowed.link("eth0", node, "a0");
            stranger.link("eth0", node, "s0");
            connect(node, container, allowed, stranger);
            node.listen(22, 5004);
            stranger.listen(5003);
            var open = List.of("10.0.5.11 22", "10.0.5.11 8000", "fd00::11 22", "fd00::11 8000");
            var all = new ArrayList<>(CLOSED);
            all.addAll(open);
            assertEquals(List.of(all, all), List.of(allowed.reaches(all), stranger.reaches(all)));
            on(node, "firewall up; firewall check");
            assertEquals(all, allowed.reaches(all));
            assertEquals(open, stranger.reaches(all));
            // rules that are correct are not replaced: their counters stay
            assertEquals("same", on(node, UP_AGAIN));
            // neither the node's own access nor its outgoing connections to such a port are blocked
            var asked = List.of("::1 5004", "10.0.5.77 5003", "fd00::77 5003");
            assertEquals(asked, node.reaches(asked));
            on(node, "firewall down");
            assertEquals(all, stranger.reaches(all));
        }
    }
}
