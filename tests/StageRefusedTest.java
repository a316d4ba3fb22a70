import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** Refused staging: each case has its own message and exit code, and leaves the fleet unchanged. */
@Tag("fleet")
class StageRefusedTest {
    private static final String OTHER = "sha-2000002";
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
        for (var host : List.of("core", "workers-b"))
            assertEquals("", World.on(host, "ls -d /opt/ktrdr-" + host + "/.ktrdr-new.* 2>/dev/null || true"));
    }

    /** Runs a procedure with a custom template. */
    private Ran with(String template, String content, String... arguments) throws IOException {
        var file = folder.resolve("mine").resolve(template);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
        var inventory = World.inventory(folder);
        Files.writeString(inventory, Files.readString(inventory) + "templates: mine\n");
        var words = new ArrayList<>(List.of(arguments));
        words.addAll(List.of("-i", inventory.toString()));
        return ktrdr(words.toArray(String[]::new)).run();
    }

    @Test
    void a_template_that_names_something_unknown() throws IOException {
        for (var procedure : List.of("stage", "deploy"))
            refused(2, with("core/.env.core", "IMAGE_TAG={{tagg}}\n", procedure, "all", "--tag", OTHER),
                    "the template core/.env.core cannot be filled", "tagg");
    }

    @Test
    void a_variable_that_nothing_gives_a_value_to() throws IOException {
        refused(2, with("core/.env.core", "IMAGE_TAG={{tag}}\n", "stage", "core", "--tag", OTHER),
                "docker-compose.core.yml names variables that nothing gives a value to", "DB_IMAGE");
    }

    @Test
    void a_compose_file_that_compose_cannot_read() throws IOException {
        var built = Files.readString(Project.root().resolve("templates/workers/docker-compose.workers.yml"));
        var mistyped = built.replace("  container_name: backtest-worker-1\n", "  container_nam: backtest-worker-1\n");
        refused(1, with("workers/docker-compose.workers.yml", mistyped, "stage", "workers", "B", "--tag", OTHER),
                "workers-b: Compose refuses docker-compose.workers.yml", "no file was replaced");
        refused(2, with("workers/docker-compose.workers.yml", "services: {worker: {image: x}}\n", "stage", "workers",
                "B", "--tag", OTHER), "docker-compose.workers.yml: there is no service backtest-worker-1, which the "
                        + "inventory wants on workers-b");
    }

    @Test
    void stage_and_deploy_refuse_a_prometheus_yml_promtool_rejects() throws IOException {
        // the running release: another release's image would be pulled first, which is a change
        for (var words : List.of(new String[] {"stage", "core", "--tag", OTHER},
                new String[] {"deploy", "core", "all", "--tag", "sha-1000001"}))
            refused(1, with("monitoring/prometheus.yml", "scrape_configs: [{job_nam: x}]\n", words),
                    "core: promtool refuses monitoring/prometheus.yml", "job_nam");
    }

    @Test
    void a_full_disk() {
        World.on("workers-b", "mkdir -p /opt/small && mount -t tmpfs -o size=8k,mode=755 tmpfs /opt/small");
        try {
            refused(1, ktrdr("stage", "workers", "B", "--tag", OTHER, "-i",
                    World.inventory(folder, "/opt/ktrdr-workers-b", "/opt/small").toString()).run(),
                    "workers-b: the files could not be written to /opt/small", "no file was replaced");
            assertEquals("", World.on("workers-b", "ls -A /opt/small"));
        } finally {
            World.on("workers-b", "umount /opt/small && rmdir /opt/small");
        }
    }

    @Test
    void a_link_that_leads_out_of_the_directory() {
        World.on("core", "mv /opt/ktrdr-core/monitoring /opt/aside && mkdir /opt/outside && ln -s /opt/outside "
                + "/opt/ktrdr-core/monitoring");
        try {
            refused(1, ktrdr("stage", "core", "--tag", OTHER).run(), "core: monitoring is a symbolic link",
                    "/opt/outside");
            assertEquals("", World.on("core", "ls -A /opt/outside"));
        } finally {
            World.on("core", "rm /opt/ktrdr-core/monitoring && mv /opt/aside /opt/ktrdr-core/monitoring && rmdir "
                    + "/opt/outside");
        }
    }

    @Test
    void refuses_without_a_tag_an_env_file_or_a_checkout() {
        refused(2, ktrdr("stage", "workers", "B", "-i", World.inventory(folder, "/opt/ktrdr-workers-b", "/opt/none")
                .toString()).in(folder).run(), "no release: --tag is missing", "--tag");
    }

    @Test
    void names_where_none_are_taken_and_the_core_node_among_workers() {
        refused(2, ktrdr("stage", "all", "B").run(), "`stage all` takes no names");
        refused(2, ktrdr("stage", "workers", "core").run(), "core runs no workers");
    }

    @Test
    void a_node_that_cannot_be_reached_does_not_stop_the_others() throws IOException {
        World.pause("workers-c");
        try {
            var ran = refused(3, ktrdr("stage", "workers", "--check", "-o", "json").run(), "error: workers-c: ");
            var nodes = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).readTree(ran.out())
                    .path("nodes");
            assertEquals("same", nodes.path(0).path("outcome").asText());
            assertEquals("unreachable", nodes.path(1).path("outcome").asText());
        } finally {
            World.unpause("workers-c");
        }
    }
}
