package lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import ktrdr.Sha256;

/** An image as a developer makes it: of a release, with one more layer that no node has. */
public final class NewLayer {
    /** The size of that layer. */
    public static final int BYTES = 5 << 20;
    /** The name of the releases' images on this machine. */
    private static final String RELEASE = "ktrdr-lab/ktrdr-backend:";

    private NewLayer() {}

    /**
     * Makes the image. Its layer has a file /opt/content of random bytes, another each time, which no compression
     * shortens; answers their SHA-256.
     *
     * @param engine that runs the practice fleet, and so has the releases
     * @param folder for the file
     * @param changes instructions of a Dockerfile, such as ENV
     */
    public static String on(Engine engine, Path folder, String name, String release, String... changes)
            throws IOException {
        var bytes = new byte[BYTES];
        new Random().nextBytes(bytes);
        var file = Files.write(folder.resolve("content"), bytes);
        var container = engine.docker("create", RELEASE + release).must().out().strip();
        try {
            engine.docker("cp", file.toString(), container + ":/opt/content").must();
            var words = Stream.concat(Stream.of("commit"),
                    Stream.of(changes).flatMap(change -> Stream.of("--change", change)));
            engine.docker(Stream.concat(words, Stream.of(container, name)).toList()).must();
        } finally {
            engine.docker("rm", container).must();
            Files.delete(file);
        }
        return Sha256.hex(bytes);
    }
}
