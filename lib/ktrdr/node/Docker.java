package ktrdr.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import java.lang.module.ModuleDescriptor.Version;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.ScriptExit;
import ktrdr.Sh;

/** Containers and images as the Docker Engine reports them: scripts that ask, and the answers as records. */
public final class Docker {
    /** The label by which Compose marks the containers of a project. */
    public static final String PROJECT = "com.docker.compose.project";
    public static final String SERVICE = "com.docker.compose.service";
    /** The label in which Compose notes what a container was made from. */
    static final String CONFIG_HASH = "com.docker.compose.config-hash";
    /** The label with the folder that Compose ran in. */
    static final String FOLDER = "com.docker.compose.project.working_dir";
    /** That of the exporter of a node's metrics. */
    public static final String METRICS_PROJECT = "ktrdr-metrics";
    /** After {@link #sayContainers}: the command that prints the image's id of each. */
    public static final String IMAGES =
            "printf '%s\\n' \"$containers\" | sed -n "
                    + "'s/^{\"Id\":\"[^\"]*\",\"Name\":\"[^\"]*\",\"Image\":\"\\([^\"]*\\)\".*/\\1/p'";

    /**
     * The oldest versions that accept the toolkit's Compose files: they know {@code start_interval}, by which a start
     * is known to be healthy within a second or two.
     */
    public static final String OLDEST_ENGINE = "25.0";
    public static final String OLDEST_COMPOSE = "2.20.2";

    private Docker() {}

    /**
     * Whether a version as Docker prints it (26.1.5+dfsg1, v2.26.1-4) is this one or newer; an empty version is not.
     */
    public static boolean atLeast(String oldest, String version) {
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
     * @param configHash Compose's hash of the configuration it was made from; {@link ComposeChanges} compares it
     * @param folder that Compose ran in; empty for a container that Compose did not make
     */
    public record Container(String id, String name, String service, String image, String imageId, String status,
            String health, int restarts, int exitCode, String startedAt, String configHash, String folder) {

        /** Whether its process runs. */
        public boolean running() {
            return status.equals("running");
        }

        /** The tag of its image's reference; empty if it has none. */
        public String tag() {
            var name = image.replaceFirst("@.*$", "");
            name = name.substring(name.lastIndexOf('/') + 1);
            return name.contains(":") ? name.substring(name.indexOf(':') + 1) : "";
        }

        /** Whether it runs, and is healthy where it has a health check. */
        public boolean healthy() {
            return running() && (health.isEmpty() || health.equals("healthy"));
        }

        /** Whether it was made to take the place of another and never ran: see {@link #removePassing}. */
        public boolean passing() {
            return status.equals("created") && name.matches("[0-9a-f]{12}_.*");
        }

        /** Whether it runs, and its health check fails for long enough. */
        public boolean unhealthy() {
            return running() && health.equals("unhealthy");
        }

        /** In words: "running, healthy" or "restarting, 4 restarts, last exit code 1". */
        public String state() {
            var words = new StringBuilder(status);
            if (running() && !health.isEmpty()) words.append(", ").append(health);
            if (restarts > 0) words.append(", ").append(restarts).append(restarts == 1 ? " restart" : " restarts");
            // Docker reports 0 for a container that runs again, whatever its previous exit code
            if (!running()) words.append(", last exit code ").append(exitCode);
            return words.toString();
        }
    }

    /**
     * What a service was started from.
     *
     * @param reference such as registry/name:tag; {@code id} is what that was at the time
     * @param digest name@sha256:… as its registry knows it; empty for an image that came from none
     * @param hash Compose's of the configuration that its container was made from, {@code folder} where that was; empty
     *     if unknown
     */
    public record Image(String reference, String id, String digest,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) String hash,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) String folder) {

        /** An image without a known container. */
        public Image(String reference, String id, String digest) {
            this(reference, id, digest, "", "");
        }

        /**
         * Whether an image is this one, by its id or by the digests that its registries know it by; an image with
         * neither may be any.
         */
        public boolean is(String other, List<String> digests) {
            return id.isEmpty() && digest.isEmpty() || id.equals(other)
                    || !digest.isEmpty() && digests.contains(digest);
        }
    }

    /** The fix for an Engine that does not answer: install it, or start it. */
    public static String startOrInstall(String said, String user) {
        return said.startsWith("docker is not installed")
                ? "apt-get install docker.io docker-compose (Debian 13), or docker-ce and docker-compose-plugin from "
                        + "Docker's own packages"
                : "systemctl enable --now docker; check that " + user + " may use it";
    }

    /**
     * Shell lines that define {@code container}: that of a service of this name, unless Compose's labels say that it
     * was renamed.
     */
    public static String container(String project, String service, String name) {
        return Sh.let("container", name) + """
                named=
                for one in $(docker ps -a --filter label=com.docker.compose.project=PROJECT --filter \
                label=com.docker.compose.service=SERVICE \\
                    --filter label=com.docker.compose.oneoff=False --format '{{.Names}}' 2>/dev/null); do
                  [ "$named" = "$container" ] || named=$one
                done
                container=${named:-$container}
                """.replace("PROJECT", project).replace("SERVICE", service);
    }

    /** A script that prints one line of JSON for each container of a Compose project, stopped ones too. */
    public static String containersOf(String project) {
        return "ids=$(" + idsOf(project) + ")\n"
                + "[ -z \"$ids\" ] || docker inspect --format " + Sh.quote(ContainerAnswer.FORMAT) + " $ids\n";
    }

    /** Shell lines that say the same as facts, with {@code say} defined. */
    public static String sayContainers(String project) {
        return "containers=$(\n" + containersOf(project)
                + ") || :\n[ -z \"$containers\" ] || printf '%s\\n' \"$containers\" | while IFS= read -r line; do say "
                + "container \"$line\"; done\n";
    }

    /** The command that prints the id of each container of a Compose project, stopped ones too. */
    public static String idsOf(String project) {
        return "docker ps -aq --no-trunc --filter label=" + PROJECT + "=" + Sh.quote(project);
    }

    /**
     * Shell lines that hand the id of each of these images, and its references by digest as JSON, to a function; an
     * image that is gone is skipped.
     */
    public static String digests(String ids, String function) {
        return "docker image inspect --format '{{.Id}} {{json .RepoDigests}}' " + ids
                + " 2>/dev/null | sort -u | while read -r id digests; do " + function + " \"$id\" \"$digests\"; done\n";
    }

    /** The answer of {@link #digests}: image id to references such as ghcr.io/kpiteira/ktrdr-backend@sha256:…. */
    public static Map<String, List<String>> digests(Map<String, String> answer) {
        var digests = new TreeMap<String, List<String>>();
        answer.forEach((id, json) -> digests.put(id,
                StreamSupport.stream(Json.parse(json, "docker").spliterator(), false).map(JsonNode::asText).toList()));
        return digests;
    }

    /** The one of these references by digest that is of the repository of a reference by tag. */
    public static Optional<String> digest(String reference, List<String> digests) {
        return digests.stream().filter(digest -> digest.startsWith(repository(reference) + "@")).findFirst();
    }

    /** The images of these containers by service, with the digests by image id. */
    public static Map<String, Image> images(List<Container> containers, Map<String, List<String>> digests) {
        var images = new TreeMap<String, Image>();
        for (var container : containers)
            images.putIfAbsent(container.service(), new Image(container.image(), container.imageId(),
                    digest(container.image(), digests.getOrDefault(container.imageId(), List.of())).orElse(""),
                    container.configHash(), container.folder()));
        return images;
    }

    /** A reference without its tag and digest. */
    public static String repository(String reference) {
        var name = reference.replaceFirst("@.*$", "");
        int colon = name.indexOf(':', name.lastIndexOf('/') + 1);
        return colon < 0 ? name : name.substring(0, colon);
    }

    /**
     * Shell lines that remove what a Compose that was killed left: containers that were made to take the place of
     * others under a passing name (12 digits of the other's id in front, as Compose 2 makes them), and never ran. A
     * later Compose would stumble over their names.
     */
    public static String removePassing(String project) {
        return "left=$(docker ps -a --no-trunc --filter status=created --filter label=" + PROJECT + "=" +
                Sh.quote(project) + " --format '{{.ID}} {{.Names}}' | sed -n 's/ [0-9a-f]\\{12\\}_.*//p')\n"
                + "[ -z \"$left\" ] || docker rm $left >/dev/null || exit " + ScriptExit.DOCKER_FAILED.code + "\n";
    }

    /**
     * The answer of {@link #containersOf}, by service, of several of one those first that Compose made; all of the
     * project but those for one command. A line of invalid JSON is a {@link Problem}.
     */
    public static List<Container> containers(String lines) {
        return ContainerAnswer.parse(lines).filter(answer -> !answer.oneOff()).map(ContainerAnswer::container)
                .sorted(Comparator.comparing(Container::service)
                        .thenComparing(container -> container.configHash().isEmpty()).thenComparing(Container::passing))
                .toList();
    }

    /** The answer of {@link #sayContainers}, by service. */
    public static List<Container> containers(Facts facts) {
        return containers(String.join("\n", facts.all("container")));
    }

    /** The container of a Compose service; empty if there is none. */
    public static Optional<Container> service(List<Container> containers, String service) {
        return containers.stream().filter(container -> container.service().equals(service)).findFirst();
    }

    /**
     * A script that prints the last lines of a container's log without its secrets ({@link LogMask}), standard error in
     * among standard output.
     */
    public static String logTail(String container, int lines) {
        return LogMask.shell() + "docker logs --tail " + lines + " " + Sh.quote(container) + " 2>&1 | masked "
                + Sh.quote(container) + " || true\n";
    }
}
