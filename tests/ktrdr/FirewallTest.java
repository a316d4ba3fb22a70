package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Templates.NodeFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules that keep the database and the workers to the fleet, and what the kernel makes of them: in a network of its own, by the real iptables. */
class FirewallTest {
    private static final String ON = Fixtures.INVENTORY + "firewall: {allow: [10.0.5.7, 192.168.7.0/24, \"fd00:5::/64\"]}\n";
    /** What Docker does as it starts. */
    private static final String DOCKER = """
            docker() {
              iptables -S DOCKER-USER >/dev/null 2>&1 || iptables -N DOCKER-USER
              iptables -C DOCKER-USER -j RETURN 2>/dev/null || iptables -A DOCKER-USER -j RETURN
              iptables -C FORWARD -j DOCKER-USER 2>/dev/null || iptables -I FORWARD -j DOCKER-USER
            }
            """;
    @TempDir Path folder;

    private static List<NodeFile> files(String inventory, String node) {
        var read = Fixtures.inventory(inventory);
        return new Templates(read).render(read.node(node), "t").stream().filter(file -> file.path().startsWith(Firewall.FOLDER)).toList();
    }

    private static List<String> rules(String inventory, String node, String path) {
        return files(inventory, node).stream().filter(file -> file.path().equals(path)).flatMap(file -> file.content().lines()).filter(line -> line.startsWith("-A ")).toList();
    }

    @Test
    void without_the_key_there_is_no_file_of_it() {
        for (var node : List.of("core", "B", "G")) assertEquals(List.of(), files(Fixtures.INVENTORY, node));
    }

    @Test
    void the_fleet_in_its_order_then_who_else_is_allowed_and_nobody_else_for_the_ports_of_the_node() {
        assertEquals(List.of("-A KTRDR-FLEET -i lo -j RETURN", "-A KTRDR-FLEET -s 10.0.0.10 -j RETURN", "-A KTRDR-FLEET -s 10.0.0.11 -j RETURN", "-A KTRDR-FLEET -s 10.0.0.12 -j RETURN",
                "-A KTRDR-FLEET -s 10.0.5.7 -j RETURN", "-A KTRDR-FLEET -s 192.168.7.0/24 -j RETURN",
                "-A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport 5432 --ctdir ORIGINAL -j DROP"), rules(ON, "core", Firewall.RULES_V4));
        assertEquals(List.of("-A KTRDR-FLEET -i lo -j RETURN", "-A KTRDR-FLEET -s fd00:5::/64 -j RETURN",
                "-A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport 5432 --ctdir ORIGINAL -j DROP"), rules(ON, "core", Firewall.RULES_V6));
        assertEquals(List.of(), rules(Fixtures.INVENTORY + "firewall: {}\n", "B", Firewall.RULES_V6).stream().filter(rule -> rule.contains(" -s ")).toList());
    }

    /** A rule that drops names one port of ours, so no mistake in a set can lock anybody out of ssh. */
    @Test
    void nothing_but_these_ports_is_ever_closed() {
        var dropped = new TreeSet<Integer>();
        for (var node : List.of("core", "B", "G"))
            for (var path : List.of(Firewall.RULES_V4, Firewall.RULES_V6))
                for (var rule : rules(ON.replace("firewall:", "services: {db: {port: 15432}}\nfirewall:"), node, path)) {
                    if (rule.endsWith("-j RETURN")) continue;
                    var drop = Pattern.compile("-A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport (\\d+) --ctdir ORIGINAL -j DROP").matcher(rule);
                    assertTrue(drop.matches(), rule);
                    dropped.add(Integer.parseInt(drop.group(1)));
                }
        assertEquals(Set.of(5003, 5004, 5005, 5006, 5007, 5008, 15432), dropped);
    }

    @Test
    void to_go_back_to_a_release_opens_nothing() {
        var before = List.of(new NodeFile("docker-compose.core.yml", "old", "644"), new NodeFile(Firewall.RULES_V4, "old", "644"));
        var after = Firewall.current(before, new Templates(Fixtures.inventory(ON)).render(Fixtures.inventory(ON).core(), "t"));
        assertEquals(List.of("docker-compose.core.yml", Firewall.SCRIPT, Firewall.RULES_V4, Firewall.RULES_V6, Firewall.UNIT), after.stream().map(NodeFile::path).toList());
        assertTrue(after.stream().noneMatch(file -> file.path().equals(Firewall.RULES_V4) && file.content().equals("old")));
        assertEquals(before.subList(0, 1), Firewall.current(before, new Templates(Fixtures.inventory()).render(Fixtures.inventory().core(), "t")));
    }

    /** What a script prints in a network of its own, in which the files of a node with such an inventory lie in the folder. */
    private String alone(String inventory, String node, String script) throws IOException, InterruptedException {
        for (var file : files(inventory, node)) {
            var path = folder.resolve(file.path());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.content());
        }
        var run = new ProcessBuilder("unshare", "-n", "sh", "-euc", "ip link set lo up\nfirewall() { sh firewall/firewall.sh \"$@\"; }\n" + DOCKER + script).directory(folder.toFile()).redirectErrorStream(true).start();
        run.getOutputStream().close();
        var said = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, run.waitFor(), said);
        return said.strip();
    }

    private static void needRoot() throws IOException, InterruptedException {
        boolean able = new ProcessBuilder("unshare", "-n", "sh", "-c", "iptables -w 10 -N A && iptables -A A -m conntrack --ctstate DNAT -j RETURN").redirectErrorStream(true).start().waitFor() == 0;
        assumeTrue(able, "needs root, iptables and a kernel with connection tracking");
    }

    @Test
    void the_set_is_put_there_once_and_taken_away_whole() throws IOException, InterruptedException {
        needRoot();
        assertEquals("""
                iptables: the chain KTRDR-FLEET is not there
                -A DOCKER-USER -m conntrack --ctstate DNAT -j KTRDR-FLEET
                -A DOCKER-USER -s 10.9.9.9/32 -j ACCEPT
                -A DOCKER-USER -j RETURN
                -A KTRDR-FLEET -p tcp -m conntrack --ctorigdstport 5432 --ctdir ORIGINAL -j DROP
                once
                -A DOCKER-USER -s 10.9.9.9/32 -j ACCEPT
                -A DOCKER-USER -j RETURN
                0 of ours""", alone(ON, "core", """
                docker
                iptables -I DOCKER-USER -s 10.9.9.9 -j ACCEPT
                firewall check | head -n 1
                firewall up
                firewall check
                iptables -S DOCKER-USER | grep ^-A
                iptables -S KTRDR-FLEET | tail -n 1
                before=$(iptables-save | grep -v '^#')
                firewall up
                docker
                [ "$(iptables-save | grep -v '^#')" = "$before" ] && echo once
                firewall down
                firewall down
                iptables -S DOCKER-USER | grep ^-A
                echo "$(iptables-save | grep -c KTRDR) of ours" || :
                """));
    }

    /** At boot the rules come first; Docker keeps what it finds. */
    @Test
    void before_docker_starts_the_rules_are_there_and_without_docker_that_is_told() throws IOException, InterruptedException {
        needRoot();
        assertEquals("""
                Docker does not send what it forwards through DOCKER-USER: its daemon.json needs iptables, not nftables and not none
                -A DOCKER-USER -m conntrack --ctstate DNAT -j KTRDR-FLEET
                -A DOCKER-USER -j RETURN
                no chain of Docker's is left where there was none""", alone(ON, "B", """
                firewall up
                firewall check || :
                docker
                firewall check
                iptables -S DOCKER-USER | grep ^-A
                iptables -D FORWARD -j DOCKER-USER
                iptables -D DOCKER-USER -j RETURN
                firewall down
                iptables -S DOCKER-USER >/dev/null 2>&1 || echo "no chain of Docker's is left where there was none"
                """));
    }

    @Test
    void what_was_changed_by_hand_is_told_and_put_right() throws IOException, InterruptedException {
        needRoot();
        var changes = Map.of("iptables -F KTRDR-FLEET", "iptables: the chain KTRDR-FLEET has other rules",
                "iptables -D KTRDR-FLEET -s 10.0.0.11 -j RETURN", "iptables: the chain KTRDR-FLEET has other rules",
                "iptables -R KTRDR-FLEET 2 -s 0.0.0.0/1 -j RETURN", "iptables: the rule is missing: KTRDR-FLEET -s 10.0.0.10 -j RETURN",
                "iptables -I KTRDR-FLEET -j ACCEPT", "iptables: the chain KTRDR-FLEET has other rules",
                "iptables -I DOCKER-USER -j ACCEPT", "iptables: DOCKER-USER does not begin with the jump to KTRDR-FLEET",
                "iptables -D DOCKER-USER 1", "iptables: other jumps lead to KTRDR-FLEET",
                "iptables -A FORWARD -j KTRDR-FLEET", "iptables: other jumps lead to KTRDR-FLEET");
        var script = new StringBuilder("docker\nfirewall up\n");
        var expected = new ArrayList<String>();
        changes.forEach((change, words) -> {
            script.append(change).append("\nfirewall check | grep -F -m 1 -- ").append(Sh.quote(words)).append("\nfirewall up\nfirewall check\n");
            expected.add(words);
        });
        assertEquals(String.join("\n", expected), alone(ON, "core", script.toString()));
    }

    /** Three networks of their own: a host with a container that is published as Docker does it, a node of the fleet, and somebody else. */
    @Test
    void a_fourth_host_is_kept_out_and_a_node_and_other_ports_are_not() throws IOException, InterruptedException {
        needRoot();
        var ports = List.of(5432, 8000, 22);
        var asks = ports.stream().map(port -> "ask 10.0.0.12 " + port + "; ask 10.0.0.77 " + port).collect(Collectors.joining("; ")) + "\n";
        var open = ports.stream().map(port -> "10.0.0.12 " + port + " yes\n10.0.0.77 " + port + " yes").collect(Collectors.joining("\n"));
        assertEquals(open + "\n--\n" + open.replace("10.0.0.77 5432 yes", "10.0.0.77 5432 no") + "\n--\n" + open, alone(ON, "core", """
                unshare -n sleep 60 & container=$!
                unshare -n sleep 60 & outside=$!
                trap 'kill $container $outside' EXIT
                until [ "$(readlink /proc/$container/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && [ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
                ip link add c0 type veth peer name eth0 netns /proc/$container/ns/net
                ip link add o0 type veth peer name eth0 netns /proc/$outside/ns/net
                ip addr add 172.30.0.1/24 dev c0; ip addr add 10.0.0.10/24 dev o0; ip link set c0 up; ip link set o0 up
                echo 1 >/proc/sys/net/ipv4/ip_forward
                inside() { nsenter -t "$1" -n sh -c "$2"; }
                inside $container 'ip link set lo up; ip addr add 172.30.0.2/24 dev eth0; ip link set eth0 up; ip route add default via 172.30.0.1'
                inside $outside 'ip addr add 10.0.0.12/24 dev eth0; ip addr add 10.0.0.77/24 dev eth0; ip link set eth0 up'
                docker
                # 5432 is not what the container has: what was asked for counts
                iptables -t nat -A PREROUTING -d 10.0.0.10 -p tcp --dport 5432 -j DNAT --to-destination 172.30.0.2:7000
                iptables -t nat -A PREROUTING -d 10.0.0.10 -p tcp --dport 8000 -j DNAT --to-destination 172.30.0.2:8000
                listen='import socket, sys, time
                held = []
                for port in sys.argv[1:]:
                    held.append(socket.create_server(("0.0.0.0", int(port)), backlog=50))
                print("ready", flush=True)
                time.sleep(60)'
                mkfifo ready
                nsenter -t $container -n python3 -c "$listen" 7000 8000 >ready & held=$!
                nsenter -t $$ -n python3 -c "$listen" 22 >ready & own=$!
                trap 'kill $container $outside $held $own' EXIT
                { read -r _ && read -r _; } <ready
                ask() {
                  answer=no
                  if inside $outside "python3 -c 'import socket; socket.create_connection((\\"10.0.0.10\\", $2), 0.5, (\\"$1\\", 0))' 2>/dev/null"; then answer=yes; fi
                  echo "$1 $2 $answer"
                }
                """ + asks + "firewall up\nfirewall check\necho --\n" + asks + "firewall down\necho --\n" + asks));
    }

    @Test
    void the_script_of_a_deployment_does_nothing_where_nothing_is_wanted_and_nothing_is_there() throws IOException, InterruptedException {
        var script = StagingScript.TELL + Firewall.script(List.of(), "exit 1");
        var run = new ProcessBuilder("sh", "-euc", "systemctl() { echo \"$*\"; }\niptables() { return 1; }\n" + script).redirectErrorStream(true).start();
        assertEquals("", new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        assertEquals(0, run.waitFor());
    }
}
