package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import ktrdr.Facts;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Recorded;
import ktrdr.Sh;
import ktrdr.release.Templates.NodeFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gathering script, run by a local shell, and its parsed answer. */
class NodeFilesTest {
    private static final String HASH = new NodeFile("", "A=1\n", "").sha256();
    @TempDir Path folder;
    private Path stack;

    @BeforeEach
    void a_stack() throws IOException {
        stack = Files.createDirectories(folder.resolve("stack"));
        Files.createDirectories(stack.resolve(".ktrdr"));
        Files.createDirectories(stack.resolve("monitoring"));
        Files.writeString(stack.resolve(".env.core"), "A=1\n");
    }

    private NodeFiles look(Map<String, String> wanted) {
        var script = Facts.SAY + Sh.let("directory", stack.toString()) + NodeFiles.script(wanted) + "say end yes\n";
        return NodeFiles.parse(Facts.parse(LocalCommand.command("sh", "-s").input(Sh.whole(script)).must().out()));
    }

    @Test
    void content_is_answered_only_where_the_hash_is_another() {
        assertEquals(Optional.empty(), look(Map.of(".env.core", HASH)).files().get(".env.core").content());
        assertEquals(Optional.of("A=1\n"), look(Map.of(".env.core", "0".repeat(64))).files().get(".env.core")
                .content());
        assertEquals(HASH, look(Map.of(".env.core", "")).files().get(".env.core").sha256());
    }

    @Test
    void a_node_without_the_directory_has_no_files() throws IOException {
        stack = folder.resolve("none");
        assertEquals(NodeFiles.NONE, look(Map.of(".env.core", HASH)));
    }

    @Test
    void reads_files_listed_in_the_manifest_and_names_extra_files() throws IOException {
        Files.writeString(stack.resolve("monitoring/old.yml"), "old\n");
        Files.writeString(stack.resolve("monitoring/a note's \"name\".txt"), "");
        Files.writeString(stack.resolve(".ktrdr/files"),
                HASH + "  .env.core\n" + HASH + "  monitoring/old.yml\n" + HASH + "  gone\n");
        var there = look(Map.of(".env.core", HASH));
        assertEquals(Set.of(".env.core", "monitoring/old.yml"), there.files().keySet());
        assertEquals(Set.of(".env.core", "monitoring/old.yml", "gone"), there.manifest().keySet());
        assertEquals(List.of("monitoring/a note's \"name\".txt", "monitoring/old.yml"), there.foreign());
    }

    @Test
    void nothing_is_read_through_a_link() throws IOException {
        Files.writeString(folder.resolve("secret"), "secret\n");
        Files.createDirectories(folder.resolve("elsewhere"));
        Files.writeString(folder.resolve("elsewhere/x.yml"), "secret\n");
        Files.createSymbolicLink(stack.resolve("compose.yml"), folder.resolve("secret"));
        Files.createSymbolicLink(stack.resolve("graf"), folder.resolve("elsewhere"));
        var there = look(Map.of("compose.yml", HASH, "graf/x.yml", HASH));
        assertEquals(Map.of("compose.yml", folder.resolve("secret").toString(), "graf",
                folder.resolve("elsewhere").toString()), there.links());
        assertTrue(there.files().isEmpty());
    }

    @Test
    void a_list_of_files_that_leads_outside_is_not_obeyed() throws IOException {
        Files.writeString(folder.resolve("secret"), "secret\n");
        Files.writeString(stack.resolve(".ktrdr/files"), HASH + "  ../secret\n");
        assertTrue(assertThrows(Problem.class, () -> look(Map.of())).sentence().contains(".ktrdr/files, is damaged"));
        for (var wrong : List.of("x  a", HASH + "  /etc/passwd", HASH + "  a/../../b", HASH + "  .ktrdr/files",
                HASH + " a"))
            assertThrows(Problem.class, () -> NodeFiles.manifest(wrong), wrong);
    }

    @Test
    void reports_a_directory_in_a_files_place_and_a_file_too_large() throws IOException {
        Files.writeString(stack.resolve("big"), "x".repeat(1_000_001));
        var there = look(Map.of("monitoring", HASH, "big", HASH));
        assertEquals(Map.of("monitoring", "directory"), there.odd());
        assertEquals(1_000_001, there.files().get("big").size());
        assertFalse(there.files().get("big").content().isPresent());
    }

    @Test
    void the_script_is_as_it_was_recorded() {
        var wanted = new TreeMap<>(Map.of("docker-compose.yml", "0123", "monitoring/a b.yml", "4567"));
        Recorded.same(NodeFilesTest.class, "node-files.sh", NodeFiles.script(wanted));
    }
}
