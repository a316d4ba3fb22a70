import static lab.Aftermath.NEWER;
import static lab.Aftermath.OLDER;
import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import ktrdr.Project;
import ktrdr.release.ComposeFile;
import ktrdr.release.Templates.NodeFile;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Services that a template adds to a stack, of which the toolkit knows nothing but what the Compose file says. */
@Tag("fleet")
class AddedServiceTest {
    private static final String EXPORTER = "registry.ktrdr.home.mynerd.place:5000/node-exporter:lab";
    private static final String SERVICES = """
              mcp:
                image: %s
                container_name: ktrdr-mcp
                ports: ["3100:9100"]
                depends_on:
                  prepare: {condition: service_completed_successfully}
                volumes: ["./mcp:/etc/mcp:ro"]
                x-ktrdr: {proof: {http: /metrics}, reads: [mcp/]}
              prepare:
                image: ${DB_IMAGE:?missing in .env.core}
                container_name: ktrdr-prepare
                entrypoint: [/bin/sh, -c, "echo preparing $$KTRDR_DB_PASSWORD; exit 0"]
                environment:
                  RELEASE: ${IMAGE_TAG:?missing in .env.core}
                  KTRDR_DB_PASSWORD: ${KTRDR_DB_PASSWORD:?a secret}
                command: []
                depends_on: {db: {condition: service_healthy}}
                x-ktrdr: {once: 1m}
            """.formatted(EXPORTER);
    @TempDir Path folder;

    @BeforeAll
    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    /** An inventory whose template of core has these services, too. */
    private String with(String services) throws IOException {
        var mine = Files.createDirectories(folder.resolve("mine/core"));
        Files.writeString(Files.createDirectories(mine.resolve("mcp")).resolve("config.yml"), "level: 1\n");
        var built = Files.readString(Project.root().resolve("templates/core/docker-compose.core.yml"));
        Files.writeString(mine.resolve("docker-compose.core.yml"),
                built.replace("\n  prometheus:\n", "\n" + services + "\n  prometheus:\n").replace("{part: database}",
                        "{part: database, proof: {sql: select 40 + 2, is: 42}}"));
        return World.inventory(folder, "tracing: {service: ktrdr-api}",
                "tracing: {service: ktrdr-api}\ntemplates: mine").toString();
    }

    private static Ran good(String... words) {
        var ran = ktrdr(words).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    private static void checked(Ran ran, String... checks) {
        for (var check : checks) assertTrue(ran.out().contains("\"" + check + "\""), () -> check + " in " + ran);
    }

    private static String inspect(String name, String format) {
        return World.on("core", "docker inspect --format '" + format + "' " + name + " 2>/dev/null || echo none");
    }

    private static String state(String name) {
        return inspect(name, "{{.State.Status}} {{.State.ExitCode}}");
    }

    @Test
    void is_deployed_proven_watched_and_brought_back() throws IOException {
        var mine = with(SERVICES);
        good("deploy", "core", "all", "--tag", OLDER);
        var made = good("deploy", "core", "all", "--tag", NEWER, "-i", mine);
        assertTrue(made.err().contains("prepare ran; backend, mcp started"), made::toString);
        assertEquals("exited 0", state("ktrdr-prepare"));
        assertTrue(inspect("ktrdr-prepare", "{{.State.FinishedAt}}")
                .compareTo(inspect("ktrdr-mcp ktrdr-backend", "{{.State.StartedAt}}")) < 0, "prepare was first");
        checked(good("status", "-i", mine, "-o", "json"), "core.mcp.proof", "core.db.proof", "core.prepare.container");
        assertTrue(good("logs", "core", "mcp", "--tail", "5", "-i", mine).out().contains("Listening on"));

        var before = inspect("ktrdr-mcp ktrdr-backend ktrdr-prepare", "{{.Id}}{{.State.StartedAt}}");
        var again = good("deploy", "core", "all", "--tag", NEWER, "-i", mine);
        assertTrue(again.err().contains("db, backend, mcp, prepare, prometheus, grafana, jaeger same"),
                again::toString);
        assertEquals(before, inspect("ktrdr-mcp ktrdr-backend ktrdr-prepare", "{{.Id}}{{.State.StartedAt}}"));

        readsItsFile(mine);
        World.on("core", "docker stop -t 1 ktrdr-mcp");
        refused(1, ktrdr("status", "-i", mine).run(), "core.mcp.container does not hold");
        good("deploy", "core", "mcp", "-i", mine);
        good("status", "-i", mine);

        good("deploy", "core", "all", "--tag", NEWER);
        assertEquals("none none", state("ktrdr-mcp") + " " + state("ktrdr-prepare"));
        good("status");
        var back = good("rollback", "core", "--yes", "-i", mine);
        assertTrue(back.err().contains("prepare not run again"), back::toString);
        assertEquals("running 0 created 0", state("ktrdr-mcp") + " " + state("ktrdr-prepare"));
        good("status", "-i", mine);
        Aftermath.clean("core", back);
    }

    private void readsItsFile(String mine) throws IOException {
        Files.writeString(folder.resolve("mine/core/mcp/config.yml"), "level: 2\n");
        var read = good("deploy", "core", "mcp", "-i", mine);
        assertTrue(read.err().contains("mcp restarted") && read.err().contains("mcp was told"), read::toString);
        assertEquals("level: 2", World.on("core", "cat /opt/ktrdr-core/mcp/config.yml"));
    }

    @Test
    void what_fails_before_the_others_leaves_them_as_they_were() throws IOException {
        good("deploy", "core", "all", "--tag", OLDER, "-i", with(SERVICES));
        var before = inspect("ktrdr-mcp ktrdr-backend ktrdr-db", "{{.Id}}{{.State.StartedAt}}");
        var failed = ktrdr("deploy", "core", "all", "--tag", NEWER, "-i", with(SERVICES.replace("exit 0", "exit 3")))
                .run();
        Aftermath.returned(failed, "core", OLDER);
        assertTrue(failed.err().contains("error: core: prepare ended with exit code 3")
                && failed.err().contains("preparing ***"), failed::toString);
        assertEquals(before, inspect("ktrdr-mcp ktrdr-backend ktrdr-db", "{{.Id}}{{.State.StartedAt}}"));
        var slow = ktrdr("deploy", "core", "all", "--tag", NEWER, "-i",
                with(SERVICES.replace("exit 0", "sleep 60").replace("once: 1m", "once: 2s"))).run();
        Aftermath.returned(slow, "core", OLDER);
        assertTrue(slow.err().contains("error: core: prepare did not end within 2 s"), slow::toString);
        assertEquals(before, inspect("ktrdr-mcp ktrdr-backend ktrdr-db", "{{.Id}}{{.State.StartedAt}}"));
    }

    @Test
    void containers_of_others_are_told_and_left_alone() {
        // Prometheus forgets a target that a test before had within seconds
        Aftermath.well();
        try {
            World.on("core", "docker create --name theirs --label com.docker.compose.project=ktrdr-core --label "
                    + "com.docker.compose.service=extra " + EXPORTER + "; docker create --name film --label "
                    + "com.docker.compose.project=media " + EXPORTER);
            refused(1, ktrdr("status").run(), "extra is not part of the stack: the container theirs", "`foreign`");
            var known = World.inventory(folder, "tracing: {service: ktrdr-api}",
                    "tracing: {service: ktrdr-api}\nforeign: [extra]").toString();
            var status = good("status", "-i", known);
            for (var words : List.of("core: extra created", "project media (1 created)"))
                assertTrue(status.out().contains(words), status::toString);
            good("deploy", "core", "all", "--tag", OLDER, "-i", known);
            var last = World.history("core").lines().reduce((earlier, later) -> later).orElseThrow();
            assertTrue(!last.contains("\"extra\""), last);
            assertEquals("created 0 created 0", state("theirs") + " " + state("film"));
        } finally {
            World.on("core", "docker rm -f theirs film");
        }
    }

    /** An inventory whose template of workers has an agent, which runs on workers-b. */
    private String withAgent() throws IOException {
        var mine = Files.createDirectories(folder.resolve("mine/workers"));
        var built = Files.readString(Project.root().resolve("templates/workers/docker-compose.workers.yml"));
        Files.writeString(mine.resolve("docker-compose.workers.yml"), built.replace("\n  backtest-worker-2:\n", """

                  agent-1:
                    <<: *worker
                    profiles: [agents]
                    command: [python, -m, uvicorn, "ktrdr.agents.workers.design_agent_worker:app", --port, "5010"]
                    environment:
                      <<: *environment
                      KTRDR_WORKER_ID: ${NODE:?}-agent-1
                      KTRDR_WORKER_TYPE: ${AGENT:?}
                      KTRDR_WORKER_PORT: "5010"
                      KTRDR_WORKER_PUBLIC_BASE_URL: http://${WORKER_HOSTNAME:?}:5010
                    ports: ["5010:5010"]
                    healthcheck: *health
                    x-ktrdr: {worker: agent_design}

                  backtest-worker-2:
                """));
        return World.inventory(folder, "tracing: {service: ktrdr-api}",
                "tracing: {service: ktrdr-api}\ntemplates: mine", "directory: /opt/ktrdr-workers-b, scale: 2",
                "directory: /opt/ktrdr-workers-b, scale: 2, profiles: [agents], variables: {AGENT: agent_design}")
                .toString();
    }

    @Test
    void a_worker_of_another_type_is_one_of_its_node() throws IOException {
        var mine = withAgent();
        try {
            var made = good("deploy", "workers", "B", "--tag", OLDER, "-i", mine);
            assertTrue(made.err().contains("5 of 5 registered"), made::toString);
            good("deploy", "core", "prometheus", "-i", mine);
            var verified = good("verify", "--quick", "--wait", "60s", "-i", mine, "-o", "json");
            checked(verified, "workers-b.agent-1.registered", "workers-b.agent-1.container",
                    "target.workers-b.agent-1");
            assertTrue(!verified.out().contains("workers-c.agent-1"), "its profile is off there");
            good("scale", "B", "1", "-i", mine);
            var names = World.on("workers-b", "docker ps --filter label=com.docker.compose.project=ktrdr-workers "
                    + "--format '{{.Names}}' | sort | xargs");
            assertEquals("backtest-worker-1 ktrdr-workers-agent-1-1 training-worker-1", names);
        } finally {
            good("deploy", "workers", "B", "--tag", OLDER);
            good("deploy", "core", "prometheus");
            // the backend would know it as gone for five minutes
            good("restart", "core", "backend");
        }
        assertEquals("none", World.on("workers-b", "docker inspect --format yes agent-1 2>/dev/null || echo none"));
    }

    /** What Compose on a node reads in a file, and what is read here. */
    @Test
    void compose_reads_the_same() throws IOException {
        var text = Files.readString(Path.of(with(SERVICES)).resolveSibling("mine/core/docker-compose.core.yml"));
        for (var host : List.of("core", "workers-b")) {
            var stack = host.equals("core") ? "core" : "workers";
            var compose = host.equals("core") ? text
                    : Files.readString(Project.root().resolve("templates/workers/docker-compose.workers.yml"));
            var env = World.on(host, "cat /opt/ktrdr-" + host + "/.env." + stack) + "\n";
            var read = ComposeFile.read(List.of(new NodeFile("compose.yml", compose, "644")), env, "shop");
            var seen = new ObjectMapper().readTree(World.on(host, "export KTRDR_DB_USER=u KTRDR_DB_PASSWORD=p "
                    + "KTRDR_AUTH_JWT_SECRET=j GF_SECURITY_ADMIN_PASSWORD=g\ncat >/dev/shm/compared.yml <<'COMPOSE'\n"
                    + compose + "\nCOMPOSE\ndocker compose --project-directory /opt/ktrdr-" + host + " --env-file "
                    + "/opt/ktrdr-" + host + "/.env." + stack + " -f /dev/shm/compared.yml config --format json; "
                    + "rm /dev/shm/compared.yml"));
            assertEquals(seen.path("name").asText(), read.project());
            var services = new TreeMap<String, String>();
            seen.path("services").fields().forEachRemaining(service -> {
                var ports = new TreeMap<Integer, Integer>();
                service.getValue().path("ports").forEach(port -> ports.put(port.path("target").asInt(),
                        Integer.parseInt(port.path("published").asText())));
                services.put(service.getKey(), service.getValue().path("image").asText() + " "
                        + service.getValue().path("container_name").asText() + " " + ports);
            });
            var ours = new TreeMap<String, String>();
            read.active().forEach(name -> ours.put(name, read.services().get(name).image() + " "
                    + read.services().get(name).container() + " " + read.services().get(name).ports()));
            assertEquals(services, ours);
        }
    }
}
