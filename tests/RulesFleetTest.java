import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import ktrdr.Project;
import ktrdr.Sh;
import lab.Aftermath;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs tests/rules with the promtool of the practice fleet's Prometheus image. */
@Tag("fleet")
class RulesFleetTest {
    private static final List<String> FILES = List.of("templates/monitoring/rules/recording.yml",
            "templates/monitoring/rules/alerts.yml", "tests/rules/recording.yml", "tests/rules/alerts.yml");

    @BeforeAll
    static void a_release_runs() {
        Aftermath.restore();
    }

    @Test
    void the_rules_compute_and_fire_as_their_tests_say() throws IOException {
        var script = new StringBuilder("at=$(mktemp -d)\ntrap 'rm -rf \"$at\"' EXIT\nchmod 755 \"$at\"\n");
        for (var file : FILES)
            script.append("mkdir -p \"$at\"/").append(file, 0, file.lastIndexOf('/')).append("\nprintf %s ")
                    .append(Sh.quote(Files.readString(Project.root().resolve(file))))
                    .append(" >\"$at\"/").append(file).append('\n');
        var said = World.on("core", script + """
                code=0
                docker run --rm --network none --entrypoint sh -v "$at:/at:ro" -w /at/tests/rules "$(docker inspect \
                --format '{{.Config.Image}}' ktrdr-prometheus)" -c '
                  promtool check rules --lint=all --lint-fatal ../../templates/monitoring/rules/*.yml && promtool \
                test rules recording.yml alerts.yml' 2>&1 || code=$?
                echo "exit $code"
                """);
        assertTrue(said.endsWith("exit 0"), said);
        assertEquals(4, said.split("SUCCESS", -1).length - 1, said);
    }
}
