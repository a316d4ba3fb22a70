package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReleaseTagTest {
    @TempDir Path folder;

    private void commit() {
        LocalCommand.command("git", "init", "-q").directory(folder).must();
        LocalCommand.command("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m",
                "x").directory(folder).must();
    }

    @Test
    void a_checkout_of_ktrdr_gives_the_tag_of_its_commit() throws IOException {
        commit();
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"ktrdr\"\n");
        var head = LocalCommand.command("git", "rev-parse", "HEAD").directory(folder).must().out();
        var below = Files.createDirectories(folder.resolve("ktrdr/api"));
        assertEquals(Optional.of("sha-" + head.substring(0, 7)), ReleaseTag.ofCheckout(below));
    }

    @Test
    void another_checkout_or_none_gives_no_tag() throws IOException {
        assertEquals(Optional.empty(), ReleaseTag.ofCheckout(folder));
        commit();
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"other\"\n");
        assertEquals(Optional.empty(), ReleaseTag.ofCheckout(folder));
    }

    private static String deployed(String tag, String outcome) {
        return "{\"time\": \"2026-01-01T00:00:00Z\", \"id\": \"1\", \"tag\": \"" + tag + "\", \"outcome\": \"" + outcome
                + "\"}";
    }

    /** An entry with outcome failed, returned or restarted does not set the running release. */
    @Test
    void the_running_release_is_that_of_the_last_good_deployment() {
        var lines = Stream.of(deployed("sha-1", "deployed"), deployed("sha-2", "rolled-back"),
                deployed("sha-3", "failed"), deployed("sha-4", "returned"), deployed("sha-5", "restarted"));
        assertEquals(Optional.of("sha-2"),
                ReleaseTag.running(new History(lines.map(History.Entry::parse).flatMap(Optional::stream).toList(),
                        Optional.empty())));
        assertEquals(Optional.empty(), ReleaseTag.running(History.NONE));
    }

    @Test
    void a_checkout_whose_commit_git_does_not_tell_is_not_called_none() throws IOException {
        LocalCommand.command("git", "init", "-q").directory(folder).must();
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"ktrdr\"\n");
        assertTrue(refused().details().get("found").contains("Needed a single revision"), "nothing is committed");
        commit();
        assertTrue(ReleaseTag.ofCheckout(folder).isPresent());
        Files.writeString(folder.resolve(".git/HEAD"), "0123");
        assertTrue(refused().details().get("found").contains("not a git repository"), "its files are damaged");
    }

    @Test
    void a_checkout_of_another_user_is_told_in_gits_words() throws IOException {
        assumeTrue(System.getProperty("user.name").equals("root"), "only root can give a folder away");
        commit();
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"ktrdr\"\n");
        LocalCommand.command("chown", "-R", "nobody", folder.toString()).must();
        assertTrue(refused().details().get("found").contains("dubious ownership"));
        assertTrue(refused().details().get("to do").endsWith("git config --global --add safe.directory " + folder));
        // in another project there is still no release
        Files.writeString(folder.resolve("pyproject.toml"), "[project]\nname = \"other\"\n");
        assertEquals(Optional.empty(), ReleaseTag.ofCheckout(folder));
    }

    private Problem refused() {
        var problem = assertThrows(Problem.class, () -> ReleaseTag.ofCheckout(folder));
        assertEquals("no release: --tag is missing, and git does not report the commit of " + folder,
                problem.sentence());
        return problem;
    }

    @Test
    void what_a_registry_would_not_take_is_no_tag() {
        assertEquals("sha-3f2c9ab", ReleaseTag.tag("sha-3f2c9ab"));
        for (var wrong : new String[] {"", "a b", "-x", "a:b", "$(reboot)", "x".repeat(129)})
            assertThrows(Problem.class, () -> ReleaseTag.tag(wrong));
    }
}
