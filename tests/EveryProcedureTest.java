import static lab.Pass.BACKUPS;
import static lab.Pass.HOSTS;
import static lab.Pass.lastEntry;
import static lab.Pass.running;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import ktrdr.LocalCommand;
import lab.Aftermath;
import lab.Pass;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs every procedure of the catalog once from bare hosts, each in its own process as an operator types it, and checks
 * the result. The processes use this machine's newest JDK, or $KTRDR_PASS_JDK, so that one pass covers two JDKs.
 */
@Tag("fleet")
@Tag("quick")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EveryProcedureTest {
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-2000002";
    private static final String ROWS = "DROP TABLE IF EXISTS pass; "
            + "CREATE TABLE pass AS SELECT 'before the backup' AS word";
    private static final String API = "http://10.42.1.10:8000/api/v1";
    private static final Set<String> ON_BARE_HOSTS = Set.of("verify-infra", "setup-dns", "setup-nfs", "stage", "deploy",
            "completion", "lab");
    @TempDir static Path folder;
    private static Pass pass;
    private String procedure;

    @BeforeAll
    static void bare_hosts() throws IOException {
        pass = Pass.fromBareHosts(folder);
    }

    @AfterAll
    static void no_secret_and_no_backup_is_left() throws IOException {
        pass.close();
        // the backend remembers removed workers for a while, and the next verify would report them
        World.on("core", "if docker inspect ktrdr-backend >/dev/null 2>&1; then docker restart -t 3 ktrdr-backend; fi");
        // a test that ran alone left the hosts bare
        Aftermath.restore();
    }

    /**
     * The first word of a test's display name is its procedure. If a test runs alone, the release that it expects is
     * deployed first.
     */
    @BeforeEach
    void its_procedure(TestInfo test) {
        procedure = named(test.getDisplayName());
        if (!ON_BARE_HOSTS.contains(procedure) && running(OLDER).get("workers-c") == 0)
            pass.run(0, "deploy", "all", "--tag", OLDER);
    }

    static String named(String displayName) {
        return displayName.split(" ", 2)[0];
    }

    /** Runs the test's procedure with these arguments and expects this exit code. */
    private Ran run(int exit, String... words) {
        return pass.run(exit, procedure, words);
    }

    @Test
    @Order(1)
    @DisplayName("verify-infra finds ready hosts and records what they are")
    void verify_infra() throws IOException {
        run(0, "--record", "record.md");
        var record = Files.readString(folder.resolve("record.md"));
        for (var host : HOSTS) {
            var docker = World.on(host, "docker version --format '{{.Server.Version}}'");
            assertTrue(record.contains(docker) && record.contains(host), record);
        }
    }

    @Test
    @Order(2)
    @DisplayName("setup-dns prints the addresses that the fleet's DNS server has")
    void setup_dns() {
        var lines = run(0, "--format", "hosts").out().lines().filter(line -> line.startsWith("10."))
                .map(line -> line.split("\\s+")).toList();
        assertTrue(lines.size() >= HOSTS.size());
        for (var line : lines) {
            var answer = World.on("workers-b", "getent ahostsv4 " + line[1] + " | awk 'NR == 1 { print $1 }'");
            assertEquals(line[0], answer);
        }
    }

    @Test
    @Order(3)
    @DisplayName("setup-nfs tells where a kernel has no NFS and changes nothing")
    void setup_nfs() {
        var kernel = World.on("core", "grep -cw nfsd /proc/filesystems || :");
        var before = mounts();
        var ran = run(1, "--check");
        assertEquals(kernel.equals("0"), ran.err().contains("core: the kernel has no NFS server"), ran::toString);
        assertEquals(before, mounts());
    }

    private static List<String> mounts() {
        var look = "cat /etc/fstab /proc/self/mounts; ls -la /etc/exports* 2>/dev/null || :";
        return HOSTS.stream().map(host -> World.on(host, look)).toList();
    }

    @Test
    @Order(4)
    @DisplayName("stage puts files on bare hosts and starts nothing")
    void stage() {
        run(0, "all", "--tag", OLDER);
        assertTrue(World.on("core", "cat /opt/ktrdr-core/.env.core").contains("IMAGE_TAG=" + OLDER));
        for (var host : List.of("workers-b", "workers-c"))
            assertTrue(World.on(host, "cat /opt/ktrdr-" + host + "/.env.workers").contains("IMAGE_TAG=" + OLDER));
        for (var host : HOSTS) assertEquals(Map.of(), World.containers(host));
    }

    @Test
    @Order(5)
    @DisplayName("deploy has the release running on every node")
    void deploy() {
        run(0, "all", "--tag", OLDER);
        assertEquals(Map.of("core", 1L, "workers-b", 4L, "workers-c", 2L), running(OLDER));
        for (var host : HOSTS) assertEquals(OLDER + " deployed", lastEntry(host));
        assertTrue(World.get(API + "/health").contains(OLDER));
    }

    @Test
    @Order(6)
    @DisplayName("quickstart on a fleet that has it all leaves it as it is")
    void quickstart() {
        var before = HOSTS.stream().map(World::containers).toList();
        run(0);
        assertEquals(before, HOSTS.stream().map(World::containers).toList());
    }

    @Test
    @Order(7)
    @DisplayName("verify runs a sample operation, of which the backend has the result, and writes a page")
    void verify() throws IOException {
        run(0, "--wait", "60s", "--report", "page.html");
        assertTrue(World.get(API + "/operations?operation_type=backtesting&status=completed")
                .contains("op_backtesting"));
        var page = Files.readString(folder.resolve("page.html"));
        for (var host : HOSTS) assertTrue(page.contains(host), host);
    }

    @Test
    @Order(8)
    @DisplayName("status sees a worker that was stopped")
    void status() {
        World.on("workers-c", "docker stop -t 1 training-worker-1");
        try {
            var ran = run(1);
            assertTrue(ran.err().contains("error: workers-c.training-worker-1.container does not hold"), ran::toString);
            assertTrue(ran.out().matches("(?s).*workers-c +" + OLDER + " .* 1 of 2 .*"), ran::toString);
        } finally {
            World.on("workers-c", "docker start training-worker-1");
        }
    }

    @Test
    @Order(9)
    @DisplayName("operations starts a backtest, and cancels what runs")
    void operations() {
        var id = run(0, "start", "dummy", "--no-follow").out().strip();
        run(0, "cancel", id);
        assertTrue(World.get(API + "/operations/" + id).contains("cancelled"));
        var followed = run(0, "start", "backtest", "pass", "AAPL", "1d", "--start-date", "2024-01-01",
                "--end-date", "2024-02-01", "--model-path", "models/practice");
        var found = Pattern.compile("op_backtesting_\\w+").matcher(followed.err());
        assertTrue(found.find(), followed::toString);
        assertTrue(World.get(API + "/operations/" + found.group()).contains("completed"), followed::toString);
        assertTrue(World.get(API + "/operations/" + found.group() + "/results").contains("total_trades"),
                followed::toString);
    }

    @Test
    @Order(10)
    @DisplayName("logs shows what a container writes, and whose it is")
    void logs() {
        World.on("workers-b", "docker exec backtest-worker-1 sh -c 'echo a word of the pass >/proc/1/fd/1'");
        var said = run(0, "workers-b", "--since", "2m", "--grep", "a word of the pass").out();
        assertTrue(said.matches("workers-b\\s+backtest-worker-1\\b.*a word of the pass\n"), said);
    }

    @Test
    @Order(11)
    @DisplayName("run has a script done on the nodes that are named, and on no other")
    void run() {
        run(0, "hostname >/run/pass; cat /run/pass", "B", "C");
        var look = "cat /run/pass 2>/dev/null || echo none; rm -f /run/pass";
        var found = HOSTS.stream().map(host -> World.on(host, look).replace("ktrdr-", "")).toList();
        assertEquals(List.of("none", "workers-b", "workers-c"), found);
    }

    @Test
    @Order(12)
    @DisplayName("console runs Java of a file on the nodes")
    void console() throws IOException {
        Files.writeString(folder.resolve("pass.jsh"), "System.out.println(core.must(\"cat /etc/machine-id\"));\n");
        assertTrue(run(0, "pass.jsh").out().contains(World.on("core", "cat /etc/machine-id")));
    }

    @Test
    @Order(12)
    @DisplayName("restart starts a service anew, in the container that it has")
    void restart() {
        var look = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' ktrdr-grafana ktrdr-jaeger";
        var before = World.on("core", look).split("\\s+");
        run(0, "core", "grafana");
        var after = World.on("core", look).split("\\s+");
        assertNotEquals(before[1], after[1]);
        assertEquals(List.of(before[0], before[2], before[3]), List.of(after[0], after[2], after[3]));
        assertEquals(OLDER + " restarted", lastEntry("core"));
    }

    @Test
    @Order(13)
    @DisplayName("scale adds workers to a node, which register, and touches no other")
    void scale() {
        var others = List.of(World.containers("core"), World.containers("workers-b"));
        run(0, "C", "2");
        assertEquals(4L, running(OLDER).get("workers-c"));
        assertTrue(World.get(API + "/workers").contains("workers-c.ktrdr.home.mynerd.place:5006"));
        assertEquals(others, List.of(World.containers("core"), World.containers("workers-b")));
    }

    @Test
    @Order(14)
    @DisplayName("backup-db makes a file that has the checksum beside it")
    void backup_db() {
        World.sql(ROWS);
        run(0);
        assertEquals("1", World.on("core", "cd " + BACKUPS + "; ls *.sha256 | wc -l"));
        World.on("core", "cd " + BACKUPS + "; sha256sum -c --quiet *.sha256");
    }

    @Test
    @Order(15)
    @DisplayName("restore-db has the rows of the backup in the place of those that came after it")
    void restore_db() {
        if (World.on("core", "ls " + BACKUPS).isEmpty()) {
            World.sql(ROWS);
            pass.run(0, "backup-db");
        }
        World.sql("UPDATE pass SET word = 'after the backup'");
        run(0, "latest", "--yes");
        assertEquals("before the backup", World.sql("SELECT word FROM pass"));
        World.sql("DROP TABLE pass");
    }

    @Test
    @Order(16)
    @DisplayName("rotate-secret has Grafana started with the provider's new password, and nothing else")
    void rotate_secret() {
        var environment = "docker inspect --format '{{json .Config.Env}}' ktrdr-grafana";
        var before = World.containers("core");
        var password = "a-password-of-the-pass";
        World.secretsWith(pass.secrets(), "grafana_password", password);
        run(0, "grafana_password", "--yes");
        assertTrue(World.on("core", environment).contains("=" + password + "\""));
        var after = World.containers("core");
        assertNotEquals(before.remove("ktrdr-grafana"), after.remove("ktrdr-grafana"));
        assertEquals(before, after);
        World.secretsWith(pass.secrets(), "grafana_password", World.secretFields().get("grafana_password"));
        run(0, "grafana_password", "--yes");
    }

    @Test
    @Order(17)
    @DisplayName("rollback goes back to the release before")
    void rollback() {
        pass.run(0, "deploy", "core", "all", "--tag", NEWER);
        assertTrue(World.get(API + "/health").contains(NEWER));
        run(0, "core");
        assertTrue(World.get(API + "/health").contains(OLDER));
        assertEquals(OLDER + " rolled-back", lastEntry("core"));
    }

    @Test
    @Order(18)
    @DisplayName("completion prints what a bash completes a procedure with")
    void completion() throws IOException {
        Files.writeString(folder.resolve("completion.bash"), run(0, "bash").out());
        var tab = ". ./completion.bash; COMP_WORDS=(./ktrdr rotate); COMP_CWORD=1; _ktrdr ./ktrdr; "
                + "echo \"${COMPREPLY[*]}\"";
        assertEquals("rotate-secret", LocalCommand.command("bash", "-c", tab).directory(folder).must().out().strip());
    }

    @Test
    @Order(19)
    @DisplayName("lab names the hosts that run")
    void lab() {
        // the table also has the guests, which may run at the same time
        var rows = new ArrayList<String>();
        for (var host : run(0, "status", "-o", "json").json().path("hosts")) rows.add(host.path("name").asText());
        var containers = World.docker("ps", "--filter", "label=ktrdr-lab", "--format", "{{.Names}}").lines()
                .map(name -> name.replace("ktrdr-lab-", ""));
        assertEquals(containers.sorted().toList(), rows.stream().sorted().toList());
    }
}
