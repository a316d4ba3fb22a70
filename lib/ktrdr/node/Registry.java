package ktrdr.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.fleet.FleetNode;
import ktrdr.inventory.Inventory;

/**
 * The registry as a node sees it: the login that pulling needs too, and the question which images it has, before
 * anything is pulled.
 *
 * @param host such as "ghcr.io", with its port where it has one
 * @param username whose token the variable REGISTRY_TOKEN holds
 */
public record Registry(String host, String username) {
    /** How long the registry has for an answer, in seconds. */
    private static final int PATIENCE = 20;
    private static final String TOO_LATE = "no answer within " + PATIENCE + " s";
    /** What timeout(1) ends with, and what it ends with where only KILL helped. */
    private static final Pattern TIMED_OUT = Pattern.compile("124|137");
    /** The words with which registries and docker refuse; they choose between sentences, never between good and bad. */
    private static final Pattern REFUSED = Pattern.compile("(?i)unauthorized|denied|forbidden|incorrect|credentials");
    /**
     * Disk for a byte of a compressed layer. Docker keeps the download next to what it unpacks until the layer is done
     * (the containerd image store permanently); unpacked, a layer of the practice fleet's images takes 2.1 to 2.7 times
     * its compressed size in blocks of its file system: 1 + 3.
     */
    private static final int FACTOR = 4;
    /** A terabyte: of as many of these as there may be in a manifest, the sum with its factor is still a number. */
    private static final long LARGEST = 1L << 40;
    /** A layer's own folders and metadata, 32 to 56 KiB for an almost empty layer. */
    private static final long LAYER = 64 * 1024;

    /** The registry of an inventory. */
    public static Registry of(Inventory inventory) {
        return new Registry(inventory.images().registry(), inventory.images().username());
    }

    /**
     * When the certificate of the inventory's registry ends, as a node sees it with its openssl; no TLS there, or no
     * answer in time, is a {@link Problem}. Nothing of it is trusted.
     */
    public static Instant certificateEnd(FleetNode node) {
        var host = node.fleet().inventory().images().registry();
        var result = node.run(Sh.let("host", host.replaceFirst(":\\d+$", "")) +
                Sh.let("port", host.matches(".*:\\d+") ? host.replaceFirst(".*:", "") : "443")
                + "timeout " + PATIENCE
                + " openssl s_client -connect \"$host:$port\" -servername \"$host\" 2>/dev/null | openssl x509 -noout "
                + "-enddate -dateopt iso_8601\n");
        if (result.ok()) return Units.instant(result.out().strip().replace("notAfter=", "").replace(' ', 'T'));
        throw Problem.unreachable(node + ": the registry " + host + " showed no certificate")
                .expected("TLS, and an openssl of version 3 on the node").found(result);
    }

    /** A layer as it travels: its digest and the bytes of it, compressed. */
    public record Layer(String digest, long bytes, int factor) {
        /** One of the registry's, which is compressed. */
        public Layer(String digest, long bytes) {
            this(digest, bytes, FACTOR);
        }
    }

    /**
     * An image in the registry, for the platform of the node that asked.
     *
     * @param image the reference asked about
     * @param digest of its manifest for that platform; after a pull RepoDigests has this one, or where the image is
     *     made for several platforms that of the list of them, which {@code docker manifest inspect} does not tell
     * @param config digest of its configuration, which is the image's id in Docker's classic image store
     */
    public record Manifest(String image, String digest, String config, List<Layer> layers) {
        /** What travels, compressed. */
        public long bytes() {
            return layers.stream().mapToLong(Layer::bytes).sum();
        }

        /** The ids that the image may have on a node: in the classic image store, and in containerd's. */
        public List<String> ids() {
            return List.of(config, digest);
        }
    }

    /**
     * The answers: the images that are available, and why the others are not, both by reference; and the platform of
     * the node's images, such as linux/amd64.
     */
    public record Images(Map<String, Manifest> manifests, Map<String, Problem> problems, String platform) {}

    /** Chooses a tmpfs for the login, and defines how docker is stopped. */
    private static final String LOGIN_PLACE = ScriptExit.numbers("""
            for place in /dev/shm /run; do
              [ "$(stat -f -c %T "$place" 2>/dev/null)" = tmpfs ] && [ -w "$place" ] && break
              place=
            done
            [ -n "$place" ] || { echo "neither /dev/shm nor /run is a writable tmpfs" >&2; exit \
            $NO_TMPFS; }
            config=
            login=
            # docker may be deaf to TERM while it waits for the registry, and would write the login after \
            all; it \
            is in the group of its timeout
            slay() { kill -s KILL -- "-$1" 2>/dev/null || kill -s KILL "$1" 2>/dev/null || :; }
            """);
    private static final String LOG_IN = ScriptExit.numbers("""
            export DOCKER_CONFIG="$config"
            # images that everyone may have are of another registry, and need no token
            if [ -n "$REGISTRY_TOKEN" ]; then
              # in the background, since a shell that waits hears a signal and one with a command in front does not
              printf %s "$REGISTRY_TOKEN" | timeout -s KILL "$patience" docker login --username "$username" \
            --password-stdin "$registry" >/dev/null 2>"$config/said" &
              login=$!
              wait "$login" 2>/dev/null || {
                code=$?
                cat "$config/said" >&2
                [ "$code" != 137 ] || exit $SILENT
                exit $NO_LOGIN
              }
            fi
            login=
            unset REGISTRY_TOKEN
            """);

    /** Whether an image is its own, for which the login is needed. */
    public boolean has(String image) {
        return image.startsWith(host + "/");
    }

    /**
     * The lines that log in for as long as a script runs, where there is a token.
     *
     * The token comes from the variable REGISTRY_TOKEN and goes to docker on standard input. The login is kept on
     * tmpfs, in a DOCKER_CONFIG {@code $config} that is removed whenever the script ends; after a SIGKILL, by the next
     * login. Exit codes: {@link ScriptExit#NO_TMPFS}, {@link ScriptExit#NO_LOGIN}, {@link ScriptExit#SILENT}.
     */
    public String login() {
        return Sh.let("registry", host) + Sh.let("username", username) + "patience=" + PATIENCE + "\n" + LOGIN_PLACE
                + Sh.atEnd("[ -z \"$login\" ] || slay \"$login\"; rm -rf \"$config\"")
                + Sh.folder("config", "\"$place\"/ktrdr") + LOG_IN;
    }

    /**
     * A script that logs in, then pulls images in parallel. An image that is pulled by digest also gets its reference.
     * Exit codes: those of {@link #login}, and {@link ScriptExit#NOT_PULLED}.
     *
     * @param images to the reference that each gets; empty for an image that needs none
     */
    public String pull(Map<String, String> images) {
        return login() + """
                pull() { docker pull -q "$1" >/dev/null && { [ -z "$2" ] || docker tag "$1" "$2"; } || printf '%s\\n' \
                "${2:-$1}" >>"$config/failed"; }
                """ + images.entrySet().stream()
                        .map(image -> "pull " + Sh.words(List.of(image.getKey(), image.getValue())) + " &\n")
                        .collect(Collectors.joining()) + "wait\n" + ScriptExit.numbers("""
                        [ ! -e "$config/failed" ] || { cat "$config/failed"; exit $NOT_PULLED; }
                        """);
    }

    /**
     * A script that logs in and asks about images, side by side; it pulls nothing and leaves nothing on the node. Its
     * answer is for {@link #answer}.
     */
    public String ask(List<String> images) {
        return login() + Facts.SAY + """
                ask() {
                  code=0
                  # in our group, so that whoever ends the script ends it too
                  timeout --foreground -k 2 "$patience" docker manifest inspect --verbose "$2" >"$config/$1.json" \
                2>"$config/$1.said" || code=$?
                  printf '%s\\n' "$code" >"$config/$1.code"
                }
                said() {
                  case $(cat "$config/$1.code") in
                    0) say "manifest $2" "$(cat "$config/$1.json")" ;;
                    *) say "refused $2" "$(cat "$config/$1.code" "$config/$1.said")" ;;
                  esac
                }
                each() {
                  number=0
                """ + "  for image in " + Sh.words(images) + "; do\n" + """
                    number=$((number + 1))
                    "$@" "$number" "$image"
                  done
                }
                beside() { ask "$@" & }
                each beside
                wait
                each said
                say platform "$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')"
                say end yes
                """;
    }

    /** The answer of {@link #ask}. A failed login, and what is of another form, is a {@link Problem}. */
    public Images answer(String node, CommandResult result) {
        if (!result.ok()) throw failure(node, result)
                .orElseGet(() -> Problem.failed(node + ": the registry " + host + " could not be asked").found(result));
        var facts = Facts.parse(result.out());
        var manifests = new LinkedHashMap<String, Manifest>();
        var problems = new LinkedHashMap<String, Problem>();
        facts.under("manifest").forEach((image, json) -> {
            var entries = entries(Json.parse(json, "docker"));
            manifest(image, entries, facts.get("platform")).ifPresentOrElse(manifest -> manifests.put(image, manifest),
                    () -> problems.put(image, otherPlatform(node, image, entries, facts.get("platform"))));
        });
        facts.under("refused").forEach((image, said) -> problems.put(image, refused(node, image, said)));
        return new Images(manifests, problems, facts.get("platform"));
    }

    /** The sentence for an exit code of the login; empty for codes that are not its own. */
    public Optional<Problem> failure(String node, CommandResult result) {
        var said = result.lastWords();
        return Optional.ofNullable(switch (ScriptExit.of(result)) {
            case NO_TMPFS -> Problem.failed(node + ": no tmpfs for the registry login")
                    .expected("a tmpfs at /dev/shm or /run").found(said);
            case NO_LOGIN -> REFUSED.matcher(said).find()
                    ? Problem.failed(node + ": the registry " + host + " did not accept the login of " + username)
                            .found(said)
                            .fix("check the token (secret ghcr_token, needs read:packages); nothing was changed")
                    : silent(node, "", said);
            case SILENT -> silent(node, "", TOO_LATE);
            default -> null;
        }).map(problem -> problem.stderr(result.err()));
    }

    private Problem refused(String node, String image, String answer) {
        var code = answer.split(" ", 2)[0];
        var said = answer.substring(code.length()).strip();
        if (TIMED_OUT.matcher(code).matches()) return silent(node, " about " + image, TOO_LATE);
        // the docker CLI says so too where the login may not see the image
        if (said.startsWith("no such manifest")) return Problem.failed(node + ": there is no image " + image
                + " in the registry").found(said)
                .fix("check the tag, and that " + username + " may read the image; nothing was changed");
        if (REFUSED.matcher(said).find()) return Problem.failed(node + ": the registry did not let " + username
                + " see " + image).found(said)
                .fix("check the token (secret ghcr_token, needs read:packages); nothing was changed");
        return silent(node, " about " + image, said);
    }

    private Problem silent(String node, String about, String said) {
        return Problem.failed(node + ": the registry " + (about.isEmpty() ? host + " " : "") + "could not be asked"
                + about).found(said)
                .fix("check that the registry is up and that " + node + " reaches it; nothing was changed");
    }

    private static Problem otherPlatform(String node, String image, List<JsonNode> entries, String platform) {
        var found = entries.stream().map(Registry::platform).filter(text -> !text.equals("unknown/unknown")).distinct()
                .collect(Collectors.joining(", "));
        return Problem.failed(node + ": the image " + image + " is not built for this node's platform")
                .expected("one for " + platform).found("for " + found);
    }

    private static List<JsonNode> entries(JsonNode answer) {
        return answer.isArray() ? StreamSupport.stream(answer.spliterator(), false).toList() : List.of(answer);
    }

    /**
     * The one for a platform such as "linux/amd64", the plain one where there are variants; an image that names no
     * platform is for all.
     */
    private static Optional<Manifest> manifest(String image, List<JsonNode> entries, String platform) {
        var fitting = new ArrayList<>(entries.stream()
                .filter(entry -> platform(entry).equals(platform) || platform(entry).equals("/")).toList());
        fitting.sort((a, b) -> variant(a).length() - variant(b).length());
        return fitting.stream().findFirst().map(entry -> manifest(image, entry));
    }

    private static Manifest manifest(String image, JsonNode entry) {
        var manifest = entry.has("OCIManifest") ? entry.path("OCIManifest") : entry.path("SchemaV2Manifest");
        var layers = new ArrayList<Layer>();
        manifest.path("layers")
                .forEach(layer -> layers.add(new Layer(layer.path("digest").asText(), size(layer.path("size")))));
        var digest = entry.path("Descriptor").path("digest").asText();
        var config = manifest.path("config").path("digest").asText();
        if (digest.isEmpty() || config.isEmpty()
                || layers.stream().anyMatch(layer -> layer.bytes() < 0)) throw Problem.failed("docker described "
                        + image + " in an unknown form")
                .expected("a Descriptor, and a manifest of Docker's schema 2 or of OCI, whose layers have their sizes")
                .found(Console.brief(entry.toString(), 200));
        return new Manifest(image, digest, config, List.copyOf(layers));
    }

    /** In bytes; -1 if it is invalid: taken for 0, it would let an image be pulled onto a disk that is too small. */
    private static long size(JsonNode size) {
        return size.isIntegralNumber() && size.canConvertToLong() && size.asLong() >= 0 && size.asLong() <= LARGEST
                ? size.asLong() : -1;
    }

    private static String platform(JsonNode entry) {
        var platform = entry.path("Descriptor").path("platform");
        return platform.path("os").asText() + "/" + platform.path("architecture").asText();
    }

    private static String variant(JsonNode entry) {
        return entry.path("Descriptor").path("platform").path("variant").asText();
    }

    /** At most how many bytes of disk it takes to pull and unpack these images, of which the node has no layer yet. */
    public static long need(Collection<Manifest> images) {
        var layers = images.stream().flatMap(image -> image.layers().stream())
                .collect(Collectors.toMap(Layer::digest, layer -> layer.factor() * layer.bytes() + LAYER, Math::max));
        return layers.values().stream().mapToLong(need -> need).sum();
    }
}
