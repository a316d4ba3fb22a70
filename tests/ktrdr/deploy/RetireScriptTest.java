package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.drain.WorkerStops;
import ktrdr.release.Firewall;
import ktrdr.release.Templates;
import ktrdr.share.NfsFiles;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The retire script in a local shell, with a folder as the root. Stubs of docker, systemctl and iptables record their
 * calls.
 */
class RetireScriptTest {
    @TempDir Path folder;
    private Path root;
    private Path stack;

    @BeforeEach
    void a_workers_node() throws IOException {
        root = Files.createDirectories(folder.resolve("root"));
        stack = Files.createDirectories(root.resolve("opt/ktrdr-workers-c"));
        file("opt/ktrdr-workers-c/docker-compose.workers.yml", "services: {}\n");
        file("opt/ktrdr-workers-c/metrics/containers.sh", "ours\n");
        LocalCommand.command("sh", "-c",
                "mkdir -p .ktrdr/metrics; sha256sum docker-compose.workers.yml metrics/containers.sh >.ktrdr/files; "
                        + "echo '{}' >.ktrdr/history").directory(stack).must();
        file("opt/ktrdr-workers-c/.env.workers", "DB_PASSWORD=by-hand\n");
        for (var unit : List.of("ktrdr-containers.timer", "ktrdr-containers.service", "ktrdr-backup.timer",
                "ktrdr-backup.service")) file("etc/systemd/system/" + unit, "");
        file("usr/local/lib/ktrdr/backup-db", "");
        file("etc/fstab",
                "/dev/sda1 / ext4 defaults 0 1\n" + NfsFiles.MARK
                        + "\n10.42.1.10:/srv/ktrdr-shared /mnt/ktrdr-shared nfs _netdev,nofail 0 0\n/dev/sdb1 /data "
                        + "ext4 defaults 0 2\n");
        file("etc/systemd/system/mnt-ktrdr.mount.d/ktrdr.conf", "");
        Files.createDirectories(root.resolve("mnt/ktrdr-shared"));
        docker();
        for (var name : List.of("systemctl", "chattr", "exportfs"))
            Fixtures.program(folder.resolve("bin/" + name), "echo \"" + name + " $*\" >>" + folder + "/told");
        Fixtures.program(folder.resolve("bin/systemd-escape"), "echo mnt-ktrdr");
        Fixtures.program(folder.resolve("bin/mountpoint"), "[ -e " + folder + "/held ]");
        Fixtures.program(folder.resolve("bin/iptables"), "exit 1");
        Files.writeString(folder.resolve("health"), "{\"worker_status\": \"idle\"}");
    }

    /** A docker stub with one worker of the stack, which disappears when removed. */
    private void docker() throws IOException {
        Fixtures.program(folder.resolve("bin/docker"), """
                case "$*" in
                  version*) [ ! -e FOLDER/down ] || exit 1; echo 26 ;;
                  *project=ktrdr-workers*Names*service*) echo 'backtest-worker-1 backtest-worker-1' ;;
                  *project=ktrdr-workers*working_dir*) echo FOLDER/root/opt/ktrdr-workers-c ;;
                  ps*project=ktrdr-workers*) [ -e FOLDER/gone ] || echo "$([ "${*%.ID*}" = "$*" ] && echo \
                backtest-worker-1 || echo id1)" ;;
                  'network ls'*project=ktrdr-workers*) [ -e FOLDER/unlinked ] || echo ktrdr-workers_default ;;
                  'volume ls'*project=ktrdr-workers*) [ -e FOLDER/emptied ] || echo ktrdr-workers_cache ;;
                  'volume ls'*project=ktrdr-core*) [ ! -e FOLDER/core ] || echo ktrdr-core_db-data ;;
                  'inspect '*) echo 5003/tcp ;;
                  exec*health) cat FOLDER/health ;;
                  'image inspect'*) exit 1 ;;
                  ps* | network\\ ls* | volume\\ ls*) ;;
                  *) echo "docker $*" >>FOLDER/told; case "$*" in rm*) : >FOLDER/gone ;; network\\ rm*) : \
                >FOLDER/unlinked ;; volume\\ rm*) : >FOLDER/emptied ;; esac ;;
                esac
                """.replace("FOLDER", folder.toString()));
    }

    private void file(String path, String text) throws IOException {
        Files.createDirectories(root.resolve(path).getParent());
        Files.writeString(root.resolve(path), text);
    }

    private Facts run(String act, String data) {
        return run(act, data, "");
    }

    private Facts run(String act, String data, String foreign) {
        var script = Firewall.down() + Sh.let("core", "ktrdr-core") + Sh.let("workers", "ktrdr-workers")
                + Sh.let("act", act) + Sh.let("data", data) + Sh.let("foreign", foreign)
                + Sh.let("root", root.toString())
                + new Templates(Fixtures.inventory()).read("retire/retire.sh");
        return Facts.parse(LocalCommand.command("sh", "-s")
                .env("PATH", folder.resolve("bin") + ":" + System.getenv("PATH")).input(Sh.whole(script)).must().out());
    }

    private String told() throws IOException {
        var told = folder.resolve("told");
        return Files.exists(told) ? Files.readString(told) : "";
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile).map(file -> root.relativize(file).toString()).sorted().toList();
        }
    }

    @Test
    void what_is_foreign_in_the_inventory_stays() throws IOException {
        var stub = Files.readString(folder.resolve("bin/docker"));
        Files.writeString(folder.resolve("bin/docker"), stub.replaceFirst("\n", "\n" + """
                case "$*" in
                  ps*project=ktrdr-workers*'|'*) echo 'theirs|extra|id2'; echo 'backtest-worker-1|backtest-worker-1|id1'
                    exit ;;
                esac
                """.replace("$", "\\$")));
        var done = run("yes", "", "extra other");
        assertTrue(done.all("left").contains("what is foreign in the inventory, with the networks and volumes of "
                + "ktrdr-workers: theirs"), done::toString);
        assertTrue(told().contains("docker rm -f -v id1\n"), told());
        assertTrue(!told().contains("id2") && !told().contains("network rm"), told());
    }

    @Test
    void removes_exactly_what_was_previewed_and_then_finds_nothing() throws IOException {
        var before = files();
        var would = run("", "");
        assertEquals(before, files());
        assertEquals("", told());
        var done = run("yes", "");
        assertEquals(would.all("would"), done.all("removed"));
        assertEquals(List.of("containers of ktrdr-workers: backtest-worker-1", "network ktrdr-workers_default",
                "timer ktrdr-containers.timer and its service", "timer ktrdr-backup.timer and its service",
                "script /usr/local/lib/ktrdr/backup-db",
                "mount of the share at /mnt/ktrdr-shared, with its line in fstab", "files of the toolkit in " + stack),
                done.all("removed"));
        assertEquals(List.of(), done.all("failed"));
        assertEquals(List.of("etc/fstab"), files());
        assertEquals("/dev/sda1 / ext4 defaults 0 1\n/dev/sdb1 /data ext4 defaults 0 2\n",
                Files.readString(root.resolve("etc/fstab")));
        assertTrue(told().contains("docker stop --signal INT -t 2 id1\n") && told().contains("docker rm -f -v id1\n")
                && told().contains("docker network rm ktrdr-workers_default\n"), told());
        assertEquals(List.of("volume ktrdr-workers_cache with its data"), run("", "").all("left"));
        assertEquals(List.of(), run("", "").all("would"));
    }

    @Test
    void data_goes_only_when_asked_for() throws IOException {
        file("opt/ktrdr-workers-c/metrics/containers.sh", "by hand\n");
        file("opt/ktrdr-workers-c/.ktrdr/kept/old", "by hand\n");
        file("opt/ktrdr-workers-c/notes.txt", "mine\n");
        var left = run("yes", "").all("left");
        assertEquals(List.of("volume ktrdr-workers_cache with its data", "images: backtest-worker-1",
                "what was changed by hand in " + stack + ": metrics/containers.sh .ktrdr/kept",
                stack + ", with files that are not the toolkit's: .ktrdr metrics notes.txt"), left);
        assertFalse(told().contains("volume rm"), told());
        var done = run("yes", "yes");
        assertTrue(done.all("removed").contains("volume ktrdr-workers_cache with its data"),
                () -> done.all("removed").toString());
        assertEquals(List.of("etc/fstab", "opt/ktrdr-workers-c/notes.txt"),
                files().stream().filter(name -> !name.contains("metrics/")).toList());
    }

    @Test
    void a_worker_at_work_is_named_and_has_the_time_to_save() throws IOException {
        Files.writeString(folder.resolve("health"), "{\"worker_status\": \"busy\", \"current_operation\": \"op_7\"}");
        assertEquals("op_7", WorkerStops.operation(run("", "").under("health").get("backtest-worker-1")).orElseThrow());
        run("yes", "");
        assertTrue(told().contains("docker stop -t 25 id1\n"), told());
    }

    @Test
    void a_core_stack_or_its_data_and_an_export_of_the_share_are_told() throws IOException {
        assertEquals(List.of(), run("", "").all("core"));
        Files.writeString(folder.resolve("core"), "");
        file("etc/exports.d/ktrdr.exports", "# x\n/srv/share 10.0.0.1(rw)\n");
        file("srv/share/data", "precious\n");
        assertEquals(List.of("it has a core stack, or the data of one", "it exports the share"),
                run("", "").all("core"));
        assertTrue(run("yes", "").all("left")
                .containsAll(List.of("volume ktrdr-core_db-data with its data",
                        "share /srv/share with all that is in it")));
        assertTrue(files().contains("srv/share/data") && !files().contains("etc/exports.d/ktrdr.exports"),
                "the share is data");
    }

    @Test
    void what_cannot_be_removed_is_told_and_all_else_goes() throws IOException {
        Files.writeString(folder.resolve("held"), "");
        var done = run("yes", "");
        assertEquals(List.of(
                "mount of the share at /mnt/ktrdr-shared, with its line in fstab: /mnt/ktrdr-shared is still mounted"),
                done.all("failed"));
        assertTrue(Files.readString(root.resolve("etc/fstab")).contains("nfs") && Files.notExists(stack),
                done::toString);
        Files.writeString(folder.resolve("down"), "");
        assertEquals(List.of("Docker does not answer: what it runs and keeps is left"), run("", "").all("failed"));
    }

    @Test
    void the_script_is_clean_shell() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-s", "sh", "-")
                .input("set -eu\n" + Firewall.down() + new Templates(Fixtures.inventory()).read("retire/retire.sh"))
                .run();
        assertTrue(said.ok(), said::out);
    }

    @Test
    void refuses_core_and_the_share_server_by_each_of_their_names() {
        var inventory = Fixtures.inventory();
        var core = inventory.core();
        for (var name : List.of(core.id(), core.name(), core.host(), "root@" + inventory.fqdn(core),
                core.address().orElseThrow(), core.address().orElseThrow() + ":22"))
            assertTrue(assertThrows(Problem.class, () -> new Retirement(inventory, name).allowed(), name).sentence()
                    .contains("is the core node of this inventory"), name);
        new Retirement(inventory, "workers-b").allowed();
        assertTrue(new Retirement(inventory, "root@10.99.0.1").node().isEmpty());
    }
}
