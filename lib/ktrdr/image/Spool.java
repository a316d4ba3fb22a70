package ktrdr.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import ktrdr.Problem;

/**
 * A file of this machine without a name, for an archive that is not there as one: whatever ends this process ends the
 * file too.
 */
final class Spool {
    private static final Set<StandardOpenOption> OPTIONS = Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE,
            StandardOpenOption.CREATE_NEW,
            // on Unix the name is removed as soon as the file is open
            StandardOpenOption.DELETE_ON_CLOSE);

    private Spool() {}

    /** A new one, in {@code $TMPDIR}, in /var/tmp, which is on a disk, or in Java's folder for such files. */
    static FileChannel open() {
        var folder = Stream.of(System.getenv("TMPDIR"), "/var/tmp", System.getProperty("java.io.tmpdir"))
                .filter(Objects::nonNull).filter(name -> !name.isBlank()).map(Path::of)
                .filter(Files::isDirectory).filter(Files::isWritable).findFirst()
                .orElseThrow(() -> Problem.failed("this machine has no folder for temporary files")
                        .expected("one that you may write to").found("none of $TMPDIR, /var/tmp and /tmp")
                        .fix("set TMPDIR"));
        try {
            return FileChannel.open(folder.resolve("ktrdr-image-" + UUID.randomUUID()), OPTIONS,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException e) {
            throw full(e);
        }
    }

    /** Writes to it and reports how many bytes it has so far; a full disk is a {@link Problem}. */
    static OutputStream to(FileChannel channel, LongConsumer written) {
        return new OutputStream() {
            private long bytes;

            @Override
            public void write(int number) {
                write(new byte[] {(byte) number}, 0, 1);
            }

            @Override
            public void write(byte[] buffer, int from, int count) {
                try {
                    for (var left = ByteBuffer.wrap(buffer, from, count); left.hasRemaining();) channel.write(left);
                } catch (IOException e) {
                    throw full(e);
                }
                written.accept(bytes += count);
            }
        };
    }

    private static Problem full(IOException e) {
        return Problem.failed("the image could not be kept on this machine while it is sent").found(e.toString())
                .fix("make room in /var/tmp, or set TMPDIR to a folder with room for the whole image; nothing was "
                        + "changed").because(e);
    }
}
