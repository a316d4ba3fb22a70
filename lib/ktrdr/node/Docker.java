package ktrdr.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import java.lang.module.ModuleDescriptor.Version;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.ScriptExit;
import ktrdr.Sh;

/** Containers and images as the Docker Engine tells of them: scripts to ask, and the answers as records. */
public final class Docker {
    /** The label by which Compose marks the containers of a project. */
    public static final String PROJECT = "com.docker.compose.project";
    public static final String SERVICE = "com.docker.compose.service";
    public static final String CORE_PROJECT = "ktrdr-core";
    /** What the Compose file puts before a service of core, in the name of its container. */
    private static final String CORE = "ktrdr-";
    /** The database's container. */
    public static final String DATABASE = CORE + "db";
    public static final String BACKEND = CORE + "backend";
    public static final String GRAFANA = CORE + "grafana";
    public static final String JAEGER = CORE + "jaeger";
    public static final String PROMETHEUS = CORE + "prometheus";
    /**
     * The services of ours in core's project. An installation that was taken over may have others there, such as the
     * homelab's `mcp`: those are left alone.
     */
    public static final List<String> CORE_SERVICES = List.of("db", "backend", "prometheus", "grafana", "jaeger",
            "alertmanager");
    /** Those of them that read files of ours. */
    static final List<String> CORE_READERS = List.of("prometheus", "grafana", "alertmanager");
    /** The label in which Compose notes what a container was made from. */
    static final String CONFIG_HASH = "com.docker.compose.config-hash";
    /**
     * The label with the folder that Compose ran in, and the one of a container for one command, as `docker compose
     * run` makes them.
     */
    static final String FOLDER = "com.docker.compose.project.working_dir";
    private static final String ONE_OFF = "com.docker.compose.oneoff";
    public static final String WORKERS_PROJECT = "ktrdr-workers";
    private static final Pattern WORKER = Pattern.compile("(backtest|training)-worker-(\\d+|gpu)");
    /** What is asked of a container; not its environment, which has the secrets in it. */
    private static final String CONTAINER =
            "{\"Id\":{{json .Id}},\"Name\":{{json .Name}},\"Image\":{{json .Image}},\"RestartCount\":{{json "
                    + ".RestartCount}},"
            + "\"State\":{{json .State}},\"Config\":{\"Image\":{{json .Config.Image}},\"Labels\":{{json "
            + ".Config.Labels}}}}";
    /** After {@link #sayContainers}: the command that prints the image's id of each. */
    public static final String IMAGES =
            "printf '%s\\n' \"$containers\" | sed -n "
                    + "'s/^{\"Id\":\"[^\"]*\",\"Name\":\"[^\"]*\",\"Image\":\"\\([^\"]*\\)\".*/\\1/p'";

    /**
     * The oldest versions that take our Compose files: those that know {@code start_interval}, by which a start is
     * known to be healthy within a second or two.
     */
    public static final String OLDEST_ENGINE = "25.0";
    public static final String OLDEST_COMPOSE = "2.20.2";

    private static final Pattern PUBLISHED = Pattern.compile(":(\\d{1,5})(?:-(\\d{1,5}))?->");

    private Docker() {}

    /** Whether a version as Docker prints it (26.1.5+dfsg1, v2.26.1-4) is this one or newer; an empty one is none. */
    public static boolean atLeast(String oldest, String version) {
        var numbers = version.replaceFirst("^v", "").split("[^0-9.]")[0];
        return numbers.matches("\\d+(\\.\\d+)*") && Version.parse(numbers).compareTo(Version.parse(oldest)) >= 0;
    }

    /** The container of a service of core. */
    public static String ofCore(String service) {
        return CORE + service;
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

        /** One whose folder is not known. */
        public Container(String id, String name, String service, String image, String imageId, String status,
                String health, int restarts, int exitCode, String startedAt, String configHash) {
                    this(id, name, service, image, imageId, status, health, restarts, exitCode, startedAt, configHash,
                            "");
                }

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
     * @param hash Compose's of the configuration that its container was made from, {@code folder} where that was; empty
     *     where nobody noted it
     */
    public record Image(String reference, String id, String digest,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) String hash,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) String folder) {

        /** One of which no container is known. */
        public Image(String reference, String id, String digest) {
            this(reference, id, digest, "", "");
        }

        /**
         * Whether an image is this one, by its id or by the digests that its registries know it by; of one with neither
         * nothing is known.
         */
        public boolean is(String other, List<String> digests) {
            return id.isEmpty() && digest.isEmpty() || id.equals(other)
                    || !digest.isEmpty() && digests.contains(digest);
        }
    }

    /**
     * A container of whatever project, none where it is not of Compose, and the ports of the node that it publishes
     * while it runs.
     *
     * @param folder from which Compose started it, where that is there and not the stack's; else empty
     */
    public record Beside(String name, String project, Set<Integer> ports, String folder) {
        public Beside(String name, String project, Set<Integer> ports) {
            this(name, project, ports, "");
        }
    }

    /**
     * Shell lines that say every container of the node as a fact {@code beside}, and what {@link Occupant} reads, with
     * {@code say} defined, and {@code directory} as the stack's.
     */
    public static final String BESIDE = Occupant.TOOLS + """
            here=$(cd -P "$directory" 2>/dev/null && pwd) || here=$directory
            docker ps -a --format '{{.Names}}|{{.Label "PROJECT"}}|{{.Ports}}|{{.Label "WORKING_DIR"}}' | while IFS= \
            read -r line; do
              folder=${line##*|}
              project=${line#*|}
              occupied "${line%%|*}" "${project%%|*}" "$folder"
              # by another path the same one
              case $folder in "$here") folder= ;; /*) folder=$(cd -P "$folder" 2>/dev/null && pwd) || folder= ;; *) \
            folder= ;; esac
              [ "$folder" != "$here" ] || folder=
              say beside "${line%|*}|$folder"
            done
            """.replace("PROJECT", PROJECT).replace("WORKING_DIR", FOLDER);

    /** The answer of {@link #BESIDE}. Ports come as "0.0.0.0:8000-8001->8000-8001/tcp, [::]:8000->8000/tcp". */
    public static List<Beside> beside(Facts facts) {
        return facts.all("beside").stream().map(line -> line.split("\\|", 4)).filter(parts -> parts.length > 2)
                .map(parts -> {
                    var ports = new TreeSet<Integer>();
                    PUBLISHED.matcher(parts[2]).results().forEach(range -> {
                        int first = Integer.parseInt(range.group(1));
                        int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
                        for (int port = first; port <= Math.min(last, first + 1000); port++) ports.add(port);
                    });
                    return new Beside(parts[0], parts[1], ports, parts.length > 3 ? parts[3] : "");
                }).toList();
    }

    /**
     * What helps where an Engine does not answer, by what it said: a service that is not installed cannot be enabled.
     */
    public static String startOrInstall(String said, String user) {
        return said.startsWith("there is no docker")
                ? "apt-get install docker.io docker-compose (Debian 13), or docker-ce and docker-compose-plugin from "
                        + "Docker's own packages"
                : "systemctl enable --now docker; is " + user + " allowed to use it?";
    }

    /**
     * Shell lines that define {@code container}: the database's, which Compose's labels tell where somebody gave it
     * another name.
     */
    public static String database() {
        return Sh.let("container", DATABASE) + """
                named=
                for one in $(docker ps -a --filter label=com.docker.compose.project=PROJECT --filter \
                label=com.docker.compose.service=db \\
                    --filter label=com.docker.compose.oneoff=False --format '{{.Names}}' 2>/dev/null); do
                  [ "$named" = "$container" ] || named=$one
                done
                container=${named:-$container}
                """.replace("PROJECT", CORE_PROJECT);
    }

    /** A script that prints one line of JSON for each container of a Compose project, stopped ones too. */
    public static String containersOf(String project) {
        return "ids=$(" + idsOf(project) + ")\n"
                + "[ -z \"$ids\" ] || docker inspect --format " + Sh.quote(CONTAINER) + " $ids\n";
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
     * Shell lines that hand the id of each of these images, and its references by digest as JSON, to a function; one
     * that is gone is passed over.
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
     * The answer of {@link #containersOf}, by service, of several of one those first that Compose made; those of the
     * services of ours alone. A line that is no such JSON is a {@link Problem}.
     */
    public static List<Container> containers(String lines) {
        return parsed(lines).filter(Docker::ours).map(Docker::container)
                .sorted(Comparator.comparing(Container::service)
                        .thenComparing(container -> container.configHash().isEmpty()).thenComparing(Container::passing))
                .toList();
    }

    /**
     * The containers of other services in the project of workers, which Compose and we leave alone. Core's project may
     * have such of a homelab that was taken over.
     */
    public static List<Container> strays(Facts facts) {
        return parsed(String.join("\n", facts.all("container")))
                .filter(json -> !oneOff(json) && !ours(json) && !label(json, PROJECT).equals(CORE_PROJECT))
                .map(Docker::container).toList();
    }

    private static Stream<JsonNode> parsed(String lines) {
        return lines.lines().filter(line -> !line.isBlank()).map(line -> Json.parse(line, "docker"));
    }

    /** The answer of {@link #sayContainers}, by service. */
    public static List<Container> containers(Facts facts) {
        return containers(String.join("\n", facts.all("container")));
    }

    /** The container of a Compose service; empty where there is none. */
    public static Optional<Container> service(List<Container> containers, String service) {
        return containers.stream().filter(container -> container.service().equals(service)).findFirst();
    }

    private static boolean ours(JsonNode container) {
        return !oneOff(container) && ours(label(container, PROJECT), label(container, SERVICE));
    }

    /** Whether a service of one of our projects is one that we deploy. */
    public static boolean ours(String project, String service) {
        return switch (project) {
            case CORE_PROJECT -> CORE_SERVICES.contains(service);
            case WORKERS_PROJECT -> WORKER.matcher(service).matches();
            default -> true;
        };
    }

    private static boolean oneOff(JsonNode container) {
        return label(container, ONE_OFF).equals("True");
    }

    private static String label(JsonNode container, String name) {
        return container.path("Config").path("Labels").path(name).asText();
    }

    private static Container container(JsonNode node) {
        var state = node.path("State");
        var labels = node.path("Config").path("Labels");
        return new Container(node.path("Id").asText(), node.path("Name").asText().replaceFirst("^/", ""),
                labels.path(SERVICE).asText(), node.path("Config").path("Image").asText(),
                node.path("Image").asText(), state.path("Status").asText(),
                state.path("Health").path("Status").asText(""),
                node.path("RestartCount").asInt(), state.path("ExitCode").asInt(), state.path("StartedAt").asText(),
                labels.path(CONFIG_HASH).asText(), labels.path(FOLDER).asText());
    }

    /**
     * A script that logs in to a registry for as long as it runs, then pulls images side by side, and gives those that
     * are pulled by digest the reference that they are to have.
     *
     * @param images to a reference; empty for one that needs none
     * Exit codes: those of {@link Registry#login}, and {@link ScriptExit#NOT_PULLED}.
     */
    public static String pull(String registry, String username, Map<String, String> images) {
        return new Registry(registry, username).login() + """
                pull() { docker pull -q "$1" >/dev/null && { [ -z "$2" ] || docker tag "$1" "$2"; } || printf '%s\\n' \
                "${2:-$1}" >>"$config/failed"; }
                """ + images.entrySet().stream()
                        .map(image -> "pull " + Sh.words(List.of(image.getKey(), image.getValue())) + " &\n")
                        .collect(Collectors.joining()) + "wait\n" + ScriptExit.numbers("""
                        [ ! -e "$config/failed" ] || { cat "$config/failed"; exit $NOT_PULLED; }
                        """);
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
