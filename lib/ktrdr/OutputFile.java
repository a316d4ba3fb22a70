package ktrdr;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A file that is written when all is done, and whose place is proven when nothing has begun yet, not after minutes of
 * work.
 */
public final class OutputFile {
    /** As Linux has it, path_resolution(7). */
    private static final int MOST_LINKS = 40;
    private final Path asked;
    private final Path target;

    private OutputFile(Path asked, Path target) {
        this.asked = asked;
        this.target = target;
    }

    /**
     * Proves that a file can be written there, and leaves what is there as it is; a {@link Problem} of usage where it
     * cannot.
     */
    public static OutputFile at(Path asked) {
        try {
            foreign(asked);
            // what a link leads to is replaced, and the link stays
            var target = Files.exists(asked) ? asked.toRealPath() : asked.toAbsolutePath();
            if (Files.exists(target) && !Files.isRegularFile(target))
                throw refused(asked, "a file that is new or may be replaced", "something else than a file");
            if (!Files.isDirectory(target.getParent()))
                throw refused(asked, "a folder that is there", "no folder " + target.getParent());
            Files.delete(beside(target));
            return new OutputFile(asked, target);
        } catch (IOException e) {
            throw refused(asked, "a folder that you may write to", e.toString()).because(e);
        }
    }

    /** The user's own link is intended; a link of another user may lead to a file that only we can write. */
    private static void foreign(Path asked) throws IOException {
        var at = asked.toAbsolutePath();
        for (int i = 0; i < MOST_LINKS && Files.isSymbolicLink(at); i++) {
            var owner = Files.getOwner(at, LinkOption.NOFOLLOW_LINKS);
            var me = System.getProperty("user.name");
            if (!owner.getName().equals(me) && !owner.getName().equals("root")) throw refused(asked,
                    "a file, or a link of " + me + " or root", "a link of the user " + owner.getName() + ": " + at);
            at = at.resolveSibling(Files.readSymbolicLink(at));
        }
    }

    private static Problem refused(Path asked, String expected, String found) {
        return Problem.usage(asked + " cannot be written").expected(expected).found(found);
    }

    /** Where it will be: of a link, what it leads to. */
    public Path target() {
        return target;
    }

    /** Puts this text there, whole or not at all, for all to read. */
    public void write(String text) {
        try {
            put(target, text, "rw-r--r--");
        } catch (IOException e) {
            throw Problem.failed(asked + " could not be written").found(e.toString()).because(e);
        }
    }

    /**
     * Puts a text there, whole or not at all; a link that has the name is replaced, and not followed.
     *
     * @param mode as ls(1) has it, such as "rw-------"; where the file system has none it is as new files are
     */
    public static void put(Path file, String text, String mode) throws IOException {
        var beside = beside(file);
        try {
            Files.writeString(beside, text, StandardOpenOption.SYNC);
            if (Files.getFileStore(beside).supportsFileAttributeView("posix"))
                Files.setPosixFilePermissions(beside, PosixFilePermissions.fromString(mode));
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    private static Path beside(Path file) throws IOException {
        return Files.createTempFile(file.toAbsolutePath().getParent(), "." + file.getFileName(), ".new");
    }
}
