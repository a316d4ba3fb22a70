import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import lab.Aftermath;
import lab.Toolkit;
import lab.Underway;
import lab.Watch;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where secrets are seen while procedures run, succeed, fail, are interrupted and are killed, and after them, on both sides and in between: see {@link Watch}. */
@Tag("fleet")
class SecretsWatchTest {
    private static final String BACKUPS = "/srv/ktrdr-shared/db-backups/of-the-watch";
    /** Values that the provider has by now and the fleet has not. */
    private static final Map<String, String> PLANTED = Map.of("grafana_password", "planted-Gr4fana-pa55word-0b6ec1", "ghcr_token", "planted-t0ken-of-the-registry-71d2f0");
    private static final String CANARY = "canary-that-is-to-be-seen-95f3c1";
    private static final String CANARYS_FILE = "/var/cache/canary";
    private static final Set<String> CANARY_SEEN = new TreeSet<>(Set.of("core:/tmp/canary has the canary", "core:/var/cache/canary was written and has a secret", "something was sent to 10.99.0.1",
            "the argument list of sh has the canary", "the environment of sleep has the canary", "the wire has the canary"));
    @TempDir Path folder;
    private Path provider;
    /** The release that core does not run. */
    private String another;
    private Watch watch;

    @BeforeEach
    void a_provider_of_our_own_in_memory() throws IOException {
        Aftermath.settle();
        provider = Files.createTempDirectory(Path.of("/dev/shm"), "watch");
    }

    @AfterEach
    void the_older_release_runs_everywhere_with_the_secrets_of_before() throws IOException {
        assertEquals(0, ktrdr("rotate-secret", "grafana_password", "--yes", "--wait", "1m").run().exit());
        assertEquals(0, ktrdr("backup-db", "--schedule", "off").run().exit());
        World.on("core", "rm -rf " + CANARYS_FILE + " " + BACKUPS + "; docker exec ktrdr-db dropdb -U ktrdr --if-exists watched");
        Aftermath.restore();
        assertEquals(0, ktrdr("scale", "B", "2").run().exit());
        Files.deleteIfExists(provider.resolve("secrets.json"));
        Files.delete(provider);
    }

    private static Map<String, String> secrets() {
        var all = new TreeMap<>(World.secretFields());
        PLANTED.forEach((name, value) -> all.put("the new " + name, value));
        all.put("the canary", CANARY);
        return all;
    }

    /** A run that may find something that does not hold, of what others did before. */
    private void looked(String... words) {
        var ran = ktrdr(words).env("KTRDR_INVENTORY", file("inventory.yaml")).run();
        read(ran.exit() == 1 ? 1 : 0, ran);
    }

    /** The run, whose words are read for secrets too. */
    private void run(int exit, Toolkit toolkit) {
        read(exit, toolkit.env("KTRDR_INVENTORY", file("inventory.yaml")).run());
    }

    private void run(int exit, String... words) {
        run(exit, ktrdr(words));
    }

    private void read(int exit, Toolkit.Ran ran) {
        assertEquals(exit, ran.exit(), ran::toString);
        watch.read("what a run said", ran.out() + ran.err());
    }

    private static void sideBySide(Runnable... lanes) {
        CompletableFuture.allOf(Stream.of(lanes).map(CompletableFuture::runAsync).toArray(CompletableFuture[]::new)).join();
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    /** The provider has another value for a secret from now on. */
    private void provide(String field) {
        World.secretsWith(provider.resolve("secrets.json"), field, PLANTED.get(field));
        World.inventory(folder, World.secrets().toString(), provider.resolve("secrets.json").toString(),
                "directory: /srv/ktrdr-shared/db-backups", "directory: " + BACKUPS);
    }

    @Test
    void no_procedure_shows_a_secret() throws Exception {
        another = Aftermath.another("core");
        World.forget("core", another);
        World.inventory(folder, "directory: /srv/ktrdr-shared/db-backups", "directory: " + BACKUPS);
        World.on("core", "mkdir -p " + BACKUPS);
        try (var watching = Watch.over(secrets(), folder, provider)) {
            watch = watching;
            canary();
            looks();
            sideBySide(this::deployments, this::backups);
            workers();
            rotations();
        }
        assertTrue(watch.looks() > 500, "looked only " + watch.looks() + " times");
        assertEquals(String.join("\n", CANARY_SEEN), String.join("\n", watch.seen()), "of " + watch.looks() + " looks");
    }

    /** What is meant to be seen: a secret of nobody, in each of the places that are watched. */
    private void canary() throws Exception {
        World.on("core", "echo '" + CANARY + "' >" + CANARYS_FILE + "\necho '" + CANARY + "' >/tmp/canary");
        var arguments = new ProcessBuilder("sh", "-c", "sleep 60; :", CANARY).start();
        var environment = new ProcessBuilder("sleep", "60");
        environment.environment().put("CANARY", CANARY);
        var sleeping = environment.start();
        for (int before = watch.looks(); watch.looks() < before + 2; ) Thread.sleep(20);
        arguments.descendants().forEach(ProcessHandle::destroy);
        arguments.destroy();
        sleeping.destroy();
        World.on("core", "rm /tmp/canary");
        World.on("workers-b", "printf 'Authorization: Basic %s\\n' \"$(printf 'admin:%s' '" + CANARY + "' | base64)\" | curl -s -o /dev/null -H @- http://10.42.1.10:9090/-/healthy\n"
                + "ping -c 1 -W 1 10.99.0.1 >/dev/null || :");
    }

    private void looks() {
        sideBySide(() -> {
            looked("verify-infra", "--record", file("infra.md"), "--verbose");
            looked("verify", "--quick", "--report", file("page.html"), "--verbose", "-o", "json");
            run(0, "rollback", "core", "--list", "-o", "json");
            run(0, "setup-dns", "--check", "-o", "json");
        }, () -> {
            looked("status", "--verbose", "-o", "json");
            run(0, "logs", "core", "--tail", "20", "-o", "json");
            run(0, "operations", "list", "-o", "json");
            run(0, ktrdr("run", "-", "core").input("docker ps\n"));
        }, () -> {
            run(0, "deploy", "all", "--tag", another, "--dry-run", "--verbose");
            run(1, "deploy", "core", "all", "--tag", "sha-0000000", "--verbose", "-o", "json");
        });
    }

    private void deployments() {
        run(0, "stage", "core", "--tag", another, "--verbose");
        run(0, "deploy", "core", "all", "--tag", another, "--verbose");
        run(0, "rollback", "core", "--yes", "--verbose");
    }

    private void workers() {
        run(0, "scale", "B", "1", "--verbose", "-o", "json");
        try (var run = started()) {
            run.awaitUp("workers-b");
            run.signal("INT");
            read(5, run.end());
        }
        try (var run = started()) {
            run.awaitUp("workers-b");
            run.kill();
        }
    }

    private Underway started() {
        return ktrdr("deploy", "workers", "B", "--tag", another, "--verbose").env("KTRDR_INVENTORY", file("inventory.yaml")).start();
    }

    private void backups() {
        run(0, "backup-db", "--to", file("backup"), "--verbose");
        run(0, "backup-db", "--schedule", "03:00", "--verbose", "-o", "json");
        World.on("core", "systemctl start ktrdr-backup.service");
        run(0, "backup-db", "--list", "-o", "json");
        watch.read("a backup", World.on("core", "cat " + BACKUPS + "/*.dump.zst | docker exec -i ktrdr-db zstd -q -dc | tr '\\000' '\\n'"));
    }

    private void rotations() {
        run(0, "restore-db", "latest", "--into", "watched", "--verbose");
        provide("grafana_password");
        run(0, "rotate-secret", "grafana_password", "--dry-run", "--verbose");
        run(0, "rotate-secret", "grafana_password", "--yes", "--verbose", "-o", "json");
        provide("ghcr_token");
        run(1, "rotate-secret", "ghcr_token", "--verbose");
    }
}
