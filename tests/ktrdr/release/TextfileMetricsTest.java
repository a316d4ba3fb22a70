package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.release.History.Ending;
import ktrdr.release.History.Entry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metrics that deployments write for node-exporter, by a real shell in a folder as the node's. */
class TextfileMetricsTest {
    @TempDir Path folder;

    private static Entry entry(String command, String time, String tag, Ending outcome) {
        return Entry.of("1", tag, outcome).time(time).command(command).target("core").build();
    }

    private CommandResult write(Entry entry) {
        return LocalCommand.command("sh").directory(folder)
                .input(Sh.whole("umask 077\n" + TextfileMetrics.release(entry))).run();
    }

    private List<String> series() throws IOException {
        return Files.readAllLines(folder.resolve(".ktrdr/metrics/release.prom")).stream()
                .filter(line -> !line.startsWith("#")).toList();
    }

    private static String last(String kind, String tag, String outcome, long time) {
        return "ktrdr_deployment_timestamp_seconds{kind=\"" + kind + "\",tag=\"" + tag + "\",outcome=\"" + outcome
                + "\"} " + time;
    }

    @Test
    void keeps_the_last_entry_of_each_kind_and_the_last_good_release() throws IOException {
        var told = write(entry("deploy core all", "1970-01-01T00:00:10Z", "sha-a", Ending.DEPLOYED));
        assertEquals("0 ", told.exit() + " " + told.out() + told.err());
        write(entry("deploy core all", "1970-01-01T00:00:20Z", "sha-b", Ending.DEPLOYED));
        write(entry("rollback core", "1970-01-01T00:00:30Z", "sha-a", Ending.ROLLED_BACK));
        write(entry("scale workers B 2", "1970-01-01T00:00:40Z", "sha-a", Ending.DEPLOYED));
        write(entry("rollback core", "1970-01-01T00:00:50Z", "sha-0", Ending.FAILED));
        assertEquals(List.of("ktrdr_release_info{tag=\"sha-a\"} 1", last("deploy", "sha-b", "deployed", 20),
                last("scale", "sha-a", "deployed", 40), last("rollback", "sha-0", "failed", 50)), series());
        // a deployment that was rolled back
        write(entry("deploy all", "1970-01-01T00:01:00Z", "sha-b", Ending.ROLLED_BACK));
        assertEquals(last("rollback", "sha-b", "rolled-back", 60), series().get(3));
        assertEquals("ktrdr_release_info{tag=\"sha-b\"} 1", series().get(0));
    }

    @Test
    void whoever_collects_may_read_it_and_finds_no_half_file() throws IOException {
        write(entry("deploy core all", "1970-01-01T00:00:10Z", "sha-a", Ending.DEPLOYED));
        var metrics = folder.resolve(".ktrdr/metrics");
        assertEquals("rwxr-xr-x rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(metrics)) + " "
                + PosixFilePermissions.toString(Files.getPosixFilePermissions(metrics.resolve("release.prom"))));
        try (var all = Files.list(metrics)) {
            assertEquals(List.of("release.prom"), all.map(file -> file.getFileName().toString()).toList());
        }
        assertTrue(TextfileMetrics.release(entry("deploy", "1970-01-01T00:00:10Z", "sha-a", Ending.DEPLOYED)).lines()
                .filter(line -> line.contains(">.ktrdr"))
                .noneMatch(line -> line.contains(">.ktrdr/metrics/release.prom")));
    }

    @Test
    void a_value_of_any_signs_is_escaped_and_stays() throws IOException {
        var tag = "a\\b\"c\nd'e";
        write(entry("deploy", "1970-01-01T00:00:10Z", tag, Ending.DEPLOYED));
        write(entry("rollback", "1970-01-01T00:00:20Z", "sha-a", Ending.FAILED));
        var escaped = "a\\\\b\\\"c\\nd'e";
        assertEquals(List.of("ktrdr_release_info{tag=\"" + escaped + "\"} 1", last("deploy", escaped, "deployed", 10),
                last("rollback", "sha-a", "failed", 20)), series());
    }

    @Test
    void where_it_cannot_be_written_that_is_told_and_nothing_fails() throws IOException {
        Files.createDirectories(folder.resolve(".ktrdr/metrics/release.prom/in-the-way"));
        var ran = write(entry("deploy", "1970-01-01T00:00:10Z", "sha-a", Ending.DEPLOYED));
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(FileChangesScript.told("metrics", ran.out()).get(0).contains("release.prom"), ran::toString);
        Files.delete(folder.resolve(".ktrdr/metrics/release.prom/in-the-way"));
        Files.delete(folder.resolve(".ktrdr/metrics/release.prom"));
        assertEquals("", write(entry("deploy", "1970-01-01T00:00:10Z", "sha-a", Ending.DEPLOYED)).out());
    }

    @Test
    void the_script_is_clean_shell() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        for (var outcome : List.of(Ending.DEPLOYED, Ending.FAILED)) {
            var said = LocalCommand.command("shellcheck", "-s", "sh", "-")
                    .input("set -eu\n"
                            + TextfileMetrics.release(entry("deploy", "1970-01-01T00:00:10Z", "sha-a", outcome))).run();
            assertTrue(said.ok(), said::out);
        }
    }
}
