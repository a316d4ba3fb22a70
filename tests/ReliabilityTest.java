import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Project;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

/** docs/RELIABILITY.md: each row names an existing test and quotes real messages, and every tested fault has a row. */
class ReliabilityTest {
    /** In these classes each test is a fault. */
    private static final List<String> FAULTS = List.of("DeployCutTest", "DeployKilledTest", "DeployFaultsTest",
            "DeployLockTest", "DeployPartlyTest", "DeployRefusedTest",
            "StageRefusedTest", "FailoverTest", "BackupFaultsTest", "RestoreFaultsTest", "RecoveryTest", "SshdTest",
            "AnswersFuzzTest", "FilesFuzzTest", "ApiFuzzTest");
    private static final String HEAD = "| fault | what a user sees | end state | exit code | time | test |";
    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");
    private static final Path PAGE = Project.root().resolve("docs/RELIABILITY.md");

    /** @param tests such as DeployCutTest.during_the_pull_nothing_was_changed; several if they cover one fault */
    private record Row(String fault, String seen, String end, String exit, String time, List<String> tests) {}

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> quoted(String cell) {
        return QUOTED.matcher(cell).results().map(found -> found.group(1)).toList();
    }

    private static List<String[]> cells() {
        return text(PAGE).lines().filter(line -> line.startsWith("|") && !line.equals(HEAD) && !line.matches("[|-]+"))
                .map(line -> line.replaceFirst("^\\| ", "").replaceFirst(" \\|$", "").split(" \\| ", -1)).toList();
    }

    /** Rows with six cells; a separate test reports all others. */
    private static List<Row> rows() {
        return cells().stream().filter(of -> of.length == 6)
                .map(of -> new Row(of[0], of[1], of[2], of[3], of[4], quoted(of[5]))).toList();
    }

    /** The classes with this name: several packages may have one. */
    private static List<Class<?>> classes(String name) {
        var found = new ArrayList<Class<?>>();
        for (var full : Project.classes(name))
            try {
                found.add(Class.forName(full, false, ReliabilityTest.class.getClassLoader()));
            } catch (ClassNotFoundException e) {
                throw new IllegalStateException(full + " was not compiled", e);
            }
        return found;
    }

    /** The tests of a class as Class.method, with its simple name. */
    static Set<String> tests(String name) {
        return classes(name).stream().flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(ReliabilityTest::isTest).map(method -> name + "." + method.getName())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static boolean isTest(Method method) {
        return Stream.of(Test.class, ParameterizedTest.class, Property.class).anyMatch(method::isAnnotationPresent);
    }

    @Test
    void each_row_has_six_cells_and_none_is_empty() {
        var all = cells();
        assertTrue(all.size() >= 80, () -> all.size() + " rows");
        assertEquals(List.of(), all.stream().filter(of -> of.length != 6 || Arrays.stream(of).anyMatch(String::isBlank))
                .map(of -> String.join(" | ", of)).toList());
        // a table in another format would be misread
        assertEquals(text(PAGE).split("\n## ").length - 1,
                text(PAGE).split(Pattern.quote(HEAD + "\n|---|---|---|---|---|---|\n")).length - 1);
    }

    @Test
    void each_exit_code_is_one_of_ours() {
        var ours = Arrays.stream(Exit.values()).map(exit -> String.valueOf(exit.code)).toList();
        assertEquals(List.of(), rows().stream()
                .filter(row -> !row.exit.equals("–") && !ours.containsAll(List.of(row.exit.split(" or "))))
                .map(row -> row.fault + ": " + row.exit).toList());
    }

    @Test
    void each_test_that_is_named_is_there() {
        var wrong = new ArrayList<String>();
        for (var row : rows()) {
            if (row.tests.isEmpty()) wrong.add(row.fault + " names no test");
            for (var test : row.tests) if (!tests(test.replaceFirst("\\..*", "")).contains(test))
                wrong.add(row.fault + ": there is no " + test);
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void each_fault_that_is_tested_has_a_row() {
        var named = rows().stream().flatMap(row -> row.tests.stream()).collect(Collectors.toSet());
        var missing = new ArrayList<String>();
        for (var name : FAULTS) {
            assertTrue(!tests(name).isEmpty(), name);
            tests(name).stream().filter(test -> !named.contains(test)).forEach(missing::add);
        }
        assertEquals(List.of(), missing);
    }

    /**
     * Quoted text appears in the source of the test or of the toolkit, without the leading node name and around each
     * ellipsis.
     */
    @Test
    void what_is_quoted_is_said() throws IOException {
        var toolkit = plain(
                text(Project.root().resolve("ktrdr")) + java("lib/ktrdr") + java("scripts") + java("tests/lab"));
        var wrong = new ArrayList<String>();
        for (var row : rows()) {
            var said = toolkit + plain(row.tests.stream().map(test -> test.replaceFirst("\\..*", "")).distinct()
                    .map(ReliabilityTest::source).collect(Collectors.joining()));
            for (var quote : quoted(row.seen))
                for (var part : quote.replaceFirst("^(error: )?(core|workers-[bc]): ", "").split("…"))
                    if (!said.contains(part.strip())) wrong.add(row.fault + ": " + part);
        }
        assertEquals(List.of(), wrong);
    }

    /** Removes escapes, and joins strings that are split over lines. */
    private static String plain(String source) {
        return source.replaceAll("(?<!\\\\)\"\\s*\\+\\s*\"", "").replace("\\\"", "\"");
    }

    private static String java(String folder) throws IOException {
        try (var files = Files.walk(Project.root().resolve(folder))) {
            return files.filter(file -> file.toString().endsWith(".java")).map(ReliabilityTest::text)
                    .collect(Collectors.joining());
        }
    }

    private static String source(String name) {
        return Project.tests(name).stream().map(ReliabilityTest::text).collect(Collectors.joining());
    }

    @Test
    void readers_of_the_other_pages_find_it() {
        for (var page : List.of("README.md", "docs/reference/README.md"))
            assertTrue(text(Project.root().resolve(page)).contains("RELIABILITY.md)"), page);
    }
}
