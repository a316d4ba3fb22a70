import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import lab.Toolkit.Ran;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An Alertmanager on core sends the practice fleet's alerts to a web server on this machine, as long as the inventory
 * names a receiver.
 */
@Tag("fleet")
class AlertsFleetTest {
    private static final String IMAGE = "registry.ktrdr.home.mynerd.place:5000/alertmanager:lab";
    /** Interval of scrapes and of rule evaluation. */
    private static final Duration INTERVAL = Duration.ofSeconds(15);
    private static final Duration FOR = Duration.ofMinutes(1);
    /** Delay before the first message about a node, and between later ones. */
    private static final Duration GROUP_WAIT = Duration.ofSeconds(10);
    private static final Duration GROUP_INTERVAL = Duration.ofMinutes(1);
    /** Extra time for a machine with two shared processors. */
    private static final Duration SLACK = Duration.ofSeconds(20);
    private static final String TOKEN = UUID.randomUUID().toString();
    private static final Queue<JsonNode> TOLD = new ConcurrentLinkedQueue<>();

    @TempDir static Path folder;
    private static Path memory;
    private static HttpServer server;
    private static Path named;

    @BeforeAll
    static void somebody_is_to_be_told() throws IOException {
        var here = World.on("core", "ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
        server = HttpServer.create(new InetSocketAddress(here, 0), 0);
        server.createContext("/" + TOKEN, exchange -> {
            TOLD.add(new ObjectMapper().readTree(exchange.getRequestBody()));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        memory = Files.createTempDirectory(Path.of("/dev/shm"), "ktrdr-alerts");
        var secrets = (ObjectNode) new ObjectMapper().readTree(Files.readString(World.secrets()));
        secrets.put("alert_webhook_url", "http://" + here + ":" + server.getAddress().getPort() + "/" + TOKEN);
        var file = Files.createFile(memory.resolve("secrets.json"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, secrets.toString());
        named = inventory("named", file, "alerts: {webhook: {}}");
        good(named, "deploy", "core", "all", "--tag", "sha-1000001");
    }

    @AfterAll
    static void nobody_is_told_any_more() throws IOException {
        server.stop(0);
        Files.delete(memory.resolve("secrets.json"));
        Files.delete(memory);
        good(World.inventory(), "deploy", "core", "all", "--tag", "sha-1000001");
        assertFalse(World.containers("core").containsKey("ktrdr-alertmanager"));
        assertEquals("", World.on("core", "cd /opt/ktrdr-core && grep -l alertmanager monitoring/*.yml || :"));
        Wait.until(() -> !alertmanagers().contains(":9093"), AlertsFleetTest::alertmanagers);
        // the deployment keeps the volume with silences, as it keeps all data
        World.on("core", "docker volume rm ktrdr-core_alertmanager-data");
    }

    private static String alertmanagers() {
        return World.get("http://10.42.1.10:9090/api/v1/alertmanagers");
    }

    private static Path inventory(String name, Path secrets, String section) throws IOException {
        return World.inventory(Files.createDirectories(folder.resolve(name)), "/dev/shm/ktrdr-lab/secrets.json",
                secrets.toString(),
                "\ndatabase:", "\n  alertmanager: " + IMAGE + "\n" + section + "\ndatabase:");
    }

    private static Ran run(Path inventory, String... words) {
        return ktrdr(Stream.concat(Stream.of(words), Stream.of("-i", inventory.toString())).toArray(String[]::new))
                .run();
    }

    private static Ran good(Path inventory, String... words) {
        var ran = run(inventory, words);
        assertEquals(0, ran.exit(), ran::toString);
        assertFalse((ran.out() + ran.err()).contains(TOKEN), "a secret is shown");
        return ran;
    }

    /** The configuration that Alertmanager runs with. */
    private static String configuration() throws IOException {
        return new ObjectMapper().readTree(World.get("http://10.42.1.10:9093/api/v2/status")).path("config")
                .path("original").asText();
    }

    /** Waits for the alert about this worker in this state. */
    private static JsonNode told(String state, String worker, Duration patience) {
        Wait.until(patience, () -> alert(state, worker).isPresent(), () -> worker + " is " + state
                + ", and nobody was told; but " + TOLD);
        return alert(state, worker).orElseThrow();
    }

    private static Optional<JsonNode> alert(String state, String worker) {
        return TOLD.stream().flatMap(message -> StreamSupport.stream(message.path("alerts").spliterator(), false))
                .filter(alert -> alert.path("status").asText().equals(state)
                        && alert.path("labels").path("worker").asText().equals(worker))
                .findFirst();
    }

    /** Skips restart alerts: they cover 15 minutes, and earlier test classes break Docker. */
    private static List<JsonNode> alerts(Ran status, String node) {
        return StreamSupport.stream(status.json().path("alerts").spliterator(), false)
                .filter(alert -> alert.path("node").asText().equals(node))
                .filter(alert -> !alert.path("name").asText().equals("KtrdrContainerRestarts")).toList();
    }

    /** Prometheus and Alertmanager take minutes to tell, in which other things are looked at. */
    @Test
    void a_worker_that_is_down_is_told_and_told_again_when_it_is_back() throws IOException {
        World.on("workers-b", "docker stop -t 1 backtest-worker-2");
        var latest = Instant.now().plus(FOR).plus(INTERVAL.multipliedBy(2)).plus(GROUP_WAIT).plus(SLACK);
        try {
            itsSecretIsInItsMemoryAlone();
            namesASecretMissingAtTheProviderAndChangesNothing();
            whatAmtoolRefusesReplacesNothing();
            theAlertIsToldAndShown(told("firing", "backtest-worker-2", Duration.between(Instant.now(), latest)));
        } finally {
            World.on("workers-b", "docker start backtest-worker-2");
        }
        latest = Instant.now().plus(INTERVAL.multipliedBy(2)).plus(GROUP_INTERVAL).plus(SLACK);
        aTestAlertArrivesAndOneThatIsSilencedDoesNot();
        told("resolved", "backtest-worker-2", Duration.between(Instant.now(), latest));
        var status = run(World.inventory(), "status", "-o", "json");
        assertEquals(List.of(), alerts(status, "workers-b"));
        assertFalse(status.failing().keySet().stream().anyMatch(check -> check.startsWith("workers-b.")),
                status::toString);
    }

    private static void theAlertIsToldAndShown(JsonNode alert) {
        var labels = alert.path("labels");
        assertEquals("KtrdrWorkerDown warning workers-b", labels.path("alertname").asText() + " "
                + labels.path("severity").asText() + " " + labels.path("node").asText());
        assertEquals("backtest-worker-2 on workers-b is down", alert.path("annotations").path("summary").asText());
        assertEquals("docs/OPERATIONS.md#ktrdrworkerdown", alert.path("annotations").path("runbook_url").asText());

        // status reports alerts without a receiver too
        var status = run(World.inventory(), "status", "-o", "json");
        assertEquals(List.of("KtrdrWorkerDown warning backtest-worker-2 on workers-b is down"),
                alerts(status, "workers-b").stream()
                .map(json -> json.path("name").asText() + " " + json.path("severity").asText() + " "
                        + json.path("summary").asText()).toList());
        assertTrue(alerts(status, "workers-b").get(0).path("since").asText()
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ"), status::toString);
    }

    private static void aTestAlertArrivesAndOneThatIsSilencedDoesNot() {
        var amtool = "docker exec ktrdr-alertmanager amtool --alertmanager.url=http://localhost:9093 ";
        var silence = World.on("core",
                amtool + "silence add alertname=KtrdrTest worker=silent --duration=2h --author=karl --comment=test");
        World.on("core", amtool
                + "alert add KtrdrTest node=core severity=warning worker=silent --annotation='summary=\"a test\"'");
        World.on("core", amtool
                + "alert add KtrdrTest node=core severity=warning worker=loud --annotation='summary=\"a test, all is "
                + "well\"'");
        var alert = told("firing", "loud", GROUP_WAIT.plus(SLACK));
        assertEquals("a test, all is well", alert.path("annotations").path("summary").asText());
        assertFalse(TOLD.stream().anyMatch(message -> message.toString().contains("silent")));
        World.on("core", amtool + "silence expire " + silence);
    }

    private static void itsSecretIsInItsMemoryAlone() {
        assertTrue(World.on("core", "docker exec ktrdr-alertmanager cat /run/alerts/webhook_url").endsWith(TOKEN));
        assertEquals("tmpfs", World.on("core", "docker exec ktrdr-alertmanager stat -f -c %T /run/alerts"));
        for (var place : List.of("grep -rlF " + TOKEN + " /opt/ktrdr-core",
                "docker logs ktrdr-alertmanager 2>&1 | grep -F " + TOKEN,
                "docker diff ktrdr-alertmanager | grep /run/alerts/",
                "docker exec ktrdr-alertmanager grep -lF " + TOKEN + " /proc/1/environ /proc/1/cmdline")) assertEquals(
                        "", World.on("core", place + " || :"), place);
    }

    private static void namesASecretMissingAtTheProviderAndChangesNothing() throws IOException {
        var before = World.everything("core");
        refused(2, run(inventory("poor", World.secrets(), "alerts: {webhook: {}}"), "deploy", "core", "all", "--tag",
                "sha-1000001"), "the secret alert_webhook_url is missing or blank");
        assertEquals(before, World.everything("core"));
    }

    private static void whatAmtoolRefusesReplacesNothing() throws IOException {
        var templates = Files.createDirectories(folder.resolve("wrong/templates/monitoring"));
        Files.writeString(templates.resolve("alertmanager.yml"), "route: {receiver: nobody}\n");
        var wrong = inventory("wrong", memory.resolve("secrets.json"), "alerts: {webhook: {}}\ntemplates: templates");
        var before = World.everything("core");
        for (var words : List.of(List.of("stage", "core"), List.of("deploy", "core", "all", "--tag", "sha-1000001"))) {
            var ran = run(wrong, words.toArray(String[]::new));
            assertNotEquals(0, ran.exit());
            assertTrue(ran.err().contains("core: amtool refuses monitoring/alertmanager.yml")
                    && ran.err().contains("nobody"), ran::toString);
            assertEquals(before, World.everything("core"));
        }
    }

    @Test
    void it_is_a_service_like_the_others() {
        assertEquals("ok", check(good(named, "verify", "--quick", "--wait", "30s", "-o", "json"), "alertmanager.health")
                .path("found").asText());
        assertTrue(good(named, "logs", "core", "alertmanager").out().contains("Listening"));
        good(named, "stage", "core", "--check");
        var before = World.containers("core");
        good(named, "deploy", "core", "alertmanager");
        assertEquals(before, World.containers("core"));
    }

    private static JsonNode check(Ran ran, String id) {
        return StreamSupport.stream(ran.json().path("checks").spliterator(), false)
                .filter(check -> check.path("id").asText().equals(id)).findFirst().orElseThrow();
    }

    @Test
    void a_changed_receiver_is_read_without_a_restart_and_rolled_back() throws IOException {
        var more = inventory("more", memory.resolve("secrets.json"),
                "alerts: {webhook: {}, mail: {to: ops@ktrdr.test, from: ktrdr@ktrdr.test, smarthost: "
                        + "\"mail.ktrdr.test:25\"}}");
        var before = World.containers("core");
        assertTrue(good(more, "deploy", "core", "alertmanager").err().contains("alertmanager reloaded"));
        assertTrue(configuration().contains("mail.ktrdr.test:25"), configuration());
        assertTrue(good(named, "rollback", "core").err().contains("alertmanager reloaded"));
        assertFalse(configuration().contains("mail.ktrdr.test"), configuration());
        assertEquals(before, World.containers("core"));
    }

    @Test
    void a_failed_deployment_restores_a_removed_alertmanager() throws IOException {
        var without = inventory("without", memory.resolve("secrets.json"), "");
        var before = World.containers("core").get("ktrdr-alertmanager");
        var ran = refused(5, run(without, "deploy", "core", "all", "--tag", "sha-bad0000", "--timeout", "10s"),
                "alertmanager removed", "sha-1000001 runs again, healthy");
        assertNotEquals(before, World.containers("core").get("ktrdr-alertmanager"), ran::toString);
        assertTrue(World.on("core", "docker exec ktrdr-alertmanager cat /run/alerts/webhook_url").endsWith(TOKEN));
        // Prometheus needs some seconds to apply a reloaded configuration
        Wait.until(() -> alertmanagers().contains(":9093"), AlertsFleetTest::alertmanagers);
        good(named, "stage", "core", "--check");
    }
}
