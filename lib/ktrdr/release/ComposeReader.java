package ktrdr.release;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.DidYouMean;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.inventory.Part;
import ktrdr.inventory.ScaledWorkers;

/** Reads one service of a Compose file: the short and the long forms of its parts, and what {@code x-ktrdr} says. */
final class ComposeReader {
    static final String OWN = "x-ktrdr";
    private static final Set<String> KEYS =
            new TreeSet<>(List.of("release", "once", "proof", "worker", "reads", "reload", "busy", "part", "scale"));
    private static final Set<String> PROOF =
            new TreeSet<>(List.of("http", "tcp", "command", "sql", "port", "field", "is"));
    /** The ways to prove a service, and what may come with each. */
    private static final List<String> HOW = List.of("http", "tcp", "command", "sql");
    private static final Map<String, List<String>> WITH = Map.of("http", List.of("port", "field", "is"), "tcp",
            List.of(), "command", List.of("is"), "sql", List.of("is"));
    /** PostgreSQL's own client, with the names that its image was started with. */
    private static final String PSQL = "exec psql -w -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -Atqc \"$1\"";
    /** [address:]published:inside[/protocol], as Compose's short form has it; ranges are not used. */
    private static final Pattern PORT = Pattern.compile("(?:.*:)?(\\d+):(\\d+)(?:/tcp)?");
    private static final Duration ONCE = Duration.ofMinutes(10);
    private final String file;
    private final String project;
    private final String name;
    private final Map<?, ?> keys;
    private final Map<String, String> values;

    ComposeReader(String file, String project, String name, Object keys, Map<String, String> values) {
        this.file = file;
        this.project = project;
        this.name = name;
        this.values = values;
        if (!(keys instanceof Map<?, ?> map)) throw Problem.usage(file + ": services." + name + " is not a mapping")
                .expected("keys such as image");
        this.keys = map;
        if (map.containsKey("extends")) throw wrong("extends", "is not read by the toolkit", "all keys here");
    }

    ComposeService service() {
        var image = text("image");
        if (keys.get("image") == null) throw wrong("image", "is missing", "what to run: nothing is built on a node");
        alone();
        var own = own(OWN, keys.get(OWN), KEYS);
        var ports = ports();
        var container = text("container_name");
        var raw = String.valueOf(keys.get("image"));
        return new ComposeService(name, container.isEmpty() ? project + "-" + name + "-1" : container, image,
                own.containsKey("release") ? flag("release", own.get("release"))
                        : raw.matches("(?s).*\\$\\{?" + ComposeFile.TAG + "\\b.*"),
                once(own.get("once")), Set.copyOf(list("profiles", keys.get("profiles"))), after(), ports,
                proof(own.get("proof"), ports), worker(own.get("worker"), ports), scale(own), reads(own),
                busy(own.get("busy"), ports), environment(), part(own.get("part")));
    }

    /** A service is one container: it has one name, and is proven as one. */
    private void alone() {
        var replicas = keys.get("deploy") instanceof Map<?, ?> deploy ? fill(deploy.get("replicas")) : "";
        for (var count : List.of(text("scale"), replicas)) if (!List.of("", "1").contains(count))
            throw wrong("scale", "is " + count, "one container a service; more of it are more services");
    }

    private String fill(Object value) {
        return value == null ? "" : ComposeVariables.fill(value.toString(), values);
    }

    private String text(String key) {
        return fill(keys.get(key));
    }

    private List<String> list(String key, Object value) {
        if (value == null) return List.of();
        if (value instanceof List<?> all) return all.stream().map(this::fill).toList();
        throw wrong(key, "is not a list", "a list");
    }

    private List<String> after() {
        var found = keys.get("depends_on");
        return found instanceof Map<?, ?> conditions ? conditions.keySet().stream().map(this::fill).toList()
                : list("depends_on", found);
    }

    private Map<Integer, Integer> ports() {
        var ports = new TreeMap<Integer, Integer>();
        if (!(keys.get("ports") instanceof List<?> all)) return ports;
        for (var port : all) {
            var match = PORT.matcher(port instanceof Map<?, ?> parts
                    ? fill(parts.get("published")) + ":" + fill(parts.get("target")) : fill(port));
            if (match.matches()) ports.put(number(match.group(2)), number(match.group(1)));
        }
        return ports;
    }

    /** A name without a value has that of Compose's own environment. */
    private Map<String, String> environment() {
        var environment = new LinkedHashMap<String, String>();
        var found = keys.get("environment");
        if (found instanceof Map<?, ?> all) all.forEach((name, value) -> environment.put(String.valueOf(name),
                value == null ? "${" + name + "}" : value.toString()));
        if (found instanceof List<?> all) for (var line : all) {
            var words = String.valueOf(line).split("=", 2);
            environment.put(words[0], words.length > 1 ? words[1] : "${" + words[0] + "}");
        }
        return environment;
    }

    private int number(String digits) {
        if (digits.length() > 5 || Integer.parseInt(digits) > 65535)
            throw wrong("ports", "has the port " + digits, "1 to 65535");
        return Integer.parseInt(digits);
    }

    private Optional<Duration> once(Object value) {
        if (value == null || value.equals("false")) return Optional.empty();
        var restart = text("restart");
        if (!List.of("", "no", "on-failure").contains(restart.replaceFirst(":.*", ""))) throw wrong("restart", "is "
                + restart + ", and `" + OWN + ".once` says that it runs to its end", "restart: \"no\"");
        try {
            return Optional.of(value.equals("true") ? ONCE : Units.duration(value.toString()));
        } catch (Problem invalid) {
            throw wrong(OWN + ".once", "is " + value, "true, or how long it may take, such as 30m");
        }
    }

    private Optional<ServiceProof> proof(Object value, Map<Integer, Integer> ports) {
        return value == null ? Optional.empty() : Optional.of(asked(OWN + ".proof", value, HOW, ports));
    }

    /** What is asked right before it is stopped is asked on the node. */
    private Optional<ServiceProof> busy(Object value, Map<Integer, Integer> ports) {
        return value == null ? Optional.empty()
                : Optional.of(asked(OWN + ".busy", value, List.of("command", "sql"), ports));
    }

    private ServiceProof asked(String path, Object value, List<String> ways, Map<Integer, Integer> ports) {
        var proof = own(path, value, PROOF);
        var kinds = ways.stream().filter(proof::containsKey).toList();
        if (kinds.size() != 1) throw wrong(path, "is " + value, "one of " + String.join(", ", ways));
        var how = kinds.get(0);
        proof.keySet().stream().filter(key -> !key.equals(how) && !WITH.get(how).contains(key)).findFirst()
                .ifPresent(key -> {
                    throw wrong(path, "has `" + key + "`", how + " with " + (WITH.get(how).isEmpty()
                            ? "nothing else" : String.join(", ", WITH.get(how))));
                });
        var expected = Optional.ofNullable(proof.get("is")).map(this::fill);
        return switch (how) {
            case "http" -> http(proof, ports, expected);
            case "tcp" -> ServiceProof.tcp(published(fill(proof.get("tcp")), ports));
            case "sql" -> ServiceProof.command(List.of("sh", "-c", PSQL, "sh", fill(proof.get("sql"))), expected);
            default -> ServiceProof.command(list(path + ".command", proof.get("command")), expected);
        };
    }

    private ServiceProof http(Map<String, Object> proof, Map<Integer, Integer> ports, Optional<String> expected) {
        var path = fill(proof.get("http"));
        if (!path.startsWith("/")) throw wrong(OWN + ".proof.http", "is " + path, "a path such as /health");
        if (expected.isPresent() && !proof.containsKey("field"))
            throw wrong(OWN + ".proof", "has `is` without `field`", "field: with the name of what is compared");
        return ServiceProof.http(path, published(fill(proof.get("port")), ports), fill(proof.get("field")), expected);
    }

    private Optional<ServiceReads> reads(Map<String, Object> own) {
        var signal = Optional.ofNullable(own.get("reload")).map(this::fill);
        if (signal.isPresent() && !own.containsKey("reads"))
            throw wrong(OWN + ".reload", "is there without `reads`", "reads: with the files");
        if (signal.filter(name -> !name.matches("restart|[A-Z][A-Z0-9]{1,9}")).isPresent())
            throw wrong(OWN + ".reload", "is " + signal.get(), "restart, or a signal such as HUP");
        var files = list(OWN + ".reads", own.get("reads"));
        for (var file : files) if (!file.matches("(?!/)(?!(.*/)?\\.\\.(/|$)).+"))
            throw wrong(OWN + ".reads", "has " + file, "paths below the stack's folder, such as monitoring/rules/");
        return files.isEmpty() ? Optional.empty()
                : Optional.of(new ServiceReads(files, signal.filter(name -> !name.equals("restart"))));
    }

    private Optional<Part> part(Object value) {
        if (value == null) return Optional.empty();
        var found = Part.of(fill(value));
        if (found.isEmpty()) throw wrong(OWN + ".part", "is " + value, "one of " + String.join(", ", Part.words()));
        return found;
    }

    private Optional<String> worker(Object value, Map<Integer, Integer> ports) {
        if (value == null) return Optional.empty();
        var type = fill(value);
        if (!type.matches("[a-z][a-z0-9_]*")) throw wrong(OWN + ".worker", "is " + value,
                "the type by which it registers, such as agent_design");
        if (ports.size() != 1) throw wrong(OWN + ".worker", "has " + ports.size() + " ports",
                "the one port under `ports` at which the backend reaches it");
        return Optional.of(type);
    }

    private Optional<String> scale(Map<String, Object> own) {
        if (own.get("scale") == null) return Optional.empty();
        var scale = fill(own.get("scale"));
        if (!scale.matches("[1-9]|" + ScaledWorkers.GPU)) throw wrong(OWN + ".scale", "is " + scale,
                "1 for the first of its type, 2 for the second, …, or " + ScaledWorkers.GPU);
        if (own.get("worker") == null) throw wrong(OWN + ".scale", "is there without `worker`", "worker: its type");
        return Optional.of(scale);
    }

    /** The port that a proof asks: the one that it names by its number inside, or the only one that is published. */
    private int published(String inside, Map<Integer, Integer> ports) {
        if (inside.isEmpty() && ports.size() == 1) return ports.values().iterator().next();
        var port = !inside.matches("\\d{1,5}") ? null : text("network_mode").equals("host") ? Integer.valueOf(inside)
                : ports.get(Integer.parseInt(inside));
        if (port != null) return port;
        throw wrong(OWN + ".proof", inside.isEmpty() ? "names no port" : "names the port " + inside,
                ports.isEmpty() ? "a service that publishes a port" : "one of those that it publishes: "
                        + String.join(", ", ports.keySet().stream().map(String::valueOf).toList()));
    }

    private boolean flag(String key, Object value) {
        if (List.of("true", "false").contains(String.valueOf(value))) return value.equals("true");
        throw wrong(OWN + "." + key, "is " + value, "true or false");
    }

    /** The keys of a part of {@code x-ktrdr}; an unknown one is a mistake, not silently without effect. */
    private Map<String, Object> own(String path, Object value, Set<String> known) {
        var found = new LinkedHashMap<String, Object>();
        if (value == null) return found;
        if (!(value instanceof Map<?, ?> map)) throw wrong(path, "is not a mapping", String.join(", ", known));
        map.forEach((key, inner) -> {
            if (!known.contains(key)) throw wrong(path + "." + key, "is unknown", String.join(", ", known)
                    + DidYouMean.ask(key.toString(), known));
            found.put(key.toString(), inner);
        });
        return found;
    }

    private Problem wrong(String key, String what, String expected) {
        return Problem.usage(file + ": services." + name + "." + key + " " + what).expected(expected);
    }
}
