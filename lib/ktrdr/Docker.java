package ktrdr;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Containers and images as the Docker Engine tells of them: scripts to ask, and the answers as records. */
public final class Docker {
    /** The label by which Compose marks the containers of a project. */
    static final String PROJECT = "com.docker.compose.project";
    static final String SERVICE = "com.docker.compose.service";
    /** What is asked of a container; not its environment, which has the secrets in it. */
    private static final String CONTAINER = "{\"Id\":{{json .Id}},\"Name\":{{json .Name}},\"Image\":{{json .Image}},\"RestartCount\":{{json .RestartCount}},"
            + "\"State\":{{json .State}},\"Config\":{\"Image\":{{json .Config.Image}},\"Labels\":{{json .Config.Labels}}}}";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Docker() {}

    /**
     * One container.
     *
     * @param service what Compose calls it
     * @param image the reference it was started from; {@code imageId} is what that was at the time
     * @param status created, running, restarting, paused, exited or dead
     * @param health healthy, unhealthy or starting; empty for an image without a health check
     * @param startedAt UTC, as the Engine prints it
     */
    public record Container(String id, String name, String service, String image, String imageId, String status, String health,
            int restarts, int exitCode, String startedAt) {

        public boolean running() {
            return status.equals("running");
        }

        /** The tag of its image's reference; empty where it has none. */
        public String tag() {
            var name = image.replaceFirst("@.*$", "");
            name = name.substring(name.lastIndexOf('/') + 1);
            return name.contains(":") ? name.substring(name.indexOf(':') + 1) : "";
        }

        public boolean healthy() {
            return running() && (health.isEmpty() || health.equals("healthy"));
        }

        /** In words: "running, healthy" or "restarting, 4 restarts, last exit code 1". */
        public String state() {
            var words = new StringBuilder(status);
            if (running() && !health.isEmpty()) words.append(", ").append(health);
            if (restarts > 0) words.append(", ").append(restarts).append(restarts == 1 ? " restart" : " restarts");
            if (!running() || restarts > 0) words.append(", last exit code ").append(exitCode);
            return words.toString();
        }
    }

    /** A script that prints one line of JSON for each container of a Compose project, stopped ones too. */
    public static String containersOf(String project) {
        return "ids=$(docker ps -aq --no-trunc --filter label=" + PROJECT + "=" + Sh.quote(project) + ")\n"
                + "[ -z \"$ids\" ] || docker inspect --format " + Sh.quote(CONTAINER) + " $ids\n";
    }

    /** The answer of {@link #containersOf}, by service. A line that is no such JSON is a {@link Problem}. */
    public static List<Container> containers(String lines) {
        var containers = new ArrayList<Container>();
        lines.lines().filter(line -> !line.isBlank()).forEach(line -> containers.add(container(json(line))));
        containers.sort((a, b) -> a.service().compareTo(b.service()));
        return containers;
    }

    public static Optional<Container> service(List<Container> containers, String service) {
        return containers.stream().filter(container -> container.service().equals(service)).findFirst();
    }

    private static Container container(JsonNode node) {
        var state = node.path("State");
        return new Container(node.path("Id").asText(), node.path("Name").asText().replaceFirst("^/", ""),
                node.path("Config").path("Labels").path(SERVICE).asText(), node.path("Config").path("Image").asText(),
                node.path("Image").asText(), state.path("Status").asText(), state.path("Health").path("Status").asText(""),
                node.path("RestartCount").asInt(), state.path("ExitCode").asInt(), state.path("StartedAt").asText());
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw Problem.failed("docker did not answer in JSON").expected("one JSON object a line").found(Console.brief(text, 200));
        }
    }

    /** An object as one line of JSON. */
    static String line(Object object) {
        try {
            return JSON.writeValueAsString(object);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a JSON object", e);
        }
    }

    /**
     * A script that logs in to a registry for as long as it runs, then pulls images side by side.
     *
     * The token comes from the variable REGISTRY_TOKEN and goes to docker on standard input; the login lives in a
     * DOCKER_CONFIG on tmpfs that is removed on every way out. Exit codes: 10 no tmpfs, 11 login refused, 12 a pull failed.
     */
    public static String pull(String registry, String username, List<String> images) {
        return Sh.let("registry", registry) + Sh.let("username", username) + """
                for place in /dev/shm /run; do
                  [ "$(stat -f -c %T "$place" 2>/dev/null)" = tmpfs ] && [ -w "$place" ] && break
                  place=
                done
                [ -n "$place" ] || { echo "neither /dev/shm nor /run is a tmpfs that can be written" >&2; exit 10; }
                config=$(mktemp -d "$place/ktrdr.XXXXXX")
                login=
                # docker may be deaf to TERM while it waits for the registry, and would write the login after all
                trap 'trap "" HUP INT TERM PIPE; [ -z "$login" ] || kill -s KILL "$login" 2>/dev/null || :; rm -rf "$config"' EXIT
                trap 'exit 130' HUP INT TERM PIPE
                export DOCKER_CONFIG="$config"
                # in the background, since a shell that waits hears a signal and one with a command in front does not
                printf %s "$REGISTRY_TOKEN" | docker login --username "$username" --password-stdin "$registry" >/dev/null 2>"$config/said" &
                login=$!
                wait "$login" || {
                  cat "$config/said" >&2
                  exit 11
                }
                login=
                unset REGISTRY_TOKEN
                pull() { docker pull -q "$1" 2>&1 >/dev/null || printf '%s\\n' "$1" >>"$config/failed"; }
                """ + "for image in " + Sh.words(images) + "; do pull \"$image\" >&2 & done\nwait\n" + """
                [ ! -e "$config/failed" ] || { cat "$config/failed"; exit 12; }
                """;
    }

    /** A script that prints the last lines of a container's log, standard error in among standard output. */
    public static String logTail(String container, int lines) {
        return "docker logs --tail " + lines + " " + Sh.quote(container) + " 2>&1 || true\n";
    }
}
