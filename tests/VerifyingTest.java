import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bench.Verifying;
import bench.Verifying.Lists;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.LocalCommand;
import ktrdr.status.ReportFixtures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The manual commands that verify is compared with; stand-ins for curl, jq and ssh only record their arguments. */
class VerifyingTest {
    /** The progress exists from the second request on. jq returns its input, or exit code 1 if it is empty. */
    private static final String CURL = """
            #!/bin/sh
            for word; do last=$word; done
            case " $* " in *" -X "*) last="$(printf '%s' "$*" | sed 's/.*-X \\([A-Z]*\\).*/\\1/') $last" ;; esac
            printf '%s\\n' "$last" >>log
            case $last in POST*) echo op_1 ;; *operations/op_1) [ -e asked ] && echo true || touch asked ;; *) echo \
            '[]' ;; esac
            """;
    private static final String JQ = """
            #!/bin/sh
            out=$(cat) && [ -n "$out" ] && printf '%s\\n' "$out"
            """;
    private static final String SSH = """
            #!/bin/sh
            printf 'ssh %s\\n' "$*" >>log
            """;
    @TempDir Path folder;

    private CommandResult run(Lists lists) throws IOException {
        for (var program : List.of(List.of("curl", CURL), List.of("jq", JQ), List.of("ssh", SSH),
                List.of("sleep", "#!/bin/sh\n")))
            Files.writeString(folder.resolve(program.get(0)), program.get(1)).toFile().setExecutable(true);
        return LocalCommand.command("sh", "-s").env("PATH", folder + ":" + System.getenv("PATH")).directory(folder)
                .input(Verifying.script(ReportFixtures.inventory(), lists)).run();
    }

    private List<String> asked() throws IOException {
        return Files.readAllLines(folder.resolve("log")).stream()
                .map(line -> line.replaceAll("http://|\\.ktrdr\\.home\\.mynerd\\.place", "")).toList();
    }

    @Test
    void starts_an_operation_polls_it_until_progress_and_cancels_it() throws IOException {
        var ran = run(Lists.ONCE);
        assertEquals(0, ran.exit(), ran::toString);
        assertEquals(List.of("POST backend:8000/api/v1/dummy/start", "backend:8000/api/v1/operations/op_1",
                "backend:8000/api/v1/operations/op_1",
                "DELETE backend:8000/api/v1/operations/op_1", "backend:8000/api/v1/operations"),
                asked().stream().filter(line -> line.matches(".*(dummy|operations).*")).toList());
    }

    @Test
    void as_the_plan_has_them_each_list_has_its_operation() throws IOException {
        assertEquals(0, run(Lists.AS_WRITTEN).exit());
        assertEquals(List.of("POST backend:8000/api/v1/dummy/start", "POST backend:8000/api/v1/dummy/start"),
                asked().stream().filter(line -> line.startsWith("POST")).toList());
        assertEquals(List.of("backend:8000/api/v1/workers", "backend:8000/api/v1/workers"),
                asked().stream().filter(line -> line.endsWith("/workers")).toList());
    }

    @Test
    void without_one_it_only_reads() throws IOException {
        assertEquals(0, run(Lists.READING).exit());
        assertEquals(List.of(), asked().stream().filter(line -> line.matches("(POST|DELETE) .*|.*operations.*"))
                .toList());
        assertTrue(asked().containsAll(List.of("backend:8000/api/v1/health", "grafana:3000/api/health",
                "backend:8000/api/v1/workers", "prometheus:9090/api/v1/targets",
                "backend:16686/api/services")), () -> String.valueOf(folder));
        assertTrue(asked().get(asked().size() - 1)
                .matches("ssh .*-o HostName=10\\.42\\.1\\.11 -o HostKeyAlias=workers-b workers-b ls "
                        + "'/mnt/ktrdr-shared/results'"), asked().toString());
    }

    @Test
    void a_service_that_answers_nothing_is_no_measurement() throws IOException {
        run(Lists.READING);
        Files.writeString(folder.resolve("curl"), "#!/bin/sh\nexit 22\n");
        var ran = LocalCommand.command("sh", "-s").env("PATH", folder + ":" + System.getenv("PATH")).directory(folder)
                .input(Verifying.script(ReportFixtures.inventory(), Lists.READING)).run();
        assertTrue(ran.exit() != 0, ran::toString);
    }
}
