package ktrdr.backup;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import ktrdr.OutputFile;
import ktrdr.Problem;
import ktrdr.Sha256;

/**
 * A backup in a file of this machine, with FILE.json (its record) and FILE.sha256 (the checksums of both) next to it,
 * readable only by its owner. They appear only after the checksum is verified, the dump last; until then existing files
 * stay. A failed run leaves nothing else; leftovers of a killed run are removed by the next one.
 */
public final class BackupDownload implements AutoCloseable {
    private static final int CHUNK = 1 << 20;
    private static final String MAKING = ".making";
    private final Path asked;
    private final Path target;
    private final MessageDigest passed = Sha256.digest();
    private final List<Path> hidden = new ArrayList<>();
    private Path beside;
    private FileChannel channel;
    private volatile long bytes;

    private BackupDownload(Path asked, Path target) {
        this.asked = asked;
        this.target = target;
    }

    /** Checks that the file can be written; if not, it is a {@link Problem} of usage. */
    public static BackupDownload at(Path asked) {
        var target = OutputFile.at(asked).target();
        if (target.getFileName().toString().matches("(?s).*[\\n\\r\\\\].*"))
            throw Problem.usage(asked + " cannot be written")
                    .expected("a name without line breaks and backslashes, as a line of checksums has it");
        return new BackupDownload(asked, target);
    }

    /** The dump's path. */
    public Path path() {
        return target;
    }

    /** Existing files that would be replaced. */
    public List<Path> present() {
        return List.of(target, side(".json"), side(".sha256"), side(".verified")).stream().filter(Files::exists)
                .toList();
    }

    private Path side(String ending) {
        return side(target, ending);
    }

    /** The file that goes with a dump: its record .json, its sums .sha256, or .verified. */
    static Path side(Path dump, String ending) {
        return dump.resolveSibling(dump.getFileName() + ending);
    }

    /** A dump's name without its endings. */
    static String stem(String name) {
        return name.replaceFirst("\\.dump(\\.zst|\\.gz)?$", "");
    }

    /** Whether a dump that begins with these bytes is compressed by gzip (RFC 1952, 2.3.1). */
    static boolean gzip(int first, int second) {
        return (first & 0xff) == 0x1f && (second & 0xff) == 0x8b;
    }

    /** The lines of sha256sum(1) of a dump and its record. */
    static String sums(String sha256, String dump, String text, String record) {
        return sha256 + "  " + dump + "\n" + Sha256.hex(text) + "  " + record + "\n";
    }

    /** The stream that the dump is written to; a full disk is a {@link Problem}. */
    OutputStream stream(LongConsumer progress) {
        try {
            forsaken();
            channel = held();
        } catch (IOException e) {
            throw unwritten(e);
        }
        return new OutputStream() {
            @Override
            public void write(int number) {
                write(new byte[] {(byte) number}, 0, 1);
            }

            @Override
            public void write(byte[] buffer, int from, int count) {
                if (bytes == 0) named(buffer, from, count);
                append(buffer, from, count);
                progress.accept(bytes);
            }
        };
    }

    /**
     * The file that the dump goes to, locked while this process lives: the lock tells others that it is not a leftover.
     */
    private FileChannel held() throws IOException {
        while (true) {
            beside = hidden(MAKING);
            var opened = FileChannel.open(beside, StandardOpenOption.READ, StandardOpenOption.WRITE);
            try {
                // another run may have removed it as a leftover before it was locked
                if (opened.tryLock() != null && Files.exists(beside)) return opened;
            } catch (IOException noLocks) {
                return opened;
            }
            opened.close();
        }
    }

    /** Removes leftovers of killed runs: files that no process has locked. */
    private void forsaken() throws IOException {
        var beginning = "." + target.getFileName();
        try (var files = Files.newDirectoryStream(target.getParent(),
                file -> file.getFileName().toString().startsWith(beginning) && file.toString().endsWith(MAKING))) {
            for (var file : files) {
                if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) continue;
                try (var left = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
                    if (left.tryLock() != null) Files.delete(file);
                } catch (IOException | OverlappingFileLockException another) {
                    // another run or another user writes to it
                }
            }
        }
    }

    private void append(byte[] buffer, int from, int count) {
        try {
            for (var rest = ByteBuffer.wrap(buffer, from, count); rest.hasRemaining(); ) channel.write(rest);
            passed.update(buffer, from, count);
            bytes += count;
        } catch (IOException e) {
            throw unwritten(e);
        }
    }

    /** A name with another compression than the dump has would mislead its reader. */
    private void named(byte[] buffer, int from, int count) {
        boolean gzip = count > 1 && gzip(buffer[from], buffer[from + 1]);
        var name = target.getFileName().toString();
        if (gzip ? name.endsWith(".zst") : name.endsWith(".gz"))
            throw Problem.usage(asked + ": core compresses with " + (gzip ? "gzip" : "zstd"))
                    .expected("a name that ends in " + (gzip ? ".gz" : ".zst"));
    }

    /**
     * Puts the dump in place with this text of its record. The checksum of the file on the disk must be that of the
     * record, else it is a {@link Problem}.
     */
    BackupRecord place(String text) {
        var name = target.getFileName().toString();
        try {
            channel.force(true);
            var expected = BackupRecord.parse(text).sha256();
            var stream = Sha256.hex(passed);
            if (!stream.equals(expected)) throw unlike("what came over the connection", expected, stream);
            // not by a channel of its own: with the first that is closed a process loses its locks on a file (fcntl(2))
            var disk = sha256(channel);
            if (!disk.equals(expected)) throw unlike("what is on the disk", expected, disk);
            var record = BackupRecord.moved(text, stem(name), name, bytes);
            appear(record, sums(expected, name, record, name + ".json"));
            return BackupRecord.parse(record);
        } catch (IOException e) {
            throw unwritten(e);
        }
    }

    /** All is on the disk before a name appears: renames alone do not fail half way for want of space. */
    private void appear(String record, String sums) throws IOException {
        var recorded = Files.writeString(hidden(".new"), record, StandardOpenOption.SYNC);
        var summed = Files.writeString(hidden(".new"), sums, StandardOpenOption.SYNC);
        Files.deleteIfExists(side(".verified"));
        Files.move(recorded, side(".json"), StandardCopyOption.ATOMIC_MOVE);
        Files.move(summed, side(".sha256"), StandardCopyOption.ATOMIC_MOVE);
        Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        try (var folder = FileChannel.open(target.getParent())) {
            folder.force(true);
        }
    }

    /** A hidden file, removed when this is closed. */
    private Path hidden(String ending) throws IOException {
        var file = Files.createTempFile(target.getParent(), "." + target.getFileName(), ending);
        hidden.add(file);
        return file;
    }

    /** The sum of a file, in hex. */
    static String sha256(Path file) throws IOException {
        try (var read = FileChannel.open(file)) {
            return sha256(read);
        }
    }

    private static String sha256(FileChannel file) throws IOException {
        var digest = Sha256.digest();
        var buffer = ByteBuffer.allocate(CHUNK);
        for (file.position(0); file.read(buffer) >= 0; buffer.clear()) digest.update(buffer.flip());
        return Sha256.hex(digest);
    }

    private Problem unlike(String what, String expected, String found) {
        return Problem.failed(asked + ": " + what + " is not what the database sent").expected(expected).found(found)
                .with("earlier backups", "are as they were");
    }

    private Problem unwritten(IOException e) {
        if (e instanceof ClosedByInterruptException)
            return Problem.interrupted(asked + ": interrupted, no backup was made").because(e);
        return Problem.failed(asked + " could not be written").expected("room for the whole backup")
                .found(e instanceof FileSystemException known && known.getReason() != null
                ? known.getReason() : e.getMessage()).with("earlier backups", "are as they were").because(e);
    }

    /** Removes everything that has not appeared. */
    @Override
    public void close() {
        try {
            if (channel != null) channel.close();
            for (var file : hidden) Files.deleteIfExists(file);
        } catch (IOException e) {
            throw unwritten(e);
        }
    }
}
