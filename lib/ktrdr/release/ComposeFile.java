package ktrdr.release;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import ktrdr.Problem;
import ktrdr.Yaml;
import ktrdr.inventory.Part;
import ktrdr.release.Templates.NodeFile;

/**
 * A Compose file as far as the toolkit has to know it: the project and its services. The format is that of the Compose
 * specification; what it cannot say about a service is under {@code x-ktrdr} (docs/reference/templates.md).
 *
 * It is read here and not asked of a node, since a wrong file has to be known before a node is reached. A deployment
 * proves that Compose reads the same services, and that each container has the image that was read.
 *
 * @param project its {@code name}
 * @param services by name, in the order of the file
 * @param profiles that are on, by {@code COMPOSE_PROFILES} of the env file
 */
public record ComposeFile(String project, Map<String, ComposeService> services, Set<String> profiles) {
    /** Files by their texts: those of several nodes differ by their variables alone. */
    private static final Map<List<String>, Map<String, Object>> READ = new ConcurrentHashMap<>();
    /** The variable of the env file with the release. */
    static final String TAG = "IMAGE_TAG";

    /**
     * Reads a file. What it cannot know or use is a {@link Problem} that names the place.
     *
     * @param files the Compose file, and what is read on top of it; their paths are for messages
     * @param env text of the env file with its values
     * @param folder that it is in, after which Compose calls a project without a name
     */
    public static ComposeFile read(List<NodeFile> files, String env, String folder) {
        return parse(tree(files), Templates.env(env),
                files.stream().map(NodeFile::path).collect(Collectors.joining(" with ")), folder);
    }

    /** All that such files say, as maps, lists and texts. What is no YAML is a {@link Problem}. */
    public static Map<String, Object> tree(List<NodeFile> files) {
        return ComposeMerge.of(files.stream().map(file -> READ.computeIfAbsent(List.of(file.content(), file.path()),
                none -> Yaml.merged(file.content(), file.path()))).toList());
    }

    private static ComposeFile parse(Map<String, Object> top, Map<String, String> values, String name,
            String folder) {
        for (var key : List.of("include", "extends")) if (top.containsKey(key)) throw Problem.usage(
                name + ": the toolkit does not read `" + key + "`").expected("all services in this file");
        if (top.containsKey(ComposeReader.OWN)) throw Problem.usage(name + ": `" + ComposeReader.OWN
                + "` is at the top of the file").expected("it under a service");
        var named = ComposeVariables.fill(text(top.get("name")), values);
        var project = named.isEmpty() ? of(folder) : named;
        // Compose's rule for it
        if (!project.matches("[a-z0-9][a-z0-9_-]*")) throw Problem.usage(name + ": the project is called " + project)
                .expected("name: with lower-case letters, digits, '-' and '_', not in front, at the top of the file");
        if (!(top.get("services") instanceof Map<?, ?> found) || found.isEmpty())
            throw Problem.usage(name + ": there are no services").expected("services: with at least one");
        var services = new LinkedHashMap<String, ComposeService>();
        found.forEach((service, keys) -> services.put(text(service),
                new ComposeReader(name, project, text(service), keys, values).service()));
        twice(services, name);
        var profiles = new TreeSet<>(List.of(values.getOrDefault("COMPOSE_PROFILES", "").split(",")));
        profiles.removeIf(String::isBlank);
        return new ComposeFile(project, services, profiles);
    }

    /** The same, with what services of the same names in another file say of themselves where these say nothing. */
    ComposeFile or(ComposeFile other) {
        var all = new LinkedHashMap<String, ComposeService>();
        var taken = services.values().stream().map(ComposeService::part).toList();
        // a part that another service is here is no longer that of the name
        services.forEach((name, service) -> all.put(name, other.service(name)
                .filter(same -> same.part().isEmpty() || service.part().isPresent() || !taken.contains(same.part()))
                .map(service::or).orElse(service)));
        return new ComposeFile(project, all, profiles);
    }

    /** Compose's rule (compose-go, NormalizeProjectName). */
    private static String of(String folder) {
        return folder.substring(folder.lastIndexOf('/') + 1).toLowerCase().replaceAll("[^a-z0-9_-]", "")
                .replaceFirst("^[_-]+", "");
    }

    private static void twice(Map<String, ComposeService> services, String name) {
        for (var part : Part.values()) {
            var found = services.values().stream().filter(service -> service.part().equals(Optional.of(part)))
                    .map(ComposeService::name).toList();
            if (found.size() > 1) throw Problem.usage(name + ": " + String.join(", ", found) + " all have the part "
                    + part.word()).expected("one service a part");
        }
    }

    private static String text(Object value) {
        return value == null ? "" : value.toString();
    }

    /** The services that run with the profiles that are on, in the order of the file. */
    public List<String> active() {
        return services.values().stream().filter(service -> service.active(profiles)).map(ComposeService::name)
                .toList();
    }

    /** The services that read files of the toolkit, and where those are; each reads them again when they change. */
    public Map<String, List<String>> readers() {
        var readers = new TreeMap<String, List<String>>();
        for (var name : active()) services.get(name).reads().ifPresent(reads -> readers.put(name, reads.files()));
        return readers;
    }

    /** The containers of those services, by service. */
    public Map<String, String> reading() {
        var containers = new TreeMap<String, String>();
        readers().keySet().forEach(name -> containers.put(name, services.get(name).container()));
        return containers;
    }

    /** The signal that makes a service read them again; empty if it is restarted. */
    public Optional<String> signal(String name) {
        return service(name).flatMap(ComposeService::reads).flatMap(ServiceReads::signal);
    }

    /** A service by its name; empty if the file has none of it. */
    public Optional<ComposeService> service(String name) {
        return Optional.ofNullable(services.get(name));
    }

    /** The services that run once before the others, each after those that it depends on. */
    public List<String> once() {
        var ordered = new ArrayList<String>();
        services.keySet().forEach(name -> visit(name, ordered, new TreeSet<>()));
        return ordered.stream().filter(name -> services.get(name).once().isPresent()).toList();
    }

    /** The services that a service which runs once needs, and theirs, other than those that run once themselves. */
    public List<String> before(String name) {
        var needed = new ArrayList<String>();
        visit(name, needed, new TreeSet<>());
        return needed.stream().filter(one -> !one.equals(name) && services.get(one).once().isEmpty()).toList();
    }

    /**
     * A file on top of this one that leaves out what depends on a service that runs once, and what that depends on:
     * with both Compose gives the hashes of containers that are not brought up together. Empty where nothing runs once.
     */
    public String alone() {
        var once = once();
        if (once.isEmpty()) return "";
        var text = new StringBuilder("services:\n");
        for (var service : services.values()) {
            var dropped = service.after().stream().filter(once::contains).toList();
            if (once.contains(service.name())) text.append(dropped(service.name(), "!reset null"));
            else if (!dropped.isEmpty()) text.append(dropped(service.name(), dropped.stream()
                    .map(name -> "\"" + name + "\": !reset null").collect(Collectors.joining(", ", "{", "}"))));
        }
        return text.toString();
    }

    private static String dropped(String service, String what) {
        return "  \"" + service + "\": {depends_on: " + what + "}\n";
    }

    private void visit(String name, List<String> ordered, Set<String> seen) {
        if (!services.containsKey(name) || ordered.contains(name) || !seen.add(name)) return;
        services.get(name).after().forEach(before -> visit(before, ordered, seen));
        ordered.add(name);
    }
}
