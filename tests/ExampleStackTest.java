import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Project;
import lab.Prompt;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
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
    @BeforeAll
    static void the_example_is_copied() throws IOException {
        var example = Project.root().resolve("docs/examples/shop");
        try (var files = Files.walk(example)) {
            for (var file : files.toList()) {
                var to = folder.resolve(example.relativize(file).toString());
                if (Files.isDirectory(file)) Files.createDirectories(to);
                else Files.copy(file, to);
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

    private static Ran shop(String... words) {
        var all = new ArrayList<>(List.of(words));
        all.addAll(List.of("-i", inventory.toString()));
        return ktrdr(all.toArray(String[]::new)).run();
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
        refused(5, shop("deploy", "shop", "all", "--tag", NEWER), "\"status\": \"ok\"", "closed");
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
}
