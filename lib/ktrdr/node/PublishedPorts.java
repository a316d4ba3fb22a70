package ktrdr.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import ktrdr.Facts;
import ktrdr.Json;

/**
 * Which container publishes which port of a node: asked of the Engine itself where its socket is where it usually is
 * and curl is there, else by docker's client.
 */
final class PublishedPorts {
    private static final String PORT = "ktrdr.port";

    private PublishedPorts() {}

    /**
     * The shell function {@code published}: it says a fact {@code publishes} for each container that runs, or
     * {@code running}, the Engine's own list in pieces.
     */
    static final String SCRIPT = """
            published() {
              socket=/var/run/docker.sock
              # each start of docker's client is a twentieth of a second of the node
              if [ -z "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}" ] && [ -w "$socket" ] && said=$(curl -sf -m 10 \
            --unix-socket "$socket" http://docker/containers/json 2>/dev/null); then
                # a longer line could be torn by what is said beside it
                for piece in $(printf %s "$said" | base64 -w 3000); do say running "$piece"; done
                return
              fi
              # for a container that ended in between Docker answers an empty line
              ids=$(docker ps -q)
              [ -z "$ids" ] || docker inspect --format '{"name":{{json .Name}},"project":{{json (index .Config.Labels \
            "com.docker.compose.project")}},"port":{{json (index .Config.Labels "ktrdr.port")}},"ports":{{json \
            .NetworkSettings.Ports}}}' $ids |
                while IFS= read -r line; do [ -z "$line" ] || say publishes "$line"; done
            }
            """;

    /**
     * Port of the host to the container that publishes it; a container on the host's own network names its port in a
     * label.
     */
    static Map<Integer, MachineFacts.Publisher> parse(Facts facts) {
        var publishers = new TreeMap<Integer, MachineFacts.Publisher>();
        var running = String.join("", facts.all("running"));
        if (!running.isEmpty())
            for (var container : Json.parse(new String(Facts.bytes(running), StandardCharsets.UTF_8), "docker")) {
                var labels = container.path("Labels");
                var publisher = publisher(publishers, container.path("Names").path(0), labels.path(Docker.PROJECT),
                        labels.path(PORT));
                for (var port : container.path("Ports"))
                    if (port.has("PublicPort")) publishers.put(port.path("PublicPort").asInt(), publisher);
            }
        for (var line : facts.all("publishes")) {
            var container = Json.parse(line, "docker");
            var publisher = publisher(publishers, container.path("name"), container.path("project"),
                    container.path("port"));
            for (var bindings : container.path("ports"))
                for (JsonNode binding : bindings) publishers.put(binding.path("HostPort").asInt(), publisher);
        }
        return publishers;
    }

    private static MachineFacts.Publisher publisher(Map<Integer, MachineFacts.Publisher> publishers, JsonNode name,
            JsonNode project, JsonNode port) {
        var publisher = new MachineFacts.Publisher(name.asText().replaceFirst("^/", ""), project.asText(""));
        if (!port.asText("").isEmpty()) publishers.put(port.asInt(), publisher);
        return publisher;
    }
}
