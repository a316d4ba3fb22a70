import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Project;
import lab.Faults;
import lab.Prompt;
import lab.Toolkit.Ran;
import lab.Toolkit;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import runbook.Block;
import runbook.Promised;

/**
 * The example of docs/OWN_STACK.md on a host of the practice fleet, next to KTRDR's workers: the page is followed, and
 * what fails leaves the release that serves.
 */
@Tag("fleet")
class ExampleStackTest {
    private static final String HOST = "workers-c";
    private static final String OLDER = "sha-1000001";
    private static final String NEWER = "sha-2000002";
    private static final String PASSWORD = "an-old-lock-7";
    private static final String REGISTRY = "registry.ktrdr.home.mynerd.place:5000";
    @TempDir static Path folder;
    private static Path inventory;

    /** The example with the addresses, images and login of the practice fleet; nothing else of it is changed. */
    @BeforeEach
    void the_example_is_copied() throws IOException {
        var example = Project.root().resolve("docs/examples/shop");
        try (var files = Files.walk(example)) {
            for (var file : files.toList()) {
                var to = folder.resolve(example.relativize(file).toString());
                if (Files.isDirectory(file)) Files.createDirectories(to);
                else Files.copy(file, to, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        var secrets = folder.resolve("secrets.json");
        Files.writeString(secrets, "{\"shop_db_password\": \"" + PASSWORD + "\", \"ghcr_token\": \""
                + World.secretFields().get("ghcr_token") + "\"}");
        Files.setPosixFilePermissions(secrets, PosixFilePermissions.fromString("rw-------"));
        inventory = folder.resolve("inventory.yaml");
        edit("inventory.yaml", "domain: home.example", "domain: ktrdr.home.mynerd.place\nresolve: inventory\n"
                + "ssh: {user: root, identity: " + World.folder().resolve("id_ed25519") + ", known_hosts: "
                + World.folder().resolve("known_hosts") + "}\nimages: {registry: \"" + REGISTRY
                + "\", username: kpiteira}", "host: shop-1", "host: " + HOST + "\n    address: 10.42.1.12",
                "disk_free: 5GB", "disk_free: 1GB", "{SITE_IMAGE: python}", "{SITE_IMAGE: \"" + REGISTRY
                + "/ktrdr-backend\", DB_IMAGE: \"" + REGISTRY
                + "/postgresql:17\", DB_DATA: /home/postgres/pgdata/data}");
    }

    @AfterAll
    static void nothing_of_it_stays() {
        World.on(HOST, "docker compose -p shop down -v -t 1 2>&1; rm -rf /opt/shop /srv/shop-backups");
        for (var host : List.of(HOST, "workers-b"))
            World.on(host, "docker compose -p edge down -t 1 2>&1; rm -rf /opt/edge");
    }

    private static void edit(String path, String... replacements) throws IOException {
        var file = folder.resolve(path);
        var text = Files.readString(file);
        for (int i = 0; i < replacements.length; i += 2) {
            assertTrue(text.contains(replacements[i]), replacements[i] + " in " + text);
            text = text.replace(replacements[i], replacements[i + 1]);
        }
        Files.writeString(file, text);
    }

    private static Toolkit command(String... words) {
        var all = new ArrayList<>(List.of(words));
        all.addAll(List.of("-i", inventory.toString()));
        return ktrdr(all.toArray(String[]::new));
    }

    private static Ran shop(String... words) {
        return command(words).run();
    }

    private static Ran good(String... words) {
        var ran = shop(words);
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** The containers of the shop and of KTRDR's workers, with their starts. */
    private static String containers(String project) {
        return World.on(HOST, "docker ps -aq --no-trunc --filter label=com.docker.compose.project=" + project
                + " | xargs -r docker inspect --format '{{.Name}} {{.Id}} {{.State.StartedAt}}' | sort");
    }

    private static String ask(String path) {
        return World.on(HOST, "curl -fsS http://127.0.0.1:8080" + path).strip();
    }

    @Test
    void the_page_is_followed_from_a_folder_to_a_way_back() throws Exception {
        nothing_of_it_stays();
        var workers = containers("ktrdr-workers") + containers("ktrdr-metrics");
        var prompt = Prompt.at(folder, inventory);
        var wrong = new ArrayList<String>();
        for (var block : Block.of(Project.root().resolve("docs/OWN_STACK.md"))) {
            var ran = prompt.block(block.commands(), Duration.ofMinutes(5));
            if (ran.exit() != block.exit()) wrong.add(block + ": exit code " + ran.exit() + "\n" + ran.out());
            block.output().flatMap(promised -> Promised.missing(promised, ran.out()))
                    .ifPresent(line -> wrong.add(block + ": no \"" + line + "\" in\n" + ran.out()));
        }
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
        assertEquals("{\"status\": \"ok\"}", ask("/health.json"));
        assertEquals("IMAGE_TAG=" + OLDER, World.on(HOST, "grep IMAGE_TAG /opt/shop/.env").strip());
        assertEquals("", World.on(HOST, "grep -rl " + PASSWORD + " /opt/shop /srv/shop-backups || :"));
        assertEquals(workers, containers("ktrdr-workers") + containers("ktrdr-metrics"), "KTRDR's are as they were");
    }

    @Test
    void what_fails_leaves_the_release_that_serves() throws IOException {
        good("deploy", "shop", "all", "--tag", OLDER);
        var before = containers("shop");
        refused(1, shop("deploy", "shop", "all", "--tag", "sha-0000000"), "sha-0000000");
        edit("templates/shop/db/tables.sql", "CREATE TABLE", "CRATE TABLE");
        edit("templates/shop/compose.yaml", "ON_ERROR_STOP=1", "ON_ERROR_STOP=on");
        refused(5, shop("deploy", "shop", "all", "--tag", NEWER), "tables ended with exit code 3", "CRATE");
        edit("templates/shop/db/tables.sql", "CRATE TABLE", "CREATE TABLE");
        edit("templates/shop/compose.yaml", "ON_ERROR_STOP=on", "ON_ERROR_STOP=1");
        assertEquals(before.replaceAll("(?m)^/shop-tables-1 .*\n?", ""),
                containers("shop").replaceAll("(?m)^/shop-tables-1 .*\n?", ""), "the others were not touched");
        edit("templates/shop/site/health.json", "ok", "closed");
        refused(5, shop("deploy", "shop", "all", "--tag", NEWER, "--timeout", "8s"), "\"status\": \"ok\"", "closed");
        edit("templates/shop/site/health.json", "closed", "ok");
        assertEquals("{\"status\": \"ok\"}", ask("/health.json"));
        assertEquals("IMAGE_TAG=" + OLDER, World.on(HOST, "grep IMAGE_TAG /opt/shop/.env").strip());
        edit("templates/shop/compose.yaml", "once: 1m", "onec: 1m");
        refused(2, shop("deploy", "shop", "all", "--tag", NEWER), "x-ktrdr.onec is unknown");
        edit("templates/shop/compose.yaml", "onec: 1m", "once: 1m");
        good("status");
    }

    @Test
    void a_service_comes_and_goes_and_a_stray_is_told() throws IOException {
        good("deploy", "shop", "all", "--tag", OLDER);
        var file = Files.readString(folder.resolve("templates/shop/compose.yaml"));
        edit("templates/shop/compose.yaml", file.substring(file.indexOf("  staff:"), file.indexOf("  db:")), "");
        assertTrue(good("deploy", "shop", "all", "--tag", NEWER).err().contains("staff removed"));
        assertTrue(good("rollback", "shop", "--yes").err().contains("staff started"));
        Files.writeString(folder.resolve("templates/shop/compose.yaml"), file);
        good("status");
        World.on(HOST, "docker run -d --name shop-guest --label com.docker.compose.project=shop "
                + "--label com.docker.compose.service=guest --entrypoint sleep " + REGISTRY + "/postgresql:17 60");
        try {
            refused(1, shop("status"), "guest is not part of the stack");
        } finally {
            World.on(HOST, "docker rm -f shop-guest");
        }
    }

    @Test
    void what_is_cut_or_killed_is_repaired_and_a_second_run_waits() throws IOException {
        good("deploy", "shop", "all", "--tag", OLDER);
        edit("templates/shop/site/health.json", "ok", "closed");
        try (var run = command("deploy", "shop", "all", "--tag", NEWER, "--timeout", "20s").start()) {
            run.awaitHealth(HOST, 2, NEWER);
            refused(4, shop("deploy", "shop", "all", "--tag", OLDER), "deploy shop all " + NEWER);
            Faults.cut(HOST);
            assertEquals(5, run.end().exit(), "the release before is back after a cut connection");
        }
        try (var run = command("deploy", "shop", "all", "--tag", NEWER).start()) {
            run.awaitHealth(HOST, 2, NEWER);
            run.kill();
        }
        Faults.silentIn(HOST, "/opt/shop");
        edit("templates/shop/site/health.json", "closed", "ok");
        assertTrue(good("deploy", "shop", "all", "--tag", NEWER).err().contains("taken over from"));
        assertEquals("{\"status\": \"ok\"}", ask("/health.json"));
        good("status");
    }

    @Test
    void what_exits_was_edited_or_is_damaged_is_told() throws IOException {
        good("deploy", "shop", "all", "--tag", OLDER);
        edit("templates/shop/compose.yaml", "http.server, \"8000\"", "http.server, none");
        refused(5, shop("deploy", "shop", "all", "--tag", NEWER), "keeps exiting");
        edit("templates/shop/compose.yaml", "http.server, none", "http.server, \"8000\"");
        assertEquals("{\"status\": \"ok\"}", ask("/health.json"));
        World.on(HOST, "echo '# by hand' >>/opt/shop/compose.yaml");
        refused(1, shop("status"), "compose.yaml");
        assertTrue(good("stage", "shop", "--tag", OLDER).toString()
                .contains("was changed by hand; the change is kept"));
        good("status");
        World.on(HOST, "mkdir -p -m 700 /srv/shop-backups");
        good("backup-db");
        World.on(HOST, "cd /srv/shop-backups && file=$(ls *.dump.zst | tail -n 1) && printf x | "
                + "dd of=\"$file\" bs=1 seek=600 conv=notrunc 2>&1");
        refused(1, shop("restore-db", "latest", "--yes"), "checksum");
        good("verify");
    }

    @Test
    void its_secret_is_replaced_and_what_is_at_work_is_waited_for() throws IOException {
        good("deploy", "shop", "all", "--tag", OLDER);
        edit("secrets.json", PASSWORD, "a-new-lock-8");
        assertTrue(good("rotate-secret", "shop_db_password", "--yes").err()
                .contains("accepted over TCP, the previous one refused"));
        assertEquals("a-new-lock-8", World.on(HOST, "docker exec shop-db-1 printenv POSTGRES_PASSWORD").strip());
        edit("secrets.json", "a-new-lock-8", PASSWORD);
        good("rotate-secret", "shop_db_password", "--yes");
        edit("templates/shop/compose.yaml", "proof: {tcp: 8000}",
                "proof: {tcp: 8000}\n      busy: {command: [test, -e, /tmp/at-work]}");
        good("stage", "shop", "--tag", OLDER);
        World.on(HOST, "docker exec shop-staff-1 touch /tmp/at-work");
        var waited = good("restart", "shop", "staff", "--wait-idle", "3s");
        assertTrue(waited.err().contains("staff is stopped while at work"), waited::toString);
        World.on(HOST, "docker exec shop-staff-1 rm /tmp/at-work");
        assertTrue(!good("restart", "shop", "staff", "--wait-idle", "3m").err().contains("at work"));
    }

    @Test
    void a_role_may_have_several_nodes_next_to_other_stacks() throws IOException {
        good("deploy", "shop", "all", "--tag", OLDER);
        Files.createDirectories(folder.resolve("templates/edge"));
        Files.writeString(folder.resolve("templates/edge/compose.yaml"), """
                services:
                  proxy:
                    image: REGISTRY/ktrdr-backend:${IMAGE_TAG:?}
                    command: [python, -m, http.server, "8000"]
                    ports: ["8090:8000"]
                    healthcheck: {disable: true}
                    x-ktrdr: {proof: {tcp: 8000}}
                """.replace("REGISTRY", REGISTRY));
        edit("inventory.yaml", "# each variable", """
                  edge-1: {id: E, role: edge, host: workers-c, address: 10.42.1.12}
                  edge-2: {id: F, role: edge, host: workers-b, address: 10.42.1.11}
                # each variable""");
        good("deploy", "edge", "all", "--tag", OLDER);
        for (var host : List.of(HOST, "workers-b")) assertEquals("true " + REGISTRY + "/ktrdr-backend:" + OLDER,
                World.on(host, "docker inspect -f '{{.State.Running}} {{.Config.Image}}' edge-proxy-1").strip());
        assertTrue(good("deploy", "edge", "F", "--tag", NEWER).err().contains("edge-2"));
        good("rollback", "edge", "F", "--yes");
        good("status");
        edit("templates/edge/compose.yaml", "8090:", "8080:");
        refused(2, shop("deploy", "edge", "all", "--tag", NEWER),
                "edge-1 and shop-1 are one machine, and both want the port 8080");
    }
}
