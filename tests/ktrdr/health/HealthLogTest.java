package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.node.Docker;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The last output of a health check, as checks and errors report it. */
class HealthLogTest {
    @TempDir Path folder;

    @Test
    void a_failed_health_command_is_told_with_secrets_masked() throws IOException {
        Fixtures.program(folder.resolve("docker"), """
                #!/bin/sh
                case $* in
                  *Config.Env*) echo KTRDR_DB_PASSWORD=its-very-secret ;;
                  *Health.Log*gone*) exit 1 ;;
                  *Health.Log*) printf '%s\\n' 'exit code -1: OCI runtime exec failed: write /run/x' 'no space left \
                on device its-very-secret' ;;
                esac
                """);
        var script = Facts.SAY + HealthLog.script(List.of("training-worker-1", "gone")) + "say end yes\n";
        var facts = Facts.parse(LocalCommand.command("sh", "-s").input("PATH=" + folder + ":$PATH\n" + Sh.whole(script))
                .must().out());
        assertEquals("exit code -1: OCI runtime exec failed: write /run/x no space left on device ***",
                facts.get("health training-worker-1").strip());
        assertEquals("", facts.get("health gone"));
    }

    @Test
    void only_the_unhealthy_containers_check_quotes_its_health_log() {
        var check = new Check(CheckId.ofNode("workers-b", "training-worker-1", "container"), "workers-b", false,
                "running, healthy", "running, unhealthy", "look", 0);
        var said = Map.of("workers-b.training-worker-1.container", "exit code 1: curl: not found");
        assertEquals("running, unhealthy; its health check: exit code 1: curl: not found",
                HealthLog.told(check, said).found());
        assertEquals(check, HealthLog.told(check, Map.of("workers-c.training-worker-1.container", "x")));
    }

    @Test
    void which_are_made_anew_is_told_with_it() {
        var containers = List.of(container("b", "unhealthy"), container("a", "unhealthy"));
        assertEquals("a (exit code 1: x), b", HealthLog.words(containers, Map.of("a", "exit code 1: x")));
        assertTrue(container("a", "unhealthy").unhealthy());
        assertFalse(container("a", "starting").unhealthy());
    }

    private static Docker.Container container(String service, String health) {
        return new Docker.Container("1", service, service, "image", "sha256:1", "running", health, 0, 0,
                "2026-01-01T00:00:00Z", "", "");
    }
}
