package lab;

import java.io.IOException;
import java.nio.file.Path;

/** Images that a developer builds on this machine, where the practice fleet's engine is their Docker. */
public final class BuiltImage {
    private BuiltImage() {}

    /** A release with a new layer; see {@link NewLayer#on}. */
    public static String make(Path folder, String name, String release, String... changes) throws IOException {
        return NewLayer.on(World.engine(), folder, name, release, changes);
    }

    /** Removes it from this machine. */
    public static void remove(String name) {
        World.docker("image", "rm", "-f", name);
    }

    /** The toolkit on the machine that has it. */
    public static Toolkit ktrdr(String... words) {
        var toolkit = Toolkit.ktrdr(words).asProcess();
        World.engine().environment().forEach(toolkit::env);
        return toolkit;
    }

    /** The SHA-256 of that file in a container of a host. */
    public static String content(String host, String container) {
        return World.on(host, "docker exec " + container + " sha256sum /opt/content").split(" ")[0];
    }
}
