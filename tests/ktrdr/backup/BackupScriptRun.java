package ktrdr.backup;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.release.TextfileMetrics;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the backup script in a local shell. The fake docker serves a tiny database; marker files in the test folder
 * inject faults.
 */
abstract class BackupScriptRun {
    private static final String DOCKER = """
            case "$*" in
              inspect*)
                running=true
                [ ! -e FOLDER/stopped ] || running=false
                echo "/ktrdr-db $running registry:5000/image:1" && echo "/ktrdr-backend true \
            registry:5000/backend:sha-1" ;;
              *'command -v zstd'*) exit 1 ;;
              *pg_terminate_backend*) rm -f FOLDER/uncounted ;;
              *pg_blocking_pids*) [ ! -e FOLDER/locked ] || echo 'waits for a lock on t1 that process 7 has: \
            psql' ;;
              *psql*)
                printf '5000000|150008|15.8|20260601T120000Z|2026-06-01T12:00:00Z|0003-1\\n{"plpgsql": \
            "1.0"}\\n["CREATE ROLE ktrdr"]\\nready\\n'
                while read -r line; do case $line in COMMIT*) break ;; esac; done
                while [ -e FOLDER/uncounted ]; do sleep 0.1; done
                for i in $(seq "$(cat FOLDER/tables 2>/dev/null || echo 1)"); do printf '{"table": "public.t%s", \
            "rows": 2, "hash": "1"}\\n' "$i"; done ;;
              *pg_dump*)
                for i in $(seq 25); do [ ! -e FOLDER/locked ] || [ -e FOLDER/uncounted ] || sleep 0.1; done
                case "$*" in *lock-wait-timeout*' 120s') ;; *'sh ktrdr'*' 1s') ;; *) echo 'waits for ever' >&2; \
            exit 1 ;; esac
                head -c 300000 /bin/sh; [ ! -e FOLDER/broken ] || { echo 'server closed the connection' >&2; exit \
            1; } ;;
              *pg_restore*) head -c 1000 >/dev/null; [ -e FOLDER/unreadable ] || echo '; Archive created' ;;
              *) echo "not foreseen: $*" >&2; exit 9 ;;
            esac
            """;
    @TempDir Path folder;
    Path backups;
    int lockWait = 120;

    @BeforeEach
    void a_docker() throws IOException {
        assumeTrue(Files.isWritable(Path.of("/run")) && Files.isWritable(Path.of("/run/lock")),
                "the script works in /run, which only root may write to");
        backups = Files.createDirectories(folder.resolve("backups"));
        // setgid like the share: new files inherit the group, and new folders the setgid bit too
        Files.setAttribute(backups, "unix:mode", 02775);
        Fixtures.program(folder.resolve("bin/docker"), DOCKER.replace("FOLDER", folder.toString()));
    }

    CommandResult run(String directory, int keep, int days) {
        var inventory = Fixtures.inventory();
        var script = BackupFolder.script(inventory, directory, new BackupFolder.Retention(keep, days), "karl@laptop")
                .replace("lock_wait=120", "lock_wait=" + lockWait)
                .replace(Sh.let("metrics", TextfileMetrics.folder(inventory.core())),
                        Sh.let("metrics", folder.resolve(".ktrdr/metrics").toString()));
        return LocalCommand.command("sh", "-c", "exec sh -s >\"$1\"", "sh", folder.resolve("out").toString())
                .env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH")).input(Sh.whole(script)).run();
    }

    String out() throws IOException {
        return Files.readString(folder.resolve("out"));
    }

    void mark(String name) throws IOException {
        Files.writeString(folder.resolve(name), "");
    }

    /** An earlier backup: dump, checksums and record. */
    String old(String stamp, int days) throws IOException {
        var dump = "ktrdr-" + stamp + "-sha-0.dump.gz";
        for (var name : List.of(dump, dump + ".sha256", dump + ".verified", dump.replace(".dump.gz", ".json"))) {
            Files.writeString(backups.resolve(name), stamp);
            Files.setLastModifiedTime(backups.resolve(name), FileTime.from(Instant.now().minus(Duration.ofDays(days))));
        }
        return dump;
    }

    List<String> names() throws IOException {
        try (var all = Files.list(backups)) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    List<String> dumps() throws IOException {
        return names().stream().filter(name -> name.matches("ktrdr-\\d{8}T\\d{6}Z-sha.*\\.dump\\.(gz|zst)")).toList();
    }

    static String told(CommandResult result) {
        var record = result.err().lines().filter(line -> line.startsWith("record\t")).map(line -> line.substring(7))
                .reduce("", String::concat);
        return new String(Base64.getDecoder().decode(record), StandardCharsets.UTF_8);
    }
}
