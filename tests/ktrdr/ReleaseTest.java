package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReleaseTest {
    @TempDir Path folder;

    private void commit() {
        Local.command("git", "init", "-q").directory(folder).must();
        Local.command("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x").directory(folder).must();
    }

    @Test
    void a_checkout_of_ktrdr_gives_the_tag_of_its_commit() throws IOException {
        commit();
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"ktrdr\"\n");
        var head = Local.command("git", "rev-parse", "HEAD").directory(folder).must().out();
        var below = Files.createDirectories(folder.resolve("ktrdr/api"));
        assertEquals(Optional.of("sha-" + head.substring(0, 7)), Release.ofCheckout(below));
    }

    @Test
    void another_checkout_or_none_gives_no_tag() throws IOException {
        assertEquals(Optional.empty(), Release.ofCheckout(folder));
        commit();
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"other\"\n");
        assertEquals(Optional.empty(), Release.ofCheckout(folder));
    }

    @Test
    void what_a_registry_would_not_take_is_no_tag() {
        assertEquals("sha-3f2c9ab", Release.tag("sha-3f2c9ab"));
        for (var wrong : new String[] {"", "a b", "-x", "a:b", "$(reboot)", "x".repeat(129)}) assertThrows(Problem.class, () -> Release.tag(wrong));
    }
}
