package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import ktrdr.inventory.Inventory;
import ktrdr.release.Templates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Errors for files that are not valid UTF-8 name the position. */
class Utf8Test {
    @TempDir Path folder;

    private static String wrong(String text, Charset charset) {
        var problem = assertThrows(Problem.class, () -> Utf8.text(text.getBytes(charset), "file"));
        return problem.sentence() + ", " + problem.details().get("found");
    }

    @Test
    void another_encoding_is_told_with_line_and_column() {
        assertEquals("file:2:8  this is not UTF-8, the byte 0xFC",
                wrong("a: 1\n# two fünf\n", StandardCharsets.ISO_8859_1));
        assertEquals("file:1:3  this is not UTF-8, the byte 0x80", wrong("a €", Charset.forName("windows-1252")));
        assertEquals("file:1:1  this is not UTF-8, the byte 0xFF", wrong("a", Charset.forName("x-UTF-16LE-BOM")));
    }

    @Test
    void an_invalid_byte_is_placed_by_characters_and_a_bom_is_dropped() {
        var bytes = "é😀é".getBytes(StandardCharsets.UTF_8);
        bytes[bytes.length - 1] = 'x';
        assertEquals("file:1:3  this is not UTF-8", assertThrows(Problem.class, () -> Utf8.text(bytes, "file"))
                .sentence());
        assertEquals("é😀", Utf8.text("\uFEFFé😀".getBytes(StandardCharsets.UTF_8), "file"));
    }

    @Test
    void a_template_of_ones_own_is_named_with_the_place() throws IOException {
        var template = folder.resolve("mine/core/docker-compose.core.yml");
        Files.createDirectories(template.getParent());
        Files.write(template, "name: x\n# für\n".getBytes(StandardCharsets.ISO_8859_1));
        var inventory = Inventory.read(Files.writeString(folder.resolve("inventory.yaml"),
                Fixtures.INVENTORY + "templates: mine\n"));
        var problem = assertThrows(Problem.class,
                () -> new Templates(inventory).render(inventory.core(), "sha-1000001"));
        assertEquals("the template " + template + ":2:4  this is not UTF-8", problem.sentence());
    }
}
