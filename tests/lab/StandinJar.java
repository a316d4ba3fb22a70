package lab;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import kotlin.Unit;
import mockwebserver3.MockWebServer;
import okhttp3.Protocol;
import okio.Buffer;

/** The jar of the stand-ins' image, with its libraries. */
final class StandinJar {
    /** The gRPC libraries of Jaeger's stand-in: a class of each jar, by the jar's name in the image. */
    private static final Map<String, Class<?>> LIBRARIES = new TreeMap<>(Map.of("mockwebserver.jar",
            MockWebServer.class, "okhttp.jar", Protocol.class, "okio.jar", Buffer.class, "kotlin.jar", Unit.class));

    private StandinJar() {}

    /**
     * The stand-ins' classes, taken from this script's own jar; with the same bytes each time, so that the build cache
     * hits.
     */
    static void write(Path jar) throws IOException {
        var here = jar(StandinJar.class);
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, String.join(" ", LIBRARIES.keySet()));
        try (var source = Files.isDirectory(here) ? null : FileSystems.newFileSystem(here);
                var out = new JarOutputStream(Files.newOutputStream(jar));
                var classes = Files.list(source == null ? here.resolve("standin") : source.getPath("/standin"))) {
            out.putNextEntry(entry(JarFile.MANIFEST_NAME));
            manifest.write(out);
            for (var file : classes.filter(path -> path.toString().endsWith(".class")).sorted().toList()) {
                out.putNextEntry(entry("standin/" + file.getFileName()));
                Files.copy(file, out);
            }
        }
        for (var library : LIBRARIES.entrySet())
            Files.copy(jar(library.getValue()), jar.resolveSibling(library.getKey()));
    }

    private static JarEntry entry(String name) {
        var entry = new JarEntry(name);
        entry.setLastModifiedTime(FileTime.fromMillis(0));
        return entry;
    }

    /** The jar or folder that a class was loaded from. */
    private static Path jar(Class<?> of) throws IOException {
        try {
            return Path.of(of.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
