package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.LocalCommand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Moves a container aside and restores it: the requests to the Docker Engine. */
class AsideTest {
    private static final String ANONYMOUS = "a".repeat(64);
    private static final String CONTAINER = """
            {"Id": "abcdef0123", "Name": "/ktrdr-db", "Image": "sha256:1", "Config": {"Image": \
            "timescale/timescaledb-ha:pg15", "User": "postgres", "StopTimeout": 60,
             "Env": ["POSTGRES_PASSWORD=it's a \\"word\\"", "A=ü"], "Labels": {"com.docker.compose.project": \
            "ktrdr-core", "mine": "1"}},
             "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "NetworkMode": \
            "ktrdr-core_ktrdr-core", "Binds": ["/etc/x:/x:ro"],
             "Mounts": [{"Type": "volume", "Source": "ktrdr-core_postgres_data", "Target": \
            "/var/lib/postgresql/data"}]},
             "Mounts": [{"Type": "volume", "Name": "NAME", "Destination": "/home/postgres/pgdata/data"}, {"Type": \
            "bind", "Destination": "/x"},
             {"Type": "volume", "Name": "ktrdr-core_postgres_data", "Destination": "/var/lib/postgresql/data"}],
             "NetworkSettings": {"Networks": {"ktrdr-core_ktrdr-core": {"Aliases": ["ktrdr-db", "db", "abcdef0123"], \
            "IPAMConfig": null, "Links": null, "IPAddress": "172.18.0.2"}}}}
            """.replace("NAME", ANONYMOUS);

    private static ObjectNode container() {
        return (ObjectNode) Json.parse(CONTAINER, "a test");
    }

    /** The request body after the shell has processed it. */
    private static JsonNode asked(String line, String path) {
        var ran = LocalCommand.command("sh", "-s").input("engine() { printf '%s\\n' \"$1\" \"$2\" \"$3\"; }\n" + line)
                .must().out().split("\n", 3);
        assertEquals(path, ran[0]);
        assertEquals(String.valueOf(ran[2].strip().getBytes(StandardCharsets.UTF_8).length), ran[1]);
        return Json.parse(ran[2], "a test");
    }

    @Test
    void a_container_aside_differs_only_in_name_restarts_and_labels() {
        var body = asked(Aside.put(container(), Optional.empty()), "/containers/create?name=ktrdr-db-before-takeover");
        assertEquals("sha256:1 no", body.path("Image").asText() + " " + body.path("HostConfig").path("RestartPolicy")
                .path("Name").asText());
        assertEquals("", body.path("Labels").path("com.docker.compose.project").asText("none"),
                "empty, so that one of an image is none either");
        assertEquals("1 ktrdr-db",
                body.path("Labels").path("mine").asText() + " " + body.path("Labels").path("ktrdr.takeover").asText());
        for (var same : new String[] {"User", "StopTimeout", "Env"})
            assertEquals(container().path("Config").path(same), body.path(same));
    }

    @Test
    void a_container_aside_keeps_anonymous_volumes_and_network_names() {
        var body = asked(Aside.put(container(), Optional.empty()), "/containers/create?name=ktrdr-db-before-takeover");
        assertEquals("[\"/etc/x:/x:ro\",\"" + ANONYMOUS + ":/home/postgres/pgdata/data\"]",
                body.path("HostConfig").path("Binds").toString());
        assertEquals("[\"ktrdr-db\",\"db\"]", body.path("NetworkingConfig").path("EndpointsConfig")
                .path("ktrdr-core_ktrdr-core").path("Aliases").toString());
    }

    @Test
    void stops_an_idle_worker_at_once_and_others_after_their_grace(@TempDir Path folder) throws IOException {
        Fixtures.program(folder.resolve("docker"), """
                case "$1 $2" in
                  'port ktrdr-jaeger') printf '16686/tcp -> 0.0.0.0:16686\\n4317/tcp -> 0.0.0.0:4317\\n' ;;
                  'port '*) printf '5003/tcp -> 0.0.0.0:5003\\n5003/tcp -> [::]:5003\\n' ;;
                  'exec idle-worker') case $* in *' http://localhost:5003/health') echo '{"worker_status": "idle"}' \
                ;; esac ;;
                  'exec busy-worker') echo '{"worker_status":"busy"}' ;;
                  'exec '*) exit 22 ;;
                  stop*) case $* in *stuck) exit 1 ;; *) echo "$*" >>FOLDER/calls ;; esac ;;
                esac""".replace("FOLDER", folder.toString()));
        var ran = LocalCommand.command("sh", "-eu").env("PATH", folder + ":" + System.getenv("PATH"))
                .input(Aside.stop(List.of("idle-worker", "busy-worker", "ktrdr-jaeger"))).must();
        assertEquals(List.of("stop --signal INT -t 2 idle-worker", "stop busy-worker", "stop ktrdr-jaeger"),
                Files.readAllLines(folder.resolve("calls")).stream().sorted().toList(), ran::toString);
        assertEquals(1, LocalCommand.command("sh").env("PATH", folder + ":" + System.getenv("PATH"))
                .input(Aside.stop(List.of("idle-worker", "stuck"))).run().exit());
    }

    @Test
    void back_it_is_what_it_was() {
        var aside = container();
        var body = (ObjectNode) asked(Aside.put(container(), Optional.empty()),
                "/containers/create?name=ktrdr-db-before-takeover");
        aside.put("Name", "/ktrdr-db-before-takeover").put("reference-id", "sha256:1")
                .set("HostConfig", body.path("HostConfig"));
        aside.set("Config", body);
        var back = asked(Aside.back(aside), "/containers/create?name=ktrdr-db");
        assertEquals("timescale/timescaledb-ha:pg15", back.path("Image").asText());
        assertEquals(container().path("Config").path("Labels"), back.path("Labels"));
        assertEquals(container().path("HostConfig").path("RestartPolicy"),
                back.path("HostConfig").path("RestartPolicy"));
    }

    @Test
    void keeps_its_exact_image_when_the_reference_has_moved() {
        var body = (ObjectNode) asked(Aside.put(container(), Optional.of("ktrdr-before-takeover:ktrdr-db")),
                "/containers/create?name=ktrdr-db-before-takeover");
        assertEquals("ktrdr-before-takeover:ktrdr-db", body.path("Image").asText());
        var aside = container();
        aside.put("Name", "/ktrdr-db-before-takeover").put("reference-id", "sha256:2")
                .set("HostConfig", body.path("HostConfig"));
        aside.set("Config", body);
        assertEquals("ktrdr-before-takeover:ktrdr-db", asked(Aside.back(aside), "/containers/create?name=ktrdr-db")
                .path("Image").asText());
    }

    @Test
    void one_on_the_host_s_own_network_names_none() {
        var objectNode = container();
        ((ObjectNode) objectNode.path("HostConfig")).put("NetworkMode", "host");
        assertEquals("{}",
                asked(Aside.put(objectNode, Optional.empty()), "/containers/create?name=ktrdr-db-before-takeover")
                        .path("NetworkingConfig").path("EndpointsConfig").toString());
    }
}
