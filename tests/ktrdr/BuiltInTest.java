package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Scripts that run on nodes are in files shipped with the toolkit, not in Java strings. */
class BuiltInTest {
    private static final Pattern BLOCK = Pattern.compile("\"\"\"\n(.*?)\"\"\"", Pattern.DOTALL);
    private static final Pattern PART = Pattern.compile("BuiltIn\\.lines\\(\"([^\"]+)\"\\)");
    /** A source line continued by a backslash. */
    private static final Pattern CONTINUED = Pattern.compile("(?<!\\\\)\\\\\n *");
    /** The height of a screen, in lines. */
    private static final int LONGEST = 20;

    @Test
    void the_head_of_a_part_is_not_sent() {
        var text = BuiltIn.text("node/engine.sh");
        assertTrue(text.startsWith("#!/bin/sh\n# "), text);
        assertTrue(BuiltIn.lines("node/engine.sh").startsWith("docker='' root='' "), text);
        assertTrue(text.endsWith("\n\n" + BuiltIn.lines("node/engine.sh")), text);
    }

    @Test
    void a_file_that_is_not_in_the_toolkit_is_a_problem() {
        var problem = assertThrows(Problem.class, () -> BuiltIn.text("node/none.sh"));
        assertEquals("the template node/none.sh is not in the toolkit", problem.sentence());
    }

    @Test
    void the_toolkit_has_every_part_that_is_named() throws IOException {
        for (var source : Project.library())
            PART.matcher(Files.readString(source)).results().map(part -> part.group(1))
                    .forEach(part -> assertTrue(BuiltIn.text(part).matches("(?s)(#!/bin/sh\n)?# .*\n\n.*"), part));
    }

    /** `.ci/run` checks each file separately; this test reports errors earlier. */
    @Test
    void the_parts_are_clean_under_shellcheck() throws IOException {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        try (var all = Files.walk(Project.root().resolve("templates"))) {
            var scripts = all.filter(file -> file.toString().endsWith(".sh")).filter(BuiltInTest::named)
                    .map(Path::toString);
            var said = LocalCommand.command(Stream.concat(Stream.of("shellcheck", "-S", "warning"), scripts).toList())
                    .run();
            assertTrue(said.ok(), said.out());
        }
    }

    private static boolean named(Path file) {
        try {
            return Files.readString(file).startsWith("#!/bin/sh\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void no_class_has_a_text_in_it_that_is_longer_than_a_screen() throws IOException {
        var found = new ArrayList<String>();
        for (var source : Project.library()) {
            // Sh contains the common header of all scripts
            if (source.endsWith("Sh.java")) continue;
            BLOCK.matcher(Files.readString(source)).results()
                    .map(block -> CONTINUED.matcher(block.group(1)).replaceAll("").lines().toList())
                    .filter(lines -> lines.size() > LONGEST)
                    .map(lines -> source.getFileName() + ": " + lines.get(0).strip())
                    .forEach(found::add);
        }
        assertEquals(List.of(), found);
    }
}
