import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import lab.Aftermath;
import lab.Canary;
import lab.Faults;
import lab.Leftovers;
import lab.Toolkit;
import lab.Underway;
import lab.Watch;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Looks for visible secrets while procedures run, succeed, fail, are interrupted and are killed, and afterwards: on
 * both sides and in transit, see {@link Watch}.
 */
@Tag("fleet")
class SecretsWatchTest {
    private static final String BACKUPS = "/srv/ktrdr-shared/db-backups/of-the-watch";
    /** New values in the provider that the fleet does not have yet. */
    private static final Map<String, String> PLANTED = Map.of("grafana_password", "planted-Gr4fana-pa55word-0b6ec1",
            "ghcr_token", "planted-t0ken-of-the-registry-71d2f0");
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    @TempDir Path folder;
    private Path provider;
    /** The release that core does not run. */
    private String another;
    private Watch watch;
    private Leftovers left;

    @BeforeEach
    void a_provider_of_our_own_in_memory() throws IOException {
        Aftermath.settle();
        for (var name : List.of("provided", "outside")) Files.createDirectory(folder.resolve(name));
        provider = Files.createTempDirectory(Path.of("/dev/shm"), "watch");
    }

    @AfterEach
    void the_older_release_runs_everywhere_with_the_secrets_of_before() throws IOException {
        assertEquals(0, ktrdr("rotate-secret", "grafana_password", "--yes", "--wait", "1m").run().exit());
        assertEquals(0, ktrdr("backup-db", "--schedule", "off").run().exit());
        Canary.gone();
        World.on("core", "rm -rf " + BACKUPS + "; docker exec ktrdr-db dropdb -U ktrdr --if-exists watched");
        World.sql("drop table if exists locked");
        Aftermath.restore();
        assertEquals(0, ktrdr("scale", "B", "2").run().exit());
        Files.deleteIfExists(provider.resolve("secrets.json"));
        Files.delete(provider);
    }

    private static Map<String, String> secrets() {
        var all = new TreeMap<>(World.secretFields());
        PLANTED.forEach((name, value) -> all.put("the new " + name, value));
        all.put("the canary", Canary.VALUE);
        return all;
    }

    /** A check that may fail because of earlier steps. */
    private void looked(String... words) {
        var ran = ktrdr(words).asProcess().env("KTRDR_INVENTORY", file("inventory.yaml")).run();
        read(ran.exit() == 1 ? 1 : 0, ran);
    }

    /** Runs a procedure, and searches its output for secrets. */
    private void run(int exit, Toolkit toolkit) {
        // the watch needs a process, with arguments, environment and files
        read(exit, toolkit.asProcess().env("KTRDR_INVENTORY", file("inventory.yaml")).run());
    }

    private void run(int exit, String... words) {
        run(exit, ktrdr(words));
    }

    private void read(int exit, Toolkit.Ran ran) {
        assertEquals(exit, ran.exit(), ran::toString);
        watch.read("what a run said", ran.out() + ran.err());
    }

    private static void sideBySide(Runnable... lanes) {
        CompletableFuture.allOf(Stream.of(lanes).map(CompletableFuture::runAsync).toArray(CompletableFuture[]::new))
                .join();
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    /** An inventory whose provider has another value for a secret. */
    private String provided(String field) {
        World.secretsWith(provider.resolve("secrets.json"), field, PLANTED.get(field));
        return World.inventory(folder.resolve("provided"), World.secrets().toString(),
                provider.resolve("secrets.json").toString()).toString();
    }

    @Test
    void no_procedure_shows_a_secret() throws Exception {
        another = Aftermath.another("core");
        World.forget("core", another);
        World.inventory(folder, "directory: /srv/ktrdr-shared/db-backups", "directory: " + BACKUPS);
        World.on("core", "mkdir -p " + BACKUPS);
        World.sql("create table if not exists locked (word text)");
        left = Leftovers.since(HOSTS);
        try (var watching = Watch.over(secrets(), folder, provider)) {
            watch = watching;
            Canary.seenBy(watch);
            deployments();
            scaling();
            rotations();
            sideBySide(this::killedAtTheUp, this::killedAtTheLogin, this::killedWithTheSecretHalfGiven);
            // during these steps the locks of the killed runs expire
            sideBySide(this::backups, this::looks, this::console);
            cleared();
        }
        assertTrue(watch.looks() > 500, "looked only " + watch.looks() + " times");
        assertEquals(String.join("\n", new TreeSet<>(Canary.SEEN)), String.join("\n", watch.seen()),
                "of " + watch.looks() + " looks");
    }

    private void looks() {
        looked("verify-infra", "--record", file("infra.md"), "--verbose");
        looked("verify", "--quick", "--report", file("page.html"), "--verbose", "-o", "json");
        looked("status", "--verbose", "-o", "json");
        run(0, "rollback", "core", "--list", "-o", "json");
        run(0, "logs", "core", "--tail", "20", "-o", "json");
    }

    private void console() {
        run(0, ktrdr("console").input("fleet.run(\"docker ps\")\nbackend.health()\ndb.query(\"select 1\")\n"));
        run(0, "setup-dns", "--check", "-o", "json");
        run(0, "operations", "list", "-o", "json");
        run(0, ktrdr("run", "-", "core").input("docker ps\n"));
        read(0, ktrdr("setup-nfs", "--verbose").asProcess().env("KTRDR_INVENTORY", outside()).run());
    }

    /** An inventory whose share is on no node: nothing to set up, everything to verify. */
    private String outside() {
        return World.inventory(folder.resolve("outside"), "storage: {server: core",
                "storage: {server: pve.ktrdr.home.mynerd.place").toString();
    }

    private void deployments() {
        sideBySide(() -> run(0, "deploy", "all", "--tag", another, "--dry-run", "--verbose"),
                () -> run(1, "deploy", "core", "all", "--tag", "sha-9999999", "--verbose", "-o", "json"));
        run(0, "stage", "core", "--tag", another, "--verbose");
        run(0, "deploy", "core", "all", "--tag", another, "--verbose");
        World.forget("core", Aftermath.another("core"));
        interrupted("core", "'login '", "rollback", "core", "--yes", "--verbose");
        run(0, "rollback", "core", "--yes", "--verbose");
    }

    private void scaling() {
        interrupted("workers-b", "'rm -f '", "scale", "B", "1", "--verbose");
        run(0, "scale", "B", "1", "--verbose", "-o", "json");
    }

    /** Interrupts a run at this Docker command on a host, and asserts that nothing is left. */
    private void interrupted(String host, String asked, String... words) {
        try (var waiting = Faults.waits(host, "docker", asked); var run = started(words)) {
            run.awaitAsked(host);
            interrupted(run);
        }
        left.none(host, "an interrupted " + String.join(" ", words));
    }

    private void interrupted(Underway run) {
        run.signal("INT");
        var ran = run.end();
        read(ran.exit() == 5 ? 5 : 130, ran);
    }

    private Underway started(String... words) {
        return ktrdr(words).env("KTRDR_INVENTORY", file("inventory.yaml")).start();
    }

    /** Kills a run: its script's files on the host are removed, but its lock stays. */
    private void killed(String host, Runnable moment, Underway run) {
        moment.run();
        run.kill();
        left.noneButLock(host, "a killed run");
    }

    private void killedAtTheUp() {
        try (var run = started("deploy", "workers", "B", "--tag", another, "--verbose")) {
            run.awaitUp("workers-b");
            interrupted(run);
        }
        left.none("workers-b", "an interrupted deployment");
        try (var run = started("deploy", "workers", "B", "--tag", another, "--verbose")) {
            killed("workers-b", () -> run.awaitUp("workers-b"), run);
        }
    }

    private void killedAtTheLogin() {
        World.forget("workers-c", another);
        try (var waiting = Faults.waits("workers-c", "docker", "'login '");
                var run = started("deploy", "workers", "C", "--tag", another, "--verbose")) {
            killed("workers-c", () -> run.awaitAsked("workers-c"), run);
        }
    }

    private void rotations() {
        var token = provided("ghcr_token");
        run(1, "rotate-secret", "ghcr_token", "--verbose", "-i", token);
        try (var waiting = Faults.waits("core", "docker", "'login '");
                var run = started("rotate-secret", "ghcr_token", "--verbose", "-i", token)) {
            killed("core", () -> run.awaitAsked("core"), run);
        }
        var password = provided("grafana_password");
        run(0, "rotate-secret", "grafana_password", "--dry-run", "--verbose", "-i", password);
        interrupted("core", "compose*' up -d'", "rotate-secret", "grafana_password", "--yes", "--verbose", "-i",
                password);
        run(0, "rotate-secret", "grafana_password", "--yes", "--verbose", "-o", "json", "-i", password);
    }

    /** Rotates back to the lab's own password; Grafana is stopped at that time. */
    private void killedWithTheSecretHalfGiven() {
        try (var deaf = Faults.deaf("core", "ktrdr-grafana");
                var run = ktrdr("rotate-secret", "grafana_password", "--yes", "--verbose").start()) {
            killed("core", () -> run.awaitUp("core"), run);
        }
    }

    private void backups() {
        try (var locked = Faults.lockedTable("locked"); var run = started("backup-db", "--verbose")) {
            run.awaitDump();
            interrupted(run);
        }
        left.noneButLock("core", "an interrupted backup");
        try (var locked = Faults.lockedTable("locked");
                var run = started("backup-db", "--to", file("backup"), "--verbose")) {
            killed("core", run::awaitDump, run);
        }
        run(0, "backup-db", "--to", file("backup"), "--verbose");
        assertEquals(List.of("backup", "backup.json", "backup.sha256"),
                Stream.of(folder.toFile().list()).filter(name -> name.contains("backup")).sorted().toList());
        run(0, "backup-db", "--schedule", "03:00", "--verbose", "-o", "json");
        World.on("core", "systemctl start ktrdr-backup.service");
        run(0, "backup-db", "--list", "-o", "json");
        watch.read("a backup",
                World.on("core", "cat " + BACKUPS
                        + "/*.dump.zst | docker exec -i ktrdr-db zstd -q -dc | tr '\\000' '\\n'"));
        run(0, "restore-db", "latest", "--into", "watched", "--verbose");
    }

    /** Ordinary commands repair what the killed runs left. */
    private void cleared() {
        sideBySide(() -> read(0, ktrdr("rotate-secret", "grafana_password", "--yes", "--wait", "1m").asProcess().run()),
                () -> run(0, "deploy", "workers", "all", "--tag", Aftermath.OLDER, "--parallel", "--wait", "1m"));
        for (var host : HOSTS) left.none(host, "an ordinary run after one that was killed");
    }
}
