package ktrdr.image;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import ktrdr.Console;
import ktrdr.LastWords;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sha256;
import ktrdr.Units;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;

/**
 * An archive of images, as {@code docker save} writes it or as an OCI image layout in a tar, which may be compressed by
 * gzip.
 *
 * <pre>try (var archive = ImageArchive.of(Path.of("ktrdr-backend.tar"))) {
 *    archive.images().forEach(image -> System.out.println(image.words() + " for " + image.made()));
 *}</pre>
 */
public final class ImageArchive implements AutoCloseable {
    /** Of a document: an index or a configuration has a few KB. */
    private static final int MOST = 16 << 20;
    private static final int CHUNK = 1 << 20;
    private final FileChannel channel;
    private final String words;
    private final Map<String, Slice> entries = new LinkedHashMap<>();

    /** A part of an archive: bytes of a file of this machine. */
    public record Slice(FileChannel channel, long from, long bytes) {
        /** Copies it and reports how much of it has been copied; one that cannot be read is a {@link Problem}. */
        void copy(OutputStream target, LongConsumer copied) throws IOException {
            var buffer = ByteBuffer.allocate(CHUNK);
            for (long done = 0; done < bytes; done += buffer.limit(), copied.accept(done)) {
                read(buffer.clear().limit((int) Math.min(CHUNK, bytes - done)), from + done);
                target.write(buffer.array(), 0, buffer.limit());
            }
        }

        private void read(ByteBuffer buffer, long at) {
            try {
                while (buffer.hasRemaining()) if (channel.read(buffer, at + buffer.position()) < 0)
                    throw new EOFException("it ends before its last byte");
            } catch (ClosedChannelException e) {
                // a thread that is interrupted while it reads closes the file for all of them
                throw Problem.interrupted("interrupted while an image was sent").because(e);
            } catch (IOException e) {
                throw Problem.failed("the archive of the image could not be read").found(e.toString()).because(e)
                        .fix("nothing was changed");
            }
        }

        /** The first so many bytes, fewer if it has fewer. */
        byte[] first(int count) {
            var buffer = ByteBuffer.allocate((int) Math.min(count, bytes));
            read(buffer, from);
            return buffer.array();
        }

        /** Its digest, "sha256:…". */
        String digest() {
            try (var passed = new DigestOutputStream(OutputStream.nullOutputStream(), Sha256.digest())) {
                copy(passed, done -> { });
                return "sha256:" + Sha256.hex(passed.getMessageDigest());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private ImageArchive(FileChannel channel, String words) {
        this.channel = channel;
        this.words = words;
    }

    /** Opens an archive; what is none is a {@link Problem} of usage. */
    public static ImageArchive of(Path file) {
        if (!Files.isRegularFile(file)) throw Problem.usage("there is no archive " + file)
                .expected("a file that `docker save` or `docker buildx build --output type=oci` wrote")
                .found(Files.exists(file) ? "no regular file" : "nothing");
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file);
            return new ImageArchive(gzip(channel) ? unpacked(channel, file) : channel, file.toString()).read();
        } catch (IOException e) {
            close(channel);
            throw Problem.usage("the archive " + file + " cannot be read").found(e.toString()).because(e);
        } catch (Problem problem) {
            close(channel);
            throw problem;
        }
    }

    private static boolean gzip(FileChannel channel) throws IOException {
        var start = ByteBuffer.allocate(2);
        return channel.read(start, 0) == 2 && start.getShort(0) == 0x1f8b;
    }

    private static FileChannel unpacked(FileChannel packed, Path file) throws IOException {
        var spool = Spool.open();
        try (var in = new GZIPInputStream(Channels.newInputStream(packed), CHUNK)) {
            in.transferTo(Spool.to(spool, bytes -> { }));
            return spool;
        } catch (EOFException | ZipException e) {
            spool.close();
            throw incomplete(file.toString(), e);
        }
    }

    /**
     * The images of this machine's Docker with these names, as it saves them; no Docker and an unknown image are a
     * {@link Problem}.
     */
    public static ImageArchive saved(List<String> images, Console console) {
        var channel = Spool.open();
        var argv = new ArrayList<>(List.of("docker", "image", "save"));
        argv.addAll(images);
        try (var step = console.step("here", "save")) {
            var result = LocalCommand.command(argv)
                    .pipe(Spool.to(channel, bytes -> step.now(Units.size(bytes) + " from Docker")));
            if (!result.ok()) throw unsaved(images, LastWords.lines(result.err(), 3));
            step.done(String.join(", ", images) + ", " + Units.size(channel.size()) + " with all layers");
            return new ImageArchive(channel, String.join(", ", images)).read();
        } catch (IOException e) {
            close(channel);
            throw Problem.failed("the image could not be kept on this machine").found(e.toString()).because(e);
        } catch (Problem problem) {
            close(channel);
            throw problem;
        }
    }

    private static Problem unsaved(List<String> images, String said) {
        var problem = Problem.failed("this machine's Docker did not give " + String.join(", ", images)).found(said);
        if (said.contains("No such image") || said.contains("reference does not exist"))
            return problem.expected("an image that `docker image ls` lists here").fix("build it, or check its tag");
        return problem.expected("`docker image save` ends with 0")
                .fix("start Docker here, or give an archive that another machine saved: --archive FILE.tar");
    }

    private ImageArchive read() throws IOException {
        try {
            // not closed: that would close the file, which is read from later
            var tar = new TarFile(channel.position(0));
            var links = new LinkedHashMap<String, String>();
            for (var entry : tar.getEntries()) {
                if (entry.isFile()) entries.put(plain(entry.getName()), slice(entry));
                // docker save, before 25.0, writes a layer that occurs again as a link to the first
                if (entry.isSymbolicLink()) links.put(plain(entry.getName()), target(entry));
            }
            links.forEach((name, target) -> Optional.ofNullable(entries.get(target))
                    .ifPresent(slice -> entries.put(name, slice)));
        } catch (IOException | IllegalArgumentException e) {
            throw incomplete(words, e);
        }
        return this;
    }

    private static Problem incomplete(String words, Exception e) {
        return Problem.usage(words + " is not a whole archive of an image")
                .expected("a tar that `docker save` or `docker buildx build --output type=oci` wrote, plain or by gzip")
                .found(String.valueOf(e.getMessage())).because(e);
    }

    private Slice slice(TarArchiveEntry entry) throws IOException {
        if (entry.isSparse() || entry.getDataOffset() + entry.getSize() > channel.size())
            throw new EOFException(entry.getName() + " is cut off");
        return new Slice(channel, entry.getDataOffset(), entry.getSize());
    }

    private static String plain(String name) {
        return Path.of("/").resolve(name).normalize().toString().substring(1);
    }

    private static String target(TarArchiveEntry entry) {
        return plain(Path.of("/").resolve(entry.getName()).resolveSibling(entry.getLinkName()).toString());
    }

    /** Its images; an archive without any is a {@link Problem} of usage. */
    public List<GivenImage> images() {
        var images = new ArchiveIndex(this).images();
        if (!images.isEmpty()) return images;
        throw Problem.usage(words + " holds no image").expected("an index.json of OCI's, or Docker's manifest.json")
                .found(entries.isEmpty() ? "nothing" : "others, such as " + entries.keySet().iterator().next());
    }

    /** Proves that these layers are what their digests say; a damaged one is a {@link Problem}. */
    public static void prove(Collection<ArchivedImage.Layer> layers) {
        for (var layer : layers) {
            var found = layer.at().digest();
            if (!found.equals(layer.digest())) throw damaged("a layer", layer.digest(), found);
        }
    }

    static Problem damaged(String what, String expected, String found) {
        return Problem.failed(what + " of the image is damaged in its archive").expected(expected).found(found)
                .fix("save or build it again; nothing was changed");
    }

    /** How sentences call it. */
    String words() {
        return words;
    }

    /** A part by its name; empty if the archive does not have it. */
    Optional<Slice> entry(String name) {
        return Optional.ofNullable(entries.get(plain(name)));
    }

    /** A document by its name. */
    Optional<byte[]> document(String name) {
        return entry(name).map(slice -> {
            if (slice.bytes() > MOST) throw Problem.usage(words + ": " + name + " is too large to be a document")
                    .expected("at most 16 MiB").found(Units.size(slice.bytes()));
            return slice.first(MOST);
        });
    }

    @Override
    public void close() {
        close(channel);
    }

    private static void close(FileChannel channel) {
        try {
            if (channel != null) channel.close();
        } catch (IOException e) {
            // it was only read
        }
    }
}
