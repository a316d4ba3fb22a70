import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.lang.model.element.Modifier;
import javax.tools.ToolProvider;
import ktrdr.Project;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/LIBRARY.md maps lib/ completely, without obsolete entries, and every public type and method has a comment. */
class LibraryTest {
    @TempDir Path folder;
    private static final List<String> TYPES = new ArrayList<>();
    private static final List<String> SILENT = new ArrayList<>();
    private static String map;

    @BeforeAll
    static void read() throws IOException {
        map = Files.readString(Project.root().resolve("docs/LIBRARY.md"));
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var sources = files.getJavaFileObjectsFromPaths(Project.library());
            var task = (JavacTask) compiler.getTask(null, files, problem -> {}, List.of("-proc:none"), null, sources);
            var docs = DocTrees.instance(task);
            for (var unit : task.parse()) new Reader(unit, docs).scan(unit, null);
        }
    }

    /** Collects public types, and public members without a comment. */
    private static final class Reader extends TreePathScanner<Void, Void> {
        private final CompilationUnitTree unit;
        private final DocTrees docs;
        private final Deque<ClassTree> around = new ArrayDeque<>();

        Reader(CompilationUnitTree unit, DocTrees docs) {
            this.unit = unit;
            this.docs = docs;
        }

        @Override
        public Void visitClass(ClassTree type, Void none) {
            if (!isPublic(type.getModifiers())) return null;
            if (around.isEmpty()) TYPES.add(type.getSimpleName().toString());
            note(type.getSimpleName(), type);
            around.push(type);
            super.visitClass(type, none);
            around.pop();
            return null;
        }

        @Override
        public Void visitMethod(MethodTree method, Void none) {
            boolean overrides = method.getModifiers().getAnnotations().stream()
                    .anyMatch(item -> item.getAnnotationType().toString().equals("Override"));
            // the type's comment covers its constructors
            boolean constructor = method.getReturnType() == null;
            if (isPublic(method.getModifiers()) && !overrides && !constructor) note(method.getName(), method);
            return null;
        }

        private boolean isPublic(ModifiersTree modifiers) {
            return modifiers.getFlags().contains(Modifier.PUBLIC)
                    || !around.isEmpty() && around.peek().getKind() == Tree.Kind.INTERFACE;
        }

        private void note(CharSequence name, Tree tree) {
            var comment = docs.getDocComment(getCurrentPath());
            if (comment != null && !comment.isBlank()) return;
            long line = unit.getLineMap().getLineNumber(docs.getSourcePositions().getStartPosition(unit, tree));
            SILENT.add(Path.of(unit.getSourceFile().getName()).getFileName() + ":" + line + " " + name);
        }
    }

    @Test
    void the_map_lists_every_public_type_once_and_no_removed_one() {
        var listed = Pattern.compile("(?m)^- `(\\w+)`: .+").matcher(map).results().map(found -> found.group(1))
                .collect(Collectors.toList());
        assertEquals(new TreeSet<>(TYPES), new TreeSet<>(listed));
        assertEquals(TYPES.size(), listed.size(), "one line a type");
    }

    @Test
    void every_public_type_and_method_says_what_it_is_for() {
        assertEquals(List.of(), SILENT);
    }

    @Test
    void its_example_compiles() throws IOException {
        var code = map.lines().dropWhile(line -> !line.startsWith("    //SOURCES"))
                .takeWhile(line -> line.isEmpty() || line.startsWith("    "))
                .map(line -> line.isEmpty() ? line : line.substring(4))
                .collect(Collectors.joining("\n"));
        var file = Files.writeString(folder.resolve("Disks.java"), code);
        var said = new StringWriter();
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var options = List.of("-proc:none", "-d", folder.toString(), "-cp", System.getProperty("java.class.path"));
            assertTrue(compiler.getTask(said, files, null, options, null, files.getJavaFileObjects(file)).call(),
                    said::toString);
        }
    }
}
