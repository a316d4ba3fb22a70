package lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import ktrdr.Sha256;

/** Images that a developer builds on this machine, where the practice fleet's engine is their Docker. */
public final class BuiltImage {
    /** Bytes of the layer that such an image has more than its release. */
    public static final int LAYER = 5 << 20;
    /** The name of the releases' images on this machine. */
    private static final String RELEASE = "ktrdr-lab/ktrdr-backend:";

    private BuiltImage() {}

    /**
     * Makes an image of a release and one more layer with a file /opt/content of random bytes, which no host can have,
     * and no compression shortens; answers their SHA-256.
     *
     * @param changes instructions of a Dockerfile, such as ENV
     */
    public static String make(Path folder, String name, String release, String... changes) throws IOException {
        var bytes = new byte[LAYER];
        new Random().nextBytes(bytes);
        var file = Files.write(folder.resolve("content"), bytes);
        var container = World.docker("create", RELEASE + release).strip();
        try {
            World.docker("cp", file.toString(), container + ":/opt/content");
            var words = Stream.concat(Stream.of("commit"),
                    Stream.of(changes).flatMap(change -> Stream.of("--change", change)));
            World.docker(Stream.concat(words, Stream.of(container, name)).toArray(String[]::new));
        } finally {
            World.docker("rm", container);
        }
        return Sha256.hex(bytes);
    }

    /** Removes it from this machine. */
    public static void remove(String name) {
        World.docker("image", "rm", "-f", name);
    }

    /** The toolkit on the machine that has it. */
    public static Toolkit ktrdr(String... words) {
        var toolkit = Toolkit.ktrdr(words).asProcess();
        World.dockerEnvironment().forEach(toolkit::env);
        return toolkit;
    }

    /** The SHA-256 of that file in a container of a host. */
    public static String content(String host, String container) {
        return World.on(host, "docker exec " + container + " sha256sum /opt/content").split(" ")[0];
    }
}
