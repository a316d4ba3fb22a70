package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets;
import ktrdr.node.NodeFiles;
import org.junit.jupiter.api.Test;

class FileChangesTest {
    private static final String PROMETHEUS = "monitoring/prometheus.yml";
    private static final String OLD = "monitoring/old.yml";
    private final Inventory inventory = Fixtures.inventory();

    private FileChanges plan(NodeFiles there) {
        var facts = StackFactsBuilder.node().files(there).build();
        return FileChanges.plan(Stack.of(inventory, inventory.core()), "sha-1",
                new Templates(inventory).render(inventory.core(), "sha-1"), facts);
    }

    private NodeFiles staged(Map<String, String> changed) {
        return Fixtures.staged(inventory, "core", "sha-1", changed);
    }

    /** The staged files, and one more file of the toolkit that the templates no longer render. */
    private NodeFiles withOld(String written, String now, List<String> foreign) {
        var there = staged(Map.of());
        var files = new HashMap<>(there.files());
        var manifest = new HashMap<>(there.manifest());
        files.put(OLD, new NodeFiles.FileState(hash(now), "644", "0:0", 4, Optional.of(now)));
        manifest.put(OLD, hash(written));
        return new NodeFiles(files, Map.of(), Map.of(), manifest, Map.of(), foreign);
    }

    private static String hash(String content) {
        return new Templates.NodeFile("", content, "").sha256();
    }

    @Test
    void a_node_that_has_all_files_is_settled() {
        var plan = plan(staged(Map.of()));
        assertTrue(plan.settled());
        assertEquals(List.of(), plan.diff());
        assertEquals("15 same", plan.outcome());
    }

    @Test
    void warns_if_the_workers_may_use_more_memory_than_the_node_has() {
        var node = inventory.node("B");
        for (var memory : List.of(18_000_000_000L, 16_000_000_000L)) {
            var facts = StackFactsBuilder.node().memory(memory).build();
            var remarks = FileChanges.plan(Stack.of(inventory, node), "sha-1",
                    new Templates(inventory).render(node, "sha-1"), facts).remarks();
            assertEquals(memory > 17_179_869_184L ? List.of()
                    : List.of("its workers may use 17 GB of memory together, more than the 16 GB of the node: "
                            + "`limits` in the inventory"), remarks);
        }
        assertEquals(List.of(), plan(NodeFiles.NONE).remarks());
    }

    @Test
    void of_a_diff_of_many_screens_a_person_sees_the_number_of_lines() {
        var first = plan(NodeFiles.NONE);
        assertTrue(first.diff().size() > 5000, () -> first.diff().size() + " lines");
        assertEquals(first.diff(), first.shown(true));
        var shown = first.shown(false);
        assertTrue(shown.size() < 1000, () -> String.join("\n", shown));
        var dashboard = shown.indexOf("+++ /opt/ktrdr-core/monitoring/grafana/dashboards/operations.json");
        assertTrue(shown.get(dashboard + 1).matches("@@ 139\\d lines; --verbose shows them @@"),
                () -> String.join("\n", shown));
        assertTrue(shown.contains("+name: ktrdr-core"), "the Compose file is shown");
        // one changed line of a dashboard is a short diff
        var there = new HashMap<>(staged(Map.of()).files());
        var path = "monitoring/grafana/dashboards/operations.json";
        var mine = there.get(path).content().orElseThrow()
                .replaceFirst("\"uid\": \"ktrdr-operations\"", "\"uid\": \"mine\"");
        var changed = plan(staged(Map.of(path, mine)));
        assertTrue(changed.shown(false).stream().anyMatch(line -> line.startsWith("-") && line.contains("mine")),
                () -> String.join("\n", changed.shown(false)));
        assertEquals(changed.diff(), changed.shown(false));
        // the same for removed files
        var gone = plan(withOld("old\n", "line\n".repeat(3000), List.of()));
        assertEquals(List.of("--- /opt/ktrdr-core/" + OLD, "+++ /dev/null", "@@ 3001 lines; --verbose shows them @@"),
                gone.shown(false));
    }

    @Test
    void removes_a_file_no_longer_rendered_and_shows_its_diff() {
        var plan = plan(withOld("old\n", "old\n", List.of("monitoring/old.yml", "notes.txt")));
        assertEquals(List.of(OLD), plan.removed());
        assertTrue(plan.diff().containsAll(List.of("--- /opt/ktrdr-core/" + OLD, "+++ /dev/null", "-old")),
                plan.diff()::toString);
        assertEquals(List.of("notes.txt"), plan.foreign());
        assertEquals(Map.of(), plan.kept());
        assertFalse(plan.manifest().containsKey(OLD));
    }

    @Test
    void keeps_manual_changes_when_a_file_is_replaced_or_removed() {
        var removed = plan(withOld("old\n", "mine\n", List.of()));
        assertEquals(Map.of(OLD, ".ktrdr/kept/monitoring+old.yml." + hash("mine\n").substring(0, 12)), removed.kept());
        var changed = plan(staged(Map.of(PROMETHEUS, "mine\n")));
        assertEquals(Map.of(PROMETHEUS, ".ktrdr/kept/monitoring+prometheus.yml." + hash("mine\n").substring(0, 12)),
                changed.kept());
        assertTrue(changed.diff().contains("-mine"));
        assertEquals(List.of("prometheus"), changed.unread());
    }

    @Test
    void an_older_rendering_of_ours_is_nobodys_work() {
        var plan = plan(Fixtures.staged(inventory, "core", "sha-0", Map.of()));
        assertEquals("1 changed (.env.core), 14 same", plan.outcome());
        assertEquals(Map.of(), plan.kept());
        assertEquals(List.of(), plan.unread());
    }

    @Test
    void another_mode_or_owner_is_a_difference_too() {
        for (var found : List.of("600 0:0", "644 1000:1000")) {
            var there = staged(Map.of());
            var files = new HashMap<>(there.files());
            var words = found.split(" ");
            files.put(".env.core", new NodeFiles.FileState(there.files().get(".env.core").sha256(), words[0], words[1],
                    4, Optional.empty()));
            var plan = plan(new NodeFiles(files, Map.of(), Map.of(), there.manifest(), Map.of(), List.of()));
            assertEquals("1 changed (.env.core), 14 same", plan.outcome());
            assertEquals("mode " + words[0] + ", owner " + words[1] + " -> mode 644, owner 0:0", plan.diff().get(2));
        }
    }

    @Test
    void refuses_a_link_above_its_files_and_replaces_one_among_them() {
        var above = new NodeFiles(Map.of(), Map.of("monitoring", "/etc"), Map.of(), Map.of(), Map.of(), List.of());
        assertEquals("core: monitoring is a symbolic link, and nothing is written through one",
                plan(above).obstacles().get(0).sentence());
        var there = new NodeFiles(Map.of(), Map.of(".env.core", "/etc/passwd"), Map.of(), Map.of(), Map.of(),
                List.of());
        assertEquals(List.of(), plan(there).obstacles());
        assertTrue(plan(there).diff()
                .contains("/opt/ktrdr-core/.env.core is a symbolic link to /etc/passwd, which stays as it is"));
    }

    @Test
    void a_difference_in_the_last_line_end_alone_is_seen() {
        var whole = new Templates(inventory).render(inventory.core(), "sha-1").stream()
                .filter(file -> file.path().equals(PROMETHEUS)).findFirst().orElseThrow().content();
        var plan = plan(staged(Map.of(PROMETHEUS, whole.stripTrailing())));
        assertTrue(plan.diff().contains("-\\ No newline at end of file"), plan.diff()::toString);
    }

    @Test
    void a_secret_that_somebody_wrote_into_a_file_is_not_shown() {
        var diff = String.join("\n", plan(staged(Map.of(".env.core", "KTRDR_DB_PASSWORD=hunter2\nA=1\n"))).diff());
        assertTrue(diff.contains("-KTRDR_DB_PASSWORD=••••") && diff.contains("-A=1") && !diff.contains("hunter2"),
                diff);
        assertEquals("+ KTRDR_DB_PASSWORD: ${KTRDR_DB_PASSWORD:?a secret}",
                Secrets.concealed("+ KTRDR_DB_PASSWORD: ${KTRDR_DB_PASSWORD:?a secret}"));
    }

    @Test
    void the_release_is_the_one_that_the_env_file_names() {
        var stack = Stack.of(inventory, inventory.core());
        var facts = plan(staged(Map.of())).facts();
        assertEquals(Optional.of("sha-1"), FileChanges.staged(stack, facts));
        assertEquals(Optional.empty(), FileChanges.staged(stack, plan(NodeFiles.NONE).facts()));
    }

    @Test
    void an_unknown_variable_is_explained_by_its_files_origin() {
        var stack = Stack.of(inventory, inventory.core());
        var ours = new Templates(inventory).render(inventory.core(), "sha-1");
        var kept = ours.stream()
                .map(file -> file.path().equals(stack.composeFile()) ? new Templates.NodeFile(file.path(),
                        file.content() + "x-new: ${KTRDR_NEW:?missing}\n", file.mode()) : file).toList();
        var foreign = assertThrows(Problem.class,
                () -> FileChanges.plan(stack, "sha-1", kept, plan(staged(Map.of())).facts()).refuseUnknownVariables());
        assertEquals("core: docker-compose.core.yml, as it is on the node, names variables that this version of the "
                + "toolkit does not know", foreign.sentence());
        assertEquals("KTRDR_NEW", foreign.details().get("found"));
        assertEquals("a newer version wrote it: do this with that one, or jbang deploy@ktrdr core all --tag sha-1 "
                + "with this one, which writes files of its own", foreign.details().get("to do"));
        assertEquals(Exit.USAGE, foreign.exit());
        var bare = ours.stream()
                .map(file -> file.path().equals(stack.envFile())
                        ? new Templates.NodeFile(file.path(), "IMAGE_TAG=sha-1\n", file.mode()) : file).toList();
        var own = assertThrows(Problem.class,
                () -> FileChanges.plan(stack, "sha-1", bare, plan(staged(Map.of())).facts()).refuseUnknownVariables());
        assertEquals("add them to templates/core/.env.core, or to `secrets.variables` of the inventory",
                own.details().get("to do"));
    }

    /** Compose would take it from the deploying login's environment, not from the env file. */
    @Test
    void a_variable_that_every_login_has_is_refused_in_a_compose_file() {
        var stack = Stack.of(inventory, inventory.core());
        for (var name : List.of("HOME", "LANG", "PATH", "TZ", "USER")) {
            var files = new Templates(inventory).render(inventory.core(), "sha-1").stream()
                    .map(file -> switch (file.path()) {
                        case "docker-compose.core.yml" -> new Templates.NodeFile(file.path(),
                                file.content() + "x-place: ${" + name + ":?missing}\n", file.mode());
                        case ".env.core" -> new Templates.NodeFile(file.path(), file.content() + name + "=mine\n",
                                file.mode());
                        default -> file;
                    }).toList();
            var refused = assertThrows(Problem.class,
                    () -> FileChanges.plan(stack, "sha-1", files, plan(staged(Map.of())).facts())
                            .refuseUnknownVariables());
            assertEquals("docker-compose.core.yml names variables that have a value of their own on the node",
                    refused.sentence());
            assertEquals(List.of(name, "give them other names in the template, such as KTRDR_" + name),
                    List.of(refused.details().get("found"), refused.details().get("to do")));
        }
    }
}
