import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lab.World;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The practice fleet itself. */
@Tag("fleet")
class LabTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    private static final String REGISTRY = "registry.ktrdr.home.mynerd.place:5000";
    private static final String PROBE = REGISTRY + "/probe:lab";

    @Test
    void a_second_up_changes_nothing() {
        var before = World.docker("ps", "-a", "--no-trunc", "--filter", "label=ktrdr-lab", "--format",
                "{{.ID}} {{.CreatedAt}} {{.State}}");
        var hosts = World.everything();
        var ran = ktrdr("lab", "up").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("up already"), ran::toString);
        assertEquals(before, World.docker("ps", "-a", "--no-trunc", "--filter", "label=ktrdr-lab", "--format",
                "{{.ID}} {{.CreatedAt}} {{.State}}"));
        assertEquals(hosts, World.everything());
    }

    @Test
    void up_completes_a_registry_that_was_left_half_filled() {
        World.services("rm -r /registry/filled/prometheus:2 /registry/docker/registry/v2/repositories/prometheus");
        var ran = ktrdr("lab", "up").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals("2", World.services("ls /registry/docker/registry/v2/repositories/prometheus/_manifests/tags"));
    }

    @Test
    void the_registry_serves_images_under_their_digests() {
        var built = World.docker("image", "inspect", "--format", "{{.Id}} {{.RootFS.Layers}}", "ktrdr-lab/probe:lab")
                .strip();
        pulled("workers-b", PROBE);
        assertEquals(built,
                World.on("workers-b", "docker image inspect --format '{{.Id}} {{.RootFS.Layers}}' " + PROBE));
        var byDigest = World.on("workers-b", "docker image inspect --format '{{index .RepoDigests 0}}' " + PROBE);
        assertTrue(byDigest.startsWith(REGISTRY + "/probe@sha256:"), byDigest);
        World.on("workers-b", "docker rmi -f " + PROBE + " " + byDigest);
        pulled("workers-b", byDigest);
        assertEquals(built,
                World.on("workers-b", "docker image inspect --format '{{.Id}} {{.RootFS.Layers}}' " + byDigest));
    }

    @Test
    void an_image_that_is_cut_off_gets_no_tag(@TempDir Path folder) throws IOException {
        var whole = folder.resolve("whole");
        World.docker("save", "-o", whole.toString(), "ktrdr-lab/probe:lab");
        var bytes = Files.readAllBytes(whole);
        Files.write(folder.resolve("cut"), Arrays.copyOf(bytes, bytes.length / 2));
        World.docker("cp", folder + "/.", "ktrdr-lab-services:/tmp");
        var probe = "/registry/docker/registry/v2/repositories/probe";
        assertEquals("refused",
                World.services("rm -r " + probe + "; /lab/fill </tmp/cut >/dev/null 2>&1 || echo refused\n"
                + "ls -d /registry/saved.* " + probe + "/_manifests/tags/* 2>/dev/null || :"));
        assertEquals("lab",
                World.services("/lab/fill </tmp/whole && ls " + probe + "/_manifests/tags; rm /tmp/cut /tmp/whole"));
    }

    @Test
    void no_layer_of_an_image_has_what_was_downloaded_for_it() {
        for (var image : List.of("host", "ktrdr-backend:sha-1000001"))
            assertEquals("", World.docker("run", "--rm", "--network", "none", "--entrypoint", "find",
                    "ktrdr-lab/" + image,
                    "/var/cache/apt", "/var/lib/apt/lists", "-type", "f", "-size", "+0").strip(), image);
    }

    @Test
    void each_host_runs_systemd_sshd_docker_and_compose() {
        for (var host : HOSTS) {
            assertEquals("systemd", World.on(host, "cat /proc/1/comm"));
            assertEquals("active\nactive", World.on(host, "systemctl is-active ssh docker"));
            assertTrue(World.on(host, "docker compose version --short").startsWith("2."));
        }
    }

    @Test
    void names_resolve_in_hosts_and_in_containers_inside_them() {
        pulled("workers-b", PROBE);
        for (var name : List.of("backend", "postgres", "grafana", "prometheus", "workers-b", "workers-c")) {
            var fqdn = name + ".ktrdr.home.mynerd.place";
            assertTrue(World.on("workers-c", "getent hosts " + fqdn).startsWith("10.42.1."), fqdn);
            assertTrue(World.on("workers-b", "docker run --rm " + PROBE + " nslookup " + fqdn)
                    .contains("Address: 10.42.1."), fqdn);
        }
    }

    /** Pulls an image unless the host already has it. */
    private static void pulled(String host, String image) {
        World.on(host, "docker image inspect " + image
                + " >/dev/null 2>&1 || { mkdir -p /dev/shm/login; export DOCKER_CONFIG=/dev/shm/login; trap 'rm -rf "
                + "/dev/shm/login' EXIT; docker login -u kpiteira --password-stdin "
                + REGISTRY + " >/dev/null 2>&1 <<'TOKEN'\n" + token() + "\nTOKEN\ndocker pull -q " + image + "; }");
    }

    private static String token() {
        try {
            return new ObjectMapper().readTree(Files.readString(World.secrets())).path("ghcr_token").asText();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void the_registry_wants_a_login() {
        assertEquals("401",
                World.on("core", "curl -s -o /dev/null -w '%{http_code}' --cacert /etc/docker/certs.d/" + REGISTRY
                        + "/ca.crt https://" + REGISTRY + "/v2/ktrdr-backend/tags/list"));
    }

    @Test
    void its_key_and_known_hosts_are_its_own() {
        assertTrue(Files.exists(World.folder().resolve("id_ed25519"))
                && Files.exists(World.folder().resolve("known_hosts")));
        var users = Path.of(System.getProperty("user.home"), ".ssh/known_hosts");
        assertFalse(Files.exists(users) && World.get("file://" + users).contains("mynerd.place"));
    }

    @Test
    void a_second_quickstart_takes_no_sample() throws IOException {
        Files.deleteIfExists(World.folder().resolve("verified"));
        var first = ktrdr("quickstart").run();
        assertEquals(0, first.exit(), first::toString);
        assertTrue(first.out().contains("sample.result"), first::toString);
        var second = ktrdr("quickstart").run();
        assertEquals(0, second.exit(), second::toString);
        assertTrue(second.err().contains("up already") && second.err().contains("checks hold"), second::toString);
        assertFalse(second.out().contains("sample."), second::toString);
    }

    @Test
    void a_host_comes_back_from_a_reboot_with_its_containers() {
        assertEquals(0, ktrdr("deploy", "all", "--tag", "sha-1000001").run().exit());
        World.docker("restart", "ktrdr-lab-workers-c");
        var ran = ktrdr("verify", "--quick", "--wait", "90s").run();
        assertEquals(0, ran.exit(), ran::toString);
    }

    @Test
    void status_says_what_stands_in_for_what() {
        var ran = ktrdr("lab", "status").run();
        assertEquals(0, ran.exit(), ran::toString);
        assertTrue(ran.out().contains("stand-in for KTRDR") && ran.out().contains("real PostgreSQL")
                && ran.out().contains("stand-in for the NFS share"), ran::toString);
    }
}
