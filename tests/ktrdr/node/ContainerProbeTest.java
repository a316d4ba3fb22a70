package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How verify-infra's node script handles containers, run by a local shell. A stand-in for docker keeps its containers
 * in a file and records its calls.
 */
class ContainerProbeTest {
    @TempDir Path folder;

    @BeforeEach
    void a_docker() throws IOException {
        Fixtures.program(folder.resolve("docker"), """
                cd FOLDER
                # whose host it is
                case "$*" in 'ps -a --filter label=com.docker.compose.project '*) exit ;; esac
                echo "$1 $2" >>calls
                case "$*" in
                  info*)
                    printf %s "$3" | sed "s/{{.ServerVersion}}/26.1.5/; s/{{.DockerRootDir}}/\\\\//; \
                s/{{.Driver}}/overlay2/; s/{{.ContainersStopped}}/$(grep -vc ' running$' containers)/; \
                s/{{range.*|/2.26.1|/; s/{{.*//" ;;
                  run*)
                    if [ -e made-by-another ]; then rm made-by-another; echo 'docker: Error response from daemon: No \
                such image: ktrdr-probe:latest.' >&2; exit 125; fi
                    printf 'inside\\tyes\\n' ;;
                  'image inspect ktrdr-probe') ;;
                  'ps -q') ;;
                  'ps -a --filter name=^/ktrdr-probe- --filter status=created --filter status=exited --filter \
                status=dead --format {{.Names}}') sed -n 's/^\\(ktrdr-probe-.*\\) [ced][rex][a-z]*$/\\1/p' containers ;;
                  'rm '*) grep -q "^$2 running" containers && exit 1; sed -i "/^$2 /d" containers ;;
                  *) echo "not foreseen: $*" >&2; exit 9 ;;
                esac
                """.replace("FOLDER", folder.toString()));
    }

    /** Runs the script among these containers ("name status") and returns those left afterwards. */
    private List<String> among(String... containers) throws IOException {
        Files.write(folder.resolve("containers"), List.of(containers));
        var script = MachineFacts.script(new MachineFacts.Question(List.of(), Map.of(), List.of(), "", "/", false,
                Fixtures.MARKS));
        // must not reach an Engine on this machine
        var run = LocalCommand.command("sh", "-s").env("PATH", folder + ":" + System.getenv("PATH"))
                .env("DOCKER_HOST", "unix:///nowhere").input(Sh.whole(script)).must();
        var facts = Facts.parse(run.out());
        assertEquals(List.of("26.1.5", "overlay2", "2.26.1", "yes"), List.of(facts.get("docker"), facts.get("driver"),
                facts.get("compose"), facts.get("container")), run::toString);
        return Files.readAllLines(folder.resolve("containers"));
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(folder.resolve("calls")).stream().sorted().toList();
    }

    @Test
    void uses_a_probe_image_that_another_script_has_just_built() throws IOException {
        Files.createFile(folder.resolve("made-by-another"));
        among();
        assertEquals(List.of("image inspect", "info --format", "ps -q", "run --rm", "run --rm"), calls());
    }

    /**
     * A script killed with its process group removes nothing. The next script does, but keeps containers in use by
     * other runs and those that run and remove themselves.
     */
    @Test
    void a_container_that_a_killed_script_left_is_taken_away() throws IOException, InterruptedException {
        var gone = new ProcessBuilder("true").start();
        gone.waitFor();
        var other = new ProcessBuilder("sh", "-c", "read -r _; exit").start();
        var reused = new ProcessBuilder("cat").start();
        try {
            var kept = List.of("ktrdr-probe-" + other.pid() + " created",
                    "ktrdr-probe-" + (gone.pid() + 1) + "0 running", "ktrdr-db exited", "my-ktrdr-probe-1 exited");
            assertEquals(kept, among(kept.get(0), "ktrdr-probe-" + gone.pid() + " created", kept.get(1), kept.get(2),
                    "ktrdr-probe-" + reused.pid() + " exited", kept.get(3)));
        } finally {
            other.destroy();
            reused.destroy();
        }
    }

    @Test
    void lists_no_stopped_containers_when_all_containers_run() throws IOException {
        assertEquals(List.of("ktrdr-db running"), among("ktrdr-db running"));
        assertEquals(List.of("info --format", "ps -q", "run --rm"), calls());
    }
}
