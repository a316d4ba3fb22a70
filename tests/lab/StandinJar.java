package lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** The stand-ins' classes as a jar: they are compiled with the script, and taken from where its own classes are. */
final class StandinJar {
    private static final String FOLDER = "standin";

    private StandinJar() {}

    /** The same classes give the same bytes, so that images built of them are found again. */
    static byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        try (var jar = new JarOutputStream(bytes)) {
            for (var entry : classes().entrySet()) {
                var item = new JarEntry(entry.getKey());
                item.setTime(0);
                jar.putNextEntry(item);
                jar.write(entry.getValue());
                jar.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static Map<String, byte[]> classes() throws IOException {
        Path home;
        try {
            home = Path.of(StandinJar.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
        if (Files.isDirectory(home)) return below(home.resolve(FOLDER));
        try (var jar = FileSystems.newFileSystem(home)) {
            return below(jar.getPath("/" + FOLDER));
        }
    }

    private static Map<String, byte[]> below(Path folder) throws IOException {
        var classes = new TreeMap<String, byte[]>();
        try (var files = Files.list(folder)) {
            for (var file : files.filter(one -> one.toString().endsWith(".class")).toList())
                classes.put(FOLDER + "/" + file.getFileName(), Files.readAllBytes(file));
        }
        return classes;
    }
}
