package ktrdr;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.module.ModuleDescriptor.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/** Containers and images as the Docker Engine tells of them: scripts to ask, and the answers as records. */
public final class Docker {
    /** The label by which Compose marks the containers of a project. */
    static final String PROJECT = "com.docker.compose.project";
    static final String SERVICE = "com.docker.compose.service";
    static final String CORE_PROJECT = "ktrdr-core";
    /** The services of ours in core's project. An installation that was taken over may have others there, such as the homelab's `mcp`: those are left alone. */
    static final List<String> CORE_SERVICES = List.of("db", "backend", "prometheus", "grafana", "jaeger", "alertmanager");
    /** The label in which Compose notes what a container was made from. */
    static final String CONFIG_HASH = "com.docker.compose.config-hash";
    /** What is asked of a container; not its environment, which has the secrets in it. */
    private static final String CONTAINER = "{\"Id\":{{json .Id}},\"Name\":{{json .Name}},\"Image\":{{json .Image}},\"RestartCount\":{{json .RestartCount}},"
            + "\"State\":{{json .State}},\"Config\":{\"Image\":{{json .Config.Image}},\"Labels\":{{json .Config.Labels}}}}";
    /** After {@link #sayContainers}: the command that prints the image's id of each. */
    static final String IMAGES = "printf '%s\\n' \"$containers\" | sed -n 's/^{\"Id\":\"[^\"]*\",\"Name\":\"[^\"]*\",\"Image\":\"\\([^\"]*\\)\".*/\\1/p'";

    /** The oldest versions that take our Compose files: those that know {@code start_interval}, by which a start is known to be healthy within a second or two. */
    static final String OLDEST_ENGINE = "25.0";
    static final String OLDEST_COMPOSE = "2.20.2";

    private static final Pattern PUBLISHED = Pattern.compile(":(\\d{1,5})(?:-(\\d{1,5}))?->");

    private Docker() {}

    /** Whether a version as Docker prints it (26.1.5+dfsg1, v2.26.1-4) is this one or newer; an empty one is none. */
    static boolean atLeast(String oldest, String version) {
        var numbers = version.replaceFirst("^v", "").split("[^0-9.]")[0];
        return numbers.matches("\\d+(\\.\\d+)*") && Version.parse(numbers).compareTo(Version.parse(oldest)) >= 0;
    }

    /**
     * One container.
     *
     * @param service what Compose calls it
     * @param image the reference it was started from; {@code imageId} is what that was at the time
     * @param status created, running, restarting, paused, exited or dead
     * @param health healthy, unhealthy or starting; empty for an image without a health check
     * @param startedAt UTC, as the Engine prints it
     * @param configHash Compose's hash of the configuration it was made from; {@link Convergence} compares it
     */
    public record Container(String id, String name, String service, String image, String imageId, String status, String health,
            int restarts, int exitCode, String startedAt, String configHash) {

        /** Whether its process runs. */
        public boolean running() {
            return status.equals("running");
        }

        /** The tag of its image's reference; empty where it has none. */
        public String tag() {
            var name = image.replaceFirst("@.*$", "");
            name = name.substring(name.lastIndexOf('/') + 1);
            return name.contains(":") ? name.substring(name.indexOf(':') + 1) : "";
        }

        /** Whether it runs, and is healthy where it has a health check. */
        public boolean healthy() {
            return running() && (health.isEmpty() || health.equals("healthy"));
        }

        /** In words: "running, healthy" or "restarting, 4 restarts, last exit code 1". */
        public String state() {
            var words = new StringBuilder(status);
            if (running() && !health.isEmpty()) words.append(", ").append(health);
            if (restarts > 0) words.append(", ").append(restarts).append(restarts == 1 ? " restart" : " restarts");
            // of one that runs again Docker says 0, whatever it ended with before
            if (!running()) words.append(", last exit code ").append(exitCode);
            return words.toString();
        }
    }

    /**
     * What a service was started from.
     *
     * @param reference such as registry/name:tag; {@code id} is what that was at the time
     * @param digest name@sha256:… as its registry knows it; empty for an image that came from none
     */
    public record Image(String reference, String id, String digest) {}

    /** A container of whatever project, none where it is not of Compose, and the ports of the node that it publishes while it runs. */
    record Beside(String name, String project, Set<Integer> ports) {}

    /** Shell lines that say every container of the node as a fact {@code beside}, with {@code say} defined. */
    static final String BESIDE = "docker ps -a --format '{{.Names}}|{{.Label \"" + PROJECT + "\"}}|{{.Ports}}' | while IFS= read -r line; do say beside \"$line\"; done\n";

    /** The answer of {@link #BESIDE}. Ports come as "0.0.0.0:8000-8001->8000-8001/tcp, [::]:8000->8000/tcp". */
    static List<Beside> beside(Facts facts) {
        return facts.all("beside").stream().map(line -> line.split("\\|", 3)).filter(parts -> parts.length == 3).map(parts -> {
            var ports = new TreeSet<Integer>();
            PUBLISHED.matcher(parts[2]).results().forEach(range -> {
                int first = Integer.parseInt(range.group(1));
                int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
                for (int port = first; port <= Math.min(last, first + 1000); port++) ports.add(port);
            });
            return new Beside(parts[0], parts[1], ports);
        }).toList();
    }

    /** A script that prints one line of JSON for each container of a Compose project, stopped ones too. */
    public static String containersOf(String project) {
        return "ids=$(" + idsOf(project) + ")\n"
                + "[ -z \"$ids\" ] || docker inspect --format " + Sh.quote(CONTAINER) + " $ids\n";
    }

    /** Shell lines that say the same as facts, with {@code say} defined. */
    static String sayContainers(String project) {
        return "containers=$(\n" + containersOf(project) + ") || :\n[ -z \"$containers\" ] || printf '%s\\n' \"$containers\" | while IFS= read -r line; do say container \"$line\"; done\n";
    }

    /** The command that prints the id of each container of a Compose project, stopped ones too. */
    static String idsOf(String project) {
        return "docker ps -aq --no-trunc --filter label=" + PROJECT + "=" + Sh.quote(project);
    }

    /** Shell lines that hand the id of each of these images, and its references by digest as JSON, to a function; one that is gone is passed over. */
    static String digests(String ids, String function) {
        return "docker image inspect --format '{{.Id}} {{json .RepoDigests}}' " + ids + " 2>/dev/null | sort -u | while read -r id digests; do " + function + " \"$id\" \"$digests\"; done\n";
    }

    /** The answer of {@link #digests}: image id to references such as ghcr.io/kpiteira/ktrdr-backend@sha256:…. */
    static Map<String, List<String>> digests(Map<String, String> answer) {
        var digests = new TreeMap<String, List<String>>();
        answer.forEach((id, json) -> digests.put(id, StreamSupport.stream(Json.parse(json, "docker").spliterator(), false).map(JsonNode::asText).toList()));
        return digests;
    }

    /** The one of these references by digest that is of the repository of a reference by tag. */
    static Optional<String> digest(String reference, List<String> digests) {
        return digests.stream().filter(one -> one.startsWith(repository(reference) + "@")).findFirst();
    }

    /** The images of these containers by service, with the digests by image id. */
    public static Map<String, Image> images(List<Container> containers, Map<String, List<String>> digests) {
        var images = new TreeMap<String, Image>();
        for (var container : containers)
            images.put(container.service(), new Image(container.image(), container.imageId(),
                    digest(container.image(), digests.getOrDefault(container.imageId(), List.of())).orElse("")));
        return images;
    }

    /** A reference without its tag and digest. */
    static String repository(String reference) {
        var name = reference.replaceFirst("@.*$", "");
        int colon = name.indexOf(':', name.lastIndexOf('/') + 1);
        return colon < 0 ? name : name.substring(0, colon);
    }

    /**
     * Shell lines that remove what a Compose that was killed left: containers that were made to take the place of others under a passing name (12 digits of the other's id
     * in front, as Compose 2 makes them), and never ran. A later Compose would stumble over their names.
     */
    static String removePassing(String project) {
        return "left=$(docker ps -a --no-trunc --filter status=created --filter label=" + PROJECT + "=" + Sh.quote(project) + " --format '{{.ID}} {{.Names}}' | sed -n 's/ [0-9a-f]\\{12\\}_.*//p')\n"
                + "[ -z \"$left\" ] || docker rm $left >/dev/null || exit 22\n";
    }

    /** The answer of {@link #containersOf}, by service; of core's project those of ours. A line that is no such JSON is a {@link Problem}. */
    public static List<Container> containers(String lines) {
        var containers = new ArrayList<Container>();
        lines.lines().filter(line -> !line.isBlank()).map(line -> Json.parse(line, "docker")).filter(Docker::ours).forEach(one -> containers.add(container(one)));
        containers.sort((a, b) -> a.service().compareTo(b.service()));
        return containers;
    }

    /** The answer of {@link #sayContainers}, by service. */
    static List<Container> containers(Facts facts) {
        return containers(String.join("\n", facts.all("container")));
    }

    /** The container of a Compose service; empty where there is none. */
    public static Optional<Container> service(List<Container> containers, String service) {
        return containers.stream().filter(container -> container.service().equals(service)).findFirst();
    }

    private static boolean ours(JsonNode container) {
        var labels = container.path("Config").path("Labels");
        return !labels.path(PROJECT).asText().equals(CORE_PROJECT) || CORE_SERVICES.contains(labels.path(SERVICE).asText());
    }

    private static Container container(JsonNode node) {
        var state = node.path("State");
        var labels = node.path("Config").path("Labels");
        return new Container(node.path("Id").asText(), node.path("Name").asText().replaceFirst("^/", ""),
                labels.path(SERVICE).asText(), node.path("Config").path("Image").asText(),
                node.path("Image").asText(), state.path("Status").asText(), state.path("Health").path("Status").asText(""),
                node.path("RestartCount").asInt(), state.path("ExitCode").asInt(), state.path("StartedAt").asText(),
                labels.path(CONFIG_HASH).asText());
    }

    /**
     * A script that logs in to a registry for as long as it runs, then pulls images side by side.
     *
     * Exit codes: those of {@link Registry#login}, and 12 where a pull failed.
     */
    public static String pull(String registry, String username, List<String> images) {
        return new Registry(registry, username).login() + """
                pull() { docker pull -q "$1" >/dev/null || printf '%s\\n' "$1" >>"$config/failed"; }
                """ + "for image in " + Sh.words(images) + "; do pull \"$image\" & done\nwait\n" + """
                [ ! -e "$config/failed" ] || { cat "$config/failed"; exit 12; }
                """;
    }

    /** A script that prints the last lines of a container's log without its secrets ({@link LogMask}), standard error in among standard output. */
    public static String logTail(String container, int lines) {
        return LogMask.shell() + "docker logs --tail " + lines + " " + Sh.quote(container) + " 2>&1 | masked " + Sh.quote(container) + " || true\n";
    }
}
