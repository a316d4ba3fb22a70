package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Environments share parts of their inventories, and each says what differs. */
class InventoryIncludesTest {
    private static final String SHARED = """
            domain: ktrdr.test
            images: {backend: registry.test/ktrdr-backend, db: "postgres:16", keep: 5}
            limits: {training: {cpus: 3}}
            """;
    private static final String STAGING = """
            include: [shared.yaml]
            environment: staging
            nodes:
              core: {role: core, address: 10.0.0.1}
            images: {db: "postgres:17"}
            """;
    @TempDir Path folder;

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private Problem wrong(String text) throws IOException {
        var file = file("staging.yaml", text);
        return assertThrows(Problem.class, () -> Inventory.read(file));
    }

    @Test
    void what_the_inventory_says_wins_key_by_key() throws IOException {
        file("shared.yaml", SHARED);
        var staging = file("staging.yaml", STAGING);
        var inventory = Inventory.read(staging);
        assertEquals("ktrdr.test", inventory.domain());
        assertEquals("postgres:17", inventory.images().db());
        assertEquals(5, inventory.images().keep());
        assertEquals(3, inventory.core().running().training().cpus());
        assertEquals(staging, inventory.source());
    }

    @Test
    void of_several_files_the_later_one_wins() throws IOException {
        file("shared.yaml", SHARED);
        file("more.yaml", "images: {keep: 7}\nnodes: {core: {memory: 4GB}}\n");
        var inventory = Inventory.read(file("staging.yaml", STAGING.replace("shared.yaml", "shared.yaml, more.yaml")));
        assertEquals(7, inventory.images().keep());
        assertEquals(4_000_000_000L, inventory.core().memory());
        assertEquals(Optional.of("10.0.0.1"), inventory.core().address());
    }

    @Test
    void a_mistake_is_told_with_the_file_that_it_is_in() throws IOException {
        var shared = file("shared.yaml", SHARED.replace("keep: 5", "keep: many"));
        assertEquals("images.keep: expected a whole number from 1 to 100, found many",
                wrong(STAGING).details().get(shared + ":2:73"));
        file("shared.yaml", SHARED + "jwt_secret: word\n");
        assertEquals("jwt_secret: a key of this name is for a secret", wrong(STAGING).details().get(shared + ":4:1"));
    }

    @Test
    void what_cannot_be_included_is_refused() throws IOException {
        file("shared.yaml", SHARED);
        var sentence = wrong(STAGING.replace("shared.yaml", "none.yaml")).sentence();
        assertEquals("the inventory " + folder.resolve("none.yaml") + " cannot be read", sentence);
        assertEquals(folder.resolve("staging.yaml") + ":1:10  include: this is no list of files",
                wrong(STAGING.replace("shared.yaml", "{a: b}")).sentence());
        var shared = file("shared.yaml", "include: more.yaml\n" + SHARED);
        assertEquals(shared + ":1:1  include: an included file includes another", wrong(STAGING).sentence());
    }
}
