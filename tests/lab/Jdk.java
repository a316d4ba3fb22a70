package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** JDKs of this machine, by their folders. */
public final class Jdk {
    private static final Pattern VERSION = Pattern.compile("(?m)^JAVA_VERSION=\"(\\d+)");

    private Jdk() {}

    /** The newest of the JDKs next to the running one, which may be that itself. */
    public static Path newest() {
        var own = own();
        try (var beside = Files.list(own.getParent())) {
            var others = beside.filter(jdk -> Files.exists(jdk.resolve("bin/javac")))
                    .filter(jdk -> Files.exists(jdk.resolve("release")));
            return Stream.concat(Stream.of(own), others).max(Comparator.comparingInt(Jdk::version)).orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Such as 17. */
    public static int version(Path jdk) {
        try {
            var found = VERSION.matcher(Files.readString(jdk.resolve("release")));
            return found.find() ? Integer.parseInt(found.group(1)) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path own() {
        try {
            return Path.of(System.getProperty("java.home")).toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
