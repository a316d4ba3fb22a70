import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jdk.jshell.spi.ExecutionControlProvider;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/** The package structure: which package uses which, and where files belong. */
class PackagesTest {
    private static final Pattern IMPORT = Pattern.compile("(?m)^import (?:static )?ktrdr\\.(?:([a-z]+)\\.)?[A-Z]");
    private static final Path ROOT = Project.root();

    private static List<Path> files(String folder, String ending) throws IOException {
        try (var all = Files.walk(ROOT.resolve(folder))) {
            return all.filter(Files::isRegularFile).filter(file -> file.toString().endsWith(ending)).sorted().toList();
        }
    }

    private static String name(Path file) {
        return file.getFileName().toString().replace(".java", "");
    }

    private static String code(Path file) throws IOException {
        // text blocks first: comment marks and quotes inside them would be read as Java's
        return Files.readString(file).replaceAll("(?s)\"\"\".*?\"\"\"", "").replaceAll("(?s)/\\*.*?\\*/", "")
                .replaceAll("(?m)//.*$", "").replaceAll("\"(\\\\.|[^\"\\\\\n])*\"", "\"\"");
    }

    /** Maps each package of the library, by its name below ktrdr, to the packages it imports from. */
    private static Map<String, Set<String>> packages() throws IOException {
        var uses = new TreeMap<String, Set<String>>();
        for (var file : Project.library()) {
            var own = packageOf(ROOT.resolve("lib/ktrdr").relativize(file));
            var others = uses.computeIfAbsent(own, none -> new TreeSet<>());
            IMPORT.matcher(Files.readString(file)).results()
                    .forEach(found -> others.add(found.group(1) == null ? "ktrdr" : found.group(1)));
            // a fully qualified name would bypass the import check
            assertFalse(code(file).replaceAll("(?m)^(import|package) .*$", "").matches("(?s).*\\bktrdr\\.[a-zA-Z].*"),
                    file + " names a class in full");
            others.remove(own);
        }
        return uses;
    }

    private static String packageOf(Path file) {
        return file.getParent() == null ? "ktrdr" : file.getParent().toString();
    }

    private static Set<String> reached(Map<String, Set<String>> uses, String from) {
        var reached = new TreeSet<String>();
        var next = new ArrayDeque<>(uses.get(from));
        while (!next.isEmpty()) if (reached.add(next.peek())) next.addAll(uses.get(next.poll()));
        else next.poll();
        return reached;
    }

    @Test
    void no_two_packages_use_each_other() throws IOException {
        var uses = packages();
        assertTrue(uses.size() > 15, uses::toString);
        for (var name : uses.keySet())
            assertFalse(reached(uses, name).contains(name), name + " uses what uses it: " + uses.get(name));
    }

    @Test
    void the_packages_are_drawn_on_the_map_as_they_are() throws IOException {
        var uses = packages();
        var drawn = Files.readString(ROOT.resolve("docs/LIBRARY.md")).lines()
                .filter(line -> line.matches("  [a-z]+ --> [a-z]+")).map(String::strip)
                .collect(Collectors.toCollection(TreeSet::new));
        var are = new TreeSet<String>();
        uses.forEach((name, others) -> others.stream()
                .filter(other -> others.stream()
                        .noneMatch(between -> !between.equals(other) && reached(uses, between).contains(other)))
                .forEach(other -> are.add(name + " --> " + other)));
        assertEquals(are, drawn);
    }

    @Test
    void tests_lie_as_the_packages_do() throws IOException {
        var packages = packages().keySet();
        for (var file : files("tests/ktrdr", ".java")) {
            var own = packageOf(ROOT.resolve("tests/ktrdr").relativize(file));
            assertTrue(packages.contains(own), file + " is in a folder that the library does not have");
            assertTrue(Files.readString(file)
                    .contains("package " + (own.equals("ktrdr") ? "ktrdr;" : "ktrdr." + own + ";")),
                    file + " has another package than its folder");
        }
    }

    @Test
    void each_foreign_library_is_imported_where_it_is_wrapped() throws IOException {
        var allowed = Map.of("import (net\\.schmizz|com\\.hierynomus)", "(Ssh\\w*|HostKeys)", "import okhttp3", "Http",
                "import com\\.fasterxml\\.jackson\\.dataformat", "Yaml", "System\\.(out|err)", "Invocation");
        var wrong = new ArrayList<String>();
        for (var rule : allowed.entrySet())
            for (var file : files("lib/ktrdr", ".java"))
                if (Pattern.compile(rule.getKey()).matcher(code(file)).find() && !name(file).matches(rule.getValue()))
                    wrong.add(name(file) + " has " + rule.getKey());
        assertEquals(List.of(), wrong);
    }

    /** A missing class has no other symptom than slower starts. */
    @Test
    void what_the_front_door_loads_for_its_archive_is_there() throws IOException {
        var named = Pattern.compile("-cp \"\\$path\" (ktrdr\\.\\S+)")
                .matcher(Files.readString(ROOT.resolve("lib/start.sh")));
        assertTrue(named.find());
        assertTrue(Project.classes("Training").contains(named.group(1)), named.group(1));
    }

    @Test
    void the_provider_that_the_console_names_is_there() throws Exception {
        var provider = Class.forName(Files.readString(ROOT.resolve("templates/console/execution")).strip());
        assertTrue(ExecutionControlProvider.class.isAssignableFrom(provider), provider.getName());
    }

    @Test
    void scripts_know_the_library_picocli_and_the_jdk() throws IOException {
        var wrong = new ArrayList<String>();
        for (var file : files("scripts", ".java")) {
            assertTrue(Files.readString(file).startsWith("///usr/bin/env jbang \"$0\" \"$@\" ; exit $?\n"),
                    file + " starts with the line that runs it");
            code(file).lines().filter(line -> line.startsWith("import "))
                    .filter(line -> !line.matches("import (static )?(java|ktrdr|picocli|lab)\\..*"))
                    .forEach(line -> wrong.add(name(file) + ": " + line));
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void the_header_lists_every_class_and_every_template() throws IOException {
        var header = Files.readString(ROOT.resolve("lib/sources.java"));
        var sources = header.lines().filter(line -> line.startsWith("//SOURCES ktrdr/")).map(line -> line.substring(16))
                .collect(Collectors.toSet());
        var library = ROOT.resolve("lib/ktrdr");
        assertEquals(Project.library().stream().map(file -> library.relativize(file).toString())
                .collect(Collectors.toSet()), sources);
        var own = Files.readString(ROOT.resolve("lib/library.java")).lines().filter(line -> line.startsWith("//FILES "))
                .collect(Collectors.toSet());
        assertEquals(sources.stream().map(file -> "//FILES lib/ktrdr/" + file + "=ktrdr/" + file)
                .collect(Collectors.toSet()), own);
        var templates = header.lines().filter(line -> line.startsWith("//FILES "))
                .map(line -> line.replaceFirst(".*=\\.\\./", "")).collect(Collectors.toSet());
        assertEquals(files("templates", "").stream().map(file -> ROOT.relativize(file).toString())
                .collect(Collectors.toSet()), templates);
    }

    @Test
    void every_script_is_in_the_catalog_with_its_description() throws IOException {
        var catalog = Files.readString(ROOT.resolve("jbang-catalog.json"));
        for (var file : files("scripts", ".java")) {
            var alias = name(file).replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase();
            var description = Files.readString(file).lines().filter(line -> line.startsWith("//DESCRIPTION "))
                    .findFirst().orElseThrow().substring(14);
            assertTrue(catalog.contains("\"" + alias + "\": {\"script-ref\": \"scripts/" + name(file)
                    + ".java\", \"description\": \"" + description + "\"}"), alias);
        }
    }
}
