import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import lab.Aftermath;
import lab.Faults;
import lab.Toolkit.Ran;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Secrets that change in the provider; each test ends with the fleet's original secrets. */
@Tag("fleet")
class RotateSecretTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PASSWORD = "An0ther-pass'word $x";
    private static final String JWT = "another-secret-of-more-than-32-characters";
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private final Set<String> rotated = new TreeSet<>();
    private Path folder;

    /** In memory only, like the lab's own secrets. */
    @BeforeEach
    void a_provider_of_our_own() throws IOException {
        Aftermath.settle();
        // waits until all workers are registered: the previous test may have replaced the backend
        Aftermath.well();
        folder = Files.createTempDirectory(Path.of("/dev/shm"), "rotate");
    }

    @AfterEach
    void the_fleet_has_its_own_secrets_again() throws IOException {
        for (var field : rotated) good(ktrdr("rotate-secret", field, "--yes", "--wait", "1m").run());
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    private static Ran good(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** An inventory whose provider has this value, and the lab's values otherwise. */
    private String provider(String field, String value) {
        if (!List.of("ghcr_token", "alert_webhook_url").contains(field)) rotated.add(field);
        var file = World.secretsWith(folder.resolve("secrets.json"), field, value);
        return World.inventory(folder, World.secrets().toString(), file.toString()).toString();
    }

    private static String former(String field) throws IOException {
        return JSON.readTree(Files.readString(World.secrets())).path(field).asText();
    }

    /** Whether PostgreSQL accepts this password over TCP, at the container's own address. */
    private static boolean letsIn(String password) {
        return World.on("core", "password=$(cat <<'WORD'\n" + password +
                "\nWORD\n)\nprintf '%s\\n' \"$password\" | docker exec -i ktrdr-db sh -c '"
                + "IFS= read -r PGPASSWORD; export PGPASSWORD; psql -w -Atq -h \"$(hostname -i)\" -U ktrdr -d ktrdr "
                + "-c \"select 1\"' 2>/dev/null || echo no").equals("1");
    }

    private static String verifier() {
        return World.sql("select rolpassword from pg_authid where rolname = current_user");
    }

    /** Names of all containers on all hosts with this value in their environment. */
    private static Set<String> having(String variable, String value) {
        var found = new TreeSet<String>();
        for (var host : HOSTS)
            World.on(host, "docker inspect --format '{{$name := .Name}}{{range .Config.Env}}{{$name}} {{println "
                    + ".}}{{end}}' $(docker ps -aq)").lines()
                    .filter(line -> line.endsWith(" " + variable + "=" + value))
                    .forEach(line -> found.add(host + line.split(" ")[0]));
        return found;
    }

    /** PostgreSQL, the backend and the workers of both nodes all use this password. */
    private static void theDatabasesPasswordIs(String password, String other) {
        assertTrue(letsIn(password));
        assertFalse(letsIn(other));
        assertEquals(7, having("KTRDR_DB_PASSWORD", password).size());
        assertEquals(Set.of(), having("KTRDR_DB_PASSWORD", other));
    }

    private static long registered() throws IOException {
        return StreamSupport.stream(JSON.readTree(World.workers()).spliterator(), false)
                .filter(worker -> worker.path("status").asText().equals("available"))
                .map(worker -> worker.path("endpoint_url").asText()).distinct().count();
    }

    @Test
    void rotates_the_database_password_and_ends_a_killed_way_back() throws Exception {
        World.sql("drop table if exists kept; create table kept (word text); insert into kept values ('still here')");
        var former = former("db_password");
        var before = World.containers("core");
        var inventory = provider("db_password", PASSWORD);
        var log = folder.resolve("log");
        var run = ktrdr("rotate-secret", "db_password", "--yes", "--verbose", "-i", inventory).processBuilder()
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        var seen = watched(run, List.of(PASSWORD, former));
        var said = Files.readString(log);
        assertEquals(0, run.exitValue(), said);
        assertEquals(Set.of(), seen, "in argument lists");
        assertTrue(said.contains("accepted over TCP, the previous one refused"), said);
        theDatabasesPasswordIs(PASSWORD, former);
        assertEquals(6, registered());
        assertEquals("still here", World.sql("select word from kept"));
        World.sql("drop table kept");
        assertEquals(List.of("ktrdr-backend"), changed(before, "core"));
        neitherIsShown(said, former);
        var everything = World.everything();
        assertTrue(good(ktrdr("rotate-secret", "db_password", "-i", inventory).run()).err().contains("0 changed"));
        assertEquals(everything, World.everything());
        anotherRunCompletesARotationKilledAfterTheDatabase(former);
    }

    private static void neitherIsShown(String said, String former) {
        var places = new ArrayList<>(List.of(said, World.on("core", "docker logs ktrdr-db 2>&1")));
        for (var host : HOSTS) places.add(World.on(host, "cd /opt; find ktrdr-* -type f -exec cat {} +"));
        for (var place : places)
            for (var value : List.of(PASSWORD, former)) assertFalse(place.contains(value), () -> place);
    }

    private static void anotherRunCompletesARotationKilledAfterTheDatabase(String former) throws IOException {
        try (var run = ktrdr("rotate-secret", "db_password", "--yes").start()) {
            run.awaitVerifier(verifier());
            run.kill();
        }
        HOSTS.forEach(Faults::silent);
        good(ktrdr("rotate-secret", "db_password", "--yes", "--wait", "1m").run());
        theDatabasesPasswordIs(former, PASSWORD);
        assertEquals(6, registered());
    }

    /** The argument lists, on this machine and the hosts, that contained one of these values during the run. */
    private static Set<String> watched(Process run, List<String> values) throws Exception {
        var seen = new TreeSet<String>();
        for (; run.isAlive(); Thread.sleep(50))
            try (var processes = Files.list(Path.of("/proc"))) {
                for (var process : processes.filter(path -> path.getFileName().toString().matches("\\d+")).toList()) {
                    var arguments = arguments(process);
                    if (values.stream().anyMatch(arguments::contains)) seen.add(arguments);
                }
            }
        return seen;
    }

    private static String arguments(Path process) {
        try {
            return new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.ISO_8859_1);
        } catch (IOException gone) {
            return "";
        }
    }

    private static List<String> changed(Map<String, String> before, String host) {
        var now = World.containers(host);
        return before.keySet().stream().filter(name -> !before.get(name).equals(now.get(name))).toList();
    }

    @Test
    void rotates_the_jwt_secret_on_the_backend_but_not_in_a_dry_run() throws IOException {
        var inventory = provider("jwt_secret", JWT);
        var everything = World.everything();
        var planned = good(ktrdr("rotate-secret", "jwt_secret", "--dry-run", "-i", inventory).run());
        assertTrue(planned.out().contains("up       backend recreated"), planned::toString);
        refused(2, ktrdr("rotate-secret", "jwt_secret", "-i", inventory).run(),
                "jwt_secret would be replaced; core: backend recreated. Continue? Cannot ask for confirmation");
        assertEquals(everything, World.everything());
        var before = World.containers("core");
        var ran = good(ktrdr("rotate-secret", "jwt_secret", "--yes", "-i", inventory).run());
        assertTrue(ran.err().contains("6 of 6 registered again"), ran::toString);
        assertEquals(List.of("ktrdr-backend"), changed(before, "core"));
        assertEquals(Set.of("core/ktrdr-backend"), having("KTRDR_AUTH_JWT_SECRET", JWT));
        assertEquals(Set.of(), having("KTRDR_AUTH_JWT_SECRET", former("jwt_secret")));
    }

    @Test
    void refuses_a_secret_the_backend_rejects_before_any_change() throws IOException {
        var everything = World.everything();
        refused(2, ktrdr("rotate-secret", "jwt_secret", "--yes", "-i", provider("jwt_secret", "too-short")).run(),
                "jwt_secret has fewer than 32 characters");
        assertEquals(everything, World.everything());
    }

    @Test
    void rolls_back_a_database_password_if_the_backend_is_too_late() throws IOException {
        var verifier = verifier();
        var ran = refused(5,
                ktrdr("rotate-secret", "db_password", "--yes", "--timeout", "100ms", "-i",
                        provider("db_password", PASSWORD)).run(), "PostgreSQL's role has the previous one again",
                "core: returned");
        assertEquals(verifier, verifier(), ran::toString);
        theDatabasesPasswordIs(former("db_password"), PASSWORD);
        Aftermath.runs("core", Aftermath.OLDER, ran);
    }

    @Test
    void interrupted_once_the_database_has_it_it_is_taken_back() throws IOException {
        var verifier = verifier();
        Ran ran;
        try (var run = ktrdr("rotate-secret", "db_password", "--yes", "-i", provider("db_password", PASSWORD))
                .start()) {
            run.awaitVerifier(verifier);
            run.signal("INT");
            ran = run.end();
        }
        assertTrue(Set.of(5, 130).contains(ran.exit()), ran::toString);
        assertEquals(verifier, verifier(), ran::toString);
        theDatabasesPasswordIs(former("db_password"), PASSWORD);
    }

    @Test
    void an_interrupted_rotation_is_rolled_back_on_core_too() throws IOException {
        Ran ran;
        try (var deaf = Faults.deaf("workers-b", "backtest-worker-1"); var run = ktrdr("rotate-secret", "db_password",
                "--yes", "-i", provider("db_password", PASSWORD)).start()) {
            run.awaitUp("workers-b");
            run.signal("INT");
            deaf.close();
            ran = run.end();
        }
        assertEquals(5, ran.exit(), ran::toString);
        // an interrupted stop continues in Docker, and has ended after this time
        Wait.millis(3_000);
        theDatabasesPasswordIs(former("db_password"), PASSWORD);
        for (var host : HOSTS) Aftermath.runs(host, Aftermath.OLDER, ran);
    }

    @Test
    void sets_in_the_database_a_password_that_containers_already_have() throws IOException {
        var inventory = provider("db_password", PASSWORD);
        good(ktrdr("deploy", "core", "backend", "--tag", Aftermath.OLDER, "-i", inventory).run());
        good(ktrdr("deploy", "workers", "all", "--tag", Aftermath.OLDER, "--parallel", "-i", inventory).run());
        assertFalse(letsIn(PASSWORD));
        var ran = good(ktrdr("rotate-secret", "db_password", "--yes", "-i", inventory).run());
        assertTrue(ran.err().contains("PostgreSQL's role has the new one: accepted over TCP"), ran::toString);
        theDatabasesPasswordIs(PASSWORD, former("db_password"));
    }

    /**
     * The lab uses a Grafana stand-in if the image is not available: it has no database and no command to reset a
     * password.
     */
    @Test
    void the_password_of_grafana_is_another_one() throws IOException {
        var before = World.containers("core");
        var ran = good(ktrdr("rotate-secret", "grafana_password", "--yes", "-i", provider("grafana_password", PASSWORD))
                .run());
        assertEquals(List.of("ktrdr-grafana"), changed(before, "core"));
        assertEquals(Set.of("core/ktrdr-grafana"), having("GF_SECURITY_ADMIN_PASSWORD", PASSWORD), ran::toString);
        // the stand-in has no command to change its database
        assertTrue(ran.err().contains("Grafana's own database was left alone: the image has no `grafana cli`")
                && !ran.err().contains("database has the new one"), ran::toString);
    }

    @Test
    void tests_the_registry_token_and_refuses_what_cannot_be_rotated() throws IOException {
        var everything = World.everything();
        assertTrue(good(ktrdr("rotate-secret", "ghcr_token").run()).err().contains("accepts the login of kpiteira"));
        refused(1, ktrdr("rotate-secret", "ghcr_token", "-i", provider("ghcr_token", "no-such-token")).run(),
                "did not accept the login of kpiteira");
        refused(2, ktrdr("rotate-secret", "db_username").run(), "not a secret to rotate");
        refused(2, ktrdr("rotate-secret", "db_password", "-i", provider("db_password", " ")).run(),
                "the secret db_password is missing or blank");
        refused(2, ktrdr("rotate-secret", "db_password", "-i", provider("db_password", "two\nlines")).run(),
                "the secret db_password has a line break or a NUL in it");
        refused(2, ktrdr("rotate-secret", "db_password", "-i", provider("db_password", "pässword")).run(),
                "printable ASCII");
        refused(2, ktrdr("rotate-secret", "db_passwort").run(), "db_passwort");
        refused(1, ktrdr("rotate-secret", "alert_webhook_url", "--yes", "-i",
                provider("alert_webhook_url", "https://hooks.test/x")).run(),
                "no container there has alert_webhook_url");
        assertEquals(everything, World.everything());
    }
}
