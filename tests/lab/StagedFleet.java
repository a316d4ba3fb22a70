package lab;

import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import ktrdr.Project;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests of files put in place on the practice fleet: the older release runs on it before and after them, and each test
 * leaves its files unchanged.
 */
public abstract class StagedFleet {
    protected static final String OLDER = "sha-1000001";
    protected static final Map<String, List<String>> FILES = Map.of(
            "core", List.of("docker-compose.core.yml", ".env.core", "monitoring/prometheus.yml",
                    "monitoring/rules/recording.yml", "monitoring/rules/alerts.yml",
                    "monitoring/grafana/provisioning/datasources/datasources.yml",
                    "monitoring/grafana/provisioning/dashboards/dashboards.yml",
                    "monitoring/grafana/dashboards/system-overview.json",
                    "monitoring/grafana/dashboards/worker-status.json", "monitoring/grafana/dashboards/operations.json",
                    "monitoring/grafana/dashboards/node-comparison.json"),
            "workers-b", List.of("docker-compose.workers.yml", ".env.workers"), "workers-c",
            List.of("docker-compose.workers.yml", ".env.workers"));
    @TempDir protected Path folder;

    @BeforeAll
    @AfterAll
    protected static void the_older_release_runs_everywhere() {
        good(ktrdr("deploy", "all", "--tag", OLDER).run());
    }

    @AfterEach
    protected void files_are_as_they_were() {
        good(ktrdr("stage", "all", "--tag", OLDER).run());
        for (var host : FILES.keySet()) World.on(host, "rm -rf /opt/ktrdr-" + host + "/.ktrdr/kept");
    }

    protected static Toolkit.Ran good(Toolkit.Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** An inventory with a template of its own. */
    protected Path own(String template, String content) throws IOException {
        var file = folder.resolve("mine").resolve(template);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
        return Files.writeString(World.inventory(folder),
                Files.readString(World.inventory(folder)) + "templates: mine\n");
    }

    protected static String builtIn(String template) throws IOException {
        return Files.readString(Project.root().resolve("templates").resolve(template));
    }
}
