import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import ktrdr.LocalCommand;
import lab.Aftermath;
import lab.Leftovers;
import lab.Toolkit;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** backup-db with a small table and its own folder. */
@Tag("fleet")
class BackupTest {
    private static final String FOLDER = "/srv/ktrdr-shared/backup-test";
    private static final String SESSIONS =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'ktrdr-backup-%'";
    @TempDir static Path inventories;
    @TempDir Path here;

    @BeforeAll
    static void a_database_with_rows() {
        Aftermath.someRelease();
        World.sql("DROP TABLE IF EXISTS backup_test; CREATE TABLE backup_test AS SELECT n, md5(n::text) || "
                + "md5((-n)::text) AS text FROM generate_series(1, 50000) n;");
        World.inventory(inventories, "/srv/ktrdr-shared/db-backups", FOLDER);
    }

    @BeforeEach
    void an_empty_folder() {
        World.on("core", "rm -rf " + FOLDER + "; mkdir " + FOLDER);
    }

    @AfterAll
    static void it_is_gone() {
        World.sql("DROP TABLE IF EXISTS backup_test");
        World.on("core", "rm -rf " + FOLDER);
    }

    private static Toolkit backup(String... words) {
        var all = new java.util.ArrayList<>(List.of("backup-db"));
        all.addAll(List.of(words));
        return ktrdr(all.toArray(String[]::new))
                .env("KTRDR_INVENTORY", inventories.resolve("inventory.yaml").toString());
    }

    private static List<String> on(String script) {
        return World.on("core", "cd " + FOLDER + "; " + script).lines().toList();
    }

    private static String series(String name) {
        return on("sed -n 's/^ktrdr_backup_" + name + " //p' /opt/ktrdr-core/.ktrdr/metrics/backup.prom").get(0);
    }

    private static List<String> names() {
        return on("ls -A");
    }

    private List<String> here() throws IOException {
        try (var all = Files.list(here)) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void awaitSessions(int least) {
        Wait.until(() -> least == 0 ? World.sql(SESSIONS).equals("0") : Integer.parseInt(World.sql(SESSIONS)) >= least,
                () -> World.sql(SESSIONS) + " sessions of a backup, not " + least);
    }

    @Test
    void a_backup_appears_with_a_valid_record_and_sums_and_is_listed() {
        var ran = backup("-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var record = ran.json().path("backup");
        var name = record.path("name").asText();
        var dump = name + ".dump.zst";
        assertEquals(List.of(name + ".dump.zst", name + ".dump.zst.sha256", name + ".json"), names());
        assertEquals(List.of(dump + ": OK", name + ".json: OK"), on("sha256sum -c *.sha256"));
        assertEquals(List.of("600", "600", "600"), on("stat -c %a *"));
        assertEquals(on("stat -c %s *.zst; sha256sum <" + dump + " | sed 's/ .*//'"),
                List.of(record.path("bytes").asText(), record.path("sha256").asText()));
        assertTrue(on("docker exec -i ktrdr-db sh -c 'zstd -q -dc | pg_restore -l' <" + dump).stream()
                .anyMatch(line -> line.contains("TABLE DATA public backup_test")));
        assertTrue(record.path("rows").asLong() >= 50_000, ran::toString);
        assertEquals(record.path("rows").asText() + " " + record.path("bytes").asText(),
                series("rows") + " " + series("size_bytes"));
        assertTrue(Math.abs(Long.parseLong(series("last_success_timestamp_seconds")) - Instant.now().getEpochSecond())
                < 60, ran::toString);
        noSecret(ran + World.on("core", "cd " + FOLDER + "; cat *.json *.sha256; docker exec -i ktrdr-db zstd -q -dc <"
                + dump + " | tr '\\000' '\\n'"));
        World.on("core", "cd " + FOLDER + "; printf 2026-01-01T00:00:00Z >" + dump
                + ".verified; echo half >ktrdr-20260101T000000Z-half.dump.zst");
        var listed = backup("--list", "-o", "json").run().json();
        assertEquals(dump + " 2026-01-01T00:00:00Z 1", listed.at("/backups/0/file").asText() + " "
                + listed.at("/backups/0/verified").asText() + " " + listed.path("backups").size());
        assertEquals("[\"ktrdr-20260101T000000Z-half.dump.zst\"]", listed.path("incomplete").toString());
        World.on("core", "truncate -s -1 " + FOLDER + "/" + dump);
        var truncated = backup("--list").run();
        assertFalse(truncated.out().contains(dump), truncated::toString);
        assertTrue(truncated.err().contains("incomplete backups: ktrdr-20260101T000000Z-half.dump.zst, " + dump),
                truncated::toString);
    }

    @Test
    void of_three_the_newest_two_stay_and_what_is_not_ours_does() {
        World.on("core", "cd " + FOLDER + "; echo mine >notes.txt; echo mine >ktrdr-by-hand.dump.zst");
        for (int i = 0; i < 2; i++) assertEquals(0, backup().run().exit());
        var before = on("ls *.json").stream().map(name -> name.replace(".json", ".dump.zst")).toList();
        assertEquals(before.get(0), backup("--keep", "2", "--dry-run", "-o", "json").run().json().path("would_remove")
                .path(0).asText());
        var ran = backup("--keep", "2", "-o", "json").run();
        assertEquals("[\"" + before.get(0) + "\"]", ran.json().path("removed").toString(), ran::toString);
        assertEquals(List.of(before.get(1), ran.json().at("/backup/file").asText()), on("ls ktrdr-2*.zst"));
        assertEquals(List.of("mine", "mine"), on("cat notes.txt ktrdr-by-hand.dump.zst"));
        assertEquals(8, names().size(), () -> names().toString());
        refused(2, backup("--keep", "0").run(), "invalid --keep");
    }

    @Test
    void a_local_backup_matches_its_sums_and_overwrites_only_if_asked() throws IOException {
        var ran = backup("--to", here.resolve("mine.dump.zst").toString(), "--verbose")
                .env("JAVA_TOOL_OPTIONS", "-Xmx48m").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(List.of("mine.dump.zst", "mine.dump.zst.json", "mine.dump.zst.sha256"), here());
        LocalCommand.command("sha256sum", "-c", "mine.dump.zst.sha256").directory(here).must();
        var record = Files.readString(here.resolve("mine.dump.zst.json"));
        assertTrue(record.lines()
                .anyMatch(line ->
                        line.matches(" {4}\\{\"table\": \"public\\.backup_test\", \"rows\": 50000, \"hash\": "
                                + "\"-?\\d+\"},?")), record);
        assertTrue(record.contains("\"bytes\": " + Files.size(here.resolve("mine.dump.zst")) + ","), record);
        assertEquals(List.of(), names(), "nothing is written on core");
        noSecret(ran + record);
        var before = Files.readString(here.resolve("mine.dump.zst.sha256"));
        refused(2, backup("--to", here.resolve("mine.dump.zst").toString()).run(), "Cannot ask for confirmation");
        assertEquals(before, Files.readString(here.resolve("mine.dump.zst.sha256")));
        assertEquals(0, backup("--to", here.resolve("mine.dump.zst").toString(), "--yes").run().exit());
        LocalCommand.command("sha256sum", "-c", "mine.dump.zst.sha256").directory(here).must();
    }

    @Test
    void a_failed_backup_is_one_error_and_leaves_earlier_ones_intact() {
        assertEquals(0, backup().run().exit());
        var before = on("sha256sum *");
        failsWithoutRoom();
        isRefusedDuringARestore();
        assertEquals(before, on("sha256sum *"));
        failsWithoutTheFolder();
        failsWithoutTheDatabase();
        assertEquals(before, on("sha256sum *"));
    }

    private static void failsWithoutRoom() {
        World.on("core", "mount -t tmpfs -o size=256k none " + FOLDER);
        try {
            refused(1, backup("--keep", "1").run(), "error: core: no backup was made", "No space left on device");
            assertEquals(List.of(), names());
        } finally {
            // the last process of a failed pipe may need a moment to end
            World.await("core", 50, "0.1", "something of the backup is still at work", "umount " + FOLDER);
        }
    }

    private static void isRefusedDuringARestore() {
        World.on("core", "flock -n /run/lock/ktrdr-backup sh -c 'echo \"the restore of one by karl@laptop, begun at "
                + "12:00:00Z,\" >/run/lock/ktrdr-backup; exec sleep 100' >/dev/null 2>&1 </dev/null & echo $! "
                + ">/run/backup-test.pid");
        try {
            var busy = refused(4, backup("--keep", "1").run(),
                    "error: core: the restore of one by karl@laptop, begun at 12:00:00Z, is under way",
                    "wait for its end, then run it again");
            assertFalse(busy.err().contains("journalctl"), busy::toString);
        } finally {
            World.on("core", "pkill -P $(cat /run/backup-test.pid); rm /run/backup-test.pid");
        }
    }

    private static void failsWithoutTheFolder() {
        World.on("core", "mv " + FOLDER + " " + FOLDER + "-away");
        try {
            refused(1, backup().run(), "error: core: there is no folder " + FOLDER + " for backups");
        } finally {
            World.on("core", "mv " + FOLDER + "-away " + FOLDER);
        }
    }

    private static void failsWithoutTheDatabase() {
        World.on("core", "docker stop -t 10 ktrdr-db");
        try {
            var made = series("last_success_timestamp_seconds");
            refused(1, backup().run(), "error: core: no backup was made", "the container ktrdr-db does not run");
            assertTrue(Math.abs(Long.parseLong(series("last_failure_timestamp_seconds"))
                    - Instant.now().getEpochSecond()) < 60);
            assertEquals(made, series("last_success_timestamp_seconds"));
        } finally {
            World.on("core", "docker start ktrdr-db");
            Aftermath.well();
        }
    }

    @Test
    void ctrl_c_leaves_neither_a_file_nor_a_session() throws Exception {
        World.on("core", "docker exec -d ktrdr-db psql -U ktrdr -d ktrdr -c 'BEGIN; LOCK TABLE backup_test; SELECT "
                + "pg_sleep(60); COMMIT'");
        try {
            for (var words : List.of(List.<String>of(), List.of("--to", here.resolve("mine").toString()))) {
                var err = inventories.resolve("err");
                var process = backup(words.toArray(String[]::new)).processBuilder().redirectError(err.toFile())
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
                awaitSessions(2);
                World.signal(process.pid(), "INT");
                assertTrue(process.waitFor(15, TimeUnit.SECONDS), "it ends");
                assertEquals(130, process.exitValue(), () -> words + "");
                assertTrue(Files.readString(err).contains("interrupted"), Files.readString(err));
                awaitSessions(0);
                Leftovers.gone("core", FOLDER + "/.making.*", "/run/ktrdr-backup.*");
                assertEquals(List.of(), names());
                assertEquals(List.of(), here());
            }
        } finally {
            World.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND "
                    + "pid <> pg_backend_pid()");
        }
    }

    private static void noSecret(String text) {
        for (var secret : World.secretValues()) assertFalse(text.contains(secret), () -> secret + " is told");
    }
}
