package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.SshPeer;
import ktrdr.deploy.NodePlanner;
import ktrdr.fleet.Fleet;
import ktrdr.node.MachineFacts;
import ktrdr.release.Templates.NodeFile;
import lab.NetworkNamespace;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How a deployment installs and removes the firewall's rules and unit. It uses the real iptables in its own network
 * namespace with private systemd files; a stand-in for systemctl records its calls.
 */
class FirewallScriptTest {
    private static final Stack STACK = Stack.of(Fixtures.inventory(), Fixtures.inventory().core());
    /**
     * {@code wanted} and {@code unwanted} are what a deployment runs with and without the files. {@code docker}
     * simulates Docker's start; {@code asked} prints the recorded systemctl calls.
     */
    private static final String MACHINE = """
            mount -t tmpfs none /run
            mount -t tmpfs none /etc/systemd/system
            mkdir -p /run/systemd/system
            mount -t tmpfs none /opt
            mkdir /opt/ktrdr-core
            mount --bind . /opt/ktrdr-core
            unit=/etc/systemd/system/ktrdr-firewall.service
            docker() { iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER; }
            systemctl() {
              echo "$*" >>calls
              case $1 in
                is-enabled) [ -e enabled ] ;;
                enable) touch enabled ;;
                disable) rm enabled ;;
              esac
            }
            asked() { cat calls; : >calls; }
            there() {
              echo "unit: $(stat -c '%%a %%s' "$unit" 2>/dev/null), files: $(ls firewall 2>/dev/null | wc -l) $(ls -d \
            firewall 2>/dev/null), rules: $({ iptables-save; ip6tables-save; } | grep -c -- '-j DROP')"
            }
            : >calls
            %s
            wanted() {
            %s}
            unwanted() {
            %s}
            """;
    @TempDir Path folder;
    private List<NodeFile> files;

    @BeforeEach
    void the_files_of_a_deployment() throws IOException {
        FirewallTest.needRoot();
        files = FirewallTest.lay(folder, FirewallTest.ON, "core");
    }

    /** The output of a script on this machine, run in the stack's directory. */
    private String on(String script) {
        var whole = MACHINE.formatted(FileChangesScript.TELL, Firewall.script(files, STACK, "echo refused"),
                Firewall.script(List.of(), STACK, "echo refused")) + script;
        try (var machine = NetworkNamespace.open()) {
            return machine.command("unshare", "--mount", "sh", "-euc", whole).directory(folder).must().out().strip();
        }
    }

    private String unit() {
        return files.stream().filter(file -> file.path().equals(Firewall.UNIT)).findFirst().orElseThrow().content();
    }

    private String there(int rules) {
        return "unit: 644 " + unit().getBytes(StandardCharsets.UTF_8).length + ", files: 4 firewall, rules: " + rules;
    }

    @Test
    void the_rules_are_there_before_docker_is_and_whenever_it_starts() {
        var unit = unit().lines().toList();
        for (var line : List.of("Before=docker.service", "PartOf=docker.service", "WantedBy=docker.service",
                "ExecStart=/bin/sh /opt/ktrdr-core/firewall/firewall.sh up"))
            assertTrue(unit.contains(line), line);
    }

    @Test
    void rules_and_unit_are_put_in_place_once_and_taken_away_whole() {
        var rules = 2;
        assertEquals(String.join("\n", there(rules), "daemon-reload", "is-enabled -q ktrdr-firewall.service",
                "enable -q ktrdr-firewall.service", "start ktrdr-firewall.service",
                "again", there(rules), "is-enabled -q ktrdr-firewall.service", "start ktrdr-firewall.service",
                "changed", there(rules), "daemon-reload", "is-enabled -q ktrdr-firewall.service",
                "start ktrdr-firewall.service",
                "away", "unit: , files: 0 , rules: 0", "disable -q --now ktrdr-firewall.service", "daemon-reload",
                "reset-failed ktrdr-firewall.service",
                "and again", "unit: , files: 0 , rules: 0"), on("""
                docker
                wanted; there; asked
                echo again; wanted; there; asked
                echo changed; echo '#' >>$unit; iptables -F KTRDR-FLEET; wanted; there; asked
                # a deployment has taken the files away before
                echo away; rm firewall/*; unwanted; there; asked
                echo 'and again'; unwanted; there; asked
                """));
    }

    /** The unit's file is gone, but its rules are still loaded. */
    @Test
    void rules_without_a_unit_are_taken_away_too() {
        assertEquals("unit: , files: 4 firewall, rules: 0",
                on("docker\nsh firewall/firewall.sh up\nunwanted\nthere\nasked\n"));
    }

    @Test
    void what_is_missing_on_the_node_is_told_and_nothing_is_begun() {
        var nothing = "refused\nunit: , files: 4 firewall, rules: 0";
        assertEquals(Stream.of("needs systemd", "needs root", "needs iptables: apt-get install iptables")
                .map(why -> "told\tfirewall\tfirewall in the inventory " + why + "\n" + nothing)
                .reduce("", (all, text) -> all + text + "\n").strip(), on("""
                docker
                mv /run/systemd /run/other; wanted; there; mv /run/other /run/systemd
                (id() { echo 1000; }; wanted); there
                mkdir /run/few; for one in id tail; do ln -s "$(command -v $one)" /run/few; done
                (PATH=/run/few; wanted); there
                asked
                """));
    }

    @Test
    void who_is_not_root_is_told_that_the_rules_stay() {
        assertEquals("told\tfirewall\tremoving the rules of the firewall needs root\nrefused\n" + there(2),
                on("docker\nwanted\n(id() { echo 1000; }; unwanted)\nthere\n"));
    }

    /** As verify-infra queries a node. */
    @Test
    void reports_the_state_of_wanted_firewall_rules_only() {
        var lost = "iptables: the chain KTRDR-FLEET has other rules;iptables: the rule is missing: KTRDR-FLEET -i lo "
                + "-j RETURN;";
        var said = on("docker\nsaid() {\n" + Facts.SAY + MachineFacts.FIREWALL
                + "}\nsaid\nwanted\nsaid\niptables -F KTRDR-FLEET\nsaid\nunwanted\nsaid\n").lines().toList();
        assertEquals(List.of(2, "firewall\tin place", true),
                List.of(said.size(), said.get(0), said.get(1).startsWith("firewall\t" + lost)), said::toString);
    }

    /** A release from before the inventory had rules, with the files as the node kept them. */
    @Test
    void a_rollback_keeps_the_rules_of_now() throws IOException {
        try (var peer = new SshPeer(folder, "0.0.0.0")) {
            var directory = folder.resolve("core");
            var yaml = peer.inventory(1, peer.port(), "")
                    .replace("role: core,", "role: core, directory: " + directory + ",");
            var inventory = Fixtures.inventory(yaml + "firewall: {}\n");
            var before = new Templates(Fixtures.inventory(yaml)).render(Fixtures.inventory(yaml).core(), "sha-1");
            for (var file : before) {
                var path = directory.resolve(".ktrdr/configurations").resolve(KeptFiles.hash(before))
                        .resolve(file.path());
                Files.createDirectories(path.getParent());
                Files.writeString(path, file.content());
            }
            var entry = History.Entry.of("1", "sha-1", History.Ending.DEPLOYED).command("deploy").target("core")
                    .configuration(KeptFiles.hash(before)).build();
            try (var fleet = new Fleet(inventory, inventory.nodes(), new Console(Console.Color.never, false))) {
                var revision = NodePlanner.rollback(Stack.of(inventory, inventory.core()), fleet.ssh(inventory.core()),
                        entry).revision();
                var rules = new Templates(inventory).render(inventory.core(), "sha-1").stream()
                        .filter(file -> file.path().startsWith(Firewall.FOLDER)).toList();
                assertEquals(rules, revision.files().stream().filter(file -> file.path().startsWith(Firewall.FOLDER))
                        .toList());
                assertEquals(4, rules.size());
            }
        }
    }

    /** Packets reach the rules only through Docker's own filter chains. */
    @Test
    void rules_that_are_there_but_are_not_gone_through_are_no_success() {
        var found = "Docker does not send what it forwards through DOCKER-USER: its daemon.json needs iptables, not "
                + "nftables and not none";
        assertEquals("told\tfirewall\t" + found
                + "\nrefused\ndaemon-reload\nis-enabled -q ktrdr-firewall.service\nenable -q ktrdr-firewall.service",
                on("wanted\nasked\n"));
    }

    @Test
    void where_nothing_is_wanted_and_nothing_is_there_nothing_is_done() {
        assertEquals("", on("(id() { echo 1000; }; unwanted)\nasked\n"));
    }
}
