package ktrdr.backup;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sha256;
import ktrdr.SshPeer;
import lab.Wait;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local backup files, read and sent to a node. The node is this machine behind an ssh server. */
class BackupFileTest {
    private static final int BYTES = 3_000_000;
    @TempDir Path folder;
    private Path dump;

    @BeforeEach
    void a_backup() throws IOException {
        var content = new byte[BYTES];
        new Random(7).nextBytes(content);
        dump = Files.write(folder.resolve("mine.dump.zst"), content);
        var record = BackupRecord.moved(BackupRecordTest.TEXT, "mine", "mine.dump.zst", BYTES)
                .replace("SUM", BackupDownload.sha256(dump));
        Files.writeString(folder.resolve("mine.dump.zst.json"), record);
        Files.writeString(folder.resolve("mine.dump.zst.sha256"),
                BackupDownload.sha256(dump) + "  mine.dump.zst\n" + Sha256.hex(record) + "  mine.dump.zst.json\n");
    }

    private Problem refused() {
        return assertThrows(Problem.class, () -> BackupFile.read(dump.toString()));
    }

    @Test
    void one_that_is_whole_is_read() {
        assertEquals(23, BackupFile.read(dump.toString()).record().rows());
    }

    @Test
    void one_that_is_not_there_has_no_record_or_is_damaged_is_refused() throws IOException {
        assertEquals(Exit.FAILED, assertThrows(Problem.class, () -> BackupFile.read(folder.resolve("none").toString()))
                .exit(), "as of a name that is not in the folder of the backups");
        try (var file = Files.newByteChannel(dump, StandardOpenOption.WRITE)) {
            file.position(5000).write(ByteBuffer.wrap(new byte[64]));
        }
        assertTrue(refused().sentence().contains("is damaged"));
        Files.write(dump, new byte[10]);
        assertEquals("10 bytes", refused().details().get("found"));
        Files.writeString(folder.resolve("mine.dump.zst.json"), "\n", StandardOpenOption.APPEND);
        assertTrue(refused().sentence().contains("its record was changed"));
        Files.delete(folder.resolve("mine.dump.zst.json"));
        assertTrue(refused().sentence().contains("is not a whole backup"));
    }

    @Test
    void a_path_is_a_file_of_this_machine_and_a_mere_name_is_not() {
        assertTrue(BackupFile.meant("./mine") && BackupFile.meant(dump.toString()));
        assertFalse(BackupFile.meant("latest") || BackupFile.meant("ktrdr-20260101T120000Z-sha-1"));
    }

    @Test
    void it_arrives_as_it_was_with_a_record_and_sums_that_hold_there() throws IOException {
        try (var peer = new SshPeer(folder); var ssh = peer.connect();
                var console = new Console(Console.Color.never, false)) {
            Path there;
            try (var pushed = BackupFile.read(dump.toString()).push(ssh, console)) {
                there = Path.of(pushed.source().directory());
                assertArrayEquals(Files.readAllBytes(dump), Files.readAllBytes(there.resolve("mine.dump.zst")));
                assertTrue(LocalCommand.command("sha256sum", "-c", "mine.dump.zst.sha256").directory(there)
                        .run().ok());
                assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(there)));
                assertTrue(pushed.source().pushed() && pushed.source().name().equals("mine"));
            }
            assertFalse(Files.exists(there), "it is there for as long as it is asked for");
        }
    }

    @Test
    void what_does_not_arrive_whole_is_told() throws IOException {
        try (var peer = new SshPeer(folder); var ssh = peer.connect();
                var console = new Console(Console.Color.never, false);
                var pushed = BackupUpload.prepare(ssh, console,
                        new BackupUpload.Dump("mine", "mine.dump.zst", 100, "{}", ""))) {
            assertTrue(assertThrows(Problem.class,
                    () -> pushed.receive("mine.dump.zst", 100, new ByteArrayInputStream(new byte[99]),
                            sent -> { }))
                    .sentence().contains("did not arrive whole"));
        }
    }

    @Test
    void what_was_sent_goes_with_the_connection() throws Exception {
        try (var peer = new SshPeer(folder); var console = new Console(Console.Color.never, false)) {
            Path sent;
            try (var ssh = peer.connect()) {
                sent = Path.of(BackupFile.read(dump.toString()).push(ssh, console).source().directory());
                assertTrue(Files.exists(sent.resolve("mine.dump.zst")));
            }
            var there = sent;
            Wait.until(() -> !Files.exists(there), () -> there + " is left");
        }
    }

    @Test
    void one_that_the_node_has_no_room_for_is_refused() throws IOException {
        try (var peer = new SshPeer(folder); var ssh = peer.connect();
                var console = new Console(Console.Color.never, false)) {
            var problem = assertThrows(Problem.class,
                    () -> BackupUpload.prepare(ssh, console,
                            new BackupUpload.Dump("mine", "mine.dump.zst", Long.MAX_VALUE, "{}", "")));
            assertTrue(problem.details().get("found")
                    .matches("/var/tmp has room for \\d+ bytes, the backup has " + Long.MAX_VALUE),
                    problem.details()::toString);
        }
    }
}
