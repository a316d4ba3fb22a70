import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import lab.Aftermath;
import lab.Faults;
import lab.Handmade;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** takeover converts a manual installation with all its data, or leaves it unchanged. */
@Tag("fleet")
class TakeoverTest {
    private static final String TAG = "sha-1000001";
    private static final String DB = "registry.ktrdr.home.mynerd.place:5000/postgresql:17";
    private static final String ROWS = "SELECT count(*), sum(hashtext(id::text || symbol)) FROM bars";
    /** The manual installation on core as it was made, see {@link #made}. */
    private static String untouched = "";

    @BeforeAll
    static void all_images_are_there() {
        // removes leftovers of an interrupted run of these tests
        if (!World.on("core", "docker inspect --format '{{json .Mounts}}' ktrdr-db 2>/dev/null || :")
                .contains("ktrdr-core_db-data")) for (var host : List.of("core", "workers-b")) Handmade.gone(host);
        Aftermath.restore();
    }

    @AfterAll
    static void the_fleet_is_ours_again() {
        for (var host : List.of("core", "workers-b")) Handmade.gone(host);
        Aftermath.deployed();
    }

    private static Ran good(String... words) {
        var ran = ktrdr(words).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** A manual installation with rows: the one of the test before, if that left it as it was. */
    private static String core(boolean inTheContainer) {
        if (!inTheContainer && made("core").equals(untouched)) {
            World.on("core", "rm -rf /opt/ktrdr-core/.ktrdr");
            return World.sql(ROWS);
        }
        Handmade.gone("core");
        Handmade.core(inTheContainer);
        World.sql("CREATE TABLE bars AS SELECT i AS id, 'S' || i % 7 AS symbol FROM generate_series(1, 50000) i");
        untouched = inTheContainer ? "" : made("core");
        return World.sql(ROWS);
    }

    /** A container's configuration and state, without what changes at each start. */
    private static String made(String host) {
        return World.on(host, """
                docker ps -a --format '{{.Names}}' | sort | while read -r name; do
                  docker inspect --format '{{.Name}} {{.Config.Image}} {{.Image}} {{.State.Status}} {{json \
                .Config.Cmd}} {{json .Config.Labels}} {{json .HostConfig.RestartPolicy}}
                    {{json .HostConfig.PortBindings}} {{range $name, $of := .NetworkSettings.Networks}}{{$name}} \
                {{end}}' "$name"
                  docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}{{range .Mounts}}{{.Source}} \
                {{println .Destination}}{{end}}' "$name" | sort | sha256sum
                done
                find /opt/ktrdr-* /root/ktrdr-* -path '*/.ktrdr' -prune -o -type f -exec sha256sum {} + 2>/dev/null | \
                sort -k 2""");
    }

    private static String started(String host) {
        return World.on(host, "docker ps -q | xargs docker inspect --format '{{.Name}} {{.State.StartedAt}}' | sort");
    }

    @Test
    void takes_over_a_fleet_with_all_rows_and_spares_foreign_parts(@TempDir Path folder) {
        var rows = core(false);
        Handmade.gone("workers-b");
        Handmade.workers("workers-b");
        var before = List.of(started("core"), started("workers-b"));

        otherProceduresRefuse();
        thePreviewNamesWhatItTakes();
        assertEquals(before, List.of(started("core"), started("workers-b")));

        var taken = good("takeover", "core", "B", "--tag", TAG, "--yes");
        assertTrue(taken.err().contains("none missing") && taken.err().contains("ktrdr-20"), taken::toString);
        assertEquals(rows, World.sql(ROWS));
        assertEquals("200",
                World.on("core", "docker exec ktrdr-mcp curl -s -o /dev/null -w '%{http_code}' "
                        + "http://backend:8000/api/v1/health"));
        refused(1, ktrdr("status").run(), "mcp is not part of the stack: the container ktrdr-mcp", "`foreign`");
        var ours = World.inventory(folder, "tracing: {service: ktrdr-api}",
                "tracing: {service: ktrdr-api}\nforeign: [mcp]");
        good("verify", "--quick", "--wait", "90s", "-i", ours.toString());
        assertFalse(good("deploy", "all", "--tag", TAG).err().contains("recreated"));

        var let = good("takeover", "core", "B", "--drop-old", "--yes");
        assertTrue(let.err().contains("ktrdr-db-before-takeover"), let::toString);
        Aftermath.runs("workers-b", TAG, let);
        assertEquals("", World.on("core",
                "{ docker ps -a --format '{{.Names}}' | grep before-takeover; docker volume ls -q | grep -e "
                        + "prometheus_data -e grafana_data -e '[0-9a-f]\\{64\\}'; ls /opt/ktrdr-core/.ktrdr | grep "
                        + "takeover; } || :"));
        assertEquals(rows, World.sql(ROWS));
    }

    private static void otherProceduresRefuse() {
        refused(1, ktrdr("deploy", "core", "all", "--tag", TAG).run(),
                "core: a new database container would not have the data of the current one",
                "jbang takeover@ktrdr core");
        refused(1, ktrdr("deploy", "workers", "B", "--tag", TAG).run(),
                "workers-b: containers of another installation are in the way",
                "backtest-worker-1 of the project ktrdr-workers-b", "jbang takeover@ktrdr B");
        refused(1, ktrdr("stage", "core", "--tag", TAG).run(),
                "core: containers run in the Compose project ktrdr-core from files that this toolkit did not write",
                "jbang takeover@ktrdr core");
    }

    private static void thePreviewNamesWhatItTakes() {
        var planned = good("takeover", "core", "B", "--tag", TAG, "--dry-run").out();
        for (var words : List.of("ktrdr-db /home/postgres/pgdata/data, in a volume without a name",
                "-> the volume ktrdr-core_db-data", "left alone ktrdr-mcp", "takeover of 2 containers"))
            assertTrue(planned.contains(words), planned);
    }

    @Test
    void an_unhealthy_takeover_leaves_the_installation_as_it_was() {
        var rows = core(false);
        var before = made("core");
        var ran = ktrdr("takeover", "core", "--tag", "sha-bad0000", "--timeout", "10s", "--yes").run();
        refused(5, ran, "core: ", "core runs the previous installation");
        assertEquals(before, made("core"));
        assertEquals(rows, World.sql(ROWS));
        assertEquals("200",
                World.on("core", "curl -s -o /dev/null -w '%{http_code}' http://localhost:8000/api/v1/health"));
        // Compose manages the previous installation again
        assertTrue(World.on("core",
                "cd /opt/ktrdr-core && KTRDR_DB_USER=x KTRDR_DB_PASSWORD=x KTRDR_AUTH_JWT_SECRET=x "
                        + "GF_ADMIN_PASSWORD=x docker compose -f docker-compose.core.yml ps -q").lines().count() == 6);
    }

    @Test
    void data_inside_the_container_moves_along_and_back() {
        var rows = core(true);
        var ran = good("takeover", "core", "--tag", TAG, "--yes");
        assertEquals(rows, World.sql(ROWS), ran::toString);
        World.sql("INSERT INTO bars VALUES (0, 'later')");
        good("takeover", "core", "--back", "--yes");
        assertEquals(rows, World.sql(ROWS));
        refused(1, ktrdr("deploy", "core", "all", "--tag", TAG).run(), "in the container itself",
                "takeover@ktrdr core");
    }

    @Test
    void a_killed_takeover_is_undone_before_anything_is_deployed() {
        var rows = core(false);
        var before = made("core");
        try (var waiting = Faults.waits("core", "docker", "'run --rm --name ktrdr-takeover-copy'");
                var run = ktrdr("takeover", "core", "--tag", TAG, "--yes").start()) {
            run.awaitAsked("core");
            run.kill();
            World.awaitIdle("core");
        } finally {
            World.on("core", "rm -rf /opt/ktrdr-core/.ktrdr/lock");
        }
        for (var words : List.of(List.of("deploy", "core", "all", "--tag", TAG),
                List.of("takeover", "core", "--tag", TAG, "--yes")))
            refused(1, ktrdr(words.toArray(String[]::new)).run(), "core: an unfinished takeover is there",
                    "jbang takeover@ktrdr core --back");
        refused(1, ktrdr("takeover", "core", "--drop-old", "--yes").run(), "the old installation is the only one");
        good("takeover", "core", "--back", "--yes");
        assertEquals(before, made("core"));
        assertEquals(rows, World.sql(ROWS));
    }

    @Test
    void finds_unfit_secrets_or_servers_before_stopping_anything(@TempDir Path folder) {
        core(false);
        var before = started("core");
        var secrets = World.inventory(folder, World.secrets().toString(),
                World.secretsWith(folder.resolve("other.json"), "db_password", "another-word").toString());
        refused(1, ktrdr("takeover", "core", "--tag", TAG, "--yes", "-i", secrets.toString()).run(),
                "core: the secrets do not open the database that is there", "password authentication failed");
        World.on("core", """
                docker run --name newer --user 0 --entrypoint sh DB -c 'rm -f "$(command -v postgres)"; printf \
                "%s\\n" "#!/bin/sh" "echo \\"postgres (PostgreSQL) 18.1\\"" >/usr/local/bin/postgres; chmod +x \
                /usr/local/bin/postgres'
                docker commit newer ktrdr-test/postgresql:18
                docker rm -v newer""".replace("DB", DB));
        try {
            var newer = World.inventory(folder, DB, "ktrdr-test/postgresql:18");
            refused(1, ktrdr("takeover", "core", "--tag", TAG, "--yes", "-i", newer.toString()).run(),
                    "core: the database's image is of another version than the data",
                    "expected  PostgreSQL 17", "postgres (PostgreSQL) 18.1, in ktrdr-test/postgresql:18");
        } finally {
            World.on("core", "docker rmi ktrdr-test/postgresql:18");
        }
        assertEquals(before, started("core"));
        assertFalse(World.on("core", "ls /opt/ktrdr-core/.ktrdr 2>/dev/null || :").contains("takeover"));
    }
}
