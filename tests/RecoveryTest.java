import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that lost everything except the share and the images are restored with yesterday's data. */
@Tag("fleet")
class RecoveryTest {
    private static final String TAG = "sha-1000001";
    private static final String ROWS = "SELECT count(*), sum(id), min(symbol) FROM yesterday";

    private static Ran good(String... words) {
        var ran = ktrdr(words).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    @BeforeAll
    static void a_backup_of_yesterday() {
        Aftermath.deployed();
        World.sql("DROP TABLE IF EXISTS yesterday; CREATE TABLE yesterday AS SELECT i AS id, 'S' || i AS symbol FROM "
                + "generate_series(1, 50000) i");
        good("backup-db");
    }

    @AfterAll
    static void and_no_more() {
        World.sql("DROP TABLE yesterday");
        World.on("core", "rm -rf /srv/ktrdr-shared/db-backups/*");
    }

    @Test
    void core_is_lost_and_comes_back() {
        var before = World.sql(ROWS);
        World.bare("core");
        good("deploy", "core", "all", "--tag", TAG);
        var restored = good("restore-db", "latest", "--yes", "-o", "json");
        assertTrue(restored.json().path("safety_backup").isMissingNode(), restored::toString);
        assertEquals(before, World.sql(ROWS));
        good("verify", "--quick", "--wait", "90s");
    }

    @Test
    void all_three_hosts_are_bare_and_the_fleet_comes_back(@TempDir Path folder) {
        var before = World.sql(ROWS);
        for (var host : List.of("core", "workers-b", "workers-c")) World.bare(host);
        good("verify-infra");
        // these hosts get the share from outside: they have no kernel of their own to serve or mount it
        var inventory = World.inventory(folder, "storage: {server: core",
                "storage: {server: pve.ktrdr.home.mynerd.place").toString();
        var shared = ktrdr("setup-nfs").env("KTRDR_INVENTORY", inventory).run();
        assertEquals(0, shared.exit(), shared::toString);
        good("stage", "all", "--tag", TAG);
        good("deploy", "all", "--tag", TAG);
        good("restore-db", "latest", "--yes");
        assertEquals(before, World.sql(ROWS));
        good("verify", "--wait", "90s");
    }
}
