package ktrdr.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.node.MachineFacts;
import ktrdr.release.Drift;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The status script, run by a real shell in a folder as the node's. */
class NodeStatusTest {
    @TempDir Path folder;

    private NodeStatus look() {
        long asked = System.currentTimeMillis();
        var script = NodeStatus.script(Fixtures.MARKS, "ktrdr-test-of-nobody", folder.toString(),
                folder.toString(), folder.resolve("backups").toString(), true) + "say end yes\n";
        var answer = LocalCommand.command("sh", "-s").input(Sh.whole(script)).must();
        return NodeStatus.parse(MachineFacts.of(answer.out(), asked, System.currentTimeMillis()));
    }

    private String everything() throws IOException {
        try (var all = Files.walk(folder)) {
            return all.sorted().map(path -> path + " " + path.toFile().lastModified())
                    .collect(Collectors.joining("\n"));
        }
    }

    @Test
    void the_machine_says_what_it_has_and_what_is_in_use() {
        var host = look().host();
        assertTrue(host.memoryUsed() > 0 && host.memoryUsed() <= host.memory(),
                host.memoryUsed() + " of " + host.memory());
        assertTrue(host.load() >= 0 && host.cpus() > 0 && !host.uptime().isZero());
        assertTrue(host.free("/") > 0 && host.free(folder.toString()) > 0);
        assertEquals(0, host.skew());
    }

    @Test
    void a_node_on_which_nothing_was_deployed_is_no_error() {
        var status = look();
        assertEquals(History.NONE, status.history());
        assertEquals(Optional.empty(), status.lock().holder());
        assertEquals(List.of(), status.containers());
        assertEquals(List.of(), status.usage());
        assertEquals(Optional.empty(), status.backup());
        assertFalse(status.deploying());
    }

    @Test
    void files_lock_and_history_are_read_and_nothing_is_changed() throws IOException {
        var ours = Files.createDirectories(folder.resolve(".ktrdr"));
        Files.writeString(folder.resolve(".env.core"), "A=1\n");
        Files.writeString(ours.resolve("files"),
                new Templates.NodeFile(".env.core", "A=2\n", "644").sha256() + "  .env.core\n");
        var entry = StatusFixtures.entry("1", "sha-1000001", History.Ending.INTERRUPTED, List.of());
        Files.writeString(ours.resolve("deploying"), entry.json() + "\n");
        var owner = new LockScripts.Owner("1", "karl@laptop", "2026-01-01T10:00:00Z", "deploy core all");
        LocalCommand.command("sh", "-s")
                .input(Sh.whole(LockScripts.take(new LockScripts.Place(folder.toString(), "ktrdr-test-of-nobody"),
                        owner, LockScripts.LIFE))).must();
        var before = everything();
        var status = look();
        assertEquals(before, everything());
        assertEquals(Optional.of(owner), status.lock().holder());
        assertTrue(status.lock().alive() && status.deploying());
        assertEquals(Optional.of(entry), status.history().unfinished());
        assertEquals(List.of(".env.core was changed"), Drift.files(status.files()));
        LocalCommand.command("sh", "-c", "rm -f /run/lock/ktrdr-test-of-nobody.*").must();
    }

    @Test
    void a_lock_without_a_sign_is_not_alive() throws IOException {
        var lock = Files.createDirectories(folder.resolve(".ktrdr/lock"));
        assertFalse(look().lock().alive());
        Files.writeString(lock.resolve("beat"), "999999999\n");
        // a heartbeat from before a reboot
        assertFalse(look().lock().alive());
        var uptime = (long) Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
        Files.writeString(lock.resolve("beat"), (uptime - 31) + "\n");
        assertFalse(look().lock().alive());
        assertTrue(look().lock().age() >= 31);
    }

    @Test
    void tells_the_newest_whole_backup_and_its_age_and_no_other_file() throws IOException {
        var backups = Files.createDirectories(folder.resolve("backups"));
        var names = List.of("ktrdr-20260101.dump.zst", "ktrdr-20260102.dump.gz", "notes.txt", "other.dump",
                "old.sql.gz", "ktrdr-20260103.dump.zst", "ktrdr-20260103.json",
                "ktrdr-20260104.dump.gz", "ktrdr-20260104.dump.gz.sha256");
        for (var name : List.of("ktrdr-20260101.dump.zst.sha256", "ktrdr-20260101.json",
                "ktrdr-20260102.dump.gz.sha256", "ktrdr-20260102.json"))
            Files.writeString(backups.resolve(name), "");
        for (int i = 0; i < names.size(); i++) {
            var file = Files.writeString(backups.resolve(names.get(i)), "x".repeat(i + 1));
            boolean other = i > 1;
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(other ? 0 : 7200 - 3600L * i)));
        }
        Files.setLastModifiedTime(backups.resolve("old.sql.gz"), FileTime.from(Instant.now().minusSeconds(90_000)));
        Files.createDirectories(backups.resolve("ktrdr-folder.dump.gz"));
        var backup = look().backup().orElseThrow();
        assertEquals("ktrdr-20260102.dump.gz", backup.name());
        assertEquals(2, backup.size());
        assertTrue(Math.abs(backup.age().toSeconds() - 3600) < 60, backup::toString);
    }

    @Test
    void the_dump_of_somebody_else_is_told_where_there_is_no_other() throws IOException {
        var backups = Files.createDirectories(folder.resolve("backups"));
        Files.writeString(backups.resolve("old.sql.gz"), "123");
        Files.writeString(backups.resolve("ktrdr-20260103.dump.zst"), "half");
        var backup = look().backup().orElseThrow();
        assertEquals("old.sql.gz 3 false", backup.name() + " " + backup.size() + " " + backup.ours());
    }

    @Test
    void half_an_answer_is_none() {
        assertThrows(Problem.class, () -> MachineFacts.of("clock\t1\nload\t0.1\n", 0, 0));
        assertThrows(Problem.class,
                () -> NodeStatus.parse(MachineFacts.of("clock\t1\nmount\t/s\t0\t\t\nbackup\tyesterday\nend\tyes\n", 0,
                        0)));
    }

    @Test
    void the_script_is_clean_under_shellcheck() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-")
                .input("#!/bin/sh\nset -eu\n"
                        + NodeStatus.script(Fixtures.MARKS, "p", "/opt/a b", "/mnt/s", "/mnt/s/b", true)).run();
        assertTrue(said.ok(), said.out());
    }
}
