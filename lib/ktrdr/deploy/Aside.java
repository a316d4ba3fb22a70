package ktrdr.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import ktrdr.Json;
import ktrdr.Sh;
import ktrdr.drain.WorkerStops;
import ktrdr.node.DatabaseData;

/**
 * Puts a container aside: it stays as a stopped container with another name, which Compose does not count as its own
 * and the Engine does not start by itself. And puts it back.
 *
 * The labels by which Compose knows a container cannot be changed. So each of the two is created from what {@code
 * docker inspect} reports of the other, by the Engine's own interface (POST /containers/create), which takes the same
 * words. Both have the data in volumes; data in the container's own layer has to be committed to an image.
 */
final class Aside {
    /** The end of the name of a container that is aside. */
    static final String ENDING = "-before-takeover";
    /** The label with its previous name. */
    static final String LABEL = "ktrdr.takeover";
    private static final String RESTART = LABEL + ".restart";
    private static final String IMAGE = LABEL + ".image";
    /** The prefix that hides labels from Compose. */
    private static final String BEFORE = LABEL + ".label.";
    private static final String COMPOSE = "com.docker.compose.";

    /**
     * The shell function {@code engine PATH LENGTH BODY}: it asks the Engine to create something, through docker's own
     * client, which knows where the Engine is.
     */
    static final String ENGINE = """
            engine() {
              printf 'POST /v1.44%s HTTP/1.1\\r\\nHost: docker\\r\\nContent-Type: \
            application/json\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' "$1" "$2" "$3" \\
                | docker system dial-stdio | tr -d '\\r' | {
                IFS= read -r line || line=nothing
                case $line in
                  *' 201 '*) cat >/dev/null ;;
                  *) echo "the Engine answered $line: $(sed -n 's/.*"message":"\\(.*\\)".*/\\1/p')" >&2; return 1 ;;
                esac
              }
            }
            """;

    private Aside() {}

    /**
     * The shell line that creates the container which is kept aside.
     *
     * @param image to create it from instead, with the data of its own layer
     */
    static String put(JsonNode inspected, Optional<String> image) {
        return create(name(inspected) + ENDING,
                body(inspected, Optional.of(image.orElse(inspected.path("Image").asText()))));
    }

    /** The shell line that creates the original container again. */
    static String back(JsonNode inspected) {
        return create(name(inspected).replaceFirst(ENDING + "$", ""), body(inspected, Optional.empty()));
    }

    /**
     * Shell lines that stop containers, side by side: each with the grace that it was made with, but a worker that says
     * that it is idle as {@link WorkerStops} does, since it would not go at SIGTERM. They exit with 1 where one could
     * not be stopped.
     */
    static String stop(List<String> names) {
        return "stop() {\n" + """
                  set -- "$0" "$1" "$(docker port "$1" 2>/dev/null | sed -n 's,^\\([0-9]*\\)/tcp.*,\\1,p' | head -n 1)"
                  if [ -n "$3" ] && HEALTH | grep -q '"worker_status": *"idle"'; then STOP "$2"; else docker stop \
                "$2"; fi >/dev/null
                }
                stops=''
                for name in NAMES; do stop "$name" & stops="$stops $!"; done
                for one in $stops; do wait "$one" || exit 1; done
                """.replace("HEALTH", WorkerStops.HEALTH).replace("STOP", WorkerStops.STOP)
                .replace("NAMES", Sh.words(names));
    }

    static String name(JsonNode inspected) {
        return inspected.path("Name").asText().replaceFirst("^/", "");
    }

    private static String create(String name, String body) {
        return "engine " + Sh.words(List.of("/containers/create?name=" + name,
                String.valueOf(body.getBytes(StandardCharsets.UTF_8).length), body)) + "\n";
    }

    private static String body(JsonNode inspected, Optional<String> aside) {
        var config = map(inspected.path("Config"));
        var host = map(inspected.path("HostConfig"));
        var labels = new TreeMap<String, Object>();
        map(inspected.path("Config").path("Labels"))
                .forEach((key, value) -> labels.put(key, ((JsonNode) value).asText()));
        if (aside.isPresent()) putAside(inspected, aside.get(), labels, host, config);
        else putBack(inspected, labels, host, config);
        config.put("Labels", labels);
        host.put("Binds", binds(inspected));
        config.put("HostConfig", host);
        config.put("NetworkingConfig", Map.of("EndpointsConfig", networks(inspected)));
        return Json.line(config);
    }

    /** Hides what Compose and the Engine know the container by, and keeps it in labels of the toolkit. */
    private static void putAside(JsonNode inspected, String image, Map<String, Object> labels,
            Map<String, Object> host, Map<String, Object> config) {
        for (var key : List.copyOf(labels.keySet())) if (key.startsWith(COMPOSE)) {
            labels.put(BEFORE + key, labels.get(key));
            // empty, not gone: an image that was made of the container has its labels, and Compose would take a
            // container of that image for its own
            labels.put(key, "");
        }
        labels.put(LABEL, name(inspected));
        labels.put(RESTART, Json.line(host.getOrDefault("RestartPolicy", Map.of())));
        labels.put(IMAGE, inspected.path("Config").path("Image").asText());
        host.put("RestartPolicy", Map.of("Name", "no"));
        config.put("Image", image);
    }

    private static void putBack(JsonNode inspected, Map<String, Object> labels, Map<String, Object> host,
            Map<String, Object> config) {
        var policy = String.valueOf(labels.get(RESTART));
        var reference = String.valueOf(labels.get(IMAGE));
        for (var key : List.copyOf(labels.keySet()))
            if (key.startsWith(BEFORE)) labels.put(key.substring(BEFORE.length()), labels.remove(key));
        labels.keySet().removeIf(key -> key.startsWith(LABEL));
        host.put("RestartPolicy", Json.parse(policy, "a label of the toolkit"));
        // the image itself, if the reference names another by now
        if (inspected.path("reference-id").asText().equals(inspected.path("Image").asText()))
            config.put("Image", reference);
    }

    private static Map<String, Object> map(JsonNode object) {
        var map = new LinkedHashMap<String, Object>();
        object.properties().forEach(field -> map.put(field.getKey(), field.getValue()));
        return map;
    }

    /** Its binds, and the volumes that the Engine named for it: a new container would get new ones. */
    private static List<String> binds(JsonNode inspected) {
        var binds = new ArrayList<String>();
        for (var bind : inspected.path("HostConfig").path("Binds")) binds.add(bind.asText());
        for (var mount : inspected.path("Mounts")) {
            var destination = mount.path("Destination").asText();
            boolean known = binds.stream().anyMatch(bind -> bind.contains(":" + destination));
            for (var json : inspected.path("HostConfig").path("Mounts"))
                known |= json.path("Target").asText().equals(destination) && !json.path("Source").asText().isEmpty();
            if (!known && mount.path("Name").asText().matches(DatabaseData.ANONYMOUS))
                binds.add(mount.path("Name").asText() + ":" + destination);
        }
        return binds;
    }

    /** The networks that it names itself, with its aliases except its id. */
    private static Map<String, Object> networks(JsonNode inspected) {
        var networks = new LinkedHashMap<String, Object>();
        if (inspected.path("HostConfig").path("NetworkMode").asText().matches("host|none|bridge|default|container:.*"))
            return networks;
        inspected.path("NetworkSettings").path("Networks").properties().forEach(network -> {
            var aliases = new ArrayList<String>();
            for (var alias : network.getValue().path("Aliases"))
                if (!inspected.path("Id").asText().startsWith(alias.asText())) aliases.add(alias.asText());
            var endpoint = new LinkedHashMap<String, Object>();
            endpoint.put("Aliases", aliases);
            endpoint.put("IPAMConfig", network.getValue().path("IPAMConfig"));
            endpoint.put("Links", network.getValue().path("Links"));
            networks.put(network.getKey(), endpoint);
        });
        return networks;
    }
}
