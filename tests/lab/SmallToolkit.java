package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.CommandResult;
import ktrdr.LocalCommand;
import ktrdr.Project;

/**
 * A toolkit of one class and three scripts of two lines, which is built in a second or two. Front door and JBang are
 * the real ones; this JBang records its requests.
 */
public final class SmallToolkit {
    /** Standard error of a build of the library. */
    public static final String LIBRARY = "building the library and all procedures, once for this state of the toolkit";
    public final Path checkout;
    private final Path folder;
    private final Path asked;
    private final Path meanwhile;

    /** In an empty folder, with a cache of its own. */
    public SmallToolkit(Path folder) throws IOException {
        this.folder = folder;
        checkout = Files.createDirectory(folder.resolve("checkout"));
        asked = Files.createFile(folder.resolve("asked"));
        meanwhile = folder.resolve("meanwhile");
        copyFrontDoor();
        writeLibrary();
        writeScripts();
        writeJbang();
    }

    private void copyFrontDoor() throws IOException {
        for (var text : List.of("ktrdr", "lib/start.sh", "lib/ktrdr.java", "inventory.yaml")) {
            Files.createDirectories(checkout.resolve(text).getParent());
            Files.copy(Project.root().resolve(text), checkout.resolve(text), StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    private void writeLibrary() throws IOException {
        var header = Files.readString(Project.root().resolve("lib/sources.java"));
        write("lib/sources.java",
                Stream.concat(header.lines()
                        .filter(line -> line.matches("//(JAVA|JAVAC_OPTIONS) .*|//DEPS org.slf4j:slf4j-nop.*")),
                Stream.of("//SOURCES ktrdr/Word.java", "//SOURCES ktrdr/cli/Training.java",
                        "//FILES templates/word=../templates/word")).toList());
        write("lib/library.java",
                Stream.concat(Files.readString(Project.root().resolve("lib/library.java")).lines()
                        .filter(line -> line.matches("//(JAVAC|RUNTIME)_OPTIONS .*")),
                Stream.of("//JAVA 17+", "//DEPS sources.java", "//FILES lib/ktrdr/Word.java=ktrdr/Word.java"))
                .toList());
        word("one");
        write("lib/ktrdr/cli/Training.java",
                List.of("package ktrdr.cli;",
                        "class Training { public static void main(String... args) { new ktrdr.Word(); } }"));
        write("templates/word", List.of("one"));
        write("tests/NoneTest.java", List.of("class NoneTest {}"));
    }

    private void writeScripts() throws IOException {
        script("Say", "//SOURCES ../lib/ktrdr.java",
                "new ktrdr.Word(); System.out.println(\"says \" + ktrdr.Word.WORD + String.join(\" \", args));");
        script("Ask", "//SOURCES ../lib/ktrdr.java", "System.out.println(\"asks\");");
        script("Both", "//SOURCES ../lib/ktrdr.java\n//SOURCES Say.java", "Say.main(args);");
        write("jbang-catalog.json", List.of("{\"aliases\": {", alias("say", "Say") + ",", alias("ask", "Ask") + ",",
                alias("both", "Both"), "}}"));
    }

    /** A JBang that records its requests. */
    private void writeJbang() throws IOException {
        var bin = Files.createDirectory(folder.resolve("bin"));
        var jbang = Files.writeString(bin.resolve("jbang"), """
                #!/bin/sh
                echo "$1" >>'%1$s'
                [ ! -e '%3$s' ] || sh '%3$s'
                exec '%2$s' "$@"
                """.formatted(asked, Toolkit.jbang(), meanwhile));
        Files.setPosixFilePermissions(jbang, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static String alias(String name, String script) {
        return "\"%s\": {\"script-ref\": \"scripts/%s.java\", \"description\": \"One of a few words\"}"
                .formatted(name, script);
    }

    /** Writes a script: its directives and its code. */
    public void script(String name, String header, String body) throws IOException {
        write("scripts/" + name + ".java",
                List.of(header, "public class " + name + " { public static void main(String... args) { " + body
                        + " } }"));
    }

    /** Writes a file of the checkout. */
    public void write(String path, List<String> lines) throws IOException {
        Files.createDirectories(checkout.resolve(path).getParent());
        Files.write(checkout.resolve(path), lines);
    }

    /** Replaces words in a file of the checkout. */
    public void edit(String path, String from, String to) throws IOException {
        var text = Files.readString(checkout.resolve(path));
        assertTrue(text.contains(from), text);
        Files.writeString(checkout.resolve(path), text.replace(from, to));
    }

    /** Edits the library: changes its one word. */
    public void word(String word) throws IOException {
        write("lib/ktrdr/Word.java",
                List.of("package ktrdr;", "public class Word { public static final String WORD = \"" + word + "\"; }"));
    }

    /** Makes JBang run a shell script before each request, while front doors wait for it. */
    public void meanwhile(String script) throws IOException {
        Files.writeString(meanwhile, script);
    }

    /** Reverts that. */
    public void undisturbed() throws IOException {
        Files.deleteIfExists(meanwhile);
    }

    /** A command with the cache and the JBang of this toolkit. */
    public LocalCommand.Command command(String... words) {
        return LocalCommand.command(words).directory(folder)
                .env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"))
                .env("XDG_CACHE_HOME", cache().toString()).env("JBANG_DIR", folder.resolve("jbang").toString())
                .timeout(Duration.ofMinutes(3));
    }

    private Path cache() {
        return folder.resolve("cache");
    }

    /** The front door. */
    public LocalCommand.Command door(String... arguments) {
        return command(Stream.concat(Stream.of(checkout.resolve("ktrdr").toString()), Stream.of(arguments))
                .toArray(String[]::new));
    }

    /** What JBang was asked for during a run. */
    public List<String> askedBy(Runnable run) {
        try {
            Files.writeString(asked, "");
            run.run();
            return Files.readAllLines(asked);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asserts a run's output and the requests that JBang got for it; returns its standard error. */
    public String says(String wanted, List<String> ofJBang, LocalCommand.Command command) {
        var results = new CommandResult[1];
        var by = askedBy(() -> results[0] = command.run());
        assertEquals(0, results[0].exit(), results[0].err());
        assertEquals(wanted + "\n", results[0].out());
        assertEquals(ofJBang, by);
        return results[0].err();
    }

    /** Asserts a run's output, without a build. */
    public void quick(String wanted, LocalCommand.Command command) {
        assertEquals("", says(wanted, List.of(), command));
    }

    /** Asserts that standard error ends with a report of a build and its duration. */
    public static void builds(String what, String err) {
        assertTrue(err.matches("(?s)(.*\n)?" + what + "\nbuilt in \\d+\\.\\d s\n"), err);
    }

    /** The files of the cache that have this name. */
    public List<Path> named(String name) throws IOException {
        try (var found = Files.walk(cache())) {
            return found.filter(file -> file.getFileName().toString().equals(name) && Files.isRegularFile(file))
                    .toList();
        }
    }

    /** Where a procedure's classes were loaded from, as the JVM reports. */
    public String loaded(String procedure, String name) throws IOException {
        var log = folder.resolve("loaded");
        assertEquals(0, door(procedure).env("_JAVA_OPTIONS", "-Xlog:class+load:file=" + log).run().exit());
        return Files.readAllLines(log).stream().filter(line -> line.contains(" " + name + " ")).findFirst()
                .orElseThrow();
    }
}
