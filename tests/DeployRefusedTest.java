import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Project;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Refused deployments: each has its own message and exit code, and leaves the fleet unchanged. */
@Tag("fleet")
class DeployRefusedTest {
    private static final String TAG = "sha-1000001";
    private static final String OTHER = "sha-2000002";
    private static final String KNOWN = "known_hosts: known_hosts";
    private static final String IDENTITY = "identity: id_ed25519";
    @TempDir Path folder;
    private String before;

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
    }

    @BeforeEach
    void remember() {
        before = World.everything();
    }

    @AfterEach
    void nothing_was_changed() {
        assertEquals(before, World.everything());
    }

    private Path empty(String name) throws IOException {
        return Files.writeString(folder.resolve(name), "");
    }

    private Ran deployWith(Path inventory, String... arguments) {
        var words = new ArrayList<>(List.of("deploy"));
        words.addAll(List.of(arguments));
        words.addAll(List.of("-i", inventory.toString()));
        return ktrdr(words.toArray(String[]::new)).run();
    }

    @Test
    void an_unknown_service() {
        refused(2, ktrdr("deploy", "core", "grafanna", "--tag", OTHER).run(), "core has no service grafanna",
                "db, backend, prometheus, grafana, jaeger");
    }

    @Test
    void an_unknown_node() {
        refused(2, ktrdr("deploy", "workers", "D", "--tag", OTHER).run(), "no node D", "workers-b");
    }

    @Test
    void core_is_no_workers_node() {
        refused(2, ktrdr("deploy", "workers", "A", "--tag", OTHER).run(), "core runs no workers");
    }

    /**
     * Docker and the toolkit need these folders in addition to the stack's own. Without them no command runs in a
     * container, not even a health check.
     */
    @Test
    void a_folder_for_temporary_files_that_takes_nothing() {
        var faults = List.of(
                List.of("/tmp", "mount -t tmpfs -o size=64k,mode=1777 tmpfs /tmp; head -c 65536 /dev/zero >/tmp/full "
                        + "|| :", "umount /tmp"),
                List.of("/var/tmp", "mount -t tmpfs -o ro tmpfs /var/tmp", "umount /var/tmp"),
                List.of("/run", "mount -o remount,size=$(($(df -Pk /run | awk 'NR == 2 { print $3 }') + 64))k /run",
                        "mount -o remount,size=200m /run"));
        for (var fault : faults) {
            World.on("workers-b", fault.get(1) + " 2>/dev/null");
            try {
                for (var procedure : List.of(List.of("deploy", "workers", "B", "--tag", OTHER),
                        List.of("restart", "workers", "B")))
                    refused(1, ktrdr(procedure.toArray(String[]::new)).run(), "workers-b: nothing can be written to "
                            + fault.get(0), "df -h " + fault.get(0), "nothing was changed");
                var infra = ktrdr("verify-infra", "B").run();
                assertTrue(infra.exit() == 1 && infra.err().contains("workers-b.folders does not hold")
                        && infra.err().contains(fault.get(0) + ": "), infra::toString);
                if (fault.get(0).equals("/tmp")) {
                    var logs = ktrdr("logs", "B", "--tail", "1").run();
                    assertTrue(logs.exit() == 1 && logs.err().contains("workers-b: logs cannot be read there")
                            && !logs.err().contains("there is no container"), logs::toString);
                }
            } finally {
                World.on("workers-b", fault.get(2));
            }
        }
    }

    @Test
    void a_missing_inventory() {
        refused(2, ktrdr("deploy", "core", "all", "--tag", OTHER, "-i", folder.resolve("none.yaml").toString()).run(),
                "none.yaml");
        refused(2, ktrdr("deploy", "core", "all", "--tag", OTHER).in(folder).env("KTRDR_INVENTORY", "")
                .env("HOME", folder.toString())
                .env("XDG_CONFIG_HOME", "").env("XDG_CACHE_HOME", System.getProperty("user.home") + "/.cache").run(),
                "no inventory", folder + "/inventory.yaml");
    }

    @Test
    void a_tag_that_is_none() {
        refused(2, ktrdr("deploy", "core", "all", "--tag", "sha 1; reboot").run(), "sha 1; reboot");
    }

    @Test
    void no_tag_outside_of_a_checkout_where_core_runs_nothing() throws IOException {
        refused(2, deployWith(World.inventory(folder, "/opt/ktrdr-core", "/opt/none"), "core", "all"),
                "no release: --tag is missing",
                "core runs none", "--tag");
    }

    /** The runbook uses this form for an operator on call. */
    @Test
    void without_a_tag_the_release_that_core_runs_is_meant_and_named() {
        for (var words : List.of("core backend", "workers B", "core all")) {
            var ran = ktrdr(("deploy " + words + " --dry-run").split(" ")).in(folder).run();
            assertEquals(0, ran.exit(), ran::toString);
            assertTrue(ran.err().contains("release " + TAG + ", which core runs: no --tag was given"), ran::toString);
        }
    }

    @Test
    void a_tag_that_the_registry_does_not_have() {
        refused(1, ktrdr("deploy", "all", "--tag", "sha-9999999").run(), "core: there is no image ",
                "ktrdr-backend:sha-9999999 in the registry", "workers-b: ");
    }

    @Test
    void a_tag_that_is_there_for_one_image_alone() throws IOException {
        var inventory = World.inventory(folder, "worker: registry.ktrdr.home.mynerd.place:5000/ktrdr-backend",
                "worker: registry.ktrdr.home.mynerd.place:5000/ktrdr-worker-cpu");
        refused(1, deployWith(inventory, "all", "--tag", OTHER), "workers-b: ", "there is no image ",
                "ktrdr-worker-cpu:" + OTHER + " in the registry");
    }

    @Test
    void a_token_that_the_registry_does_not_accept() throws IOException {
        World.forget("workers-b", OTHER);
        before = World.everything();
        var wrong = Files.writeString(folder.resolve("secrets.json"), Files.readString(World.secrets())
                .replaceAll("\"ghcr_token\": \"[^\"]*\"", "\"ghcr_token\": \"not-the-token\""));
        Files.setPosixFilePermissions(wrong, PosixFilePermissions.fromString("rw-------"));
        var ran = refused(1, deployWith(World.inventory(folder, World.secrets().toString(), wrong.toString()),
                "workers", "B", "--tag", OTHER),
                "workers-b: the registry registry.ktrdr.home.mynerd.place:5000 did not accept the login of kpiteira",
                "ghcr_token");
        assertTrue(!ran.toString().contains("not-the-token"), ran::toString);
    }

    @Test
    void secrets_that_others_can_read() throws IOException {
        var open = Files.writeString(folder.resolve("secrets.json"), Files.readString(World.secrets()));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        refused(2, deployWith(World.inventory(folder, World.secrets().toString(), open.toString()), "core", "all",
                "--tag", OTHER), "chmod 600");
    }

    @Test
    void a_host_whose_key_is_not_known() throws IOException {
        refused(3, deployWith(World.inventory(folder, KNOWN, "known_hosts: " + empty("known")), "core", "all", "--tag",
                OTHER),
                "the host key of backend.ktrdr.home.mynerd.place is not known", "SHA256:",
                ">> " + folder.resolve("known"));
    }

    @Test
    void a_host_whose_key_has_changed() throws IOException {
        var lines = Files.readAllLines(World.folder().resolve("known_hosts"));
        var of = lines.stream().filter(line -> line.startsWith("workers-b")).findFirst().orElseThrow();
        var known = Files.writeString(folder.resolve("known"),
                "backend.ktrdr.home.mynerd.place " + of.split(" ", 2)[1] + "\n");
        refused(3, deployWith(World.inventory(folder, KNOWN, "known_hosts: " + known), "core", "all", "--tag", OTHER),
                "changed", "SHA256:");
    }

    @Test
    void a_key_that_is_not_there_or_cannot_be_read() throws IOException {
        refused(2, deployWith(World.inventory(folder, IDENTITY, "identity: " + folder.resolve("none")), "core", "all",
                "--tag", OTHER),
                "the ssh identity " + folder.resolve("none") + " cannot be read", "no such file");
        refused(2, deployWith(World.inventory(folder, IDENTITY,
                "identity: " + Files.writeString(folder.resolve("key"), "garbage\n")), "core", "all", "--tag", OTHER),
                "the ssh identity " + folder.resolve("key") + " is not a private key");
    }

    @Test
    void a_key_that_the_host_does_not_let_in() throws IOException {
        World.docker("run", "--rm", "-v", folder + ":/out", "ktrdr-lab/services", "ssh-keygen", "-q", "-t", "ed25519",
                "-N", "", "-f", "/out/other");
        refused(3, deployWith(World.inventory(folder, IDENTITY, "identity: " + folder.resolve("other")), "core", "all",
                "--tag", OTHER), "refused the login");
    }

    @Test
    void a_broken_inventory_is_told_by_line_and_column() {
        refused(2, deployWith(World.inventory(folder, "role: core", "rolle: core"), "core", "all", "--tag", OTHER),
                "inventory.yaml:", "rolle", "role");
    }

    @Test
    void a_node_with_too_little_disk() {
        refused(1, deployWith(World.inventory(folder, "disk_free: 2GB", "disk_free: 900TB"), "all", "--tag", OTHER),
                "too little disk", "900");
    }

    @Test
    void refuses_a_node_whose_disk_is_too_small_for_the_images() {
        World.forget("workers-b", OTHER);
        before = World.everything();
        // hosts share this machine's disk, so a stand-in for df simulates a small disk
        World.on("workers-b", """
                cat >/usr/local/bin/df <<'END'
                #!/bin/sh
                echo Filesystem 1024-blocks Used Available Capacity Mounted
                echo /dev/small 100000 95000 5000 95% /
                END
                chmod +x /usr/local/bin/df
                """);
        try {
            var ran = deployWith(World.inventory(folder, "disk_free: 2GB", "disk_free: 1MB"), "workers", "all", "--tag",
                    OTHER);
            refused(1, ran, "workers-b: too little disk is free for the images to pull",
                    "by the sizes of their layers in the registry", "5.1 MB free", "workers-c: untouched");
        } finally {
            World.on("workers-b", "rm /usr/local/bin/df");
        }
    }

    @Test
    void a_database_that_would_start_empty() throws IOException {
        var template = Files.createDirectories(folder.resolve("mine/core")).resolve("docker-compose.core.yml");
        var text = Files.readString(Project.root().resolve("templates/core/docker-compose.core.yml"));
        Files.writeString(template, text.replace("- db-data:", "- db-other:").replace("  db-data:\n", "  db-other:\n"));
        var inventory = World.inventory(folder, "sample:", "templates: mine\nsample:");
        for (var skip : List.of(List.<String>of(), List.of("--skip-checks"))) {
            var words = new ArrayList<>(List.of("core", "all", "--tag", OTHER));
            words.addAll(skip);
            refused(1, deployWith(inventory, words.toArray(String[]::new)),
                    "core: a new database container would not have the data of the current one",
                    "data_directory in the volume ktrdr-core_db-other", "in the volume ktrdr-core_db-data");
        }
        // a service that does not use the database can still be deployed
        assertEquals(0, deployWith(inventory, "core", "grafana", "--tag", OTHER, "--dry-run").exit());
    }

    @Test
    void a_node_without_its_share() {
        refused(1, deployWith(World.inventory(folder, "mount: /mnt/ktrdr-shared", "mount: /mnt/other"), "workers", "B",
                "--tag", OTHER), "the share is missing", "/mnt/other");
    }

    @Test
    void a_bare_folder_where_the_share_belongs() {
        World.unmountShare("workers-b");
        try {
            refused(1, ktrdr("deploy", "workers", "B", "--tag", OTHER).run(),
                    "workers-b: nothing is mounted at /mnt/ktrdr-shared: a worker would write to a local folder",
                    "jbang setup-nfs@ktrdr workers-b");
        } finally {
            World.mountShare("workers-b");
        }
    }

    @Test
    void a_share_without_a_folder_that_containers_mount() {
        World.on("core", "mv /srv/ktrdr-shared/strategies /srv/ktrdr-shared/elsewhere");
        try {
            refused(1, ktrdr("deploy", "workers", "B", "--tag", OTHER).run(),
                    "workers-b: the share at /mnt/ktrdr-shared lacks folders that containers mount",
                    "/mnt/ktrdr-shared/strategies", "jbang setup-nfs@ktrdr core");
        } finally {
            World.on("core", "mv /srv/ktrdr-shared/elsewhere /srv/ktrdr-shared/strategies");
        }
    }

    @Test
    void a_core_that_is_down_leaves_the_workers_as_they_are() {
        World.pause("core");
        try {
            refused(3, ktrdr("deploy", "all", "--tag", OTHER).run(), "error: core:", "workers-b: untouched");
        } finally {
            World.unpause("core");
        }
    }
}
