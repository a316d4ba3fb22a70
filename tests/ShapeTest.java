import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import javax.tools.ToolProvider;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/** Limits for lines, methods and files, and names that are too similar. */
class ShapeTest {
    private static final int COLUMNS = 120;
    private static final int METHOD = 30;
    private static final int FILE = 300;
    private static final int SCRIPT = 150;
    private static final int PARAMETERS = 6;
    private static final Path ROOT = Project.root();

    private record Source(Path file, CompilationUnitTree unit, SourcePositions positions) {
        long lines(MethodTree method) {
            var lines = unit.getLineMap();
            return lines.getLineNumber(positions.getEndPosition(unit, method.getBody()))
                    - lines.getLineNumber(positions.getStartPosition(unit, method.getBody())) - 1;
        }

        void methods(BiConsumer<Source, MethodTree> each) {
            new TreeScanner<Void, Void>() {
                @Override
                public Void visitMethod(MethodTree method, Void nothing) {
                    each.accept(Source.this, method);
                    return super.visitMethod(method, nothing);
                }
            }.scan(unit, null);
        }

        /** The constructors of the file's records: their parameters are the records' components. */
        Set<MethodTree> recordConstructors() {
            var constructors = new HashSet<MethodTree>();
            new TreeScanner<Void, Void>() {
                @Override
                public Void visitClass(ClassTree type, Void nothing) {
                    if (type.getKind() == Tree.Kind.RECORD)
                        for (var member : type.getMembers())
                            if (member instanceof MethodTree method && method.getName().contentEquals("<init>"))
                                constructors.add(method);
                    return super.visitClass(type, nothing);
                }
            }.scan(unit, null);
            return constructors;
        }

        String at(MethodTree method) {
            return ROOT.relativize(file) + " " + method.getName();
        }
    }

    private static List<Path> java(String... folders) throws IOException {
        var files = new ArrayList<Path>();
        for (var folder : folders)
            try (var all = Files.walk(ROOT.resolve(folder))) {
                all.filter(file -> file.toString().endsWith(".java")).sorted().forEach(files::add);
            }
        assertTrue(files.size() > 20, files::toString);
        return files;
    }

    private static List<Source> sources(String... folders) throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(null, files, null, List.of("-proc:none"), null,
                    files.getJavaFileObjectsFromPaths(java(folders)));
            var positions = Trees.instance(task).getSourcePositions();
            var sources = new ArrayList<Source>();
            for (var unit : task.parse())
                sources.add(new Source(Path.of(unit.getSourceFile().toUri()), unit, positions));
            return sources;
        }
    }

    /** Lines that cannot be wrapped: JBang's directives, imports, links, tables and pictures. */
    private static boolean fixed(String line) {
        return line.matches("//[A-Z_]+ .*|import .*|package .*|\\|.*|!\\[.*|.*https?://\\S{80,}.*");
    }

    /** Excludes generated scripts, which tests compare: their parts have the limit. */
    private static boolean written(Path file) {
        return !ROOT.relativize(file).toString().matches("tests/ktrdr/.*\\.sh")
                && file.toString().matches(".*(\\.(java|sh|awk|yml|yaml|sql|css|js|html|py|qute)|/ktrdr|/run)$");
    }

    private static void addLongLines(Path file, List<String> tooLong) throws IOException {
        var lines = Files.readString(file).split("\n", -1);
        for (int i = 0; i < lines.length; i++)
            if (lines[i].length() > COLUMNS && !fixed(lines[i])) tooLong.add(ROOT.relativize(file) + ":" + (i + 1));
    }

    @Test
    void lines_have_at_most_120_columns() throws IOException {
        var tooLong = new ArrayList<String>();
        for (var folder : List.of("lib", "scripts", "templates", "tests", ".ci", "ktrdr", "inventory.yaml"))
            try (var all = Files.walk(ROOT.resolve(folder))) {
                for (var file : all.filter(Files::isRegularFile).filter(ShapeTest::written).sorted().toList())
                    addLongLines(file, tooLong);
            }
        assertEquals(List.of(), tooLong);
    }

    @Test
    void methods_have_at_most_30_lines() throws IOException {
        var large = new ArrayList<String>();
        for (var source : sources("lib", "scripts", "tests"))
            source.methods((in, method) -> {
                if (method.getBody() != null && in.lines(method) > METHOD)
                    large.add(in.at(method) + " has " + in.lines(method) + " lines");
            });
        assertEquals(List.of(), large);
    }

    @Test
    void files_have_at_most_300_lines_without_imports() throws IOException {
        var large = new ArrayList<String>();
        for (var file : java("lib", "scripts", "tests")) {
            // imports and JBang's directives are plain lists
            long lines = Files.readString(file).lines().filter(line -> !line.matches("import .*|//[A-Z_]+ .*")).count();
            if (lines > FILE) large.add(ROOT.relativize(file) + " has " + lines + " lines");
        }
        assertEquals(List.of(), large);
    }

    /** A script has the options and the sequence of steps; everything else belongs to the library. */
    @Test
    void scripts_have_at_most_150_lines() throws IOException {
        var large = new ArrayList<String>();
        for (var file : java("scripts")) {
            long lines = Files.readString(file).lines().count();
            if (lines > SCRIPT) large.add(ROOT.relativize(file) + " has " + lines + " lines");
        }
        assertEquals(List.of(), large);
    }

    @Test
    void methods_have_six_parameters_at_most_and_no_adjacent_booleans() throws IOException {
        var wrong = new ArrayList<String>();
        for (var source : sources("lib", "scripts", "tests")) {
            var exempt = source.recordConstructors();
            source.methods((in, method) -> {
                var types = method.getParameters().stream().map(VariableTree::getType).map(String::valueOf).toList();
                if (types.size() > PARAMETERS && !exempt.contains(method))
                    wrong.add(in.at(method) + " has " + types.size() + " parameters");
                for (int i = 1; i < types.size(); i++)
                    if (types.get(i).equals("boolean") && types.get(i - 1).equals("boolean"))
                        wrong.add(in.at(method) + " has two booleans in a row");
            });
        }
        assertEquals(List.of(), wrong);
    }

    /** A name without the endings that make names hard to tell apart. */
    private static String stem(String name) {
        return name.replaceAll("(ies|y)$", "i").replaceAll("(s|ed|ing|er|ers)$", "").replaceAll("e$", "");
    }

    @Test
    void no_two_types_of_the_library_differ_by_an_ending_alone() throws IOException {
        var types = new TreeMap<String, List<String>>();
        for (var source : sources("lib"))
            for (var type : source.unit().getTypeDecls())
                if (type instanceof ClassTree known)
                    types.computeIfAbsent(stem(known.getSimpleName().toString()), stem -> new ArrayList<>())
                            .add(known.getSimpleName().toString());
        assertEquals(List.of(), types.values().stream().filter(alike -> alike.size() > 1).toList());
    }

    @Test
    void names_of_tests_have_at_most_60_characters() throws IOException {
        var large = new ArrayList<String>();
        for (var source : sources("tests"))
            source.methods((in, method) -> {
                if (method.getModifiers().getAnnotations().stream()
                        .anyMatch(annotation -> annotation.toString().contains("Test"))
                        && method.getName().length() > 60) large.add(in.at(method));
            });
        assertEquals(List.of(), large);
    }
}
