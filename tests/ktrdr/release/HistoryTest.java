package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import ktrdr.CommandResult;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.NodePlanner;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.History.Ending;
import ktrdr.release.History.Entry;
import ktrdr.release.Templates.NodeFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The release that a rollback selects; and the scripts for history and snapshots, run by a real shell in a folder as
 * the node's.
 */
class HistoryTest {
    @TempDir Path folder;

    @Test
    void a_rollback_of_several_nodes_names_their_differing_releases() {
        var nodes = Fixtures.inventory();
        var chosen = new LinkedHashMap<Inventory.Node, Entry>();
        chosen.put(nodes.core(), entry("1", "", "sha-1", Ending.DEPLOYED));
        chosen.put(nodes.node("B"), entry("2", "", "sha-1", Ending.DEPLOYED));
        assertEquals(Optional.empty(), NodePlanner.different(chosen));
        chosen.put(nodes.node("B"), entry("3", "", "sha-2", Ending.DEPLOYED));
        assertEquals(Optional.of("core on sha-1, workers-b on sha-2"), NodePlanner.different(chosen));
    }

    @Test
    void what_became_of_the_schema_is_read_back() {
        var plain = entry("1", "", "sha-1", Ending.DEPLOYED);
        var migrated = plain.edit()
                .migration(Optional.of(new History.SchemaChange("a1", "b2", "ktrdr-1.dump.zst"))).build();
        assertEquals(Optional.of(migrated), Entry.parse(migrated.json()));
        assertEquals(Optional.of(plain), Entry.parse(plain.json()));
    }

    private static Entry entry(String id, String of, String tag, Ending outcome) {
        var image = new Docker.Image("registry.test/ktrdr-backend:" + tag, "sha256:" + tag,
                "registry.test/ktrdr-backend@sha256:" + tag);
        return Entry.of(id, tag, outcome).of(of).time("2026-01-01T10:00:00Z").by("karl", "laptop")
                .command("deploy core all " + tag).target("core").services(List.of("backend"))
                .images(Map.of("backend", image)).configuration("configuration-" + tag).seconds(12.5)
                .error(outcome == Ending.FAILED ? "it's \"broken\"\nfor good" : "").build();
    }

    private static History history(Entry... entries) {
        return new History(List.of(entries), Optional.empty());
    }

    private static final Entry A = entry("1", "", "sha-a", Ending.DEPLOYED);
    private static final Entry B = entry("2", "", "sha-b", Ending.DEPLOYED);
    private static final Entry C = entry("3", "", "sha-c", Ending.DEPLOYED);

    private static String target(History history) {
        return history.target(Optional.empty()).map(Entry::tag).orElse("nothing");
    }

    @Test
    void the_target_is_the_last_good_release_before_the_one_that_runs() {
        assertEquals("nothing", target(history()));
        assertEquals("nothing", target(history(A)));
        assertEquals("sha-a", target(history(A, B)));
        assertEquals("sha-b", target(history(A, B, C)));
        // a repeated deployment of the same release is not a previous release
        assertEquals("sha-a", target(history(A, B, entry("9", "", "sha-b", Ending.DEPLOYED))));
    }

    @Test
    void a_rollback_counts_as_the_release_it_put_back() {
        var back = entry("4", "2", "sha-b", Ending.ROLLED_BACK);
        assertEquals("sha-a", target(history(A, B, C, back)));
        assertEquals("nothing", target(history(A, B, C, back, entry("5", "1", "sha-a", Ending.ROLLED_BACK))));
        assertEquals("sha-b", target(history(A, B, C, back, entry("6", "", "sha-d", Ending.DEPLOYED))));
    }

    @Test
    void after_a_failure_without_rollback_the_last_good_is_the_target() {
        var failed = entry("7", "", "sha-d", Ending.FAILED);
        assertEquals("sha-b", target(history(A, B, failed)));
        assertEquals("sha-a", target(history(A, B, entry("7", "", "sha-d", Ending.RETURNED))));
        assertEquals("sha-b",
                target(new History(List.of(A, B), Optional.of(entry("8", "", "sha-d", Ending.INTERRUPTED)))));
    }

    @Test
    void a_tag_is_looked_for_among_those_that_ended_well() {
        assertEquals(Optional.of(A), history(A, B, C).target(Optional.of("sha-a")));
        assertEquals(Optional.empty(), history(A, entry("7", "", "sha-d", Ending.FAILED)).target(Optional.of("sha-d")));
    }

    @Test
    void images_that_only_older_releases_ran_are_outdated() {
        var failed = entry("7", "", "sha-d", Ending.RETURNED);
        var history = history(A, B, failed, C);
        assertEquals(Set.of("sha256:sha-a", "sha256:sha-d"),
                history.outdated(2, "backend"::equals).stream().map(Docker.Image::id).collect(Collectors.toSet()));
        assertEquals(Set.of("sha256:sha-d"), history.outdated(3, "backend"::equals).stream().map(Docker.Image::id)
                .collect(Collectors.toSet()));
        assertEquals(Set.of(), history.outdated(1, "db"::equals));
    }

    @Test
    void what_cannot_be_pulled_again_is_held_while_it_is_named() {
        var local = entry("7", "", "local-3f2c9ab01234", Ending.DEPLOYED);
        var failed = entry("8", "", "local-ffffffffffff", Ending.RETURNED);
        var history = history(local, failed, A, B, C);
        assertEquals(List.of(C, local), history.held(1));
        assertEquals(Set.of("sha256:sha-a", "sha256:sha-b", "sha256:local-ffffffffffff"),
                history.outdated(1, "backend"::equals).stream().map(Docker.Image::id).collect(Collectors.toSet()));
        var many = IntStream.range(0, 100).mapToObj(i -> entry("n" + i, "", "sha-" + i, Ending.DEPLOYED)).toList();
        var all = new ArrayList<>(List.of(local));
        all.addAll(many);
        assertEquals(1, new History(all, Optional.empty()).held(1).size());
    }

    private CommandResult run(String script) {
        return LocalCommand.command("sh")
                .input(Sh.whole(Sh.let("directory", folder.toString()) + "cd \"$directory\"\n" + script)).run();
    }

    private History read() {
        return History.parse(Facts.parse(run(Facts.SAY + History.script() + "say end yes\n").out()));
    }

    @Test
    void what_is_written_is_read_again() throws IOException {
        assertEquals(History.NONE, read());
        var failed = entry("7", "", "sha-d", Ending.FAILED);
        for (var entry : List.of(A, failed))
            assertEquals(0, run("mkdir -p .ktrdr\n" + HistoryScripts.end(entry)).exit());
        assertEquals(List.of(A, failed), read().entries());
        assertTrue(read().unproven());
        assertEquals(2, Files.readAllLines(folder.resolve(".ktrdr/releases.jsonl")).size());
    }

    @Test
    void one_that_was_killed_is_noted_by_the_next() {
        var killed = entry("8", "", "sha-d", Ending.INTERRUPTED);
        run(HistoryScripts.begin(killed));
        assertEquals(Optional.of(killed), read().unfinished());
        var next = entry("9", "", "sha-b", Ending.INTERRUPTED);
        run(HistoryScripts.begin(next));
        assertEquals(List.of(killed), read().entries());
        assertEquals(Optional.of(next), read().unfinished());
        run(HistoryScripts.end(B));
        assertEquals(new History(List.of(killed, B), Optional.empty()), read());
    }

    @Test
    void a_line_torn_anywhere_is_passed_over_and_gone_with_the_next() throws IOException {
        var line = B.json();
        for (int cut = 1; cut < line.length(); cut += 7) {
            var file = Files.createDirectories(folder.resolve(".ktrdr")).resolve("releases.jsonl");
            Files.writeString(file, A.json() + "\n" + line.substring(0, cut));
            assertEquals(List.of(A), read().entries(), "cut at " + cut);
            run(HistoryScripts.end(C));
            assertEquals(List.of(A, C), read().entries(), "cut at " + cut);
            assertEquals(2, Files.readAllLines(file).size(), "cut at " + cut);
        }
    }

    @Test
    void a_disk_that_does_not_take_it_loses_no_line() throws IOException {
        run("mkdir -p .ktrdr\n" + HistoryScripts.end(A));
        // a folder at the path of the new file makes the write fail
        Files.createDirectories(folder.resolve(".ktrdr/releases.jsonl.new"));
        assertEquals(20, run(HistoryScripts.end(B)).exit());
        assertEquals(List.of(A), read().entries());
    }

    @Test
    void a_snapshot_keeps_files_unchanged_and_a_damaged_one_is_none() throws IOException {
        var files = new ArrayList<NodeFile>();
        for (var path : List.of("docker-compose.yml", "monitoring/grafana/a.yml")) {
            Files.createDirectories(folder.resolve(path).getParent());
            Files.writeString(folder.resolve(path), "content of " + path + "\n");
            files.add(new NodeFile(path, "content of " + path + "\n", "644"));
        }
        var hash = KeptFiles.hash(files);
        assertEquals(0, run(KeptFiles.save(files)).exit());
        Files.writeString(folder.resolve("docker-compose.yml"), "another\n");
        assertEquals(Set.copyOf(files), Set.copyOf(kept(hash).orElseThrow()));
        run(KeptFiles.keep(List.of(hash)));
        assertTrue(kept(hash).isPresent());
        Files.writeString(folder.resolve(".ktrdr/configurations/" + hash + "/docker-compose.yml"), "changed by hand\n");
        assertTrue(kept(hash).isEmpty());
        run(KeptFiles.keep(List.of("another")));
        assertFalse(Files.exists(folder.resolve(".ktrdr/configurations/" + hash)));
    }

    private Optional<List<NodeFile>> kept(String hash) {
        return KeptFiles.parse(Facts.parse(run(Facts.SAY + KeptFiles.script(hash) + "say end yes\n").out()), hash);
    }
}
