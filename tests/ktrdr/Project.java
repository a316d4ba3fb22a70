package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Locates the project's files, from the folder of jbang-catalog.json here or above. */
public final class Project {
    private Project() {}

    public static Path root() {
        for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent())
            if (Files.exists(at.resolve("jbang-catalog.json")) && Files.isDirectory(at.resolve("lib/ktrdr"))) return at;
        throw new IllegalStateException("not inside the project");
    }

    /** The library sources, sorted by path. */
    public static List<Path> library() {
        return sources("lib/ktrdr");
    }

    /** The library class with this name, in any package. */
    public static Path library(String name) {
        return library().stream().filter(file -> file.endsWith(name + ".java")).findFirst().orElseThrow();
    }

    /** The library and test classes with this name, with package. Several packages may have one. */
    public static List<String> classes(String name) {
        return Stream.of("lib/ktrdr", "tests").flatMap(folder -> sources(folder).stream())
                .filter(file -> file.endsWith(name + ".java"))
                .map(file -> packageOf(file) + name).toList();
    }

    /** The test sources with this name. Several packages may have one. */
    public static List<Path> tests(String name) {
        return sources("tests").stream().filter(file -> file.endsWith(name + ".java")).toList();
    }

    private static String packageOf(Path file) {
        try (var lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith("package ")).findFirst()
                    .map(line -> line.replaceFirst("package (.*);", "$1.")).orElse("");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> sources(String folder) {
        try (var all = Files.walk(root().resolve(folder))) {
            return all.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The value of a variable in the front door, such as the JBang version. */
    public static String frontDoor(String variable) {
        try (var lines = Files.lines(root().resolve("ktrdr"))) {
            return lines.filter(line -> line.startsWith(variable + "="))
                    .map(line -> line.replaceFirst(".*=(\\S+).*", "$1")).findFirst().orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
