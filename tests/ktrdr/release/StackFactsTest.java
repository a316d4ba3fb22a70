package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.node.Docker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

public class StackFactsTest {
    public static final String CONTAINER = """
            {"Id":"abc","Name":"/ktrdr-backend","Image":"sha256:1","RestartCount":4,"State":{"Status":"restarting","Ex\
            itCode":1,\
            "StartedAt":"2026-01-01T00:00:00Z"},"Config":{"Image":"r/b:t","Labels":{"com.docker.compose.service":"back\
            end"}}}""";

    @Test
    void an_answer_is_read_line_by_line() {
        var facts = StackFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\ndirectory\tyes\nfile .env.core\t" +
                "a".repeat(64) +
                " 644 0:0 4\ncontent .env.core\tQT0xCg==\ndocker\t26.1.5\ncompose\t2.26.1\ndisk "
                + "/var/lib/docker\t1024000\ndocker-root\t/var/lib/docker\n"
                + "image r/b:t\tsha256:1\ndigests sha256:1\t[\"r/b@sha256:a\",\"r/b@sha256:b\"]\ndigests "
                + "sha256:2\t[]\ncontainer\t" + CONTAINER + "\nend\tyes\n");
        assertEquals("A=1\n", facts.files().files().get(".env.core").content().get());
        assertEquals(1_024_000, facts.free());
        assertEquals("sha256:1", facts.images().get("r/b:t"));
        assertEquals("restarting, 4 restarts, last exit code 1", facts.containers().get(0).state());
        assertEquals(Map.of("sha256:1", List.of("r/b@sha256:a", "r/b@sha256:b"), "sha256:2", List.of()),
                facts.digests());
        assertTrue(facts.directory());
    }

    /** Docker reports exit code 0 for a running container, regardless of its last exit. */
    @Test
    void of_a_container_that_runs_no_exit_code_is_told() {
        var again = CONTAINER.replace("\"restarting\",\"ExitCode\":1",
                "\"running\",\"ExitCode\":0,\"Health\":{\"Status\":\"starting\"}");
        var facts = StackFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\ncontainer\t" + again + "\nend\tyes\n");
        assertEquals("running, starting, 4 restarts", facts.containers().get(0).state());
    }

    @Test
    void half_an_answer_is_none() {
        assertThrows(Problem.class, () -> StackFacts.parse(""));
        assertThrows(Problem.class, () -> StackFacts.parse("user\troot\ngarbage\n"));
        assertThrows(Problem.class,
                () -> StackFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\ncontainer\t{\"Id\":\nend\tyes\n"));
        assertThrows(Problem.class, () -> StackFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\n"));
    }

    @Test
    void what_is_no_base64_and_what_is_no_number_is_told() {
        var file = "user\troot\nmount\t/srv/s\t0\t\t\nfile .env.core\t" + "a".repeat(64) + " 644 0:0 ";
        assertEquals("QT0 xCg",
                assertThrows(Problem.class, () -> StackFacts.parse(file + "4\ncontent .env.core\tQT0 xCg\nend\tyes\n"))
                        .details().get("found"));
        assertEquals("four", assertThrows(Problem.class, () -> StackFacts.parse(file + "four\nend\tyes\n")).details()
                .get("found"));
    }

    @Test
    void asks_docker_once_and_takes_the_images_from_its_answer(@TempDir Path folder) throws IOException {
        Fixtures.program(folder.resolve("docker"), """
                echo "$1 $2" >>"${0%/*}/asked"
                case $1 in
                  info) echo 'engine|26.1.5|/|overlay2|2.26.1|' ;;
                  ps) echo abc; echo def ;;
                  inspect) case $* in *RestartCount*) printf '%s\\n' "$CONTAINER" "$CONTAINER" | sed \
                '2s/"sha256:1"/"sha256:2"/' ;; *) echo sha256:1; echo sha256:2 ;; esac ;;
                  image) for id; do case $id in sha256:*) echo "$id [\\"r/b@$id\\"]" ;; esac; done ;;
                esac
                """);
        var fleet = Fixtures.inventory(Fixtures.INVENTORY.replace("disk_free: 2GB, aliases",
                "disk_free: 2GB, directory: " + folder + ", aliases"));
        var script = StackFacts.script(Stack.of(fleet, fleet.core()), Map.of(), List.of());
        var answer = LocalCommand.command("sh", "-s").env("PATH", folder + ":" + System.getenv("PATH"))
                .env("CONTAINER", CONTAINER).input(Sh.whole(script)).must();
        var facts = StackFacts.parse(answer.out());
        assertEquals(List.of("sha256:1", "sha256:2"), facts.containers().stream().map(Docker.Container::imageId)
                .toList());
        assertEquals(Map.of("sha256:1", List.of("r/b@sha256:1"), "sha256:2", List.of("r/b@sha256:2")), facts.digests());
        // the second inspect reads the mounts of containers
        assertEquals(List.of("info --format", "ps -aq", "inspect --format", "inspect --type", "ps -a", "image inspect"),
                Files.readAllLines(folder.resolve("asked")));
    }
}
