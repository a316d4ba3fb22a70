package ktrdr.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Stream;
import ktrdr.Json;

/** What `docker inspect` answers about one container, in the parts that {@link #FORMAT} asks for. */
record ContainerAnswer(JsonNode json) {
    /** Leaves out the environment, which has secrets in it. */
    static final String FORMAT = "{\"Id\":{{json .Id}},\"Name\":{{json .Name}},\"Image\":{{json .Image}},"
            + "\"RestartCount\":{{json .RestartCount}},\"State\":{{json .State}},"
            + "\"Config\":{\"Image\":{{json .Config.Image}},\"Labels\":{{json .Config.Labels}}}}";
    /** The label of a container for one command, as `docker compose run` makes them. */
    private static final String ONE_OFF = "com.docker.compose.oneoff";

    /** One for each line. A line of invalid JSON is a {@link ktrdr.Problem}. */
    static Stream<ContainerAnswer> parse(String lines) {
        return lines.lines().filter(line -> !line.isBlank())
                .map(line -> new ContainerAnswer(Json.parse(line, "docker")));
    }

    /** Whether it was made for one command, as by `docker compose run`. */
    boolean oneOff() {
        return label(ONE_OFF).equals("True");
    }

    private String label(String name) {
        return json.path("Config").path("Labels").path(name).asText();
    }

    Docker.Container container() {
        var state = json.path("State");
        return new Docker.Container(json.path("Id").asText(), json.path("Name").asText().replaceFirst("^/", ""),
                label(Docker.SERVICE), json.path("Config").path("Image").asText(), json.path("Image").asText(),
                state.path("Status").asText(), state.path("Health").path("Status").asText(""),
                json.path("RestartCount").asInt(), state.path("ExitCode").asInt(), state.path("StartedAt").asText(),
                label(Docker.CONFIG_HASH), label(Docker.FOLDER));
    }
}
