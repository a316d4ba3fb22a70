package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.node.Mount;
import ktrdr.node.NodeFiles;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script that installs files, run by a local shell in a private folder. A stand-in for docker accepts or rejects
 * the Compose file.
 */
class FileChangesScriptTest {
    @TempDir Path folder;
    private Path stack;
    private Inventory inventory;

    @BeforeEach
    void a_core_node() throws IOException {
        stack = folder.resolve("stack");
        inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("disk_free: 2GB, aliases",
                "disk_free: 2GB, directory: " + stack + ", aliases"));
        docker("exit 0");
    }

    private void docker(String script) throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), script);
    }

    private FileChanges plan(String tag) {
        var core = Stack.of(inventory, inventory.core());
        var wanted = new Templates(inventory).render(core.node(), tag).stream()
                .collect(Collectors.toMap(Templates.NodeFile::path, Templates.NodeFile::sha256));
        var script = Facts.SAY + Sh.let("directory", stack.toString()) + "say user \"$(id -un)\"\n"
                + Mount.script(folder.toString()) + NodeFiles.script(wanted) + "say end yes\n";
        return FileChanges.plan(core, tag, new Templates(inventory).render(core.node(), tag),
                StackFacts.parse(LocalCommand.command("sh", "-s").input(Sh.whole(script)).must().out()));
    }

    private CommandResult stage(FileChanges plan) {
        var path = folder.resolve("bin") + ":" + System.getenv("PATH");
        return LocalCommand.command("sh", "-s").env("PATH", path).input(Sh.whole(new FileChangesScript(plan).alone()))
                .run();
    }

    private FileChanges staged(String tag) {
        var plan = plan(tag);
        var result = stage(plan);
        assertEquals(0, result.exit(), result.err());
        return plan;
    }

    /** Every path below the folder, with its content. */
    private Map<String, String> world() throws IOException {
        var world = new LinkedHashMap<String, String>();
        if (!Files.exists(stack)) return world;
        try (var all = Files.walk(stack)) {
            for (var path : all.sorted().toList())
                world.put(stack.relativize(path).toString(),
                        Files.isSymbolicLink(path) ? "-> " + Files.readSymbolicLink(path) : Files.isRegularFile(path)
                                ? Files.readString(path) : "");
        }
        return world;
    }

    @Test
    void installs_files_with_a_manifest_that_sha256sum_can_check() throws IOException {
        staged("sha-1");
        assertTrue(plan("sha-1").settled());
        var check = LocalCommand.command("sha256sum", "-c", ".ktrdr/files").directory(stack).run();
        assertTrue(check.ok() && check.out().lines().count() == 15, check::out);
        assertEquals("rw-r--r--",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(stack.resolve(".env.core"))));
        assertFalse(world().keySet().stream().anyMatch(path -> path.startsWith(".ktrdr-new")));
    }

    @Test
    void only_what_differs_is_written() throws IOException {
        staged("sha-1");
        var before = Files.readAttributes(stack.resolve("docker-compose.core.yml"), "unix:ino,ctime");
        staged("sha-2");
        assertEquals(before, Files.readAttributes(stack.resolve("docker-compose.core.yml"), "unix:ino,ctime"));
        assertTrue(Files.readString(stack.resolve(".env.core")).contains("IMAGE_TAG=sha-2"));
        assertFalse(Files.exists(stack.resolve(".ktrdr/unread.prometheus.yml")));
    }

    @Test
    void only_what_differs_travels_and_all_of_it_in_one_script() throws IOException {
        staged("sha-1");
        Files.writeString(stack.resolve("monitoring/prometheus.yml"), "by hand\n");
        var plan = plan("sha-2");
        var script = new FileChangesScript(plan).alone();
        for (var file : plan.files())
            assertEquals(List.of(".env.core", "monitoring/prometheus.yml").contains(file.path()),
                    script.contains(Sh.quote(file.content())), file.path());
        assertEquals(0, stage(plan).exit());
        assertTrue(plan("sha-2").settled());
    }

    @Test
    void what_compose_refuses_replaces_nothing_and_leaves_no_folder() throws IOException {
        docker("echo no such thing >&2; exit 1");
        var plan = plan("sha-1");
        var result = stage(plan);
        assertEquals(21, result.exit());
        assertEquals("core: Compose refuses docker-compose.core.yml",
                FileChangesScript.failure(plan, result).orElseThrow().sentence());
        assertEquals(Map.of(), world());
    }

    @Test
    void what_promtool_refuses_replaces_nothing() throws IOException {
        docker("[ \"$1\" != run ] || { echo 'unknown field'; exit 1; }");
        var plan = plan("sha-1");
        var result = stage(plan);
        assertEquals(23, result.exit());
        assertEquals("unknown field", FileChangesScript.failure(plan, result).orElseThrow().details().get("found"));
        assertEquals(Map.of(), world());
    }

    @Test
    void promtool_sees_the_rules_as_they_will_be_and_not_as_they_are() throws IOException {
        staged("sha-1");
        Files.writeString(stack.resolve("monitoring/rules/alerts.yml"), "by hand\n");
        docker("""
                [ "$1" = run ] || exit 0
                for word; do case $word in *:/etc/prometheus:ro) cat "${word%%:*}/rules/alerts.yml"; ls "${word%%:*}" \
                "${word%%:*}/rules" ;; esac; done
                exit 1
                """);
        var plan = plan("sha-1");
        assertEquals(List.of("monitoring/rules/alerts.yml"), plan.unread("prometheus"));
        var result = stage(plan);
        assertEquals(23, result.exit());
        var said = result.err();
        assertTrue(said.contains("KtrdrWorkerDown") && !said.contains("by hand") && said.contains("recording.yml")
                && said.contains("prometheus.yml"), said);
        assertEquals("core: promtool refuses monitoring/rules/alerts.yml",
                FileChangesScript.failure(plan, result).orElseThrow().sentence());
        assertEquals("by hand\n", Files.readString(stack.resolve("monitoring/rules/alerts.yml")));
    }

    @Test
    void what_amtool_refuses_replaces_nothing() throws IOException {
        inventory = Fixtures.inventory(Fixtures.INVENTORY.replace("disk_free: 2GB, aliases",
                "disk_free: 2GB, directory: " + stack + ", aliases") + "alerts: {webhook: {}}\n");
        docker("case \" $* \" in *' check-config '*) echo 'no route'; exit 1 ;; esac");
        var plan = plan("sha-1");
        var result = stage(plan);
        assertEquals(28, result.exit());
        assertEquals("core: amtool refuses monitoring/alertmanager.yml",
                FileChangesScript.failure(plan, result).orElseThrow().sentence());
        assertEquals("no route", FileChangesScript.failure(plan, result).orElseThrow().details().get("found"));
        assertEquals(Map.of(), world());
        docker("exit 0");
        assertEquals(List.of("prometheus.yml checked by promtool of the Prometheus image",
                "alertmanager.yml checked by amtool of the Alertmanager image"),
                FileChangesScript.checked(stage(plan).out()));
    }

    @Test
    void where_nothing_can_check_prometheus_yml_that_is_said() throws IOException {
        docker("[ \"$1\" != image ]");
        assertEquals(List.of("prometheus.yml not checked: neither the Prometheus image nor promtool is on the node"),
                FileChangesScript.checked(stage(plan("sha-1")).out()));
        docker("[ \"$1\" != run ] || exit 125");
        Files.delete(stack.resolve("monitoring/prometheus.yml"));
        assertEquals(List.of("prometheus.yml not checked: promtool of the Prometheus image could not be started"),
                FileChangesScript.checked(stage(plan("sha-1")).out()));
        docker("exit 0");
        Files.delete(stack.resolve("monitoring/prometheus.yml"));
        assertEquals(List.of("prometheus.yml checked by promtool of the Prometheus image"),
                FileChangesScript.checked(stage(plan("sha-1")).out()));
        assertEquals(List.of(), FileChangesScript.checked(stage(plan("sha-2")).out()));
    }

    @Test
    void links_planted_after_the_look_are_not_followed() throws IOException {
        var plan = plan("sha-1");
        var outside = Files.createDirectories(folder.resolve("outside"));
        Files.createDirectories(stack);
        Files.createSymbolicLink(stack.resolve("monitoring"), outside);
        var before = world();
        assertEquals(24, stage(plan).exit());
        assertEquals(before, world());
        assertEquals(0, outside.toFile().list().length);
        Files.delete(stack.resolve("monitoring"));
        var victim = Files.writeString(folder.resolve("victim"), "as it was");
        Files.createDirectories(stack.resolve("monitoring"));
        for (var path : List.of(".env.core", "monitoring/prometheus.yml"))
            Files.createSymbolicLink(stack.resolve(path), victim);
        assertEquals(0, stage(plan).exit());
        for (var path : List.of(".env.core", "monitoring/prometheus.yml"))
            assertTrue(Files.isRegularFile(stack.resolve(path), LinkOption.NOFOLLOW_LINKS));
        assertEquals("as it was", Files.readString(victim));
    }

    @Test
    void a_folder_in_the_place_of_a_file_is_not_entered() throws IOException {
        var plan = plan("sha-1");
        Files.createDirectories(stack.resolve(".env.core"));
        var before = world();
        assertEquals(24, stage(plan).exit());
        assertEquals(before, world());
    }

    @Test
    void a_run_that_fails_at_a_rename_has_marked_the_pending_reload() throws IOException {
        staged("sha-1");
        Files.delete(stack.resolve(".ktrdr/unread.prometheus"));
        Files.writeString(stack.resolve("monitoring/prometheus.yml"), "by hand\n");
        Fixtures.program(folder.resolve("bin/mv"), "exit 1");
        assertEquals(25, stage(plan("sha-1")).exit());
        assertTrue(plan("sha-1").facts().files().unread().containsKey("prometheus"));
    }

    @Test
    void removes_stale_files_saves_manual_changes_keeps_foreign_ones() throws IOException {
        staged("sha-1");
        Files.writeString(stack.resolve("monitoring/old.yml"), "old\n");
        Files.writeString(stack.resolve("monitoring/foreign.yml"), "foreign\n");
        Files.writeString(stack.resolve(".ktrdr/files"), new Templates.NodeFile("", "other\n", "").sha256()
                + "  monitoring/old.yml\n", StandardOpenOption.APPEND);
        Files.writeString(stack.resolve(".env.core"), "by hand\n");
        var plan = staged("sha-1");
        assertEquals(List.of("monitoring/foreign.yml"), plan.foreign());
        assertFalse(Files.exists(stack.resolve("monitoring/old.yml")));
        assertEquals("foreign\n", Files.readString(stack.resolve("monitoring/foreign.yml")));
        assertEquals("old\n", Files.readString(stack.resolve(plan.kept().get("monitoring/old.yml"))));
        assertEquals("by hand\n", Files.readString(stack.resolve(plan.kept().get(".env.core"))));
        assertTrue(plan("sha-1").settled());
    }

    @Test
    void a_service_that_reads_a_changed_file_is_marked() throws IOException {
        staged("sha-1");
        for (var service : List.of("prometheus", "grafana")) Files.delete(stack.resolve(".ktrdr/unread." + service));
        assertEquals(Map.of(), plan("sha-1").facts().files().unread());
        Files.writeString(stack.resolve("monitoring/prometheus.yml"), "by hand\n");
        staged("sha-1");
        assertEquals(List.of("prometheus"), List.copyOf(plan("sha-1").facts().files().unread().keySet()));
        Files.delete(stack.resolve(".ktrdr/unread.prometheus"));
        Files.writeString(stack.resolve("monitoring/rules/alerts.yml"), "by hand\n");
        staged("sha-1");
        assertEquals(List.of("prometheus"), List.copyOf(plan("sha-1").facts().files().unread().keySet()));
    }

    @Test
    void the_scripts_are_clean_shell() throws IOException {
        var shellcheck = LocalCommand.command("sh", "-c", "command -v shellcheck").run();
        assumeTrue(shellcheck.ok(), "shellcheck is not installed");
        var script = "#!/bin/sh\nset -eu\n" + new FileChangesScript(plan("sha-1")).alone()
                + "say() { echo \"$1 $2\"; }\n" + NodeFiles.script(Map.of("a", "b"));
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-").input(script).run();
        assertTrue(said.ok(), said::out);
    }
}
