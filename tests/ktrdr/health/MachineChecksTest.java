package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Recorded;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Dns;
import ktrdr.node.MachineFacts;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;

/** Machine checks, from recorded answers of real nodes. */
class MachineChecksTest {
    private static final Inventory INVENTORY =
            Fixtures.inventory(Fixtures.INVENTORY.replace("host: gpu-1,", "host: gpu-1, cpus: 4, memory: 8GB,"));
    private static final MachineChecks INFRA = new MachineChecks(INVENTORY);
    private static final Node CORE = INVENTORY.core();
    private static final Node GPU = INVENTORY.node("gpu");
    private static final String GOOD = Recorded.text(MachineChecksTest.class, "host-facts.txt");

    private static MachineFacts host(String answer, double skew) {
        return new MachineFacts(Facts.parse(answer), skew);
    }

    private static String with(String line, String instead) {
        assertTrue(GOOD.contains(line + "\n"), line);
        return GOOD.replace(line + "\n", instead.isEmpty() ? "" : instead + "\n");
    }

    /** The ids of the failed checks of gpu. */
    private static List<String> failing(String answer) {
        return failing(Map.of(GPU, host(answer, 0)));
    }

    private static List<String> failing(Map<Node, MachineFacts> facts) {
        return INFRA.checks(facts, new Dns.Answers("here", "here", Map.of(), false)).stream()
                .filter(check -> !check.ok()).map(Check::id).toList();
    }

    @Test
    void a_good_machine_passes_every_check() {
        assertEquals(List.of(), failing(GOOD));
    }

    @Test
    void a_user_who_becomes_root_by_sudo_is_told() {
        var checks = INFRA.checks(Map.of(GPU, host(with("root\tyes", "root\tyes\nlogin\tktrdr"), 0)),
                new Dns.Answers("here", "here", Map.of(), false));
        assertEquals("ktrdr, root by sudo", checks.stream().filter(check -> check.id().equals("gpu.user")).findFirst()
                .orElseThrow().found());
    }

    @Test
    void each_defect_of_a_machine_is_named_by_its_own_check() {
        assertEquals(List.of("gpu.user"), failing(with("root\tyes", "")));
        assertEquals(List.of("gpu.user"), failing(with("user\troot", "user\tktrdr")),
                "sudo would work and is not asked for");
        assertEquals(List.of("gpu.os"), failing(with("family\tdebian ", "family\talpine")));
        assertEquals(List.of("gpu.cpus"), failing(with("cpus\t4", "cpus\t2")));
        assertEquals(List.of("gpu.memory"), failing(with("memory\t8589934592", "memory\t4294967296")));
        assertEquals(List.of("gpu.disk.root"), failing(with("disk /\t50000000000", "disk /\t1000000000")));
        assertEquals(List.of("gpu.folders"),
                failing(with("disk /\t50000000000", "disk /\t50000000000\nroom /run\tRead-only file system")));
        assertEquals(List.of("gpu.disk.share"),
                failing(with("disk /mnt/ktrdr-shared\t50000000000", "disk /mnt/ktrdr-shared\t5")));
        assertEquals(List.of("gpu.share"),
                failing(with("disk /mnt/ktrdr-shared\t50000000000",
                        "no-folder\tstrategies\ndisk /mnt/ktrdr-shared\t50000000000")));
        assertEquals(List.of("gpu.share"),
                failing(with("mount\t/mnt/ktrdr-shared\t0\tbackend.ktrdr.test:/srv/ktrdr-shared /mnt/ktrdr-shared nfs "
                        + "rw,vers=3 0 0\t", "mount\t/mnt/ktrdr-shared\t0\t\t")));
    }

    @Test
    void each_defect_of_docker_is_named_by_its_own_check() {
        assertEquals(List.of("gpu.disk.docker"),
                failing(with("disk /var/lib/docker\t50000000000", "disk /var/lib/docker\t0")));
        assertEquals(List.of("gpu.docker.boot"), failing(with("boot\tenabled", "boot\tdisabled")));
        assertEquals(List.of("gpu.compose"), failing(with("compose\t2.26.1", "compose\t1.29.2")));
        assertEquals(List.of("gpu.compose"), failing(with("compose\t2.26.1", "compose\tv2.20.1")),
                "no start_interval yet");
        assertEquals(List.of("gpu.docker"), failing(with("docker\t26.1.5", "docker\t24.0.9")));
        assertEquals(List.of(), failing(with("docker\t26.1.5", "docker\t100.0.0-rc.1+dfsg")));
        assertEquals(List.of("gpu.docker.driver"), failing(with("driver\toverlay2", "driver\tvfs")));
        assertEquals(List.of("gpu.docker.container"),
                failing(with("container\tyes", "container-error\tOCI runtime create failed")));
    }

    @Test
    void each_defect_of_the_network_is_named_by_its_own_check() {
        assertEquals(List.of("gpu.dns"),
                failing(with("resolve gpu-1.ktrdr.test\t10.0.0.12", "resolve gpu-1.ktrdr.test\t10.0.0.99")));
        assertEquals(List.of("gpu.dns.container"),
                failing(with("inside gpu-1.ktrdr.test\t10.0.0.12", "inside gpu-1.ktrdr.test\t")));
        assertEquals(List.of("gpu.reach.core"),
                failing(with("connect 10.0.0.10 8000\trefused", "connect 10.0.0.10 8000\tsilent")));
        assertEquals(List.of("gpu.registry"), failing(with("registry\t401", "registry\tcurl: (7) Failed to connect")));
        assertEquals(List.of("gpu.ports"), failing(with("listen 22\tsshd", "listen 5005\tpython3")));
        assertEquals(List.of("gpu.ports"), failing(with("listen 22\tsshd", "missing\tss")));
    }

    @Test
    void a_machine_without_docker_fails_only_one_check() {
        var answer = with("docker\t26.1.5", "docker-error\tCannot connect to the Docker daemon")
                .replaceAll("(?m)^(driver|docker-root|container|inside|disk /var/lib/docker)\\b.*\n", "");
        assertEquals(List.of("gpu.docker"), failing(answer));
    }

    @Test
    void what_is_missing_is_to_be_installed_and_not_to_be_run() {
        var facts = with("docker\t26.1.5", "docker-error\tdocker is not installed on this host")
                .replace("boot\tenabled\n", "")
                .replace("registry\t401", "registry\tcurl is missing").replace("listen 22\tsshd", "missing\tss")
                .replace("compose\t2.26.1\n", "")
                .replaceAll("connect 10\\.0\\.0\\.10 (\\d+)\t.*", "connect 10.0.0.10 $1\tcannot: bash is missing")
                .replaceAll("(?m)^(driver|docker-root|container|inside|disk /var/lib/docker)\\b.*\n", "");
        var checks = INFRA.checks(Map.of(GPU, host(facts, 0)), new Dns.Answers("here", "here", Map.of(), false));
        var advice = checks.stream().filter(check -> !check.ok()).collect(Collectors.toMap(Check::id, Check::fix));
        assertEquals(Set.of("gpu.docker", "gpu.docker.boot", "gpu.compose", "gpu.registry", "gpu.ports",
                "gpu.reach.core"), advice.keySet());
        advice.forEach((id, fix) -> assertTrue(fix.startsWith("apt-get install"), id + ": " + fix));
    }

    @Test
    void a_container_that_does_not_start_names_the_lxc_features() {
        var facts = Map.of(GPU, host(with("container\tyes", "container-error\tOCI runtime create failed"), 0));
        var check = INFRA.checks(facts, new Dns.Answers("here", "here", Map.of(), false)).stream()
                .filter(eachCheck -> !eachCheck.ok()).findFirst().orElseThrow();
        assertTrue(check.fix().contains("pct set <ID> --features nesting=1,keyctl=1"), check.fix());
    }

    @Test
    void our_own_container_may_hold_a_port_and_nobody_elses() {
        var published = "publishes\t{\"name\":\"/training-worker-1\",\"project\":\"%s\",\"ports\":{\"5005/"
                + "tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"5005\"}]}}";
        assertEquals(List.of(),
                failing(with("listen 22\tsshd", "listen 5005\tdocker-proxy\n" + published.formatted("ktrdr-workers"))));
        assertEquals(List.of("gpu.ports"),
                failing(with("listen 22\tsshd", "listen 5005\tdocker-proxy\n" + published.formatted("other"))));
        // with host networking Docker publishes no port; the container's label names it
        var exporter = "publishes\t{\"name\":\"/"
                + "ktrdr-node-exporter\",\"project\":\"ktrdr-metrics\",\"port\":\"9100\",\"ports\":{}}";
        assertEquals(List.of(), failing(with("listen 22\tsshd", "listen 9100\tnode_exporter\n" + exporter)));
        assertEquals(List.of("gpu.ports"), failing(with("listen 22\tsshd", "listen 9100\tnode_exporter")));
    }

    @Test
    void a_value_that_a_script_says_is_one_line() {
        var said = LocalCommand.command("sh", "-eu")
                .input("export LC_ALL=C\n" + Facts.SAY + "say plain 'a  b é'\nsay lines 'a\nb\tc'\nsay end ''\n").must()
                .out();
        var facts = Facts.parse(said);
        assertEquals(List.of("a  b é", "a b c"), List.of(facts.get("plain"), facts.get("lines")));
    }

    @Test
    void the_engine_itself_lists_what_runs_as_well() {
        // GET /containers/json of Engine 26.1, shortened
        var list = """
                [{"Names":["/training-worker-1"],"Labels":{"com.docker.compose.project":"ktrdr-workers"},"Ports":[{"IP\
                ":"0.0.0.0","PrivatePort":5005,"PublicPort":5005,"Type":"tcp"},{"PrivatePort":9,"Type":"tcp"}]},
                 {"Names":["/ktrdr-node-exporter"],"Labels":{"com.docker.compose.project":"ktrdr-metrics","ktrdr.port\
                ":"9100"},"Ports":[]},
                 {"Names":["/other"],"Labels":{},"Ports":[{"PublicPort":5006}]}]""";
        var base64 = Base64.getEncoder().encodeToString(list.getBytes(StandardCharsets.UTF_8));
        var publishers = host(with("listen 22\tsshd",
                "running\t" + base64.substring(0, 100) + "\nrunning\t" + base64.substring(100)), 0).publishers();
        assertEquals(Map.of(5005, new MachineFacts.Publisher("training-worker-1", "ktrdr-workers"), 5006,
                new MachineFacts.Publisher("other", ""),
                9100, new MachineFacts.Publisher("ktrdr-node-exporter", "ktrdr-metrics")), publishers);
    }

    @Test
    void the_script_is_clean_under_shellcheck() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-")
                .input("#!/bin/sh\nset -eu\n" + MachineFacts.script(new MachineChecks(INVENTORY).question(GPU))).run();
        assertTrue(said.ok(), said.out());
    }

    @Test
    void a_refused_port_with_a_listener_is_blocked_on_the_way() {
        var core = host(GOOD.replace("listen 22\tsshd",
                "listen "
                        + "8000\tdocker-proxy\npublishes\t{\"name\":\"b\",\"project\":\"ktrdr-core\",\"ports\":{"
                        + "\"8000/tcp\":[{\"HostPort\":\"8000\"}]}}")
                .replace("ping core\t0.04",
                        "ping gpu\t0.04\nconnect 10.0.0.12 22\topen\nconnect 10.0.0.12 5005\trefused\nconnect "
                                + "10.0.0.11 5003\trefused\nconnect 10.0.0.11 5004\trefused"
                        + "\nconnect 10.0.0.11 5005\trefused\nconnect 10.0.0.11 5006\trefused")
                .replaceAll("(?m)^mount.*", "mount\t/srv/ktrdr-shared\t0\t\t"), 0);
        var facts = new LinkedHashMap<Node, MachineFacts>();
        facts.put(CORE, core);
        facts.put(GPU, host(GOOD, 0));
        assertEquals(List.of("gpu.reach.core"), failing(facts));
    }

    @Test
    void rules_must_match_the_inventory_unless_it_wants_none() {
        var on = new MachineChecks(
                Fixtures.inventory(Fixtures.INVENTORY.replace("host: gpu-1,", "host: gpu-1, cpus: 4, memory: 8GB,")
                        + "firewall: {}\n"));
        var said = "listen 22\tsshd\nfirewall\t";
        var lost = "iptables: the chain KTRDR-FLEET is not there;";
        assertEquals("in place", firewall(on, said + "in place").found());
        assertTrue(firewall(on, said + "in place").ok());
        assertEquals(List.of(false, false),
                List.of(firewall(on, said + lost).ok(), firewall(on, "listen 22\tsshd").ok()));
        assertEquals(lost, firewall(on, said + lost).found());
        assertEquals("rules that let only the fleet reach 5003, 5004, 5005, 5006, 5007, 5008",
                firewall(on, said + lost).expected());
        // removed from the inventory, but not deployed since
        assertEquals(List.of("gpu.firewall"), failing(with("listen 22\tsshd", said + "in place")));
        assertEquals(List.of(), failing(GOOD));
    }

    private static Check firewall(MachineChecks infra, String said) {
        return infra.checks(Map.of(GPU, host(with("listen 22\tsshd", said), 0)),
                new Dns.Answers("here", "here", Map.of(), false)).stream()
                .filter(check -> check.id().equals("gpu.firewall")).findFirst().orElseThrow();
    }

    @Test
    void ping_need_not_be_answered_where_ports_are_open() {
        assertEquals(List.of(), failing(with("ping core\t0.04", "ping core\tnone")));
        assertEquals(List.of("gpu.reach.workers-b"),
                failing(with("ping workers-b\t0.05", "ping workers-b\tnone")
                        .replace("connect 10.0.0.11 22\topen", "connect 10.0.0.11 22\tsilent")));
    }

    @Test
    void clocks_are_compared_with_this_machine_and_with_each_other() {
        assertEquals(List.of("gpu.clock"), failing(Map.of(GPU, host(GOOD, -3600))));
        assertEquals(0, MachineFacts.skew("1000.5", 1_000_000, 1_001_000));
        assertEquals(-2.0, MachineFacts.skew("998.0", 1_000_000, 1_001_000));
        assertEquals(3600, MachineFacts.skew("4601", 1_000_000, 1_001_000));
        assertThrows(Problem.class, () -> MachineFacts.skew("yesterday", 0, 0));
    }

    @Test
    void what_is_asked_follows_the_plan() {
        var question = INFRA.question(CORE);
        assertEquals(Map.of("workers-b", "10.0.0.11", "gpu", "10.0.0.12"), question.peers());
        assertTrue(question.ports()
                .containsAll(List.of("10.0.0.11 5003", "10.0.0.11 5006", "10.0.0.12 5005", "10.0.0.12 22")));
        assertFalse(question.ports().contains("10.0.0.12 5003"));
        assertEquals("/srv/ktrdr-shared", question.share());
        assertEquals("/mnt/ktrdr-shared", INFRA.question(GPU).share());
        assertTrue(INFRA.question(GPU).ports()
                .containsAll(List.of("10.0.0.10 8000", "10.0.0.10 5432", "10.0.0.10 4317", "10.0.0.10 2049")));
    }

    @Test
    void half_an_answer_and_an_answer_of_another_kind_are_none() {
        for (int length = 0; length < GOOD.length() - "end\tyes\n".length(); length += 7) {
            var part = GOOD.substring(0, length);
            assertThrows(Problem.class, () -> Facts.parse(part));
        }
        assertThrows(Problem.class, () -> host(with("memory\t8589934592", "memory\tlots"), 0).memory());
        assertThrows(Problem.class, () -> host(with("listen 22\tsshd", "publishes\t{\"name\":"), 0).publishers());
    }

    @Test
    void a_record_shows_what_a_node_says_and_never_obeys_it() {
        var facts = Map.of(GPU,
                host(with("os\tDebian GNU/Linux 12 (bookworm)", "os\t| x | <script> `a` [b](c) **d**"), 0));
        var lines = MachineRecord.markdown(INVENTORY, facts,
                INFRA.checks(facts, new Dns.Answers("here", "here", Map.of(), false)), Instant.EPOCH,
                "laptop\n# heading");
        var row = lines.stream().filter(line -> line.startsWith("| gpu | G |")).findFirst().orElseThrow();
        assertTrue(row.contains("\\| x \\| \\<script\\> \\`a\\` \\[b\\](c) \\*\\*d\\*\\*"), row);
        assertTrue(lines.contains("- from: laptop \\# heading"), lines.toString());
        assertTrue(lines.contains("| core | A | backend.ktrdr.test | 10.0.0.10 | not reached | - | - | - | - | - |"),
                lines.toString());
    }
}
